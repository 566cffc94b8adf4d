//! What temporary credentials may not call, whatever their policies allow.

use bailiwick_api::OperationInfo;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Caller, Credential, Principal, SessionKind};

/// The operations of STS that need long-term credentials.
const LONG_TERM_ONLY: [&str; 2] = ["GetSessionToken", "GetFederationToken"];

/// The operations whose result ends with the access key that signed the call. A certificate has none, so what it got could
/// not be revoked.
const NEED_KEY: [(&str, &str); 5] = [
    ("sts", "GetSessionToken"),
    ("sts", "GetFederationToken"),
    ("sts", "GetDelegatedAccessToken"),
    ("iam", "AcceptDelegationRequest"),
    ("bailiwick", "CreateToken"),
];

/// Operations of ours that do what IAM does: they change a user's MFA devices.
const AS_IAM: [&str; 3] = ["BeginPasskeyRegistration", "FinishPasskeyRegistration", "EnableRootMFADevice"];

/// The operations of IAM and STS that a session may call, as far as its policies allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    iam: bool,
    /// The operations of STS; `None` for all but [`LONG_TERM_ONLY`].
    sts: Option<&'static [&'static str]>,
}

/// Returns the limits of a session.
///
/// They depend on the principal first: credentials that were derived from those of a federated user, of a user's session,
/// of a root task, or of a delegation keep their limits.
fn limits(caller: &Caller, kind: SessionKind) -> Limits {
    match (&caller.principal, kind) {
        // The console calls IAM for federated users, whose own calls cannot.
        (Principal::FederatedUser { .. }, _) => {
            let iam = matches!(caller.credential, Credential::Console(_));
            Limits { iam, sts: Some(&["GetCallerIdentity"]) }
        }
        (_, SessionKind::AssumeRoot) => Limits { iam: true, sts: Some(&["GetCallerIdentity"]) },
        // Nothing that could outlive the delegation is issued to them.
        (_, SessionKind::Delegated) => Limits { iam: true, sts: Some(&["GetCallerIdentity", "GetScopedCredentials"]) },
        (Principal::RoleSession { .. }, _) | (_, SessionKind::SignIn) => Limits { iam: true, sts: None },
        (Principal::User { .. } | Principal::Root { .. }, _) => Limits {
            iam: caller.mfa.is_some(),
            sts: Some(&["AssumeRole", "GetCallerIdentity", "GetScopedCredentials"]),
        },
    }
}

/// Checks that the credentials of a caller may be used to call an operation at all.
///
/// # Errors
/// `InvalidClientTokenId` for IAM, `AccessDenied` for STS: the answers of AWS.
pub(crate) fn check(caller: &Caller, operation: &OperationInfo) -> Result<()> {
    let is_sts = operation.service == "sts";
    let refused = || {
        let message = format!("Cannot call {} with session credentials", operation.name);
        Err(IamError::new(ErrorCode::AccessDenied, message))
    };
    if caller.certificate().is_some() && NEED_KEY.contains(&(operation.service, operation.name)) {
        let message =
            format!("Cannot call {} with a client certificate: sign the call with an access key", operation.name);
        return Err(IamError::new(ErrorCode::AccessDenied, message));
    }
    let needs_long_term = is_sts && LONG_TERM_ONLY.contains(&operation.name);
    let Some(session) = caller.session.as_deref() else {
        // A bearer token must not become credentials that last longer.
        let is_bearer = matches!(caller.credential, Credential::Bearer(_) | Credential::Console(_));
        return if needs_long_term && is_bearer { refused() } else { Ok(()) };
    };
    let limits = limits(caller, session.kind);
    let service = if AS_IAM.contains(&operation.name) { "iam" } else { operation.service };
    match service {
        "iam" if !limits.iam => Err(IamError::new(
            ErrorCode::InvalidClientTokenId,
            "The security token included in the request is invalid.",
        )),
        "sts" if needs_long_term || limits.sts.is_some_and(|sts| !sts.contains(&operation.name)) => refused(),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
