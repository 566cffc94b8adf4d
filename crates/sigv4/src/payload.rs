//! The hash of a body, and what a signature declares about it.

use crate::{crypto, encode, error::SigV4Error};

pub(crate) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The SHA-256 of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadHash(pub [u8; 32]);

impl PayloadHash {
    /// Hashes a body.
    pub fn of(body: &[u8]) -> Self {
        Self(crypto::sha256(body))
    }

    pub(crate) fn push_hex(&self, out: &mut Vec<u8>) {
        encode::push_hex(out, &self.0);
    }
}

/// The value of `x-amz-content-sha256`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// The header is absent; [`crate::AbsentPayload`] says what that means.
    Absent,
    /// The body's hash.
    Hash(PayloadHash),
    /// `UNSIGNED-PAYLOAD`: the signature does not cover the body.
    Unsigned,
    /// `STREAMING-…`: each chunk of the body has its own signature or checksum.
    Streaming(&'a str),
}

impl<'a> Payload<'a> {
    pub(crate) fn parse(value: &'a [u8]) -> Result<Self, SigV4Error> {
        if value == UNSIGNED.as_bytes() {
            return Ok(Self::Unsigned);
        }
        if let Some(hash) = encode::parse_hash(value) {
            return Ok(Self::Hash(PayloadHash(hash)));
        }
        let is_word = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'-';
        match std::str::from_utf8(value) {
            Ok(word) if word.starts_with("STREAMING-") && word.len() <= 64 && word.as_bytes().iter().all(is_word) => {
                Ok(Self::Streaming(word))
            }
            _ => Err(SigV4Error::MalformedPayloadHash),
        }
    }
}
