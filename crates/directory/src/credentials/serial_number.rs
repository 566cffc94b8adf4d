//! Serial numbers of MFA devices.

use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Partition, Result};
use bailiwick_operation::Cx;
use bailiwick_storage::{KeyOwner, MfaDevice, Passkey};

use crate::request::required;

/// The ARN of a virtual device, which is its serial number.
pub fn serial_number(partition: Partition, device: &MfaDevice) -> Arn {
    Arn::iam(partition, device.account, format_args!("mfa{}", device.path_and_name()))
}

/// The ARN of a passkey, which is its serial number. `user_name` is the current name of its user, or none for root.
pub fn passkey_serial_number(partition: Partition, passkey: &Passkey, user_name: Option<&str>) -> Arn {
    let (label, id) = (&passkey.label, &passkey.id);
    match user_name {
        Some(name) => Arn::iam(partition, passkey.account, format_args!("u2f/user/{name}/{label}-{id}")),
        None => Arn::iam(partition, passkey.account, format_args!("u2f/root/{label}-{id}")),
    }
}

/// A serial number: the ARN of a virtual device or a passkey, or the one that is printed on a hardware device.
pub struct SerialNumber {
    text: String,
    arn: Arn,
    kind: SerialKind,
}

enum SerialKind {
    /// The account, and the path with the name.
    Virtual(AccountId, String),
    /// The account, and the id.
    Passkey(AccountId, String),
    Hardware,
}

impl SerialNumber {
    /// Parses a serial number. Every text without `arn:` at its beginning is that of a hardware device.
    ///
    /// # Errors
    /// `ValidationError` if it is not an ARN, `InvalidInput` if it is not that of an MFA device in this partition.
    pub(crate) fn parse(cx: &Cx, member: &Option<String>) -> Result<Self> {
        let text = required(member, "serialNumber")?.to_owned();
        if !text.starts_with("arn:") {
            let arn = Arn::iam(cx.partition(), cx.account(), format_args!("mfa/{text}"));
            return Ok(SerialNumber { text, arn, kind: SerialKind::Hardware });
        }
        let arn = Arn::parse(&text).map_err(|error| {
            IamError::validation("Invalid ARN:  Could not be parsed!").field("SerialNumber", error.to_string())
        })?;
        let own = arn.service() == "iam" && arn.region().is_empty() && arn.partition() == cx.partition().as_str();
        let kind = arn.account_id().filter(|_| own).and_then(|account| SerialKind::of(account, arn.resource()));
        let Some(kind) = kind else { return Err(invalid(&text)) };
        Ok(SerialNumber { text, arn, kind })
    }

    /// Parses a serial number of an operation whose resource is not a passkey.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); `InvalidInput` for that of a passkey.
    pub(crate) fn parse_device(cx: &Cx, member: &Option<String>) -> Result<Self> {
        let parsed = Self::parse(cx, member)?;
        if matches!(parsed.kind, SerialKind::Passkey(..)) { Err(invalid(&parsed.text)) } else { Ok(parsed) }
    }

    /// Its ARN; for a hardware device, one made from the text.
    pub(crate) fn arn(&self) -> &Arn {
        &self.arn
    }

    /// Returns whether it is the ARN of a virtual device.
    pub(crate) fn is_virtual(&self) -> bool {
        matches!(self.kind, SerialKind::Virtual(..))
    }

    /// The path and name of a virtual device, if it is one of the account.
    pub(crate) fn virtual_device(&self, account: AccountId) -> Option<&str> {
        match &self.kind {
            SerialKind::Virtual(of, path_and_name) if *of == account => Some(path_and_name),
            _ => None,
        }
    }

    /// The id of a passkey, if it is one of the account.
    pub(crate) fn passkey(&self, account: AccountId) -> Option<&str> {
        match &self.kind {
            SerialKind::Passkey(of, id) if *of == account => Some(id),
            _ => None,
        }
    }

    /// Whether it is exactly this passkey's, whose user has this name now.
    pub(crate) fn is_of(&self, partition: Partition, passkey: &Passkey, user_name: Option<&str>) -> bool {
        let is_of_owner = user_name.is_none() == matches!(passkey.owner, KeyOwner::Root);
        is_of_owner && passkey_serial_number(partition, passkey, user_name).as_str() == self.text
    }

    /// `NoSuchEntity` for a missing device, in AWS's words.
    pub(crate) fn no_such(&self) -> IamError {
        let message = format!("MFA Device with serial number {} does not exist.", self.text);
        IamError::new(ErrorCode::NoSuchEntity, message)
    }
}

fn invalid(text: &str) -> IamError {
    IamError::new(ErrorCode::InvalidInput, format!("ARN {text} is not valid."))
}

impl SerialKind {
    fn of(account: AccountId, resource: &str) -> Option<Self> {
        if let Some(path_and_name) = resource.strip_prefix("mfa").filter(|rest| rest.starts_with('/')) {
            return (path_and_name.len() > 1).then(|| SerialKind::Virtual(account, path_and_name.to_owned()));
        }
        let (owner, device) = resource.strip_prefix("u2f/")?.rsplit_once('/')?;
        let is_owner = owner == "root" || owner.strip_prefix("user/").is_some_and(|name| !name.is_empty());
        let (label, id) = device.rsplit_once('-')?;
        (is_owner && !label.is_empty() && !id.is_empty()).then(|| SerialKind::Passkey(account, id.to_owned()))
    }
}
