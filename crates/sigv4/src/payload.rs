//! What a signature says of the body.

use aws_lc_rs::digest;

use crate::{encode, error::SigV4Error};

pub(crate) const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The SHA-256 of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PayloadHash(pub [u8; 32]);

impl PayloadHash {
    /// Hashes a body that is at hand.
    pub fn of(body: &[u8]) -> Self {
        let mut hash = [0; 32];
        // SHA-256 is 32 bytes.
        hash.copy_from_slice(digest::digest(&digest::SHA256, body).as_ref());
        Self(hash)
    }

    pub(crate) fn push_hex(&self, out: &mut Vec<u8>) {
        encode::push_hex(out, &self.0);
    }
}

/// What `x-amz-content-sha256` says of the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// It is not there; what that means is the service's choice ([`crate::AbsentPayload`]).
    Absent,
    /// The body's hash.
    Hash(PayloadHash),
    /// `UNSIGNED-PAYLOAD`: the signature does not cover the body.
    Unsigned,
    /// `STREAMING-…`: the body has signatures or checksums of its own, chunk by chunk.
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
