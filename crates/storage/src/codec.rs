//! Records to bytes and back: a format byte, then a protobuf message.

use bailiwick_model::{AccountId, KeyCase, NameError, Path, PolicyRef, Tags, UniqueId};
use bytes::{Bytes, BytesMut};
use jiff::Timestamp;
use prost::Message;

use crate::error::StoreError;

#[allow(missing_docs, clippy::all, unreachable_pub, reason = "generated from proto/")]
pub(crate) mod pb {
    include!(concat!(env!("OUT_DIR"), "/bailiwick.store.v1.rs"));
}

/// The newest record format that this version reads, and the format that it writes.
pub const FORMAT: u8 = 1;

/// A value of the store, in its versioned form.
pub trait Record: Sized {
    /// The stored bytes.
    fn encode(&self) -> Bytes;

    /// Reads stored bytes.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for the format of a newer version, [`StoreError::Corrupt`] if the bytes are not such a
    /// record.
    fn decode(bytes: &[u8]) -> Result<Self, StoreError>;
}

/// The reason why a field of a record is invalid.
pub(crate) struct Malformed(String);

impl<E: std::error::Error> From<E> for Malformed {
    fn from(error: E) -> Self {
        Malformed(error.to_string())
    }
}

impl Malformed {
    pub(crate) fn new(why: &str) -> Self {
        Malformed(why.into())
    }
}

/// Ties a record to its message; `Record` follows from it.
pub(crate) trait AsMessage: Sized {
    type Message: Message + Default;
    const NAME: &'static str;
    fn to_message(&self) -> Self::Message;
    fn from_message(message: Self::Message) -> Result<Self, Malformed>;
}

impl<T: AsMessage> Record for T {
    fn encode(&self) -> Bytes {
        let message = self.to_message();
        let mut bytes = BytesMut::with_capacity(1 + message.encoded_len());
        bytes.extend_from_slice(&[FORMAT]);
        message.encode_raw(&mut bytes);
        bytes.freeze()
    }

    fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        let damaged = |why: String| StoreError::Corrupt(format!("{} record: {why}", T::NAME));
        let Some((format, message)) = bytes.split_first() else {
            return Err(damaged("it is empty".into()));
        };
        match *format {
            FORMAT => {}
            0 => return Err(damaged("format 0 was never written".into())),
            newer => return Err(StoreError::Newer { found: u32::from(newer), known: u32::from(FORMAT) }),
        }
        let message = T::Message::decode(message).map_err(|error| damaged(error.to_string()))?;
        T::from_message(message).map_err(|Malformed(why)| damaged(why))
    }
}

pub(crate) fn time(micros: i64) -> Result<Timestamp, Malformed> {
    Ok(Timestamp::from_microsecond(micros)?)
}

pub(crate) fn maybe_time(micros: Option<i64>) -> Result<Option<Timestamp>, Malformed> {
    micros.map(time).transpose()
}

/// The number that represents account `000000000000` in records, where zero represents the deployment.
const ACCOUNT_ZERO: u64 = 1_000_000_000_000;

pub(crate) fn account(number: u64) -> Result<AccountId, Malformed> {
    let number = match number {
        0 => return Ok(AccountId::NONE),
        ACCOUNT_ZERO => 0,
        other => other,
    };
    AccountId::from_number(number).ok_or_else(|| Malformed::new("an account number of more than twelve digits"))
}

/// An account as records have it.
pub(crate) fn account_number(account: AccountId) -> u64 {
    match account.number() {
        0 => ACCOUNT_ZERO,
        _ if account == AccountId::NONE => 0,
        number => number,
    }
}

pub(crate) fn id(text: &str) -> Result<UniqueId, NameError> {
    UniqueId::parse(text)
}

/// A unique id as the value of an index row.
pub(crate) fn id_value(id: &UniqueId) -> Bytes {
    Bytes::copy_from_slice(id.as_bytes())
}

pub(crate) fn path(text: &str) -> Result<Path, NameError> {
    Path::parse(text)
}

/// Tags whose keys are compared in this way, sorted as lists show them.
pub(crate) fn tags(case: KeyCase, tags: &[pb::Tag]) -> Result<Tags, Malformed> {
    Ok(Tags::parse_as(case, tags.iter().map(|tag| (&tag.key, &tag.value)))?.sorted(case))
}

/// Tags in the one order that records have, whichever the request had.
pub(crate) fn tag_messages(tags: &Tags) -> Vec<pb::Tag> {
    let tags = tags.clone().sorted(KeyCase::Insensitive);
    tags.iter().map(|tag| pb::Tag { key: tag.key.clone(), value: tag.value.clone() }).collect()
}

pub(crate) fn policy_ref(message: pb::PolicyRef) -> Result<PolicyRef, Malformed> {
    Ok(PolicyRef { account: account(message.account)?, id: id(&message.id)? })
}

pub(crate) fn policy_message(policy: PolicyRef) -> pb::PolicyRef {
    pb::PolicyRef { account: account_number(policy.account), id: policy.id.to_string() }
}
