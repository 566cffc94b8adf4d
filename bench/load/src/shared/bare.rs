//! Bare commits to a database: the keys and bytes of one CreateUser, as the server left them, to a place of the same form beside
//! the server's.

mod etcd;
mod postgres;

use anyhow::{Context, Result};
use std::time::Instant;

/// The commits.
pub struct Bare {
    store: Store,
    written: Written,
    count: u64,
}

/// A database, which reads what a call wrote, and commits groups of calls.
enum Store {
    Postgres(postgres::Store),
    Etcd(etcd::Store),
}

/// What one call wrote.
struct Written {
    rows: Vec<Row>,
    /// The entry in the change log.
    entry: Vec<u8>,
    /// The sealed state of the store.
    state: Vec<u8>,
}

struct Row {
    key: Vec<u8>,
    stored: Vec<u8>,
    /// Whether the call before wrote the same key.
    shared: bool,
}

/// What one transaction writes.
struct Group<'w> {
    rows: Vec<BareRow<'w>>,
    log: Vec<(u64, &'w [u8])>,
    /// The newest revision.
    revision: u64,
    state: &'w [u8],
}

/// A row of a transaction.
struct BareRow<'w> {
    key: Vec<u8>,
    stored: &'w [u8],
    /// Whether no other transaction writes it.
    is_new: bool,
}

impl Bare {
    /// Reads what the call wrote that created `user`, and makes the place for the commits.
    pub async fn of(database: &str, user: &str) -> Result<Bare> {
        let (store, written) = match database.starts_with("etcd:") {
            true => {
                let (store, written) = etcd::Store::of(database, user).await?;
                (Store::Etcd(store), written)
            }
            false => {
                let (store, written) = postgres::Store::of(database, user).await?;
                (Store::Postgres(store), written)
            }
        };
        Ok(Bare { store, written, count: 0 })
    }

    /// Keys and bytes of one call, the log's entry included.
    pub fn size(&self) -> (usize, usize) {
        let Written { rows, entry, .. } = &self.written;
        let bytes: usize = rows.iter().map(|row| row.key.len() + row.stored.len()).sum();
        (rows.len() + 1, bytes + entry.len() + 8)
    }

    /// Commits groups of so many calls, and returns the calls per second.
    pub async fn rate(&mut self, group: usize, commits: usize) -> Result<f64> {
        let begun = Instant::now();
        for _ in 0..commits {
            let group = self.written.group(&mut self.count, group);
            match &mut self.store {
                Store::Postgres(store) => store.commit(group).await?,
                Store::Etcd(store) => store.commit(group).await?,
            }
        }
        Ok((group * commits) as f64 / begun.elapsed().as_secs_f64())
    }
}

impl Written {
    /// `rows` are all keys and stored values of the revision.
    fn new(rows: Vec<(Vec<u8>, Vec<u8>)>, before: &[u8], entry: Vec<u8>, state: Vec<u8>) -> Written {
        let row = |(key, stored): (Vec<u8>, Vec<u8>)| {
            let shared = contains(before, &key);
            Row { key, stored, shared }
        };
        Written { rows: rows.into_iter().map(row).collect(), entry, state }
    }

    /// The next group of so many calls. Rows that each call rewrites are in it once.
    fn group(&self, count: &mut u64, calls: usize) -> Group<'_> {
        let (mut rows, mut log) = (Vec::new(), Vec::new());
        for call in 0..calls {
            *count += 1;
            for row in self.rows.iter().filter(|row| !row.shared || call == 0) {
                let mut key = row.key.clone();
                if !row.shared {
                    let end = key.len();
                    let tail = &mut key[end.saturating_sub(8)..];
                    // Unique, and scattered like the random ids of the server.
                    let digits = count.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
                    tail.copy_from_slice(&digits[8 - tail.len()..]);
                }
                rows.push(BareRow { key, stored: &row.stored, is_new: !row.shared });
            }
            log.push((*count, &self.entry[..]));
        }
        Group { rows, log, revision: *count, state: &self.state }
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// The revision of a stored row, behind the tag that authenticates it.
fn revision_of(stored: &[u8]) -> Result<u64> {
    let revision = stored.get(16..).and_then(|rest| rest.first_chunk()).context("a row without a revision")?;
    Ok(u64::from_be_bytes(*revision))
}
