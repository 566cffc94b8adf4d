//! Checks a whole store: that every row is authentic and exists, and that records, their indexes, their references and the
//! counters agree.
//!
//! Reads with bounded memory: every row once in order and once by its key, the rows that it belongs to, and the rows
//! that each counter counts. The content of rows, such as policies and sealed secrets, is passed to the caller.

use std::collections::{BTreeMap, HashSet};

use bailiwick_model::AccountId;
use bytes::Bytes;

use crate::{
    error::StoreError,
    keys::{self, Kind},
    store::{Inspected, Scan, View},
};

mod content;
mod counters;
mod holders;
mod key_parts;
mod links;
mod row;

pub use content::Content;

use row::{Links, Pair, Row};

/// How many rows are read at once.
const CHUNK: usize = 1_024;
/// How many counters are remembered as checked, and as missing.
const REMEMBERED: usize = 4_096;

/// A fault of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The row; the prefix of its kind if a whole kind is concerned, or empty if the whole store is.
    pub key: Bytes,
    /// What is wrong.
    pub kind: FaultKind,
}

/// The kind of a fault.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// The row is not what was written under its key.
    Damaged,
    /// A look-up by the key does not find the row that a scan shows.
    Lost,
    /// Rows are missing, out of date, or were not written by Bailiwick. Which ones is not known.
    Incomplete {
        /// How many rows there must be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The key is of no kind that this version knows.
    UnknownKind,
    /// The value is not a record of its kind.
    Unreadable(String),
    /// The record belongs under another key.
    Misplaced {
        /// The key that it belongs under.
        belongs: Bytes,
    },
    /// A row by which the record is found does not exist, or names another record.
    NotIndexed {
        /// The key of the row.
        index: Bytes,
    },
    /// The row is an index of a record that does not exist, or that it does not belong to.
    Orphan {
        /// The key of the record.
        record: Bytes,
    },
    /// The row refers to a record that does not exist.
    Dangling {
        /// The key of the record.
        record: Bytes,
    },
    /// The counter does not have the number of the rows that it counts.
    Count {
        /// The counter's value.
        stored: u64,
        /// The number of rows, or the sum of their sizes.
        counted: u64,
    },
    /// The number of the rows of a kind differs from what the records that they belong to say.
    Number {
        /// How many there must be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The content is unusable, by the judgement of the caller.
    Content(String),
}

/// Takes part in a check.
pub trait Inspector {
    /// Receives a fault.
    fn fault(&mut self, fault: Fault);

    /// Returns the reason why the content of a row cannot be used, if it cannot.
    fn content(&mut self, content: &Content) -> Option<String>;

    /// Learns how many rows of how many have been checked.
    fn progress(&mut self, rows: u64, of: u64);
}

/// Checks every row of a view. Returns the number of rows.
///
/// # Errors
/// If the store cannot be read completely.
pub async fn inspect(view: &dyn View, inspector: &mut dyn Inspector) -> Result<u64, StoreError> {
    let mut inspection = Inspection {
        view,
        inspector,
        account: None,
        pairs: BTreeMap::new(),
        known: HashSet::new(),
        missing: HashSet::new(),
    };
    inspection.run().await
}

struct Inspection<'a> {
    view: &'a dyn View,
    inspector: &'a mut dyn Inspector,
    /// The account that is being read.
    account: Option<AccountId>,
    /// Rows that belong to records and do not name them: how many there must be, and how many there are. Those of one
    /// account, and those of the deployment.
    pairs: BTreeMap<(AccountId, Pair), (u64, u64)>,
    /// Counters that exist, checked lately.
    known: HashSet<Bytes>,
    /// Counters that do not exist, reported already.
    missing: HashSet<Bytes>,
}

impl Inspection<'_> {
    async fn run(&mut self) -> Result<u64, StoreError> {
        let mut tally = self.view.tally();
        let (expected, mut rows) = (tally.expected_rows(), 0);
        let mut after: Option<Bytes> = None;
        loop {
            let chunk = self.view.inspect(Scan { prefix: b"", after: after.as_deref(), limit: CHUNK }).await?;
            let is_last = chunk.len() < CHUNK;
            for row in chunk {
                rows += 1;
                tally.add(&row.key, row.revision);
                self.row(&row).await?;
                after = Some(row.key);
            }
            self.inspector.progress(rows, expected);
            if is_last {
                break;
            }
        }
        self.finish_account(None);
        match tally.finish_whole() {
            Err(StoreError::Incomplete { expected, found }) => {
                self.fault(&[], FaultKind::Incomplete { expected, found });
            }
            done => done?,
        }
        Ok(rows)
    }

    fn fault(&mut self, key: &[u8], kind: FaultKind) {
        self.inspector.fault(Fault { key: Bytes::copy_from_slice(key), kind });
    }

    async fn row(&mut self, row: &Inspected) -> Result<(), StoreError> {
        let key = &*row.key;
        let Some(value) = &row.value else {
            self.fault(key, FaultKind::Damaged);
            return Ok(());
        };
        match self.view.get(key).await {
            Ok(Some(found)) if found.value == *value && found.revision == row.revision => {}
            Ok(_) | Err(StoreError::Damaged { .. }) => self.fault(key, FaultKind::Lost),
            Err(error) => return Err(error),
        }
        let Some((account, kind, rest)) = keys::parse(key) else {
            self.fault(key, FaultKind::UnknownKind);
            return Ok(());
        };
        if self.account != Some(account) {
            self.finish_account(Some(account));
        }
        match links::of(self.view, account, kind, rest, value).await {
            Ok(Row::Record(links, content)) => {
                self.record(key, account, links).await?;
                if let Some(content) = content
                    && let Some(why) = self.inspector.content(&content)
                {
                    self.fault(key, FaultKind::Content(why));
                }
                Ok(())
            }
            Ok(Row::Index(record)) => self.index(key, value, record).await,
            Ok(Row::Counter) => self.counter(key, account, rest, value).await,
            Err(StoreError::Corrupt(why)) => {
                self.fault(key, FaultKind::Unreadable(why));
                Ok(())
            }
            Err(error @ StoreError::Newer { .. }) => {
                self.fault(key, FaultKind::Unreadable(error.to_string()));
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    async fn record(&mut self, key: &[u8], account: AccountId, links: Links) -> Result<(), StoreError> {
        if let Some(belongs) = links.own.filter(|own| *own != key) {
            self.fault(key, FaultKind::Misplaced { belongs });
        }
        for (index, value) in links.indexes {
            match self.view.get(&index).await {
                Ok(Some(found)) if found.value == value => {}
                // A damaged index is a fault of its own.
                Err(StoreError::Damaged { .. }) => {}
                Ok(_) => self.fault(key, FaultKind::NotIndexed { index }),
                Err(error) => return Err(error),
            }
        }
        for record in links.references {
            if !exists(self.view, &record).await? {
                self.fault(key, FaultKind::Dangling { record });
            }
        }
        for (pair, expected, found) in links.pairs {
            let of = if pair.is_of_deployment() { AccountId::NONE } else { account };
            let numbers = self.pairs.entry((of, pair)).or_default();
            *numbers = (numbers.0 + expected, numbers.1 + found);
        }
        for counter in links.counters {
            self.counted(counter).await?;
        }
        Ok(())
    }

    /// Checks an index: the record exists, and has this index.
    async fn index(&mut self, key: &[u8], value: &Bytes, record: Option<Bytes>) -> Result<(), StoreError> {
        let Some(record) = record else {
            self.fault(key, FaultKind::Unreadable("an index does not name its record".into()));
            return Ok(());
        };
        let found = match self.view.get(&record).await {
            Err(StoreError::Damaged { .. }) => return Ok(()),
            found => found?,
        };
        let names_it = match (found, keys::parse(&record)) {
            (Some(found), Some((account, kind, rest))) => {
                match links::of(self.view, account, kind, rest, &found.value).await {
                    Ok(Row::Record(links, _)) => {
                        links.has_unknown_indexes
                            || links.indexes.iter().any(|(index, expected)| *index == key && expected == value)
                    }
                    Ok(_) => false,
                    // An unreadable record is a fault of its own.
                    Err(StoreError::Corrupt(_) | StoreError::Newer { .. }) => true,
                    Err(error) => return Err(error),
                }
            }
            _ => false,
        };
        if !names_it {
            self.fault(key, FaultKind::Orphan { record });
        }
        Ok(())
    }

    /// Checks a counter against the rows that it counts.
    async fn counter(&mut self, key: &[u8], account: AccountId, id: &[u8], value: &[u8]) -> Result<(), StoreError> {
        let stored = match crate::batch::counter_value(value) {
            Ok(stored) => stored,
            Err(error) => {
                self.fault(key, FaultKind::Unreadable(error.to_string()));
                return Ok(());
            }
        };
        match counters::count(self.view, account, id).await? {
            counters::Counted::Of(counted) if counted != stored => {
                self.fault(key, FaultKind::Count { stored, counted });
            }
            counters::Counted::Of(_) | counters::Counted::Unknown => {}
            counters::Counted::NotACounter => self.fault(key, FaultKind::UnknownKind),
        }
        Ok(())
    }

    /// Checks that the counter of a row exists; its number is checked with the counter itself.
    async fn counted(&mut self, counter: Bytes) -> Result<(), StoreError> {
        if self.known.contains(&counter) || self.missing.contains(&counter) {
            return Ok(());
        }
        if exists(self.view, &counter).await? {
            if self.known.len() == REMEMBERED {
                self.known.clear();
            }
            self.known.insert(counter);
            return Ok(());
        }
        if let Some((account, Kind::Counter, id)) = keys::parse(&counter)
            && let counters::Counted::Of(counted) = counters::count(self.view, account, id).await?
        {
            self.fault(&counter, FaultKind::Count { stored: 0, counted });
        }
        if self.missing.len() < REMEMBERED {
            self.missing.insert(counter);
        }
        Ok(())
    }

    /// Compares the numbers of the account that was read.
    fn finish_account(&mut self, next: Option<AccountId>) {
        let is_last = next.is_none();
        for ((account, pair), (expected, found)) in std::mem::take(&mut self.pairs) {
            if pair.is_of_deployment() && !is_last {
                self.pairs.insert((account, pair), (expected, found));
            } else if expected != found {
                self.fault(&keys::kind(account, pair.rows()), FaultKind::Number { expected, found });
            }
        }
        self.account = next;
    }
}

/// Whether there is a row under a key, damaged or not.
async fn exists(view: &dyn View, key: &[u8]) -> Result<bool, StoreError> {
    match view.get(key).await {
        Ok(found) => Ok(found.is_some()),
        Err(StoreError::Damaged { .. }) => Ok(true),
        Err(error) => Err(error),
    }
}
