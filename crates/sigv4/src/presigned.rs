//! Signatures in the query string.

use std::{borrow::Cow, time::Duration};

use crate::{
    ALGORITHM,
    date::SignedAt,
    error::SigV4Error,
    header,
    query::{self, AuthParameters},
    request::Request,
    scope::parse_credential,
    unverified::{self, Mechanism, SessionToken, UnverifiedSignature},
};

/// The longest lifetime of a presigned request in AWS: one week, in seconds.
pub(crate) const MAX_EXPIRES: u64 = 7 * 24 * 60 * 60;

pub(crate) fn parse<'a>(
    request: &Request<'a>,
    mut found: AuthParameters<'a>,
) -> Result<UnverifiedSignature<'a>, SigV4Error> {
    let expires = found.take(query::EXPIRES);
    let [algorithm, credential, date, signed_headers, signature] = required(&mut found, expires.is_some())?;
    if *algorithm != *ALGORITHM.as_bytes() {
        return Err(SigV4Error::UnsupportedAlgorithm);
    }
    let at = SignedAt::parse(&date).ok_or(SigV4Error::MalformedDate)?;
    let credential = unverified::text(credential).ok_or(SigV4Error::MalformedCredential)?;
    let (access_key_id, scope) = match &credential {
        Cow::Borrowed(text) => {
            let (id, scope) = parse_credential(text)?;
            (Cow::Borrowed(id), scope)
        }
        Cow::Owned(text) => {
            let (id, scope) = parse_credential(text)?;
            (Cow::Owned(id.to_owned()), scope.into_owned())
        }
    };
    unverified::check_day(&scope, &at)?;
    let signed_headers = unverified::text(signed_headers).ok_or(SigV4Error::MalformedSignedHeaders)?;
    header::check_signed(request, &signed_headers)?;
    Ok(UnverifiedSignature {
        request: *request,
        mechanism: Mechanism::Presigned { expires: expires.as_deref().map(seconds).transpose()? },
        access_key_id,
        scope,
        at,
        signed_headers,
        session_token: session_token(request, &mut found)?,
        payload: payload(request, &mut found)?,
        signature: unverified::parse_signature(&signature)?,
    })
}

/// The parameters that every presigned request needs. The options decide whether `X-Amz-Expires` may be absent; an
/// error names it with the others.
fn required<'a>(found: &mut AuthParameters<'a>, expires: bool) -> Result<[Cow<'a, [u8]>; 5], SigV4Error> {
    let names = [query::ALGORITHM, query::CREDENTIAL, query::DATE, query::SIGNED_HEADERS, query::SIGNATURE];
    let values = names.map(|name| found.take(name));
    let mut missing: Vec<_> =
        names.iter().zip(&values).filter(|(_, value)| value.is_none()).map(|(name, _)| *name).collect();
    if missing.is_empty() {
        return Ok(values.map(Option::unwrap_or_default));
    }
    if !expires {
        missing.push(query::EXPIRES);
    }
    Err(SigV4Error::MissingParameters(missing))
}

fn seconds(text: &[u8]) -> Result<Duration, SigV4Error> {
    // The parser of `u64` would accept a plus sign.
    let digits = (1..=6).contains(&text.len()) && text.iter().all(u8::is_ascii_digit);
    let text = std::str::from_utf8(text).ok().filter(|_| digits);
    let seconds = text.and_then(|text| text.parse().ok()).filter(|n| (1..=MAX_EXPIRES).contains(n));
    seconds.map(Duration::from_secs).ok_or(SigV4Error::MalformedExpires(MAX_EXPIRES))
}

/// The token is in the query string; a second token in a header is ambiguous.
fn session_token<'a>(
    request: &Request<'a>,
    found: &mut AuthParameters<'a>,
) -> Result<Option<SessionToken<'a>>, SigV4Error> {
    if request.values("x-amz-security-token").next().is_some() {
        return Err(SigV4Error::RepeatedHeader("x-amz-security-token"));
    }
    found.take(query::SECURITY_TOKEN).map(SessionToken::parse).transpose()
}

fn payload<'a>(request: &Request<'a>, found: &mut AuthParameters<'a>) -> Result<Cow<'a, [u8]>, SigV4Error> {
    let in_header = unverified::header_payload(request)?;
    match found.take(query::CONTENT_SHA256) {
        None => Ok(in_header.into()),
        Some(_) if !in_header.is_empty() => Err(SigV4Error::RepeatedHeader("x-amz-content-sha256")),
        Some(value) if value.is_empty() => Err(SigV4Error::MalformedPayloadHash),
        Some(value) => Ok(value),
    }
}
