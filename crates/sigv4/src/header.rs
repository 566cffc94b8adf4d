//! Headers as signatures see them: names in lower case, values trimmed, runs of blanks made one.

use crate::{error::SigV4Error, request::Request};

/// More signed headers than any client has; bounds the work of one request.
const MAX_SIGNED: usize = 128;

/// The value of a header that may be there once at most.
pub(crate) fn single<'a>(request: &Request<'a>, name: &'static str) -> Result<Option<&'a [u8]>, SigV4Error> {
    let mut values = request.values(name);
    let value = values.next();
    match values.next() {
        Some(_) => Err(SigV4Error::RepeatedHeader(name)),
        None => Ok(value),
    }
}

/// Holds the list of signed headers against the headers that are there.
pub(crate) fn check_signed(request: &Request<'_>, signed: &str) -> Result<(), SigV4Error> {
    let names = || signed.split(';');
    let sorted = names().zip(names().skip(1)).all(|(a, b)| a < b);
    if !sorted || !names().all(is_lower_case_token) || names().count() > MAX_SIGNED {
        return Err(SigV4Error::MalformedSignedHeaders);
    }
    if names().any(|name| name == "authorization") {
        return Err(SigV4Error::MalformedSignedHeaders);
    }
    if !names().any(|name| name == "host") {
        return Err(SigV4Error::HostNotSigned);
    }
    if let Some(absent) = names().find(|name| request.values(name).next().is_none()) {
        return Err(SigV4Error::SignedHeaderAbsent(absent.to_owned()));
    }
    single(request, "host")?;
    let meaningful = |name: &str| name.get(..6).is_some_and(|prefix| prefix.eq_ignore_ascii_case("x-amz-"));
    for (name, _) in request.headers.iter().filter(|(name, _)| meaningful(name)) {
        if !is_signed(signed, name) {
            return Err(SigV4Error::HeaderNotSigned((*name).to_owned()));
        }
    }
    Ok(())
}

/// Whether a header, its name in any case, is in the list.
pub(crate) fn is_signed(signed: &str, name: &str) -> bool {
    signed.split(';').any(|s| s.eq_ignore_ascii_case(name))
}

/// Appends one line for each signed header; several values of one header are joined by commas.
pub(crate) fn push_canonical(out: &mut Vec<u8>, request: &Request<'_>, signed: &str) -> Result<(), SigV4Error> {
    for name in signed.split(';') {
        out.extend_from_slice(name.as_bytes());
        for (i, value) in request.values(name).enumerate() {
            out.push(if i == 0 { b':' } else { b',' });
            if value.iter().any(|&b| b.is_ascii_control() && b != b'\t') {
                return Err(SigV4Error::MalformedHeader(name.to_owned()));
            }
            let words = value.split(|b| matches!(b, b' ' | b'\t')).filter(|word| !word.is_empty());
            for (i, word) in words.enumerate() {
                if i > 0 {
                    out.push(b' ');
                }
                out.extend_from_slice(word);
            }
        }
        out.push(b'\n');
    }
    Ok(())
}

/// Blanks around a value belong to the transport.
pub(crate) fn trim(value: &[u8]) -> &[u8] {
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    let start = value.iter().position(|b| !blank(b)).unwrap_or(value.len());
    let end = value.iter().rposition(|b| !blank(b)).map_or(start, |i| i + 1);
    &value[start..end]
}

fn is_lower_case_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| is_token_byte(b) && !b.is_ascii_uppercase())
}

/// The characters of methods and header names (RFC 9110).
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

#[cfg(test)]
mod tests;
