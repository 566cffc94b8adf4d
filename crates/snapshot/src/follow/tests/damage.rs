//! Damages each row of a small store in turn. An unreadable row never allows what was not allowed before.

use std::collections::BTreeMap;

use bailiwick_evaluator::ResourceAccount;
use bailiwick_storage::{Authenticator, Batch, Resource, ResourcePolicy, Service, ServiceActor};

use super::*;

const KEY: &str = "AKIAEXAMPLEEXAMPLE12";
const ALBUM: &str = "arn:aws:photos:::album";
const PRINCIPAL: &str = "photos.example.com";
const ACTIONS: [&str; 5] = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket", "sqs:SendMessage"];

fn authenticated() -> Arc<MemoryStore> {
    let key = bailiwick_seal::Keyring::generate(0).unwrap().row_key().unwrap().unwrap();
    Arc::new(MemoryStore::authenticated(1_000, Authenticator::new(key)))
}

fn role() -> Role {
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#;
    Role {
        account: account(),
        id: id(IdKind::Role, 1),
        name: bailiwick_model::RoleName::parse("Deployer").unwrap(),
        path: Path::root(),
        created: Timestamp::UNIX_EPOCH,
        tags: Tags::new(),
        boundary: None,
        description: None,
        trust_policy: TrustPolicy { text: trust.into(), bound: trust.into() },
        max_session_seconds: 7_200,
        max_signin_session_seconds: None,
        sessions_valid_after: None,
        linked_service: None,
    }
}

fn inline(name: &str, effect: &str, action: &str) -> InlinePolicy {
    let document = document(effect, action);
    InlinePolicy { name: PolicyName::parse(name).unwrap(), size: document.len() as u32, document }
}

/// Bob is allowed everything, except what is denied by Bob's inline policy, group, managed policy and boundary; Eve is
/// allowed a little; a role is allowed everything.
async fn populate(store: &Arc<dyn Store>) {
    let mut tx = Tx::begin(store.clone(), Arc::new(Quotas::default()), At::Latest).await.unwrap();
    tx.create_account(&management()).await.unwrap();
    let (all, denies, bounds) = (policy(1, "all"), policy(2, "denies"), policy(3, "bounds"));
    tx.create_policy(&all, document("Allow", "*")).await.unwrap();
    tx.create_policy(&denies, document("Deny", "s3:Delete*")).await.unwrap();
    tx.create_policy(&bounds, document("Allow", "s3:*")).await.unwrap();
    let (mut bob, eve, staff) = (user(1, "Bob"), user(2, "Eve"), group(1, "staff"));
    bob.boundary = Some(bounds.reference());
    for each in [&bob, &eve] {
        tx.create(each).await.unwrap();
    }
    tx.create(&staff).await.unwrap();
    tx.create(&role()).await.unwrap();
    tx.attach_policy(&(&bob).into(), &all).await.unwrap();
    tx.attach_policy(&(&bob).into(), &denies).await.unwrap();
    tx.attach_policy(&(&role()).into(), &all).await.unwrap();
    tx.add_member(&staff, &bob).await.unwrap();
    tx.put_inline_policy(&(&staff).into(), &inline("not", "Deny", "s3:Put*")).await.unwrap();
    tx.put_inline_policy(&(&bob).into(), &inline("never", "Deny", "s3:Get*")).await.unwrap();
    tx.put_inline_policy(&(&eve).into(), &inline("some", "Allow", "s3:Get*")).await.unwrap();
    // Policies that Bob may write under the name of the one that replaces an unreadable row must not replace it.
    for name in ["unreadable", "Unreadable-row", "missing-group"] {
        tx.put_inline_policy(&(&bob).into(), &inline(name, "Allow", "s3:List*")).await.unwrap();
        tx.put_inline_policy(&(&staff).into(), &inline(name, "Allow", "s3:List*")).await.unwrap();
    }
    let key = AccessKey {
        account: account(),
        id: AccessKeyId::parse(KEY).unwrap(),
        owner: KeyOwner::User(bob.id),
        active: true,
        created: Timestamp::UNIX_EPOCH,
        sealed_secret: bytes::Bytes::from_static(b"sealed"),
        activated: None,
        warned_of: None,
    };
    tx.create_access_key(&key).await.unwrap();
    tx.put_service(&Service {
        prefix: "photos".into(),
        definition: r#"{"catalogue":1,"services":{"photos":{"actions":{"GetAlbum":{}}}}}"#.into(),
        principals: vec![PRINCIPAL.into()],
        actors: vec![ServiceActor { arn: "arn:aws:iam::111122223333:user/Bob".into(), id: bob.id }],
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
    })
    .await
    .unwrap();
    let text = document("Allow", "*").replace(r#""Action""#, r#""Principal":"*","Action""#);
    let policy = Some(ResourcePolicy { text: text.clone(), bound: text, updated: Timestamp::UNIX_EPOCH });
    tx.put_resource(&Resource { account: account(), arn: ALBUM.into(), policy, tags: Tags::new() }).await.unwrap();
    tx.commit().await.unwrap();
}

/// Everything that a snapshot allows, by name.
fn allowed(snapshot: &Snapshot) -> BTreeMap<String, bool> {
    let mut out = BTreeMap::new();
    let active = snapshot.account(account()).is_some_and(|account| account.is_active());
    for (name, id) in [("Bob", id(IdKind::User, 1)), ("Eve", id(IdKind::User, 2)), ("role", role().id)] {
        for action in ACTIONS {
            out.insert(format!("{name} {action}"), active && decides(snapshot, &id, action, None));
        }
        let album = snapshot.resource(account(), ALBUM).and_then(|resource| resource.policy.as_ref());
        out.insert(format!("{name} album"), active && decides(snapshot, &id, "s3:ListBucket", album));
    }
    let key = snapshot.access_key(KEY).filter(|key| key.active);
    out.insert("key".into(), active && key.and_then(|key| snapshot.entity(&key.user?)).is_some());
    let trust = snapshot.entity(&role().id).and_then(|role| role.role()).map(|role| &role.trust);
    let trusts =
        trust.and_then(|trust| trust.statement(0)).is_some_and(|s| s.effect == bailiwick_evaluator::Effect::Allow);
    out.insert("trust".into(), trusts);
    // Any principal can act as an unregistered service; only the listed ones as a registered one.
    let acts =
        |id: UniqueId| snapshot.service_of_principal(PRINCIPAL).is_none_or(|service| service.actors.contains(&id));
    out.insert("Bob acts".into(), acts(id(IdKind::User, 1)));
    out.insert("Eve acts".into(), acts(id(IdKind::User, 2)));
    out
}

fn decides(snapshot: &Snapshot, id: &UniqueId, action: &str, resource: Option<&bailiwick_evaluator::Policy>) -> bool {
    let (Some(entity), Some(effective_policies)) = (snapshot.entity(id), snapshot.effective_policies(id)) else {
        return false;
    };
    let arn = entity.arn(Partition::Aws);
    let request = Request {
        principal: Principal::User {
            account: account().into(),
            user: NameKind { arn: arn.as_str(), unique_id: Some(entity.id.as_str()) },
        },
        action,
        resource: "*",
        resource_account: ResourceAccount::from(account()),
        context: Context::default(),
    };
    decide(&request, &Policies { resource, ..effective_policies.policies() }).is_allowed()
}

/// Without the row of a key, a snapshot allows a subset of what it allowed before.
fn without(key: &[u8], was: &BTreeMap<String, bool>) -> BTreeMap<String, bool> {
    let (_, kind, id) = keys::parse(key).unwrap();
    let owner = keys::take_id(id).map(|(id, _)| id);
    let owner = match owner {
        // Bob is in the group and holds the policies that deny and bound; `all` also has the role.
        Some(id) if id.kind() == IdKind::Group => &["Bob"][..],
        Some(id) if id == super::id(IdKind::Policy, 1) => &["Bob", "role"],
        Some(id) if id.kind() == IdKind::Policy => &["Bob"],
        Some(id) if id == role().id => &["role"],
        Some(id) if id == super::id(IdKind::User, 1) => &["Bob"],
        Some(_) => &["Eve"],
        None => &[],
    };
    let decided = |what: &str| owner.iter().any(|name| what.strip_prefix(name).is_some_and(|rest| rest != " acts"));
    let lost = |what: &str| match kind {
        Kind::Account => what != "trust" && !what.ends_with("acts"),
        Kind::User => decided(what) || (what == "key" && owner == ["Bob"]),
        Kind::Role => decided(what) || what == "trust",
        Kind::AccessKey => what == "key",
        Kind::Service => what == "Bob acts",
        Kind::Resource => what.ends_with("album"),
        _ => decided(what),
    };
    was.iter().map(|(what, was)| (what.clone(), *was && !lost(what))).collect()
}

async fn rows(store: &Arc<dyn Store>) -> Vec<bytes::Bytes> {
    let view = store.read(At::Latest).await.unwrap();
    let rows = view.inspect(Scan { prefix: b"", after: None, limit: 1_000 }).await.unwrap();
    let is_viewed = |key: &bytes::Bytes| {
        let (_, kind, _) = keys::parse(key).unwrap();
        FIRST.contains(&kind) || KINDS.contains(&kind)
    };
    rows.into_iter().map(|row| row.key).filter(is_viewed).collect()
}

/// Read at a start.
#[tokio::test]
async fn a_damaged_row_denies_only_what_depends_on_it() {
    let memory = authenticated();
    let store: Arc<dyn Store> = memory.clone();
    populate(&store).await;
    let whole = Snapshots::start(store.clone(), Partition::Aws).await.unwrap();
    let was = allowed(&whole.current().unwrap());
    assert_eq!(whole.damage().count(), 0);
    let allowed_at_first = was.iter().filter(|(_, allowed)| **allowed).map(|(what, _)| &**what);
    let rights = ["Bob acts", "Bob album", "Bob s3:ListBucket", "Eve album", "Eve s3:GetObject", "key", "role album"];
    assert!(rights.iter().all(|what| was[*what]), "{:?}", allowed_at_first.collect::<Vec<_>>());
    let keys = rows(&store).await;
    assert!(keys.len() > 20);
    for key in keys {
        let about = keys::describe(&key);
        let stored = memory.stored(&key).unwrap();
        let mut spoilt = stored.to_vec();
        // The tag, so that rows without a value are damaged as well.
        spoilt[3] ^= 1;
        memory.tamper(key.clone(), Some(spoilt.into()));
        let damaged = Snapshots::start(store.clone(), Partition::Aws).await.unwrap();
        assert_eq!(damaged.damage().described(), std::slice::from_ref(&about));
        assert_eq!(allowed(&damaged.current().unwrap()), without(&key, &was), "{about}");
        memory.tamper(key.clone(), None);
        let missing = Snapshots::start(store.clone(), Partition::Aws).await.map(drop).unwrap_err();
        assert!(matches!(missing, SnapshotError::Incomplete(_)), "{about}: {missing}");
        memory.tamper(key, Some(stored));
    }
}

/// Rows of every kind, in an account and in the deployment, as a program that can write the file removes or restores them. It
/// was: rows of MFA devices and of failed attempts could be removed, and the factor or the delay was gone.
#[tokio::test]
async fn a_missing_row_of_every_decisive_kind_is_detected() {
    let memory = authenticated();
    let store: Arc<dyn Store> = memory.clone();
    populate(&store).await;
    let mut added = Vec::new();
    for number in 0..=u8::MAX {
        for account in [account(), AccountId::NONE] {
            let key = |id: &[u8]| bytes::Bytes::from([&keys::account_bytes(account)[..], &[number], id].concat());
            match keys::parse(&key(b"")) {
                Some((_, kind, _)) if !FIRST.contains(&kind) && !KINDS.contains(&kind) => {
                    added.extend([(kind, key(b"a")), (kind, key(&[0xff; 32]))]);
                }
                _ => {}
            }
        }
    }
    // More rows than a page, of a kind whose rows are passed over.
    let uses = (0..2 * PAGE_ROWS)
        .map(|n| [&keys::kind(account(), Kind::ServiceUse)[..], format!("{n:06}").as_bytes()].concat());
    let put = added.iter().map(|(_, key)| key.clone()).chain(uses.map(bytes::Bytes::from));
    let put: Vec<_> = put.map(|key| (key, bytes::Bytes::from_static(b"row"))).collect();
    store.commit(Batch { put, ..Batch::default() }).await.unwrap();
    let start = async || Snapshots::start(store.clone(), Partition::Aws).await.map(drop);
    start().await.unwrap();
    let mut undetected = std::collections::BTreeSet::new();
    for (kind, key) in &added {
        let stored = memory.stored(key).unwrap();
        memory.tamper(key.clone(), None);
        match start().await {
            Ok(()) => drop(undetected.insert(format!("{kind:?}"))),
            Err(error) => assert!(matches!(error, SnapshotError::Incomplete(_)), "{error}"),
        }
        let moved = bytes::Bytes::from([&key[..], b"x"].concat());
        memory.tamper(key.clone(), Some(stored.clone()));
        memory.tamper(moved.clone(), Some(stored));
        assert_eq!(start().await.is_err(), keys::is_decisive(key), "a row that was added: {kind:?}");
        memory.tamper(moved, None);
    }
    start().await.unwrap();
    // Reports about use, and tasks.
    let reports = [
        "AccessJob",
        "AccessJobTime",
        "AccessKeyLastUsed",
        "CredentialReport",
        "DeletionTask",
        "DeletionTaskTime",
        "ReportChunk",
        "RequestedReport",
        "RoleLastUsed",
        "ServiceUse",
    ];
    assert!(undetected.iter().eq(reports.iter()), "{undetected:?}");
}

/// The change comes from the log: the written value is authentic, but not a valid record.
#[tokio::test(start_paused = true)]
async fn an_invalid_record_in_the_log_denies_at_once() {
    let store: Arc<dyn Store> = authenticated();
    populate(&store).await;
    let with_values = rows(&store).await.into_iter().filter(|key| {
        !matches!(keys::parse(key).unwrap().1, Kind::UserGroup | Kind::Attachment | Kind::Meta | Kind::Keyring)
    });
    for key in with_values {
        let about = keys::describe(&key);
        let snapshots = Snapshots::start(store.clone(), Partition::Aws).await.unwrap();
        let was = allowed(&snapshots.current().unwrap());
        let good = store.read(At::Latest).await.unwrap().get(&key).await.unwrap().unwrap().value;
        let put = async |value: bytes::Bytes| {
            let put = vec![(key.clone(), value)];
            store.commit(Batch { put, ..Batch::default() }).await.unwrap()
        };
        let revision = put(bytes::Bytes::from_static(b"\x01\xff")).await;
        let damaged = snapshots.at_least(revision).await.unwrap();
        assert_eq!(snapshots.damage().described(), std::slice::from_ref(&about));
        assert_eq!(allowed(&damaged), without(&key, &was), "{about}");
        let fresh = Snapshots::start(store.clone(), Partition::Aws).await.unwrap().current().unwrap();
        assert_eq!(digest(&fresh), digest(&damaged), "{about}");
        // After the repair, the snapshot is the same as before.
        let revision = put(good).await;
        let mended = loop {
            match snapshots.at_least(revision).await {
                Ok(snapshot) => break snapshot,
                Err(_) => tokio::time::sleep(REBUILD_PAUSE).await,
            }
        };
        assert_eq!(allowed(&mended), was, "{about}");
    }
}
