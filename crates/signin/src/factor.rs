//! The second factor of a person who signs in: a code of a virtual device, or a passkey.

use bailiwick_api::signin as pb;
use bailiwick_directory::{descriptors, passkey_serial_number, serial_number};
use bailiwick_federation::Assertion;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::passkey::{self, CHALLENGE_LIFETIME, Purpose, RelyingParty, challenge};
use bailiwick_operation::{Cx, NoCaller, mfa};
use bailiwick_storage::{Passkey, Tx};
use data_encoding::BASE64URL_NOPAD;

use crate::attempt::{Identity, Proven};

/// More devices than a person can have.
const ALL: usize = 100;

/// What a request has as its second factor.
pub enum Given {
    /// Nothing.
    Nothing,
    /// A code, and the serial number of the device that it is of.
    Code(String, Option<String>),
    /// The answer of a passkey.
    Passkey(Box<PasskeyAnswer>),
}

/// The answer of a passkey, decoded.
pub struct PasskeyAnswer {
    credential_id: Vec<u8>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

/// What the second factor of a person says.
pub(crate) enum Factor {
    /// The person has no device.
    None,
    /// A code or a passkey was verified.
    Verified,
    /// It is missing.
    Missing(Missing),
}

/// What a person can give.
pub(crate) struct Missing {
    /// The serial numbers of the devices.
    pub(crate) serial_numbers: Vec<String>,
    /// What to ask a passkey, if the person has one for this server.
    pub(crate) request: Option<pb::PasskeyRequest>,
}

impl Given {
    /// Reads the members of a request.
    ///
    /// # Errors
    /// `InvalidInput` for a code and a passkey together, and for what is not base64url.
    pub(crate) fn read(
        code: Option<String>,
        serial_number: Option<String>,
        passkey: Option<pb::PasskeyAssertion>,
    ) -> Result<Given> {
        match (code, passkey) {
            (None, None) => Ok(Given::Nothing),
            (Some(code), None) => Ok(Given::Code(code, serial_number)),
            (None, Some(answer)) => Ok(Given::Passkey(Box::new(PasskeyAnswer::decode(answer)?))),
            (Some(_), Some(_)) => {
                let message = "the request must have `mfaCode` or `passkey`, and not both";
                Err(IamError::new(ErrorCode::InvalidInput, message))
            }
        }
    }

    /// Verifies what is given, if the person has a device. A code or a challenge is used up, and a wrong one is counted.
    ///
    /// Of several virtual devices, the request must name the one that the code is of: a code that could be of any of them
    /// would be easier to guess.
    ///
    /// # Errors
    /// `InvalidAuthenticationCode`; `Throttling` after too many wrong codes and passkeys; `FeatureDisabled` for a passkey
    /// if the server has no domain.
    pub(crate) async fn verify(self, cx: &Cx<NoCaller>, tx: &mut Tx, person: &Proven) -> Result<Factor> {
        let (account, owner) = (person.candidate.account.id, person.candidate.owner());
        let devices = tx.list_mfa_devices_of(account, &owner, None, ALL).await?.items;
        let passkeys = tx.list_passkeys(account, &owner).await?;
        if devices.is_empty() && passkeys.is_empty() {
            return Ok(Factor::None);
        }
        let serial = |device: &_| serial_number(cx.partition(), device).to_string();
        let device = match &self {
            Given::Passkey(answer) => {
                passkey::verify(cx, tx, account, &owner, answer.assertion()).await?;
                return Ok(Factor::Verified);
            }
            Given::Nothing => None,
            Given::Code(code, wanted) => match (wanted, devices.as_slice()) {
                (None, [only]) => Some((code, Some(only))),
                (None, _) => None,
                // A device that the person does not have is a wrong code.
                (Some(wanted), all) => Some((code, all.iter().find(|device| serial(device) == *wanted))),
            },
        };
        let Some((code, device)) = device else {
            let serial_numbers =
                devices.iter().map(serial).chain(passkeys.iter().map(|passkey| serial_of(cx, person, passkey)));
            let serial_numbers = serial_numbers.collect();
            return Ok(Factor::Missing(Missing { serial_numbers, request: request(cx, person, &passkeys)? }));
        };
        let path_and_name = device.map_or_else(String::new, |device| device.path_and_name());
        mfa::verify(cx, tx, account, &owner, &path_and_name, code).await?;
        Ok(Factor::Verified)
    }
}

fn serial_of(cx: &Cx<NoCaller>, person: &Proven, passkey: &Passkey) -> String {
    let user_name = match &person.candidate.identity {
        Identity::User(user, _) => Some(user.name.as_str()),
        Identity::Root(_) => None,
    };
    passkey_serial_number(cx.partition(), passkey, user_name).to_string()
}

/// What to ask the passkeys of a person, with a new challenge; none without passkeys for this server.
fn request(cx: &Cx<NoCaller>, person: &Proven, passkeys: &[Passkey]) -> Result<Option<pb::PasskeyRequest>> {
    let Ok(relying_party) = RelyingParty::of(cx) else { return Ok(None) };
    let asked = || passkeys.iter().filter(|passkey| passkey.relying_party == relying_party.id);
    if asked().next().is_none() {
        return Ok(None);
    }
    let (account, owner) = (person.candidate.account.id, person.candidate.owner());
    let user_verification = if asked().all(|passkey| passkey.user_verified) { "required" } else { "preferred" };
    Ok(Some(pb::PasskeyRequest {
        challenge: BASE64URL_NOPAD.encode(&challenge(cx, Purpose::Assertion, &relying_party, account, &owner)?),
        timeout: i32::try_from(CHALLENGE_LIFETIME.as_millis()).unwrap_or(i32::MAX),
        allow_credentials: descriptors(asked()),
        user_verification: user_verification.to_owned(),
        rp_id: relying_party.id,
    }))
}

impl PasskeyAnswer {
    fn decode(answer: pb::PasskeyAssertion) -> Result<Self> {
        let decoded = |member: Option<String>, name: &str| {
            BASE64URL_NOPAD.decode(member.unwrap_or_default().as_bytes()).map_err(|_| {
                let message = format!("`passkey.{name}` is not base64url without padding");
                IamError::new(ErrorCode::InvalidInput, message)
            })
        };
        Ok(PasskeyAnswer {
            credential_id: decoded(answer.credential_id, "credentialId")?,
            client_data: decoded(answer.client_data, "clientData")?,
            authenticator_data: decoded(answer.authenticator_data, "authenticatorData")?,
            signature: decoded(answer.signature, "signature")?,
            user_handle: match answer.user_handle {
                None => None,
                handle => Some(decoded(handle, "userHandle")?),
            },
        })
    }

    fn assertion(&self) -> Assertion<'_> {
        Assertion {
            credential_id: &self.credential_id,
            client_data: &self.client_data,
            authenticator_data: &self.authenticator_data,
            signature: &self.signature,
            user_handle: self.user_handle.as_deref(),
        }
    }
}
