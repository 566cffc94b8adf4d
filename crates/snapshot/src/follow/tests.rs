use std::future::Future;

use bailiwick_evaluator::{Context, Decision, Entity as NameKind, Outcome, Policies, Principal, Request, decide};
use bailiwick_model::limits::Quotas;
use bailiwick_model::{AccessKeyId, AccountId, Arn, IdKind, Path, PolicyName, Tags, UniqueId, UserName};
use bailiwick_storage::{
    AccessKey, Account, AccountState, Group, InlinePolicy, KeyOwner, MemoryStore, Policy, Role, TrustPolicy, Tx, User,
};
use jiff::Timestamp;

use super::*;

mod damage;
mod generation;

const ACCOUNT: u64 = 111_122_223_333;

fn account() -> AccountId {
    AccountId::from_number(ACCOUNT).unwrap()
}

fn id(kind: IdKind, number: u8) -> UniqueId {
    UniqueId::new(kind, [number; 17])
}

fn user(number: u8, name: &str) -> User {
    User {
        account: account(),
        id: id(IdKind::User, number),
        name: UserName::parse(name).unwrap(),
        path: Path::root(),
        created: Timestamp::UNIX_EPOCH,
        tags: Tags::new(),
        boundary: None,
        password_last_used: None,
        sessions_valid_after: None,
    }
}

fn group(number: u8, name: &str) -> Group {
    Group {
        account: account(),
        id: id(IdKind::Group, number),
        name: bailiwick_model::GroupName::parse(name).unwrap(),
        path: Path::root(),
        created: Timestamp::UNIX_EPOCH,
    }
}

fn policy(number: u8, name: &str) -> Policy {
    Policy {
        account: account(),
        id: id(IdKind::Policy, number),
        name: PolicyName::parse(name).unwrap(),
        path: Path::root(),
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
        description: None,
        tags: Tags::new(),
        default_version: 1,
        latest_version: 1,
    }
}

fn management() -> Account {
    Account {
        id: account(),
        name: "main".into(),
        email: "root@example.com".into(),
        state: AccountState::Active,
        created: Timestamp::UNIX_EPOCH,
        management: true,
        alias: None,
        role_name: None,
        state_changed: None,
        sessions_valid_after: None,
    }
}

fn document(effect: &str, action: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"{effect}","Action":"{action}","Resource":"*"}}}}"#)
}

/// A store, its followers, and methods to change the store and inspect the snapshots.
struct TestEnv {
    store: Arc<dyn Store>,
    snapshots: Snapshots,
}

impl TestEnv {
    async fn new() -> TestEnv {
        Self::on(Arc::new(MemoryStore::new())).await
    }

    async fn on(store: Arc<dyn Store>) -> TestEnv {
        let mut tx = Tx::begin(store.clone(), Arc::new(Quotas::default()), At::Latest).await.unwrap();
        tx.create_account(&management()).await.unwrap();
        tx.commit().await.unwrap();
        let snapshots = Snapshots::start(store.clone(), Partition::Aws).await.unwrap();
        TestEnv { store, snapshots }
    }

    /// Commits a change, and waits until the snapshot shows it.
    async fn change<F: Future<Output = Tx>>(&self, change: impl FnOnce(Tx) -> F) -> Arc<Snapshot> {
        let tx = Tx::begin(self.store.clone(), Arc::new(Quotas::default()), At::Latest).await.unwrap();
        let revision = change(tx).await.commit().await.unwrap();
        let snapshot = self.snapshots.at_least(revision).await.unwrap();
        // A followed snapshot and a newly built one are equal.
        let fresh = Snapshots::start(self.store.clone(), Partition::Aws).await.unwrap().current().unwrap();
        assert_eq!(digest(&fresh), digest(&snapshot));
        snapshot
    }
}

/// Everything about users and roles that decisions can depend on.
fn digest(snapshot: &Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    snapshot.for_each_entity(&mut |entity| {
        let effective_policies = snapshot.effective_policies(&entity.id).unwrap();
        let mut names: Vec<_> = effective_policies.identity().map(|policy| format!("{policy:?}")).collect();
        names.sort();
        let arn = entity.arn(Partition::Aws);
        assert_eq!(snapshot.entity_by_arn(&arn).unwrap().id, entity.id);
        lines.push(format!(
            "{arn} {} {:?} {:?} {:?}",
            entity.id,
            names,
            effective_policies.boundary(),
            entity.sessions_valid_after()
        ));
    });
    lines.sort();
    lines
}

fn decision(snapshot: &Snapshot, user: &User, action: &str) -> Decision {
    let entity = snapshot.entity(&user.id).unwrap();
    let effective_policies = snapshot.effective_policies(&entity.id).unwrap();
    let arn = entity.arn(Partition::Aws);
    let request = Request {
        principal: Principal::User {
            account: account().into(),
            user: NameKind { arn: arn.as_str(), unique_id: Some(entity.id.as_str()) },
        },
        action,
        resource: "*",
        resource_account: account().into(),
        context: Context::default(),
    };
    decide(&request, &effective_policies.policies())
}

fn check(snapshot: &Snapshot, user: &User, action: &str, expected: Outcome) {
    assert_eq!(decision(snapshot, user, action).outcome, expected, "{action}");
}

#[tokio::test]
async fn a_user_has_their_own_policies_and_those_of_their_groups() {
    let env = TestEnv::new().await;
    let (bob, staff, reading) = (user(1, "Bob"), group(1, "staff"), policy(1, "reading"));
    let snapshot = env
        .change(async |mut tx| {
            tx.create(&bob).await.unwrap();
            tx.create(&staff).await.unwrap();
            tx.create_policy(&reading, document("Allow", "s3:Get*")).await.unwrap();
            tx
        })
        .await;
    check(&snapshot, &bob, "s3:GetObject", Outcome::ImplicitDeny);
    let snapshot = env
        .change(async |mut tx| {
            tx.attach_policy(&(&staff).into(), &reading).await.unwrap();
            tx.add_member(&staff, &bob).await.unwrap();
            tx
        })
        .await;
    check(&snapshot, &bob, "s3:GetObject", Outcome::Allowed);
    check(&snapshot, &bob, "s3:PutObject", Outcome::ImplicitDeny);
    let own = InlinePolicy { name: PolicyName::parse("own").unwrap(), document: document("Allow", "s3:Put*"), size: 1 };
    let older = snapshot;
    let snapshot = env
        .change(async |mut tx| {
            tx.put_inline_policy(&(&bob).into(), &own).await.unwrap();
            tx
        })
        .await;
    check(&snapshot, &bob, "s3:PutObject", Outcome::Allowed);
    check(&older, &bob, "s3:PutObject", Outcome::ImplicitDeny);
    let allowed = decision(&snapshot, &bob, "s3:GetObject").statement.unwrap();
    let entity = snapshot.entity(&bob.id).unwrap();
    let effective_policies = snapshot.effective_policies(&entity.id).unwrap();
    assert!(matches!(
        effective_policies.holder(&snapshot, allowed.policy as usize),
        crate::Holder::Group(group) if group.arn(Partition::Aws).as_str() == "arn:aws:iam::111122223333:group/staff"
    ));
    let allowed = decision(&snapshot, &bob, "s3:PutObject").statement.unwrap();
    assert!(matches!(effective_policies.holder(&snapshot, allowed.policy as usize), crate::Holder::Own));
    let snapshot = env
        .change(async |mut tx| {
            tx.delete_inline_policy(&(&bob).into(), &PolicyName::parse("OWN").unwrap()).await.unwrap();
            tx.remove_member(&staff, &bob).await.unwrap();
            tx
        })
        .await;
    check(&snapshot, &bob, "s3:PutObject", Outcome::ImplicitDeny);
    check(&snapshot, &bob, "s3:GetObject", Outcome::ImplicitDeny);
}

#[tokio::test]
async fn a_new_default_version_applies_with_its_commit() {
    let env = TestEnv::new().await;
    let (bob, changing) = (user(1, "Bob"), policy(1, "changing"));
    let mut now = changing.clone();
    let snapshot = env
        .change(async |mut tx| {
            tx.create(&bob).await.unwrap();
            tx.create_policy(&changing, document("Allow", "s3:Get*")).await.unwrap();
            tx.attach_policy(&(&bob).into(), &changing).await.unwrap();
            tx
        })
        .await;
    check(&snapshot, &bob, "s3:GetObject", Outcome::Allowed);
    let arn = Arn::parse("arn:aws:iam::111122223333:policy/changing").unwrap();
    assert_eq!(snapshot.managed_policy(&arn).unwrap().reference(), changing.reference());
    let snapshot = env
        .change(async |mut tx| {
            let made = tx.create_policy_version(&changing, document("Deny", "s3:*"), true, Timestamp::UNIX_EPOCH);
            now = made.await.unwrap().0;
            tx
        })
        .await;
    check(&snapshot, &bob, "s3:GetObject", Outcome::ExplicitDeny);
    let snapshot = env
        .change(async |mut tx| {
            assert!(tx.set_default_version(&now, 1, Timestamp::UNIX_EPOCH).await.unwrap());
            tx
        })
        .await;
    check(&snapshot, &bob, "s3:GetObject", Outcome::Allowed);
    let snapshot = env
        .change(async |mut tx| {
            tx.detach_policy(&(&bob).into(), changing.reference()).await.unwrap();
            tx
        })
        .await;
    check(&snapshot, &bob, "s3:GetObject", Outcome::ImplicitDeny);
    let snapshot = env
        .change(async |mut tx| {
            let now = tx.find_policy(changing.reference()).await.unwrap().unwrap();
            tx.delete_policy_version(&now, 2).await.unwrap();
            tx.delete_policy(&now).await.unwrap();
            tx
        })
        .await;
    assert!(snapshot.managed_policy(&arn).is_none());
    assert!(snapshot.managed_policy_by_ref(changing.reference()).is_none());
}

#[tokio::test]
async fn names_ignore_case_and_arns_do_not() {
    let env = TestEnv::new().await;
    let bob = user(1, "Bob");
    let snapshot = env
        .change(async |mut tx| {
            tx.create(&bob).await.unwrap();
            tx
        })
        .await;
    for name in ["Bob", "BOB", "bob"] {
        assert_eq!(snapshot.user(account(), name).unwrap().id, bob.id);
        assert!(snapshot.role(account(), name).is_none());
    }
    let by_arn = |snapshot: &Snapshot, arn: &str| snapshot.entity_by_arn(&Arn::parse(arn).unwrap()).map(|e| e.id);
    assert_eq!(by_arn(&snapshot, "arn:aws:iam::111122223333:user/Bob"), Some(bob.id));
    for other in [
        "arn:aws:iam::111122223333:user/bob",
        "arn:aws:iam::111122223333:user/x/Bob",
        "arn:aws:iam::111122223334:user/Bob",
        "arn:aws-cn:iam::111122223333:user/Bob",
        "arn:aws:iam::111122223333:role/Bob",
        "arn:aws:sts::111122223333:user/Bob",
        "arn:aws:iam::111122223333:root",
    ] {
        assert_eq!(by_arn(&snapshot, other), None, "{other}");
    }
    let mut rob = bob.clone();
    rob.name = UserName::parse("Rob").unwrap();
    let snapshot = env
        .change(async |mut tx| {
            let old = tx.get::<User>(account(), &bob.name).await.unwrap();
            tx.update(&old, &rob).await.unwrap();
            tx
        })
        .await;
    assert!(snapshot.user(account(), "Bob").is_none());
    assert_eq!(snapshot.user(account(), "rob").unwrap().id, bob.id);
    let snapshot = env
        .change(async |mut tx| {
            let old = tx.get::<User>(account(), &rob.name).await.unwrap();
            tx.delete(&old).await.unwrap();
            tx
        })
        .await;
    assert!(snapshot.entity(&bob.id).is_none());
    assert!(snapshot.user(account(), "rob").is_none());
}

#[tokio::test]
async fn roles_keys_and_accounts_follow_the_log() {
    let env = TestEnv::new().await;
    let role = Role {
        account: account(),
        id: id(IdKind::Role, 1),
        name: bailiwick_model::RoleName::parse("Deployer").unwrap(),
        path: Path::parse("/ci/").unwrap(),
        created: Timestamp::UNIX_EPOCH,
        tags: Tags::parse([("team", "a")]).unwrap(),
        boundary: None,
        description: None,
        trust_policy: TrustPolicy {
            text: "never read".into(),
            bound: r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"AIDA22222222222222222"},"Action":"sts:AssumeRole"}}"#.into(),
        },
        max_session_seconds: 7_200,
        max_signin_session_seconds: None,
        sessions_valid_after: Some(Timestamp::from_second(5).unwrap()),
        linked_service: None,
    };
    let key = AccessKey {
        account: account(),
        id: AccessKeyId::parse("AKIAEXAMPLEEXAMPLE12").unwrap(),
        owner: KeyOwner::Root,
        active: true,
        created: Timestamp::UNIX_EPOCH,
        sealed_secret: bytes::Bytes::from_static(b"sealed"),
        activated: None,
        warned_of: None,
    };
    let of = management();
    let snapshot = env
        .change(async |mut tx| {
            tx.create(&role).await.unwrap();
            tx.create_access_key(&key).await.unwrap();
            tx
        })
        .await;
    let found = snapshot.role(account(), "deployer").unwrap();
    assert_eq!(found.arn(Partition::Aws).as_str(), "arn:aws:iam::111122223333:role/ci/Deployer");
    assert_eq!(found.role().unwrap().max_session_seconds, 7_200);
    assert_eq!(found.role().unwrap().trust.len(), 1);
    assert_eq!((found.tags().get("TEAM"), found.sessions_valid_after()), (Some("a"), role.sessions_valid_after));
    assert!(snapshot.account(account()).unwrap().is_active());
    assert_eq!(snapshot.management_account(), account());
    let found = snapshot.access_key("AKIAEXAMPLEEXAMPLE12").unwrap();
    assert_eq!((found.user, found.active, &found.sealed_secret[..]), (None, true, &b"sealed"[..]));
    assert!(!format!("{found:?}").contains("sealed"));
    let snapshot = env
        .change(async |mut tx| {
            let mut key = tx.get_access_key(account(), &key.id).await.unwrap();
            key.active = false;
            tx.update_access_key(&key).await.unwrap();
            let mut changed = of.clone();
            changed.state = AccountState::Suspended;
            tx.update_account(&of, &changed).await.unwrap();
            tx
        })
        .await;
    assert!(!snapshot.access_key("AKIAEXAMPLEEXAMPLE12").unwrap().active);
    assert!(!snapshot.account(account()).unwrap().is_active());
    let snapshot = env
        .change(async |mut tx| {
            tx.delete_access_key(account(), &key.id).await.unwrap();
            tx
        })
        .await;
    assert!(snapshot.access_key("AKIAEXAMPLEEXAMPLE12").is_none());
}

#[tokio::test]
async fn unreadable_documents_deny() {
    let env = TestEnv::new().await;
    let (bob, broken) = (user(1, "Bob"), policy(1, "broken"));
    let all = policy(2, "all");
    let snapshot = env
        .change(async |mut tx| {
            tx.create(&bob).await.unwrap();
            tx.create_policy(&all, document("Allow", "*")).await.unwrap();
            tx.create_policy(&broken, "{\"Version\":\"2012-10-17\"".into()).await.unwrap();
            tx.attach_policy(&(&bob).into(), &all).await.unwrap();
            tx
        })
        .await;
    check(&snapshot, &bob, "s3:GetObject", Outcome::Allowed);
    let snapshot = env
        .change(async |mut tx| {
            tx.attach_policy(&(&bob).into(), &broken).await.unwrap();
            tx
        })
        .await;
    check(&snapshot, &bob, "s3:GetObject", Outcome::ExplicitDeny);
}

#[tokio::test]
async fn waiting_for_a_revision_ends_when_it_is_reached() {
    let env = TestEnv::new().await;
    let now = env.snapshots.current().unwrap().revision();
    assert_eq!(env.snapshots.at_least(now).now_or_never().unwrap().unwrap().revision(), now);
    assert!(env.snapshots.at_least(now.next()).now_or_never().is_none());
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_missing_revision_times_out() {
    let env = TestEnv::new().await;
    let error = env.snapshots.at_least(Revision::new(1_000)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::ServiceUnavailable);
}

#[tokio::test]
async fn a_failed_follower_withdraws_the_snapshot() {
    let TestEnv { store, snapshots } = TestEnv::new().await;
    // A user's record of a version to come.
    let key = keys::identity(account(), bailiwick_storage::IdentityKind::User, &id(IdKind::User, 1));
    let put = vec![(key, bytes::Bytes::from_static(b"\xff"))];
    let revision = store.commit(bailiwick_storage::Batch { put, ..Default::default() }).await.unwrap();
    assert_eq!(snapshots.at_least(revision).await.unwrap_err().code(), ErrorCode::ServiceUnavailable);
    assert_eq!(snapshots.current().unwrap_err().code(), ErrorCode::ServiceUnavailable);
    assert!(Snapshots::start(store, Partition::Aws).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_follower_that_fell_behind_rebuilds_the_snapshot() {
    let store = Arc::new(MemoryStore::with_log(1));
    let env = TestEnv::on(store).await;
    // The task does not yield, so the log is pruned before the follower sees it.
    let mut revision = Revision::ZERO;
    for number in 1..=3 {
        let tx = Tx::begin(env.store.clone(), Arc::new(Quotas::default()), At::Latest);
        let mut tx = tx.now_or_never().unwrap().unwrap();
        tx.create(&user(number, &format!("user{number}"))).now_or_never().unwrap().unwrap();
        revision = tx.commit().now_or_never().unwrap().unwrap();
    }
    let snapshot = loop {
        match env.snapshots.at_least(revision).await {
            Ok(snapshot) => break snapshot,
            Err(_) => tokio::time::sleep(REBUILD_PAUSE).await,
        }
    };
    assert_eq!(snapshot.entity_count(), 3);
}
