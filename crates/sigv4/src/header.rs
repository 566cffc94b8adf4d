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
    let (mut previous, mut count, mut absent) = ("", 0, None);
    let (mut has_host, mut has_authorization) = (false, false);
    for name in names(signed) {
        if name <= previous || !is_lower_case_token(name) {
            return Err(SigV4Error::MalformedSignedHeaders);
        }
        has_host |= name == "host";
        has_authorization |= name == "authorization";
        if absent.is_none() && request.values(name).next().is_none() {
            absent = Some(name);
        }
        (previous, count) = (name, count + 1);
        if count > MAX_SIGNED {
            return Err(SigV4Error::MalformedSignedHeaders);
        }
    }
    if has_authorization {
        return Err(SigV4Error::MalformedSignedHeaders);
    }
    if !has_host {
        return Err(SigV4Error::HostNotSigned);
    }
    if let Some(absent) = absent {
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

/// The names of a list of signed headers.
fn names(signed: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(signed);
    std::iter::from_fn(move || {
        let text = rest?;
        // Names are short: a search by `memchr` costs more, and one for a character decodes UTF-8.
        let at = text.bytes().position(|byte| byte == b';');
        rest = at.map(|at| &text[at + 1..]);
        Some(at.map_or(text, |at| &text[..at]))
    })
}

/// Whether a header, its name in any case, is in the list.
pub(crate) fn is_signed(signed: &str, name: &str) -> bool {
    names(signed).any(|s| s.eq_ignore_ascii_case(name))
}

/// Appends one line for each signed header; several values of one header are joined by commas.
pub(crate) fn push_canonical(out: &mut Vec<u8>, request: &Request<'_>, signed: &str) -> Result<(), SigV4Error> {
    for name in names(signed) {
        out.extend_from_slice(name.as_bytes());
        for (i, value) in request.values(name).enumerate() {
            out.push(if i == 0 { b':' } else { b',' });
            push_value(out, value).ok_or_else(|| SigV4Error::MalformedHeader(name.to_owned()))?;
        }
        out.push(b'\n');
    }
    Ok(())
}

const BLANK: u8 = 1;
const CONTROL: u8 = 2;

/// Which bytes of a value are blanks, and which are control characters other than the tab.
const VALUE_CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 128 {
        classes[byte] = match byte as u8 {
            b' ' | b'\t' => BLANK,
            other if other.is_ascii_control() => CONTROL,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

/// Appends a value without blanks around it, and with one space for each run of blanks. `None` if it has a control
/// character.
fn push_value(out: &mut Vec<u8>, value: &[u8]) -> Option<()> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    // Most values have no blank, and are tested and copied as a whole.
    let classes = value.iter().fold(0, |classes, byte| classes | VALUE_CLASSES[usize::from(*byte)]);
    let (has_blank, has_control) = (classes & BLANK != 0, classes & CONTROL != 0);
    if has_control {
        return None;
    }
    if !has_blank {
        out.extend_from_slice(value);
        return Some(());
    }
    let words = value.split(is_blank).filter(|word| !word.is_empty());
    for (i, word) in words.enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
    Some(())
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
    const TOKEN: [bool; 256] = {
        let mut token = [false; 256];
        let mut byte = 0;
        while byte < 128 {
            token[byte] = (byte as u8).is_ascii_alphanumeric();
            byte += 1;
        }
        let mut signs = b"!#$%&'*+-.^_`|~".as_slice();
        while let [sign, rest @ ..] = signs {
            token[*sign as usize] = true;
            signs = rest;
        }
        token
    };
    TOKEN[usize::from(byte)]
}

#[cfg(test)]
mod tests;
