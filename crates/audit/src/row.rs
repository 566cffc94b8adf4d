//! The encoding of outbox rows: a format byte, then each record after its length, which is four bytes, big-endian.
//!
//! Records that no call waits for share a row, since a row costs more than a record. The first record of each origin in
//! a row contains the origin; later ones refer to it by index.

use std::borrow::Cow;
use std::sync::Arc;

use bailiwick_operation::{Caller, DecidingStatement, DecisionRecord, RequestInfo, UnsignedCaller};
use bytes::Bytes;
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint};

use crate::event::bounded;
use crate::message::RedactedMessage;
use crate::record::{CallOrigin, FORMAT, UserIdentity};
use crate::{Event, EventKind, Record};

/// The most bytes of a row of several records: with its key it fills pages of 32 KiB, and not the first bytes of
/// pages of 64.
const MAX_ROW: usize = 32 * 1024 - 256;
/// Senders that a further call is compared with, the latest first.
const LATEST: usize = 16;

/// The redacted request and response of a call.
pub(crate) type Messages = (RedactedMessage, RedactedMessage);

/// A row to which records can be added.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    bytes: Vec<u8>,
    /// The arrival time of its first call, in microseconds since 1970.
    time: i64,
    origins: Vec<Known>,
    count: u64,
}

/// An origin that the row contains.
#[derive(Clone, Debug)]
struct Known {
    caller: Option<Arc<Caller>>,
    unsigned: Option<UnsignedCaller>,
    request: Arc<RequestInfo>,
}

impl Row {
    /// Creates a row with one record.
    pub(crate) fn new(event: &Event<'_>) -> Self {
        Row::with(event, &event.messages())
    }

    /// Creates a row with one record, whose messages are redacted already.
    pub(crate) fn with(event: &Event<'_>, messages: &Messages) -> Self {
        let mut row = Row { bytes: vec![FORMAT], time: event.time.as_microsecond(), origins: Vec::new(), count: 0 };
        row.append(event, messages);
        row
    }

    /// Adds a record, whose messages are redacted already; false if the row has no room for it.
    pub(crate) fn push(&mut self, event: &Event<'_>, messages: &Messages) -> bool {
        let (end, origins) = (self.bytes.len(), self.origins.len());
        self.append(event, messages);
        let fits = self.bytes.len() <= MAX_ROW;
        if !fits {
            self.bytes.truncate(end);
            self.origins.truncate(origins);
            self.count -= 1 + event.suppressed;
        }
        fits
    }

    /// The row's bytes and the time that it sorts by.
    pub(crate) fn finish(self) -> (i64, Bytes) {
        (self.time, self.bytes.into())
    }

    /// The number of calls that its records represent.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The records, as they are read again.
    pub(crate) fn records(&self) -> Vec<Record> {
        // Decoding cannot fail for bytes that this type encoded; a test checks that.
        Record::decode_row(&self.bytes).unwrap_or_default()
    }

    fn append(&mut self, event: &Event<'_>, (parameters, response): &Messages) {
        self.count += 1 + event.suppressed;
        let known =
            self.origins.iter().rposition(|known| known.sent(event)).filter(|at| at + LATEST >= self.origins.len());
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        let mut out = Fields(&mut self.bytes);
        out.bytes(1, &event.id);
        out.number(2, zigzag(event.time.as_microsecond()));
        let (service, operation) = event.kind.name();
        out.bytes(3, service.as_bytes());
        out.bytes(4, operation.as_bytes());
        out.bytes(5, &event.request_id);
        match known {
            Some(at) => out.number(7, at as u64),
            None => {
                out.message(6, &origin(event).encode_to_vec());
                self.origins.push(Known {
                    caller: event.caller.cloned(),
                    unsigned: event.unsigned.cloned(),
                    request: Arc::clone(event.request),
                });
            }
        }
        if let Some((code, message)) = event.failure() {
            out.bytes(8, code.as_bytes());
            out.bytes(9, message.as_bytes());
        }
        out.number(10, event.kind.is_read_only().into());
        out.bytes(11, &parameters.bytes);
        out.bytes(12, &response.bytes);
        out.number(13, event.suppressed);
        out.number(14, (parameters.truncated || response.truncated).into());
        out.number(15, event.kind.category() as u64);
        out.bytes(16, event.resource.map(bounded).unwrap_or_default().as_bytes());
        out.bytes(17, event.kind.route().unwrap_or_default().as_bytes());
        if let Some(decision) = event.decision {
            out.message(18, &bounded_decision(decision).encode_to_vec());
        }
        out.bytes(19, event.authorization.map(in_one_line).unwrap_or_default().as_bytes());
        // The messages are bounded, and so is the rest.
        let len = (self.bytes.len() - begin - 4) as u32;
        self.bytes[begin..begin + 4].copy_from_slice(&len.to_be_bytes());
    }
}

impl Known {
    fn sent(&self, event: &Event<'_>) -> bool {
        let (then, now) = (&*self.request, &**event.request);
        let same_caller = match (&self.caller, event.caller) {
            (Some(then), Some(now)) => Arc::ptr_eq(then, now),
            (None, None) => true,
            _ => false,
        };
        same_caller
            && self.unsigned.as_ref() == event.unsigned
            && then.source_ip == now.source_ip
            && then.secure_transport == now.secure_transport
            && then.user_agent == now.user_agent
            && then.region == now.region
    }
}

fn origin(event: &Event<'_>) -> CallOrigin {
    let request = event.request;
    CallOrigin {
        aws_region: request.region.as_ref().map(ToString::to_string).unwrap_or_default(),
        source_ip_address: request.source_ip.map(|ip| ip.to_string()).unwrap_or_default(),
        user_agent: request.user_agent.as_deref().map(bounded).unwrap_or_default(),
        secure_transport: request.secure_transport,
        user_identity: event
            .caller
            .map(|caller| UserIdentity::of(caller, event.partition))
            .or_else(|| event.unsigned.map(|caller| UserIdentity::of_unsigned(caller, event.partition)))
            .or_else(|| match event.kind {
                EventKind::Automatic(_, account) => Some(UserIdentity::of_server(account)),
                _ => None,
            }),
    }
}

/// Escapes the characters of a JSON text that must not be in a line: JSON has them in strings only.
fn in_one_line(json: &str) -> Cow<'_, str> {
    let is_separator = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    if !json.contains(is_separator) {
        return Cow::Borrowed(json);
    }
    let escaped = |c: char| if is_separator(c) { format!("\\u{:04x}", c as u32) } else { c.to_string() };
    Cow::Owned(json.chars().map(escaped).collect())
}

/// Limits the texts of a decision that callers and authors of policies choose: the resource and the `Sid`. The names of
/// policies and of their holders are limited where they are made.
fn bounded_decision(decision: &DecisionRecord) -> Cow<'_, DecisionRecord> {
    const PLAIN: usize = 64;
    let sid = decision.statement.as_ref().map_or("", |statement| &statement.sid);
    if decision.resource.is_empty() && sid.len() <= PLAIN {
        return Cow::Borrowed(decision);
    }
    let statement = decision.statement.as_ref();
    let statement = statement.map(|statement| DecidingStatement { sid: bounded(&statement.sid), ..statement.clone() });
    Cow::Owned(DecisionRecord { resource: bounded(&decision.resource), statement, ..decision.clone() })
}

/// Writes fields of protobuf messages; like prost, none that has its default.
struct Fields<'a>(&'a mut Vec<u8>);

impl Fields<'_> {
    fn bytes(&mut self, tag: u32, value: &[u8]) {
        if !value.is_empty() {
            encode_key(tag, WireType::LengthDelimited, self.0);
            encode_varint(value.len() as u64, self.0);
            self.0.extend_from_slice(value);
        }
    }

    /// Writes a message field even if the message is empty.
    fn message(&mut self, tag: u32, value: &[u8]) {
        encode_key(tag, WireType::LengthDelimited, self.0);
        encode_varint(value.len() as u64, self.0);
        self.0.extend_from_slice(value);
    }

    fn number(&mut self, tag: u32, value: u64) {
        if value != 0 {
            encode_key(tag, WireType::Varint, self.0);
            encode_varint(value, self.0);
        }
    }
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}
