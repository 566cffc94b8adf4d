//! The text that is signed, the same for those who make and those who check signatures.

use crate::{
    ALGORITHM,
    date::SignedAt,
    encode::{self, BadEscape},
    error::SigV4Error,
    header,
    payload::{PayloadHash, UNSIGNED},
    query,
    request::Request,
    scope::Scope,
    verify::PathRule,
};

/// What of a request is signed, and how.
pub(crate) struct Canonical<'a> {
    pub(crate) request: &'a Request<'a>,
    pub(crate) signed_headers: &'a str,
    pub(crate) path: PathRule,
    pub(crate) presigned: bool,
    pub(crate) payload: PayloadLine<'a>,
}

/// The last line of a canonical request.
pub(crate) enum PayloadLine<'a> {
    Hash(&'a PayloadHash),
    Unsigned,
    Word(&'a str),
}

impl Canonical<'_> {
    /// The text that the key signs.
    pub(crate) fn string_to_sign(&self, at: &SignedAt, scope: &Scope<'_>) -> Result<Vec<u8>, SigV4Error> {
        let hash = PayloadHash::of(&self.request_text()?);
        let mut out = Vec::with_capacity(192);
        for line in [ALGORITHM, at.as_str()] {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        scope.push(&mut out);
        out.push(b'\n');
        hash.push_hex(&mut out);
        Ok(out)
    }

    fn request_text(&self) -> Result<Vec<u8>, SigV4Error> {
        let Request { method, path, query, headers } = *self.request;
        if method.is_empty() || !method.bytes().all(header::is_token_byte) {
            return Err(SigV4Error::MalformedTarget);
        }
        let size: usize = headers.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        let mut out = Vec::with_capacity(size + path.len() + query.len() + self.signed_headers.len() + 128);
        out.extend_from_slice(method.as_bytes());
        out.push(b'\n');
        self.path.push_canonical(&mut out, path)?;
        out.push(b'\n');
        query::push_canonical(&mut out, query, self.presigned).map_err(|BadEscape| SigV4Error::MalformedQuery)?;
        out.push(b'\n');
        header::push_canonical(&mut out, self.request, self.signed_headers)?;
        out.push(b'\n');
        out.extend_from_slice(self.signed_headers.as_bytes());
        out.push(b'\n');
        match self.payload {
            PayloadLine::Hash(hash) => hash.push_hex(&mut out),
            PayloadLine::Unsigned => out.extend_from_slice(UNSIGNED.as_bytes()),
            PayloadLine::Word(word) => out.extend_from_slice(word.as_bytes()),
        }
        Ok(out)
    }
}

impl PathRule {
    fn push_canonical(self, out: &mut Vec<u8>, path: &str) -> Result<(), SigV4Error> {
        if path.is_empty() {
            out.push(b'/');
            return Ok(());
        }
        let Some(rest) = path.strip_prefix('/') else { return Err(SigV4Error::MalformedTarget) };
        match self {
            Self::ObjectKey => {
                encode::push_path_once(out, path.as_bytes()).map_err(|BadEscape| SigV4Error::MalformedTarget)?;
            }
            Self::Strict => {
                if !is_normal(rest) {
                    return Err(SigV4Error::UnresolvedPath);
                }
                encode::push_path_again(out, path.as_bytes());
            }
            Self::Normalize => {
                let segments = normal_segments(rest);
                for segment in &segments {
                    out.push(b'/');
                    encode::push_path_again(out, segment.as_bytes());
                }
                if segments.is_empty() || path.ends_with('/') {
                    out.push(b'/');
                }
            }
        }
        Ok(())
    }
}

/// Whether what follows the first slash has neither empty nor dot segments; one slash may end it.
fn is_normal(rest: &str) -> bool {
    let rest = match rest.strip_suffix('/') {
        Some("") => return false,
        Some(rest) => rest,
        None if rest.is_empty() => return true,
        None => rest,
    };
    rest.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

fn normal_segments(rest: &str) -> Vec<&str> {
    let mut segments = Vec::new();
    for segment in rest.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    segments
}

#[cfg(test)]
mod tests;
