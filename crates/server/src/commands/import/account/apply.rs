//! Makes the calls of a plan: object by object, each completely or not at all.

use std::cell::{Cell, RefCell};

use bailiwick_grpc::client::ClientError;
use futures_util::stream::{self, StreamExt as _};

use super::plan::{Object, Phase, Verdict};
use super::step::{Call, Step};
use crate::commands::remote::Connection;
use crate::progress::Progress;

/// Objects that are made at the same time. Their calls wait for the disk together.
const AT_ONCE: usize = 16;

/// The result of one object.
#[derive(Clone, Debug, Default)]
pub(super) enum Done {
    /// Nothing was tried.
    #[default]
    Untried,
    /// It is equal to the file now.
    Made,
    /// The server refused a call, and the calls before it were taken back.
    Refused(String),
    /// A call failed, and the object may be incomplete.
    Incomplete(String),
}

/// Makes all objects, and returns the result of each.
pub(super) async fn apply(server: &Connection, objects: &[Object]) -> Vec<Done> {
    let worker = Worker {
        server,
        progress: Progress::new(),
        done: Cell::new(0),
        all: objects.iter().filter(|object| is_made(object)).count(),
        is_lost: Cell::new(false),
        results: RefCell::new(vec![Done::default(); objects.len()]),
    };
    for phase in Phase::ALL {
        let of_phase =
            || objects.iter().enumerate().filter(move |(_, object)| object.phase == phase && is_made(object));
        let undo: RefCell<Vec<(usize, Vec<Vec<Call>>)>> = RefCell::default();
        let made = stream::iter(of_phase()).map(async |(at, object)| {
            let undone = worker.steps(at, object.steps.iter(), Vec::new(), object.last.is_none()).await;
            if let Some(calls) = undone {
                undo.borrow_mut().push((at, calls));
            }
        });
        made.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        let complete = undo.into_inner().into_iter().filter(|(at, _)| objects[*at].last.is_some());
        let made = stream::iter(complete).map(async |(at, before)| {
            worker.steps(at, objects[at].last.iter(), before, true).await;
        });
        made.buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
    }
    worker.progress.end();
    worker.results.into_inner()
}

/// Whether there is something to do for an object.
pub(super) fn is_made(object: &Object) -> bool {
    matches!(object.verdict, Verdict::Create | Verdict::Change)
}

struct Worker<'a> {
    server: &'a Connection,
    progress: Progress,
    done: Cell<usize>,
    all: usize,
    /// Whether the server did not answer a call. Then no further call is made.
    is_lost: Cell<bool>,
    results: RefCell<Vec<Done>>,
}

impl Worker<'_> {
    /// Makes the calls of one object. Returns what takes them back, unless one failed: then they were taken back, as
    /// were those `before`.
    async fn steps<'s>(
        &self,
        at: usize,
        steps: impl Iterator<Item = &'s Step>,
        before: Vec<Vec<Call>>,
        is_end: bool,
    ) -> Option<Vec<Vec<Call>>> {
        let mut undo = before;
        for step in steps {
            if self.is_lost.get() {
                if !undo.is_empty() {
                    self.results.borrow_mut()[at] = Done::Incomplete("the server no longer answers".into());
                }
                return None;
            }
            match step.run(self.server).await {
                Ok(calls) => undo.push(calls),
                Err(error) => {
                    let result = self.failed(step, &error, undo).await;
                    self.results.borrow_mut()[at] = result;
                    self.count();
                    return None;
                }
            }
        }
        if is_end {
            self.results.borrow_mut()[at] = Done::Made;
            self.count();
        }
        Some(undo)
    }

    async fn failed(&self, step: &Step, error: &ClientError, undo: Vec<Vec<Call>>) -> Done {
        let why = format!("{}: {error}", step.call.name());
        if !matches!(error, ClientError::Refused { .. }) {
            self.is_lost.set(true);
            return Done::Incomplete(why);
        }
        for call in undo.iter().rev().flatten() {
            if let Err(error) = call.send(self.server).await {
                return Done::Incomplete(format!("{why}; then {}: {error}", call.name()));
            }
        }
        Done::Refused(why)
    }

    fn count(&self) {
        self.done.set(self.done.get() + 1);
        self.progress.at(self.done.get(), self.all, "objects");
    }
}
