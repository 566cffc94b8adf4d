//! The check of a whole store finds each kind of fault, and nothing in a store as transactions leave it.

use std::sync::Arc;

use bailiwick_model::{IdKind, MfaDeviceName, Path, Tags};
use bailiwick_seal::Keyring;
use bailiwick_storage::{
    At, Authenticator, Batch, Content, Fault, FaultKind, IdentityNoun as _, Inspector, KeyOwner, MemoryStore,
    MfaAssignment, MfaDevice, Role, Scan, Service, SshPublicKey, Store, Tx, User, inspect, keys,
};
use bytes::Bytes;

use crate::env::{access_key, account, group, id, inline, instance_profile, now, policy, role, user};

#[derive(Default)]
struct Found {
    faults: Vec<Fault>,
    contents: Vec<String>,
    progress: (u64, u64),
}

impl Inspector for Found {
    fn fault(&mut self, fault: Fault) {
        self.faults.push(fault);
    }

    fn content(&mut self, content: &Content) -> Option<String> {
        self.contents.push(format!("{content:?}").split('(').next().unwrap_or_default().to_owned());
        matches!(content, Content::InlinePolicy(policy) if policy.document == "bad").then(|| "no policy".to_owned())
    }

    fn progress(&mut self, rows: u64, of: u64) {
        self.progress = (rows, of);
    }
}

/// A store with an object of most kinds, and the relations among them.
async fn populated() -> Arc<MemoryStore> {
    let authenticator = Authenticator::new(
        Keyring::generate(0)
            .expect("a step of a test that succeeds")
            .row_key()
            .expect("a step of a test that succeeds")
            .expect("a step of a test that succeeds"),
    );
    let store = Arc::new(MemoryStore::authenticated(100, authenticator));
    let shared: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
    let mut tx = Tx::begin(shared, Arc::default(), At::Latest).await.expect("a step of a test that succeeds");
    tx.create_account(&account(111_122_223_333, "ops@example.com")).await.expect("a step of a test that succeeds");
    let read = policy(1, "Read");
    tx.create_policy(&read, "{}".into()).await.expect("a step of a test that succeeds");
    let alice = User { boundary: Some(read.reference()), ..user(1, "Alice") };
    let (bob, staff) = (user(2, "bob"), group(1, "Staff"));
    let deploy = Role { boundary: Some(read.reference()), ..role(1, "deploy") };
    tx.create(&alice).await.expect("a step of a test that succeeds");
    tx.create(&bob).await.expect("a step of a test that succeeds");
    tx.create(&staff).await.expect("a step of a test that succeeds");
    tx.create(&deploy).await.expect("a step of a test that succeeds");
    tx.add_member(&staff, &alice).await.expect("a step of a test that succeeds");
    tx.attach_policy(&bob.identity(), &read).await.expect("a step of a test that succeeds");
    tx.attach_policy(&deploy.identity(), &read).await.expect("a step of a test that succeeds");
    tx.put_inline_policy(&alice.identity(), &inline("own", 30)).await.expect("a step of a test that succeeds");
    tx.put_inline_policy(&alice.identity(), &inline("other", 12)).await.expect("a step of a test that succeeds");
    tx.create_access_key(&access_key(1, KeyOwner::User(alice.id))).await.expect("a step of a test that succeeds");
    tx.create_access_key(&access_key(2, KeyOwner::Root)).await.expect("a step of a test that succeeds");
    let web = instance_profile(1, "web");
    tx.create_instance_profile(&web).await.expect("a step of a test that succeeds");
    tx.add_role_to_instance_profile(&web, &deploy).await.expect("a step of a test that succeeds");
    let name = MfaDeviceName::parse("Phone").expect("a step of a test that succeeds");
    let device = MfaDevice {
        account: alice.account,
        path: Path::root(),
        name,
        created: now(),
        tags: Tags::new(),
        sealed_seed: "seed".into(),
        last_step: None,
        assignment: None,
    };
    tx.create_mfa_device(&device).await.expect("a step of a test that succeeds");
    let assignment = MfaAssignment { owner: KeyOwner::User(bob.id), enabled: now(), offset: 0 };
    tx.enable_mfa_device(device, assignment, 1).await.expect("a step of a test that succeeds");
    let key = SshPublicKey {
        account: alice.account,
        user: alice.id,
        id: id(IdKind::SshPublicKey, 1),
        active: true,
        uploaded: now(),
        der: "key".into(),
        digest: "digest".into(),
    };
    tx.create_ssh_public_key(&key).await.expect("a step of a test that succeeds");
    let service = Service {
        prefix: "photos".into(),
        definition: "{}".into(),
        principals: vec!["photos.example.com".into()],
        actors: Vec::new(),
        created: now(),
        updated: now(),
    };
    tx.put_service(&service).await.expect("a step of a test that succeeds");
    tx.append_outbox(b"event", "event".into(), 10).await.expect("a step of a test that succeeds");
    tx.commit().await.expect("a step of a test that succeeds");
    store
}

/// The row whose description begins so.
async fn row(store: &MemoryStore, described: &str) -> (Bytes, Bytes) {
    let view = store.read(At::Latest).await.expect("a step of a test that succeeds");
    let all =
        view.scan(Scan { prefix: b"", after: None, limit: usize::MAX }).await.expect("a step of a test that succeeds");
    let found = all.into_iter().find(|entry| keys::describe(&entry.key).starts_with(described));
    let entry = found.unwrap_or_else(|| panic!("no row {described}"));
    (entry.key, entry.value)
}

enum Edit {
    Delete(&'static str),
    Put(&'static str, &'static [u8]),
    /// Gives a row the value of another one.
    Copy(&'static str, &'static str),
    /// Another program changes the stored bytes.
    Damage(&'static str),
    /// Another program removes the row.
    Remove(&'static str),
}
use Edit::{Copy, Damage, Delete, Put, Remove};

async fn found(store: &MemoryStore) -> Found {
    let mut found = Found::default();
    let view = store.read(At::Latest).await.expect("a step of a test that succeeds");
    let rows = inspect(&*view, &mut found).await.expect("a step of a test that succeeds");
    assert_eq!(found.progress.0, rows);
    found
}

async fn check(edits: &[Edit], expected: &[&str]) {
    let store = populated().await;
    for edit in edits {
        let mut batch = Batch::default();
        match edit {
            Delete(key) => batch.delete.push(row(&store, key).await.0),
            Put(key, value) => batch.put.push((row(&store, key).await.0, Bytes::from_static(value))),
            Copy(key, from) => batch.put.push((row(&store, key).await.0, row(&store, from).await.1)),
            Damage(key) => {
                let key = row(&store, key).await.0;
                let mut stored = store.stored(&key).expect("a step of a test that succeeds").to_vec();
                *stored.last_mut().expect("a step of a test that succeeds") ^= 1;
                store.tamper(key, Some(stored.into()));
            }
            Remove(key) => {
                let key = row(&store, key).await.0;
                store.tamper(key, None);
            }
        }
        store.commit(batch).await.expect("a step of a test that succeeds");
    }
    let short = |text: &str| text.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let words: Vec<String> = found(&store)
        .await
        .faults
        .iter()
        .map(|fault| {
            let at = short(&keys::describe(&fault.key));
            match &fault.kind {
                FaultKind::NotIndexed { index } => format!("{at}: not indexed by {}", short(&keys::describe(index))),
                FaultKind::Orphan { record } => format!("{at}: orphan of {}", short(&keys::describe(record))),
                FaultKind::Dangling { record } => format!("{at}: refers to {}", short(&keys::describe(record))),
                FaultKind::Misplaced { belongs } => format!("{at}: belongs at {}", short(&keys::describe(belongs))),
                FaultKind::Unreadable(_) => format!("{at}: unreadable"),
                FaultKind::Incomplete { expected, found } => format!("{found} rows, not {expected}"),
                other => format!("{at}: {other:?}"),
            }
        })
        .collect();
    assert_eq!(words, expected);
}

#[tokio::test]
async fn a_store_as_transactions_leave_it_is_sound() {
    let store = populated().await;
    let found = found(&store).await;
    assert_eq!(found.faults, []);
    assert_eq!(found.progress.0, found.progress.1);
    for content in ["AccessKey", "InlinePolicy", "MfaDevice", "OutboxRow", "PolicyVersion", "Role"] {
        assert!(found.contents.iter().any(|seen| seen == content), "{content}: {:?}", found.contents);
    }
}

#[tokio::test]
async fn indexes_that_disagree_with_records_are_found() {
    check(&[Delete("UserName bob")], &["User AIDACAAAAAAAAAAAAAAAA: not indexed by UserName bob"]).await;
    check(
        &[Copy("UserName bob", "UserName alice")],
        &[
            "User AIDACAAAAAAAAAAAAAAAA: not indexed by UserName bob",
            "UserName bob: orphan of User AIDABAAAAAAAAAAAAAAAA",
        ],
    )
    .await;
    check(
        &[Delete("AccessKeyAccount")],
        &["AccessKey AKIARTX3GSDSQEAQAAAA: not indexed by AccessKeyAccount AKIARTX3GSDSQEAQAAAA"],
    )
    .await;
    check(
        &[Delete("AccessKeyOwner")],
        &[
            "AccessKey AKIARTX3GSDSQIBAAAAA: not indexed by AccessKeyOwner 0x00",
            "Counter 0x25: Count { stored: 1, counted: 0 }",
        ],
    )
    .await;
    check(
        &[Delete("GroupMember")],
        &[
            "UserGroup AIDABAAAAAAAAAAAAAAAA: not indexed by GroupMember AGPABAAAAAAAAAAAAAAAA",
            "Counter 0x21: Count { stored: 1, counted: 0 }",
        ],
    )
    .await;
    check(
        &[Delete("PolicyHolder")],
        &[
            "Attachment AIDACAAAAAAAAAAAAAAAA: not indexed by PolicyHolder 111122223333",
            "Counter 0x30: Count { stored: 2, counted: 1 }",
        ],
    )
    .await;
    check(
        &[Delete("MfaDeviceOwner")],
        &[
            "MfaDevice /phone: not indexed by MfaDeviceOwner 0x15",
            "Counter 0x66: Count { stored: 1, counted: 0 }",
            "Counter 0x68: Count { stored: 1, counted: 0 }",
        ],
    )
    .await;
    check(&[Delete("ServicePrincipal")], &["Service photos: not indexed by ServicePrincipal photos.example.com"]).await;
    check(&[Delete("AccountEmail")], &["Account 111122223333: not indexed by AccountEmail ops@example.com"]).await;
    check(
        &[Delete("RoleInstanceProfile")],
        &[
            "InstanceProfile AIPABAAAAAAAAAAAAAAAA: not indexed by RoleInstanceProfile AROABAAAAAAAAAAAAAAAA",
            "Counter 0x34: Count { stored: 1, counted: 0 }",
        ],
    )
    .await;
    check(
        &[Delete("SshPublicKeyDigest")],
        &[
            "SshPublicKey AIDABAAAAAAAAAAAAAAAA: not indexed by SshPublicKeyDigest AIDABAAAAAAAAAAAAAAAA",
            "SshPublicKeyDigest of: Number { expected: 1, found: 0 }",
        ],
    )
    .await;
    check(
        &[Delete("UserGroup")],
        &[
            "GroupMember AGPABAAAAAAAAAAAAAAAA: orphan of UserGroup AIDABAAAAAAAAAAAAAAAA",
            "Counter 0x20: Count { stored: 1, counted: 0 }",
        ],
    )
    .await;
    check(
        &[Delete("Attachment")],
        &[
            "PolicyHolder 111122223333: orphan of Attachment AIDACAAAAAAAAAAAAAAAA",
            "Counter 0x22: Count { stored: 1, counted: 0 }",
        ],
    )
    .await;
}

#[tokio::test]
async fn references_to_missing_records_are_found() {
    check(
        &[Delete("Group A")],
        &[
            "UserGroup AIDABAAAAAAAAAAAAAAAA: refers to Group AGPABAAAAAAAAAAAAAAAA",
            "GroupName staff: orphan of Group AGPABAAAAAAAAAAAAAAAA",
            "Counter 0x11: Count { stored: 1, counted: 0 }",
        ],
    )
    .await;
    check(
        &[Delete("PolicyVersion")],
        &[
            "Policy ANPABAAAAAAAAAAAAAAAA: refers to PolicyVersion ANPABAAAAAAAAAAAAAAAA",
            "Counter 0x14: Count { stored: 1, counted: 0 }",
            "Counter 0x32: Count { stored: 1, counted: 0 }",
        ],
    )
    .await;
    check(
        &[Delete("Policy A")],
        &[
            "User AIDABAAAAAAAAAAAAAAAA: refers to Policy ANPABAAAAAAAAAAAAAAAA",
            "Role AROABAAAAAAAAAAAAAAAA: refers to Policy ANPABAAAAAAAAAAAAAAAA",
            "PolicyName read: orphan of Policy ANPABAAAAAAAAAAAAAAAA",
            "PolicyVersion ANPABAAAAAAAAAAAAAAAA: refers to Policy ANPABAAAAAAAAAAAAAAAA",
            "Attachment AIDACAAAAAAAAAAAAAAAA: refers to Policy ANPABAAAAAAAAAAAAAAAA",
            "Attachment AROABAAAAAAAAAAAAAAAA: refers to Policy ANPABAAAAAAAAAAAAAAAA",
            "Counter 0x13: Count { stored: 1, counted: 0 }",
        ],
    )
    .await;
    check(
        &[Delete("AccessKey A")],
        &[
            "AccessKeyOwner 0x15: orphan of AccessKey AKIARTX3GSDSQEAQAAAA",
            "AccessKeyAccount AKIARTX3GSDSQEAQAAAA: orphan of AccessKey AKIARTX3GSDSQEAQAAAA",
        ],
    )
    .await;
}

#[tokio::test]
async fn counters_are_counted_again() {
    check(&[Put("Counter 0x10", &[0, 0, 0, 0, 0, 0, 0, 7])], &["Counter 0x10: Count { stored: 7, counted: 2 }"]).await;
    check(&[Put("Counter 0x24", &[0, 0, 0, 0, 0, 0, 0, 7])], &["Counter 0x24: Count { stored: 7, counted: 42 }"]).await;
    check(&[Delete("Counter 0x10")], &["Counter 0x10: Count { stored: 0, counted: 2 }"]).await;
    check(&[Delete("Counter 0x30")], &["Counter 0x30: Count { stored: 0, counted: 2 }"]).await;
    check(&[Put("Counter 0x10", b"many")], &["Counter 0x10: unreadable"]).await;
}

#[tokio::test]
async fn rows_that_cannot_be_used_are_found() {
    check(&[Damage("UserName bob")], &["UserName bob: Damaged"]).await;
    check(&[Damage("User A")], &["User AIDABAAAAAAAAAAAAAAAA: Damaged"]).await;
    check(
        &[Remove("SshPublicKeyDigest")],
        &[
            "SshPublicKey AIDABAAAAAAAAAAAAAAAA: not indexed by SshPublicKeyDigest AIDABAAAAAAAAAAAAAAAA",
            "SshPublicKeyDigest of: Number { expected: 1, found: 0 }",
            "63 rows, not 64",
        ],
    )
    .await;
    check(&[Put("Group A", b"\x01\xff")], &["Group AGPABAAAAAAAAAAAAAAAA: unreadable"]).await;
    check(&[Put("Group A", b"\x02")], &["Group AGPABAAAAAAAAAAAAAAAA: unreadable"]).await;
}
