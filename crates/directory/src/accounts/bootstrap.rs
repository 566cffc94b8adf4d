//! The first start: creates the management account, its root user's access key, and the managed policies.

use bailiwick_model::{AccessKeyId, AccessKeyKind, AccountId, Result};
use bailiwick_operation::{Random, SecretOwner};
use bailiwick_seal::{Sealer, SecretString};
use bailiwick_storage::{AccessKey, Account, AccountState, KeyOwner, Tx};
use jiff::Timestamp;

use crate::accounts::account::random_account_id;
use crate::policies::managed::put_builtin_policies;

/// The minimum length of a given root secret.
const SHORTEST: usize = 16;
/// The maximum length of a given root secret.
const LONGEST: usize = 128;

/// Publicly known secrets in lower case: from tutorials, manuals and other products.
const KNOWN: [&str; 12] = [
    "wjalrxutnfemi/k7mdeng/bpxrficyexamplekey",
    "je7mtgbclwbf/2zk9utk/h3ycskyiaqtfexamplekey",
    "je7mtgbclwbf/2zk/h3ycskyiaqtfexamplekey",
    "minioadminminioadmin",
    "rustfsadminrustfsadmin",
    "changemechangeme",
    "passwordpassword",
    "password12345678",
    "secretsecretsecret",
    "secret_access_key",
    "secretaccesskey1",
    "1234567890123456",
];

/// The settings of the first start.
pub struct BootstrapOptions<'a> {
    /// The management account's id; random if none.
    pub account: Option<AccountId>,
    /// Root's access key; generated if none.
    pub root_key: Option<FirstKey>,
    /// The time.
    pub now: Timestamp,
    /// The source of randomness.
    pub random: &'a dyn Random,
    /// Seals root's secret.
    pub sealer: &'a Sealer,
}

/// Root's first access key.
#[derive(Clone, Debug)]
pub struct FirstKey {
    /// The public half.
    pub id: AccessKeyId,
    /// The secret half.
    pub secret: SecretString,
}

/// What the first start created.
#[derive(Clone, Debug)]
pub struct Bootstrapped {
    /// The management account.
    pub account: AccountId,
    /// Root's access key.
    pub root_key: FirstKey,
    /// Whether the key was generated, so that it must be shown.
    pub generated: bool,
}

/// Why a given root key is refused. Never contains the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FirstKeyError {
    /// Its id has another shape.
    #[error("the root access key id must have 16 to 128 letters and digits")]
    Id,
    /// Its id is that of temporary credentials.
    #[error("the root access key id begins with ASIA, as those of temporary credentials do")]
    Temporary,
    /// Its secret is too short or too long.
    #[error("the root secret access key must have {SHORTEST} to {LONGEST} characters")]
    Length,
    /// Its secret has a character that headers or shells cannot carry.
    #[error("the root secret access key must consist of printable ASCII characters without spaces")]
    Character,
    /// Its secret is publicly known, or the id itself.
    #[error("the root secret access key is publicly known: take another one")]
    Known,
}

impl FirstKey {
    /// Generates a key for the root user of an account.
    pub(crate) fn random(account: AccountId, random: &dyn Random) -> Self {
        FirstKey {
            id: AccessKeyId::new(AccessKeyKind::LongTerm, account, bytes(random)),
            secret: SecretString::access_key(bytes(random)),
        }
    }

    /// Parses a given key.
    ///
    /// # Errors
    /// If it could be guessed or could not be used.
    pub fn parse(id: &str, secret: SecretString) -> Result<Self, FirstKeyError> {
        let id = AccessKeyId::parse(id).map_err(|_| FirstKeyError::Id)?;
        if id.kind() == Some(AccessKeyKind::Temporary) {
            return Err(FirstKeyError::Temporary);
        }
        let text = secret.expose();
        if !(SHORTEST..=LONGEST).contains(&text.len()) {
            return Err(FirstKeyError::Length);
        }
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(FirstKeyError::Character);
        }
        let known = KNOWN.iter().any(|known| text.eq_ignore_ascii_case(known));
        let one_character = text.bytes().all(|b| Some(b) == text.bytes().next());
        if known || one_character || text.eq_ignore_ascii_case(id.as_str()) {
            return Err(FirstKeyError::Known);
        }
        Ok(FirstKey { id, secret })
    }
}

/// Creates the initial records of a deployment, within a transaction on an empty store.
///
/// # Errors
/// `EntityAlreadyExists` if the store is not empty; `ServiceFailure`.
pub async fn bootstrap(tx: &mut Tx, start: BootstrapOptions<'_>) -> Result<Bootstrapped> {
    let account = start.account.unwrap_or_else(|| random_account_id(bytes(start.random)));
    let generated = start.root_key.is_none();
    let root_key = start.root_key.unwrap_or_else(|| FirstKey::random(account, start.random));
    tx.create_account(&Account {
        id: account,
        name: "management".into(),
        email: "root@bailiwick.invalid".into(),
        state: AccountState::Active,
        created: start.now,
        management: true,
        alias: None,
        role_name: None,
        state_changed: None,
        sessions_valid_after: None,
    })
    .await?;
    put_root_key(tx, account, &root_key, start.now, start.sealer).await?;
    put_builtin_policies(tx, start.now, start.random).await?;
    Ok(Bootstrapped { account, root_key, generated })
}

/// Stores an access key of an account's root user.
pub(crate) async fn put_root_key(
    tx: &mut Tx,
    account: AccountId,
    key: &FirstKey,
    now: Timestamp,
    sealer: &Sealer,
) -> Result<()> {
    let owner = SecretOwner { account, user: None, key: &key.id };
    let sealed_secret = owner.seal(sealer, &key.secret)?.into();
    let (id, owner) = (key.id.clone(), KeyOwner::Root);
    tx.create_access_key(&AccessKey {
        account,
        id,
        owner,
        active: true,
        created: now,
        sealed_secret,
        activated: None,
        warned_of: None,
    })
    .await
}

fn bytes<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests;
