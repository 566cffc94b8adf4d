//! Indexes of segments, by which look-up finds events without reading the segments.
//!
//! An index maps the hash of an account, an attribute and a value to the events that have it. That of a segment that is
//! complete is a file beside it, `audit-00000000000000000001.index` ([`IndexFile`]); that of the segment being written is
//! in memory ([`Builder`]) and becomes that file. An index is derived: a missing or damaged one is built again. What it
//! finds is compared with the line itself, the account above all, before it is returned.

use std::collections::HashSet;

use aws_lc_rs::digest::{SHA256, digest};

use crate::query::{Attribute, EventLine, Query};

mod builder;
mod file;
mod layout;
mod postings;
#[cfg(test)]
mod tests;

pub(crate) use builder::Builder;
pub(crate) use file::{IndexFile, index_path, remove_orphans};

/// A hash of an account, an attribute and a value: 64 bits of SHA-256.
pub(crate) type Key = u64;

/// In place of an account: any.
const ANY: &str = "*";

fn key(account: &str, attribute: u8, value: &str) -> Key {
    let text = [account.as_bytes(), &[0, attribute], value.as_bytes()].concat();
    digest(&SHA256, &text).as_ref().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn attribute_key(account: &str, attribute: Attribute, value: &str) -> Key {
    // An id belongs to one event, so its key does not need the account.
    let account = if attribute == Attribute::EventId { ANY } else { account };
    key(account, attribute as u8, value)
}

/// Passes each key of a line to `each`.
fn keys_of(line: &EventLine<'_>, mut each: impl FnMut(Key)) {
    each(key(line.account(), 0, ""));
    for attribute in Attribute::ALL {
        line.values(attribute, &mut |value| each(attribute_key(line.account(), attribute, value)));
    }
}

/// Whether a line has all keys of one of several sets.
pub(crate) fn has_keys(line: &EventLine<'_>, sets: &[Vec<Key>]) -> bool {
    let mut own = HashSet::new();
    keys_of(line, |key| {
        own.insert(key);
    });
    sets.iter().any(|set| set.iter().all(|key| own.contains(key)))
}

/// The keys that the events of a query have: all keys of one of several sets. An empty set is of all events. None if only
/// the lines themselves show it: that is the case for attributes across all accounts.
pub(crate) fn key_sets(query: &Query) -> Option<Vec<Vec<Key>>> {
    let filters = |account: &str| {
        let keys = query.filters.iter().map(|(attribute, value)| attribute_key(account, *attribute, value));
        keys.collect::<Vec<_>>()
    };
    let Some(account) = query.account else {
        let is_known = query.filters.iter().all(|(attribute, _)| *attribute == Attribute::EventId);
        return is_known.then(|| vec![filters(ANY)]);
    };
    let of_account = |account: &str| {
        let mut keys = filters(account);
        keys.push(key(account, 0, ""));
        keys
    };
    let mut sets = vec![of_account(&account.to_string())];
    if query.without_account {
        sets.push(of_account(""));
    }
    Some(sets)
}
