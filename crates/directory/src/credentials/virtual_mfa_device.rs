//! Virtual MFA devices of an account, by serial number.

use bailiwick_api::{iam as pb, op};
use bailiwick_federation::{SEED_BYTES, otpauth_uri, qr_png, seed_text};
use bailiwick_model::limits::MFA_SERIAL_SIZE;
use bailiwick_model::{ErrorCode, IamError, KeyCase, MfaDeviceName, Result, Tags};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned, mfa};
use bailiwick_storage::{KeyOwner, MfaDevice, Tx, User};

use super::serial_number::{SerialNumber, serial_number};
use crate::address::{Addressed, Target};
use crate::identities::Tagged;
use crate::request::{check_list, path_or_root, required, tags};
use crate::{Directory, view};

impl Addressed for MfaDevice {
    type Address = SerialNumber;

    fn parse(cx: &Cx, member: &Option<String>) -> Result<SerialNumber> {
        SerialNumber::parse_device(cx, member)
    }

    /// Finds the device under exactly this ARN in the caller's account.
    async fn find(cx: &Cx, tx: &mut Tx, address: &SerialNumber) -> Result<Option<MfaDevice>> {
        let Some(path_and_name) = address.virtual_device(cx.account()) else { return Ok(None) };
        let found = tx.find_mfa_device(cx.account(), path_and_name).await?;
        Ok(found.filter(|device| device.path_and_name() == path_and_name))
    }

    fn check(_: &Cx, address: &SerialNumber, stored: Option<&MfaDevice>, action: &'static str) -> Check {
        // For devices AWS documents this key only, not `iam:ResourceTag`.
        let tags = stored.iter().flat_map(|device| &device.tags);
        tags.fold(Check::new(action, address.arn()), |check, tag| {
            check.key(format!("aws:ResourceTag/{}", tag.key), tag.value.clone())
        })
    }

    fn no_such(address: &SerialNumber) -> IamError {
        address.no_such()
    }
}

impl Tagged for MfaDevice {
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn get_for_change(_: &Cx, target: Target<MfaDevice>) -> Result<MfaDevice> {
        target.get()
    }
    async fn retag(&self, tx: &mut Tx, tags: Tags) -> Result<()> {
        tx.update_mfa_device(&MfaDevice { tags, ..self.clone() });
        Ok(())
    }
}

/// Creates a virtual MFA device. Only this response shows the seed, as base32 and in a QR code.
///
/// # Errors
/// `EntityAlreadyExists`, `LimitExceeded`, `InvalidInput` (tags, or path and name too long).
impl Handle<op::CreateVirtualMFADevice> for Directory {
    type Plan = MfaDevice;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::CreateVirtualMfaDeviceRequest) -> Result<Planned<MfaDevice>> {
        let device = MfaDevice {
            account: cx.account(),
            path: path_or_root(&req.path)?,
            name: MfaDeviceName::parse(required(&req.virtual_mfa_device_name, "virtualMFADeviceName")?)?,
            created: cx.date(),
            tags: tags(KeyCase::Sensitive, &req.tags)?,
            sealed_seed: Default::default(),
            last_step: None,
            assignment: None,
        };
        let arn = serial_number(cx.partition(), &device);
        if arn.as_str().len() > MFA_SERIAL_SIZE {
            let message = format!(
                "the serial number of the device has more than {MFA_SERIAL_SIZE} characters: shorten path or name"
            );
            return Err(IamError::new(ErrorCode::InvalidInput, message));
        }
        let create = Check::new("iam:CreateVirtualMFADevice", &arn).request_tags(&device.tags);
        let tag = Check::new("iam:TagMFADevice", &arn).request_tags(&device.tags);
        let has_tags = !device.tags.is_empty();
        Ok(Planned::new(device).check(create).check_if(has_tags, tag))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, device: MfaDevice) -> Result<pb::CreateVirtualMfaDeviceResponse> {
        let seed: [u8; SEED_BYTES] = cx.random();
        let sealed = mfa::seal_seed(&cx.deployment().sealer, device.account, &device.path_and_name(), &seed)?;
        let device = MfaDevice { sealed_seed: sealed.into(), ..device };
        tx.create_mfa_device(&device).await?;
        let alias = tx.find_account(device.account).await?.and_then(|account| account.alias);
        let account = alias.map_or_else(|| device.account.to_string(), |alias| alias.to_string());
        let image = qr_png(&otpauth_uri(device.name.as_str(), &account, &seed)).map_err(IamError::internal)?;
        let shown = pb::VirtualMfaDevice {
            serial_number: Some(serial_number(cx.partition(), &device).to_string()),
            base32_string_seed: Some(seed_text(&seed).into_bytes().into()),
            qr_code_png: Some(image.into()),
            user: None,
            enable_date: None,
            tags: view::tags(&device.tags),
        };
        Ok(pb::CreateVirtualMfaDeviceResponse { virtual_mfa_device: Some(shown) })
    }
}

/// Deletes a virtual MFA device that is not enabled.
///
/// # Errors
/// `NoSuchEntity`; `DeleteConflict` while it is enabled.
impl Handle<op::DeleteVirtualMFADevice> for Directory {
    type Plan = Target<MfaDevice>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteVirtualMfaDeviceRequest) -> Result<Planned<Self::Plan>> {
        Target::plan(cx, tx, &req.serial_number, "iam:DeleteVirtualMFADevice").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, device: Self::Plan) -> Result<pb::DeleteVirtualMfaDeviceResponse> {
        tx.delete_mfa_device(&device.get()?)?;
        Ok(pb::DeleteVirtualMfaDeviceResponse {})
    }
}

/// Lists the virtual MFA devices of the account by path and name, without seeds and tags.
impl Handle<op::ListVirtualMFADevices> for Directory {
    /// Whether only enabled, or only other devices are listed.
    type Plan = (Option<bool>, PageRequest);

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListVirtualMfaDevicesRequest) -> Result<Planned<Self::Plan>> {
        let enabled = match req.assignment_status.as_deref() {
            Some("Assigned") => Some(true),
            Some("Unassigned") => Some(false),
            _ => None,
        };
        let page = PageRequest::new(req.marker, req.max_items);
        let check = check_list(cx, "iam:ListVirtualMFADevices", "mfa", "/");
        Ok(Planned::new((enabled, page)).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: Self::Plan) -> Result<pb::ListVirtualMfaDevicesResponse> {
        let (enabled, page) = plan;
        let pages = page.open(cx, "ListVirtualMFADevices")?;
        let is_listed = |device: &MfaDevice| enabled.is_none_or(|enabled| device.assignment.is_some() == enabled);
        let found = tx.list_mfa_devices(cx.account(), pages.after(), pages.limit(), is_listed).await?;
        let page = pages.answer(found)?;
        let mut devices = Vec::with_capacity(page.items.len());
        for device in &page.items {
            devices.push(listed(cx, tx, device).await?);
        }
        Ok(pb::ListVirtualMfaDevicesResponse {
            virtual_mfa_devices: devices,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// A device as lists show it, with the user that it is enabled for.
async fn listed(cx: &Cx, tx: &mut Tx, device: &MfaDevice) -> Result<pb::VirtualMfaDevice> {
    let user = match device.assignment.map(|assignment| assignment.owner) {
        Some(KeyOwner::Root) => Some(view::root(cx, tx).await?),
        Some(KeyOwner::User(id)) => {
            let user = tx.find_by_id::<User>(device.account, &id).await?;
            user.map(|user| view::user_summary(cx.partition(), &user))
        }
        None => None,
    };
    Ok(pb::VirtualMfaDevice {
        serial_number: Some(serial_number(cx.partition(), device).to_string()),
        user,
        enable_date: device.assignment.and_then(|assignment| view::date(assignment.enabled)),
        ..pb::VirtualMfaDevice::default()
    })
}

#[cfg(test)]
pub(super) mod tests;
