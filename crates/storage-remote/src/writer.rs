//! The writer: one transaction for all waiting batches.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bailiwick_storage::{Batch, ChangeSet, Outage, OutageReason, Revision, StoreError, StoreState};
use bytes::Bytes;
use tokio::{sync::mpsc, time::Instant};

use crate::{
    Backend, Shared,
    job::{Group, Job, Reply},
    plan::{self, Found, Limits, Plan, Verdict},
    row_cache::Row,
    target::{Failure, Keys, Read, Target},
};

/// The maximum number of batches in one transaction, which limits how long the first one waits for the others.
const MAX_GROUP: usize = 256;
/// The minimum number of batches in a group for which the next one waits for as many.
const MANY: usize = 4;
/// The maximum time for which a group waits for further batches.
const GATHER: Duration = Duration::from_millis(4);
/// How long a group is planned again while other servers write first.
const AGAIN: Duration = Duration::from_secs(10);

/// Options of a writer.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    /// The minimum number of change sets in the log.
    pub log_retention: u64,
    /// How much one transaction may write.
    pub limits: Limits,
    /// The pause between a failed attempt to connect and the next.
    pub retry: Duration,
}

/// Commits what comes through the queue of a store.
#[derive(Debug)]
pub struct Writer<B: Backend, T> {
    shared: Arc<Shared<B>>,
    target: T,
    options: WriterOptions,
    /// When the next attempt to connect is made, after a failure.
    retry: Instant,
    /// What the last transaction had no room for.
    postponed: Group,
    last: Last,
}

/// The last group.
#[derive(Clone, Copy, Debug, Default)]
struct Last {
    /// The number of its batches.
    batches: usize,
    /// How long its commit took.
    time: Duration,
}

impl<B: Backend, T: Target> Writer<B, T> {
    /// Writes to a target.
    pub fn new(shared: Arc<Shared<B>>, target: T, options: WriterOptions) -> Self {
        let (postponed, last) = (Group::new(), Last::default());
        Writer { shared, target, options, retry: Instant::now(), postponed, last }
    }

    /// Commits what comes until the queue is dropped or a [`Job::Close`] comes.
    pub async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut closing = None;
        loop {
            let mut group = std::mem::take(&mut self.postponed);
            let mut next = if !group.is_empty() {
                jobs.try_recv().ok()
            } else if closing.is_some() {
                break;
            } else {
                let Some(first) = self.first(&mut jobs).await else { break };
                Some(first)
            };
            let gathered = Instant::now() + self.last.time.min(GATHER);
            while let Some(job) = next {
                match job {
                    Job::Batch(batch, answer) => group.push((batch, answer)),
                    Job::Close(done) => {
                        closing = Some(done);
                        jobs.close();
                    }
                }
                if group.len() >= MAX_GROUP {
                    break;
                }
                next = match jobs.try_recv() {
                    Ok(job) => Some(job),
                    Err(_) if closing.is_none() && self.last.suggests_more_than(group.len()) => {
                        tokio::time::timeout_at(gathered, jobs.recv()).await.ok().flatten()
                    }
                    Err(_) => None,
                };
            }
            if !group.is_empty() {
                let (batches, begun) = (group.len(), Instant::now());
                self.commit(group).await;
                self.last = Last { batches, time: begun.elapsed() };
            }
        }
        self.shared.generations.close();
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Waits for a job; meanwhile, a connection that was lost is made again. None if the queue was dropped.
    async fn first(&mut self, jobs: &mut mpsc::Receiver<Job>) -> Option<Job> {
        loop {
            let is_refusing = self.shared.health.load().is_some();
            tokio::select! {
                job = jobs.recv() => return job,
                () = tokio::time::sleep_until(self.retry), if is_refusing => {
                    // Changes are accepted again as soon as there is a connection.
                    let _ = self.connect().await;
                }
            }
        }
    }

    /// Commits a group, and answers every batch of it that is not postponed.
    async fn commit(&mut self, group: Group) {
        let (batches, answers): (Vec<Batch>, Vec<Reply>) = group.into_iter().unzip();
        let plan = match self.write(&batches).await {
            Ok(plan) => plan,
            Err((None, error)) => return self.refuse(answers, &error),
            Err((Some(plan), error)) => {
                let (unknown, refused) = answers.into_iter().zip(plan.verdicts).partition::<Vec<_>, _>(is_written);
                let why = error.to_string();
                for (answer, _) in unknown {
                    let _ = answer.send(Err(StoreError::Unknown(why.clone().into())));
                }
                return self.refuse(refused.into_iter().map(|(answer, _)| answer), &error);
            }
        };
        self.publish(&plan.sets()).await;
        let head = plan.state.head;
        for ((batch, answer), verdict) in batches.into_iter().zip(answers).zip(plan.verdicts) {
            let outcome = match verdict {
                Verdict::Written(set) => Ok(set.revision),
                Verdict::Unchanged => Ok(head),
                Verdict::Refused(error) => Err(error),
                Verdict::Postponed => {
                    self.postponed.push((batch, answer));
                    continue;
                }
            };
            // The caller may have been dropped.
            let _ = answer.send(outcome);
        }
    }

    /// Plans and writes a group, again if another server wrote first. The error has the plan if it may have been written.
    async fn write(&mut self, batches: &[Batch]) -> Result<Plan, (Option<Plan>, StoreError)> {
        let (keys, end) = (plan::keys(batches), Instant::now() + AGAIN);
        let WriterOptions { log_retention, limits, .. } = self.options;
        let mut newest = self.shared.generations.rows().newest(&keys);
        loop {
            let (rows, state) = self.begin(batches, &keys, newest.take()).await.map_err(|error| (None, error))?;
            let plan = Plan::of(batches, rows, state, &self.shared.authenticator, log_retention, limits);
            let plan = plan.map_err(|error| (None, error))?;
            match self.target.finish(&plan).await {
                Ok(()) => return Ok(plan),
                Err(Failure::Before(error)) => return Err((None, error)),
                Err(Failure::Unknown(error)) => return Err((Some(plan), error)),
                Err(Failure::Again) if Instant::now() < end => {}
                Err(Failure::Again) => {
                    return Err((None, StoreError::Unreachable(OutageReason::Contended.into())));
                }
            }
        }
    }

    /// Reads what a group is checked on. What is known is not read again if the store is still at that revision.
    async fn begin(
        &mut self,
        batches: &[Batch],
        keys: &[Bytes],
        newest: Option<(Revision, HashMap<Bytes, Row>)>,
    ) -> Result<(HashMap<Bytes, Found>, StoreState), StoreError> {
        if let Some(why) = &*self.shared.health.load()
            && Instant::now() < self.retry
        {
            return Err(StoreError::Unreachable((**why).clone()));
        }
        self.connect().await?;
        let (mut asked, mut rows) = (Keys::default(), HashMap::new());
        match newest {
            Some((at, newest)) => {
                let created = plan::created(batches);
                for key in keys {
                    let keys = match newest.contains_key(key) {
                        true => &mut asked.known,
                        false if created.contains(key) => &mut asked.absent,
                        false => &mut asked.unknown,
                    };
                    keys.push(key.clone());
                }
                (asked.at, rows) = (Some(at), newest);
            }
            None => asked.unknown = keys.to_vec(),
        }
        let Read { rows: stored, state, is_known } = self.target.begin(&asked).await?;
        let known = rows.into_iter().filter(|_| is_known).filter_map(|(key, row)| Some((key, Found::Known(row?))));
        Ok((known.chain(stored.into_iter().map(|(key, row)| (key, Found::Stored(row)))).collect(), state))
    }

    /// Publishes change sets; if the follower has not seen those before them, waits until it has.
    async fn publish(&self, sets: &[Arc<ChangeSet>]) {
        if let Some(last) = sets.last()
            && !self.shared.generations.publish(sets)
        {
            self.shared.generations.reached(last.revision).await;
        }
    }

    /// Answers that nothing was written, and drops the connection.
    fn refuse(&mut self, answers: impl IntoIterator<Item = Reply>, error: &StoreError) {
        let why = error.outage();
        for answer in answers {
            let _ = answer.send(Err(StoreError::ReadOnly(why.clone())));
        }
        self.target.disconnect();
        if self.shared.health.load().is_none() {
            self.retry = Instant::now() + self.options.retry;
        }
        self.report(why);
    }

    /// Keeps why changes are refused. The log has the details when the reason changes.
    fn report(&self, why: Outage) {
        let before = self.shared.health.load();
        if before.as_ref().is_none_or(|before| before.reason != why.reason) {
            tracing::error!(error = %why, "the database cannot be written: changes are refused until it can");
        }
        self.shared.health.store(Some(Arc::new(why)));
    }

    async fn connect(&mut self) -> Result<(), StoreError> {
        if let Err(error) = self.target.connect().await {
            self.retry = Instant::now() + self.options.retry;
            self.report(error.outage());
            return Err(error);
        }
        if self.shared.health.swap(None).is_some() {
            tracing::info!("the database can be written again");
        }
        Ok(())
    }
}

impl Last {
    /// Whether further batches are likely to come while a group of so many waits for a fraction of the time that its commit takes:
    /// callers that were answered together come again together. A transaction costs the store far more than a batch in it.
    fn suggests_more_than(self, batches: usize) -> bool {
        self.batches >= MANY && batches < self.batches
    }
}

fn is_written((_, verdict): &(Reply, Verdict)) -> bool {
    matches!(verdict, Verdict::Written(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_group_after_a_larger_one_waits() {
        for (last, batches, expected) in [(0, 1, false), (1, 1, false), (3, 1, false), (4, 3, true), (4, 4, false)] {
            let last = Last { batches: last, time: GATHER };
            assert_eq!(last.suggests_more_than(batches), expected, "{batches} after {last:?}");
        }
    }
}
