//! Names, refusals, owners.

use bailiwick_model::{AccountAlias, AccountId, RoleName};
use bailiwick_storage::{AccountState, KeyOwner, Role, User};

use crate::env::{ACCOUNT, TestEnv, access_key, account, group, inline, policy, role, user, user_name};

#[tokio::test]
async fn names_ignore_case_and_keep_it() {
    let env = TestEnv::new();
    env.run(async |tx| tx.create(&user(1, "Bob")).await).await;
    let mut tx = env.tx().await;
    let found = tx.get::<User>(ACCOUNT, &user_name("bOB")).await.expect("the user");
    assert_eq!(found, user(1, "Bob"));
    let other = AccountId::from_number(1).expect("an account");
    assert_eq!(tx.find::<User>(other, &user_name("Bob")).await.expect("a read"), None);
    assert_eq!(tx.find_by_id::<User>(ACCOUNT, &found.id).await.expect("a read"), Some(found));
    // Names of different kinds are independent.
    env.run(async |tx| tx.create(&group(2, "bob")).await).await;
    env.run(async |tx| tx.create(&role(3, "BOB")).await).await;
}

#[tokio::test]
async fn refusals_have_the_messages_of_aws() {
    let env = TestEnv::new();
    env.run(async |tx| {
        tx.create(&user(1, "Bob")).await?;
        tx.create(&group(1, "Devs")).await?;
        tx.create(&role(1, "Deploy")).await?;
        tx.create_policy(&policy(1, "Read"), "{}".into()).await.map(drop)
    })
    .await;
    let key = access_key(1, KeyOwner::Root);
    for (refusal, expected) in [
        (
            env.refusal(async |tx| tx.create(&user(2, "BOB")).await).await,
            "EntityAlreadyExists: User with name BOB already exists.",
        ),
        (
            env.refusal(async |tx| tx.create(&group(2, "devs")).await).await,
            "EntityAlreadyExists: Group with name devs already exists.",
        ),
        (
            env.refusal(async |tx| tx.create(&role(2, "deploy")).await).await,
            "EntityAlreadyExists: Role with name deploy already exists.",
        ),
        (
            env.refusal(async |tx| tx.create_policy(&policy(2, "read"), "{}".into()).await).await,
            "EntityAlreadyExists: A policy called read already exists. Duplicate names are not allowed.",
        ),
        (
            env.refusal(async |tx| tx.get::<User>(ACCOUNT, &user_name("Eve")).await).await,
            "NoSuchEntity: The user with name Eve cannot be found.",
        ),
        (
            env.refusal(async |tx| tx.get::<Role>(ACCOUNT, &RoleName::parse("R").expect("a name")).await).await,
            "NoSuchEntity: The role with name R cannot be found.",
        ),
        (
            env.refusal(async |tx| tx.get_inline_policy(&(&user(1, "Bob")).into(), &inline("P", 1).name).await).await,
            "NoSuchEntity: The user policy with name P cannot be found.",
        ),
        (
            env.refusal(async |tx| tx.delete_access_key(ACCOUNT, &key.id).await).await,
            &format!("NoSuchEntity: The Access Key with id {} cannot be found.", key.id),
        ),
    ] {
        assert_eq!(refusal, expected);
    }
}

#[tokio::test]
async fn access_keys_belong_to_one_owner() {
    let env = TestEnv::new();
    let bob = user(1, "Bob");
    let keys =
        [access_key(1, KeyOwner::Root), access_key(2, KeyOwner::User(bob.id)), access_key(3, KeyOwner::User(bob.id))];
    env.run(async |tx| {
        tx.create_account(&account(111_122_223_333, "root@example.com")).await?;
        tx.create(&bob).await?;
        for key in &keys {
            tx.create_access_key(key).await?;
        }
        Ok(())
    })
    .await;
    let mut tx = env.tx().await;
    let of = async |owner| {
        let page = tx.list_access_keys(ACCOUNT, &owner, None, 10).await.expect("a list");
        page.items
    };
    assert_eq!(of(KeyOwner::Root).await, keys[..1]);
    assert_eq!(of(KeyOwner::User(bob.id)).await, keys[1..]);
    assert_eq!(tx.access_key_account(&keys[1].id).await.expect("a read"), Some(ACCOUNT));
    assert!(!format!("{:?}", keys[0]).contains("sealed"), "what is sealed is not shown");
    let again = env.refusal(async |tx| tx.create_access_key(&access_key(2, KeyOwner::Root)).await).await;
    assert!(again.starts_with("ServiceFailure"), "{again}");
}

#[tokio::test]
async fn accounts_keep_aliases_addresses_and_states() {
    let env = TestEnv::new();
    let (one, two) = (account(1, "One@example.com"), account(2, "two@example.com"));
    env.run(async |tx| tx.create_account(&one).await).await;
    env.run(async |tx| tx.create_account(&two).await).await;
    for bad in [account(1, "x@example.com"), account(3, "oNE@example.com")] {
        let refusal = env.refusal(async |tx| tx.create_account(&bad).await).await;
        assert!(refusal.starts_with("EntityAlreadyExists"), "{refusal}");
    }
    let alias = AccountAlias::parse("first").expect("an alias");
    let named = bailiwick_storage::Account { alias: Some(alias.clone()), ..one.clone() };
    env.run(async |tx| tx.update_account(&one, &named).await).await;
    let taken = env
        .refusal(async |tx| {
            tx.update_account(&two, &bailiwick_storage::Account { alias: Some(alias.clone()), ..two.clone() }).await
        })
        .await;
    assert_eq!(taken, "EntityAlreadyExists: The account alias first already exists.");
    let closed = bailiwick_storage::Account { state: AccountState::Closed, alias: None, ..named.clone() };
    env.run(async |tx| tx.update_account(&named, &closed).await).await;
    let mut tx = env.tx().await;
    assert_eq!(tx.find_account_by_alias(&alias).await.expect("a read"), None);
    let page = tx.list_accounts(None, 1).await.expect("a list");
    assert_eq!((page.items, page.next.as_deref()), (vec![closed], Some("000000000001")));
    let page = tx.list_accounts(Some(one.id), 1).await.expect("a list");
    assert_eq!((page.items, page.next), (vec![two], None));
}
