//! Users, groups, roles, policies and credentials for tests.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bailiwick_model::{
    AccessKeyId, AccessKeyKind, Arn, GroupName, IdKind, Path, PolicyName, RoleName, SessionName, Tags, UserName,
};
use bailiwick_operation::{Caller, Credential, Principal, SecretOwner, Session, SessionPolicyRef};
use bailiwick_seal::SecretString;
use bailiwick_storage::{AccessKey, Group, Identity, InlinePolicy, KeyOwner, Policy, Role, TrustPolicy, Tx, User};
use bailiwick_sts::Tokens;

use super::env::TestEnv;
use super::{MAIN, account, allow, arn, noon};
use crate::Authenticated;

/// An access key with both halves, and the session token of a temporary one.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) id: AccessKeyId,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

impl TestEnv {
    /// A user with one inline policy, if there is a document.
    pub(crate) async fn user(&self, of: &str, name: &str, document: &str) -> User {
        let user = User {
            account: account(of),
            id: self.next_id(IdKind::User),
            name: UserName::parse(name).unwrap(),
            path: Path::root(),
            created: noon(),
            tags: Tags::parse([("Team", "reeds")]).unwrap(),
            boundary: None,
            password_last_used: None,
            sessions_valid_after: None,
        };
        let mut tx = self.tx().await;
        tx.create(&user).await.unwrap();
        self.inline(&mut tx, &(&user).into(), document).await;
        self.commit(tx).await;
        user
    }

    pub(crate) async fn inline(&self, tx: &mut Tx, identity: &Identity, document: &str) {
        if !document.is_empty() {
            let name = PolicyName::parse("own").unwrap();
            let policy = InlinePolicy { name, document: document.into(), size: 1 };
            tx.put_inline_policy(identity, &policy).await.unwrap();
        }
    }

    pub(crate) async fn group(&self, name: &str, document: &str, members: &[&User]) -> Group {
        let group = Group {
            account: account(MAIN),
            id: self.next_id(IdKind::Group),
            name: GroupName::parse(name).unwrap(),
            path: Path::root(),
            created: noon(),
        };
        let mut tx = self.tx().await;
        tx.create(&group).await.unwrap();
        self.inline(&mut tx, &(&group).into(), document).await;
        for member in members {
            tx.add_member(&group, member).await.unwrap();
        }
        self.commit(tx).await;
        group
    }

    pub(crate) async fn role(&self, of: &str, name: &str, trust: &str, document: &str) -> Role {
        let role = Role {
            account: account(of),
            id: self.next_id(IdKind::Role),
            name: RoleName::parse(name).unwrap(),
            path: Path::parse("/ponds/").unwrap(),
            created: noon(),
            tags: Tags::parse([("Team", "roles"), ("Cost", "7")]).unwrap(),
            boundary: None,
            description: None,
            trust_policy: TrustPolicy { text: trust.into(), bound: trust.into() },
            max_session_seconds: 3_600,
            max_signin_session_seconds: None,
            sessions_valid_after: None,
            linked_service: None,
        };
        let mut tx = self.tx().await;
        tx.create(&role).await.unwrap();
        self.inline(&mut tx, &(&role).into(), document).await;
        self.commit(tx).await;
        role
    }

    /// A managed policy of the main account, by its ARN.
    pub(crate) async fn managed(&self, name: &str, document: &str) -> Arn {
        let policy = Policy {
            account: account(MAIN),
            id: self.next_id(IdKind::Policy),
            name: PolicyName::parse(name).unwrap(),
            path: Path::root(),
            created: noon(),
            updated: noon(),
            description: None,
            tags: Tags::new(),
            default_version: 1,
            latest_version: 1,
        };
        let mut tx = self.tx().await;
        tx.create_policy(&policy, document.into()).await.unwrap();
        self.commit(tx).await;
        arn(&format!("arn:aws:iam::{MAIN}:policy/{name}"))
    }

    /// A managed policy as a session policy.
    pub(crate) fn bound(&self, arn: &Arn) -> SessionPolicyRef {
        let policy = self.snapshots.current().unwrap().managed_policy(arn).unwrap().reference();
        SessionPolicyRef { arn: arn.clone(), policy }
    }

    /// A long-term key of a user, or of root.
    pub(crate) async fn key(&self, of: &str, user: Option<&User>) -> Key {
        let random = [self.ids.fetch_add(1, Ordering::Relaxed); 6];
        let id = AccessKeyId::new(AccessKeyKind::LongTerm, account(of), random);
        let user = user.map(|user| user.id);
        let secret = SecretString::access_key([random[0]; 30]);
        let owner = SecretOwner { account: account(of), user: user.as_ref(), key: &id };
        let sealed = owner.seal(&self.deployment.sealer, &secret).unwrap();
        let record = AccessKey {
            account: account(of),
            id: id.clone(),
            owner: user.map_or(KeyOwner::Root, KeyOwner::User),
            active: true,
            created: noon(),
            sealed_secret: sealed.into(),
        };
        let mut tx = self.tx().await;
        tx.create_access_key(&record).await.unwrap();
        self.commit(tx).await;
        Key { id, secret: secret.expose().to_owned(), token: None }
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
        let random = [self.ids.fetch_add(1, Ordering::Relaxed); 6];
        let id = AccessKeyId::new(AccessKeyKind::Temporary, principal.account(), random);
        let mut session = Session {
            access_key_id: id.clone(),
            issued: self.now(),
            expires: self.now() + Duration::from_secs(3_600),
            policies: Vec::new(),
            managed_policies: Vec::new(),
            tags: Tags::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            chained: false,
        };
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
