//! Digests: signed statements about the trail up to a record, one JSON object a line, each naming the one before.
//!
//! The signature is over the bytes of the line before its last member, `,"signature":"…"}`. Members are in the order of
//! the fields here, without white space.

pub(crate) mod key;
pub(crate) mod log;
pub(crate) mod stored;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::checkpoint::DigestEnd;
use crate::hash;
use crate::sequence::is_number;
use key::{PublicKey, SigningKey};

/// The file of the digests, in the folder of the segments.
pub(crate) const FILE: &str = "digests.jsonl";

/// The previous hash of the first digest, and of the first record.
pub(crate) const FIRST_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The version of the format.
const VERSION: u32 = 1;

/// What separates the signed bytes of a line from its signature. No text in a line contains it unescaped.
const SIGNATURE: &str = ",\"signature\":\"";

/// Why a digest was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Reason {
    /// An hour with records ended.
    Hour,
    /// A segment reached its size.
    Rotation,
    /// The server stopped.
    Stop,
    /// The server started and found records that no digest covered, as after a crash.
    Start,
    /// Old segments are removed.
    Removal,
}

/// What a digest states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Digest {
    /// The version of the format.
    pub(crate) audit_digest: u32,
    /// The id of the deployment.
    pub(crate) deployment: String,
    /// Counts the digests from 1.
    pub(crate) number: u64,
    /// When it was made, as in RFC 3339.
    pub(crate) time: String,
    pub(crate) reason: Reason,
    /// The SHA-256 of the line of the digest before, in hexadecimal.
    pub(crate) previous_sha256: String,
    /// The number of the first record that no digest before covers. One more than the last if there is none.
    pub(crate) first_sequence: u64,
    /// The number of the last record.
    pub(crate) last_sequence: u64,
    /// The SHA-256 of the line of the last record.
    pub(crate) last_sha256: String,
    /// The segments that contain these records, in order.
    pub(crate) segments: Vec<Span>,
    /// Segments that retention removes from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) removed: Vec<Removed>,
    /// The id of the key that signs.
    pub(crate) key_id: String,
    /// That key, 32 bytes in base64.
    pub(crate) public_key: String,
}

/// The beginning of a segment's text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Span {
    /// The name of the segment, without the suffix of compression.
    pub(crate) name: String,
    /// How many bytes of its uncompressed text.
    pub(crate) bytes: u64,
    /// Their SHA-256.
    pub(crate) sha256: String,
}

/// A segment that retention removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Removed {
    /// The name of the segment.
    pub(crate) name: String,
    /// The number of its first record.
    pub(crate) first_sequence: u64,
    /// The number of its last record.
    pub(crate) last_sequence: u64,
    /// The SHA-256 of the line of its last record.
    pub(crate) last_sha256: String,
}

/// A digest and its line.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) digest: Digest,
    /// The SHA-256 of the line.
    pub(crate) sha256: String,
    pub(crate) key: PublicKey,
    is_genuine: bool,
}

impl Digest {
    /// Signs the digest with the key that it names and returns the line, without a line feed.
    pub(crate) fn sign(mut self, key: &SigningKey) -> Result<String, serde_json::Error> {
        self.audit_digest = VERSION;
        self.key_id = key.public().id();
        self.public_key = STANDARD.encode(key.public().bytes());
        let mut line = serde_json::to_string(&self)?;
        line.pop();
        let signature = STANDARD.encode(key.sign(line.as_bytes()));
        line.push_str(SIGNATURE);
        line.push_str(&signature);
        line.push_str("\"}");
        Ok(line)
    }
}

impl Signed {
    /// Reads a line.
    ///
    /// # Errors
    /// What is not of the format.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, String> {
        let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
        let (signed, signature) = text.rsplit_once(SIGNATURE).ok_or("it has no signature")?;
        let signature = signature.strip_suffix("\"}").ok_or("it does not end with the signature")?;
        let digest: Digest =
            serde_json::from_str(&format!("{signed}}}")).map_err(|e| format!("it is not a digest: {e}"))?;
        if digest.audit_digest != VERSION {
            return Err(format!("its version is {}, expected {VERSION}", digest.audit_digest));
        }
        if !is_number(digest.number) || digest.last_sequence > 0 && !is_number(digest.last_sequence) {
            return Err("its numbers are too large".to_owned());
        }
        let written = serde_json::to_string(&digest).map_err(|e| e.to_string())?;
        if written.strip_suffix('}') != Some(signed) {
            return Err("its members are not written as Bailiwick writes them".to_owned());
        }
        let public = STANDARD.decode(&digest.public_key).ok().and_then(|bytes| PublicKey::of(&bytes));
        let key = public.ok_or("its public key is not 32 bytes in base64")?;
        if key.id() != digest.key_id {
            return Err("its key id is not that of its public key".to_owned());
        }
        let is_genuine = STANDARD.decode(signature).is_ok_and(|signature| key.verifies(signed.as_bytes(), &signature));
        Ok(Signed { digest, sha256: hash::of(line), key, is_genuine })
    }

    /// What the next digest and the checkpoint name of it.
    pub(crate) fn end(&self) -> DigestEnd {
        DigestEnd { number: self.digest.number, sha256: self.sha256.clone(), sequence: self.digest.last_sequence }
    }

    /// Whether the digest's own key made the signature.
    pub(crate) fn is_genuine(&self) -> bool {
        self.is_genuine
    }
}

#[cfg(test)]
mod tests;
