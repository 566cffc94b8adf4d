//! Pairs of changes that began on the same view. If both together would violate an invariant, the second must retry; if
//! they are independent, both succeed.

use crate::env::{self, ACCOUNT, TestEnv, access_key, group, now, policy, role, user, user_name};
use bailiwick_model::{IamError, PolicyName, limits::Quotas};
use bailiwick_storage::{CommitError, Group, Identity, InlinePolicy, KeyOwner, Policy, Role, Tx, User};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Do {
    CreateUser(u8, &'static str),
    DeleteBob,
    RenameBob(&'static str),
    TagBob,
    BoundBob,
    JoinDevs,
    JoinOps,
    LeaveAdmins,
    DeleteDevs,
    RenameDevs,
    AttachReadToBob,
    AttachOtherToBob,
    AttachReadToEve,
    AttachReadToDevs,
    DetachHeld,
    InlineBob(&'static str, u32),
    KeyForBob(u8),
    DeleteRead,
    DefaultOfRead,
    NewVersionOfRead,
    BoundDeploy,
    DeleteDeploy,
    PutKeyring,
    CreateAccount(u64, &'static str),
}
use Do::*;

/// Bob is in `Admins` and has `Held` attached; nothing else is connected.
async fn env() -> TestEnv {
    let quotas = Quotas { users: 4, groups_per_user: 3, attached_per_user: 3, ..Quotas::default() };
    let env = TestEnv::with(quotas);
    env.run(async |tx| {
        tx.create(&user(1, "Bob")).await?;
        tx.create(&user(2, "Eve")).await?;
        for (n, name) in [(1, "Devs"), (2, "Ops"), (3, "Admins")] {
            tx.create(&group(n, name)).await?;
        }
        tx.create(&role(1, "Deploy")).await?;
        for (n, name) in [(1, "Read"), (2, "Other"), (3, "Held")] {
            tx.create_policy(&policy(n, name), "{}".into()).await?;
        }
        tx.add_member(&group(3, "Admins"), &user(1, "Bob")).await?;
        tx.attach_policy(&(&user(1, "Bob")).into(), &policy(3, "Held")).await
    })
    .await;
    env
}

/// Changes as handlers make them: read the objects, then change them.
async fn apply(what: Do, tx: &mut Tx) -> Result<(), IamError> {
    let named = match what {
        CreateUser(..) | AttachReadToEve | AttachReadToDevs | BoundDeploy | CreateAccount(..) => None,
        _ => tx.find::<User>(ACCOUNT, &user_name("Bob")).await?,
    };
    let bob = named.unwrap_or_else(|| user(1, "Bob"));
    let me = Identity::from(&bob);
    let read = policy(1, "Read");
    match what {
        CreateUser(n, name) => tx.create(&user(n, name)).await,
        DeleteBob => {
            tx.remove_member(&group(3, "Admins"), &bob).await?;
            tx.detach_policy(&me, policy(3, "Held").reference()).await?;
            tx.delete(&bob).await
        }
        RenameBob(name) => tx.update(&bob, &User { name: user_name(name), ..bob.clone() }).await,
        TagBob => tx.update(&bob, &User { path: bailiwick_model::Path::parse("/x/")?, ..bob.clone() }).await,
        BoundBob => tx.update(&bob, &User { boundary: Some(read.reference()), ..bob.clone() }).await,
        JoinDevs => tx.add_member(&group(1, "Devs"), &bob).await,
        JoinOps => tx.add_member(&group(2, "Ops"), &bob).await,
        LeaveAdmins => tx.remove_member(&group(3, "Admins"), &bob).await.map(drop),
        DeleteDevs => {
            let devs = tx_group(tx).await?;
            tx.delete(&devs).await
        }
        RenameDevs => {
            let old = tx_group(tx).await?;
            tx.update(&old, &Group { name: group(1, "Crew").name, ..old.clone() }).await
        }
        AttachReadToBob => tx.attach_policy(&me, &read).await,
        AttachOtherToBob => tx.attach_policy(&me, &policy(2, "Other")).await,
        AttachReadToEve => tx.attach_policy(&(&user(2, "Eve")).into(), &read).await,
        AttachReadToDevs => tx.attach_policy(&(&group(1, "Devs")).into(), &read).await,
        DetachHeld => tx.detach_policy(&me, policy(3, "Held").reference()).await.map(drop),
        InlineBob(name, size) => {
            let name = PolicyName::parse(name)?;
            tx.put_inline_policy(&me, &InlinePolicy { name, document: "{}".into(), size }).await
        }
        KeyForBob(n) => tx.create_access_key(&access_key(n, KeyOwner::User(bob.id))).await,
        DeleteRead => {
            let read = tx_read(tx).await?;
            tx.delete_policy(&read).await
        }
        DefaultOfRead => {
            let read = tx_read(tx).await?;
            tx.set_default_version(&read, 1, now()).await.map(drop)
        }
        NewVersionOfRead => {
            let read = tx_read(tx).await?;
            tx.create_policy_version(&read, "{}".into(), true, now()).await.map(drop)
        }
        BoundDeploy => {
            let old = tx.get::<Role>(ACCOUNT, &role(1, "Deploy").name).await?;
            tx.update(&old, &Role { boundary: Some(read.reference()), ..old.clone() }).await
        }
        DeleteDeploy => {
            let old = tx.get::<Role>(ACCOUNT, &role(1, "Deploy").name).await?;
            tx.delete(&old).await
        }
        PutKeyring => {
            tx.keyring().await?;
            tx.put_keyring(b"wrapped".as_slice().into()).await
        }
        CreateAccount(n, email) => tx.create_account(&env::account(n, email)).await,
    }
}

async fn tx_group(tx: &mut Tx) -> Result<Group, IamError> {
    tx.get(ACCOUNT, &group(1, "Devs").name).await
}

async fn tx_read(tx: &mut Tx) -> Result<Policy, IamError> {
    tx.get(ACCOUNT, &policy(1, "Read").name).await
}

/// Begins both on one view and commits one after the other.
async fn both(first: Do, second: Do) -> bool {
    let env = env().await;
    let (mut a, mut b) = (env.tx().await, env.tx().await);
    apply(first, &mut a).await.expect("alone it succeeds");
    apply(second, &mut b).await.expect("alone it succeeds");
    a.commit().await.expect("the first has no rival");
    match b.commit().await {
        Ok(_) => true,
        Err(CommitError::Conflict) => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn of_two_conflicting_changes_one_retries() {
    for (first, second) in [
        // A unique name, a unique address, the keyring.
        (CreateUser(5, "New"), CreateUser(6, "NEW")),
        (CreateUser(5, "New"), RenameBob("new")),
        (RenameBob("New"), RenameBob("Newer")),
        (CreateAccount(5, "a@example.com"), CreateAccount(6, "A@example.com")),
        (CreateAccount(5, "a@example.com"), CreateAccount(5, "b@example.com")),
        (PutKeyring, PutKeyring),
        // Nothing is added to an object that is being deleted.
        (DeleteBob, JoinDevs),
        (DeleteBob, LeaveAdmins),
        (DeleteBob, DetachHeld),
        (DeleteBob, AttachReadToBob),
        (DeleteBob, InlineBob("P", 1)),
        (DeleteBob, KeyForBob(1)),
        (DeleteBob, BoundBob),
        (DeleteBob, TagBob),
        (DeleteBob, RenameBob("Rob")),
        (DeleteBob, DeleteBob),
        (DeleteDevs, JoinDevs),
        (DeleteDevs, AttachReadToDevs),
        (DeleteDevs, RenameDevs),
        (DeleteRead, AttachReadToBob),
        (DeleteRead, AttachReadToEve),
        (DeleteRead, AttachReadToDevs),
        (DeleteRead, BoundBob),
        (DeleteRead, BoundDeploy),
        (DeleteRead, NewVersionOfRead),
        (DeleteRead, DefaultOfRead),
        (DeleteDeploy, BoundDeploy),
        // Indexes in the order of names follow the name.
        (RenameBob("Rob"), JoinDevs),
        (RenameBob("Rob"), LeaveAdmins),
        (RenameBob("Rob"), AttachReadToBob),
        (RenameBob("Rob"), DetachHeld),
        (RenameBob("Rob"), BoundBob),
        (RenameDevs, AttachReadToDevs),
        // Two writers of one record.
        (TagBob, BoundBob),
        (NewVersionOfRead, NewVersionOfRead),
        (JoinDevs, JoinDevs),
        (AttachReadToBob, AttachReadToBob),
        (InlineBob("P", 1), InlineBob("p", 2)),
        // The sum stays within its bound.
        (InlineBob("P", 2000), InlineBob("Q", 49)),
    ] {
        assert!(!both(first, second).await, "{first:?}, then {second:?}");
        assert!(!both(second, first).await, "{second:?}, then {first:?}");
    }
}

#[tokio::test]
async fn two_independent_changes_both_succeed() {
    for (first, second) in [
        (CreateUser(5, "New"), CreateUser(6, "Newer")),
        (CreateUser(5, "New"), DeleteBob),
        (JoinDevs, JoinOps),
        (JoinDevs, AttachReadToBob),
        (AttachReadToBob, AttachOtherToBob),
        (AttachReadToBob, AttachReadToEve),
        (AttachReadToBob, AttachReadToDevs),
        (InlineBob("P", 1000), InlineBob("Q", 1000)),
        (KeyForBob(1), KeyForBob(2)),
        (DeleteBob, AttachReadToEve),
        (RenameBob("Rob"), AttachReadToEve),
        (BoundBob, BoundDeploy),
        (CreateAccount(5, "a@example.com"), CreateAccount(6, "b@example.com")),
    ] {
        assert!(both(first, second).await, "{first:?}, then {second:?}");
        assert!(both(second, first).await, "{second:?}, then {first:?}");
    }
}

/// If two creations reach a quota together, one succeeds; the other gets the quota error when it retries.
#[tokio::test]
async fn concurrent_creations_do_not_exceed_a_quota() {
    let env = env().await;
    env.run(async |tx| apply(CreateUser(5, "Third"), tx).await).await;
    let (mut a, mut b) = (env.tx().await, env.tx().await);
    apply(CreateUser(6, "Fourth"), &mut a).await.expect("there is room for one");
    apply(CreateUser(7, "Fifth"), &mut b).await.expect("there is room for one");
    a.commit().await.expect("the first has no rival");
    assert!(matches!(b.commit().await, Err(CommitError::Conflict)));
    let refusal = env.refusal(async |tx| apply(CreateUser(7, "Fifth"), tx).await).await;
    assert_eq!(refusal, "LimitExceeded: Cannot exceed quota for UsersPerAccount: 4");
}

/// A change of a record that was only read is a conflict, because the decision depended on it.
#[tokio::test]
async fn a_commit_requires_that_what_was_read_is_unchanged() {
    let env = env().await;
    let mut reader = env.tx().await;
    tx_read(&mut reader).await.expect("the policy");
    apply(CreateUser(5, "New"), &mut reader).await.expect("it is new");
    env.run(async |tx| apply(NewVersionOfRead, tx).await).await;
    assert!(matches!(reader.commit().await, Err(CommitError::Conflict)));
    // Reading a list is not a precondition.
    let mut lister = env.tx().await;
    lister.list::<Policy>(ACCOUNT, "/", None, 10).await.expect("a list");
    apply(CreateUser(5, "New"), &mut lister).await.expect("it is new");
    env.run(async |tx| apply(NewVersionOfRead, tx).await).await;
    lister.commit().await.expect("nothing that it relied on has changed");
}
