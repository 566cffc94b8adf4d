//! Would anybody be left who can administer the deployment, if an access key were gone?
//!
//! An administrator is root of the management account, or a user of it who may make another administrator: create a
//! user, attach `AdministratorAccess` to it and create an access key for it. Whoever may do that from here and now can
//! bring back everything else. Roles are not counted: who can assume them may change with policies of other accounts.
//!
//! Only access keys are guarded, not policies. What a policy takes away, root can give back; and when there is no key,
//! `bailiwick recover-root` makes one.

use std::sync::Arc;

use bailiwick_decision::Subject;
use bailiwick_model::{AccessKeyId, AccountId, Arn, ErrorCode, Result, UserName};
use bailiwick_operation::{Check, Cx, Principal};
use bailiwick_snapshot::{AccessKey, Snapshot};

use crate::Authz;
use crate::work_budget::WorkBudget;

/// What an administrator attaches to the next one.
const ADMINISTRATOR_POLICY: &str = "AdministratorAccess";
/// The name of a user that is not there, whom the next administrator would be.
const NEW_ADMINISTRATOR: &str = "administrator";
/// What a look at one user costs, as bytes that are read.
const DECISION_COST: usize = 500;

/// What is left when an access key is out of use.
#[derive(Clone, Debug)]
pub enum Administrators {
    /// The key was no administrator's: nothing changes.
    Unchanged,
    /// This other key is an administrator's.
    Administrator(Arc<AccessKey>),
    /// Nobody.
    None,
}

impl Authz {
    /// Who could administer the deployment if this access key were gone: decided for calls from where the caller is,
    /// with the policies of this snapshot. A user about whom it would take too long to decide is no help.
    pub async fn administrators_without(&self, snapshot: &Snapshot, cx: &Cx, key: &AccessKeyId) -> Administrators {
        let management = snapshot.management_account();
        let Some(gone) = snapshot.access_key(key.as_str()) else { return Administrators::Unchanged };
        if gone.account != management || !gone.active || self.administers(snapshot, cx, gone).is_ok_and(|yes| !yes) {
            return Administrators::Unchanged;
        }
        let mut others = Vec::new();
        snapshot.for_each_access_key(&mut |other| {
            if other.account == management && other.active && other.id != gone.id {
                others.push(other);
            }
        });
        // Root comes first, since nothing has to be decided about it.
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

    /// Whether the owner of a key is an administrator.
    fn administers(&self, snapshot: &Snapshot, cx: &Cx, key: &AccessKey) -> Result<bool> {
        let Some(id) = key.user else { return Ok(true) };
        let Some(user) = snapshot.entity(&id) else { return Ok(false) };
        let name = UserName::parse(&user.name)?;
        let principal = Principal::User { account: key.account, id, name, path: user.path().clone() };
        let Some(subject) = Subject::of_principal(&principal, snapshot.partition()) else { return Ok(false) };
        let mut work = WorkBudget::new();
        for check in probes(snapshot, key.account) {
            match self.decide_subject(snapshot, &subject, cx, &check, &mut work) {
                Ok(()) => {}
                Err(error) if error.code() == ErrorCode::AccessDenied => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// What it takes to make another administrator.
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
