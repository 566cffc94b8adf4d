//! Number and checksum of the rows of a store, to compare it with what it was made of.

use aws_lc_rs::digest;
use bailiwick_storage::{StoreCopy, StoredRow};
use bailiwick_storage_redb::OpenError;
use bytes::Bytes;

use crate::progress::Progress;

/// Adds up rows that pass, in the order of their keys.
pub(super) struct Summed<R> {
    rows: R,
    sum: Sum,
    of: usize,
    progress: Progress,
}

/// Number and SHA-256 of rows.
#[derive(Clone)]
struct Sum {
    count: usize,
    hash: digest::Context,
}

impl Sum {
    fn new() -> Self {
        Sum { count: 0, hash: digest::Context::new(&digest::SHA256) }
    }

    fn add(&mut self, row: &StoredRow) {
        self.count += 1;
        for part in [&row.key, &row.stored] {
            self.hash.update(&(part.len() as u64).to_be_bytes());
            self.hash.update(part);
        }
    }
}

impl<R> Summed<R> {
    /// Adds up rows, of which about `of` are expected.
    pub(super) fn of(rows: R, of: u64) -> Self {
        let of = usize::try_from(of).unwrap_or(usize::MAX);
        Summed { rows, sum: Sum::new(), of, progress: Progress::new() }
    }

    /// Reads all rows of a copy, and compares them with those that passed.
    ///
    /// # Errors
    /// What is different.
    pub(super) async fn compare(&self, copy: &StoreCopy) -> Result<(), String> {
        self.progress.end();
        let (mut found, mut after) = (Sum::new(), None::<Bytes>);
        loop {
            let rows = copy.next(after.as_deref()).await.map_err(|e| e.to_string())?;
            rows.iter().for_each(|row| found.add(row));
            self.progress.at(found.count, self.sum.count, "rows compared");
            match rows.into_iter().next_back() {
                Some(last) => after = Some(last.key),
                None => break,
            }
        }
        self.progress.end();
        if found.count != self.sum.count {
            return Err(format!("it has {} rows, and {} were written", found.count, self.sum.count));
        }
        if found.hash.finish().as_ref() != self.sum.hash.clone().finish().as_ref() {
            return Err("its rows are not those that were written".to_owned());
        }
        Ok(())
    }
}

impl<R: Iterator<Item = Result<StoredRow, OpenError>>> Iterator for Summed<R> {
    type Item = Result<StoredRow, OpenError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.next()?;
        if let Ok(row) = &row {
            self.sum.add(row);
            self.progress.at(self.sum.count, self.of, "rows");
        }
        Some(row)
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_storage::{At, Batch, Store as _};

    use super::*;

    async fn rows_of(values: &[(&'static str, &'static str)]) -> (StoreCopy, Vec<StoredRow>) {
        let store = bailiwick_storage::MemoryStore::new();
        for (key, value) in values {
            let put = vec![(Bytes::from(*key), Bytes::from(*value))];
            store.commit(Batch { put, ..Batch::default() }).await.unwrap();
        }
        let copy = StoreCopy::of(store.read(At::Latest).await.unwrap());
        let rows = copy.next(None).await.unwrap();
        (copy, rows)
    }

    #[tokio::test]
    async fn other_rows_are_found() {
        let (copy, rows) = rows_of(&[("a", "1"), ("b", "2")]).await;
        let summed = |rows: Vec<StoredRow>| {
            let mut summed = Summed::of(rows.into_iter().map(Ok), 2);
            (&mut summed).for_each(|row| drop(row.unwrap()));
            summed
        };
        assert_eq!(summed(rows.clone()).compare(&copy).await, Ok(()));
        let mut fewer = rows.clone();
        fewer.pop();
        assert_eq!(summed(fewer).compare(&copy).await.unwrap_err(), "it has 2 rows, and 1 were written");
        let mut others = rows;
        others[1].stored = [&others[1].stored[..], b"0"].concat().into();
        assert_eq!(summed(others).compare(&copy).await.unwrap_err(), "its rows are not those that were written");
    }
}
