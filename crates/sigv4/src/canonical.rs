//! The string to sign, for signing and for verifying.

use crate::{
    ALGORITHM,
    date::SignedAt,
    encode::BadEscape,
    error::SigV4Error,
    header,
    path::PathRule,
    payload::{PayloadHash, UNSIGNED},
    query,
    request::Request,
    scope::Scope,
};

/// The parts of a request that are signed, and how.
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
    /// The string to sign.
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

#[cfg(test)]
mod tests;
