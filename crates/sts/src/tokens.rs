//! Issuing and opening tokens.

use bailiwick_model::{AccessKeyId, AccountId, ErrorCode, IamError, Issue};
use bailiwick_operation::{Caller, Credential, Deployment};
use bailiwick_seal::{KeyPurpose, SealError, Sealer, SecretString};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use prost::Message;

use crate::access_key::access_key;
use crate::message::{Held, TokenMessage};
use crate::trade_in::TradeIn;

/// The format of tokens: their first byte and part of the associated data, so that formats cannot be confused.
///
/// Format 1 had no such byte and began with that of the sealed data, which is 1. It bound session policies by name, and
/// secrets to the access key id only. Format 2 did not bind what narrows a session since: a server that reads it would
/// ignore scope-down policies. Tokens of older formats count as expired.
const FORM: u8 = 3;
const OLDER_FORMS: [u8; 2] = [1, 2];

/// The maximum length of a token: four times the longest that is issued.
const MAX_TEXT: usize = 64 * 1024;

/// Issues and opens the tokens of a cluster.
///
/// There are six kinds, each sealed with its own keys or bound to its kind so that they cannot be confused: session tokens,
/// which prove nothing without their secret; bearer tokens, which prove their bearer; sign-in tokens of AWS's federation
/// endpoint, and the tokens of the console that they are exchanged for; handles, which Bailiwick gives to another
/// service for a caller that it authenticated; and trade-in tokens, which one account exchanges for delegated access.
#[derive(Clone, Copy)]
pub struct Tokens<'a> {
    sealer: &'a Sealer,
    cluster: &'a str,
}

/// Temporary credentials from an opened session token.
///
/// They prove nothing yet: the request must be signed with the secret, and principal, revocations and account state must
/// be checked.
#[derive(Debug)]
pub struct OpenedSession {
    /// The caller, with a session.
    pub caller: Caller,
    /// The secret that the request must be signed with.
    pub secret: SecretString,
}

/// A caller from an opened bearer token or handle.
///
/// The bearer is the caller, if principal, access key, revocations and account state still allow it.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// The caller.
    pub caller: Caller,
    /// When, and on which view, it was issued.
    pub issued: Issue,
    /// When it expires; not later than the caller's session.
    pub expires: Timestamp,
    /// In a handle: the service that the caller signed for.
    pub signed_for: Option<String>,
}

/// Why a token is refused. An invalid token's error has no details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not issued here, or not of this kind, cluster or access key, or sealed with a key that was pruned.
    #[error("The security token included in the request is invalid.")]
    Invalid,
    /// Issued here and expired.
    #[error("The security token included in the request is expired")]
    Expired,
}

impl From<TokenError> for IamError {
    fn from(error: TokenError) -> Self {
        let code = match error {
            TokenError::Invalid => ErrorCode::InvalidClientTokenId,
            TokenError::Expired => ErrorCode::ExpiredToken,
        };
        IamError::new(code, error.to_string())
    }
}

impl<'a> Tokens<'a> {
    /// The tokens of a cluster.
    pub fn new(sealer: &'a Sealer, cluster: &'a str) -> Self {
        Self { sealer, cluster }
    }

    /// The tokens of a deployment.
    pub fn of(deployment: &'a Deployment) -> Self {
        Self::new(&deployment.sealer, &deployment.cluster_id)
    }

    /// Issues the session token of temporary credentials, and the secret key that belongs to it.
    ///
    /// `caller` has the temporary access key as its credential, and a session.
    ///
    /// # Errors
    /// `ServiceFailure` if sealing fails or the caller has no session.
    pub fn issue_session(&self, caller: &Caller) -> Result<(String, SecretString), IamError> {
        self.issue_session_of(caller, 0)
    }

    /// The same, with a token of at least `minimum` bytes.
    ///
    /// # Errors
    /// As [`Self::issue_session`].
    pub fn issue_session_of(&self, caller: &Caller, minimum: usize) -> Result<(String, SecretString), IamError> {
        let session = caller.session.as_deref().ok_or_else(|| IamError::internal("a session token without session"))?;
        let key = access_key(caller)?;
        let message = TokenMessage::of(caller, session.issued.into(), session.expires)?;
        // One keyring for both: a rotation in between would separate token and secret.
        let keyring = self.sealer.sealing_keyring();
        let account = account_of(key).ok_or_else(|| IamError::internal("an access key id without account"))?;
        let aad = self.session_aad(key, &account);
        let seal = |message: &TokenMessage| {
            keyring.seal(KeyPurpose::SessionToken, &aad, &message.encode_to_vec()).map_err(IamError::internal)
        };
        let mut sealed = seal(&message)?;
        let lacking = minimum.saturating_sub(encoded_len(&sealed));
        if lacking > 0 {
            sealed = seal(&message.padded(lacking))?;
        }
        let secret = keyring.derive_secret(KeyPurpose::SessionToken, &sealed, &aad).map_err(IamError::internal)?;
        Ok((URL_SAFE_NO_PAD.encode(in_form(&sealed)), secret))
    }

    /// Opens the session token that came with a request signed by `key`.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_session(&self, key: &AccessKeyId, token: &str, now: Timestamp) -> Result<OpenedSession, TokenError> {
        let account = account_of(key).ok_or(TokenError::Invalid)?;
        let token = decode(token)?;
        let sealed = sealed(&token)?;
        let keyring = self.sealer.keyring();
        let aad = self.session_aad(key, &account);
        let opened = keyring.open(KeyPurpose::SessionToken, &aad, sealed).map_err(invalid)?;
        let held = read(&opened, Credential::AccessKey, now)?;
        if held.caller.access_key_id() != Some(key) || held.caller.session.is_none() {
            return Err(TokenError::Invalid);
        }
        let secret = keyring.derive_secret(KeyPurpose::SessionToken, sealed, &aad).map_err(invalid)?;
        Ok(OpenedSession { caller: held.caller, secret })
    }

    /// `sts | cluster | account | access key | form`: what a session token is bound to, and its secret is derived from
    /// besides the token itself.
    fn session_aad<'b>(&'b self, key: &'b AccessKeyId, account: &'b [u8; 12]) -> [&'b [u8]; 5] {
        [b"sts", self.cluster.as_bytes(), account, key.as_str().as_bytes(), &[FORM]]
    }

    /// Issues a bearer token for a caller.
    ///
    /// # Errors
    /// `ServiceFailure` if sealing fails.
    pub fn issue_bearer(
        &self,
        caller: &Caller,
        issued: impl Into<Issue>,
        expires: Timestamp,
    ) -> Result<String, IamError> {
        self.issue_of(b"bearer", &TokenMessage::of(caller, issued.into(), expires)?)
    }

    /// Opens a bearer token. The caller's credential is [`Credential::Bearer`].
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_bearer(&self, token: &str, now: Timestamp) -> Result<Bearer, TokenError> {
        self.open_of(b"bearer", token, Credential::Bearer, now).map(Bearer::from)
    }

    /// Issues a sign-in token of AWS's federation endpoint for a caller with temporary credentials. It does not open as a
    /// bearer token. `seconds` is how long the session after the sign-in may last, if the request said.
    ///
    /// # Errors
    /// `ServiceFailure` if sealing fails.
    pub fn issue_sign_in(
        &self,
        caller: &Caller,
        issued: impl Into<Issue>,
        expires: Timestamp,
        seconds: Option<u32>,
    ) -> Result<String, IamError> {
        self.issue_of(b"sign-in", &TokenMessage::of(caller, issued.into(), expires)?.with_session_seconds(seconds))
    }

    /// Opens a sign-in token. The caller's credential is [`Credential::Console`]; the number is that of its issue.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_sign_in(&self, token: &str, now: Timestamp) -> Result<(Bearer, Option<u32>), TokenError> {
        let held = self.open_of(b"sign-in", token, Credential::Console, now)?;
        let seconds = held.session_seconds;
        Ok((held.into(), seconds))
    }

    /// Issues the token of a session of the console. It opens neither as a bearer token nor as a sign-in token.
    ///
    /// # Errors
    /// `ServiceFailure` if sealing fails.
    pub fn issue_console(
        &self,
        caller: &Caller,
        issued: impl Into<Issue>,
        expires: Timestamp,
    ) -> Result<String, IamError> {
        self.issue_of(b"console", &TokenMessage::of(caller, issued.into(), expires)?)
    }

    /// Opens the token of a session of the console. The caller's credential is [`Credential::Console`].
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_console(&self, token: &str, now: Timestamp) -> Result<Bearer, TokenError> {
        self.open_of(b"console", token, Credential::Console, now).map(Bearer::from)
    }

    fn issue_of(&self, kind: &[u8], message: &TokenMessage) -> Result<String, IamError> {
        let aad = [kind, self.cluster.as_bytes(), &[FORM]];
        let sealed = self.sealer.seal(KeyPurpose::BearerToken, &aad, &message.encode_to_vec());
        Ok(URL_SAFE_NO_PAD.encode(in_form(&sealed.map_err(IamError::internal)?)))
    }

    fn open_of(
        &self,
        kind: &[u8],
        token: &str,
        credential: fn(AccessKeyId) -> Credential,
        now: Timestamp,
    ) -> Result<Held, TokenError> {
        let aad = [kind, self.cluster.as_bytes(), &[FORM]];
        let token = decode(token)?;
        let opened = self.sealer.open(KeyPurpose::BearerToken, &aad, sealed(&token)?).map_err(invalid)?;
        read(&opened, credential, now)
    }

    /// Issues a handle for a caller. It opens only for the account of its `holder`, and names the `service` that the
    /// caller signed for.
    ///
    /// # Errors
    /// `ServiceFailure` if sealing fails.
    pub fn issue_handle(
        &self,
        caller: &Caller,
        holder: &[u8],
        service: &str,
        issued: impl Into<Issue>,
        expires: Timestamp,
    ) -> Result<Vec<u8>, IamError> {
        let message = TokenMessage::of(caller, issued.into(), expires)?.with_service(service).encode_to_vec();
        let aad = [&b"handle"[..], self.cluster.as_bytes(), holder, &[FORM]];
        let sealed = self.sealer.seal(KeyPurpose::CallerHandle, &aad, &message).map_err(IamError::internal)?;
        Ok(in_form(&sealed))
    }

    /// Opens a handle that `holder` presents.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_handle(&self, handle: &[u8], holder: &[u8], now: Timestamp) -> Result<Bearer, TokenError> {
        let aad = [&b"handle"[..], self.cluster.as_bytes(), holder, &[FORM]];
        let opened = self.sealer.open(KeyPurpose::CallerHandle, &aad, sealed(handle)?).map_err(invalid)?;
        read(&opened, Credential::AccessKey, now).map(Bearer::from)
    }

    /// Issues the trade-in token of a delegation request. It opens only for the account of the requestor.
    ///
    /// # Errors
    /// `ServiceFailure` if sealing fails.
    pub(crate) fn issue_trade_in(
        &self,
        requestor: AccountId,
        trade_in: &TradeIn,
        expires: Timestamp,
    ) -> Result<String, IamError> {
        let message = trade_in.encode(expires);
        let digits = requestor.digits();
        let sealed = self.sealer.seal(KeyPurpose::TradeInToken, &self.trade_in_aad(&digits), &message);
        Ok(URL_SAFE_NO_PAD.encode(in_form(&sealed.map_err(IamError::internal)?)))
    }

    /// Opens a trade-in token that a principal of this account presents.
    ///
    /// # Errors
    /// [`TokenError`].
    pub fn open_trade_in(&self, requestor: AccountId, token: &str, now: Timestamp) -> Result<TradeIn, TokenError> {
        let token = decode(token)?;
        let [FORM, sealed @ ..] = token.as_slice() else { return Err(TokenError::Invalid) };
        let digits = requestor.digits();
        let opened = self.sealer.open(KeyPurpose::TradeInToken, &self.trade_in_aad(&digits), sealed);
        let (trade_in, expires) = TradeIn::decode(&opened.map_err(invalid)?).ok_or(TokenError::Invalid)?;
        if expires <= now { Err(TokenError::Expired) } else { Ok(trade_in) }
    }

    /// `trade-in | cluster | account of the requestor | form`.
    fn trade_in_aad<'b>(&'b self, requestor: &'b [u8; 12]) -> [&'b [u8]; 4] {
        [b"trade-in", self.cluster.as_bytes(), requestor, &[FORM]]
    }
}

impl From<Held> for Bearer {
    fn from(held: Held) -> Self {
        Self { caller: held.caller, issued: held.issued, expires: held.expires, signed_for: held.signed_for }
    }
}

/// Encodes sealed data as a token of the current format.
fn in_form(sealed: &[u8]) -> Vec<u8> {
    let mut token = Vec::with_capacity(1 + sealed.len());
    token.push(FORM);
    token.extend_from_slice(sealed);
    token
}

/// The length of the token with this sealed data, as text.
fn encoded_len(sealed: &[u8]) -> usize {
    ((1 + sealed.len()) * 4).div_ceil(3)
}

/// Decodes the sealed data of a token.
fn sealed(token: &[u8]) -> Result<&[u8], TokenError> {
    match token {
        [FORM, sealed @ ..] => Ok(sealed),
        [form, ..] if OLDER_FORMS.contains(form) => Err(TokenError::Expired),
        _ => Err(TokenError::Invalid),
    }
}

fn account_of(key: &AccessKeyId) -> Option<[u8; 12]> {
    key.account().map(|account| account.digits())
}

fn decode(token: &str) -> Result<Vec<u8>, TokenError> {
    if token.len() > MAX_TEXT {
        return Err(TokenError::Invalid);
    }
    URL_SAFE_NO_PAD.decode(token).map_err(|_| TokenError::Invalid)
}

fn read(opened: &[u8], credential: fn(AccessKeyId) -> Credential, now: Timestamp) -> Result<Held, TokenError> {
    let message = TokenMessage::decode(opened).map_err(|_| TokenError::Invalid)?;
    let held = message.into_held(credential).ok_or(TokenError::Invalid)?;
    let session_over = held.caller.session.as_ref().is_some_and(|session| session.expires <= now);
    if held.expires <= now || session_over { Err(TokenError::Expired) } else { Ok(held) }
}

fn invalid(_: SealError) -> TokenError {
    TokenError::Invalid
}

#[cfg(test)]
mod tests;
