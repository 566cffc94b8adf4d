//! Indexes of segments, by which look-up finds events without reading the segments.
//!
//! An index maps the hash of an account, an attribute and a value to the events that have it. That of a segment that is
//! complete is a file beside it, `audit-00000000000000000001.index` ([`IndexFile`]); that of the segment being written is
//! in memory ([`Builder`]) and becomes that file. An index is derived: a missing or damaged one is built again. What it
//! finds is compared with the line itself, the account above all, before it is returned.

use std::collections::{HashMap, HashSet};

use aws_lc_rs::digest::{SHA256, digest};

use crate::query::{Attribute, EventLine, Query};

mod body;
mod builder;
mod file;
mod layout;
mod postings;
#[cfg(test)]
mod tests;
mod written;

pub(crate) use builder::Builder;
pub(crate) use file::{IndexFile, index_path, remove_orphans};
pub(crate) use written::WrittenLines;

/// A hash of an account, an attribute and a value: 64 bits of SHA-256.
pub(crate) type Key = u64;

/// In place of an account: any.
const ANY: &str = "*";

/// What is hashed: an account, an attribute and a value.
#[derive(Clone, Copy)]
struct Hashed<'a> {
    account: &'a str,
    attribute: u8,
    value: &'a str,
}

impl<'a> Hashed<'a> {
    fn of_account(account: &'a str) -> Self {
        Hashed { account, attribute: 0, value: "" }
    }

    fn of_attribute(account: &'a str, attribute: Attribute, value: &'a str) -> Self {
        // An id belongs to one event, so its key does not need the account.
        let account = if attribute == Attribute::EventId { ANY } else { account };
        Hashed { account, attribute: attribute as u8, value }
    }

    /// Whether other events have the same key.
    fn is_shared(self) -> bool {
        self.attribute != Attribute::EventId as u8
    }

    fn write(self, text: &mut Vec<u8>) {
        text.clear();
        text.extend_from_slice(self.account.as_bytes());
        text.extend_from_slice(&[0, self.attribute]);
        text.extend_from_slice(self.value.as_bytes());
    }

    fn key(self) -> Key {
        let mut text = Vec::new();
        self.write(&mut text);
        key_of(&text)
    }
}

fn key_of(text: &[u8]) -> Key {
    digest(&SHA256, text).as_ref().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// Passes what is hashed for each key of a line to `each`.
fn hashed_of(line: &EventLine<'_>, mut each: impl FnMut(Hashed<'_>)) {
    each(Hashed::of_account(line.account()));
    for attribute in Attribute::ALL {
        line.values(attribute, &mut |value| each(Hashed::of_attribute(line.account(), attribute, value)));
    }
}

/// Keys that were computed before: most events of an account have most values in common.
#[derive(Default)]
struct KnownKeys {
    keys: HashMap<Box<[u8]>, Key>,
    text: Vec<u8>,
    /// The last text and key of the account, and of each attribute: mostly those of the event before.
    latest: [(Vec<u8>, Key); Attribute::ALL.len() + 1],
}

impl KnownKeys {
    /// The maximum number of keys that are kept. Then it begins again without any.
    const MOST: usize = 4 * 1024;
    /// The longest text whose key is kept.
    const LONGEST: usize = 256;

    fn key(&mut self, of: Hashed<'_>) -> Key {
        of.write(&mut self.text);
        if !of.is_shared() || self.text.len() > Self::LONGEST {
            return key_of(&self.text);
        }
        let latest = &mut self.latest[usize::from(of.attribute)];
        if latest.0 != self.text {
            latest.1 = match self.keys.get(self.text.as_slice()) {
                Some(known) => *known,
                None => {
                    if self.keys.len() >= Self::MOST {
                        self.keys.clear();
                    }
                    let key = key_of(&self.text);
                    self.keys.insert(self.text.as_slice().into(), key);
                    key
                }
            };
            latest.0.clone_from(&self.text);
        }
        latest.1
    }
}

/// Whether a line has all keys of one of several sets.
pub(crate) fn has_keys(line: &EventLine<'_>, sets: &[Vec<Key>]) -> bool {
    let mut own = HashSet::new();
    hashed_of(line, |hashed| {
        own.insert(hashed.key());
    });
    sets.iter().any(|set| set.iter().all(|key| own.contains(key)))
}

/// The keys that the events of a query have: all keys of one of several sets. An empty set is of all events. None if only
/// the lines themselves show it: that is the case for attributes across all accounts.
pub(crate) fn key_sets(query: &Query) -> Option<Vec<Vec<Key>>> {
    let filters = |account: &str| {
        let keys =
            query.filters.iter().map(|(attribute, value)| Hashed::of_attribute(account, *attribute, value).key());
        keys.collect::<Vec<_>>()
    };
    let Some(account) = query.account else {
        let is_known = query.filters.iter().all(|(attribute, _)| *attribute == Attribute::EventId);
        return is_known.then(|| vec![filters(ANY)]);
    };
    let of_account = |account: &str| {
        let mut keys = filters(account);
        keys.push(Hashed::of_account(account).key());
        keys
    };
    let mut sets = vec![of_account(&account.to_string())];
    if query.without_account {
        sets.push(of_account(""));
    }
    Some(sets)
}
