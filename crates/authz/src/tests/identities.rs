//! Sessions, and the caller of most tests.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_model::{AccessKeyKind, Arn, SessionName};
use bailiwick_operation::{Caller, Credential, Principal, Session, SessionKind, SessionPolicyRef};
use bailiwick_storage::Role;
use bailiwick_sts::Tokens;
use bailiwick_testing::Key;

use super::env::TestEnv;
use super::{MAIN, allow};
use crate::Authenticated;

impl TestEnv {
    /// A managed policy as a session policy.
    pub(crate) fn bound(&self, arn: &Arn) -> SessionPolicyRef {
        let policy = self.snapshots.current().unwrap().managed_policy(arn).unwrap().reference();
        SessionPolicyRef { arn: arn.clone(), policy }
    }

    /// Credentials of a session, good for an hour.
    pub(crate) fn session(&self, role: &Role, name: &str, change: impl FnOnce(&mut Session)) -> Key {
        let principal = Principal::RoleSession {
            account: role.account,
            id: role.id,
            name: role.name.clone(),
            path: role.path.clone(),
            session_name: SessionName::parse(name).unwrap(),
        };
        self.temporary(principal, change)
    }

    pub(crate) fn temporary(&self, principal: Principal, change: impl FnOnce(&mut Session)) -> Key {
        let id = self.next_key_id(AccessKeyKind::Temporary, principal.account());
        let kind = match &principal {
            Principal::Root { .. } | Principal::User { .. } => SessionKind::SessionToken,
            Principal::RoleSession { .. } => SessionKind::AssumeRole,
            Principal::FederatedUser { .. } => SessionKind::FederationToken,
        };
        let mut session = Session::new(kind, id.clone(), self.now(), self.now() + Duration::from_secs(3_600));
        change(&mut session);
        let credential = Credential::AccessKey(id.clone());
        let caller = Caller { principal, credential, session: Some(Arc::new(session)), mfa: None };
        let (token, secret) = Tokens::of(&self.deployment).issue_session(&caller).unwrap();
        Key { id, secret: secret.expose().to_owned(), token: Some(token) }
    }

    /// A user of the main account who may ask everything, as a service has one.
    pub(crate) async fn service(&self) -> Authenticated {
        let user = self.user(MAIN, "gateway", &allow("bailiwick:*", "*")).await;
        let key = self.key(MAIN, Some(&user)).await;
        self.prove(&key).await.unwrap()
    }
}
