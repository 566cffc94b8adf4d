//! The change of a password that expired or must be changed, with the sign-in that follows.

use bailiwick_api::op;
use bailiwick_api::signin::{ChangeExpiredPasswordRequest, ChangeExpiredPasswordResponse};
use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, NoCaller, Planned};
use bailiwick_seal::SecretString;
use bailiwick_storage::{PasswordPolicy, Tx};

use crate::attempt::{Attempt, Claim, Identity};
use crate::factor::{Factor, Given};
use crate::sign_in::{PasswordAge, expired};
use crate::{SignIn, session};

/// Changes the password of a user, who gives the current one, and signs them in. All their earlier sessions end.
///
/// The check of `iam:ChangePassword` is decided for the user once their password is known to be correct.
///
/// # Errors
/// As [`op::SignIn`]; `PasswordPolicyViolation`.
impl Handle<op::ChangeExpiredPassword> for SignIn {
    type Plan = (Attempt, Given);

    async fn plan(
        &self,
        cx: &Cx<NoCaller>,
        tx: &mut Tx,
        req: ChangeExpiredPasswordRequest,
    ) -> Result<Planned<Self::Plan>> {
        let given = Given::read(req.mfa_code, req.mfa_serial_number, req.passkey)?;
        let claim = Claim {
            account: req.account,
            user: Some(req.user_name.unwrap_or_default()),
            password: SecretString::from(req.password.unwrap_or_default()),
            new_password: Some(SecretString::from(req.new_password.unwrap_or_default())),
        };
        let (attempt, work) = Attempt::plan(cx, tx, claim).await?;
        let person = attempt.person(cx);
        let check = match attempt.proven(cx).map(|candidate| &candidate.identity) {
            Some(Identity::User(user, _)) => {
                let policy = tx.account_setting::<PasswordPolicy>(user.account).await?;
                let arn = Arn::iam(cx.partition(), user.account, format_args!("user{}{}", user.path, user.name));
                let check = Check::new("iam:ChangePassword", &arn).resource_tags(&user.tags);
                let check = check.displayed_as(format!("user {}", user.name));
                Some(check.own_password(policy.is_some_and(|policy| policy.allow_users_to_change)))
            }
            _ => None,
        };
        Ok(Planned::new((attempt, given)).person(person).checks(check).password(work))
    }

    async fn handle(
        &self,
        cx: &Cx<NoCaller>,
        tx: &mut Tx,
        (attempt, given): Self::Plan,
    ) -> Result<ChangeExpiredPasswordResponse> {
        let mut person = attempt.prove(cx, tx).await?;
        if PasswordAge::of(cx, tx, &person.candidate).await? == PasswordAge::HardExpired {
            return Err(expired());
        }
        let factor = match given.verify(cx, tx, &person).await {
            Ok(factor) => factor,
            Err(error) => {
                if error.code() == ErrorCode::InvalidAuthenticationCode {
                    person.lockout.failed(tx, cx.now()).await?;
                }
                return Err(error);
            }
        };
        if let Factor::Missing(missing) = factor {
            return Ok(ChangeExpiredPasswordResponse {
                mfa_required: true,
                mfa_serial_numbers: missing.serial_numbers,
                passkey_request: missing.request,
                session: None,
            });
        }
        let change = person.change.take().ok_or_else(|| IamError::internal("a change without a new password"))?;
        let Identity::User(user, profile) = &mut person.candidate.identity else {
            return Err(IamError::internal("a change of root's password without root's key"));
        };
        profile.sealed_hashes = change.sealed(cx, user)?;
        profile.changed = cx.date();
        profile.reset_required = false;
        tx.update_login_profile(user, profile).await?;
        let (account, owner) = (person.candidate.account.id, person.candidate.owner());
        tx.end_sign_in_sessions(account, &owner).await?;
        let has_mfa = matches!(factor, Factor::Verified);
        let session = session::start(cx, tx, &person.candidate, has_mfa).await?;
        Ok(ChangeExpiredPasswordResponse { session: Some(session), ..Default::default() })
    }
}
