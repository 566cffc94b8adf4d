//! Users, groups, roles, policies, access keys and accounts: names, quotas, refusals, lists, and what is left behind.

use crate::world::{ACCOUNT, World, access_key, account, group, now, policy, role, user, user_name};
use bailiwick_model::{AccountAlias, AccountId, PolicyName, RoleName, limits::Quotas};
use bailiwick_storage::{
    AccountState, Group, HolderFilter, Identity, IdentityKind, InlinePolicy, KeyOwner, Page, Policy, Role, Usage, User,
};

fn names<T>(page: &Page<T>, name: impl Fn(&T) -> String) -> Vec<String> {
    page.items.iter().map(name).collect()
}

fn inline(name: &str, size: u32) -> InlinePolicy {
    InlinePolicy { name: PolicyName::parse(name).expect("a name"), document: "{}".into(), size }
}

#[tokio::test]
async fn names_are_found_without_case_and_kept_with_it() {
    let world = World::new();
    world.run(async |tx| tx.create(&user(1, "Bob")).await).await;
    let mut tx = world.tx().await;
    let found = tx.get::<User>(ACCOUNT, &user_name("bOB")).await.expect("the user");
    assert_eq!(found, user(1, "Bob"));
    let other = AccountId::from_number(1).expect("an account");
    assert_eq!(tx.find::<User>(other, &user_name("Bob")).await.expect("a read"), None);
    assert_eq!(tx.find_by_id::<User>(ACCOUNT, &found.id).await.expect("a read"), Some(found));
    // Other kinds have names of their own.
    world.run(async |tx| tx.create(&group(2, "bob")).await).await;
    world.run(async |tx| tx.create(&role(3, "BOB")).await).await;
}

#[tokio::test]
async fn refusals_have_awss_words() {
    let world = World::new();
    world
        .run(async |tx| {
            tx.create(&user(1, "Bob")).await?;
            tx.create(&group(1, "Devs")).await?;
            tx.create(&role(1, "Deploy")).await?;
            tx.create_policy(&policy(1, "Read"), "{}".into()).await.map(drop)
        })
        .await;
    let key = access_key(1, KeyOwner::Root);
    for (refusal, expected) in [
        (
            world.refusal(async |tx| tx.create(&user(2, "BOB")).await).await,
            "EntityAlreadyExists: User with name BOB already exists.",
        ),
        (
            world.refusal(async |tx| tx.create(&group(2, "devs")).await).await,
            "EntityAlreadyExists: Group with name devs already exists.",
        ),
        (
            world.refusal(async |tx| tx.create(&role(2, "deploy")).await).await,
            "EntityAlreadyExists: Role with name deploy already exists.",
        ),
        (
            world.refusal(async |tx| tx.create_policy(&policy(2, "read"), "{}".into()).await).await,
            "EntityAlreadyExists: A policy called read already exists. Duplicate names are not allowed.",
        ),
        (
            world.refusal(async |tx| tx.get::<User>(ACCOUNT, &user_name("Eve")).await).await,
            "NoSuchEntity: The user with name Eve cannot be found.",
        ),
        (
            world.refusal(async |tx| tx.get::<Role>(ACCOUNT, &RoleName::parse("R").expect("a name")).await).await,
            "NoSuchEntity: The role with name R cannot be found.",
        ),
        (
            world.refusal(async |tx| tx.get_inline_policy(&(&user(1, "Bob")).into(), &inline("P", 1).name).await).await,
            "NoSuchEntity: The user policy with name P cannot be found.",
        ),
        (
            world.refusal(async |tx| tx.delete_access_key(ACCOUNT, &key.id).await).await,
            &format!("NoSuchEntity: The Access Key with id {} cannot be found.", key.id),
        ),
    ] {
        assert_eq!(refusal, expected);
    }
}

#[tokio::test]
async fn quotas_hold() {
    let quotas = Quotas {
        users: 2,
        groups: 2,
        roles: 1,
        policies: 2,
        groups_per_user: 1,
        attached_per_user: 1,
        attached_per_group: 1,
        attached_per_role: 1,
        accounts: 1,
    };
    let world = World::with(quotas);
    let (bob, devs, deploy, read) = (user(1, "Bob"), group(1, "Devs"), role(1, "Deploy"), policy(1, "Read"));
    let (ops, write) = (group(2, "Ops"), policy(2, "Write"));
    world
        .run(async |tx| {
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
        (world.refusal(async |tx| tx.create(&user(3, "Mallory")).await).await, "UsersPerAccount: 2"),
        (world.refusal(async |tx| tx.create(&group(3, "More")).await).await, "GroupsPerAccount: 2"),
        (world.refusal(async |tx| tx.create(&role(3, "More")).await).await, "RolesPerAccount: 1"),
        (world.refusal(async |tx| tx.create_policy(&policy(3, "M"), "{}".into()).await).await, "PoliciesPerAccount: 2"),
        (world.refusal(async |tx| tx.attach_policy(&(&bob).into(), &write).await).await, "PoliciesPerUser: 1"),
        (world.refusal(async |tx| tx.attach_policy(&(&devs).into(), &write).await).await, "PoliciesPerGroup: 1"),
        (world.refusal(async |tx| tx.attach_policy(&(&deploy).into(), &write).await).await, "PoliciesPerRole: 1"),
        (world.refusal(async |tx| tx.add_member(&ops, &bob).await).await, "GroupsPerUser: 1"),
        (
            world.refusal(async |tx| tx.create_access_key(&access_key(3, KeyOwner::User(bob.id))).await).await,
            "AccessKeysPerUser: 2",
        ),
        (world.refusal(async |tx| tx.create_account(&account(2, "b@example.com")).await).await, "Accounts: 1"),
    ] {
        assert_eq!(refusal, format!("LimitExceeded: Cannot exceed quota for {quota}"));
    }
    // What is there already takes no further place.
    world.run(async |tx| tx.attach_policy(&(&bob).into(), &read).await).await;
    world.run(async |tx| tx.add_member(&devs, &bob).await).await;
    // What goes makes room, within one transaction too.
    world
        .run(async |tx| {
            tx.detach_policy(&(&bob).into(), read.reference()).await?;
            tx.attach_policy(&(&bob).into(), &write).await?;
            tx.delete_access_key(ACCOUNT, &access_key(1, KeyOwner::User(bob.id)).id).await?;
            tx.create_access_key(&access_key(4, KeyOwner::User(bob.id))).await
        })
        .await;
    // Policies of the deployment count for no account.
    for n in 10..20 {
        let provided = Policy { account: AccountId::NONE, ..policy(n, &format!("Provided{n}")) };
        world.run(async |tx| tx.create_policy(&provided, "{}".into()).await).await;
    }
}

#[tokio::test]
async fn inline_policies_are_limited_by_their_sum() {
    let world = World::new();
    let bob = user(1, "bob");
    let me = Identity::from(&bob);
    world.run(async |tx| tx.create(&bob).await).await;
    world.run(async |tx| tx.put_inline_policy(&me, &inline("One", 2000)).await).await;
    let refusal = world.refusal(async |tx| tx.put_inline_policy(&me, &inline("Two", 49)).await).await;
    assert_eq!(refusal, "LimitExceeded: Maximum policy size of 2048 bytes exceeded for user bob");
    world.run(async |tx| tx.put_inline_policy(&me, &inline("Two", 48)).await).await;
    // One that is replaced counts as what it is now, whatever the case of its name.
    world.run(async |tx| tx.put_inline_policy(&me, &inline("ONE", 100)).await).await;
    world.run(async |tx| tx.put_inline_policy(&me, &inline("Three", 1900)).await).await;
    let mut tx = world.tx().await;
    let page = tx.list_inline_policies(&me, None, 2).await.expect("a list");
    assert_eq!(names(&page, |policy| policy.name.to_string()), ["ONE", "Three"]);
    let page = tx.list_inline_policies(&me, page.next.as_deref(), 2).await.expect("a list");
    assert_eq!((names(&page, |policy| policy.name.to_string()), page.next), (vec!["Two".to_owned()], None));
    tx.delete_inline_policy(&me, &inline("three", 0).name).await.expect("it is there");
    tx.put_inline_policy(&me, &inline("Four", 1900)).await.expect("there is room");
}

#[tokio::test]
async fn nothing_is_deleted_that_still_holds_something() {
    let world = World::new();
    let (bob, devs, deploy, read) = (user(1, "Bob"), group(1, "Devs"), role(1, "Deploy"), policy(1, "Read"));
    let key = access_key(1, KeyOwner::User(bob.id));
    let before = {
        world.run(async |tx| tx.create(&user(9, "Witness")).await).await;
        world.keys().await
    };
    world
        .run(async |tx| {
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
            tx.create_policy_version(&read, "{}".into(), false, now()).await.map(drop)
        })
        .await;
    let bob = world.run(async |tx| tx.get::<User>(ACCOUNT, &bob.name).await).await;
    let refused = |what: &str| format!("DeleteConflict: Cannot delete entity, {what}");
    let delete_bob = async || world.refusal(async |tx| tx.delete(&bob).await).await;
    assert_eq!(delete_bob().await, refused("must delete access keys first."));
    world.run(async |tx| tx.delete_access_key(ACCOUNT, &key.id).await).await;
    assert_eq!(delete_bob().await, refused("must detach all policies first."));
    world.run(async |tx| tx.detach_policy(&(&bob).into(), read.reference()).await).await;
    assert_eq!(delete_bob().await, refused("must delete policies first."));
    world.run(async |tx| tx.delete_inline_policy(&(&bob).into(), &inline("I", 1).name).await).await;
    assert_eq!(delete_bob().await, refused("must remove users from group first."));
    let delete_devs = async || world.refusal(async |tx| tx.delete(&devs).await).await;
    assert_eq!(delete_devs().await, refused("must remove users from group first."));
    assert!(world.run(async |tx| tx.remove_member(&devs, &bob).await).await);
    assert!(!world.run(async |tx| tx.remove_member(&devs, &bob).await).await);
    assert_eq!(delete_devs().await, refused("must detach all policies first."));
    for identity in [Identity::from(&devs), Identity::from(&deploy)] {
        assert!(world.run(async |tx| tx.detach_policy(&identity, read.reference()).await).await);
        assert!(!world.run(async |tx| tx.detach_policy(&identity, read.reference()).await).await);
    }
    assert_eq!(delete_devs().await, refused("must delete policies first."));
    let delete_read = async || {
        world
            .refusal(async |tx| {
                let read = tx.find_policy(read.reference()).await?.expect("the policy");
                tx.delete_policy(&read).await
            })
            .await
    };
    assert_eq!(delete_read().await, "DeleteConflict: Cannot delete a policy attached to entities.");
    // The last to hold it holds it as a boundary, which goes with its holder.
    world.run(async |tx| tx.delete(&bob).await).await;
    assert!(delete_read().await.starts_with("DeleteConflict: This policy has more than one version."));
    world
        .run(async |tx| {
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
    assert_eq!(world.keys().await, before, "what was made and deleted leaves nothing behind");
}

#[tokio::test]
async fn nothing_is_given_to_what_is_not_there() {
    let world = World::new();
    let (bob, devs, read) = (user(1, "Bob"), group(1, "Devs"), policy(1, "Read"));
    let (eve, write) = (user(2, "Eve"), policy(2, "Write"));
    world.run(async |tx| tx.create(&bob).await).await;
    world.run(async |tx| tx.create(&group(2, "Ops")).await).await;
    world.run(async |tx| tx.create_policy(&read, "{}".into()).await).await;
    let bounded = User { boundary: Some(write.reference()), ..eve.clone() };
    for refusal in [
        world.refusal(async |tx| tx.attach_policy(&(&bob).into(), &write).await).await,
        world.refusal(async |tx| tx.attach_policy(&(&eve).into(), &read).await).await,
        world.refusal(async |tx| tx.add_member(&devs, &bob).await).await,
        world.refusal(async |tx| tx.add_member(&group(2, "Ops"), &eve).await).await,
        world.refusal(async |tx| tx.remove_member(&devs, &eve).await).await,
        world.refusal(async |tx| tx.put_inline_policy(&(&eve).into(), &inline("I", 1)).await).await,
        world.refusal(async |tx| tx.create_access_key(&access_key(1, KeyOwner::User(eve.id))).await).await,
        world.refusal(async |tx| tx.create_access_key(&access_key(1, KeyOwner::Root)).await).await,
        world.refusal(async |tx| tx.create(&bounded).await).await,
        world.refusal(async |tx| tx.update(&eve, &eve).await).await,
        world.refusal(async |tx| tx.delete(&eve).await).await,
        world.refusal(async |tx| tx.update_policy(&write, &write).await).await,
        world.refusal(async |tx| tx.delete_policy_version(&write, 2).await).await,
        world.refusal(async |tx| tx.delete_policy(&write).await).await,
        world.refusal(async |tx| tx.update_account(&account(1, "a"), &account(1, "b")).await).await,
    ] {
        assert!(refusal.starts_with("NoSuchEntity: "), "{refusal}");
    }
    // What the same transaction has deleted is not there either.
    let refusal = world
        .refusal(async |tx| {
            tx.delete(&bob).await?;
            tx.attach_policy(&(&bob).into(), &read).await
        })
        .await;
    assert_eq!(refusal, "NoSuchEntity: The user with name Bob cannot be found.");
}

#[tokio::test]
async fn renaming_moves_every_index() {
    let world = World::new();
    let (bob, devs, read, limit) = (user(1, "Bob"), group(1, "Devs"), policy(1, "Read"), policy(2, "Limit"));
    world
        .run(async |tx| {
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
        world
            .run(async |tx| {
                let old = tx.get::<User>(ACCOUNT, &user_name(from)).await?;
                tx.update(&old, &User { name: user_name(to), ..old.clone() }).await
            })
            .await;
    };
    let refusal = world
        .refusal(async |tx| {
            let old = tx.get::<User>(ACCOUNT, &user_name("bob")).await?;
            tx.update(&old, &User { name: user_name("EVE"), ..old.clone() }).await
        })
        .await;
    assert_eq!(refusal, "EntityAlreadyExists: User with name EVE already exists.");
    let before = world.keys().await.len();
    for (from, to) in [("Bob", "zoe"), ("zoe", "ZOE"), ("ZOE", "Zoe2")] {
        rename(from, to).await;
        let mut tx = world.tx().await;
        let members = tx.list_members(&devs, None, 10).await.expect("a list");
        assert_eq!(names(&members, |user| user.name.to_string()), [to]);
        for usage in [(read.reference(), Usage::Attached), (limit.reference(), Usage::Boundary)] {
            let filter = HolderFilter { usage: Some(usage.1), kind: Some(IdentityKind::User), path_prefix: "" };
            let holders = tx.list_holders(ACCOUNT, usage.0, filter, None, 10).await.expect("a list");
            assert_eq!(names(&holders, |holder| holder.name.clone()), [to]);
        }
        assert_eq!(tx.find::<User>(ACCOUNT, &user_name("bob")).await.expect("a read"), None);
    }
    assert_eq!(world.keys().await.len(), before);
    world
        .run(async |tx| {
            let old = tx.get::<Group>(ACCOUNT, &devs.name).await?;
            let name = bailiwick_model::GroupName::parse("Crew")?;
            tx.update(&old, &Group { name, ..old.clone() }).await
        })
        .await;
    let tx = world.tx().await;
    let holders = tx.list_holders(ACCOUNT, read.reference(), HolderFilter::default(), None, 10).await.expect("a list");
    assert_eq!(names(&holders, |holder| holder.name.clone()), ["Crew", "Zoe2"]);
}

#[tokio::test]
async fn lists_sort_by_name_and_go_on_page_by_page() {
    let world = World::new();
    let shuffled = ["delta", "Alpha", "charlie", "Bravo", "echo", "alpha2"];
    for (n, name) in shuffled.iter().enumerate() {
        let path = if n % 2 == 0 { "/even/" } else { "/odd/" };
        let path = bailiwick_model::Path::parse(path).expect("a path");
        world.run(async |tx| tx.create(&User { path, ..user(n as u8, name) }).await).await;
    }
    let tx = world.tx().await;
    let walk = async |prefix: &str, limit: usize| {
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = tx.list::<User>(ACCOUNT, prefix, after.as_deref(), limit).await.expect("a list");
            assert!(page.next.is_none() || page.items.len() == limit, "only the last page is short");
            pages.push(names(&page, |user| user.name.to_string()).join(" "));
            match page.next {
                Some(next) => after = Some(next),
                None => break pages,
            }
        }
    };
    assert_eq!(walk("/", 10).await, ["Alpha alpha2 Bravo charlie delta echo"]);
    assert_eq!(walk("", 4).await, ["Alpha alpha2 Bravo charlie", "delta echo"]);
    assert_eq!(walk("/", 3).await, ["Alpha alpha2 Bravo", "charlie delta echo"]);
    assert_eq!(walk("/even/", 2).await, ["charlie delta", "echo"]);
    assert_eq!(walk("/odd", 1).await, ["Alpha", "alpha2", "Bravo"]);
    assert_eq!(walk("/none/", 5).await, [""]);
    assert_eq!(tx.count::<User>(ACCOUNT).await.expect("a count"), 6);
}

#[tokio::test]
async fn a_list_shows_what_the_same_transaction_wrote() {
    let world = World::new();
    for (n, name) in ["a", "c", "e"].iter().enumerate() {
        world.run(async |tx| tx.create(&user(n as u8, name)).await).await;
    }
    let mut tx = world.tx().await;
    tx.create(&user(7, "b")).await.expect("it is new");
    tx.create(&user(8, "f")).await.expect("it is new");
    tx.delete(&user(1, "c")).await.expect("it holds nothing");
    let page = tx.list::<User>(ACCOUNT, "/", None, 3).await.expect("a list");
    assert_eq!(names(&page, |user| user.name.to_string()), ["a", "b", "e"]);
    let page = tx.list::<User>(ACCOUNT, "/", page.next.as_deref(), 3).await.expect("a list");
    assert_eq!((names(&page, |user| user.name.to_string()), page.next), (vec!["f".to_owned()], None));
    assert_eq!(tx.count::<User>(ACCOUNT).await.expect("a count"), 4);
}

#[tokio::test]
async fn holders_are_listed_in_order_and_once() {
    let world = World::new();
    let (read, bob, devs, deploy) = (policy(1, "Read"), user(1, "Bob"), group(1, "Zebras"), role(1, "Alpha"));
    world
        .run(async |tx| {
            tx.create_policy(&read, "{}".into()).await?;
            tx.create(&User { boundary: Some(read.reference()), ..bob.clone() }).await?;
            tx.create(&user(2, "alice")).await?;
            tx.create(&devs).await?;
            tx.create(&deploy).await?;
            for identity in [(&bob).into(), (&user(2, "alice")).into(), (&devs).into(), Identity::from(&deploy)] {
                tx.attach_policy(&identity, &read).await?;
            }
            Ok(())
        })
        .await;
    let tx = world.tx().await;
    let list = async |filter: HolderFilter<'_>, after: Option<&str>, limit| {
        tx.list_holders(ACCOUNT, read.reference(), filter, after, limit).await.expect("a list")
    };
    let everybody = list(HolderFilter::default(), None, 3).await;
    assert_eq!(names(&everybody, |holder| holder.name.clone()), ["Zebras", "alice", "Bob"]);
    let rest = list(HolderFilter::default(), everybody.next.as_deref(), 3).await;
    assert_eq!((names(&rest, |holder| holder.name.clone()), rest.next), (vec!["Alpha".to_owned()], None));
    let bounded = list(HolderFilter { usage: Some(Usage::Boundary), ..HolderFilter::default() }, None, 3).await;
    assert_eq!(names(&bounded, |holder| holder.name.clone()), ["Bob"]);
    let roles = list(HolderFilter { kind: Some(IdentityKind::Role), ..HolderFilter::default() }, None, 3).await;
    assert_eq!(names(&roles, |holder| holder.name.clone()), ["Alpha"]);
    assert_eq!(tx.attachment_count(ACCOUNT, read.reference()).await.expect("a count"), 4);
    assert_eq!(tx.boundary_count(ACCOUNT, read.reference()).await.expect("a count"), 1);
}

#[tokio::test]
async fn versions_are_counted_on_and_at_most_five() {
    let world = World::new();
    let read = policy(1, "Read");
    world.run(async |tx| tx.create_policy(&read, "v1".into()).await).await;
    let add = async |set_default| {
        world
            .run(async |tx| {
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
    let full = world
        .refusal(async |tx| {
            let old = tx.find_policy(read.reference()).await?.expect("the policy");
            tx.create_policy_version(&old, "v6".into(), false, now()).await
        })
        .await;
    assert!(full.starts_with("LimitExceeded: A managed policy can have up to 5 versions."), "{full}");
    let default = world
        .refusal(async |tx| {
            let old = tx.find_policy(read.reference()).await?.expect("the policy");
            tx.delete_policy_version(&old, 4).await
        })
        .await;
    assert_eq!(default, "DeleteConflict: Cannot delete the default version of a policy.");
    world
        .run(async |tx| {
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
    let mut tx = world.tx().await;
    assert_eq!(tx.default_version(&policy).await.expect("a version").document, "v2");
    let all = tx.list_policy_versions(policy.reference()).await.expect("a list");
    assert_eq!(all.iter().map(|version| version.version).collect::<Vec<_>>(), [6, 4, 3, 2, 1]);
    assert_eq!(tx.policy_version_count(ACCOUNT).await.expect("a count"), 5);
}

#[tokio::test]
async fn access_keys_belong_to_their_owner() {
    let world = World::new();
    let bob = user(1, "Bob");
    let keys =
        [access_key(1, KeyOwner::Root), access_key(2, KeyOwner::User(bob.id)), access_key(3, KeyOwner::User(bob.id))];
    world
        .run(async |tx| {
            tx.create_account(&account(111_122_223_333, "root@example.com")).await?;
            tx.create(&bob).await?;
            for key in &keys {
                tx.create_access_key(key).await?;
            }
            Ok(())
        })
        .await;
    let mut tx = world.tx().await;
    let of = async |owner| {
        let page = tx.list_access_keys(ACCOUNT, &owner, None, 10).await.expect("a list");
        page.items
    };
    assert_eq!(of(KeyOwner::Root).await, keys[..1]);
    assert_eq!(of(KeyOwner::User(bob.id)).await, keys[1..]);
    assert_eq!(tx.access_key_account(&keys[1].id).await.expect("a read"), Some(ACCOUNT));
    assert!(!format!("{:?}", keys[0]).contains("sealed"), "what is sealed is not shown");
    let again = world.refusal(async |tx| tx.create_access_key(&access_key(2, KeyOwner::Root)).await).await;
    assert!(again.starts_with("ServiceFailure"), "{again}");
}

#[tokio::test]
async fn accounts_keep_aliases_addresses_and_states() {
    let world = World::new();
    let (one, two) = (account(1, "One@example.com"), account(2, "two@example.com"));
    world.run(async |tx| tx.create_account(&one).await).await;
    world.run(async |tx| tx.create_account(&two).await).await;
    for bad in [account(1, "x@example.com"), account(3, "oNE@example.com")] {
        let refusal = world.refusal(async |tx| tx.create_account(&bad).await).await;
        assert!(refusal.starts_with("EntityAlreadyExists"), "{refusal}");
    }
    let alias = AccountAlias::parse("first").expect("an alias");
    let named = bailiwick_storage::Account { alias: Some(alias.clone()), ..one.clone() };
    world.run(async |tx| tx.update_account(&one, &named).await).await;
    let taken = world
        .refusal(async |tx| {
            tx.update_account(&two, &bailiwick_storage::Account { alias: Some(alias.clone()), ..two.clone() }).await
        })
        .await;
    assert_eq!(taken, "EntityAlreadyExists: The account alias first already exists.");
    let closed = bailiwick_storage::Account { state: AccountState::Closed, alias: None, ..named.clone() };
    world.run(async |tx| tx.update_account(&named, &closed).await).await;
    let mut tx = world.tx().await;
    assert_eq!(tx.find_account_by_alias(&alias).await.expect("a read"), None);
    let page = tx.list_accounts(None, 1).await.expect("a list");
    assert_eq!((page.items, page.next.as_deref()), (vec![closed], Some("000000000001")));
    let page = tx.list_accounts(Some(one.id), 1).await.expect("a list");
    assert_eq!((page.items, page.next), (vec![two], None));
}

#[tokio::test]
async fn the_outbox_is_in_order_and_bounded() {
    let world = World::new();
    for n in [2u8, 1, 3] {
        world.run(async |tx| tx.append_outbox(&[n], vec![n].into(), 3).await).await;
    }
    let full = world.refusal(async |tx| tx.append_outbox(&[4], vec![4].into(), 3).await).await;
    assert!(full.starts_with("ServiceUnavailable"), "{full}");
    let tx = world.tx().await;
    let rows = tx.list_outbox(Some(&[1]), 10).await.expect("a list");
    assert_eq!(rows.iter().map(|row| row.key.to_vec()).collect::<Vec<_>>(), [[2], [3]]);
    world.run(async |tx| tx.remove_outbox(&[vec![1].into(), vec![9].into()]).await).await;
    assert_eq!(world.tx().await.outbox_len().await.expect("a count"), 2);
    world.run(async |tx| tx.append_outbox(&[4], vec![4].into(), 3).await).await;
}
