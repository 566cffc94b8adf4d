//! Deletions and renames: what must be removed first, and that nothing is left over.

use bailiwick_model::{IdKind, Tags};
use bailiwick_storage::{
    Group, HolderFilter, Identity, IdentityKind, InstanceProfile, KeyOwner, SamlProvider, ServiceSpecificCredential,
    ServiceUse, ServiceUser, SigningCertificate, SshPublicKey, Usage, User,
};

use crate::env::{
    ACCOUNT, TestEnv, access_key, account, group, id, inline, instance_profile, names, now, policy, role, user,
    user_name,
};

#[tokio::test]
async fn an_identity_that_holds_something_cannot_be_deleted() {
    let env = TestEnv::new();
    let (bob, devs, deploy, read) = (user(1, "Bob"), group(1, "Devs"), role(1, "Deploy"), policy(1, "Read"));
    let key = access_key(1, KeyOwner::User(bob.id));
    let before = {
        env.run(async |tx| tx.create(&user(9, "Witness")).await).await;
        env.keys().await
    };
    env.run(async |tx| {
        tx.create_policy(&read, "{}".into()).await?;
        tx.create(&User { boundary: Some(read.reference()), ..bob.clone() }).await?;
        tx.create(&devs).await?;
        tx.create(&deploy).await?;
        tx.add_member(&devs, &bob).await?;
        tx.create_access_key(&key).await?;
        for identity in [Identity::from(&bob), Identity::from(&devs), Identity::from(&deploy)] {
            tx.attach_policy(&identity, &read).await?;
            tx.put_inline_policy(&identity, &inline("I", 1)).await?;
        }
        for id in [bob.id, deploy.id] {
            for (action, region) in [("iam:GetUser", "a"), ("iam:GetUser", "b"), ("s3:", "a")] {
                let used = ServiceUse { time: now(), region: region.into() };
                tx.put_service_use(&ServiceUser { account: ACCOUNT, id: Some(id) }, action, &used).await?;
            }
        }
        tx.create_policy_version(&read, "{}".into(), false, now()).await.map(drop)
    })
    .await;
    let bob = env.run(async |tx| tx.get::<User>(ACCOUNT, &bob.name).await).await;
    let refused = |what: &str| format!("DeleteConflict: Cannot delete entity, {what}");
    let delete_bob = async || env.refusal(async |tx| tx.delete(&bob).await).await;
    assert_eq!(delete_bob().await, refused("must delete access keys first."));
    env.run(async |tx| tx.delete_access_key(ACCOUNT, &key.id).await).await;
    assert_eq!(delete_bob().await, refused("must detach all policies first."));
    env.run(async |tx| tx.detach_policy(&(&bob).into(), read.reference()).await).await;
    assert_eq!(delete_bob().await, refused("must delete policies first."));
    env.run(async |tx| tx.delete_inline_policy(&(&bob).into(), &inline("I", 1).name).await).await;
    assert_eq!(delete_bob().await, refused("must remove users from group first."));
    let delete_devs = async || env.refusal(async |tx| tx.delete(&devs).await).await;
    assert_eq!(delete_devs().await, refused("must remove users from group first."));
    assert!(env.run(async |tx| tx.remove_member(&devs, &bob).await).await);
    assert!(!env.run(async |tx| tx.remove_member(&devs, &bob).await).await);
    assert_eq!(delete_devs().await, refused("must detach all policies first."));
    for identity in [Identity::from(&devs), Identity::from(&deploy)] {
        assert!(env.run(async |tx| tx.detach_policy(&identity, read.reference()).await).await);
        assert!(!env.run(async |tx| tx.detach_policy(&identity, read.reference()).await).await);
    }
    assert_eq!(delete_devs().await, refused("must delete policies first."));
    let delete_read = async || {
        env.refusal(async |tx| {
            let read = tx.find_policy(read.reference()).await?.expect("the policy");
            tx.delete_policy(&read).await
        })
        .await
    };
    assert_eq!(delete_read().await, "DeleteConflict: Cannot delete a policy attached to entities.");
    // The last holder has the policy as its boundary, which is released with the holder.
    env.run(async |tx| tx.delete(&bob).await).await;
    assert!(delete_read().await.starts_with("DeleteConflict: This policy has more than one version."));
    env.run(async |tx| {
        for identity in [Identity::from(&devs), Identity::from(&deploy)] {
            tx.delete_inline_policy(&identity, &inline("I", 1).name).await?;
        }
        tx.delete(&devs).await?;
        tx.delete(&deploy).await?;
        let read = tx.find_policy(read.reference()).await?.expect("the policy");
        assert!(tx.delete_policy_version(&read, 2).await?);
        assert!(!tx.delete_policy_version(&read, 2).await?);
        tx.delete_policy(&read).await
    })
    .await;
    // Uses of a principal that is gone are not recorded.
    env.run(async |tx| {
        let used = ServiceUse { time: now(), region: "a".into() };
        tx.put_service_use(&ServiceUser { account: ACCOUNT, id: Some(bob.id) }, "s3:", &used).await
    })
    .await;
    assert_eq!(env.keys().await, before, "what was made and deleted leaves nothing behind");
}

#[tokio::test]
async fn nothing_can_be_added_to_a_missing_identity() {
    let env = TestEnv::new();
    let (bob, devs, read) = (user(1, "Bob"), group(1, "Devs"), policy(1, "Read"));
    let (eve, write) = (user(2, "Eve"), policy(2, "Write"));
    env.run(async |tx| tx.create(&bob).await).await;
    env.run(async |tx| tx.create(&group(2, "Ops")).await).await;
    env.run(async |tx| tx.create_policy(&read, "{}".into()).await).await;
    let bounded = User { boundary: Some(write.reference()), ..eve.clone() };
    for refusal in [
        env.refusal(async |tx| tx.attach_policy(&(&bob).into(), &write).await).await,
        env.refusal(async |tx| tx.attach_policy(&(&eve).into(), &read).await).await,
        env.refusal(async |tx| tx.add_member(&devs, &bob).await).await,
        env.refusal(async |tx| tx.add_member(&group(2, "Ops"), &eve).await).await,
        env.refusal(async |tx| tx.remove_member(&devs, &eve).await).await,
        env.refusal(async |tx| tx.put_inline_policy(&(&eve).into(), &inline("I", 1)).await).await,
        env.refusal(async |tx| tx.create_access_key(&access_key(1, KeyOwner::User(eve.id))).await).await,
        env.refusal(async |tx| tx.create_access_key(&access_key(1, KeyOwner::Root)).await).await,
        env.refusal(async |tx| tx.create(&bounded).await).await,
        env.refusal(async |tx| tx.update(&eve, &eve).await).await,
        env.refusal(async |tx| tx.delete(&eve).await).await,
        env.refusal(async |tx| tx.update_policy(&write, &write).await).await,
        env.refusal(async |tx| tx.delete_policy_version(&write, 2).await).await,
        env.refusal(async |tx| tx.delete_policy(&write).await).await,
        env.refusal(async |tx| tx.update_account(&account(1, "a"), &account(1, "b")).await).await,
    ] {
        assert!(refusal.starts_with("NoSuchEntity: "), "{refusal}");
    }
    // What the same transaction deleted is absent as well.
    let refusal = env
        .refusal(async |tx| {
            tx.delete(&bob).await?;
            tx.attach_policy(&(&bob).into(), &read).await
        })
        .await;
    assert_eq!(refusal, "NoSuchEntity: The user with name Bob cannot be found.");
}

#[tokio::test]
async fn renaming_moves_every_index() {
    let env = TestEnv::new();
    let (bob, devs, read, limit) = (user(1, "Bob"), group(1, "Devs"), policy(1, "Read"), policy(2, "Limit"));
    env.run(async |tx| {
        tx.create_policy(&read, "{}".into()).await?;
        tx.create_policy(&limit, "{}".into()).await?;
        tx.create(&User { boundary: Some(limit.reference()), ..bob.clone() }).await?;
        tx.create(&user(2, "Eve")).await?;
        tx.create(&devs).await?;
        tx.add_member(&devs, &bob).await?;
        tx.attach_policy(&(&bob).into(), &read).await?;
        tx.attach_policy(&(&devs).into(), &read).await
    })
    .await;
    let rename = async |from: &str, to: &str| {
        env.run(async |tx| {
            let old = tx.get::<User>(ACCOUNT, &user_name(from)).await?;
            tx.update(&old, &User { name: user_name(to), ..old.clone() }).await
        })
        .await;
    };
    let refusal = env
        .refusal(async |tx| {
            let old = tx.get::<User>(ACCOUNT, &user_name("bob")).await?;
            tx.update(&old, &User { name: user_name("EVE"), ..old.clone() }).await
        })
        .await;
    assert_eq!(refusal, "EntityAlreadyExists: User with name EVE already exists.");
    let before = env.keys().await.len();
    for (from, to) in [("Bob", "zoe"), ("zoe", "ZOE"), ("ZOE", "Zoe2")] {
        rename(from, to).await;
        let mut tx = env.tx().await;
        let members = tx.list_members(&devs, None, 10).await.expect("a list");
        assert_eq!(names(&members, |user| user.name.to_string()), [to]);
        for usage in [(read.reference(), Usage::Attached), (limit.reference(), Usage::Boundary)] {
            let filter = HolderFilter { usage: Some(usage.1), kind: Some(IdentityKind::User), path_prefix: "" };
            let holders = tx.list_holders(ACCOUNT, usage.0, filter, None, 10).await.expect("a list");
            assert_eq!(names(&holders, |holder| holder.name.clone()), [to]);
        }
        assert_eq!(tx.find::<User>(ACCOUNT, &user_name("bob")).await.expect("a read"), None);
    }
    assert_eq!(env.keys().await.len(), before);
    env.run(async |tx| {
        let old = tx.get::<Group>(ACCOUNT, &devs.name).await?;
        let name = bailiwick_model::GroupName::parse("Crew")?;
        tx.update(&old, &Group { name, ..old.clone() }).await
    })
    .await;
    let tx = env.tx().await;
    let holders = tx.list_holders(ACCOUNT, read.reference(), HolderFilter::default(), None, 10).await.expect("a list");
    assert_eq!(names(&holders, |holder| holder.name.clone()), ["Crew", "Zoe2"]);
}

#[tokio::test]
async fn an_instance_profile_leaves_nothing_behind() {
    let env = TestEnv::new();
    let (web, deploy) = (instance_profile(1, "Web"), role(1, "Deploy"));
    env.run(async |tx| tx.create(&deploy).await).await;
    let before = env.keys().await;
    env.run(async |tx| tx.create_instance_profile(&web).await).await;
    let stored = async || env.run(async |tx| tx.get::<InstanceProfile>(ACCOUNT, &web.name).await).await;
    let profile = stored().await;
    env.run(async |tx| tx.add_role_to_instance_profile(&profile, &deploy).await).await;
    let refused = "DeleteConflict: Cannot delete entity, must remove roles from instance profile first.";
    let profile = stored().await;
    assert_eq!(env.refusal(async |tx| tx.delete_instance_profile(&profile).await).await, refused);
    assert_eq!(env.refusal(async |tx| tx.delete(&deploy).await).await, refused);
    assert!(env.run(async |tx| tx.remove_role_from_instance_profile(&profile, &deploy).await).await);
    let profile = stored().await;
    assert!(!env.run(async |tx| tx.remove_role_from_instance_profile(&profile, &deploy).await).await);
    env.run(async |tx| tx.delete_instance_profile(&profile).await).await;
    assert_eq!(env.keys().await, before);
    let missing = env.refusal(async |tx| tx.add_role_to_instance_profile(&web, &role(2, "Gone")).await).await;
    assert_eq!(missing, "NoSuchEntity: The role with name Gone cannot be found.");
}

#[tokio::test]
async fn a_signing_certificate_leaves_nothing_behind() {
    let env = TestEnv::new();
    let bob = user(1, "Bob");
    env.run(async |tx| tx.create(&bob).await).await;
    let before = env.keys().await;
    let certificate = SigningCertificate {
        account: ACCOUNT,
        owner: KeyOwner::User(bob.id),
        id: "C".repeat(32),
        active: true,
        uploaded: now(),
        body: "text".into(),
        digest: [7; 32],
    };
    env.run(async |tx| tx.create_signing_certificate(&certificate).await).await;
    let refused = "DeleteConflict: Cannot delete entity, must delete certificates first.";
    assert_eq!(env.refusal(async |tx| tx.delete(&bob).await).await, refused);
    let other = SigningCertificate { owner: KeyOwner::Root, ..certificate.clone() };
    let missing = env.refusal(async |tx| tx.create_signing_certificate(&other).await).await;
    assert!(missing.starts_with("NoSuchEntity: "), "{missing}");
    env.run(async |tx| {
        tx.delete_signing_certificate(&certificate);
        Ok(())
    })
    .await;
    assert_eq!(env.keys().await, before);
}

#[tokio::test]
async fn keys_and_credentials_of_a_user_leave_nothing_behind() {
    let env = TestEnv::new();
    let bob = user(1, "Bob");
    env.run(async |tx| tx.create(&bob).await).await;
    let before = env.keys().await;
    let refused = "DeleteConflict: Cannot delete entity, must remove referenced objects first.";
    let key = SshPublicKey {
        account: ACCOUNT,
        user: bob.id,
        id: id(IdKind::SshPublicKey, 1),
        active: true,
        uploaded: now(),
        der: b"der".as_slice().into(),
        digest: "5e".into(),
    };
    let credential = ServiceSpecificCredential {
        account: ACCOUNT,
        user: bob.id,
        id: id(IdKind::ServiceSpecificCredential, 1),
        service: "codecommit.amazonaws.com".into(),
        name: "Bob-at-111122223333".into(),
        active: true,
        created: now(),
        expires: None,
        sealed_secret: b"sealed".as_slice().into(),
    };
    env.run(async |tx| tx.create_ssh_public_key(&key).await).await;
    assert_eq!(env.refusal(async |tx| tx.delete(&bob).await).await, refused);
    env.run(async |tx| tx.create_service_specific_credential(&credential).await).await;
    env.run(async |tx| {
        tx.delete_ssh_public_key(&key);
        Ok(())
    })
    .await;
    assert_eq!(env.refusal(async |tx| tx.delete(&bob).await).await, refused);
    env.run(async |tx| {
        tx.delete_service_specific_credential(&credential);
        Ok(())
    })
    .await;
    assert_eq!(env.keys().await, before);
    env.run(async |tx| tx.delete(&bob).await).await;
    assert!(env.refusal(async |tx| tx.create_ssh_public_key(&key).await).await.starts_with("NoSuchEntity: "));
    let missing = env.refusal(async |tx| tx.create_service_specific_credential(&credential).await).await;
    assert!(missing.starts_with("NoSuchEntity: "), "{missing}");
}

#[tokio::test]
async fn metadata_of_a_saml_provider_leaves_nothing_behind() {
    let env = TestEnv::new();
    env.run(async |tx| tx.create(&user(9, "Witness")).await).await;
    let before = env.keys().await;
    let provider = SamlProvider {
        account: ACCOUNT,
        name: "Okta".into(),
        uuid: "U".repeat(26),
        created: now(),
        valid_until: now(),
        requires_encryption: false,
        private_keys: Vec::new(),
        tags: Tags::new(),
        metadata_chunks: 0,
    };
    let stored = async || env.run(async |tx| tx.find_saml_provider(ACCOUNT, "Okta").await).await.expect("a provider");
    let read = async || {
        let provider = stored().await;
        env.run(async |tx| tx.read_saml_metadata(&provider).await).await
    };
    // Characters of three bytes, so that chunks end within one.
    let texts = ["\u{20ac}".repeat(500_000), "short".to_owned(), "\u{20ac}".repeat(200_000)];
    env.run(async |tx| tx.create_saml_provider(&provider, &texts[0]).await).await;
    assert_eq!(stored().await.metadata_chunks, 3);
    for text in &texts {
        let provider = stored().await;
        env.run(async |tx| {
            tx.put_saml_metadata(&provider, text);
            Ok(())
        })
        .await;
        assert!(read().await == *text);
    }
    let provider = stored().await;
    env.run(async |tx| {
        tx.delete_saml_provider(&provider);
        Ok(())
    })
    .await;
    assert_eq!(env.keys().await, before);
}
