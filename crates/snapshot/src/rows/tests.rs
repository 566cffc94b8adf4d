//! States that the store promises not to produce: they never allow anything.

use bailiwick_evaluator::Effect;
use bailiwick_model::{AccountId, IdKind, Issue, Partition, Path, StorePosition, UniqueId, UserName};
use bailiwick_storage::keys::{self, Kind};
use bailiwick_storage::{self as storage, Change, ChangeSet, Record, Revision, User};
use bytes::Bytes;
use jiff::Timestamp;

use super::*;

fn row(account: AccountId, kind: Kind, parts: &[&[u8]], value: Option<Bytes>) -> Change {
    let mut key = keys::kind(account, kind);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    Change { key: key.into(), value }
}

fn user(id: UniqueId, account: AccountId) -> User {
    User {
        account,
        id,
        name: UserName::parse("Bob").unwrap(),
        path: Path::root(),
        created: Timestamp::UNIX_EPOCH,
        tags: Default::default(),
        boundary: None,
        password_last_used: None,
        sessions_valid_after: None,
    }
}

fn policy_names(snapshot: &Snapshot, id: &UniqueId) -> Vec<String> {
    let effective_policies = snapshot.effective_policies(id).unwrap();
    effective_policies.identity().map(|p| p.name().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_missing_reference_denies_until_it_exists() {
    let account = AccountId::from_number(111_122_223_333).unwrap();
    let (bob, staff, policy) = (
        UniqueId::new(IdKind::User, [1; 17]),
        UniqueId::new(IdKind::Group, [2; 17]),
        UniqueId::new(IdKind::Policy, [3; 17]),
    );
    let user = User { boundary: Some(PolicyRef { account, id: policy }), ..user(bob, account) };
    let there = || Some(Bytes::new());
    let mut snapshot = SnapshotBuilder::new(Partition::Aws, Arc::default());
    let mut apply = |revision, changes| {
        snapshot.apply_set(&ChangeSet { revision: Revision::new(revision), changes }).unwrap();
        Arc::new(snapshot.publish(revision))
    };
    // The user comes last in the set, and the group and the policy never come.
    let before = apply(
        1,
        vec![
            row(account, Kind::UserGroup, &[bob.as_bytes(), staff.as_bytes()], there()),
            row(
                account,
                Kind::Attachment,
                &[bob.as_bytes(), &keys::account_bytes(account), policy.as_bytes()],
                there(),
            ),
            row(account, Kind::User, &[bob.as_bytes()], Some(user.encode())),
        ],
    );
    assert_eq!(policy_names(&before, &bob), ["missing policy", "missing group"]);
    let entity = before.entity(&bob).unwrap();
    assert_eq!(before.effective_policies(&entity.id).unwrap().boundary().unwrap().name(), Some("missing policy"));
    let group = bailiwick_storage::Group {
        account,
        id: staff,
        name: bailiwick_model::GroupName::parse("staff").unwrap(),
        path: Path::root(),
        created: Timestamp::UNIX_EPOCH,
    };
    let after = apply(2, vec![row(account, Kind::Group, &[staff.as_bytes()], Some(group.encode()))]);
    assert_eq!(policy_names(&after, &bob), ["missing policy"]);
    assert_eq!(policy_names(&before, &bob), ["missing policy", "missing group"]);
    // Deleting a group before its members leaves its denials in force.
    let gone = apply(3, vec![row(account, Kind::Group, &[staff.as_bytes()], None)]);
    assert_eq!(policy_names(&gone, &bob), ["missing policy", "missing policy"]);
    // Removing something from an object that does not exist has no effect.
    let end = apply(
        4,
        vec![
            row(account, Kind::User, &[bob.as_bytes()], None),
            row(account, Kind::UserGroup, &[bob.as_bytes(), staff.as_bytes()], None),
            row(account, Kind::InlinePolicy, &[bob.as_bytes(), b"own"], None),
            row(account, Kind::PolicyVersion, &[policy.as_bytes(), &1u32.to_be_bytes()], None),
        ],
    );
    assert_eq!((end.entity_count(), end.revision()), (0, Revision::new(4)));
}

#[test]
fn invalid_keys_are_damage() {
    let account = AccountId::from_number(1).unwrap();
    for kind in KINDS {
        // Arbitrary text is used as one of these names.
        if matches!(
            kind,
            Kind::AccessKey
                | Kind::Service
                | Kind::Resource
                | Kind::OidcProvider
                | Kind::SamlProvider
                | Kind::SessionRevocation
        ) {
            continue;
        }
        let mut snapshot = SnapshotBuilder::new(Partition::Aws, Arc::default());
        assert!(
            snapshot.apply(&row(account, kind, &[b"short"], None).key, Revision::new(1), Some(&Bytes::new())).is_err(),
            "{kind:?}"
        );
    }
    assert!(SnapshotBuilder::new(Partition::Aws, Arc::default()).apply(b"", Revision::new(1), None).is_err());
    assert!(
        SnapshotBuilder::new(Partition::Aws, Arc::default()).apply(b"\0\0\0\0\0\xee", Revision::new(1), None).is_err()
    );
}

/// A revocation that cannot be read revokes every session that it may be about.
#[test]
fn revocations_follow_the_log_and_are_kept_when_damaged() {
    let account = AccountId::from_number(1).unwrap();
    let key = bailiwick_model::AccessKeyId::parse("ASIAIOSFODNN7EXAMPLE").unwrap();
    let second = |second| Timestamp::from_second(second).unwrap();
    let session = |position| {
        let issue = Issue { time: second(60), position };
        bailiwick_decision::Session::new(bailiwick_decision::SessionKind::AssumeRole, key.clone(), issue, second(120))
    };
    let subject = key.as_str().to_ascii_lowercase();
    let mut snapshot = SnapshotBuilder::new(Partition::Aws, Arc::default());
    let on = |revision| Some(StorePosition { epoch: 1, restore_id: 0, revision });
    // Of sessions that were issued on revision 3, on revision 4, and by an older version.
    let mut revoked = |revision, value: Option<Bytes>| {
        let changed = row(account, Kind::SessionRevocation, &[subject.as_bytes()], None);
        let revision = Revision::new(revision);
        match value {
            // A change of the log, and the same row as it is read at a start.
            Some(value) if revision.number().is_multiple_of(2) => {
                snapshot.apply_inspected(&Inspected { key: changed.key, revision, value: Some(value) }).unwrap();
            }
            value => snapshot.apply(&changed.key, revision, value.as_ref()).unwrap(),
        }
        let view = snapshot.publish(revision.number());
        [on(3), on(4), None].map(|position| view.is_revoked(account, &session(position)))
    };
    let revocation = |at| Some(storage::SessionRevocation::before(second(at), on(1).unwrap()).encode());
    assert_eq!(revoked(1, revocation(60)), [false, false, false]);
    assert_eq!(revoked(4, revocation(60)), [true, false, false]);
    assert_eq!(revoked(5, revocation(61)), [true, true, true]);
    assert_eq!(revoked(7, None), [false, false, false]);
    assert_eq!(revoked(9, Some(Bytes::from_static(b"\x01\xff"))), [true, true, true]);
}

#[test]
fn resources_and_services_follow_the_log() {
    let account = AccountId::from_number(111_122_223_333).unwrap();
    let other = AccountId::from_number(444_455_556_666).unwrap();
    let arn = "arn:aws:photos:::album";
    let kept = |bound: &str| storage::Resource {
        account,
        arn: arn.into(),
        policy: Some(storage::ResourcePolicy {
            text: bound.into(),
            bound: bound.into(),
            updated: Timestamp::UNIX_EPOCH,
        }),
        tags: Default::default(),
    };
    let service = |principals: &[&str]| storage::Service {
        prefix: "photos".into(),
        definition: r#"{"catalogue":1,"services":{"photos":{"actions":{"GetAlbum":{}}}}}"#.into(),
        principals: principals.iter().map(|name| (*name).to_owned()).collect(),
        actors: Vec::new(),
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
    };
    let mut snapshot = SnapshotBuilder::new(Partition::Aws, Arc::default());
    let mut apply = |revision, changes| {
        snapshot.apply_set(&ChangeSet { revision: Revision::new(revision), changes }).unwrap();
        Arc::new(snapshot.publish(revision))
    };
    let resource = |value| row(account, Kind::Resource, &[arn.as_bytes()], value);
    let of_service = |value| row(AccountId::NONE, Kind::Service, &[b"photos"], value);
    let good = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    let first = apply(1, vec![resource(Some(kept(good).encode())), of_service(Some(service(&["a", "b"]).encode()))]);
    let effect = |snapshot: &Snapshot| {
        snapshot.resource(account, arn).unwrap().policy.as_ref().unwrap().statement(0).unwrap().effect
    };
    assert_eq!(effect(&first), Effect::Allow);
    assert!(first.resource(other, arn).is_none() && first.resource(account, "arn:aws:photos:::Album").is_none());
    let known = |snapshot: &Snapshot| snapshot.catalogue().service("photos")?.action("getalbum").cloned();
    assert!(first.service("PHOTOS").is_some() && known(&first).is_some());
    assert!(first.catalogue().service("iam").is_some());
    assert!(first.service_of_principal("a").is_some() && first.service_of_principal("c").is_none());
    // Unreadable rows deny, and a released name belongs to no service.
    let second = apply(2, vec![resource(Some(kept("{").encode())), of_service(Some(service(&["b", "c"]).encode()))]);
    assert_eq!(effect(&second), Effect::Deny);
    assert!(second.service_of_principal("a").is_none() && second.service_of_principal("c").is_some());
    let third = apply(3, vec![resource(None), of_service(None)]);
    assert!(third.resource(account, arn).is_none() && third.service("photos").is_none());
    assert!(known(&first).is_some() && known(&third).is_none());
    assert!(third.service_of_principal("c").is_none());
    assert_eq!(effect(&first), Effect::Allow, "an old snapshot stays what it was");
}

#[test]
fn a_record_under_the_key_of_another_object_is_damage() {
    let account = AccountId::from_number(111_122_223_333).unwrap();
    let (bob, eve) = (UniqueId::new(IdKind::User, [1; 17]), UniqueId::new(IdKind::User, [2; 17]));
    let policy = |name: &str| InlinePolicy {
        name: bailiwick_model::PolicyName::parse(name).unwrap(),
        document: r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#.into(),
        size: 1,
    };
    let damage = Arc::<Damage>::default();
    let mut builder = SnapshotBuilder::new(Partition::Aws, damage.clone());
    let mut apply = |kind, parts: &[&[u8]], value| {
        let row = row(account, kind, parts, Some(value));
        builder.apply(&row.key, Revision::new(1), row.value.as_ref()).unwrap();
        builder.publish(0)
    };
    let user = |id, account| user(id, account).encode();
    apply(Kind::User, &[bob.as_bytes()], user(bob, account));
    assert_eq!(damage.count(), 0);
    let view = apply(Kind::User, &[eve.as_bytes()], user(bob, account));
    assert!(view.entity(&eve).is_none() && view.entity(&bob).is_some());
    assert_eq!(damage.count(), 1);
    let view = apply(Kind::InlinePolicy, &[bob.as_bytes(), b"own"], policy("never").encode());
    let identity = view.effective_policies(&bob).unwrap();
    assert_eq!(identity.identity().next().unwrap().statement(0).unwrap().effect, Effect::Deny);
    assert_eq!(damage.count(), 2);
}
