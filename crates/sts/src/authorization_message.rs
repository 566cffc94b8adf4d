//! Encoded messages about denials, and DecodeAuthorizationMessage.
//!
//! `authz` writes a message about a denial for the administrators of the principal's account. The service that asked for
//! the decision gets it sealed and shows it to the caller, as services of AWS do. Bailiwick's own `AccessDenied` has no
//! encoded message: those of IAM and STS on AWS have none either, and it names the type of the policy that decided.

use std::time::Duration;

use bailiwick_api::op;
use bailiwick_api::sts::{DecodeAuthorizationMessageRequest, DecodeAuthorizationMessageResponse};
use bailiwick_model::{AccountId, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Deployment, Handle, Planned};
use bailiwick_seal::{KeyPurpose, Sealer};
use bailiwick_storage::Tx;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;

use crate::Sts;

/// Decodes an encoded message about a denial of a principal of the caller's account.
///
/// Messages of other accounts are as invalid as forged ones, also for the management account.
///
/// # Errors
/// `InvalidAuthorizationMessageException`: not a message, altered, of another account or deployment, or expired.
impl Handle<op::DecodeAuthorizationMessage> for Sts {
    type Plan = DecodeAuthorizationMessageRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: Self::Plan) -> Result<Planned<Self::Plan>> {
        Ok(Planned::new(req).check(Check::without_resource("sts:DecodeAuthorizationMessage", cx.account())))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, req: Self::Plan) -> Result<DecodeAuthorizationMessageResponse> {
        let message = req.encoded_message.unwrap_or_default();
        let decoded = AuthorizationMessages::of(cx.deployment()).decode(cx.account(), &message, cx.now());
        let decoded = decoded.ok_or_else(|| {
            let message = "The encoded authorization message is not valid, or has expired";
            IamError::new(ErrorCode::InvalidAuthorizationMessage, message).field("EncodedMessage", "an encoded message")
        })?;
        Ok(DecodeAuthorizationMessageResponse { decoded_message: Some(decoded) })
    }
}

/// The format of messages: their first byte and part of the associated data.
const FORM: u8 = 1;
/// The maximum length of an encoded message, which is that of DecodeAuthorizationMessage's parameter.
const MAX_ENCODED: usize = 10_240;

/// Encodes and decodes messages about denials, for administrators of one account each.
#[derive(Clone, Copy)]
pub struct AuthorizationMessages<'a> {
    sealer: &'a Sealer,
    cluster: &'a str,
}

/// Whether the length of an encoded message shows the length of its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageLength {
    /// It does.
    Shown,
    /// All messages are equally long, because the recipient must not learn anything about the content.
    Hidden,
}

impl<'a> AuthorizationMessages<'a> {
    /// The maximum size of a message in bytes.
    pub const MAX_SIZE: usize = 7_424;
    /// How long a message can be decoded.
    pub const LIFETIME: Duration = Duration::from_secs(24 * 3_600);

    /// The messages of a deployment.
    pub fn of(deployment: &'a Deployment) -> Self {
        AuthorizationMessages { sealer: &deployment.sealer, cluster: &deployment.cluster_id }
    }

    /// Encodes a message, a JSON text, that can be decoded in an account.
    ///
    /// # Errors
    /// `ServiceFailure` if the message is larger than [`Self::MAX_SIZE`], or sealing fails.
    pub fn encode(&self, account: AccountId, json: &str, length: MessageLength, now: Timestamp) -> Result<String> {
        if json.len() > Self::MAX_SIZE {
            return Err(IamError::internal("an authorization message that is too large"));
        }
        let expires = now.saturating_add(Self::LIFETIME).map_err(IamError::internal)?;
        let mut plain = expires.as_microsecond().to_be_bytes().to_vec();
        plain.extend_from_slice(json.as_bytes());
        if length == MessageLength::Hidden {
            // White space after a JSON text, which decoding removes.
            plain.resize(size_of::<i64>() + Self::MAX_SIZE, b' ');
        }
        let digits = account.digits();
        let sealed = self.sealer.seal(KeyPurpose::AuthorizationMessage, &self.aad(&digits), &plain);
        let mut message = vec![FORM];
        message.extend(sealed.map_err(IamError::internal)?);
        Ok(URL_SAFE_NO_PAD.encode(message))
    }

    /// Decodes a message of an account. Returns `None` for any other text, and for an expired message.
    pub fn decode(&self, account: AccountId, message: &str, now: Timestamp) -> Option<String> {
        if message.len() > MAX_ENCODED {
            return None;
        }
        let message = URL_SAFE_NO_PAD.decode(message).ok()?;
        let [FORM, sealed @ ..] = message.as_slice() else { return None };
        let digits = account.digits();
        let plain = self.sealer.open(KeyPurpose::AuthorizationMessage, &self.aad(&digits), sealed).ok()?;
        let (expires, json) = plain.split_first_chunk()?;
        if i64::from_be_bytes(*expires) <= now.as_microsecond() {
            return None;
        }
        Some(std::str::from_utf8(json).ok()?.trim_end().to_owned())
    }

    fn aad<'b>(&'b self, account: &'b [u8; 12]) -> [&'b [u8]; 4] {
        [b"authorization message", self.cluster.as_bytes(), account, &[FORM]]
    }
}

#[cfg(test)]
mod tests;
