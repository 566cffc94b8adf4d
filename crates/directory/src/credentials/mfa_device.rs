//! The MFA devices of a user or root.
//!
//! Only virtual devices can be enabled here, since the seeds of hardware devices are not known. Passkeys and security keys
//! are registered with a browser, by the operations in [`passkey`](super::passkey), and shown and removed here.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, Handle, PageRequest, Planned, SessionKind, mfa, passkey};
use bailiwick_storage::{KeyOwner, MfaDevice, Passkey, Tx, User};

use super::serial_number::{SerialNumber, passkey_serial_number, serial_number};
use crate::address::{Addressed as _, Target};
use crate::request::required;
use crate::user_or_root::UserOrCaller;
use crate::{Directory, view};

/// More devices than a user can have.
const ALL: usize = 100;

/// A device that a request names together with its user.
pub struct DeviceTarget {
    user: UserOrCaller,
    serial: SerialNumber,
    device: Option<Device>,
}

/// A device of either kind.
enum Device {
    Virtual(Box<MfaDevice>),
    Passkey(Box<Passkey>),
}

impl DeviceTarget {
    /// Looks up device and user, and names the check of an action on the user.
    async fn plan(
        cx: &Cx,
        tx: &mut Tx,
        user: &Option<String>,
        serial: &Option<String>,
        action: &'static str,
    ) -> Result<Planned<DeviceTarget>> {
        let serial = SerialNumber::parse(cx, serial)?;
        let user = UserOrCaller::look_up(cx, tx, user).await?;
        let check = user.check(cx, action);
        let device = match (serial.passkey(cx.account()), user.key_owner()) {
            (Some(id), Some(owner)) => {
                let name = user.user().map(|user| user.name.as_str());
                let found = tx.find_passkey(cx.account(), &owner, id).await?;
                found.filter(|passkey| serial.is_of(cx.partition(), passkey, name)).map(Box::new).map(Device::Passkey)
            }
            (Some(_), None) => None,
            (None, _) => MfaDevice::find(cx, tx, &serial).await?.map(Box::new).map(Device::Virtual),
        };
        Ok(Planned::new(DeviceTarget { user, serial, device }).check(check))
    }

    /// The device, which is enabled for the user.
    ///
    /// # Errors
    /// `NoSuchEntity` for the user and for the device, also if it is not enabled for the user.
    fn get(self) -> Result<Device> {
        let owner = self.user.get()?.key_owner();
        match self.device.ok_or_else(|| self.serial.no_such())? {
            Device::Virtual(device) if device.assignment.is_none_or(|assignment| assignment.owner != owner) => {
                Err(invalid_for_user())
            }
            device => Ok(device),
        }
    }
}

fn invalid_for_user() -> IamError {
    IamError::new(ErrorCode::NoSuchEntity, "MFA Device invalid for user.")
}

/// The two codes of a request.
pub struct Codes(String, String);

impl Codes {
    pub(super) fn parse(first: &Option<String>, second: &Option<String>) -> Result<Self> {
        let first = required(first, "authenticationCode1")?.to_owned();
        Ok(Codes(first, required(second, "authenticationCode2")?.to_owned()))
    }

    pub(super) fn texts(&self) -> [&str; 2] {
        [&self.0, &self.1]
    }
}

/// Refuses users who change their own devices without a second factor: an access key alone must not be enough to replace
/// the device that protects its user. The same for root in a sign-in session, which may be older than the device; root's access
/// key replaces a device that was lost. Only for owners who have a device.
///
/// # Errors
/// `AccessDenied`.
pub(super) fn require_own_mfa(cx: &Cx, owner: &KeyOwner) -> Result<()> {
    let caller = cx.caller();
    let is_own = match owner {
        KeyOwner::User(own) => caller.user().is_some_and(|(id, _)| id == own),
        KeyOwner::Root => caller.session.as_deref().is_some_and(|session| session.kind == SessionKind::SignIn),
    };
    if !is_own || caller.mfa.is_some() {
        return Ok(());
    }
    let message = "To complete this action, please ensure that you are authenticated with an MFA device that is enabled \
        for this user.";
    Err(IamError::new(ErrorCode::AccessDenied, message))
}

/// Enables a virtual device for a user, who proves to have it by two consecutive codes.
///
/// # Errors
/// `NoSuchEntity`, `InvalidAuthenticationCode`; `AccessDenied` for users who have a device and add another for themselves
/// without a second factor; `EntityAlreadyExists` if it is enabled; `LimitExceeded` for a ninth device; `Throttling` after
/// too many wrong codes.
impl Handle<op::EnableMFADevice> for Directory {
    type Plan = ((Target<User>, Target<MfaDevice>), Codes);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::EnableMfaDeviceRequest) -> Result<Planned<Self::Plan>> {
        let codes = Codes::parse(&req.authentication_code1, &req.authentication_code2)?;
        let device = Target::look_up(cx, tx, &req.serial_number).await?;
        let user = Target::<User>::plan(cx, tx, &req.user_name, "iam:EnableMFADevice").await?;
        Ok(user.with(device).with(codes))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: Self::Plan) -> Result<pb::EnableMfaDeviceResponse> {
        let ((user, device), codes) = plan;
        let (user, device) = (user.get()?, device.get()?);
        let owner = KeyOwner::User(user.id);
        if device.assignment.is_some_and(|assignment| assignment.owner == owner) {
            let message = format!("MFA Device for user {} already exists.", user.name);
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, message));
        }
        if tx.mfa_device_count_of(cx.account(), &owner).await? > 0 {
            require_own_mfa(cx, &owner)?;
        }
        mfa::enable(cx, tx, device, owner, codes.texts()).await?;
        Ok(pb::EnableMfaDeviceResponse {})
    }
}

/// Learns the clock of a user's device from two consecutive codes.
///
/// # Errors
/// `NoSuchEntity`, `InvalidAuthenticationCode`; `Throttling` after too many wrong codes.
impl Handle<op::ResyncMFADevice> for Directory {
    type Plan = (DeviceTarget, Codes);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ResyncMfaDeviceRequest) -> Result<Planned<Self::Plan>> {
        let codes = Codes::parse(&req.authentication_code1, &req.authentication_code2)?;
        let device = DeviceTarget::plan(cx, tx, &req.user_name, &req.serial_number, "iam:ResyncMFADevice").await?;
        Ok(device.with(codes))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (device, codes): Self::Plan) -> Result<pb::ResyncMfaDeviceResponse> {
        // A passkey has no clock.
        let Device::Virtual(device) = device.get()? else { return Err(invalid_for_user()) };
        mfa::resync(cx, tx, *device, codes.texts()).await?;
        Ok(pb::ResyncMfaDeviceResponse {})
    }
}

/// Takes a device from its user, or from the caller. A virtual device stays in the account, a passkey is removed.
///
/// # Errors
/// `NoSuchEntity`; `AccessDenied` for users who take their own without a second factor.
impl Handle<op::DeactivateMFADevice> for Directory {
    type Plan = DeviceTarget;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeactivateMfaDeviceRequest) -> Result<Planned<DeviceTarget>> {
        DeviceTarget::plan(cx, tx, &req.user_name, &req.serial_number, "iam:DeactivateMFADevice").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, device: DeviceTarget) -> Result<pb::DeactivateMfaDeviceResponse> {
        match device.get()? {
            Device::Virtual(device) => {
                if let Some(assignment) = &device.assignment {
                    require_own_mfa(cx, &assignment.owner)?;
                }
                tx.deactivate_mfa_device(*device);
            }
            Device::Passkey(device) => {
                require_own_mfa(cx, &device.owner)?;
                passkey::remove(tx, &device);
            }
        }
        Ok(pb::DeactivateMfaDeviceResponse {})
    }
}

/// Shows a passkey of a user, or of the caller. For a virtual device AWS has a specific error. No certifications are shown:
/// what an authenticator says about its maker is not asked for, so none is known.
///
/// # Errors
/// `NoSuchEntity`; `ValidationError` for the ARN of a virtual device.
impl Handle<op::GetMFADevice> for Directory {
    type Plan = DeviceTarget;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetMfaDeviceRequest) -> Result<Planned<DeviceTarget>> {
        DeviceTarget::plan(cx, tx, &req.user_name, &req.serial_number, "iam:GetMFADevice").await
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, device: DeviceTarget) -> Result<pb::GetMfaDeviceResponse> {
        const UNSUPPORTED: &str = "The MFA device serial number sent in the request is invalid or not supported by this \
            API. Currently, only hardware FIDO security keys are supported. Please use the compatible device or API.";
        let user_name = device.user.get()?.name();
        match device.device {
            Some(Device::Passkey(passkey)) => Ok(pb::GetMfaDeviceResponse {
                serial_number: Some(passkey_serial_number(cx.partition(), &passkey, user_name.as_deref()).to_string()),
                user_name,
                enable_date: view::date(passkey.enabled),
                ..Default::default()
            }),
            _ if device.serial.is_virtual() => {
                Err(IamError::validation(UNSUPPORTED).field("SerialNumber", "expected that of a security key"))
            }
            _ => Err(device.serial.no_such()),
        }
    }
}

/// Lists the devices of a user, or of the caller, by serial number.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::ListMFADevices> for Directory {
    type Plan = (UserOrCaller, PageRequest);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ListMfaDevicesRequest) -> Result<Planned<Self::Plan>> {
        let planned = UserOrCaller::plan(cx, tx, &req.user_name, "iam:ListMFADevices").await?;
        Ok(planned.with(PageRequest::new(req.marker, req.max_items)))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (user, page): Self::Plan) -> Result<pb::ListMfaDevicesResponse> {
        let pages = page.open(cx, "ListMFADevices")?;
        let user = user.get()?;
        let (owner, user_name) = (user.key_owner(), user.name());
        let row = |serial: Arn, enabled| pb::MfaDevice {
            user_name: user_name.clone(),
            serial_number: Some(serial.to_string()),
            enable_date: view::date(enabled),
        };
        let devices = tx.list_mfa_devices_of(cx.account(), &owner, None, ALL).await?.items;
        let passkeys = tx.list_passkeys(cx.account(), &owner).await?;
        let mut rows: Vec<pb::MfaDevice> = devices
            .iter()
            .filter_map(|device| Some(row(serial_number(cx.partition(), device), device.assignment?.enabled)))
            .chain(passkeys.iter().map(|passkey| {
                row(passkey_serial_number(cx.partition(), passkey, user_name.as_deref()), passkey.enabled)
            }))
            .collect();
        let position = |row: &pb::MfaDevice| row.serial_number.clone().unwrap_or_default();
        rows.sort_by_key(position);
        let page = pages.cut(rows, position)?;
        Ok(pb::ListMfaDevicesResponse { mfa_devices: page.items, is_truncated: page.is_truncated, marker: page.marker })
    }
}

#[cfg(test)]
mod tests;
