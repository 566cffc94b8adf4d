//! Virtual MFA devices of an account, and the users that they are enabled for.

use bailiwick_model::limits::MFA_DEVICES_PER_USER;
use bailiwick_model::{AccountId, ErrorCode, IamError, KeyCase, MfaDeviceName, Path, Result, Tags};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    access_key::KeyOwner,
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    tx::{Located, Page, Tx},
};

/// A virtual MFA device.
#[derive(Clone, PartialEq, Eq)]
pub struct MfaDevice {
    /// Its account.
    pub account: AccountId,
    /// The path.
    pub path: Path,
    /// Its name. Path and name together are unique in an account, without regard to case.
    pub name: MfaDeviceName,
    /// When it was created.
    pub created: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// The seed of its codes, sealed.
    pub sealed_seed: Bytes,
    /// The step of the newest code that was accepted, also if the device was deactivated since.
    pub last_step: Option<i64>,
    /// Who it is enabled for, if it is.
    pub assignment: Option<MfaAssignment>,
}

/// The user or root that a device is enabled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MfaAssignment {
    /// The user, or root.
    pub owner: KeyOwner,
    /// When it was enabled.
    pub enabled: Timestamp,
    /// By how many steps of 30 seconds the device's clock is ahead.
    pub offset: i64,
}

impl std::fmt::Debug for MfaDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MfaDevice")
            .field("account", &self.account)
            .field("path_and_name", &self.path_and_name())
            .field("created", &self.created)
            .field("tags", &self.tags)
            .field("assignment", &self.assignment)
            .finish_non_exhaustive()
    }
}

impl MfaDevice {
    /// Path and name, as in the ARN after `mfa`: `/phones/Bob`.
    pub fn path_and_name(&self) -> String {
        format!("{}{}", self.path, self.name)
    }

    fn key(&self) -> Bytes {
        keys::mfa_device(self.account, &self.path_and_name())
    }

    fn owner_key(&self, owner: &KeyOwner) -> Bytes {
        let id = self.path_and_name().to_ascii_lowercase();
        keys::owned(self.account, Kind::MfaDeviceOwner, owner.user(), &id)
    }
}

impl Tx {
    /// Makes a device that is not enabled yet.
    ///
    /// # Errors
    /// `EntityAlreadyExists`; `LimitExceeded` if the account has as many devices as it may have users.
    pub async fn create_mfa_device(&mut self, device: &MfaDevice) -> Result<()> {
        if self.read_key(device.key()).await?.is_some() {
            let message = "MFA device already exists.";
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, message));
        }
        let quota = self.quotas_of(device.account).await?.users;
        let count = keys::counter(device.account, CounterKind::MfaDevices, &[]);
        self.add_within(count, 1, quota, || IamError::quota("VirtualMFADevicesPerAccount", quota)).await?;
        self.put_record(device.key(), device);
        Ok(())
    }

    /// The device with this path and name, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_mfa_device(&mut self, account: AccountId, path_and_name: &str) -> Result<Option<MfaDevice>> {
        self.read(keys::mfa_device(account, path_and_name)).await
    }

    /// Replaces a device's record: its tags, or its clock. `device` has the assignment that is stored.
    pub fn update_mfa_device(&mut self, device: &MfaDevice) {
        self.put_record(device.key(), device);
    }

    /// Enables a device for a user or root. `device` is the record as read, `assignment` what it gets.
    ///
    /// # Errors
    /// `EntityAlreadyExists` if it is enabled already; `LimitExceeded` for a ninth device; `NoSuchEntity` for the user.
    pub async fn enable_mfa_device(
        &mut self,
        device: MfaDevice,
        assignment: MfaAssignment,
        last_step: i64,
    ) -> Result<()> {
        if device.assignment.is_some() {
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, "MFA Device is already in use."));
        }
        let owner = assignment.owner;
        self.require_owner(device.account, &owner).await?;
        let count = owner.counter(device.account, CounterKind::MfaDevicesOfOwner);
        self.add_within(count, 1, MFA_DEVICES_PER_USER, || IamError::quota("MFADevicesPerUser", MFA_DEVICES_PER_USER))
            .await?;
        self.add(keys::counter(device.account, CounterKind::MfaDevicesInUse, &[]), 1);
        self.put(device.owner_key(&owner), Bytes::new());
        self.update_mfa_device(&MfaDevice { assignment: Some(assignment), last_step: Some(last_step), ..device });
        Ok(())
    }

    /// Takes a device from the user or root that it is enabled for. The device stays, and so does the newest code that it
    /// used.
    pub fn deactivate_mfa_device(&mut self, device: MfaDevice) {
        let Some(MfaAssignment { owner, .. }) = device.assignment else { return };
        self.delete_key(device.owner_key(&owner));
        self.add(owner.counter(device.account, CounterKind::MfaDevicesOfOwner), -1);
        self.add(keys::counter(device.account, CounterKind::MfaDevicesInUse, &[]), -1);
        self.update_mfa_device(&MfaDevice { assignment: None, ..device });
    }

    /// Deletes a device.
    ///
    /// # Errors
    /// `DeleteConflict` if it is enabled for a user.
    pub fn delete_mfa_device(&mut self, device: &MfaDevice) -> Result<()> {
        if device.assignment.is_some() {
            let message = "MFA VirtualDevice in use. Must deactivate first.";
            return Err(IamError::new(ErrorCode::DeleteConflict, message));
        }
        self.delete_key(device.key());
        self.add(keys::counter(device.account, CounterKind::MfaDevices, &[]), -1);
        Ok(())
    }

    /// Lists the devices of an account that `is_listed`, ordered by path and name.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_mfa_devices(
        &self,
        account: AccountId,
        after: Option<&str>,
        limit: usize,
        is_listed: impl Fn(&MfaDevice) -> bool,
    ) -> Result<Page<MfaDevice>> {
        let prefix = keys::kind(account, Kind::MfaDevice);
        self.page(&prefix, after, limit, |_, _| Located::Here, |device| Some(device).filter(&is_listed)).await
    }

    /// Lists the devices that are enabled for a user or root, ordered by path and name.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_mfa_devices_of(
        &self,
        account: AccountId,
        owner: &KeyOwner,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<MfaDevice>> {
        let prefix = keys::owned(account, Kind::MfaDeviceOwner, owner.user(), "");
        let locate = |id: &[u8], _: &[u8]| Located::At(keys::record(account, Kind::MfaDevice, id));
        self.page(&prefix, after, limit, locate, Some).await
    }

    /// How many virtual devices an account has, and how many of them are enabled for a user or root.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn mfa_device_counts(&self, account: AccountId) -> Result<(u64, u64)> {
        let all = self.peek_count(&keys::counter(account, CounterKind::MfaDevices, &[])).await?;
        let in_use = self.peek_count(&keys::counter(account, CounterKind::MfaDevicesInUse, &[])).await?;
        Ok((all, in_use))
    }

    /// How many devices are enabled for a user or root.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn mfa_device_count_of(&self, account: AccountId, owner: &KeyOwner) -> Result<u64> {
        self.peek_count(&owner.counter(account, CounterKind::MfaDevicesOfOwner)).await
    }
}

impl AsMessage for MfaDevice {
    type Message = pb::MfaDevice;
    const NAME: &'static str = "MFA device";

    fn to_message(&self) -> pb::MfaDevice {
        pb::MfaDevice {
            account: codec::account_number(self.account),
            path: self.path.to_string(),
            name: self.name.to_string(),
            created: self.created.as_microsecond(),
            tags: codec::tag_messages(&self.tags),
            sealed_seed: self.sealed_seed.to_vec(),
            last_step: self.last_step,
            assignment: self.assignment.map(|assignment| pb::MfaAssignment {
                user: assignment.owner.user().map(ToString::to_string),
                enabled: assignment.enabled.as_microsecond(),
                offset: assignment.offset,
            }),
        }
    }

    fn from_message(message: pb::MfaDevice) -> Result<Self, Malformed> {
        let assignment = |assignment: pb::MfaAssignment| {
            Ok::<_, Malformed>(MfaAssignment {
                owner: KeyOwner::from_record(assignment.user)?,
                enabled: codec::time(assignment.enabled)?,
                offset: assignment.offset,
            })
        };
        Ok(MfaDevice {
            account: codec::account(message.account)?,
            path: codec::path(&message.path)?,
            name: MfaDeviceName::parse(&message.name)?,
            created: codec::time(message.created)?,
            tags: codec::tags(KeyCase::Sensitive, &message.tags)?,
            sealed_seed: message.sealed_seed.into(),
            last_step: message.last_step,
            assignment: message.assignment.map(assignment).transpose()?,
        })
    }
}
