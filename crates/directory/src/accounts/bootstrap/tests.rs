use bailiwick_api::op;
use bailiwick_model::{AccountId, ErrorCode};
use bailiwick_operation::SecretOwner;
use bailiwick_seal::SecretString;
use serde_json::json;

use super::*;
use crate::testing::World;

#[tokio::test]
async fn the_first_start_creates_only_root() {
    let w = World::new().await;
    let keys = w.ok::<op::ListAccessKeys>(json!({})).await;
    let id = AccessKeyId::parse(keys["AccessKeyMetadata"][0]["AccessKeyId"].as_str().unwrap()).unwrap();
    let mut tx = w.begin().await;
    let account = AccountId::parse(crate::testing::ACCOUNT).unwrap();
    let stored = tx.get_access_key(account, &id).await.unwrap();
    let owner = SecretOwner { account, user: None, key: &id };
    assert_eq!(owner.open(&w.deployment.sealer, &stored.sealed_secret).unwrap().expose().len(), 40);
    assert!(tx.find_account(account).await.unwrap().unwrap().management);
    assert_eq!(tx.list_accounts(None, 10).await.unwrap().items.len(), 1);
    let start = BootstrapOptions {
        account: Some(account),
        root_key: None,
        now: w.cx().date(),
        random: &*w.deployment.random,
        sealer: &w.deployment.sealer,
    };
    assert_eq!(bootstrap(&mut tx, start).await.unwrap_err().code(), ErrorCode::EntityAlreadyExists);
}

#[test]
fn given_keys_must_not_be_guessable() {
    let parse = |id: &str, secret: &str| FirstKey::parse(id, SecretString::from(secret.to_owned())).err();
    let good = "Vx3k9q0PzLr7Ty2mWbN8";
    for (id, secret, expected) in [
        ("AKIAROOTROOTROOTROOT", good, None),
        ("my_own_root_key_id", good, None),
        ("short", good, Some(FirstKeyError::Id)),
        ("AKIA ROOT ROOT ROOT", good, Some(FirstKeyError::Id)),
        ("ASIAROOTROOTROOTROOT", good, Some(FirstKeyError::Temporary)),
        ("AKIAROOTROOTROOTROOT", "", Some(FirstKeyError::Length)),
        ("AKIAROOTROOTROOTROOT", "minioadmin", Some(FirstKeyError::Length)),
        ("AKIAROOTROOTROOTROOT", &"aB".repeat(65), Some(FirstKeyError::Length)),
        ("AKIAROOTROOTROOTROOT", "has spaces in the middle", Some(FirstKeyError::Character)),
        ("AKIAROOTROOTROOTROOT", "ümläute-ümläute-ümläute", Some(FirstKeyError::Character)),
        ("AKIAROOTROOTROOTROOT", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", Some(FirstKeyError::Known)),
        ("AKIAROOTROOTROOTROOT", "ChangeMeChangeMe", Some(FirstKeyError::Known)),
        ("AKIAROOTROOTROOTROOT", "aaaaaaaaaaaaaaaaaaaa", Some(FirstKeyError::Known)),
        ("AKIAROOTROOTROOTROOT", "AKIAROOTROOTROOTROOT", Some(FirstKeyError::Known)),
    ] {
        assert_eq!(parse(id, secret), expected, "{id} {secret}");
        assert!(expected.is_none_or(|error| secret.is_empty() || !error.to_string().contains(secret)));
    }
}
