//! Jobs that report when services were last accessed. A job is kept for a day, so that its report can be read.

use bailiwick_model::{AccountId, PolicyRef, UniqueId};
use jiff::{SignedDuration, Timestamp};

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    expiring::{Expiring, ExpiringSpec},
    keys::{CounterKind, Kind},
};

/// A job that reports when services were last accessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessJob {
    /// The account that asked for it.
    pub account: AccountId,
    /// Its id: a UUID.
    pub id: String,
    /// When it was created, and completed.
    pub created: Timestamp,
    /// The principal that asked: the unique id of the user or role, or the account for root.
    pub requester: String,
    /// What it reports about.
    pub subject: AccessSubject,
}

/// What a job reports about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessSubject {
    /// A user, group or role.
    Identity {
        /// Its unique id.
        id: UniqueId,
        /// Whether the report names actions.
        actions: bool,
    },
    /// A managed policy.
    Policy {
        /// The policy.
        policy: PolicyRef,
        /// Whether the report names actions.
        actions: bool,
    },
    /// The organization or an account in it.
    Organization {
        /// The account; none for all accounts except the management account.
        member: Option<AccountId>,
    },
}

impl Expiring for AccessJob {
    const SPEC: ExpiringSpec = ExpiringSpec {
        record: Kind::AccessJob,
        times: Kind::AccessJobTime,
        counter: CounterKind::AccessJobs,
        kept: SignedDuration::from_hours(24),
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

impl AsMessage for AccessJob {
    type Message = pb::AccessJob;
    const NAME: &'static str = "access job";

    fn to_message(&self) -> pb::AccessJob {
        use pb::access_job::Subject;
        let subject = match &self.subject {
            AccessSubject::Identity { id, .. } => Subject::Identity(id.to_string()),
            AccessSubject::Policy { policy, .. } => Subject::Policy(codec::policy_message(*policy)),
            AccessSubject::Organization { member } => {
                Subject::Member(codec::account_number(member.unwrap_or(AccountId::NONE)))
            }
        };
        pb::AccessJob {
            account: codec::account_number(self.account),
            id: self.id.clone(),
            created: self.created.as_microsecond(),
            requester: self.requester.clone(),
            actions: self.subject.has_actions(),
            subject: Some(subject),
        }
    }

    fn from_message(message: pb::AccessJob) -> Result<Self, Malformed> {
        use pb::access_job::Subject;
        let actions = message.actions;
        let subject = match message.subject {
            Some(Subject::Identity(id)) => AccessSubject::Identity { id: codec::id(&id)?, actions },
            Some(Subject::Policy(policy)) => AccessSubject::Policy { policy: codec::policy_ref(policy)?, actions },
            Some(Subject::Member(_)) if actions => return Err(Malformed::new("an organization has no actions")),
            Some(Subject::Member(number)) => {
                let member = codec::account(number)?;
                AccessSubject::Organization { member: Some(member).filter(|member| *member != AccountId::NONE) }
            }
            None => return Err(Malformed::new("no subject")),
        };
        Ok(AccessJob {
            account: codec::account(message.account)?,
            id: message.id,
            created: codec::time(message.created)?,
            requester: message.requester,
            subject,
        })
    }
}

impl AccessSubject {
    /// Whether the report names actions.
    pub fn has_actions(&self) -> bool {
        match self {
            AccessSubject::Identity { actions, .. } | AccessSubject::Policy { actions, .. } => *actions,
            AccessSubject::Organization { .. } => false,
        }
    }
}
