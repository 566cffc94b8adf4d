//! Checks a whole store: every row is authentic, can be found by its key, and exists.

use bytes::Bytes;

use crate::{
    error::StoreError,
    store::{Scan, View},
};

/// How many rows are read at once.
const CHUNK: usize = 1_024;

/// The result of a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// The number of rows.
    pub rows: u64,
    /// The keys of rows that are not authentic, in order.
    pub damaged: Vec<Bytes>,
    /// The keys of rows that a scan shows and a look-up does not find, in order.
    pub lost: Vec<Bytes>,
    /// Whether rows are missing, out of date, or were not written by the store. Which ones is not known.
    pub incomplete: bool,
}

impl Findings {
    /// Returns whether the check found no problem.
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty() && self.lost.is_empty() && !self.incomplete
    }
}

/// Reads every row of a view, twice: in order, and by its key.
///
/// # Errors
/// If the store cannot be read completely.
pub async fn check(view: &dyn View) -> Result<Findings, StoreError> {
    let (mut findings, mut tally) = (Findings::default(), view.tally());
    let mut after: Option<Bytes> = None;
    loop {
        let rows = view.inspect(Scan { prefix: b"", after: after.as_deref(), limit: CHUNK }).await?;
        for row in &rows {
            findings.rows += 1;
            tally.add(&row.key, row.revision);
            match view.get(&row.key).await {
                Ok(Some(found)) if Some(&found.value) == row.value.as_ref() => {}
                Err(StoreError::Damaged { .. }) if row.value.is_none() => findings.damaged.push(row.key.clone()),
                Ok(_) | Err(StoreError::Damaged { .. }) => findings.lost.push(row.key.clone()),
                Err(error) => return Err(error),
            }
        }
        match rows.into_iter().nth(CHUNK - 1) {
            Some(last) => after = Some(last.key),
            None => break,
        }
    }
    findings.incomplete = tally.finish_whole().is_err();
    Ok(findings)
}
