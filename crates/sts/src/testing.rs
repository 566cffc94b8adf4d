//! What the tests of handlers stand on: a deployment at a fixed time, an empty store, callers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bailiwick_model::limits::Quotas;
use bailiwick_model::{
    AccessKeyId, AccessKeyKind, AccountId, IdKind, Partition, Path, Region, Result, RoleName, SessionName, Tags,
    UniqueId, UserName,
};
use bailiwick_operation::{
    Caller, Clock, Credential, Cx, Deployment, Principal, Random, RequestInfo, RevisionScope, Session, SessionPolicyRef,
};
use bailiwick_seal::{Keyring, Sealer};
use bailiwick_storage::{Account, AccountState, At, MemoryStore, PolicyRef, Role, Store, TrustPolicy, Tx};
use jiff::Timestamp;

pub(crate) const ACCOUNT: &str = "111122223333";

pub(crate) fn account() -> AccountId {
    AccountId::parse(ACCOUNT).unwrap()
}

pub(crate) fn now() -> Timestamp {
    "2026-03-01T12:00:00.25Z".parse().unwrap()
}

pub(crate) fn time(text: &str) -> Timestamp {
    format!("2026-03-01T{text}Z").parse().unwrap()
}

pub(crate) fn sealer() -> Sealer {
    Sealer::new(Keyring::generate(0).unwrap())
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        now()
    }
}

/// Bytes that count up, so that no two ids are the same.
struct Counting(AtomicU8);

impl Random for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
    }
}

/// A world of one store and one deployment.
pub(crate) struct World {
    pub(crate) deployment: Arc<Deployment>,
    store: Arc<dyn Store>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let deployment = Deployment {
            partition: Partition::Aws,
            region: Region::parse("us-east-1").unwrap(),
            cluster_id: "pond".into(),
            management_account: account(),
            quotas: Arc::new(Quotas::default()),
            revisions: RevisionScope { store_id: "pond".into(), epoch: 0 },
            clock: Arc::new(Fixed),
            random: Arc::new(Counting(AtomicU8::new(0))),
            sealer: Arc::new(sealer()),
        };
        let world = World { deployment: Arc::new(deployment), store: Arc::new(MemoryStore::new()) };
        let mut tx = world.tx().await;
        for (id, state) in [(ACCOUNT, AccountState::Active), ("999900001111", AccountState::Suspended)] {
            let account = Account {
                id: AccountId::parse(id).unwrap(),
                name: id.into(),
                email: format!("{id}@example.com"),
                state,
                created: now(),
                management: id == ACCOUNT,
                alias: None,
                role_name: None,
                state_changed: None,
                sessions_valid_after: None,
            };
            tx.create_account(&account).await.unwrap();
        }
        world.commit(tx).await;
        world
    }

    pub(crate) async fn tx(&self) -> Tx {
        Tx::begin(self.store.clone(), Arc::new(Quotas::default()), At::Latest).await.unwrap()
    }

    pub(crate) async fn commit(&self, tx: Tx) {
        assert!(tx.commit().await.is_ok());
    }

    pub(crate) fn cx(&self, caller: Caller) -> Cx {
        let request = RequestInfo {
            id: "00000000-0000-4000-8000-000000000000".into(),
            source_ip: None,
            secure_transport: false,
            user_agent: None,
            region: None,
        };
        Cx::new(self.deployment.clone(), Arc::new(caller), Arc::new(request))
    }

    /// Stores a role of this account, or of another one.
    pub(crate) async fn role(&self, account: AccountId, path: &str, name: &str, max_session_seconds: u32) -> Role {
        let role = Role {
            account,
            id: UniqueId::new(IdKind::Role, [name.len() as u8; 17]),
            name: RoleName::parse(name).unwrap(),
            path: Path::parse(path).unwrap(),
            created: now(),
            tags: Tags::parse([("team", "reeds")]).unwrap(),
            boundary: None,
            description: None,
            trust_policy: TrustPolicy { text: "{}".into(), bound: "{}".into() },
            max_session_seconds,
            max_signin_session_seconds: None,
            sessions_valid_after: None,
            linked_service: None,
        };
        let mut tx = self.tx().await;
        tx.create(&role).await.unwrap();
        self.commit(tx).await;
        role
    }
}

pub(crate) fn root() -> Caller {
    caller(Principal::Root { account: account() }, AccessKeyKind::LongTerm)
}

pub(crate) fn user() -> Caller {
    let principal = Principal::User {
        account: account(),
        id: UniqueId::new(IdKind::User, [7; 17]),
        name: UserName::parse("Heron").unwrap(),
        path: Path::parse("/birds/").unwrap(),
    };
    caller(principal, AccessKeyKind::LongTerm)
}

/// A session of a role that carries the tags, of which those of the keys pass on.
pub(crate) fn session(tags: &[(&str, &str)], transitive: &[&str], source_identity: Option<&str>) -> Caller {
    let principal = Principal::RoleSession {
        account: account(),
        id: UniqueId::new(IdKind::Role, [9; 17]),
        name: RoleName::parse("Otter").unwrap(),
        path: Path::root(),
        session_name: SessionName::parse("swim").unwrap(),
    };
    let caller = caller(principal, AccessKeyKind::Temporary);
    let session = Session {
        access_key_id: caller.access_key_id().clone(),
        issued: time("11:30:00.5"),
        expires: time("12:30:00"),
        policies: vec![r#"{"Statement":[]}"#.into()],
        managed_policies: vec![SessionPolicyRef {
            arn: bailiwick_model::Arn::parse("arn:aws:iam::aws:policy/ReadOnlyAccess").unwrap(),
            policy: PolicyRef { account: AccountId::NONE, id: UniqueId::new(IdKind::Policy, [5; 17]) },
        }],
        tags: Tags::parse(tags.iter().copied()).unwrap(),
        transitive_tag_keys: transitive.iter().map(|key| (*key).to_owned()).collect(),
        source_identity: source_identity.map(str::to_owned),
        chained: false,
    };
    Caller { session: Some(Arc::new(session)), mfa: Some(time("11:00:00")), ..caller }
}

fn caller(principal: Principal, kind: AccessKeyKind) -> Caller {
    let key = AccessKeyId::new(kind, account(), [3; 6]);
    Caller { principal, credential: Credential::AccessKey(key), session: None, mfa: None }
}

/// Code and message of a refusal.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T>) -> (&'static str, String) {
    let error = result.unwrap_err();
    (error.code().wire(), error.message().to_owned())
}
