//! A signature that has been parsed and not yet verified.

use std::{borrow::Cow, fmt, time::Duration};

use jiff::Timestamp;
use zeroize::Zeroize;

use crate::{date::SignedAt, encode, error::SigV4Error, header, payload::Payload, request::Request, scope::Scope};

/// The signature of a request, parsed. Nothing in it is proven before [`UnverifiedSignature::verify`].
#[derive(Clone)]
pub struct UnverifiedSignature<'a> {
    pub(crate) request: Request<'a>,
    pub(crate) mechanism: Mechanism,
    pub(crate) access_key_id: Cow<'a, str>,
    pub(crate) scope: Scope<'a>,
    pub(crate) at: SignedAt,
    pub(crate) signed_headers: Cow<'a, str>,
    pub(crate) session_token: Option<SessionToken<'a>>,
    pub(crate) payload: Cow<'a, [u8]>,
    pub(crate) signature: [u8; 32],
}

/// Where the signature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// In the `Authorization` header.
    Header,
    /// In the query string, with a lifetime.
    Presigned {
        /// `X-Amz-Expires`, or `None` if it is absent; see [`crate::VerifyOptions::absent_expires`].
        expires: Option<Duration>,
    },
}

impl<'a> UnverifiedSignature<'a> {
    /// The claimed access key id.
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Where the signature is.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// The day, region and service of the signature.
    pub fn scope(&self) -> &Scope<'a> {
        &self.scope
    }

    /// When it was signed.
    pub fn date(&self) -> Timestamp {
        self.at.time
    }

    /// The names of the signed headers, in lower case, sorted.
    pub fn signed_headers(&self) -> impl Iterator<Item = &str> {
        self.signed_headers.split(';')
    }

    /// The session token of temporary credentials. It is not a proof by itself.
    pub fn session_token(&self) -> Option<&SessionToken<'a>> {
        self.session_token.as_ref()
    }

    /// What the signature declares about the body.
    ///
    /// # Errors
    ///
    /// [`SigV4Error::MalformedPayloadHash`].
    pub fn payload(&self) -> Result<Payload<'_>, SigV4Error> {
        match &*self.payload {
            [] => Ok(Payload::Absent),
            value => Payload::parse(value),
        }
    }

    /// Refuses a signature that was made for another service than one of `services`.
    ///
    /// # Errors
    ///
    /// [`SigV4Error::WrongService`], naming the first of them.
    pub fn expect_service(&self, services: &[&str]) -> Result<(), SigV4Error> {
        if services.contains(&self.scope.service()) {
            return Ok(());
        }
        Err(SigV4Error::WrongService(services.first().copied().unwrap_or_default().to_owned()))
    }

    /// Refuses a signature for a region that `accepted` does not know.
    ///
    /// # Errors
    ///
    /// [`SigV4Error::WrongRegion`].
    pub fn expect_region(&self, accepted: impl FnOnce(&str) -> bool) -> Result<(), SigV4Error> {
        if accepted(self.scope.region()) { Ok(()) } else { Err(SigV4Error::WrongRegion) }
    }
}

impl fmt::Debug for UnverifiedSignature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedSignature")
            .field("mechanism", &self.mechanism)
            .field("access_key_id", &self.access_key_id)
            .field("scope", &self.scope)
            .field("date", &self.at.as_str())
            .field("signed_headers", &self.signed_headers)
            .finish_non_exhaustive()
    }
}

/// A session token as received. It has no `Display`, and its `Debug` does not show it.
#[derive(Clone)]
pub struct SessionToken<'a>(Cow<'a, str>);

impl<'a> SessionToken<'a> {
    /// The token's text.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Session tokens are graphic ASCII.
    pub(crate) fn parse(value: Cow<'a, [u8]>) -> Result<Self, SigV4Error> {
        if value.is_empty() || !value.iter().all(u8::is_ascii_graphic) {
            return Err(SigV4Error::UnknownKey);
        }
        text(value).map(Self).ok_or(SigV4Error::UnknownKey)
    }
}

impl Drop for SessionToken<'_> {
    fn drop(&mut self) {
        if let Cow::Owned(text) = &mut self.0 {
            text.zeroize();
        }
    }
}

impl fmt::Debug for SessionToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The value of `x-amz-content-sha256`, empty when it is not there.
pub(crate) fn header_payload<'a>(request: &Request<'a>) -> Result<&'a [u8], SigV4Error> {
    match header::single(request, "x-amz-content-sha256")?.map(header::trim) {
        Some([]) => Err(SigV4Error::MalformedPayloadHash),
        Some(value) => Ok(value),
        None => Ok(b""),
    }
}

pub(crate) fn check_day(scope: &Scope<'_>, at: &SignedAt) -> Result<(), SigV4Error> {
    if scope.date() == at.day() {
        return Ok(());
    }
    Err(SigV4Error::WrongDay { scope: scope.date().into(), day: at.day().into(), date: at.as_str().into() })
}

/// A text that is not 64 lower-case hexadecimal digits cannot match.
pub(crate) fn parse_signature(text: &[u8]) -> Result<[u8; 32], SigV4Error> {
    encode::parse_hash(text).ok_or(SigV4Error::Mismatch)
}

pub(crate) fn text(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    match bytes {
        Cow::Borrowed(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        Cow::Owned(bytes) => String::from_utf8(bytes).ok().map(Cow::Owned),
    }
}
