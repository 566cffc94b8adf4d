//! The virtual MFA device of root, which IAM has no operation to enable: EnableMFADevice takes the name of a user.

use bailiwick_api::{op, signin};
use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned, SessionKind, mfa};
use bailiwick_storage::{KeyOwner, MfaDevice, Tx};

use super::mfa_device::Codes;
use crate::Directory;
use crate::address::Target;

/// Enables a virtual device for root, who proves to have it by two consecutive codes.
///
/// # Errors
/// `AccessDenied` if the caller is not root itself, or signed in without the second factor that root has; otherwise as
/// [`op::EnableMFADevice`].
impl Handle<op::EnableRootMFADevice> for Directory {
    type Plan = (Target<MfaDevice>, Codes);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: signin::EnableRootMfaDeviceRequest) -> Result<Planned<Self::Plan>> {
        let codes = Codes::parse(&req.authentication_code1, &req.authentication_code2)?;
        let device = Target::look_up(cx, tx, &req.serial_number).await?;
        let root = Arn::iam(cx.partition(), cx.account(), format_args!("root"));
        Ok(Planned::new((device, codes)).check(Check::new("iam:EnableMFADevice", &root)))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (device, codes): Self::Plan,
    ) -> Result<signin::EnableRootMfaDeviceResponse> {
        let session = cx.caller().session.as_deref();
        if !cx.caller().is_root() || session.is_some_and(|session| session.kind != SessionKind::SignIn) {
            let message = "only the root user of the account can enable its MFA devices";
            return Err(IamError::new(ErrorCode::AccessDenied, message));
        }
        let device = device.get()?;
        if device.assignment.is_some_and(|assignment| assignment.owner == KeyOwner::Root) {
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, "MFA Device for root already exists."));
        }
        let has_device = tx.mfa_device_count_of(cx.account(), &KeyOwner::Root).await? > 0;
        if has_device && session.is_some() && cx.caller().mfa.is_none() {
            let message = "root has an MFA device: sign in with it to enable another one";
            return Err(IamError::new(ErrorCode::AccessDenied, message));
        }
        mfa::enable(cx, tx, device, KeyOwner::Root, codes.texts()).await?;
        Ok(signin::EnableRootMfaDeviceResponse {})
    }
}
