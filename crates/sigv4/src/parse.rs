//! The first step: parsing the claimed access key, scope and time.

use crate::{
    ALGORITHM,
    date::SignedAt,
    error::SigV4Error,
    header, presigned,
    query::AuthParameters,
    request::Request,
    scope::parse_credential,
    unverified::{Mechanism, SessionToken, UnverifiedSignature, check_day, header_payload, parse_signature},
};

/// Parses the signature of a request. Returns `None` for a request without one.
///
/// An `Authorization` header of another scheme, such as a bearer token, is ignored.
///
/// # Errors
///
/// A signature that is malformed or ambiguous; see [`SigV4Error`] and [`crate::attacks`].
pub fn parse<'a>(request: &Request<'a>) -> Result<Option<UnverifiedSignature<'a>>, SigV4Error> {
    let authorization = header::single(request, "authorization")?;
    let parameters = AuthParameters::find(request.query)?;
    match authorization.map(header::trim) {
        None if parameters.is_empty() => Ok(None),
        None => presigned::parse(request, parameters).map(Some),
        Some(_) if !parameters.is_empty() => Err(SigV4Error::BothMechanisms),
        Some(value) if is_aws4(value) => from_header(request, value).map(Some),
        Some(_) => Ok(None),
    }
}

fn is_aws4(authorization: &[u8]) -> bool {
    authorization.get(..5).is_some_and(|prefix| prefix.eq_ignore_ascii_case(b"AWS4-"))
}

fn from_header<'a>(request: &Request<'a>, authorization: &'a [u8]) -> Result<UnverifiedSignature<'a>, SigV4Error> {
    let authorization = std::str::from_utf8(authorization).map_err(|_| SigV4Error::MalformedAuthorization)?;
    let (algorithm, parts) = authorization.split_once(' ').unwrap_or((authorization, ""));
    if algorithm != ALGORITHM {
        return Err(SigV4Error::UnsupportedAlgorithm);
    }
    let Parts { credential, signed_headers, signature } = Parts::parse(parts)?;
    let at = header_date(request)?;
    let (access_key_id, scope) = parse_credential(credential)?;
    check_day(&scope, &at)?;
    header::check_signed(request, signed_headers)?;
    let session_token = header::single(request, "x-amz-security-token")?;
    Ok(UnverifiedSignature {
        request: *request,
        mechanism: Mechanism::Header,
        access_key_id: access_key_id.into(),
        scope,
        at,
        signed_headers: signed_headers.into(),
        session_token: session_token.map(|value| SessionToken::parse(header::trim(value).into())).transpose()?,
        payload: header_payload(request)?.into(),
        signature: parse_signature(signature.as_bytes())?,
    })
}

/// The three parts of the header, each exactly once, in any order.
struct Parts<'a> {
    credential: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn parse(text: &'a str) -> Result<Self, SigV4Error> {
        const NAMES: [&str; 3] = ["Credential", "Signature", "SignedHeaders"];
        let mut found = [None; 3];
        // Spaces and tabs around commas are ignored. Other control characters are not.
        let parts = text.split(',').map(|part| part.trim_matches([' ', '\t']));
        for part in parts.filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').ok_or(SigV4Error::NotKeyValue)?;
            let unexpected = || SigV4Error::UnexpectedPart;
            let i = NAMES.iter().position(|n| *n == name).ok_or_else(unexpected)?;
            if found[i].replace(value).is_some() {
                return Err(unexpected());
            }
        }
        match found {
            [Some(credential), Some(signature), Some(signed_headers)] => {
                Ok(Self { credential, signed_headers, signature })
            }
            _ => {
                let missing = NAMES.iter().zip(found).filter(|(_, value)| value.is_none());
                Err(SigV4Error::MissingParts(missing.map(|(name, _)| *name).collect()))
            }
        }
    }
}

fn header_date(request: &Request<'_>) -> Result<SignedAt, SigV4Error> {
    if let Some(value) = header::single(request, "x-amz-date")?.map(header::trim) {
        return SignedAt::parse(value).ok_or(SigV4Error::MalformedDate);
    }
    let value = header::single(request, "date")?.map(header::trim).ok_or(SigV4Error::MissingDate)?;
    SignedAt::parse_date_header(value).ok_or(SigV4Error::MalformedDate)
}

#[cfg(test)]
mod tests;
