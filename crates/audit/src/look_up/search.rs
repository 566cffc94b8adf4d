//! Finds the events of a page: their places by indexes or by reading, then their lines.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::indexes::{Index, lock_builder, open};
use super::scan::scan;
use super::{Inner, PAGE_BYTES};
use crate::RecordedCall;
use crate::append::TAIL;
use crate::index::{Key, has_keys, key_sets};
use crate::query::{EventLine, Found, Hit, Newest, Page, Position, Query};
use crate::segments::{SegmentText, segment_name, segment_starts};

/// A segment in a look-up.
struct Segment {
    first: u64,
    /// How much of it is durable, if that is not all of it.
    bytes: Option<u64>,
    index: Option<Index>,
    /// The times of the first and the last event; unknown without an index.
    times: (i64, i64),
}

/// Lines that were read.
struct Lines {
    page: Page,
    /// Segments that have a line that is not as their index says.
    wrong: BTreeSet<u64>,
}

/// A line that was read, compared with what its index says.
enum Compared {
    /// It is what the query asks for.
    Found,
    /// It is not, and only has the same keys: these are hashes.
    Collision,
    /// The index says what the line does not.
    Wrong,
}

impl Inner {
    pub(super) fn begin(&self) -> io::Result<Option<Timestamp>> {
        let end = self.end.borrow().clone();
        for first in segment_starts(&self.folder)?.into_iter().filter(|first| *first <= end.sequence) {
            let read = || {
                // Retention may have removed it.
                let Some(mut text) = open(&self.folder, first)? else { return Ok(None) };
                let durable = if first == end.first { end.bytes } else { text.len() };
                text.read(0..durable.min(TAIL)).map(Some)
            };
            let bytes = match read() {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(error) => return self.unreadable.note(first, error).map(|()| None),
            };
            let line = bytes.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
            return Ok(line.and_then(RecordedCall::read).and_then(|call| call.time()));
        }
        Ok(None)
    }

    pub(super) fn page(&self, query: &Query) -> io::Result<Page> {
        let sets = key_sets(query);
        // Segments whose index is not used.
        let mut distrusted = BTreeSet::new();
        loop {
            let mut unreadable = BTreeSet::new();
            // One more than asked for shows whether there are more.
            let mut newest = Newest::new(query.limit.saturating_add(1));
            for segment in self.segments(query, &mut unreadable)? {
                // Events at the same time as the oldest hit may have a higher number.
                if segment.times.1 < i64::MAX
                    && newest.is_full_of_newer(Position { time: segment.times.1, sequence: u64::MAX })
                {
                    break;
                }
                let sets = sets.as_deref().filter(|_| !distrusted.contains(&segment.first));
                self.search(segment, sets, query, &mut newest, &mut unreadable)?;
            }
            let Lines { page, wrong } = self.read(newest, sets.as_deref(), query, unreadable)?;
            if wrong.is_subset(&distrusted) {
                return Ok(page);
            }
            for first in wrong.difference(&distrusted) {
                self.distrust(*first, &"it names lines that are not as it says");
            }
            distrusted.extend(wrong);
        }
    }

    /// Searches a segment; as a whole, if its index is damaged.
    fn search(
        &self,
        segment: Segment,
        sets: Option<&[Vec<Key>]>,
        query: &Query,
        newest: &mut Newest,
        unreadable: &mut BTreeSet<u64>,
    ) -> io::Result<()> {
        let first = segment.first;
        let is_by_file = sets.is_some() && matches!(segment.index, Some(Index::File(_)));
        let mut searched = segment.search(&self.folder, sets, query, newest);
        if let Err(error) = &searched
            && is_by_file
        {
            self.distrust(first, error);
            searched = Segment { index: None, ..segment }.search(&self.folder, None, query, newest);
        }
        if let Err(error) = searched {
            self.unreadable.note(first, error)?;
            unreadable.insert(first);
        }
        Ok(())
    }

    /// Removes an index that is damaged or wrong, and has it built again.
    fn distrust(&self, first: u64, why: &dyn std::fmt::Display) {
        self.indexes.distrust(first, why);
        self.is_missing.notify_one();
    }

    /// The segments that may have events of the query, those with the newest event first.
    fn segments(&self, query: &Query, unreadable: &mut BTreeSet<u64>) -> io::Result<Vec<Segment>> {
        let end = self.end.borrow().clone();
        let mut segments = Vec::new();
        for first in segment_starts(&self.folder)?.into_iter().filter(|first| *first <= end.sequence) {
            let bytes = (first == end.first).then_some(end.bytes);
            let index = match self.indexes.of(first, &end) {
                Ok(index) => index,
                Err(error) => {
                    self.unreadable.note(first, error)?;
                    unreadable.insert(first);
                    continue;
                }
            };
            let times = match &index {
                Some(index) => index.times(first),
                None => Some((i64::MIN, i64::MAX)),
            };
            let Some(times) = times else { continue };
            let is_newer = query.to.is_some_and(|to| times.0 > to.as_microsecond())
                || query.after.is_some_and(|after| times.0 > after.time);
            if !is_newer && query.from.is_none_or(|from| from.as_microsecond() <= times.1) {
                segments.push(Segment { first, bytes, index, times });
            }
        }
        segments.sort_by_key(|segment| std::cmp::Reverse((segment.times.1, segment.first)));
        Ok(segments)
    }

    /// Reads the lines of hits, newest first, up to the limits of a page.
    fn read(
        &self,
        hits: Newest,
        sets: Option<&[Vec<Key>]>,
        query: &Query,
        mut unreadable: BTreeSet<u64>,
    ) -> io::Result<Lines> {
        let (mut page, mut wrong, mut bytes) = (Page::default(), BTreeSet::new(), 0);
        let mut text: Option<(u64, Option<SegmentText>)> = None;
        let (is_full, mut last) = (hits.is_full(), None);
        for hit in hits.into_sorted() {
            bytes += usize::try_from(hit.bytes.1.saturating_sub(hit.bytes.0)).map_err(io::Error::other)?;
            if page.events.len() == query.limit || (bytes > PAGE_BYTES && !page.events.is_empty()) {
                page.next = last;
                break;
            }
            last = Some(hit.position);
            if text.as_ref().is_none_or(|(first, _)| *first != hit.first) {
                let opened = match open(&self.folder, hit.first) {
                    Ok(opened) => opened,
                    Err(error) => {
                        self.unreadable.note(hit.first, error)?;
                        unreadable.insert(hit.first);
                        None
                    }
                };
                text = Some((hit.first, opened));
            }
            let Some((_, Some(text))) = &mut text else { continue };
            let line = match text.read(hit.range()) {
                Ok(line) => line,
                // Other parts of a compressed file may be readable.
                Err(error) => {
                    self.unreadable.note(hit.first, error)?;
                    unreadable.insert(hit.first);
                    continue;
                }
            };
            match (compared(&line, &hit, sets, query), String::from_utf8(line)) {
                (Compared::Found, Ok(line)) => page.events.push(Found { line, position: hit.position }),
                (Compared::Collision, Ok(_)) => {}
                _ => drop(wrong.insert(hit.first)),
            }
        }
        // Some of the hits were left out, and there may be more.
        if is_full && page.next.is_none() {
            page.next = last;
        }
        page.unreadable = unreadable.into_iter().map(segment_name).collect();
        Ok(Lines { page, wrong })
    }
}

/// Compares a line with the query and with its index.
fn compared(line: &[u8], hit: &Hit, sets: Option<&[Vec<Key>]>, query: &Query) -> Compared {
    match EventLine::parse(line).filter(|line| line.time() == Some(hit.position.time)) {
        Some(line) if query.matches(&line) => Compared::Found,
        Some(line) if sets.is_some_and(|sets| has_keys(&line, sets)) => Compared::Collision,
        _ => Compared::Wrong,
    }
}

impl Segment {
    fn search(&self, folder: &Path, sets: Option<&[Vec<Key>]>, query: &Query, newest: &mut Newest) -> io::Result<()> {
        match (&self.index, sets) {
            (Some(Index::File(file)), Some(sets)) => file.search(sets, query, newest),
            (Some(Index::Growing(builder)), Some(sets)) => {
                lock_builder(builder, self.first).search(sets, query, newest);
                Ok(())
            }
            _ => {
                let Some(mut text) = open(folder, self.first)? else { return Ok(()) };
                let bytes = self.bytes.unwrap_or(text.len());
                scan(&mut text, self.first, bytes, query, newest)
            }
        }
    }
}
