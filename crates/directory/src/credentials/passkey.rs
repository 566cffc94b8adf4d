//! The registration of passkeys as MFA devices. [`mfa_device`](super::mfa_device) shows and removes them.

use bailiwick_api::op;
use bailiwick_api::signin as pb;
use bailiwick_federation::{KeyAlgorithm, Registration};
use bailiwick_model::{ErrorCode, IamError, MfaDeviceName, Result};
use bailiwick_operation::passkey::{CHALLENGE_LIFETIME, Purpose, RelyingParty, challenge, register, user_handle};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_storage::{KeyOwner, Passkey, Tx};
use data_encoding::BASE64URL_NOPAD;

use super::mfa_device::require_own_mfa;
use super::serial_number::passkey_serial_number;
use crate::Directory;
use crate::request::required;
use crate::user_or_root::UserOrCaller;

/// Looks up the user and names the check of registering a passkey, which is that of any other device and has the step:
/// `Create` or `Activate`. Certifications of the device are not known, so `iam:FIDO-certification` and its like are absent.
async fn plan(cx: &Cx, tx: &mut Tx, user: &Option<String>, step: &str) -> Result<Planned<UserOrCaller>> {
    let user = UserOrCaller::look_up(cx, tx, user).await?;
    let check = user.check(cx, "iam:EnableMFADevice").key("iam:RegisterSecurityKey", step);
    Ok(Planned::new(user).check(check))
}

/// Passkeys as a browser takes them: those to ask, or to exclude.
pub fn descriptors<'a>(passkeys: impl Iterator<Item = &'a Passkey>) -> Vec<pb::PasskeyDescriptor> {
    let descriptor = |passkey: &Passkey| pb::PasskeyDescriptor {
        r#type: PUBLIC_KEY.to_owned(),
        id: BASE64URL_NOPAD.encode(&passkey.credential_id),
    };
    passkeys.map(descriptor).collect()
}

/// WebAuthn's only type of credential.
const PUBLIC_KEY: &str = "public-key";

/// Refuses users who add a device to others that they have, without a second factor.
async fn require_factor(cx: &Cx, tx: &mut Tx, owner: &KeyOwner) -> Result<()> {
    match tx.mfa_device_count_of(cx.account(), owner).await? {
        0 => Ok(()),
        _ => require_own_mfa(cx, owner),
    }
}

/// Returns what a browser needs to make a passkey.
///
/// # Errors
/// `NoSuchEntity`; `AccessDenied` for users who have a device and add another for themselves without a second factor;
/// `FeatureDisabled` for a server without a domain.
impl Handle<op::BeginPasskeyRegistration> for Directory {
    type Plan = UserOrCaller;

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::BeginPasskeyRegistrationRequest,
    ) -> Result<Planned<UserOrCaller>> {
        plan(cx, tx, &req.user_name, "Create").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, user: UserOrCaller) -> Result<pb::BeginPasskeyRegistrationResponse> {
        let user = user.get()?;
        let (account, owner) = (cx.account(), user.key_owner());
        require_factor(cx, tx, &owner).await?;
        let relying_party = RelyingParty::of(cx)?;
        let passkeys = tx.list_passkeys(account, &owner).await?;
        let own = passkeys.iter().filter(|passkey| passkey.relying_party == relying_party.id);
        let name = user.name().unwrap_or_else(|| "root".to_owned());
        let parameters =
            |algorithm: KeyAlgorithm| pb::PasskeyParameters { r#type: PUBLIC_KEY.to_owned(), alg: algorithm.number() };
        let creation = pb::PasskeyCreation {
            challenge: BASE64URL_NOPAD.encode(&challenge(cx, Purpose::Registration, &relying_party, account, &owner)?),
            user: Some(pb::PasskeyUser {
                id: BASE64URL_NOPAD.encode(&user_handle(account, &owner)),
                name: format!("{name}@{account}"),
                display_name: name,
            }),
            pub_key_cred_params: KeyAlgorithm::ALL.map(parameters).into(),
            timeout: i32::try_from(CHALLENGE_LIFETIME.as_millis()).unwrap_or(i32::MAX),
            exclude_credentials: descriptors(own),
            authenticator_selection: Some(pb::PasskeyAuthenticatorSelection {
                resident_key: "preferred".to_owned(),
                user_verification: "preferred".to_owned(),
            }),
            attestation: "none".to_owned(),
            rp: Some(pb::PasskeyRelyingParty { id: relying_party.id.clone(), name: relying_party.id }),
        };
        Ok(pb::BeginPasskeyRegistrationResponse { creation: Some(creation) })
    }
}

/// What a browser answered, decoded.
pub struct Answer {
    label: MfaDeviceName,
    client_data: Vec<u8>,
    attestation_object: Vec<u8>,
}

/// Registers the passkey that a browser made.
///
/// # Errors
/// As [`op::BeginPasskeyRegistration`]; `InvalidInput` with what is not accepted; `EntityAlreadyExists` for a passkey that
/// is registered; `LimitExceeded` for a ninth device.
impl Handle<op::FinishPasskeyRegistration> for Directory {
    type Plan = (UserOrCaller, Answer);

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::FinishPasskeyRegistrationRequest,
    ) -> Result<Planned<Self::Plan>> {
        let answer = Answer {
            label: MfaDeviceName::parse(required(&req.label, "label")?)?,
            client_data: decoded(&req.client_data, "clientData")?,
            attestation_object: decoded(&req.attestation_object, "attestationObject")?,
        };
        Ok(plan(cx, tx, &req.user_name, "Activate").await?.with(answer))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (user, answer): Self::Plan,
    ) -> Result<pb::FinishPasskeyRegistrationResponse> {
        let user = user.get()?;
        let owner = user.key_owner();
        require_factor(cx, tx, &owner).await?;
        let registration =
            Registration { client_data: &answer.client_data, attestation_object: &answer.attestation_object };
        let passkey = register(cx, tx, cx.account(), owner, answer.label, registration).await?;
        let serial_number = passkey_serial_number(cx.partition(), &passkey, user.name().as_deref()).to_string();
        Ok(pb::FinishPasskeyRegistrationResponse { serial_number })
    }
}

/// The bytes of a member in base64url.
fn decoded(member: &Option<String>, name: &'static str) -> Result<Vec<u8>> {
    let text = required(member, name)?;
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| {
        let message = format!("`{name}` is not base64url without padding");
        IamError::new(ErrorCode::InvalidInput, message)
    })
}

#[cfg(test)]
mod tests;
