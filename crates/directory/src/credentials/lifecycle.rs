//! The end of credentials by the credential rules of their account: when it is, its warning, and the change that makes it.
//!
//! Decisions do not wait for that change: the view refuses an access key that is older than the rules allow.

use bailiwick_model::{AccessKeyId, AccountId, Arn, ErrorCode, IamError, Partition, Result, UniqueId};
use bailiwick_operation::{Cx, Deployment, Principal};
use bailiwick_storage::{AccessKey, CredentialRules, KeyOwner, LoginProfile, Tx, User};
use jiff::Timestamp;

use super::login_profile::forget_sign_ins;
use crate::address::IdentityRecord as _;
use crate::view;

/// How many users are looked at in one transaction.
const CHUNK: usize = 100;

/// When a credential ends, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// When.
    pub at: Timestamp,
    /// `MaximumAge` or `Unused`.
    pub reason: &'static str,
    /// When the key was created, or when the credential was last used, set or activated.
    pub since: Timestamp,
}

impl End {
    pub(crate) const MAXIMUM_AGE: &str = "MaximumAge";
    const UNUSED: &str = "Unused";

    /// When, as messages have it.
    pub fn date(&self) -> Option<prost_types::Timestamp> {
        view::date(self.at)
    }

    /// Since when, as messages have it.
    pub fn since_date(&self) -> Option<prost_types::Timestamp> {
        view::date(self.since)
    }

    /// The end that something has by one rule, if there is such a rule.
    fn by(rules: &CredentialRules, reason: &'static str, since: Timestamp, days: Option<u32>) -> Option<Self> {
        rules.end(since, days).map(|at| End { at, reason, since })
    }
}

/// Returns when an active access key ends; `tags` are those of its user, or none for root.
pub(crate) async fn end_of_key(
    deployment: &Deployment,
    tx: &Tx,
    rules: &CredentialRules,
    key: &AccessKey,
    user: Option<&User>,
) -> Result<Option<End>> {
    if !key.active || rules.is_exempt(user.map(|user| &user.tags)) {
        return Ok(None);
    }
    let old = End::by(rules, End::MAXIMUM_AGE, key.created, rules.access_key_max_age_days);
    let unused = match rules.access_key_unused_days {
        None => None,
        days => {
            // A use may not be in the store yet.
            let recent = deployment.recent_uses.of_key(&key.id);
            let stored = tx.access_key_last_used(key.account, &key.id).await?;
            let uses = recent.into_iter().chain(stored).map(|used| used.time);
            let since = uses.chain(key.activated).fold(key.created, Timestamp::max);
            End::by(rules, End::UNUSED, since, days)
        }
    };
    Ok(old.into_iter().chain(unused).min_by_key(|end| end.at))
}

/// Returns when the password of a user ends.
pub fn end_of_password(rules: &CredentialRules, user: &User, profile: &LoginProfile) -> Option<End> {
    if rules.is_exempt(Some(&user.tags)) {
        return None;
    }
    let since = user.password_last_used.map_or(profile.changed, |used| used.max(profile.changed));
    End::by(rules, End::UNUSED, since, rules.password_unused_days)
}

/// Refuses the activation of an access key that is older than the rules of the account allow.
///
/// # Errors
/// `InvalidInput`.
pub(super) async fn refuse_expired(cx: &Cx, tx: &mut Tx, key: &AccessKey) -> Result<()> {
    let Some(rules) = tx.account_setting::<CredentialRules>(key.account).await? else { return Ok(()) };
    let user = user_of(tx, key).await?;
    let end = rules.end(key.created, rules.access_key_max_age_days).filter(|end| *end <= cx.now());
    if end.is_none() || rules.is_exempt(user.as_ref().map(|user| &user.tags)) {
        return Ok(());
    }
    let days = rules.access_key_max_age_days.unwrap_or_default();
    let message = format!(
        "The access key {} is older than the {days} days that the credential rules of the account allow. Create another one.",
        key.id
    );
    Err(IamError::new(ErrorCode::InvalidInput, message))
}

async fn user_of(tx: &mut Tx, key: &AccessKey) -> Result<Option<User>> {
    match &key.owner {
        KeyOwner::Root => Ok(None),
        KeyOwner::User(id) => {
            let user = tx.find_by_id::<User>(key.account, id).await?;
            user.map(Some).ok_or_else(|| IamError::internal(format!("the access key {} has no user", key.id)))
        }
    }
}

/// A credential that the rules of its account may end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialId {
    /// An access key.
    AccessKey(AccessKeyId),
    /// The password of a user.
    Password(UniqueId),
}

/// The credentials of an account of which a warning or the end is due, of the next users after a name. Returns the name
/// to continue with, if there are more users.
///
/// # Errors
/// `ServiceFailure` when the store fails.
pub async fn ended(
    deployment: &Deployment,
    tx: &mut Tx,
    account: AccountId,
    after: Option<&str>,
) -> Result<(Vec<CredentialId>, Option<String>)> {
    let rules = tx.account_setting::<CredentialRules>(account).await?;
    let Some(rules) = rules.filter(CredentialRules::ends_anything) else { return Ok((Vec::new(), None)) };
    let mut found = Vec::new();
    if after.is_none() {
        keys_of(deployment, tx, (account, None), &rules, &mut found).await?;
    }
    let page = tx.list::<User>(account, "/", after, CHUNK).await?;
    for user in &page.items {
        keys_of(deployment, tx, (account, Some(user)), &rules, &mut found).await?;
        if rules.password_unused_days.is_some()
            && let Some(profile) = tx.find_login_profile(account, &user.id).await?
            && let Some(end) = end_of_password(&rules, user, &profile)
            && due(deployment, &rules, &end, profile.warned_of).is_some()
        {
            found.push(CredentialId::Password(user.id));
        }
    }
    Ok((found, page.next))
}

async fn keys_of(
    deployment: &Deployment,
    tx: &Tx,
    (account, user): (AccountId, Option<&User>),
    rules: &CredentialRules,
    found: &mut Vec<CredentialId>,
) -> Result<()> {
    let owner = user.map_or(KeyOwner::Root, |user| KeyOwner::User(user.id));
    for key in tx.list_access_keys(account, &owner, None, usize::MAX).await?.items {
        if let Some(end) = end_of_key(deployment, tx, rules, &key, user).await?
            && due(deployment, rules, &end, key.warned_of).is_some()
        {
            found.push(CredentialId::AccessKey(key.id));
        }
    }
    Ok(())
}

/// What was done to a credential.
#[derive(Clone, Debug)]
pub struct CredentialStep {
    /// Whether it was disabled; otherwise its end was warned of.
    pub disabled: bool,
    /// The ARN of the user, or of root.
    pub arn: Arn,
    /// The name of the user; none for root.
    pub user_name: Option<String>,
    /// The access key; none for a password.
    pub access_key: Option<AccessKeyId>,
    /// When it ends, and why.
    pub end: End,
}

/// Disables a credential whose end has come: deactivates the access key, or deletes the password and ends the sign-in sessions.
/// Before, notes that a warning was given. Returns what was done, or none if nothing is due any more.
///
/// The commit depends on the rules, the user and the credential, so that one of several servers makes it.
///
/// # Errors
/// `ServiceFailure` when the store fails.
pub async fn take_step(
    deployment: &Deployment,
    tx: &mut Tx,
    account: AccountId,
    credential: &CredentialId,
) -> Result<Option<CredentialStep>> {
    let Some(rules) = tx.account_setting::<CredentialRules>(account).await? else { return Ok(None) };
    match credential {
        CredentialId::AccessKey(id) => {
            let Some(mut key) = tx.find_access_key(account, id).await? else { return Ok(None) };
            let user = user_of(tx, &key).await?;
            let Some(end) = end_of_key(deployment, tx, &rules, &key, user.as_ref()).await? else { return Ok(None) };
            let Some(disabled) = due(deployment, &rules, &end, key.warned_of) else { return Ok(None) };
            key.active = !disabled;
            key.warned_of = Some(end.at);
            tx.update_access_key(&key).await?;
            Ok(Some(step(deployment.partition, account, user.as_ref(), Some(key.id), (disabled, end))))
        }
        CredentialId::Password(id) => {
            let Some(user) = tx.find_by_id::<User>(account, id).await? else { return Ok(None) };
            let Some(mut profile) = tx.find_login_profile(account, id).await? else { return Ok(None) };
            let Some(end) = end_of_password(&rules, &user, &profile) else { return Ok(None) };
            let Some(disabled) = due(deployment, &rules, &end, profile.warned_of) else { return Ok(None) };
            if disabled {
                tx.delete_login_profile(&user).await?;
                forget_sign_ins(tx, &user).await?;
            } else {
                profile.warned_of = Some(end.at);
                tx.update_login_profile(&user, &profile).await?;
            }
            Ok(Some(step(deployment.partition, account, Some(&user), None, (disabled, end))))
        }
    }
}

/// Whether the end has come; none if neither it nor a warning is due.
fn due(deployment: &Deployment, rules: &CredentialRules, end: &End, warned_of: Option<Timestamp>) -> Option<bool> {
    let now = deployment.clock.now();
    let disabled = end.at <= now;
    (disabled || rules.warns_from(end.at) <= now && warned_of != Some(end.at)).then_some(disabled)
}

fn step(
    partition: Partition,
    account: AccountId,
    user: Option<&User>,
    access_key: Option<AccessKeyId>,
    (disabled, end): (bool, End),
) -> CredentialStep {
    CredentialStep {
        disabled,
        arn: user.map_or_else(|| Principal::Root { account }.arn(partition), |user| user.arn(partition)),
        user_name: user.map(|user| user.name.to_string()),
        access_key,
        end,
    }
}

#[cfg(test)]
mod tests;
