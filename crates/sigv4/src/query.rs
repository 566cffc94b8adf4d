//! Query strings: their canonical form, and the parameters in them that authenticate.

use std::borrow::Cow;

use crate::{
    encode::{self, BadEscape},
    error::SigV4Error,
};

/// The parameters that authenticate. They are case-sensitive, and no parameter may differ from them in case only.
pub(crate) const ALGORITHM: &str = "X-Amz-Algorithm";
pub(crate) const CREDENTIAL: &str = "X-Amz-Credential";
pub(crate) const DATE: &str = "X-Amz-Date";
pub(crate) const EXPIRES: &str = "X-Amz-Expires";
pub(crate) const SIGNED_HEADERS: &str = "X-Amz-SignedHeaders";
pub(crate) const SIGNATURE: &str = "X-Amz-Signature";
pub(crate) const SECURITY_TOKEN: &str = "X-Amz-Security-Token";
pub(crate) const CONTENT_SHA256: &str = "X-Amz-Content-Sha256";

const NAMES: [&str; 8] =
    [ALGORITHM, CREDENTIAL, DATE, EXPIRES, SIGNED_HEADERS, SIGNATURE, SECURITY_TOKEN, CONTENT_SHA256];

/// The parameters of a query string that authenticate, decoded.
pub(crate) struct AuthParameters<'a>([Option<Cow<'a, [u8]>>; NAMES.len()]);

impl<'a> AuthParameters<'a> {
    pub(crate) fn find(query: &'a str) -> Result<Self, SigV4Error> {
        let mut found: [Option<Cow<'a, [u8]>>; NAMES.len()] = Default::default();
        for (name, value) in pairs(query) {
            // A name that cannot be decoded does not authenticate; the canonical form refuses it.
            let Ok(name) = decode(name) else { continue };
            let Some(i) = NAMES.iter().position(|n| n.as_bytes().eq_ignore_ascii_case(&name)) else { continue };
            if NAMES[i].as_bytes() != &*name {
                return Err(SigV4Error::MisspelledParameter(NAMES[i]));
            }
            let value = decode(value).map_err(|BadEscape| SigV4Error::MalformedQuery)?;
            if found[i].replace(value).is_some() {
                return Err(SigV4Error::RepeatedParameter(NAMES[i]));
            }
        }
        Ok(Self(found))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.0[NAMES.iter().position(|n| *n == name)?].take()
    }
}

/// Appends the query string in canonical form: each part in its normal escaping, sorted by name, then by value; the
/// signature itself left out when it stands there.
pub(crate) fn push_canonical(out: &mut Vec<u8>, query: &str, without_signature: bool) -> Result<(), BadEscape> {
    if query.is_empty() {
        return Ok(());
    }
    let mut text = Vec::with_capacity(query.len() + 32);
    let mut ranges = Vec::new();
    for (name, value) in pairs(query) {
        let start = text.len();
        encode::push_query_component(&mut text, name)?;
        let middle = text.len();
        if without_signature && &text[start..] == SIGNATURE.as_bytes() {
            text.truncate(start);
            continue;
        }
        encode::push_query_component(&mut text, value)?;
        ranges.push((start..middle, middle..text.len()));
    }
    ranges.sort_by(|(name, value), (other_name, other_value)| {
        (&text[name.clone()], &text[value.clone()]).cmp(&(&text[other_name.clone()], &text[other_value.clone()]))
    });
    for (i, (name, value)) in ranges.into_iter().enumerate() {
        if i > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(&text[name]);
        out.push(b'=');
        out.extend_from_slice(&text[value]);
    }
    Ok(())
}

fn pairs(query: &str) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pieces = (!query.is_empty()).then(|| query.split('&'));
    pieces.into_iter().flatten().map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        (name.as_bytes(), value.as_bytes())
    })
}

fn decode(text: &[u8]) -> Result<Cow<'_, [u8]>, BadEscape> {
    if text.iter().any(|b| matches!(b, b'%' | b'+')) {
        encode::decode_query_component(text).map(Cow::Owned)
    } else {
        Ok(Cow::Borrowed(text))
    }
}

#[cfg(test)]
mod tests;
