//! The scope of a signing key: a day, a region and a service.

use std::borrow::Cow;

use crate::error::SigV4Error;

const TERMINATOR: &str = "aws4_request";

/// The day, region and service that a signing key is derived for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope<'a> {
    date: Cow<'a, str>,
    region: Cow<'a, str>,
    service: Cow<'a, str>,
}

impl<'a> Scope<'a> {
    /// Creates a scope; `date` is like `20260301`.
    pub fn new(date: &'a str, region: &'a str, service: &'a str) -> Self {
        Self { date: date.into(), region: region.into(), service: service.into() }
    }

    /// The day, like `20260301`.
    pub fn date(&self) -> &str {
        &self.date
    }

    /// The region, as the caller wrote it.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The service, as the caller wrote it.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// A copy that borrows nothing.
    pub fn into_owned(self) -> Scope<'static> {
        Scope {
            date: self.date.into_owned().into(),
            region: self.region.into_owned().into(),
            service: self.service.into_owned().into(),
        }
    }

    /// Appends `date/region/service/aws4_request`.
    pub(crate) fn push(&self, out: &mut Vec<u8>) {
        for part in [self.date(), self.region(), self.service()] {
            out.extend_from_slice(part.as_bytes());
            out.push(b'/');
        }
        out.extend_from_slice(TERMINATOR.as_bytes());
    }
}

/// Splits `keyid/date/region/service/aws4_request`.
pub(crate) fn parse_credential(credential: &str) -> Result<(&str, Scope<'_>), SigV4Error> {
    let malformed = || SigV4Error::MalformedCredential;
    let mut parts = credential.split('/');
    let mut next = || parts.next().ok_or_else(malformed);
    let (key_id, date, region, service, terminator) = (next()?, next()?, next()?, next()?, next()?);
    if parts.next().is_some() {
        return Err(malformed());
    }
    if terminator != TERMINATOR {
        return Err(SigV4Error::WrongTerminator);
    }
    if !is_word(key_id) {
        return Err(SigV4Error::UnknownKey);
    }
    let is_day = date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit());
    if !is_day || !is_name(region) || !is_name(service) {
        return Err(malformed());
    }
    Ok((key_id, Scope::new(date, region, service)))
}

fn is_word(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_have_five_parts() {
        let (key_id, scope) = parse_credential("AKIDEXAMPLE/20260301/eu-north-1/sts/aws4_request").unwrap();
        assert_eq!(
            (key_id, scope.date(), scope.region(), scope.service()),
            ("AKIDEXAMPLE", "20260301", "eu-north-1", "sts")
        );
        let mut text = Vec::new();
        scope.push(&mut text);
        assert_eq!(text, b"20260301/eu-north-1/sts/aws4_request");
    }

    #[test]
    fn other_texts_are_refused() {
        let check = |credential: &str, expected: fn(&SigV4Error) -> bool| {
            let error = parse_credential(credential).unwrap_err();
            assert!(expected(&error), "{credential}: {error:?}");
        };
        for bad in ["", "a", "a/20260301/r/s", "a/20260301/r/s/aws4_request/x", "/a/20260301/r/s/aws4_request"] {
            check(bad, |e| matches!(e, SigV4Error::MalformedCredential));
        }
        for bad in [
            "a/2026031/r/s/aws4_request",
            "a/2026030x/r/s/aws4_request",
            "a/20260301//s/aws4_request",
            "a/20260301/r/s\n/aws4_request",
        ] {
            check(bad, |e| matches!(e, SigV4Error::MalformedCredential));
        }
        check("a/20260301/r/s/aws4_reque", |e| matches!(e, SigV4Error::WrongTerminator));
        check("/20260301/r/s/aws4_request", |e| *e == SigV4Error::UnknownKey);
        check("a b/20260301/r/s/aws4_request", |e| *e == SigV4Error::UnknownKey);
    }
}
