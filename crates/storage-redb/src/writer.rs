//! The writer: one thread, one durable transaction for all batches that wait.

use std::{sync::Arc, thread::JoinHandle};

use bailiwick_storage::{Batch, ChangeSet, Revision, StoreError};
use redb::{Database, ReadableTable, Table, WriteTransaction};
use tokio::sync::{mpsc, oneshot};

use crate::{LOG, OpenError, ROWS, Shared, log, store_error, view};

/// The most batches in one transaction, so that the first of many does not wait for the last for long.
const GROUP: usize = 256;
/// How many change sets are pruned at once: rarely, and a handful of pages.
const PRUNE: u64 = 256;

type Answer = oneshot::Sender<Result<Revision, StoreError>>;

/// What the writer is asked for.
#[derive(Debug)]
pub(crate) enum Job {
    Batch(Batch, Answer),
    Close(oneshot::Sender<()>),
}

/// A batch that is a part of the transaction under way.
struct Planned {
    set: Arc<ChangeSet>,
    answer: Answer,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    database: Database,
    head: Revision,
    /// The log is complete after this revision.
    oldest: Revision,
    retention: u64,
    buffer: Vec<u8>,
}

/// Begins a transaction with every guarantee that an answer stands for.
pub(crate) fn durable(database: &Database) -> Result<WriteTransaction, StoreError> {
    let mut txn = database.begin_write().map_err(store_error)?;
    // Durability::Immediate is redb's default. Two phases: a commit slot is never half written, whatever the disk
    // does. Quick repair: reopening after a crash does not walk the file.
    txn.set_two_phase_commit(true);
    txn.set_quick_repair(true);
    Ok(txn)
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        database: Database,
        head: Revision,
        oldest: Revision,
        retention: u64,
    ) -> Self {
        Writer { shared, database, head, oldest, retention, buffer: Vec::new() }
    }

    /// Starts the thread; it ends, and the file is closed, when the queue is dropped or a [`Job::Close`] comes.
    pub(crate) fn spawn(self, jobs: mpsc::Receiver<Job>) -> Result<JoinHandle<()>, OpenError> {
        std::thread::Builder::new()
            .name("bailiwick-store".into())
            .spawn(move || self.run(jobs))
            .map_err(|error| OpenError::Store(StoreError::Backend(Box::new(error))))
    }

    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut closing = None;
        while closing.is_none()
            && let Some(first) = jobs.blocking_recv()
        {
            let mut group = Vec::new();
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Batch(batch, answer) => group.push((batch, answer)),
                    Job::Close(done) => {
                        closing = Some(done);
                        jobs.close();
                    }
                }
                next = if group.len() < GROUP { jobs.try_recv().ok() } else { None };
            }
            if !group.is_empty()
                && let Err(error) = self.commit(group)
            {
                // After a failed write nobody knows what the file holds until it is opened again.
                tracing::error!(%error, "the store failed and takes no further writes");
                break;
            }
        }
        // What was let in before the door closed is answered, by its absence, when the queue is dropped.
        self.shared.feed.close();
        drop(self.database);
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Commits a group. An error means that the store can take no more; everyone in the group has been told.
    fn commit(&mut self, group: Vec<(Batch, Answer)>) -> Result<(), String> {
        let (mut planned, mut idle) = (Vec::with_capacity(group.len()), Vec::new());
        let mut group = group.into_iter();
        let written = self.write(&mut group, &mut planned, &mut idle);
        let failed = match written {
            Ok(None) => None,
            Ok(Some(txn)) => match txn.commit() {
                Ok(()) => None,
                Err(error) => {
                    // The disk may or may not have it.
                    let why = error.to_string();
                    for Planned { answer, .. } in planned.drain(..) {
                        let _ = answer.send(Err(StoreError::Unknown(why.clone().into())));
                    }
                    Some(why)
                }
            },
            // Not committed, and dropped by now: nothing was written.
            Err(error) => Some(error.to_string()),
        };
        if let Some(why) = failed {
            let not_written = || StoreError::Backend(why.clone().into());
            let rest = planned.into_iter().map(|planned| planned.answer).chain(idle);
            for answer in rest.chain(group.map(|(_, answer)| answer)) {
                let _ = answer.send(Err(not_written()));
            }
            return Err(why);
        }
        self.acknowledge(planned, idle).map_err(|error| error.to_string())
    }

    /// Plans and writes the batches that hold; refuses the others at once. No transaction if nothing is to be written.
    fn write(
        &mut self,
        group: &mut std::vec::IntoIter<(Batch, Answer)>,
        planned: &mut Vec<Planned>,
        idle: &mut Vec<Answer>,
    ) -> Result<Option<WriteTransaction>, StoreError> {
        let txn = durable(&self.database)?;
        {
            let mut rows = txn.open_table(ROWS).map_err(store_error)?;
            let mut sets = txn.open_table(LOG).map_err(store_error)?;
            let mut revision = self.head;
            for (batch, answer) in group {
                let plan = batch.plan(|key| {
                    let row = rows.get(key).map_err(store_error)?;
                    row.map(|row| view::decode(row.value())).transpose()
                });
                match plan {
                    Ok(changes) if changes.is_empty() => idle.push(answer),
                    Ok(changes) => {
                        revision = revision.next();
                        let set = Arc::new(ChangeSet { revision, changes });
                        // Taken into the list first: whatever happens from here on, this one is answered.
                        planned.push(Planned { set: set.clone(), answer });
                        self.apply(&mut rows, &mut sets, &set)?;
                    }
                    Err(error @ StoreError::Backend(_)) => {
                        let _ = answer.send(Err(StoreError::Backend(error.to_string().into())));
                        return Err(error);
                    }
                    Err(refused) => {
                        let _ = answer.send(Err(refused));
                    }
                }
            }
            if revision > self.head {
                self.prune(&mut sets, revision)?;
            }
        }
        Ok((!planned.is_empty()).then_some(txn))
    }

    fn apply(
        &mut self,
        rows: &mut Table<'_, &'static [u8], &'static [u8]>,
        sets: &mut Table<'_, u64, &'static [u8]>,
        set: &ChangeSet,
    ) -> Result<(), StoreError> {
        for change in &set.changes {
            match &change.value {
                Some(value) => {
                    view::encode(&mut self.buffer, set.revision, value);
                    rows.insert(&*change.key, &*self.buffer).map_err(store_error)?;
                }
                None => {
                    rows.remove(&*change.key).map_err(store_error)?;
                }
            }
        }
        log::encode(&mut self.buffer, set);
        sets.insert(set.revision.number(), &*self.buffer).map_err(store_error)?;
        Ok(())
    }

    /// Takes the oldest change sets out of the log when there are enough of them to be worth it.
    fn prune(&mut self, sets: &mut Table<'_, u64, &'static [u8]>, head: Revision) -> Result<(), StoreError> {
        let kept = head.number() - self.oldest.number();
        if kept < self.retention.max(1) + PRUNE {
            return Ok(());
        }
        let oldest = self.oldest.number() + PRUNE;
        sets.retain_in(..=oldest, |_, _| false).map_err(store_error)?;
        self.oldest = Revision::new(oldest);
        Ok(())
    }

    /// Shows everybody what is durable now, then answers.
    fn acknowledge(&mut self, planned: Vec<Planned>, idle: Vec<Answer>) -> Result<(), StoreError> {
        if let Some(last) = planned.last() {
            self.head = last.set.revision;
            let view = view::RedbView::newest(&self.database, self.head);
            let view = view.inspect_err(|_| {
                tracing::error!(revision = self.head.number(), "written, but the store cannot be read any more");
            })?;
            // INVARIANT: the view before the feed before the answer: who hears of a revision can read it.
            self.shared.current.store(Arc::new(view));
            self.shared.feed.publish(planned.iter().map(|planned| planned.set.clone()));
        }
        for Planned { set, answer } in planned {
            // Whoever went away will read what he wrote.
            let _ = answer.send(Ok(set.revision));
        }
        for answer in idle {
            let _ = answer.send(Ok(self.head));
        }
        Ok(())
    }
}
