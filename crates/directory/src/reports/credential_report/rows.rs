//! The rows of a report. Names and ARNs contain no quotes, commas only in names: fields with a comma are quoted.

use std::io::Write as _;

use bailiwick_model::{AccountId, Result};
use bailiwick_operation::{Deployment, Principal, RecentUses};
use bailiwick_storage::{KeyOwner, PasswordPolicy, RootPassword, Tx, User};
use jiff::Timestamp;

use crate::address::IdentityRecord as _;

const COLUMNS: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
                       password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,\
                       access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,\
                       access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
                       access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,\
                       cert_1_last_rotated,cert_2_active,cert_2_last_rotated";
const NONE: &str = "N/A";
const NOT_SUPPORTED: &str = "not_supported";
/// A password that was never used.
const NO_INFORMATION: &str = "no_information";

/// The names of the columns.
pub(super) fn header(text: &mut Vec<u8>) {
    text.extend_from_slice(COLUMNS.as_bytes());
}

/// The row of root. Its password does not expire.
pub(super) async fn root(text: &mut Vec<u8>, deployment: &Deployment, tx: &mut Tx, account: AccountId) -> Result<()> {
    let Some(stored) = tx.find_account(account).await? else { return Ok(()) };
    let arn = Principal::Root { account }.arn(deployment.partition);
    let mut row = vec!["<root_account>".to_owned(), arn.to_string(), date(stored.created)];
    match tx.account_setting::<RootPassword>(account).await? {
        Some(password) => row.extend([flag(true), last_use(password.last_used), date(password.changed)]),
        None => row.extend([flag(false), NONE.to_owned(), NONE.to_owned()]),
    }
    row.push(NOT_SUPPORTED.to_owned());
    row.push(flag(tx.mfa_device_count_of(account, &KeyOwner::Root).await? > 0));
    add_keys(&mut row, &deployment.recent_uses, tx, account, KeyOwner::Root).await?;
    add_certificates(&mut row, tx, account, KeyOwner::Root).await?;
    write(text, &row);
    Ok(())
}

/// The row of a user.
pub(super) async fn user(text: &mut Vec<u8>, deployment: &Deployment, tx: &mut Tx, user: &User) -> Result<()> {
    let mut row = vec![user.name.to_string(), user.arn(deployment.partition).to_string(), date(user.created)];
    add_password(&mut row, tx, user).await?;
    let owner = KeyOwner::User(user.id);
    row.push(flag(tx.mfa_device_count_of(user.account, &owner).await? > 0));
    add_keys(&mut row, &deployment.recent_uses, tx, user.account, owner).await?;
    add_certificates(&mut row, tx, user.account, owner).await?;
    write(text, &row);
    Ok(())
}

/// The columns of the password.
async fn add_password(row: &mut Vec<String>, tx: &mut Tx, user: &User) -> Result<()> {
    let Some(profile) = tx.find_login_profile(user.account, &user.id).await? else {
        row.push(flag(false));
        row.extend([NONE; 3].map(str::to_owned));
        return Ok(());
    };
    let policy = tx.account_setting::<PasswordPolicy>(user.account).await?;
    let rotation = policy.and_then(|policy| policy.expires(profile.changed));
    row.extend([
        flag(true),
        last_use(user.password_last_used),
        date(profile.changed),
        rotation.map_or_else(|| NONE.to_owned(), date),
    ]);
    Ok(())
}

/// The columns of both access keys, ordered by id, as AWS's reports are.
async fn add_keys(
    row: &mut Vec<String>,
    recent_uses: &RecentUses,
    tx: &Tx,
    account: AccountId,
    owner: KeyOwner,
) -> Result<()> {
    let keys = tx.list_access_keys(account, &owner, None, 2).await?.items;
    for place in 0..2 {
        let Some(key) = keys.get(place) else {
            row.push(flag(false));
            row.extend([NONE; 4].map(str::to_owned));
            continue;
        };
        row.extend([flag(key.active), date(key.created)]);
        // A use may not be in the store yet.
        let used = match recent_uses.of_key(&key.id) {
            Some(recent) => Some(recent),
            None => tx.access_key_last_used(account, &key.id).await?,
        };
        match used {
            Some(used) => row.extend([date(used.time), used.region, used.service]),
            None => row.extend([NONE; 3].map(str::to_owned)),
        }
    }
    Ok(())
}

/// The columns of both signing certificates: as in AWS's reports the inactive one first, then by id.
async fn add_certificates(row: &mut Vec<String>, tx: &Tx, account: AccountId, owner: KeyOwner) -> Result<()> {
    let mut certificates = tx.list_signing_certificates(account, &owner, None, 2).await?.items;
    certificates.sort_by_key(|certificate| certificate.active);
    for place in 0..2 {
        row.extend(match certificates.get(place) {
            Some(certificate) => [flag(certificate.active), date(certificate.uploaded)],
            None => [flag(false), NONE.to_owned()],
        });
    }
    Ok(())
}

/// When a password was last used, if ever.
fn last_use(time: Option<Timestamp>) -> String {
    time.map_or_else(|| NO_INFORMATION.to_owned(), date)
}

fn flag(value: bool) -> String {
    value.to_string()
}

fn date(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn write(text: &mut Vec<u8>, row: &[String]) {
    for (at, field) in row.iter().enumerate() {
        let separator = if at == 0 { "\n" } else { "," };
        let quote = if field.contains([',', '"']) { "\"" } else { "" };
        // Writing to memory can't fail.
        let _ = write!(text, "{separator}{quote}{}{quote}", field.replace('"', "\"\""));
    }
}
