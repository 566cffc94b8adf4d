//! Setting a password: the rules, the slow work, and the hashes that result.

use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, PasswordOwner, PasswordPurpose, PasswordResult, PasswordWork};
use bailiwick_seal::{PasswordHash, SecretString};
use bailiwick_storage::{LoginProfile, PasswordPolicy, Tx, User};

use super::password_rules;

/// The number of hashes that are stored: the most that a policy can compare.
const STORED: usize = 24;

/// A password to set for a user.
pub struct PasswordChange {
    /// The user may not have the password: the reason.
    refused: Option<IamError>,
    /// The hashes of the passwords so far.
    hashes: Vec<PasswordHash>,
    basis: Vec<u8>,
}

impl PasswordChange {
    /// Checks a new password and names the work. `known` is the current password as the caller gave it, if they must know
    /// it. A password that the rules refuse costs no work.
    ///
    /// # Errors
    /// `ServiceFailure` if the stored hashes cannot be opened.
    pub async fn plan<C>(
        cx: &Cx<C>,
        tx: &mut Tx,
        user: &User,
        profile: Option<&LoginProfile>,
        known: Option<SecretString>,
        new: SecretString,
        purpose: PasswordPurpose,
    ) -> Result<(PasswordChange, Option<PasswordWork>)> {
        let policy = tx.account_setting::<PasswordPolicy>(user.account).await?;
        let account = tx.find_account(user.account).await?;
        let account = account.ok_or_else(|| IamError::internal("the account of a user is not stored"))?;
        let refused = password_rules::check(policy.as_ref(), &account, &new).err();
        let hashes = match profile {
            Some(profile) => {
                owner(user).open(&cx.deployment().sealer, &profile.sealed_hashes).map_err(IamError::internal)?
            }
            None => Vec::new(),
        };
        let reuse = policy.and_then(|policy| policy.reuse_prevention).map_or(0, |count| count as usize);
        // A user who must change the password may not keep it.
        let reuse = if profile.is_some_and(|profile| profile.reset_required) { reuse.max(1) } else { reuse };
        let mut basis = profile.map_or(Vec::new(), |profile| profile.sealed_hashes.to_vec());
        basis.push(u8::try_from(reuse).unwrap_or(u8::MAX));
        let work = match (&refused, known, hashes.first()) {
            (Some(_), ..) | (_, Some(_), None) => None,
            (None, known, current) => Some(PasswordWork {
                purpose,
                basis: basis.clone(),
                known: known.zip(current.cloned()),
                new: Some((new, cx.random())),
                not_among: hashes.iter().take(reuse).cloned().collect(),
            }),
        };
        Ok((PasswordChange { refused, hashes, basis }, work))
    }

    /// Whether the caller does not know the password that they must know.
    pub(super) fn is_wrong<C>(&self, cx: &Cx<C>) -> bool {
        let outcome = cx.password_outcome().filter(|outcome| outcome.basis == self.basis);
        outcome.is_some_and(|outcome| matches!(outcome.result, PasswordResult::Wrong))
    }

    /// Returns the hashes with the new password, sealed.
    ///
    /// # Errors
    /// `PasswordPolicyViolation`; `AccessDenied` if the caller does not know the password;
    /// `EntityTemporarilyUnmodifiable` if the password or the policy was changed in the meantime.
    pub fn sealed<C>(self, cx: &Cx<C>, user: &User) -> Result<bytes::Bytes> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let outcome = cx.password_outcome().ok_or_else(|| IamError::internal("a password without its hash"))?;
        if outcome.basis != self.basis {
            let name = &user.name;
            let message =
                format!("Login Profile for User {name} cannot be modified while login profile is being modified.");
            return Err(IamError::new(ErrorCode::EntityTemporarilyUnmodifiable, message));
        }
        let new = match &outcome.result {
            PasswordResult::Wrong => {
                return Err(IamError::new(ErrorCode::AccessDenied, "The old password was incorrect."));
            }
            PasswordResult::Reused => return Err(password_rules::does_not_conform()),
            PasswordResult::Done(None) => return Err(IamError::internal("a password without its hash")),
            PasswordResult::Done(Some(new)) => new.clone(),
        };
        let hashes: Vec<PasswordHash> = [new].into_iter().chain(self.hashes).take(STORED).collect();
        Ok(owner(user).seal(&cx.deployment().sealer, &hashes)?.into())
    }
}

fn owner(user: &User) -> PasswordOwner<'_> {
    PasswordOwner { account: user.account, user: Some(&user.id) }
}
