//! The second factor of a person who signs in.

use bailiwick_directory::serial_number;
use bailiwick_model::Result;
use bailiwick_operation::{Cx, NoCaller, mfa};
use bailiwick_storage::Tx;

use crate::attempt::Proven;

/// More devices than a person can have.
const ALL: usize = 100;

/// The code in a request, and the device that it is of.
pub struct Code {
    pub(crate) code: Option<String>,
    pub(crate) serial_number: Option<String>,
}

/// What the second factor of a person says.
pub(crate) enum Factor {
    /// The person has no device.
    None,
    /// A code was verified.
    Verified,
    /// A code is missing: the serial numbers of the devices.
    Missing(Vec<String>),
}

impl Code {
    /// Verifies the code, if the person has a device. The code is used up, and a wrong one is counted.
    ///
    /// Of several devices, the request must name the one that the code is of: a code that could be of any of them would be
    /// easier to guess.
    ///
    /// # Errors
    /// `InvalidAuthenticationCode`; `Throttling` after too many wrong codes.
    pub(crate) async fn verify(self, cx: &Cx<NoCaller>, tx: &mut Tx, person: &Proven) -> Result<Factor> {
        let (account, owner) = (person.candidate.account.id, person.candidate.owner());
        let devices = tx.list_mfa_devices_of(account, &owner, None, ALL).await?.items;
        let serial = |device: &_| serial_number(cx.partition(), device).to_string();
        let (Some(code), false) = (self.code, devices.is_empty()) else {
            return Ok(match devices.is_empty() {
                true => Factor::None,
                false => Factor::Missing(devices.iter().map(serial).collect()),
            });
        };
        let device = match (&self.serial_number, devices.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => return Ok(Factor::Missing(devices.iter().map(serial).collect())),
            (Some(wanted), all) => all.iter().find(|device| serial(device) == *wanted),
        };
        // A device that the person does not have is a wrong code.
        let path_and_name = device.map_or_else(String::new, |device| device.path_and_name());
        mfa::verify(cx, tx, account, &owner, &path_and_name, &code).await?;
        Ok(Factor::Verified)
    }
}
