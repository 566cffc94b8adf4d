//! The records that a caller's permission to act depends on, as preconditions of a commit.

use bailiwick_model::{AccessKeyId, AccountId, Result, UniqueId};

use crate::{keys, reference::IdentityKind, session_revocation, tx::Tx};

/// The records that determine whether a caller may act at all: account, user or role, long-term access key, and
/// revocations. The first two also contain the times before which sessions are revoked.
#[derive(Clone, Debug)]
pub struct Standing<'a> {
    /// The caller's account.
    pub account: AccountId,
    /// The account that uses the caller's session, if the caller is a delegated session.
    pub delegate: Option<AccountId>,
    /// The user or role; none for root.
    pub identity: Option<(IdentityKind, &'a UniqueId)>,
    /// The long-term access key that proves the caller, or without which the caller's session ends.
    pub access_key: Option<&'a AccessKeyId>,
    /// The identity provider that the session came through: its account, and the resource of its ARN, as in
    /// `saml-provider/NAME`.
    pub provider: Option<(AccountId, &'a str)>,
    /// What the caller's session or bearer token can be revoked by: accounts, and ids of access keys and delegation requests.
    pub revocable_by: Vec<(AccountId, &'a str)>,
}

impl Tx {
    /// Makes the commit depend on these records: it fails if one of them changes after this transaction's view. The
    /// times of last use are separate records, so concurrent calls of one caller do not conflict.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn depend_on(&mut self, standing: &Standing<'_>) -> Result<()> {
        for account in std::iter::once(standing.account).chain(standing.delegate) {
            self.expect_unchanged(keys::account(account)).await?;
        }
        if let Some((kind, id)) = standing.identity {
            self.expect_unchanged(keys::identity(standing.account, kind, id)).await?;
        }
        if let Some(key) = standing.access_key {
            self.expect_unchanged(keys::access_key(standing.account, key)).await?;
        }
        if let Some(key) = standing.provider.and_then(|(account, resource)| keys::provider(account, resource)) {
            self.expect_unchanged(key).await?;
        }
        for (account, subject) in &standing.revocable_by {
            self.expect_unchanged(session_revocation::key(*account, subject)).await?;
        }
        Ok(())
    }
}
