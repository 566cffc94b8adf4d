//! Signing in with a password and a second factor.

use bailiwick_api::op;
use bailiwick_api::signin::{SignInRequest, SignInResponse};
use bailiwick_directory::end_of_password;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, Handle, NoCaller, Planned};
use bailiwick_seal::SecretString;
use bailiwick_storage::{CredentialRules, PasswordPolicy, Tx};
use jiff::SignedDuration;

use crate::attempt::{Attempt, Candidate, Claim, Identity};
use crate::factor::{Factor, Given};
use crate::{SignIn, session};

/// Signs a person in.
///
/// # Errors
/// `AccessDenied` for a wrong account, user or password, and for a password with a hard expiry; `InvalidAuthenticationCode`;
/// `Throttling` after too many failures; `InvalidInput` if the request names both a user and root, or neither, or both a
/// code and a passkey; `FeatureDisabled` for a passkey if the server has no domain.
impl Handle<op::SignIn> for SignIn {
    type Plan = (Attempt, Given);

    async fn plan(&self, cx: &Cx<NoCaller>, tx: &mut Tx, req: SignInRequest) -> Result<Planned<Self::Plan>> {
        if req.root.unwrap_or(false) == req.user_name.is_some() {
            let message = "the request must name a user with `userName`, or have `root`, and not both";
            return Err(IamError::new(ErrorCode::InvalidInput, message));
        }
        let given = Given::read(req.mfa_code, req.mfa_serial_number, req.passkey)?;
        let claim = Claim {
            account: req.account,
            user: req.user_name,
            password: SecretString::from(req.password.unwrap_or_default()),
            new_password: None,
        };
        let (attempt, work) = Attempt::plan(cx, tx, claim).await?;
        let person = attempt.person(cx);
        Ok(Planned::new((attempt, given)).person(person).password(work))
    }

    async fn handle(&self, cx: &Cx<NoCaller>, tx: &mut Tx, (attempt, given): Self::Plan) -> Result<SignInResponse> {
        let person = attempt.prove(cx, tx).await?;
        let age = PasswordAge::of(cx, tx, &person.candidate).await?;
        if age == PasswordAge::HardExpired {
            return Err(expired());
        }
        // It would be used up, and the change of the password needs one as well.
        let given = if age == PasswordAge::MustChange { Given::Nothing } else { given };
        match given.verify(cx, tx, &person).await {
            Ok(Factor::Missing(missing)) => Ok(SignInResponse {
                mfa_required: true,
                mfa_serial_numbers: missing.serial_numbers,
                passkey_request: missing.request,
                password_change_required: age == PasswordAge::MustChange,
                session: None,
            }),
            Ok(_) if age == PasswordAge::MustChange => {
                Ok(SignInResponse { password_change_required: true, ..Default::default() })
            }
            Ok(factor) => {
                let has_mfa = matches!(factor, Factor::Verified);
                let session = session::start(cx, tx, &person.candidate, has_mfa).await?;
                Ok(SignInResponse { session: Some(session), ..Default::default() })
            }
            Err(error) => {
                if error.code() == ErrorCode::InvalidAuthenticationCode {
                    person.lockout.failed(tx, cx.now()).await?;
                }
                Err(error)
            }
        }
    }
}

/// Whether a password may still be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PasswordAge {
    /// It may.
    Valid,
    /// It must be changed first.
    MustChange,
    /// Only an administrator can replace it.
    HardExpired,
}

impl PasswordAge {
    /// Of a person's password, by the password policy of the account. Root's password does not expire.
    ///
    /// # Errors
    /// `ServiceFailure`.
    pub(crate) async fn of(cx: &Cx<NoCaller>, tx: &mut Tx, person: &Candidate) -> Result<Self> {
        let Identity::User(user, profile) = &person.identity else { return Ok(PasswordAge::Valid) };
        // A password that was not used for too long is deleted by the server; it must not be used before.
        let rules = tx.account_setting::<CredentialRules>(user.account).await?;
        if rules.and_then(|rules| end_of_password(&rules, user, profile)).is_some_and(|end| end.at <= cx.now()) {
            return Ok(PasswordAge::HardExpired);
        }
        let policy = tx.account_setting::<PasswordPolicy>(user.account).await?;
        let longest = policy.as_ref().and_then(|policy| policy.max_age_days).filter(|days| *days > 0);
        let age = cx.now().duration_since(profile.changed);
        let is_expired = longest.is_some_and(|days| age > SignedDuration::from_hours(24 * i64::from(days)));
        Ok(match policy {
            Some(policy) if is_expired && policy.hard_expiry.unwrap_or(false) => PasswordAge::HardExpired,
            _ if is_expired || profile.reset_required => PasswordAge::MustChange,
            _ => PasswordAge::Valid,
        })
    }
}

/// The refusal of a password with a hard expiry, which is only returned for the correct password.
pub(crate) fn expired() -> IamError {
    let message = "the password has expired: ask an administrator for a new one";
    IamError::new(ErrorCode::AccessDenied, message)
}
