//! Errors, with AWS's codes and, where they are known, AWS's messages.

/// A request is not signed, or its signature is not valid.
///
/// The message is for the caller. It repeats well-formed dates and names of common headers only, so that a secret in
/// the wrong place of a request does not appear in a response or a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SigV4Error {
    /// The request is not signed. [`crate::parse`] returns `None` in this case; services that require a signature
    /// return this error.
    #[error("Request is missing Authentication Token")]
    Unsigned,
    /// The access key id is malformed or, as reported by the key look-up, unknown.
    #[error("The security token included in the request is invalid.")]
    UnknownKey,
    /// Both the header and the query string have a signature.
    #[error("the request is signed in its Authorization header and in its query string, use one of them")]
    BothMechanisms,
    /// A header that takes part in authentication is there more than once.
    #[error("the header `{0}` must not be repeated")]
    RepeatedHeader(&'static str),
    /// A query parameter that takes part in authentication is there more than once.
    #[error("the query parameter `{0}` must not be repeated")]
    RepeatedParameter(&'static str),
    /// A query parameter has the name of one that authenticates, in other case.
    #[error("the query parameter `{0}` must be written so")]
    MisspelledParameter(&'static str),
    /// The query string has a percent sign that no two hex digits follow.
    #[error("The query string contains a syntax error")]
    MalformedQuery,
    /// An algorithm other than [`crate::ALGORITHM`].
    #[error("Unsupported AWS 'algorithm': it must be AWS4-HMAC-SHA256.")]
    UnsupportedAlgorithm,
    /// The authorization header, or a part of it, is not text.
    #[error("the Authorization header is malformed")]
    MalformedAuthorization,
    /// A part of the authorization header is not `key=value`.
    #[error(
        "Authorization header must be Credential=…, SignedHeaders=…, Signature=…: a part of it is not a valid key=value pair (missing equal-sign)."
    )]
    NotKeyValue,
    /// A part of the authorization header that is unknown or repeated.
    #[error(
        "Authorization header must be Credential=…, SignedHeaders=…, Signature=…: a part of it is unknown or repeated."
    )]
    UnexpectedPart,
    /// Parts of the authorization header that are not there.
    #[error("{}", missing_parts(.0))]
    MissingParts(Vec<&'static str>),
    /// Query parameters that a presigned request needs and that are not there.
    #[error("AWS query-string parameters must include '{}'. Re-examine the query-string parameters.", .0.join("', '"))]
    MissingParameters(Vec<&'static str>),
    /// Neither `x-amz-date` nor `date`.
    #[error("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")]
    MissingDate,
    /// A date that is not like `20260301T120000Z`.
    #[error("Date must be in ISO-8601 'basic format'. See http://en.wikipedia.org/wiki/ISO_8601")]
    MalformedDate,
    /// The credential is not `keyid/date/region/service/aws4_request`.
    #[error("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term")]
    MalformedCredential,
    /// `X-Amz-Expires` is not a number between 1 and the longest permitted lifetime.
    #[error("X-Amz-Expires must be a number of seconds from 1 to {0}")]
    MalformedExpires(u64),
    /// The scope does not end in `aws4_request`.
    #[error("Credential should be scoped with a valid terminator: 'aws4_request'.")]
    WrongTerminator,
    /// The day of the key is not the day of the request.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{scope}' != '{day}', from '{date}'."
    )]
    WrongDay {
        /// The day in the credential's scope.
        scope: String,
        /// The day of the request.
        day: String,
        /// The time of the request.
        date: String,
    },
    /// Signed for another region. The message does not name an accepted one.
    #[error("Credential should be scoped to a valid region. ")]
    WrongRegion,
    /// Signed for another service.
    #[error("Credential should be scoped to correct service: '{0}'. ")]
    WrongService(String),
    /// `host` is not among the signed headers.
    #[error("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")]
    HostNotSigned,
    /// A header that must be signed is present and not signed.
    #[error("{} must be a 'SignedHeader' in the AWS Authorization.", quoted(.0))]
    HeaderNotSigned(String),
    /// The list of signed headers is not in lower case, sorted and without repetition, or is too long.
    #[error("'SignedHeaders' must be header names in lower case, sorted and without repetition")]
    MalformedSignedHeaders,
    /// A header is named as signed and is not there.
    #[error("the signed header{} is not in the request", named(.0))]
    SignedHeaderAbsent(String),
    /// A signed header's value holds a control character.
    #[error("the signed header{} holds a control character", named(.0))]
    MalformedHeader(String),
    /// The method is not a token, or the path does not satisfy the path rule.
    #[error("the method or path of the request can not be signed")]
    MalformedTarget,
    /// A path with empty or dot segments, where the path rule refuses such.
    #[error(
        "the path of the request has an empty, `.` or `..` segment, and is signed as the path that it resolves to: the signature would prove another path than the one that was received; send the resolved path, such as `/a/b` for `/a//b` and `/b` for `/a/../b`"
    )]
    UnresolvedPath,
    /// `x-amz-content-sha256` is neither a lower-case hexadecimal hash nor one of the defined keywords.
    #[error("x-amz-content-sha256 must be UNSIGNED-PAYLOAD or a lower-case hexadecimal SHA-256")]
    MalformedPayloadHash,
    /// The payload is not signed, and must be.
    #[error("x-amz-content-sha256 must be the SHA-256 of the payload")]
    UnsignedPayload,
    /// The declared hash is not the payload's.
    #[error("The provided 'x-amz-content-sha256' header does not match what was computed.")]
    PayloadMismatch,
    /// Expired: too old, or a presigned request past its lifetime.
    #[error("Signature expired: {date} is now earlier than {limit} ({now} - {window})")]
    Expired {
        /// When it was signed.
        date: String,
        /// The earliest time that would do.
        limit: String,
        /// The server's time.
        now: String,
        /// The allowance, like `5 min.`.
        window: String,
    },
    /// Signed in the future.
    #[error("Signature not yet current: {date} is still later than {limit} ({now} + {window})")]
    NotYetCurrent {
        /// When it was signed.
        date: String,
        /// The latest time that would do.
        limit: String,
        /// The server's time.
        now: String,
        /// The allowance, like `5 min.`.
        window: String,
    },
    /// The signature does not match.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
}

impl SigV4Error {
    /// The code that AWS's query services answer with.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unsigned => "MissingAuthenticationToken",
            Self::UnknownKey => "InvalidClientTokenId",
            Self::MalformedQuery => "MalformedQueryString",
            Self::BothMechanisms
            | Self::RepeatedHeader(_)
            | Self::RepeatedParameter(_)
            | Self::MisspelledParameter(_)
            | Self::UnsupportedAlgorithm
            | Self::MalformedAuthorization
            | Self::NotKeyValue
            | Self::UnexpectedPart
            | Self::MissingParts(_)
            | Self::MissingParameters(_)
            | Self::MissingDate
            | Self::MalformedDate
            | Self::MalformedCredential
            | Self::MalformedExpires(_) => "IncompleteSignature",
            Self::WrongTerminator
            | Self::WrongDay { .. }
            | Self::WrongRegion
            | Self::WrongService(_)
            | Self::HostNotSigned
            | Self::HeaderNotSigned(_)
            | Self::MalformedSignedHeaders
            | Self::SignedHeaderAbsent(_)
            | Self::MalformedHeader(_)
            | Self::MalformedTarget
            | Self::UnresolvedPath
            | Self::MalformedPayloadHash
            | Self::UnsignedPayload
            | Self::PayloadMismatch
            | Self::Expired { .. }
            | Self::NotYetCurrent { .. }
            | Self::Mismatch => "SignatureDoesNotMatch",
        }
    }
}

/// Headers that a message may name, besides those of AWS and Bailiwick.
const USUAL: [&str; 10] = [
    "accept",
    "accept-encoding",
    "cache-control",
    "content-length",
    "content-md5",
    "content-type",
    "date",
    "host",
    "range",
    "user-agent",
];

/// The name of a header, if it is a usual one: the list of signed headers is the caller's text as well.
fn usual(name: &str) -> Option<&str> {
    let is_ours = ["x-amz-", "x-bailiwick-"].iter().any(|prefix| name.len() < 48 && name.starts_with(prefix));
    let is_plain = name.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-' || b == b'5' || b == b'2' || b == b'6');
    (USUAL.contains(&name) || is_ours && is_plain).then_some(name)
}

/// The name of a usual header in backticks after a space, and nothing for any other.
fn named(name: &str) -> String {
    usual(&name.to_ascii_lowercase()).map(|name| format!(" `{name}`")).unwrap_or_default()
}

fn quoted(name: &str) -> String {
    usual(&name.to_ascii_lowercase()).map_or_else(|| "a header".to_owned(), |_| format!("'{name}'"))
}

fn missing_parts(parts: &[&str]) -> String {
    let sentences: Vec<_> = parts.iter().map(|p| format!("Authorization header requires '{p}' parameter.")).collect();
    sentences.join(" ")
}
