//! The baseline of a durable write: a bare redb commit of the same keys and bytes, with the same settings.
//!
//! What a CreateUser writes is read from the store that the server left: the rows of one revision and its entry in the
//! change log. Rows that every CreateUser rewrites (counters) are put under the same key each time, the others under
//! a key of their own, as the server does.

use anyhow::{Context, Result, bail};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use std::path::Path;
use std::time::Instant;

const ROWS: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("rows");
const LOG: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("log");

/// The rows that one call wrote.
pub struct Written {
    rows: Vec<Row>,
    log: Vec<u8>,
}

struct Row {
    key: Vec<u8>,
    value: Vec<u8>,
    /// Whether the call before wrote the same key.
    shared: bool,
}

impl Written {
    /// Keys and bytes of one call, the log's entry included.
    pub fn size(&self) -> (usize, usize) {
        let bytes: usize = self.rows.iter().map(|row| row.key.len() + row.value.len()).sum();
        (self.rows.len() + 1, bytes + self.log.len() + 8)
    }
}

/// The rows of the call that created `user`, from the store of a stopped server.
pub fn read(store: &Path, user: &str) -> Result<Written> {
    let database = Database::open(store).context("cannot open the server's store")?;
    let txn = database.begin_read()?;
    let rows = txn.open_table(ROWS).context("the store is laid out otherwise than this bench knows")?;
    let log = txn.open_table(LOG).context("the store is laid out otherwise than this bench knows")?;
    let revision_of = |value: &[u8]| -> Result<u64> {
        // Behind the tag that authenticates the row.
        let head = value.get(16..).and_then(|value| value.first_chunk::<8>()).context("a row without a revision")?;
        Ok(u64::from_be_bytes(*head))
    };
    let (mut revision, mut all) = (None, Vec::new());
    for row in rows.iter()? {
        let (key, value) = row?;
        let (key, value) = (key.value().to_vec(), value.value().to_vec());
        let at = revision_of(&value)?;
        if contains(&key, user.as_bytes()) || contains(&value, user.as_bytes()) {
            revision = revision.max(Some(at));
        }
        all.push((at, key, value));
    }
    let Some(revision) = revision else { bail!("the store knows no user {user}") };
    let entry = log.get(revision)?.context("the log has no entry for the last user")?.value().to_vec();
    let before = log.get(revision - 1)?.context("the log has no entry for the user before")?.value().to_vec();
    let rows = all.into_iter().filter(|(at, _, _)| *at == revision);
    let rows = rows.map(|(_, key, value)| Row { shared: contains(&before, &key), key, value });
    Ok(Written { rows: rows.collect(), log: entry })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A separate file, into which the same rows are committed repeatedly.
pub struct Bare<'a> {
    written: &'a Written,
    database: Database,
    count: u64,
}

impl<'a> Bare<'a> {
    pub fn new(written: &'a Written, file: &Path) -> Result<Bare<'a>> {
        let database = Database::builder().set_cache_size(256 << 20).create(file)?;
        Ok(Bare { written, database, count: 0 })
    }

    /// Makes a number of commits, and returns the seconds that they took.
    pub fn repeat(&mut self, commits: u64) -> Result<f64> {
        let begun = Instant::now();
        for _ in 0..commits {
            self.commit()?;
        }
        Ok(begun.elapsed().as_secs_f64())
    }

    fn commit(&mut self) -> Result<()> {
        let mut txn = self.database.begin_write()?;
        txn.set_two_phase_commit(true);
        txn.set_quick_repair(true);
        {
            let mut rows = txn.open_table(ROWS)?;
            for row in &self.written.rows {
                let mut key = row.key.clone();
                if !row.shared {
                    let end = key.len();
                    let tail = &mut key[end.saturating_sub(8)..];
                    let digits = scatter(self.count).to_be_bytes();
                    tail.copy_from_slice(&digits[8 - tail.len()..]);
                }
                rows.insert(key.as_slice(), row.value.as_slice())?;
            }
            txn.open_table(LOG)?.insert(self.count, self.written.log.as_slice())?;
        }
        txn.commit()?;
        self.count += 1;
        Ok(())
    }
}

/// A unique pseudo-random number for each input, like the random ids of the server.
fn scatter(number: u64) -> u64 {
    number.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
