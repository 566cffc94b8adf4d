//! Quotas, sizes and counts.

use std::sync::Arc;

use async_trait::async_trait;
use bailiwick_model::{AccountId, limits::Quotas};
use bailiwick_storage::{
    At, Batch, Changes, Identity, KeyOwner, Policy, Revision, ServerId, ServiceUse, ServiceUser, Store, StoreError,
    View,
};
use bytes::Bytes;

use crate::env::{ACCOUNT, TestEnv, access_key, account, group, inline, names, now, policy, role, user};

#[tokio::test]
async fn quotas_are_enforced() {
    let quotas = Quotas {
        users: 2,
        groups: 2,
        roles: 1,
        policies: 2,
        groups_per_user: 1,
        attached_per_user: 1,
        attached_per_group: 1,
        attached_per_role: 1,
        instance_profiles: 1,
        oidc_providers: 1,
        saml_providers: 1,
        server_certificates: 1,
        accounts: 1,
    };
    let env = TestEnv::with(quotas);
    let (bob, devs, deploy, read) = (user(1, "Bob"), group(1, "Devs"), role(1, "Deploy"), policy(1, "Read"));
    let (ops, write) = (group(2, "Ops"), policy(2, "Write"));
    env.run(async |tx| {
        tx.create(&bob).await?;
        tx.create(&user(2, "Eve")).await?;
        tx.create(&devs).await?;
        tx.create(&ops).await?;
        tx.create(&deploy).await?;
        tx.create_policy(&read, "{}".into()).await?;
        tx.create_policy(&write, "{}".into()).await?;
        for identity in [Identity::from(&bob), Identity::from(&devs), Identity::from(&deploy)] {
            tx.attach_policy(&identity, &read).await?;
        }
        tx.add_member(&devs, &bob).await?;
        for n in [1, 2] {
            tx.create_access_key(&access_key(n, KeyOwner::User(bob.id))).await?;
        }
        tx.create_account(&account(1, "a@example.com")).await
    })
    .await;
    for (refusal, quota) in [
        (env.refusal(async |tx| tx.create(&user(3, "Mallory")).await).await, "UsersPerAccount: 2"),
        (env.refusal(async |tx| tx.create(&group(3, "More")).await).await, "GroupsPerAccount: 2"),
        (env.refusal(async |tx| tx.create(&role(3, "More")).await).await, "RolesPerAccount: 1"),
        (env.refusal(async |tx| tx.create_policy(&policy(3, "M"), "{}".into()).await).await, "PoliciesPerAccount: 2"),
        (env.refusal(async |tx| tx.attach_policy(&(&bob).into(), &write).await).await, "PoliciesPerUser: 1"),
        (env.refusal(async |tx| tx.attach_policy(&(&devs).into(), &write).await).await, "PoliciesPerGroup: 1"),
        (env.refusal(async |tx| tx.attach_policy(&(&deploy).into(), &write).await).await, "PoliciesPerRole: 1"),
        (env.refusal(async |tx| tx.add_member(&ops, &bob).await).await, "GroupsPerUser: 1"),
        (
            env.refusal(async |tx| tx.create_access_key(&access_key(3, KeyOwner::User(bob.id))).await).await,
            "AccessKeysPerUser: 2",
        ),
        (env.refusal(async |tx| tx.create_account(&account(2, "b@example.com")).await).await, "Accounts: 1"),
    ] {
        assert_eq!(refusal, format!("LimitExceeded: Cannot exceed quota for {quota}"));
    }
    // Adding what exists already does not count.
    env.run(async |tx| tx.attach_policy(&(&bob).into(), &read).await).await;
    env.run(async |tx| tx.add_member(&devs, &bob).await).await;
    // A removal makes room within the same transaction.
    env.run(async |tx| {
        tx.detach_policy(&(&bob).into(), read.reference()).await?;
        tx.attach_policy(&(&bob).into(), &write).await?;
        tx.delete_access_key(ACCOUNT, &access_key(1, KeyOwner::User(bob.id)).id).await?;
        tx.create_access_key(&access_key(4, KeyOwner::User(bob.id))).await
    })
    .await;
    // Policies of the deployment count for no account.
    for n in 10..20 {
        let provided = Policy { account: AccountId::NONE, ..policy(n, &format!("Provided{n}")) };
        env.run(async |tx| tx.create_policy(&provided, "{}".into()).await).await;
    }
}

#[tokio::test]
async fn inline_policies_are_limited_by_their_total_size() {
    let env = TestEnv::new();
    let bob = user(1, "bob");
    let me = Identity::from(&bob);
    env.run(async |tx| tx.create(&bob).await).await;
    env.run(async |tx| tx.put_inline_policy(&me, &inline("One", 2000)).await).await;
    let refusal = env.refusal(async |tx| tx.put_inline_policy(&me, &inline("Two", 49)).await).await;
    assert_eq!(refusal, "LimitExceeded: Maximum policy size of 2048 bytes exceeded for user bob");
    env.run(async |tx| tx.put_inline_policy(&me, &inline("Two", 48)).await).await;
    // A replaced policy counts with its new size, whatever the case of its name.
    env.run(async |tx| tx.put_inline_policy(&me, &inline("ONE", 100)).await).await;
    env.run(async |tx| tx.put_inline_policy(&me, &inline("Three", 1900)).await).await;
    let mut tx = env.tx().await;
    let page = tx.list_inline_policies(&me, None, 2).await.expect("a list");
    assert_eq!(names(&page, |policy| policy.name.to_string()), ["ONE", "Three"]);
    let page = tx.list_inline_policies(&me, page.next.as_deref(), 2).await.expect("a list");
    assert_eq!((names(&page, |policy| policy.name.to_string()), page.next), (vec!["Two".to_owned()], None));
    tx.delete_inline_policy(&me, &inline("three", 0).name).await.expect("it is there");
    tx.put_inline_policy(&me, &inline("Four", 1900)).await.expect("there is room");
}

#[tokio::test]
async fn the_outbox_is_ordered_and_bounded() {
    let env = TestEnv::new();
    for n in [2u8, 1, 3] {
        env.run(async |tx| tx.append_outbox(&[n], vec![n].into(), 3).await).await;
    }
    let full = env.refusal(async |tx| tx.append_outbox(&[4], vec![4].into(), 3).await).await;
    assert!(full.starts_with("ServiceUnavailable"), "{full}");
    let tx = env.tx().await;
    let rows = tx.list_outbox(Some(&[1]), 10).await.expect("a list");
    assert_eq!(rows.iter().map(|row| row.key.to_vec()).collect::<Vec<_>>(), [[2], [3]]);
    env.run(async |tx| tx.remove_outbox(&[vec![1].into(), vec![9].into()]).await).await;
    assert_eq!(env.tx().await.outbox_len().await.expect("a count"), 2);
    env.run(async |tx| tx.append_outbox(&[4], vec![4].into(), 3).await).await;
}

/// Large events that waited when a store was copied were moved in one transaction, which is too large for etcd.
#[tokio::test]
async fn waiting_events_of_other_servers_are_moved_in_parts() {
    let env = TestEnv::new();
    let event = Bytes::from(vec![7; 100 * 1024]);
    let other = TestEnv { store: Arc::new(Of(env.store.clone())), quotas: env.quotas.clone() };
    for n in 0..12 {
        other.run(async |tx| tx.append_outbox(&[n], event.clone(), 100).await).await;
    }
    env.run(async |tx| tx.append_outbox(&[200], event.clone(), 100).await).await;
    let mut parts = Vec::new();
    while parts.last().is_none_or(|(has_more, _)| *has_more) {
        let has_more = env.run(async |tx| tx.adopt_outboxes().await).await;
        parts.push((has_more, env.tx().await.outbox_len().await.expect("a count")));
    }
    assert_eq!(parts, [(true, 6), (true, 11), (false, 13)]);
    let rows = env.tx().await.list_outbox(None, 100).await.expect("a list");
    let keys: Vec<u8> = rows.iter().flat_map(|row| row.key.to_vec()).collect();
    assert_eq!(keys, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 200]);
}

/// The same store, of another server.
struct Of(Arc<dyn Store>);

#[async_trait]
impl Store for Of {
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError> {
        self.0.read(at).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        self.0.commit(batch).await
    }

    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
        self.0.watch(after).await
    }

    async fn head(&self) -> Result<Revision, StoreError> {
        self.0.head().await
    }

    fn server(&self) -> Option<ServerId> {
        Some(ServerId([9; 16]))
    }
}

/// All uses are deleted with their principal, in one transaction.
#[tokio::test]
async fn a_principal_with_as_many_uses_as_are_kept_is_deleted_in_a_batch_of_any_store() {
    let env = TestEnv::new();
    let bob = user(1, "Bob");
    env.run(async |tx| tx.create(&bob).await).await;
    let user = ServiceUser { account: ACCOUNT, id: Some(bob.id) };
    for part in 0..40 {
        env.run(async |tx| {
            for n in 0..100 {
                let used = ServiceUse { time: now(), region: "a".into() };
                tx.put_service_use(&user, &format!("s{part}:{n}"), &used).await?;
            }
            Ok(())
        })
        .await;
    }
    let before = env.keys().await.len();
    env.run(async |tx| tx.delete(&bob).await).await;
    let removed = before - env.keys().await.len();
    assert!((3_000..3_500).contains(&removed), "{removed} rows");
}

#[tokio::test]
async fn version_numbers_are_not_reused_and_at_most_five_exist() {
    let env = TestEnv::new();
    let read = policy(1, "Read");
    env.run(async |tx| tx.create_policy(&read, "v1".into()).await).await;
    let add = async |set_default| {
        env.run(async |tx| {
            let old = tx.find_policy(read.reference()).await?.expect("the policy");
            let number = old.latest_version + 1;
            tx.create_policy_version(&old, format!("v{number}"), set_default, now()).await
        })
        .await
    };
    for n in 2..=5 {
        let (policy, version) = add(n == 4).await;
        assert_eq!((version.version, policy.default_version), (n, if n >= 4 { 4 } else { 1 }));
    }
    let full = env
        .refusal(async |tx| {
            let old = tx.find_policy(read.reference()).await?.expect("the policy");
            tx.create_policy_version(&old, "v6".into(), false, now()).await
        })
        .await;
    assert!(full.starts_with("LimitExceeded: A managed policy can have up to 5 versions."), "{full}");
    let default = env
        .refusal(async |tx| {
            let old = tx.find_policy(read.reference()).await?.expect("the policy");
            tx.delete_policy_version(&old, 4).await
        })
        .await;
    assert_eq!(default, "DeleteConflict: Cannot delete the default version of a policy.");
    env.run(async |tx| {
        let old = tx.find_policy(read.reference()).await?.expect("the policy");
        assert!(!tx.set_default_version(&old, 9, now()).await?);
        assert!(tx.set_default_version(&old, 2, now()).await?);
        let old = tx.find_policy(read.reference()).await?.expect("the policy");
        assert!(tx.delete_policy_version(&old, 5).await?);
        Ok(())
    })
    .await;
    let (policy, version) = add(false).await;
    assert_eq!((version.version, policy.default_version), (6, 2), "numbers are not used again");
    let mut tx = env.tx().await;
    assert_eq!(tx.default_version(&policy).await.expect("a version").document, "v2");
    let all = tx.list_policy_versions(policy.reference()).await.expect("a list");
    assert_eq!(all.iter().map(|version| version.version).collect::<Vec<_>>(), [6, 4, 3, 2, 1]);
    assert_eq!(tx.policy_version_count(ACCOUNT).await.expect("a count"), 5);
}
