use bailiwick_api::op;
use bailiwick_model::{AccountId, UniqueId, UserName};
use bailiwick_operation::SecretPlace;
use bailiwick_storage::{ServiceSpecificCredential, User};
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, World, column};

const BOB: &str = "arn:aws:iam::111122223333:user/x/Bob";
const GIT: &str = "codecommit.amazonaws.com";
const BEDROCK: &str = "bedrock.amazonaws.com";

async fn world() -> World {
    let w = World::new().await;
    w.ok::<op::CreateUser>(json!({"UserName": "Bob", "Path": "/x/"})).await;
    w
}

fn for_service(user: &str, service: &str) -> Value {
    json!({"UserName": user, "ServiceName": service})
}

async fn created(w: &World, user: &str, service: &str) -> Value {
    let made = w.ok::<op::CreateServiceSpecificCredential>(for_service(user, service)).await;
    made["ServiceSpecificCredential"].clone()
}

fn named(credential: &Value) -> Value {
    json!({"UserName": "Bob", "ServiceSpecificCredentialId": credential["ServiceSpecificCredentialId"]})
}

async fn stored(w: &World, shown: &Value) -> ServiceSpecificCredential {
    let mut tx = w.begin().await;
    let account = AccountId::parse(ACCOUNT).unwrap();
    let name = UserName::parse(shown["UserName"].as_str().unwrap()).unwrap();
    let user = tx.get::<User>(account, &name).await.unwrap();
    let id = UniqueId::parse(shown["ServiceSpecificCredentialId"].as_str().unwrap()).unwrap();
    tx.find_service_specific_credential(account, &user.id, &id).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_password_is_shown_once_and_stored_sealed() {
    let w = world().await;
    let made = created(&w, "bob", GIT).await;
    let secret = made["ServicePassword"].as_str().unwrap();
    assert_eq!((secret.len(), secret.ends_with('=')), (60, false));
    assert!(made["ServiceSpecificCredentialId"].as_str().unwrap().starts_with("ACCA"));
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().remove("ServicePassword");
    let expected = json!({
        "UserName": "Bob", "ServiceName": GIT, "ServiceUserName": format!("Bob-at-{ACCOUNT}"), "Status": "Active",
        "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"], "CreateDate": made["CreateDate"],
    });
    assert_eq!(shown, expected);
    let listed = w.ok::<op::ListServiceSpecificCredentials>(json!({"UserName": "Bob"})).await;
    assert_eq!(listed, json!({"ServiceSpecificCredentials": [expected], "IsTruncated": false}));

    let stored = stored(&w, &made).await;
    assert!(!String::from_utf8_lossy(&stored.sealed_secret).contains(secret));
    let (owner, id) = (stored.user.as_str(), stored.id.as_str());
    let place = SecretPlace { table: "service-specific-credential", account: stored.account, owner, id };
    assert_eq!(place.open(&w.deployment.sealer, &stored.sealed_secret).unwrap().expose(), secret.as_bytes());
    assert!(!format!("{stored:?}").contains("sealed_secret"));
}

#[tokio::test]
async fn an_api_key_contains_its_alias_and_may_expire() {
    let w = world().await;
    let ages = json!({"UserName": "Bob", "ServiceName": BEDROCK, "CredentialAgeDays": 30});
    let made = w.ok::<op::CreateServiceSpecificCredential>(ages).await["ServiceSpecificCredential"].clone();
    let key = made["ServiceCredentialSecret"].as_str().unwrap().strip_prefix("ABSK").unwrap();
    let content = String::from_utf8(BASE64.decode(key.as_bytes()).unwrap()).unwrap();
    let alias = format!("Bob-at-{ACCOUNT}");
    assert_eq!(content.split_once(':').map(|(alias, secret)| (alias, secret.len())), Some((alias.as_str(), 60)));
    assert_eq!(made["ServiceCredentialAlias"], json!(alias));
    assert_eq!((made.get("ServiceUserName"), made.get("ServicePassword")), (None, None));
    let record = stored(&w, &made).await;
    assert_eq!(record.expires.unwrap().duration_since(record.created).as_hours(), 30 * 24);
    let logs = created(&w, "Bob", "logs.amazonaws.com").await;
    assert!(logs["ServiceCredentialSecret"].is_string() && logs.get("ExpirationDate").is_none());

    let past = ServiceSpecificCredential { expires: Some(w.cx().now()), ..record };
    let mut tx = w.begin().await;
    tx.update_service_specific_credential(&past);
    w.commit(tx).await;
    let listed = w.ok::<op::ListServiceSpecificCredentials>(for_service("Bob", BEDROCK)).await;
    assert_eq!(column(&listed["ServiceSpecificCredentials"], "Status"), ["Expired"]);
    // As in AWS, a password may expire too.
    let request = json!({"UserName": "Bob", "ServiceName": GIT, "CredentialAgeDays": 1});
    let made = w.ok::<op::CreateServiceSpecificCredential>(request).await;
    assert!(made["ServiceSpecificCredential"]["ExpirationDate"].is_string());
}

#[tokio::test]
async fn a_user_has_two_credentials_for_a_service() {
    let w = world().await;
    let names = |of: &Value| of["ServiceUserName"].as_str().unwrap().to_owned();
    let first = created(&w, "Bob", GIT).await;
    let second = created(&w, "Bob", GIT).await;
    assert_eq!(names(&second), format!("Bob+1-at-{ACCOUNT}"));
    let full = "LimitExceeded: Cannot exceed quota for ContextSpecificCredentialsPerUserPerContext: 2";
    w.fails::<op::CreateServiceSpecificCredential>(for_service("Bob", GIT), full).await;
    created(&w, "Bob", "cassandra.amazonaws.com").await;
    w.ok::<op::DeleteServiceSpecificCredential>(named(&first)).await;
    assert_eq!(names(&created(&w, "Bob", GIT).await), format!("Bob-at-{ACCOUNT}"));
}

/// The name of one user's second credential is what another's first one would have.
#[tokio::test]
async fn no_two_credentials_for_a_service_have_one_name() {
    let w = world().await;
    for user in ["bob+1", "bob+1+1"] {
        w.user(user).await;
    }
    let mut names = Vec::new();
    for user in ["bob+1", "Bob", "Bob", "bob+1", "bob+1+1"] {
        names.push(created(&w, user, GIT).await["ServiceUserName"].as_str().unwrap().to_ascii_lowercase());
    }
    let expected = ["bob+1", "bob", "bob+2", "bob+1+1", "bob+1+1+1"].map(|name| format!("{name}-at-{ACCOUNT}"));
    assert_eq!(names, expected);
    // A renamed user keeps the name, which no other user gets.
    w.ok::<op::UpdateUser>(json!({"UserName": "Bob", "NewUserName": "Rob"})).await;
    w.user("bob").await;
    assert_eq!(created(&w, "bob", GIT).await["ServiceUserName"], json!(format!("bob+3-at-{ACCOUNT}")));
}

#[tokio::test]
async fn a_reset_replaces_the_secret_alone() {
    let w = world().await;
    let made = created(&w, "Bob", GIT).await;
    let update = |status: &str| json!({"UserName": "Bob", "ServiceSpecificCredentialId": made["ServiceSpecificCredentialId"], "Status": status});
    w.ok::<op::UpdateServiceSpecificCredential>(update("Inactive")).await;
    let expired = "InvalidInput: Operation does not support status Expired";
    w.fails::<op::UpdateServiceSpecificCredential>(update("Expired"), expired).await;
    let before = stored(&w, &made).await;
    let reset = w.ok::<op::ResetServiceSpecificCredential>(named(&made)).await["ServiceSpecificCredential"].clone();
    assert_ne!(reset["ServicePassword"], made["ServicePassword"]);
    assert_eq!(reset["Status"], json!("Inactive"));
    let after = stored(&w, &made).await;
    assert_ne!(before.sealed_secret, after.sealed_secret);
    assert_eq!(ServiceSpecificCredential { sealed_secret: before.sealed_secret.clone(), ..after }, before);
}

#[tokio::test]
async fn all_users_are_listed_in_pages() {
    let w = world().await;
    w.user("Eve").await;
    for (user, service) in [("Bob", GIT), ("Eve", GIT), ("Eve", BEDROCK)] {
        created(&w, user, service).await;
    }
    let all = json!({"AllUsers": true, "MaxItems": 2});
    let first = w.ok::<op::ListServiceSpecificCredentials>(all).await;
    assert_eq!(first["IsTruncated"], json!(true));
    let next = json!({"AllUsers": true, "Marker": first["Marker"]});
    let rest = w.ok::<op::ListServiceSpecificCredentials>(next).await;
    assert_eq!(rest["IsTruncated"], json!(false));
    let mut users = [&first, &rest].map(|page| column(&page["ServiceSpecificCredentials"], "UserName")).concat();
    users.sort();
    assert_eq!(users, ["Bob", "Eve", "Eve"]);
    let git = w.ok::<op::ListServiceSpecificCredentials>(json!({"AllUsers": true, "ServiceName": GIT})).await;
    assert_eq!(column(&git["ServiceSpecificCredentials"], "ServiceName"), [GIT, GIT]);
    let both = "InvalidInput: Cannot list credentials for all users if a username is given";
    w.fails::<op::ListServiceSpecificCredentials>(json!({"AllUsers": true, "UserName": "Bob"}), both).await;
    let mine = w.as_user("Eve").await.ok::<op::ListServiceSpecificCredentials>(json!({"AllUsers": false})).await;
    assert_eq!(mine["ServiceSpecificCredentials"].as_array().unwrap().len(), 2);
    assert_eq!(w.ok::<op::ListServiceSpecificCredentials>(json!({})).await, json!({"IsTruncated": false}));
}

#[tokio::test]
async fn what_is_missing_is_reported_in_order() {
    let w = world().await;
    w.user("Eve").await;
    let user = "NoSuchEntity: The user with name Nobody cannot be found.";
    w.fails::<op::CreateServiceSpecificCredential>(for_service("Nobody", "x"), user).await;
    for service in ["s3.amazonaws.com", "x", "codecommit.amazonaws.com.cn"] {
        let unknown = format!("NoSuchEntity: No such service {service} is supported for Service Specific Credentials");
        w.fails::<op::CreateServiceSpecificCredential>(for_service("Bob", service), &unknown).await;
        w.fails::<op::ListServiceSpecificCredentials>(for_service("Bob", service), &unknown).await;
    }
    let odd = "ValidationError: ServiceName must match [a-zA-Z0-9.-]*";
    w.fails::<op::ListServiceSpecificCredentials>(for_service("Bob", "code commit"), odd).await;
    let theirs = created(&w, "Eve", "CodeCommit.amazonaws.com").await;
    assert_eq!(theirs["ServiceName"], GIT);
    let id = theirs["ServiceSpecificCredentialId"].as_str().unwrap();
    let missing = format!("NoSuchEntity: No such credential {id} exists");
    w.fails::<op::DeleteServiceSpecificCredential>(named(&theirs), &missing).await;
    w.fails::<op::ResetServiceSpecificCredential>(named(&theirs), &missing).await;
    w.fails::<op::ResetServiceSpecificCredential>(json!({"ServiceSpecificCredentialId": id}), &missing).await;
    let odd = json!({"UserName": "Bob", "ServiceSpecificCredentialId": "not_an_id_of_this_kind"});
    let missing = "NoSuchEntity: No such credential not_an_id_of_this_kind exists";
    w.fails::<op::DeleteServiceSpecificCredential>(odd, missing).await;
    let referenced = "DeleteConflict: Cannot delete entity, must remove referenced objects first.";
    w.fails::<op::DeleteUser>(json!({"UserName": "Eve"}), referenced).await;
}

#[tokio::test]
async fn each_operation_needs_its_permission_on_the_user() {
    let w = world().await;
    let needed = |operation: &str| format!("iam:{operation} {BOB}");
    let create = format!("{} iam:ServiceSpecificCredentialServiceName=x", needed("CreateServiceSpecificCredential"));
    w.needs::<op::CreateServiceSpecificCredential>(for_service("Bob", "x"), &[&create]).await;
    let aged = json!({"UserName": "Bob", "ServiceName": "x", "CredentialAgeDays": 7});
    let create = format!("{create} iam:ServiceSpecificCredentialAgeDays=7");
    w.needs::<op::CreateServiceSpecificCredential>(aged, &[&create]).await;
    let list = needed("ListServiceSpecificCredentials");
    w.needs::<op::ListServiceSpecificCredentials>(json!({"UserName": "Bob"}), &[&list]).await;
    let everyone = "iam:ListServiceSpecificCredentials arn:aws:iam::111122223333:user/*";
    w.needs::<op::ListServiceSpecificCredentials>(json!({"AllUsers": true}), &[everyone]).await;
    let id = json!({"ServiceSpecificCredentialId": "ACCAAAAAAAAAAAAAAAAAA"});
    w.needs::<op::ResetServiceSpecificCredential>(named(&id), &[&needed("ResetServiceSpecificCredential")]).await;
    w.needs::<op::DeleteServiceSpecificCredential>(named(&id), &[&needed("DeleteServiceSpecificCredential")]).await;
    let mut update = named(&id);
    update["Status"] = json!("Active");
    w.needs::<op::UpdateServiceSpecificCredential>(update, &[&needed("UpdateServiceSpecificCredential")]).await;
    // The checks of a stored credential have the service that it is for.
    let stored = created(&w, "Bob", GIT).await;
    let needed = |operation: &str| format!("{} iam:ServiceSpecificCredentialServiceName={GIT}", needed(operation));
    w.needs::<op::ResetServiceSpecificCredential>(named(&stored), &[&needed("ResetServiceSpecificCredential")]).await;
    w.needs::<op::DeleteServiceSpecificCredential>(named(&stored), &[&needed("DeleteServiceSpecificCredential")]).await;
    let mut update = named(&stored);
    update["Status"] = json!("Inactive");
    w.needs::<op::UpdateServiceSpecificCredential>(update, &[&needed("UpdateServiceSpecificCredential")]).await;
}

#[tokio::test]
async fn creations_of_one_name_and_the_deletion_of_the_user_exclude_each_other() {
    let w = world().await;
    let request = for_service("Bob", GIT);
    type Create = op::CreateServiceSpecificCredential;
    assert!(w.collide::<Create, Create>(request.clone(), request).await);
    w.user("Eve").await;
    assert!(w.collide::<op::DeleteUser, Create>(json!({"UserName": "Eve"}), for_service("Eve", GIT)).await);
}
