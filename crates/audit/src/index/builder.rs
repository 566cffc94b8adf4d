//! The index of a segment in memory, built line by line.

use std::collections::HashMap;
use std::io;
use std::ops::ControlFlow;

use aws_lc_rs::digest::{SHA256, digest};

use super::layout::{BLOCK, Header, IndexedEvent, LinePlace, Row};
use super::{Key, KnownKeys, WrittenLines, hashed_of, postings};
use crate::query::{EventLine, Hit, Newest, Position, Query};
use crate::segments::SegmentText;

/// The index of the first bytes of a segment.
pub(crate) struct Builder {
    first: u64,
    /// How many bytes and lines of the segment are in the index.
    bytes: u64,
    lines: u32,
    last: LinePlace,
    last_sha256: [u8; 32],
    events: Vec<IndexedEvent>,
    /// The events that have a key, by their number in `events`.
    keys: HashMap<Key, Members>,
    known: KnownKeys,
    times: Option<(i64, i64)>,
}

/// Most keys have one event.
enum Members {
    One(u32),
    Many(Vec<u32>),
}

impl Members {
    fn push(&mut self, number: u32) {
        match self {
            Members::One(one) if *one == number => {}
            Members::One(one) => *self = Members::Many(vec![*one, number]),
            Members::Many(many) if many.last() == Some(&number) => {}
            Members::Many(many) => many.push(number),
        }
    }

    /// Ascending.
    fn as_slice(&self) -> &[u32] {
        match self {
            Members::One(one) => std::slice::from_ref(one),
            Members::Many(many) => many,
        }
    }
}

/// Notes that an event has a key.
fn add_key(keys: &mut HashMap<Key, Members>, key: Key, number: u32) {
    keys.entry(key).and_modify(|members| members.push(number)).or_insert(Members::One(number));
}

impl Builder {
    /// The index of an empty segment.
    pub(crate) fn new(first: u64) -> Self {
        Builder {
            first,
            bytes: 0,
            lines: 0,
            last: LinePlace::default(),
            last_sha256: [0; 32],
            events: Vec::new(),
            keys: HashMap::new(),
            known: KnownKeys::default(),
            times: None,
        }
    }

    /// Adds the lines up to a byte of the segment.
    ///
    /// # Errors
    /// When the segment can't be read, or is longer than an index can be of.
    pub(crate) fn catch_up(&mut self, text: &mut SegmentText, end: u64) -> io::Result<()> {
        if u32::try_from(end).is_err() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "segments of 4 GiB and more have no index"));
        }
        if end <= self.bytes {
            return Ok(());
        }
        let (begin, mut last) = (self.bytes, Vec::new());
        text.for_each_line(begin..end, |range, line| {
            // Within the limit, which is checked above.
            let place = LinePlace { offset: range.start as u32, len: (range.end - range.start) as u32 };
            self.add(place, line);
            (self.bytes, self.last) = (range.end + 1, place);
            last.clear();
            last.extend_from_slice(line);
            ControlFlow::Continue(())
        })?;
        self.last_sha256.copy_from_slice(digest(&SHA256, &last).as_ref());
        Ok(())
    }

    fn add(&mut self, place: LinePlace, text: &[u8]) {
        let line = self.lines;
        self.lines += 1;
        let Some(parsed) = EventLine::parse(text) else { return };
        let Some(time) = parsed.time() else { return };
        let number = self.add_event(IndexedEvent { time, line, place });
        hashed_of(&parsed, |hashed| {
            let key = self.known.key(hashed);
            add_key(&mut self.keys, key, number);
        });
    }

    /// Adds lines that were just written, if the index has all lines before them. `last_sha256` is the hash of the last one.
    pub(crate) fn add_written(&mut self, written: &WrittenLines, last_sha256: [u8; 32]) {
        if self.bytes != written.begin || !written.fits() {
            return;
        }
        for added in written.lines() {
            let line = self.lines;
            self.lines += 1;
            (self.last, self.last_sha256) = (added.place, last_sha256);
            let Some(time) = added.time else { continue };
            let number = self.add_event(IndexedEvent { time, line, place: added.place });
            added.keys.iter().for_each(|key| add_key(&mut self.keys, *key, number));
        }
        self.bytes = written.end;
    }

    fn add_event(&mut self, event: IndexedEvent) -> u32 {
        let (number, time) = (self.events.len() as u32, event.time);
        self.events.push(event);
        self.times = Some(self.times.map_or((time, time), |(min, max)| (min.min(time), max.max(time))));
        number
    }

    /// Where the line with this sequence number is, or the one before it that is an event; with its sequence number.
    pub(crate) fn place_of(&self, sequence: u64) -> (u64, u64) {
        let place = |event: &IndexedEvent| (event.place.bytes().0, self.first + u64::from(event.line));
        let before = self.events.partition_point(|event| place(event).1 <= sequence);
        before.checked_sub(1).and_then(|at| self.events.get(at)).map_or((0, self.first), place)
    }

    /// The times of the first and the last event.
    pub(crate) fn times(&self) -> Option<(i64, i64)> {
        self.times
    }

    /// Finds the newest events that have all keys of one of the sets.
    pub(crate) fn search(&self, sets: &[Vec<Key>], query: &Query, newest: &mut Newest) {
        for set in sets {
            if set.is_empty() {
                (0..self.events.len() as u32).for_each(|number| self.offer(number, query, newest));
                continue;
            }
            let members: Option<Vec<&[u32]>> = set.iter().map(|key| Some(self.keys.get(key)?.as_slice())).collect();
            let Some(mut members) = members else { continue };
            members.sort_by_key(|members| members.len());
            let Some((fewest, others)) = members.split_first() else { continue };
            for number in fewest.iter().rev() {
                if others.iter().all(|other| other.binary_search(number).is_ok()) {
                    self.offer(*number, query, newest);
                }
            }
        }
    }

    fn offer(&self, number: u32, query: &Query, newest: &mut Newest) {
        let event = self.events[number as usize];
        let position = Position { time: event.time, sequence: self.first + u64::from(event.line) };
        if query.includes(position) {
            newest.push(Hit { position, first: self.first, bytes: event.place.bytes() });
        }
    }

    /// The content of the index file of a segment that is complete.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let count = self.events.len() as u32;
        let mut by_time: Vec<u32> = (0..count).collect();
        by_time.sort_by_key(|number| (self.events[*number as usize].time, *number));
        let mut ranks = vec![0; by_time.len()];
        for (rank, number) in by_time.iter().enumerate() {
            ranks[*number as usize] = rank as u32;
        }
        let mut body = Vec::new();
        by_time.iter().for_each(|number| self.events[*number as usize].write(&mut body));
        let mut keys: Vec<(&Key, &Members)> = self.keys.iter().collect();
        keys.sort_unstable_by_key(|(key, _)| **key);
        let (mut lists, mut list) = (Vec::new(), Vec::new());
        for (key, members) in keys {
            let members = members.as_slice();
            let (len, mut at) = (members.len() as u32, lists.len() as u32);
            list.clear();
            list.extend(members.iter().map(|number| ranks[*number as usize]));
            list.sort_unstable();
            match list[..] {
                [rank] => at = rank,
                _ => postings::encode(&list, count, &mut lists),
            }
            Row { key: *key, len, at }.write(&mut body);
        }
        let (min_time, max_time) = self.times.unwrap_or_default();
        let header = Header {
            first: self.first,
            text_len: self.bytes,
            last: self.last,
            last_sha256: self.last_sha256,
            events: count,
            keys: self.keys.len() as u32,
            postings: lists.len() as u32,
            min_time,
            max_time,
        };
        body.append(&mut lists);
        let mut out = Vec::with_capacity(body.len() + body.len() / 1_000 + 200);
        header.write(&mut out);
        body.chunks(BLOCK).for_each(|block| out.extend(crc32fast::hash(block).to_le_bytes()));
        out.extend(crc32fast::hash(&out).to_le_bytes());
        out.append(&mut body);
        out
    }
}
