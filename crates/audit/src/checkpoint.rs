//! The checkpoint of shipping, which the store keeps.

use bytes::Bytes;
use prost::Message;

use crate::settings::Retention;

/// The end of the segments when rows were last removed from the outbox: all records up to here are durable in segments,
/// and their rows are removed.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Checkpoint {
    /// The first number of the segment that was written; 0 for none.
    #[prost(uint64, tag = "1")]
    pub(crate) first: u64,
    /// How many bytes of it.
    #[prost(uint64, tag = "2")]
    pub(crate) bytes: u64,
    /// The number of the last line.
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
    /// The SHA-256 of the last line, in hexadecimal.
    #[prost(string, tag = "4")]
    pub(crate) hash: String,
    /// The last digest that was written; none before the first.
    #[prost(message, optional, tag = "5")]
    pub(crate) digest: Option<DigestEnd>,
    /// Whether the server stopped after that line, so that no other one follows.
    #[prost(bool, tag = "6")]
    pub(crate) is_closed: bool,
    /// The limit of age that the trail has a record of, in days.
    #[prost(uint32, optional, tag = "7")]
    pub(crate) retention_days: Option<u32>,
    /// The limit of size that the trail has a record of, in bytes.
    #[prost(uint64, optional, tag = "8")]
    pub(crate) retention_bytes: Option<u64>,
}

/// The end of the digests.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct DigestEnd {
    /// The number of the digest; 0 for none.
    #[prost(uint64, tag = "1")]
    pub(crate) number: u64,
    /// The SHA-256 of its line, in hexadecimal.
    #[prost(string, tag = "2")]
    pub(crate) sha256: String,
    /// The number of the last record that it covers.
    #[prost(uint64, tag = "3")]
    pub(crate) sequence: u64,
}

impl Checkpoint {
    pub(crate) fn to_bytes(&self) -> Bytes {
        self.encode_to_vec().into()
    }

    /// The settings of retention that the trail has a record of; without limits before the first.
    pub(crate) fn retention(&self) -> Retention {
        Retention { days: self.retention_days, max_bytes: self.retention_bytes }
    }

    /// Returns `None` for bytes that are not a checkpoint.
    pub(crate) fn read(bytes: &Bytes) -> Option<Self> {
        Checkpoint::decode(bytes.clone()).ok()
    }
}

/// Whether bytes are a checkpoint as the store keeps it.
pub fn is_checkpoint(bytes: &Bytes) -> bool {
    Checkpoint::read(bytes).is_some()
}

/// The number of the last line that a checkpoint says is written; none for other bytes.
pub fn checkpoint_sequence(bytes: &Bytes) -> Option<u64> {
    Checkpoint::read(bytes).map(|checkpoint| checkpoint.sequence)
}
