//! A deployment over a store in memory, and records to put into it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bailiwick_model::limits::Quotas;
use bailiwick_model::{
    AccessKeyId, AccessKeyKind, AccountId, Arn, GroupName, IdKind, Partition, Path, PolicyName, Region, RoleName, Tags,
    UniqueId, UserName,
};
use bailiwick_operation::{Caller, Cx, Deployment, RevisionScope, SecretOwner};
use bailiwick_seal::{Keyring, Sealer, SecretString};
use bailiwick_storage::{
    AccessKey, Account, AccountState, At, Group, Identity, InlinePolicy, KeyOwner, MemoryStore, Policy, Revision, Role,
    Store, TrustPolicy, Tx, User,
};

use crate::{Key, MAIN, ManualClock, OTHER, SUSPENDED, SeededRandom, THIRD, account, arn, noon, request_info};

/// The deployment of every test: partition `aws`, region `eu-central-1`, cluster `pond`, management account [`MAIN`], a
/// new master key.
pub fn deployment(clock: Arc<ManualClock>, quotas: Quotas) -> Deployment {
    Deployment {
        recent_uses: bailiwick_operation::RecentUses::default(),
        saml_metadata: bailiwick_operation::SamlMetadataCache::default(),
        partition: Partition::Aws,
        region: Region::parse("eu-central-1").unwrap(),
        public_url: "https://iam.example.com".into(),
        cluster_id: "pond".into(),
        revisions: RevisionScope { store_id: "pond".into(), epoch: 0, restore_id: 0 },
        management_account: account(MAIN),
        quotas: Arc::new(quotas),
        clock,
        random: Arc::new(SeededRandom::default()),
        sealer: Arc::new(sealer()),
        passwords: Arc::default(),
        issuer_keys: Arc::new(bailiwick_operation::NoIssuerKeys),
    }
}

/// A sealer with a new master key.
pub fn sealer() -> Sealer {
    Sealer::new(Keyring::generate(0).unwrap())
}

/// A deployment over a store in memory.
///
/// The records that it makes were created at [`noon`]. Every method that makes one commits it.
pub struct World {
    /// The time.
    pub clock: Arc<ManualClock>,
    /// The deployment.
    pub deployment: Arc<Deployment>,
    /// The store.
    pub store: Arc<dyn Store>,
    ids: AtomicU64,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").finish_non_exhaustive()
    }
}

impl World {
    /// A world without any record.
    pub fn empty(quotas: Quotas) -> Self {
        World::over(Arc::new(MemoryStore::new()), quotas)
    }

    /// A world over a store without any record.
    pub fn over(store: Arc<dyn Store>, quotas: Quotas) -> Self {
        let clock = Arc::new(ManualClock::default());
        let deployment = Arc::new(deployment(clock.clone(), quotas));
        World { clock, deployment, store, ids: AtomicU64::new(0) }
    }

    /// A world with the accounts [`MAIN`], [`OTHER`], [`THIRD`] and [`SUSPENDED`].
    pub async fn new() -> Self {
        let world = World::empty(Quotas::default());
        let mut tx = world.begin().await;
        for id in [MAIN, OTHER, THIRD, SUSPENDED] {
            let state = if id == SUSPENDED { AccountState::Suspended } else { AccountState::Active };
            let record = Account {
                id: account(id),
                name: id.into(),
                email: format!("{id}@example.com"),
                state,
                created: noon(),
                management: id == MAIN,
                alias: None,
                role_name: None,
                state_changed: None,
                sessions_valid_after: None,
            };
            tx.create_account(&record).await.unwrap();
        }
        world.commit(tx).await;
        world
    }

    /// A transaction on the newest revision.
    pub async fn begin(&self) -> Tx {
        Tx::begin(self.store.clone(), self.deployment.quotas.clone(), At::Latest).await.unwrap()
    }

    /// Commits a transaction that conflicts with no other.
    pub async fn commit(&self, tx: Tx) -> Revision {
        tx.commit().await.unwrap()
    }

    /// The context of a call.
    pub fn cx(&self, caller: Caller) -> Cx {
        Cx::new(self.deployment.clone(), Arc::new(caller), Arc::new(request_info()))
    }

    /// An id that no other record of this world has.
    pub fn next_id(&self, kind: IdKind) -> UniqueId {
        let number = self.next_number();
        // Five bits for each character, the last ones first.
        UniqueId::new(kind, std::array::from_fn(|at| (number >> (5 * at.min(12)) & 31) as u8))
    }

    /// A new access key id.
    pub fn next_key_id(&self, kind: AccessKeyKind, of: AccountId) -> AccessKeyId {
        // An id keeps the first bits of its random bytes.
        let [number @ .., _, _] = self.next_number().to_le_bytes();
        AccessKeyId::new(kind, of, number)
    }

    fn next_number(&self) -> u64 {
        self.ids.fetch_add(1, Ordering::Relaxed)
    }

    /// A user with the tag `Team=reeds`, and with the inline policy `own` unless the document is empty.
    pub async fn user(&self, of: &str, name: &str, document: &str) -> User {
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
        let mut tx = self.begin().await;
        tx.create(&user).await.unwrap();
        put_inline(&mut tx, &(&user).into(), document).await;
        self.commit(tx).await;
        user
    }

    /// A group of [`MAIN`] with these members, and with the inline policy `own` unless the document is empty.
    pub async fn group(&self, name: &str, document: &str, members: &[&User]) -> Group {
        let group = Group {
            account: account(MAIN),
            id: self.next_id(IdKind::Group),
            name: GroupName::parse(name).unwrap(),
            path: Path::root(),
            created: noon(),
        };
        let mut tx = self.begin().await;
        tx.create(&group).await.unwrap();
        put_inline(&mut tx, &(&group).into(), document).await;
        for member in members {
            tx.add_member(&group, member).await.unwrap();
        }
        self.commit(tx).await;
        group
    }

    /// A role with the path `/ponds/`, the tags `Team=roles` and `Cost=7`, this trust policy, sessions of an hour, and the
    /// inline policy `own` unless the document is empty.
    pub async fn role(&self, of: &str, name: &str, trust: &str, document: &str) -> Role {
        self.role_with(of, name, trust, document, |_| {}).await
    }

    /// The same after a change.
    pub async fn role_with(
        &self,
        of: &str,
        name: &str,
        trust: &str,
        document: &str,
        change: impl FnOnce(&mut Role),
    ) -> Role {
        let mut role = Role {
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
        change(&mut role);
        let mut tx = self.begin().await;
        tx.create(&role).await.unwrap();
        put_inline(&mut tx, &(&role).into(), document).await;
        self.commit(tx).await;
        role
    }

    /// The ARN of a managed policy of [`MAIN`].
    pub async fn managed_policy(&self, name: &str, document: &str) -> Arn {
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
        let mut tx = self.begin().await;
        tx.create_policy(&policy, document.into()).await.unwrap();
        self.commit(tx).await;
        arn(&format!("arn:aws:iam::{MAIN}:policy/{name}"))
    }

    /// A long-term access key of a user, or of root.
    pub async fn key(&self, of: &str, user: Option<&User>) -> Key {
        let id = self.next_key_id(AccessKeyKind::LongTerm, account(of));
        let user = user.map(|user| user.id);
        let secret = SecretString::access_key([self.next_number() as u8; 30]);
        let owner = SecretOwner { account: account(of), user: user.as_ref(), key: &id };
        let sealed = owner.seal(&self.deployment.sealer, &secret).unwrap();
        let record = AccessKey {
            account: account(of),
            id: id.clone(),
            owner: user.map_or(KeyOwner::Root, KeyOwner::User),
            active: true,
            created: noon(),
            sealed_secret: sealed.into(),
            activated: None,
            warned_of: None,
        };
        let mut tx = self.begin().await;
        tx.create_access_key(&record).await.unwrap();
        self.commit(tx).await;
        Key { id, secret: secret.expose().to_owned(), token: None }
    }
}

/// Puts the inline policy `own`, unless the document is empty.
pub async fn put_inline(tx: &mut Tx, identity: &Identity, document: &str) {
    if !document.is_empty() {
        let name = PolicyName::parse("own").unwrap();
        let policy = InlinePolicy { name, document: document.into(), size: 1 };
        tx.put_inline_policy(identity, &policy).await.unwrap();
    }
}
