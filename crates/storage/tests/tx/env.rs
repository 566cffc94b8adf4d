//! A small deployment for tests: one account, and helpers that create objects in it.

use std::sync::Arc;

use bailiwick_model::{
    AccessKeyId, AccessKeyKind, AccountId, GroupName, IamError, IdKind, InstanceProfileName, Path, PolicyName,
    RoleName, Tags, UniqueId, UserName, limits::Quotas,
};
use bailiwick_storage::{
    AccessKey, Account, AccountState, At, Group, InlinePolicy, InstanceProfile, KeyOwner, MemoryStore, Page, Policy,
    Role, Store, TrustPolicy, Tx, User,
};
use jiff::Timestamp;

pub(crate) const ACCOUNT: AccountId = match AccountId::from_number(111_122_223_333) {
    Some(account) => account,
    None => AccountId::NONE,
};

pub(crate) struct TestEnv {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) quotas: Arc<Quotas>,
}

impl TestEnv {
    pub(crate) fn new() -> Self {
        Self::with(Quotas::default())
    }

    pub(crate) fn with(quotas: Quotas) -> Self {
        TestEnv { store: Arc::new(MemoryStore::new()), quotas: Arc::new(quotas) }
    }

    pub(crate) async fn tx(&self) -> Tx {
        Tx::begin(self.store.clone(), self.quotas.clone(), At::Latest).await.expect("a transaction")
    }

    /// Runs a transaction that must succeed.
    pub(crate) async fn run<T>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T, IamError>) -> T {
        let mut tx = self.tx().await;
        let out = work(&mut tx).await.expect("work that succeeds");
        tx.commit().await.expect("a commit without rivals");
        out
    }

    /// Runs a transaction that must fail; returns the error code and message.
    pub(crate) async fn refusal<T>(&self, work: impl AsyncFnOnce(&mut Tx) -> Result<T, IamError>) -> String {
        let mut tx = self.tx().await;
        match work(&mut tx).await {
            Ok(_) => panic!("it should have been refused"),
            Err(error) => error.to_string(),
        }
    }

    /// Every key of the store.
    pub(crate) async fn keys(&self) -> Vec<Vec<u8>> {
        let view = self.store.read(At::Latest).await.expect("a view");
        let everything = bailiwick_storage::Scan { prefix: b"", after: None, limit: usize::MAX };
        view.scan(everything).await.expect("a scan").into_iter().map(|entry| entry.key.to_vec()).collect()
    }
}

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(1_700_000_000).expect("a moment")
}

pub(crate) fn id(kind: IdKind, n: u8) -> UniqueId {
    let mut random = [0; 17];
    random[0] = n & 31;
    random[1] = n >> 5;
    UniqueId::new(kind, random)
}

pub(crate) fn user_name(name: &str) -> UserName {
    UserName::parse(name).expect("a name")
}

pub(crate) fn user(n: u8, name: &str) -> User {
    User {
        account: ACCOUNT,
        id: id(IdKind::User, n),
        name: user_name(name),
        path: Path::root(),
        created: now(),
        tags: Tags::new(),
        boundary: None,
        password_last_used: None,
        sessions_valid_after: None,
    }
}

pub(crate) fn group(n: u8, name: &str) -> Group {
    let name = GroupName::parse(name).expect("a name");
    Group { account: ACCOUNT, id: id(IdKind::Group, n), name, path: Path::root(), created: now() }
}

pub(crate) fn role(n: u8, name: &str) -> Role {
    Role {
        account: ACCOUNT,
        id: id(IdKind::Role, n),
        name: RoleName::parse(name).expect("a name"),
        path: Path::root(),
        created: now(),
        tags: Tags::new(),
        boundary: None,
        description: None,
        trust_policy: TrustPolicy { text: "{}".into(), bound: "{}".into() },
        max_session_seconds: 3600,
        max_signin_session_seconds: None,
        sessions_valid_after: None,
        linked_service: None,
    }
}

pub(crate) fn instance_profile(n: u8, name: &str) -> InstanceProfile {
    InstanceProfile {
        account: ACCOUNT,
        id: id(IdKind::InstanceProfile, n),
        name: InstanceProfileName::parse(name).expect("a name"),
        path: Path::root(),
        created: now(),
        tags: Tags::new(),
        role: None,
    }
}

pub(crate) fn policy(n: u8, name: &str) -> Policy {
    Policy {
        account: ACCOUNT,
        id: id(IdKind::Policy, n),
        name: PolicyName::parse(name).expect("a name"),
        path: Path::root(),
        created: now(),
        updated: now(),
        description: None,
        tags: Tags::new(),
        default_version: 1,
        latest_version: 1,
    }
}

pub(crate) fn access_key(n: u8, owner: KeyOwner) -> AccessKey {
    let id = AccessKeyId::new(AccessKeyKind::LongTerm, ACCOUNT, [n, n, 0, 0, 0, n]);
    AccessKey {
        account: ACCOUNT,
        id,
        owner,
        active: true,
        created: now(),
        sealed_secret: vec![n; 48].into(),
        activated: None,
        warned_of: None,
    }
}

/// An inline policy with this size.
pub(crate) fn inline(name: &str, size: u32) -> InlinePolicy {
    InlinePolicy { name: PolicyName::parse(name).expect("a name"), document: "{}".into(), size }
}

/// The names of the items of a page.
pub(crate) fn names<T>(page: &Page<T>, name: impl Fn(&T) -> String) -> Vec<String> {
    page.items.iter().map(name).collect()
}

pub(crate) fn account(number: u64, email: &str) -> Account {
    Account {
        id: AccountId::from_number(number).expect("an account"),
        name: "Account".into(),
        email: email.into(),
        state: AccountState::Active,
        created: now(),
        management: false,
        alias: None,
        role_name: None,
        state_changed: None,
        sessions_valid_after: None,
    }
}
