//! Tasks that deleted service-linked roles. A task is kept for some days, so that its status can be read.

use bailiwick_model::{AccountId, IamError, Result};
use jiff::{SignedDuration, Timestamp};

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    tx::Tx,
};

/// How long a finished task is kept.
const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How many tasks an account can have at a time.
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
    /// Stores a task, and removes some that are older than seven days.
    ///
    /// # Errors
    /// `LimitExceeded` if the account has 1,000 tasks that are newer.
    pub async fn create_deletion_task(&mut self, task: &DeletionTask) -> Result<()> {
        let prefix = keys::kind(task.account, Kind::DeletionTaskTime);
        let count = keys::counter(task.account, CounterKind::DeletionTasks, &[]);
        let oldest = task.created.saturating_sub(KEPT).unwrap_or(Timestamp::MIN);
        for (key, _) in self.scan(&prefix, None, CLEANED).await? {
            let Some((time, id)) = key[prefix.len()..].split_first_chunk::<8>() else { continue };
            // A concurrent task removes the same rows: one of the two conflicts, and runs again.
            if u64::from_be_bytes(*time) >= micros(oldest) || self.read_key(key.clone()).await?.is_none() {
                break;
            }
            self.delete_key(keys::record(task.account, Kind::DeletionTask, id));
            self.delete_key(key);
            self.add(count.clone(), -1);
        }
        self.add_within(count, 1, MOST, || IamError::quota("ServiceLinkedRoleDeletionTasks", MOST)).await?;
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
