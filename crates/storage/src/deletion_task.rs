//! Tasks that deleted service-linked roles. A task is kept for some days, so that its status can be read.

use bailiwick_model::AccountId;
use jiff::{SignedDuration, Timestamp};

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    expiring::{Expiring, ExpiringSpec},
    keys::{CounterKind, Kind},
};

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

impl Expiring for DeletionTask {
    const SPEC: ExpiringSpec = ExpiringSpec {
        record: Kind::DeletionTask,
        times: Kind::DeletionTaskTime,
        counter: CounterKind::DeletionTasks,
        kept: SignedDuration::from_hours(7 * 24),
        most: 1000,
    };

    fn account(&self) -> AccountId {
        self.account
    }
    fn id(&self) -> &str {
        &self.id
    }
    fn created(&self) -> Timestamp {
        self.created
    }
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
