//! A second factor within a request: the serial number of an MFA device and a code of it.

use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, Principal, mfa};
use bailiwick_storage::{KeyOwner, Tx};

/// The device and the code that a request names, not verified yet.
#[derive(Clone)]
pub(crate) struct SecondFactor {
    /// The path and name of the device, if the serial number is that of a virtual device in the caller's account.
    device: Option<String>,
    code: String,
}

impl std::fmt::Debug for SecondFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecondFactor").field("device", &self.device).finish_non_exhaustive()
    }
}

impl SecondFactor {
    /// Parses the members `SerialNumber` and `TokenCode`.
    ///
    /// # Errors
    /// `AccessDenied` if one is there without the other.
    pub(crate) fn read(cx: &Cx, serial: Option<&str>, code: Option<&str>) -> Result<Option<Self>> {
        match (serial, code) {
            (None, None) => Ok(None),
            (Some(serial), Some(code)) => {
                let arn = Arn::parse(serial).ok();
                let own = arn.filter(|arn| {
                    arn.partition() == cx.partition().as_str()
                        && (arn.service(), arn.region()) == ("iam", "")
                        && arn.account_id() == Some(cx.account())
                });
                let device = own.and_then(|arn| arn.resource().strip_prefix("mfa").map(str::to_owned));
                Ok(Some(SecondFactor { device, code: code.to_owned() }))
            }
            _ => Err(refused("must provide both MFA serial number and one time pass code.")),
        }
    }

    /// Verifies the code against a device of the caller, who is a user or root, and uses it up. A wrong one is counted.
    ///
    /// Call it in `handle` only: the decision must not depend on whether the code is right, or it would tell.
    ///
    /// # Errors
    /// `AccessDenied`; `Throttling` after too many wrong codes.
    pub(crate) async fn verify(&self, cx: &Cx, tx: &mut Tx) -> Result<()> {
        let owner = match &cx.caller().principal {
            Principal::User { id, .. } => KeyOwner::User(*id),
            Principal::Root { .. } => KeyOwner::Root,
            Principal::RoleSession { .. } | Principal::FederatedUser { .. } => return Err(wrong_code()),
        };
        // No device has an empty path and name: an unknown serial number counts as a wrong code.
        let device = self.device.as_deref().unwrap_or_default();
        let verified = mfa::verify(cx, tx, cx.account(), &owner, device, &self.code).await;
        verified.map_err(|error| match error.code() {
            ErrorCode::InvalidAuthenticationCode => wrong_code(),
            _ => error,
        })
    }
}

fn wrong_code() -> IamError {
    let message = "MultiFactorAuthentication failed with invalid MFA one time pass code.";
    IamError::new(ErrorCode::AccessDenied, message)
}

fn refused(why: &str) -> IamError {
    IamError::new(ErrorCode::AccessDenied, format!("MultiFactorAuthentication failed, {why}"))
}
