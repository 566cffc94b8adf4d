use bailiwick_api::op;
use serde_json::json;

use super::*;
use crate::testing::{ACCOUNT, World};

async fn recover(w: &World, account: &str) -> Result<Recovered> {
    let account = AccountId::parse(account).unwrap();
    let (now, random) = (w.cx().date(), &*w.deployment.random);
    let mut tx = w.begin().await;
    let recovered = recover_root(&mut tx, Recovery { account, now, random, sealer: &w.deployment.sealer }).await?;
    tx.commit().await.unwrap();
    Ok(recovered)
}

/// The ids of root's keys, and whether each is active.
async fn keys_of(w: &World, account: &str) -> Vec<(String, bool)> {
    let account = AccountId::parse(account).unwrap();
    let page = w.begin().await.list_access_keys(account, &KeyOwner::Root, None, 10).await.unwrap();
    page.items.into_iter().map(|key| (key.id.to_string(), key.active)).collect()
}

#[tokio::test]
async fn recovery_leaves_root_one_active_key() {
    let w = World::new().await;
    for before in 0..=2 {
        for (id, _) in keys_of(&w, ACCOUNT).await {
            let mut tx = w.begin().await;
            let account = AccountId::parse(ACCOUNT).unwrap();
            tx.delete_access_key(account, &bailiwick_model::AccessKeyId::parse(&id).unwrap()).await.unwrap();
            tx.commit().await.unwrap();
        }
        for _ in 0..before {
            w.ok::<op::CreateAccessKey>(json!({})).await;
        }
        let old = keys_of(&w, ACCOUNT).await;
        assert_eq!(old.len(), before);
        let recovered = recover(&w, ACCOUNT).await.unwrap();
        assert_eq!(keys_of(&w, ACCOUNT).await, [(recovered.root_key.id.to_string(), true)]);
        assert_eq!(recovered.deleted, old.into_iter().map(|(id, _)| id).collect::<Vec<_>>());
        assert!(!recovered.resumed);
        assert_eq!(recovered.root_key.secret.expose().len(), 40);
    }
}

#[tokio::test]
async fn recovery_of_a_member_account_changes_no_other() {
    let w = World::new().await;
    let made = w.ok::<op::CreateAccount>(json!({"accountName": "member", "email": "m@example.com"})).await;
    let member = made["account"]["accountId"].as_str().unwrap();
    w.ok::<op::SuspendAccount>(json!({"accountId": member})).await;
    let management = keys_of(&w, ACCOUNT).await;
    let recovered = recover(&w, member).await.unwrap();
    assert_eq!(recovered.root_key.id.account(), Some(AccountId::parse(member).unwrap()));
    assert_eq!((recovered.account.state, recovered.resumed), (AccountState::Suspended, false));
    assert_eq!(keys_of(&w, ACCOUNT).await, management);
    w.ok::<op::CloseAccount>(json!({"accountId": member})).await;
    assert_eq!(recover(&w, member).await.unwrap_err().code(), ErrorCode::UnmodifiableEntity);
    assert_eq!(recover(&w, "999999999999").await.unwrap_err().code(), ErrorCode::NoSuchEntity);
}

#[tokio::test]
async fn recovery_resumes_a_suspended_management_account() {
    let w = World::new().await;
    let id = AccountId::parse(ACCOUNT).unwrap();
    let mut tx = w.begin().await;
    let old = tx.find_account(id).await.unwrap().unwrap();
    tx.update_account(&old, &Account { state: AccountState::Suspended, ..old.clone() }).await.unwrap();
    tx.commit().await.unwrap();
    let recovered = recover(&w, ACCOUNT).await.unwrap();
    assert!(recovered.resumed);
    assert_eq!(w.begin().await.find_account(id).await.unwrap().unwrap().state, AccountState::Active);
}
