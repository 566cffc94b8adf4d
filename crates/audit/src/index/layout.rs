//! The format of an index file. All numbers are little-endian.
//!
//! A header, the CRC-32 of each block of the body, the CRC-32 of both, and the body: the events by time, the table of keys
//! in ascending order, and the postings. A key with one event has its rank in the table instead of postings.

use std::io;

/// The first bytes of a file, with the version of the format.
const MAGIC: [u8; 8] = *b"BWINDEX\x02";
/// The length of the header.
pub(super) const HEADER: usize = 8 + 8 + 8 + 4 + 4 + 32 + 4 + 4 + 4 + 8 + 8;
/// The size of the blocks that have a checksum each.
pub(super) const BLOCK: usize = 16 * 1024;
/// The length of an event.
pub(super) const EVENT: usize = 8 + 4 + 4 + 4;
/// The length of a row of the table.
pub(super) const ROW: usize = 8 + 4 + 4;

/// The header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// The number of the segment's first line.
    pub(super) first: u64,
    /// The length of the segment.
    pub(super) text_len: u64,
    /// Where its last line is, and its SHA-256, which the chain makes a hash of the whole segment.
    pub(super) last: LinePlace,
    pub(super) last_sha256: [u8; 32],
    pub(super) events: u32,
    pub(super) keys: u32,
    pub(super) postings: u32,
    /// The times of the first and the last event.
    pub(super) min_time: i64,
    pub(super) max_time: i64,
}

/// Where a line is in its segment, without its line feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct LinePlace {
    pub(super) offset: u32,
    pub(super) len: u32,
}

/// An event in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IndexedEvent {
    pub(super) time: i64,
    /// The number of its line in the segment, from 0.
    pub(super) line: u32,
    pub(super) place: LinePlace,
}

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) key: u64,
    /// How many events have the key.
    pub(super) len: u32,
    /// The rank of the only event, or where the postings begin.
    pub(super) at: u32,
}

/// Reads numbers from the beginning of bytes.
struct Numbers<'a>(&'a [u8]);

impl Numbers<'_> {
    fn next<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or_else(|| damaged("it is too short"))?;
        self.0 = rest;
        Ok(*bytes)
    }

    fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.next()?))
    }

    fn u64(&mut self) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.next()?))
    }

    fn place(&mut self) -> io::Result<LinePlace> {
        Ok(LinePlace { offset: self.u32()?, len: self.u32()? })
    }
}

/// The error of an index that does not have this format.
pub(super) fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("damaged index of audit records: {what}"))
}

impl Header {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(MAGIC);
        out.extend(self.first.to_le_bytes());
        out.extend(self.text_len.to_le_bytes());
        self.last.write(out);
        out.extend(self.last_sha256);
        for number in [self.events, self.keys, self.postings] {
            out.extend(number.to_le_bytes());
        }
        out.extend(self.min_time.to_le_bytes());
        out.extend(self.max_time.to_le_bytes());
    }

    pub(super) fn read(bytes: &[u8]) -> io::Result<Self> {
        let mut numbers = Numbers(bytes);
        if numbers.next()? != MAGIC {
            return Err(damaged("unknown format"));
        }
        Ok(Header {
            first: numbers.u64()?,
            text_len: numbers.u64()?,
            last: numbers.place()?,
            last_sha256: numbers.next()?,
            events: numbers.u32()?,
            keys: numbers.u32()?,
            postings: numbers.u32()?,
            min_time: numbers.u64()?.cast_signed(),
            max_time: numbers.u64()?.cast_signed(),
        })
    }

    /// Where the table and the postings begin in the body, and where it ends.
    pub(super) fn parts(&self) -> [u64; 3] {
        let table = u64::from(self.events) * EVENT as u64;
        let postings = table + u64::from(self.keys) * ROW as u64;
        [table, postings, postings + u64::from(self.postings)]
    }

    pub(super) fn blocks(&self) -> u64 {
        self.parts()[2].div_ceil(BLOCK as u64)
    }
}

impl LinePlace {
    fn write(self, out: &mut Vec<u8>) {
        out.extend(self.offset.to_le_bytes());
        out.extend(self.len.to_le_bytes());
    }

    pub(super) fn bytes(self) -> (u64, u64) {
        (self.offset.into(), u64::from(self.offset) + u64::from(self.len))
    }
}

impl IndexedEvent {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.time.to_le_bytes());
        out.extend(self.line.to_le_bytes());
        self.place.write(out);
    }

    pub(super) fn read(bytes: &[u8]) -> io::Result<Self> {
        let mut numbers = Numbers(bytes);
        Ok(IndexedEvent { time: numbers.u64()?.cast_signed(), line: numbers.u32()?, place: numbers.place()? })
    }
}

impl Row {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.key.to_le_bytes());
        out.extend(self.len.to_le_bytes());
        out.extend(self.at.to_le_bytes());
    }

    pub(super) fn read(bytes: &[u8]) -> io::Result<Self> {
        let mut numbers = Numbers(bytes);
        Ok(Row { key: numbers.u64()?, len: numbers.u32()?, at: numbers.u32()? })
    }
}
