//! The reference model: one map, without concurrency.

use std::collections::BTreeMap;

use bailiwick_storage::{Batch, Revision};
use bytes::Bytes;
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};

use crate::tools::{B, batch};

/// The outcome of a batch in the model.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Written(Revision),
    Conflict,
    Bound,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) head: Revision,
    pub(crate) rows: BTreeMap<Bytes, (Bytes, Revision)>,
}

impl Model {
    pub(crate) fn commit(&mut self, batch: &Batch) -> Outcome {
        if batch.expect.iter().any(|e| self.rows.get(&e.key).map(|row| row.1) != e.revision) {
            return Outcome::Conflict;
        }
        let mut rows = self.rows.clone();
        let revision = self.head.next();
        let mut changed = !batch.put.is_empty() || !batch.delete.is_empty();
        for add in &batch.add {
            let old =
                rows.get(&add.key).map_or(0, |row| i128::from(u64::from_be_bytes(row.0[..].try_into().expect("8"))));
            let new = old + i128::from(add.delta);
            if new < 0 || (add.delta > 0 && add.max.is_some_and(|max| new > i128::from(max))) {
                return Outcome::Bound;
            }
            changed |= new != old;
            match new {
                0 => drop(rows.remove(&add.key)),
                new if new == old => {}
                new => drop(rows.insert(add.key.clone(), ((new as u64).to_be_bytes().to_vec().into(), revision))),
            }
        }
        for (key, value) in &batch.put {
            rows.insert(key.clone(), (value.clone(), revision));
        }
        for key in &batch.delete {
            rows.remove(key);
        }
        if changed {
            self.rows = rows;
            self.head = revision;
        }
        Outcome::Written(self.head)
    }
}

/// Generates random batches over few keys, so that they interact; most expectations are correct.
pub(crate) struct Batches {
    runner: TestRunner,
}

impl Batches {
    pub(crate) fn new() -> Self {
        Batches { runner: TestRunner::deterministic() }
    }

    fn draw<S: Strategy>(&mut self, strategy: S) -> S::Value {
        strategy.new_tree(&mut self.runner).expect("strategies without filters").current()
    }

    pub(crate) fn next(&mut self, model: &Model) -> Batch {
        let mut out: B = batch();
        for n in 0..6 {
            // Rows and counters are different keys; a batch touches each at most once.
            let (row, counter) = (format!("row/{n}"), format!("count/{}", n % 3));
            match self.draw(0..12u8) {
                0..=3 => out = out.put(&row, &self.draw("[a-c]{0,3}")),
                4 | 5 => out = out.delete(&row),
                6 | 7 if n < 3 => {
                    out = out.add(&counter, self.draw(-2..4i64), self.draw(proptest::option::of(0..6u64)))
                }
                8..=10 => {
                    let revision = model.rows.get(row.as_bytes()).map(|row| row.1);
                    out = out.expect(&row, revision);
                }
                11 => out = out.expect(&row, self.draw(proptest::option::of(0..9u64)).map(Revision::new)),
                _ => {}
            }
        }
        out.0
    }
}
