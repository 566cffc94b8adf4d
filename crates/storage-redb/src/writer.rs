//! The writer: one thread, and one durable transaction for all waiting batches.

use std::{
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use bailiwick_storage::{Authenticator, Batch, ChangeSet, Outage, Revision, StoreError, StoreState, encode_log_entry};
use redb::{ReadableTable, Table, WriteTransaction};
use tokio::{
    runtime::Runtime,
    sync::{mpsc, watch},
};

use crate::{
    LOG, OpenError, Options, ROWS, Shared,
    disk::Disk,
    guarded::{Handle, guarded, outage, store_error},
    job::{Job, Reply},
    open::{OpenFile, begin_durable},
    view::{self, Tables},
};

mod refusing;

/// The maximum number of batches in one transaction, which limits how long the first one waits for the others.
const MAX_GROUP: usize = 256;
/// How many change sets are pruned at once: rarely, and a handful of pages.
const PRUNE_STEP: u64 = 256;

type Group = Vec<(Batch, Reply)>;

/// A batch that is a part of the transaction under way.
struct Planned {
    set: Arc<ChangeSet>,
    answer: Reply,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    authenticator: Authenticator,
    disk: Arc<dyn Disk>,
    options: Options,
    /// Counts the handles, for readers.
    handles: watch::Sender<u64>,
    mode: Mode,
    /// The state that is durable and published.
    state: StoreState,
    /// Whether the file may contain a transaction that failed.
    unknown: bool,
    buffers: Buffers,
}

#[derive(Default)]
struct Buffers {
    row: Vec<u8>,
    entry: Vec<u8>,
    scratch: Vec<u8>,
}

enum Mode {
    Writing(OpenFile),
    /// Changes are refused; readers use what was durable when writing failed.
    Refusing {
        /// The database that readers use; `None` if it could not be opened.
        reading: Option<Handle>,
        why: Outage,
        retry: Instant,
    },
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        authenticator: Authenticator,
        disk: Arc<dyn Disk>,
        options: Options,
        handles: watch::Sender<u64>,
        open: OpenFile,
        state: StoreState,
    ) -> Self {
        let (mode, buffers) = (Mode::Writing(open), Buffers::default());
        Writer { shared, authenticator, disk, options, handles, mode, state, unknown: false, buffers }
    }

    /// Starts the thread; it ends, and the file is closed, when the queue is dropped or a [`Job::Close`] comes.
    pub(crate) fn spawn(self, jobs: mpsc::Receiver<Job>) -> Result<JoinHandle<()>, OpenError> {
        let failed = |error| OpenError::Store(StoreError::Backend(Box::new(error)));
        let clock = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(failed)?;
        let thread = std::thread::Builder::new().name("bailiwick-store".into());
        thread.spawn(move || self.run(jobs, &clock)).map_err(failed)
    }

    fn run(mut self, mut jobs: mpsc::Receiver<Job>, clock: &Runtime) {
        let mut closing = None;
        while closing.is_none() {
            let first = match self.next(&mut jobs, clock) {
                Next::Job(job) => job,
                Next::Retry => {
                    self.recover();
                    continue;
                }
                Next::End => break,
            };
            let mut group = Group::new();
            let mut next = Some(first);
            while let Some(job) = next {
                match job {
                    Job::Batch(batch, answer) => group.push((batch, answer)),
                    Job::Replace(handle) => self.replace_handle(handle),
                    Job::Close(done) => {
                        closing = Some(done);
                        jobs.close();
                    }
                }
                next = if group.len() < MAX_GROUP { jobs.try_recv().ok() } else { None };
            }
            if !group.is_empty() {
                self.answer(group);
            }
        }
        // Queued batches that are not answered here fail when the queue is dropped.
        self.shared.feed.close();
        drop((self.mode, self.handles));
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Waits for the next job or retry.
    fn next(&self, jobs: &mut mpsc::Receiver<Job>, clock: &Runtime) -> Next {
        let job = match &self.mode {
            Mode::Writing(_) => jobs.blocking_recv(),
            Mode::Refusing { retry, .. } => {
                let wait = retry.saturating_duration_since(Instant::now());
                if wait == Duration::ZERO {
                    return Next::Retry;
                }
                match clock.block_on(async { tokio::time::timeout(wait, jobs.recv()).await }) {
                    Ok(job) => job,
                    Err(_) => return Next::Retry,
                }
            }
        };
        job.map_or(Next::End, Next::Job)
    }

    fn answer(&mut self, group: Group) {
        match &self.mode {
            Mode::Writing(_) => self.commit(group),
            Mode::Refusing { why, .. } => self.refuse_changes(group, why),
        }
    }

    /// Commits a group. If that fails, all callers get an error, and changes are refused from then on.
    fn commit(&mut self, group: Group) {
        let Mode::Writing(open) = &self.mode else { return };
        let head_changes = open.tracker.head_changes();
        let (mut planned, mut unchanged) = (Vec::with_capacity(group.len()), Vec::new());
        let mut group = group.into_iter();
        let mut state = self.state;
        let writer = GroupWriter { authenticator: &self.authenticator, retention: self.options.log_retention };
        let written = guarded(|| {
            let txn = writer.write(open, &mut state, &mut self.buffers, &mut group, &mut planned, &mut unchanged)?;
            txn.map(|txn| txn.commit().map_err(store_error)).transpose()
        });
        let failure = match written {
            Ok(_) => match self.acknowledge(state, &planned) {
                Ok(()) => {
                    for Planned { set, answer } in planned {
                        // The caller may have been dropped.
                        let _ = answer.send(Ok(set.revision));
                    }
                    for answer in unchanged {
                        let _ = answer.send(Ok(self.state.head));
                    }
                    return;
                }
                // The transaction is durable but could not be published.
                Err(error) => {
                    self.unknown |= !planned.is_empty();
                    error
                }
            },
            Err(error) => {
                self.unknown = open.tracker.head_changes() != head_changes && !planned.is_empty();
                error
            }
        };
        let why = outage(&failure);
        let rest = unchanged.into_iter().chain(group.map(|(_, answer)| answer));
        for answer in rest {
            let _ = answer.send(Err(StoreError::ReadOnly(why.clone())));
        }
        for Planned { answer, .. } in planned {
            let unknown = self.unknown.then(|| StoreError::Unknown(why.to_string().into()));
            let _ = answer.send(Err(unknown.unwrap_or_else(|| StoreError::ReadOnly(why.clone()))));
        }
        self.refuse(why);
    }

    /// Publishes the durable state.
    fn acknowledge(&mut self, state: StoreState, planned: &[Planned]) -> Result<(), StoreError> {
        let Mode::Writing(open) = &self.mode else { return Ok(()) };
        if planned.is_empty() {
            return Ok(());
        }
        let handle = *self.handles.borrow();
        let tables = guarded(|| Tables::newest(&open.database, handle, Some(open.tracker.clone())))?;
        self.state = state;
        self.show(tables);
        // INVARIANT: the view before the feed before the reply, so that a caller that learns of a revision can read it.
        self.shared.feed.publish(planned.iter().map(|planned| planned.set.clone()));
        Ok(())
    }

    /// Publishes a view of the newest state on these tables.
    fn show(&self, tables: Tables) {
        let view = view::RedbView {
            state: self.state,
            authenticator: self.authenticator.clone(),
            tables: arc_swap::ArcSwap::from_pointee(tables),
            handles: self.handles.subscribe(),
            jobs: self.shared.current.load().jobs.clone(),
        };
        self.shared.current.store(Arc::new(view));
    }
}

enum Next {
    Job(Job),
    Retry,
    End,
}

/// Writes a transaction.
struct GroupWriter<'w> {
    authenticator: &'w Authenticator,
    retention: u64,
}

impl GroupWriter<'_> {
    /// Checks and writes the valid batches, and answers the invalid ones. Returns no transaction if there is nothing to
    /// write.
    fn write(
        &self,
        open: &OpenFile,
        state: &mut StoreState,
        buffers: &mut Buffers,
        group: &mut std::vec::IntoIter<(Batch, Reply)>,
        planned: &mut Vec<Planned>,
        unchanged: &mut Vec<Reply>,
    ) -> Result<Option<WriteTransaction>, StoreError> {
        let txn = begin_durable(&open.database)?;
        {
            let mut rows = txn.open_table(ROWS).map_err(store_error)?;
            let mut sets = txn.open_table(LOG).map_err(store_error)?;
            let mut unlogged: Option<Arc<ChangeSet>> = None;
            for (batch, answer) in group {
                let plan = guarded(|| {
                    batch.plan(|key| {
                        let row = rows.get(key).map_err(store_error)?;
                        row.map(|row| view::versioned(self.authenticator, key, row.value())).transpose()
                    })
                });
                match plan {
                    Ok(changes) if changes.is_empty() => unchanged.push(answer),
                    Ok(changes) => {
                        let set = Arc::new(ChangeSet { revision: state.head.next(), changes });
                        // Added to the list before anything can fail, so that the caller gets an answer.
                        planned.push(Planned { set: set.clone(), answer });
                        self.apply(&mut rows, state, buffers, &set)?;
                        if let Some(before) = unlogged.replace(set) {
                            self.log(&mut sets, buffers, &before, &[])?;
                        }
                    }
                    Err(error @ StoreError::Backend(_)) => {
                        let _ = answer.send(Err(StoreError::ReadOnly(outage(&error))));
                        return Err(error);
                    }
                    Err(refused) => {
                        let _ = answer.send(Err(refused));
                    }
                }
            }
            // The last entry of a transaction contains the state of the store.
            if let Some(last) = unlogged {
                self.prune(&mut sets, state)?;
                self.log(&mut sets, buffers, &last, &state.seal(self.authenticator)?)?;
            }
        }
        Ok((!planned.is_empty()).then_some(txn))
    }

    fn apply(
        &self,
        rows: &mut Table<'_, &'static [u8], &'static [u8]>,
        state: &mut StoreState,
        buffers: &mut Buffers,
        set: &ChangeSet,
    ) -> Result<(), StoreError> {
        let Buffers { row, scratch, .. } = buffers;
        for change in &set.changes {
            let key = &*change.key;
            row.clear();
            let old = match &change.value {
                Some(value) => {
                    self.authenticator.encode_row(row, key, set.revision, value, scratch)?;
                    rows.insert(key, &**row)
                }
                None => rows.remove(key),
            };
            let old = old.map_err(store_error)?.map(|old| Authenticator::revision_of(old.value()));
            let new = change.value.is_some().then_some(set.revision);
            state.change(self.authenticator, key, old, new);
        }
        state.head = set.revision;
        Ok(())
    }

    fn log(
        &self,
        sets: &mut Table<'_, u64, &'static [u8]>,
        buffers: &mut Buffers,
        set: &ChangeSet,
        state: &[u8],
    ) -> Result<(), StoreError> {
        encode_log_entry(self.authenticator, &mut buffers.entry, set, state, &mut buffers.scratch)?;
        sets.insert(set.revision.number(), &*buffers.entry).map_err(store_error)?;
        Ok(())
    }

    /// Removes the oldest change sets from the log, once there are enough of them.
    fn prune(&self, sets: &mut Table<'_, u64, &'static [u8]>, state: &mut StoreState) -> Result<(), StoreError> {
        let kept = state.head.number().saturating_sub(state.oldest.number());
        if kept < self.retention.max(1) + PRUNE_STEP {
            return Ok(());
        }
        let oldest = state.oldest.number() + PRUNE_STEP;
        sets.retain_in(..=oldest, |_, _| false).map_err(store_error)?;
        state.oldest = Revision::new(oldest);
        Ok(())
    }
}
