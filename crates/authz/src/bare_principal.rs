//! Principals without a proof: a user, or a role, which stands for a new session of it.

use bailiwick_decision::Subject;
use bailiwick_model::{AccessKeyId, AccessKeyKind, AccountId, IamError, Result, RoleName, SessionName, UserName};
use bailiwick_operation::{Caller, Credential, Cx, Principal, Session, SessionKind};
use bailiwick_snapshot::{Entity, Snapshot};

/// The name of the session that stands for a role.
const SESSION_NAME: &str = "session";

/// A user with long-term credentials, or a new session of a role.
///
/// # Errors
/// `ServiceFailure` for a stored name that is invalid.
pub(crate) fn of_entity(cx: &Cx, snapshot: &Snapshot, entity: &Entity) -> Result<Subject> {
    let (account, id, path) = (entity.account, entity.id, entity.path().clone());
    let (principal, session) = if entity.is_role() {
        let (name, session_name) = (RoleName::parse(&entity.name), SessionName::parse(SESSION_NAME));
        let (name, session_name) = (name.map_err(IamError::internal)?, session_name.map_err(IamError::internal)?);
        let principal = Principal::RoleSession { account, id, name, path, session_name };
        let session = Session::new(SessionKind::AssumeRole, unused_key(account), cx.now(), cx.now());
        (principal, Some(session.into()))
    } else {
        let name = UserName::parse(&entity.name).map_err(IamError::internal)?;
        (Principal::User { account, id, name, path }, None)
    };
    let credential = Credential::AccessKey(unused_key(account));
    let caller = Caller { principal, credential, session, mfa: None };
    Ok(Subject::of_caller(&caller, snapshot, |_| None))
}

/// An access key, on which decisions do not depend.
fn unused_key(account: AccountId) -> AccessKeyId {
    AccessKeyId::new(AccessKeyKind::Temporary, account, [0; 6])
}
