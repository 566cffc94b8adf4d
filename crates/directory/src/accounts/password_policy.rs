//! The password policy of an account.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccountId, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::{PasswordPolicy, Tx};

use crate::Directory;

/// The minimum length of a password if the policy does not set one.
const MINIMUM_LENGTH: u32 = 6;

/// Replaces the password policy. What the request leaves out returns to its default.
impl Handle<op::UpdateAccountPasswordPolicy> for Directory {
    type Plan = PasswordPolicy;

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        req: pb::UpdateAccountPasswordPolicyRequest,
    ) -> Result<Planned<PasswordPolicy>> {
        // Validation has refused numbers that are out of range.
        let number = |member: Option<i32>| member.and_then(|number| u32::try_from(number).ok());
        let policy = PasswordPolicy {
            minimum_length: number(req.minimum_password_length).unwrap_or(MINIMUM_LENGTH),
            require_symbols: req.require_symbols.unwrap_or(false),
            require_numbers: req.require_numbers.unwrap_or(false),
            require_uppercase: req.require_uppercase_characters.unwrap_or(false),
            require_lowercase: req.require_lowercase_characters.unwrap_or(false),
            allow_users_to_change: req.allow_users_to_change_password.unwrap_or(false),
            max_age_days: number(req.max_password_age),
            reuse_prevention: number(req.password_reuse_prevention),
            hard_expiry: req.hard_expiry,
        };
        Ok(Planned::new(policy).check(Check::without_resource("iam:UpdateAccountPasswordPolicy", cx.account())))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        policy: PasswordPolicy,
    ) -> Result<pb::UpdateAccountPasswordPolicyResponse> {
        tx.put_account_setting(cx.account(), &policy).await?;
        Ok(pb::UpdateAccountPasswordPolicyResponse {})
    }
}

/// Shows the password policy. Users may read it if it lets them change their own passwords.
///
/// # Errors
/// `NoSuchEntity` if the account has none; the default policy of AWS is not shown.
impl Handle<op::GetAccountPasswordPolicy> for Directory {
    type Plan = Option<PasswordPolicy>;

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        _: pb::GetAccountPasswordPolicyRequest,
    ) -> Result<Planned<Option<PasswordPolicy>>> {
        let policy = tx.account_setting::<PasswordPolicy>(cx.account()).await?;
        let check = Check::without_resource("iam:GetAccountPasswordPolicy", cx.account());
        let check = check.own_password(grants_own_password(cx, policy.as_ref()));
        Ok(Planned::new(policy).check(check))
    }

    async fn handle(
        &self,
        cx: &Cx,
        _: &mut Tx,
        policy: Option<PasswordPolicy>,
    ) -> Result<pb::GetAccountPasswordPolicyResponse> {
        let policy = policy.ok_or_else(|| no_policy(cx.account()))?;
        Ok(pb::GetAccountPasswordPolicyResponse { password_policy: Some(view(&policy)) })
    }
}

/// Removes the password policy; AWS's default policy applies again.
///
/// # Errors
/// `NoSuchEntity` if the account has none.
impl Handle<op::DeleteAccountPasswordPolicy> for Directory {
    type Plan = ();

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::DeleteAccountPasswordPolicyRequest) -> Result<Planned<()>> {
        Ok(Planned::new(()).check(Check::without_resource("iam:DeleteAccountPasswordPolicy", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::DeleteAccountPasswordPolicyResponse> {
        if !tx.delete_account_setting::<PasswordPolicy>(cx.account()).await? {
            let message = "The account policy with name PasswordPolicy cannot be found.";
            return Err(IamError::new(ErrorCode::NoSuchEntity, message));
        }
        Ok(pb::DeleteAccountPasswordPolicyResponse {})
    }
}

/// Returns whether the account's password policy lets the caller, if they are a user, change their own password.
pub(crate) fn grants_own_password(cx: &Cx, policy: Option<&PasswordPolicy>) -> bool {
    cx.caller().user().is_some() && policy.is_some_and(|policy| policy.allow_users_to_change)
}

fn no_policy(account: AccountId) -> IamError {
    let message = format!("The Password Policy with domain name {account} cannot be found.");
    IamError::new(ErrorCode::NoSuchEntity, message)
}

fn view(policy: &PasswordPolicy) -> pb::PasswordPolicy {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    pb::PasswordPolicy {
        minimum_password_length: Some(number(policy.minimum_length)),
        require_symbols: Some(policy.require_symbols),
        require_numbers: Some(policy.require_numbers),
        require_uppercase_characters: Some(policy.require_uppercase),
        require_lowercase_characters: Some(policy.require_lowercase),
        allow_users_to_change_password: Some(policy.allow_users_to_change),
        expire_passwords: Some(policy.max_age_days.is_some()),
        max_password_age: policy.max_age_days.map(number),
        password_reuse_prevention: policy.reuse_prevention.map(number),
        hard_expiry: policy.hard_expiry,
    }
}

#[cfg(test)]
mod tests;
