use bailiwick_api::op;
use serde_json::{Value, json};

use crate::testing::{World, column};

const BOB: &str = "arn:aws:iam::111122223333:user/x/Bob";
const ABSENT: &str = "APKAAAAAAAAAAAAAAAAAA";

async fn world() -> World {
    let w = World::new().await;
    w.ok::<op::CreateUser>(json!({"UserName": "Bob", "Path": "/x/"})).await;
    w
}

/// A key of 2,048 bits for each odd digit of base64: the head of the wire form, and a modulus of that digit.
fn key(digit: char) -> String {
    format!("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC{}", digit.to_string().repeat(341))
}

fn upload(user: &str, body: &str) -> Value {
    json!({"UserName": user, "SSHPublicKeyBody": body})
}

async fn uploaded(w: &World, user: &str, body: &str) -> Value {
    w.ok::<op::UploadSSHPublicKey>(upload(user, body)).await["SSHPublicKey"].clone()
}

fn named(id: &Value) -> Value {
    json!({"UserName": "Bob", "SSHPublicKeyId": id})
}

#[tokio::test]
async fn a_key_is_shown_in_both_encodings() {
    let w = world().await;
    let text = format!("{} bob@example.com\n", key('B'));
    let mut made = uploaded(&w, "bob", &text).await;
    assert_eq!(made["SSHPublicKeyBody"], json!(text));
    // Without the comment, as it is shown from then on.
    made["SSHPublicKeyBody"] = json!(key('B'));
    let id = &made["SSHPublicKeyId"];
    assert!(id.as_str().unwrap().starts_with("APKA"));
    assert_eq!(made["Fingerprint"].as_str().unwrap().len(), 47);
    assert_eq!((&made["UserName"], &made["Status"]), (&json!("Bob"), &json!("Active")));
    let get = |encoding: &str| json!({"UserName": "Bob", "SSHPublicKeyId": id, "Encoding": encoding});
    assert_eq!(w.ok::<op::GetSSHPublicKey>(get("SSH")).await["SSHPublicKey"], made);
    let pem = w.ok::<op::GetSSHPublicKey>(get("PEM")).await["SSHPublicKey"].clone();
    assert!(pem["SSHPublicKeyBody"].as_str().unwrap().starts_with("-----BEGIN PUBLIC KEY-----\n"));
    assert_eq!(pem["Fingerprint"], made["Fingerprint"]);
    let listed = w.ok::<op::ListSSHPublicKeys>(json!({"UserName": "Bob"})).await;
    let row = json!({"UserName": "Bob", "SSHPublicKeyId": id, "Status": "Active", "UploadDate": made["UploadDate"]});
    assert_eq!(listed, json!({"SSHPublicKeys": [row], "IsTruncated": false}));
}

#[tokio::test]
async fn a_user_has_a_key_once_in_any_encoding() {
    let w = world().await;
    w.user("Eve").await;
    let id = uploaded(&w, "Bob", &key('B')).await["SSHPublicKeyId"].clone();
    let twice = "DuplicateSSHPublicKey: Duplicate SSH public key uploaded.";
    w.fails::<op::UploadSSHPublicKey>(upload("Bob", &format!("{} again", key('B'))), twice).await;
    let get = json!({"UserName": "Bob", "SSHPublicKeyId": id, "Encoding": "PEM"});
    let pem = w.ok::<op::GetSSHPublicKey>(get).await["SSHPublicKey"]["SSHPublicKeyBody"].clone();
    w.fails::<op::UploadSSHPublicKey>(upload("Bob", pem.as_str().unwrap()), twice).await;
    assert_eq!(uploaded(&w, "Eve", pem.as_str().unwrap()).await["SSHPublicKeyBody"], pem);
    w.ok::<op::DeleteSSHPublicKey>(named(&id)).await;
    uploaded(&w, "Bob", &key('B')).await;
}

#[tokio::test]
async fn a_user_has_five_keys() {
    let w = world().await;
    let mut ids = Vec::new();
    for digit in ['B', 'D', 'F', 'H', 'J'] {
        ids.push(uploaded(&w, "Bob", &key(digit)).await["SSHPublicKeyId"].as_str().unwrap().to_owned());
    }
    let full = "LimitExceeded: Cannot exceed quota for SSHPublicKeysPerUser: 5";
    w.fails::<op::UploadSSHPublicKey>(upload("Bob", &key('L')), full).await;
    ids.sort();
    let first = w.ok::<op::ListSSHPublicKeys>(json!({"UserName": "Bob", "MaxItems": 2})).await;
    let rest = w.ok::<op::ListSSHPublicKeys>(json!({"UserName": "Bob", "Marker": first["Marker"]})).await;
    let listed = [&first, &rest].map(|page| column(&page["SSHPublicKeys"], "SSHPublicKeyId"));
    assert_eq!((listed[0].len(), listed.concat()), (2, ids.clone()));
    w.ok::<op::DeleteSSHPublicKey>(named(&json!(ids[0]))).await;
    uploaded(&w, "Bob", &key('L')).await;
}

#[tokio::test]
async fn other_texts_are_refused() {
    let w = world().await;
    let unknown = "UnrecognizedPublicKeyEncoding: Invalid public key uploaded.";
    let malformed = "InvalidPublicKey: Invalid body for public key";
    let small = format!("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC{}", "B".repeat(170));
    for (body, expected) in [
        ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA", unknown),
        ("x", unknown),
        ("ssh-rsa x", malformed),
        (small.as_str(), malformed),
    ] {
        w.fails::<op::UploadSSHPublicKey>(upload("Bob", body), expected).await;
    }
    // The user is looked for first.
    let missing = "NoSuchEntity: The user with name Nobody cannot be found.";
    w.fails::<op::UploadSSHPublicKey>(upload("Nobody", "x"), missing).await;
}

#[tokio::test]
async fn a_key_belongs_to_its_user() {
    let w = world().await;
    w.user("Eve").await;
    let id = uploaded(&w, "Eve", &key('B')).await["SSHPublicKeyId"].clone();
    let missing = format!("NoSuchEntity: The Public Key with id {} cannot be found.", id.as_str().unwrap());
    w.fails::<op::DeleteSSHPublicKey>(named(&id), &missing).await;
    let unknown = "NoSuchEntity: The Public Key with id APKAAAAAAAAAAAAAAAAAA cannot be found.";
    w.fails::<op::DeleteSSHPublicKey>(named(&json!(ABSENT)), unknown).await;
    let odd = "NoSuchEntity: The Public Key with id not_a_key_id_of_this_kind cannot be found.";
    w.fails::<op::DeleteSSHPublicKey>(named(&json!("not_a_key_id_of_this_kind")), odd).await;
    let nobody = "NoSuchEntity: The user with name Nobody cannot be found.";
    w.fails::<op::ListSSHPublicKeys>(json!({"UserName": "Nobody"}), nobody).await;
    let mine = w.as_user("Eve").await.ok::<op::ListSSHPublicKeys>(json!({})).await;
    assert_eq!(column(&mine["SSHPublicKeys"], "UserName"), ["Eve"]);
    assert_eq!(w.ok::<op::ListSSHPublicKeys>(json!({})).await, json!({"IsTruncated": false}));
}

#[tokio::test]
async fn status_and_deletion() {
    let w = world().await;
    let id = uploaded(&w, "Bob", &key('B')).await["SSHPublicKeyId"].clone();
    let status = |status: &str| json!({"UserName": "Bob", "SSHPublicKeyId": id, "Status": status});
    w.ok::<op::UpdateSSHPublicKey>(status("Inactive")).await;
    let listed = w.ok::<op::ListSSHPublicKeys>(json!({"UserName": "Bob"})).await;
    assert_eq!(column(&listed["SSHPublicKeys"], "Status"), ["Inactive"]);
    let expired = "InvalidInput: Operation does not support status Expired";
    w.fails::<op::UpdateSSHPublicKey>(status("Expired"), expired).await;
    w.ok::<op::UpdateUser>(json!({"UserName": "Bob", "NewUserName": "Rob"})).await;
    let referenced = "DeleteConflict: Cannot delete entity, must remove referenced objects first.";
    w.fails::<op::DeleteUser>(json!({"UserName": "Rob"}), referenced).await;
    w.ok::<op::DeleteSSHPublicKey>(json!({"UserName": "Rob", "SSHPublicKeyId": id})).await;
    w.ok::<op::DeleteUser>(json!({"UserName": "Rob"})).await;
}

#[tokio::test]
async fn each_operation_needs_its_permission_on_the_user() {
    let w = world().await;
    let needed = |operation: &str| format!("iam:{operation} {BOB}");
    w.needs::<op::UploadSSHPublicKey>(upload("Bob", "x"), &[&needed("UploadSSHPublicKey")]).await;
    w.needs::<op::ListSSHPublicKeys>(json!({"UserName": "Bob"}), &[&needed("ListSSHPublicKeys")]).await;
    let key = json!(ABSENT);
    w.needs::<op::DeleteSSHPublicKey>(named(&key), &[&needed("DeleteSSHPublicKey")]).await;
    let get = json!({"UserName": "Bob", "SSHPublicKeyId": key, "Encoding": "SSH"});
    w.needs::<op::GetSSHPublicKey>(get, &[&needed("GetSSHPublicKey")]).await;
    let update = json!({"UserName": "Bob", "SSHPublicKeyId": key, "Status": "Active"});
    w.needs::<op::UpdateSSHPublicKey>(update, &[&needed("UpdateSSHPublicKey")]).await;
}

#[tokio::test]
async fn an_upload_excludes_another_of_the_key_and_the_deletion_of_the_user() {
    let w = world().await;
    let request = upload("Bob", &key('B'));
    assert!(w.collide::<op::UploadSSHPublicKey, op::UploadSSHPublicKey>(request.clone(), request).await);
    w.user("Eve").await;
    assert!(
        w.collide::<op::DeleteUser, op::UploadSSHPublicKey>(json!({"UserName": "Eve"}), upload("Eve", &key('D'))).await
    );
}
