//! Tasks that deleted service-linked roles. A task is kept for some days, so that its status can be read.

use bailiwick_model::{AccountId, Result};
use jiff::{SignedDuration, Timestamp};

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    tx::Tx,
};

/// How long a finished task is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// With this many tasks, a new one removes the oldest: a role can always be deleted.
const MOST: u64 = 1000;
/// How many old tasks a new one removes at most.
const CLEANED: usize = 10;

/// A task that deleted a service-linked role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletionTask {
    /// The account of the role.
    pub account: AccountId,
    /// The id of the task: `task/aws-service-role/SERVICE/ROLE/UUID`.
    pub id: String,
    /// When the role was deleted.
    pub created: Timestamp,
}

impl Tx {
    /// Stores a task. Removes some that are older than seven days, and the oldest one if the account has 1,000.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn create_deletion_task(&mut self, task: &DeletionTask) -> Result<()> {
        let prefix = keys::kind(task.account, Kind::DeletionTaskTime);
        let count = keys::counter(task.account, CounterKind::DeletionTasks, &[]);
        let oldest = task.created.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        let mut is_full = self.peek_count(&count).await? >= MOST;
        for (key, _) in self.scan(&prefix, None, CLEANED).await? {
            let Some((time, id)) = key[prefix.len()..].split_first_chunk::<8>() else { continue };
            // A concurrent task removes the same rows: one of the two conflicts, and runs again.
            let is_kept = u64::from_be_bytes(*time) >= micros(oldest) && !std::mem::take(&mut is_full);
            if is_kept || self.read_key(key.clone()).await?.is_none() {
                break;
            }
            self.delete_key(keys::record(task.account, Kind::DeletionTask, id));
            self.delete_key(key);
            self.add(count.clone(), -1);
        }
        self.add(count, 1);
        self.put(keys::deletion_task_time(task.account, micros(task.created), &task.id), bytes::Bytes::new());
        self.put_record(keys::record(task.account, Kind::DeletionTask, task.id.as_bytes()), task);
        Ok(())
    }

    /// Returns the task with this id, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_deletion_task(&mut self, account: AccountId, id: &str) -> Result<Option<DeletionTask>> {
        self.read(keys::record(account, Kind::DeletionTask, id.as_bytes())).await
    }
}

/// The time as keys are ordered by it. Times before 1970 do not occur.
fn micros(time: Timestamp) -> u64 {
    u64::try_from(time.as_microsecond()).unwrap_or(0)
}

impl AsMessage for DeletionTask {
    type Message = pb::DeletionTask;
    const NAME: &'static str = "deletion task";

    fn to_message(&self) -> pb::DeletionTask {
        let account = codec::account_number(self.account);
        pb::DeletionTask { account, id: self.id.clone(), created: self.created.as_microsecond() }
    }

    fn from_message(message: pb::DeletionTask) -> Result<Self, Malformed> {
        let account = codec::account(message.account)?;
        Ok(DeletionTask { account, id: message.id, created: codec::time(message.created)? })
    }
}
