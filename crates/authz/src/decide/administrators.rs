//! The administrators that would remain without an access key.
//!
//! An administrator is the root user of the management account, or a user of it with permission to make another
//! administrator: create a user, attach `AdministratorAccess` to it and create an access key for it. An administrator can
//! restore everything else. Roles do not count, because policies of other accounts can determine which principals assume
//! them.
//!
//! Only access keys are protected, not policies: the root user can restore what a policy takes away. If no key is left,
//! `bailiwick recover-root` creates one.

use std::sync::Arc;

use bailiwick_decision::Subject;
use bailiwick_model::{AccessKeyId, AccountId, Arn, ErrorCode, Result, UserName};
use bailiwick_operation::{Check, Cx, Principal};
use bailiwick_snapshot::{AccessKey, Snapshot};

use crate::Authz;
use crate::work_budget::WorkBudget;

/// The policy that an administrator attaches to another one.
const ADMINISTRATOR_POLICY: &str = "AdministratorAccess";
/// The name of the user in the checks, who need not exist.
const NEW_ADMINISTRATOR: &str = "administrator";
/// The cost of deciding about one user, as a number of bytes read.
const DECISION_COST: usize = 500;

/// The administrators that remain without an access key.
#[derive(Clone, Debug)]
pub enum Administrators {
    /// The key does not belong to an administrator.
    Unchanged,
    /// This other key belongs to an administrator.
    Administrator(Arc<AccessKey>),
    /// No administrator has another key.
    None,
}

impl Authz {
    /// Returns which administrators would remain without this access key. The decisions use the policies of the snapshot
    /// and the network keys of the call. A user for whom a decision takes too long does not count.
    pub async fn administrators_without(&self, snapshot: &Snapshot, cx: &Cx, key: &AccessKeyId) -> Administrators {
        let management = snapshot.management_account();
        let Some(gone) = snapshot.access_key(key.as_str()) else { return Administrators::Unchanged };
        let works = |key: &AccessKey| {
            key.account == management
                && key.active
                && snapshot.key_expires(key).is_none_or(|expires| expires > cx.now())
        };
        if !works(gone) || self.administers(snapshot, cx, gone).is_ok_and(|yes| !yes) {
            return Administrators::Unchanged;
        }
        let mut others = Vec::new();
        snapshot.for_each_access_key(&mut |other| {
            if works(other) && other.id != gone.id {
                others.push(other);
            }
        });
        // The root user comes first, because no decision is needed.
        others.sort_unstable_by_key(|key| key.user);
        let mut work = WorkBudget::new();
        for other in others {
            if self.administers(snapshot, cx, other).is_ok_and(|yes| yes) {
                return Administrators::Administrator(Arc::clone(other));
            }
            work.add_bytes(DECISION_COST);
            work.yield_if_due().await;
        }
        Administrators::None
    }

    /// Returns whether the owner of a key is an administrator.
    fn administers(&self, snapshot: &Snapshot, cx: &Cx, key: &AccessKey) -> Result<bool> {
        let Some(id) = key.user else { return Ok(true) };
        let Some(user) = snapshot.entity(&id) else { return Ok(false) };
        let name = UserName::parse(&user.name)?;
        let principal = Principal::User { account: key.account, id, name, path: user.path().clone() };
        let Some(subject) = Subject::of_principal(&principal, snapshot.partition()) else { return Ok(false) };
        let mut work = WorkBudget::new();
        for check in probes(snapshot, key.account) {
            match self.decide_subject(snapshot, &subject, cx, &check, &mut work, None) {
                Ok(()) => {}
                Err(error) if error.code() == ErrorCode::AccessDenied => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// The checks for making another administrator.
fn probes(snapshot: &Snapshot, account: AccountId) -> [Check; 3] {
    let partition = snapshot.partition();
    let next = Arn::iam(partition, account, format_args!("user/{NEW_ADMINISTRATOR}"));
    let policy = format!("arn:{}:iam::aws:policy/{ADMINISTRATOR_POLICY}", partition.as_str());
    [
        Check::new("iam:CreateUser", &next),
        Check::new("iam:AttachUserPolicy", &next).policy_arn(&policy),
        Check::new("iam:CreateAccessKey", &next),
    ]
}
