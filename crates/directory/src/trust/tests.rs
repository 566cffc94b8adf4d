use bailiwick_api::op;
use bailiwick_model::{AccountId, RoleName};
use bailiwick_storage::Role;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, World, trusting};

const BOB: &str = "arn:aws:iam::111122223333:user/div/Bob";

async fn world() -> World {
    let w = World::new().await;
    w.ok::<op::CreateUser>(json!({"UserName": "Bob", "Path": "/div/"})).await;
    w.role("Other").await;
    w
}

async fn trust(w: &World, document: &str) -> bailiwick_model::Result<Value> {
    w.call::<op::CreateRole>(json!({"RoleName": "R", "AssumeRolePolicyDocument": document})).await
}

async fn shown(w: &World) -> String {
    let role = w.ok::<op::GetRole>(json!({"RoleName": "R"})).await;
    role["Role"]["AssumeRolePolicyDocument"].as_str().unwrap().to_owned()
}

async fn bound(w: &World) -> String {
    let account = AccountId::parse(ACCOUNT).unwrap();
    let role = w.begin().await.get::<Role>(account, &RoleName::parse("R").unwrap()).await.unwrap();
    role.trust_policy.bound
}

#[tokio::test]
async fn principals_are_bound_to_ids_and_shown_as_arns() {
    let w = world().await;
    let id = w.ok::<op::GetUser>(json!({"UserName": "Bob"})).await["User"]["UserId"].as_str().unwrap().to_owned();
    // White space and escapes stay as they were written.
    let document = trusting(BOB).replace(":{", " :\t{");
    trust(&w, &document).await.unwrap();
    assert_eq!(shown(&w).await, document);
    assert_eq!(bound(&w).await, document.replace(BOB, &id));
    w.ok::<op::UpdateUser>(json!({"UserName": "Bob", "NewUserName": "Robert", "NewPath": "/"})).await;
    assert_eq!(shown(&w).await, document.replace(BOB, "arn:aws:iam::111122223333:user/Robert"));
}

#[tokio::test]
async fn a_grant_does_not_pass_to_a_later_principal_of_the_same_name() {
    let w = world().await;
    trust(&w, &trusting(BOB)).await.unwrap();
    let before = bound(&w).await;
    w.ok::<op::DeleteUser>(json!({"UserName": "Bob"})).await;
    w.ok::<op::CreateUser>(json!({"UserName": "Bob", "Path": "/div/"})).await;
    assert_eq!(bound(&w).await, before);
    assert_eq!(shown(&w).await, before, "the unique id is shown for a deleted principal");
    // The shown text cannot be saved again: no principal has that id.
    let again = json!({"RoleName": "R", "PolicyDocument": before});
    let error = w.call::<op::UpdateAssumeRolePolicy>(again).await.unwrap_err();
    assert!(error.message().starts_with("Invalid principal in policy: \"AWS\":\"AIDA"), "{error}");
}

#[tokio::test]
async fn principals_must_exist() {
    let w = world().await;
    let other = w.ok::<op::CreateAccount>(json!({"accountName": "Other", "email": "other@example.com"})).await;
    let account = other["account"]["accountId"].as_str().unwrap().to_owned();
    let foreign_role = other["roleArn"].as_str().unwrap().to_owned();
    let id = w.ok::<op::GetUser>(json!({"UserName": "Bob"})).await["User"]["UserId"].as_str().unwrap().to_owned();
    for good in [
        "*",
        ACCOUNT,
        "arn:aws:iam::111122223333:root",
        BOB,
        "arn:aws:iam::111122223333:role/Other",
        "arn:aws:sts::111122223333:assumed-role/Other/session",
        &account,
        &foreign_role,
        &id,
    ] {
        if let Err(error) = trust(&w, &trusting(good)).await {
            panic!("{good}: {error}");
        }
        w.ok::<op::DeleteRole>(json!({"RoleName": "R"})).await;
    }
    for bad in [
        "999999999999",
        "arn:aws:iam::999999999999:root",
        "arn:aws:iam::111122223333:user/Bob",
        "arn:aws:iam::111122223333:user/div/bob",
        "arn:aws:iam::111122223333:role/Nobody",
        "arn:aws-cn:iam::111122223333:root",
        "arn:aws:sts::111122223333:assumed-role/Nobody/session",
        "AIDAAAAAAAAAAAAAAAAAA",
    ] {
        let error = trust(&w, &trusting(bad)).await.unwrap_err();
        let expected = format!("MalformedPolicyDocument: Invalid principal in policy: \"AWS\":\"{bad}\"");
        assert!(error.to_string().starts_with(&expected), "{bad}: {error}");
    }
    w.ok::<op::CloseAccount>(json!({"accountId": account})).await;
    assert!(trust(&w, &trusting(&account)).await.is_err(), "a closed account is not a principal");
}

#[tokio::test]
async fn services_and_identity_providers_need_not_exist() {
    let w = world().await;
    let federated = |kind: &str, name: &str, action: &str| {
        json!({"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": {kind: name}, "Action": action}
        ]})
        .to_string()
    };
    trust(&w, &federated("Service", "ec2.amazonaws.com", "sts:AssumeRole")).await.unwrap();
    for (account, exists) in [("111122223333", true), ("999999999999", false)] {
        for (kind, action) in [("oidc", "sts:AssumeRoleWithWebIdentity"), ("saml", "sts:AssumeRoleWithSAML")] {
            w.call::<op::DeleteRole>(json!({"RoleName": "R"})).await.ok();
            let provider = format!("arn:aws:iam::{account}:{kind}-provider/example.com");
            let saved = trust(&w, &federated("Federated", &provider, action)).await;
            assert_eq!(saved.is_ok(), exists, "{provider}: {saved:?}");
        }
    }
}

#[tokio::test]
async fn errors_of_malformed_documents_have_a_position() {
    let w = world().await;
    for (document, expected) in [
        ("{", "This policy contains invalid Json"),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"s3:Get*"}}"#,
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole","Resource":"*"}}"#,
            "Has prohibited field Resource",
        ),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}}"#,
            "AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".",
        ),
        (
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}}"#,
            "AssumeRolepolicy contained an invalid principal: \"STAR\":\"*\".",
        ),
    ] {
        let error = trust(&w, document).await.unwrap_err();
        assert_eq!(error.code().wire(), "MalformedPolicyDocument");
        assert_eq!(error.message(), expected);
        assert!(error.fields().iter().any(|(_, reason)| reason.starts_with("line 1")), "{document}: {error}");
    }
    let everyone =
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}}"#;
    trust(&w, everyone).await.unwrap();
    let large = trusting(BOB).replace("sts:AssumeRole", &format!("sts:AssumeRole\",\"Sid\":\"{}", "x".repeat(2048)));
    let error = trust(&w, &large).await.unwrap_err();
    assert_eq!(error.to_string(), "LimitExceeded: Cannot exceed quota for ACLSizePerRole: 2048");
}
