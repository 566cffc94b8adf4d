//! Concurrent calls: those that exclude each other conflict, others do not.

use std::sync::LazyLock;

use bailiwick_api::op;
use serde_json::{Value, json};

use super::{ACCOUNT, ALLOW, World, trusting};

/// Users Bob and Eva, a group, a role, and a policy of two versions.
async fn world() -> (World, String) {
    let w = World::new().await;
    w.user("Bob").await;
    w.user("Eva").await;
    w.group("Devs").await;
    w.role("Runner").await;
    w.ok::<op::CreateInstanceProfile>(json!({"InstanceProfileName": "Web"})).await;
    let policy = w.policy("P").await;
    w.ok::<op::CreatePolicyVersion>(json!({"PolicyArn": policy, "PolicyDocument": ALLOW})).await;
    w.ok::<op::DeletePolicyVersion>(json!({"PolicyArn": policy, "VersionId": "v2"})).await;
    (w, policy)
}

/// Asserts that two calls conflict in both orders.
macro_rules! exclude_each_other {
    ($first:ident $one:expr, $second:ident $other:expr) => {{
        let (one, other): (fn(&str) -> Value, fn(&str) -> Value) = ($one, $other);
        let (w, policy) = world().await;
        let collided = w.collide::<op::$first, op::$second>(one(&policy), other(&policy)).await;
        assert!(collided, "{} then {}", stringify!($first), stringify!($second));
        let (w, policy) = world().await;
        let collided = w.collide::<op::$second, op::$first>(other(&policy), one(&policy)).await;
        assert!(collided, "{} then {}", stringify!($second), stringify!($first));
    }};
}

fn bob(_: &str) -> Value {
    json!({"UserName": "Bob"})
}

fn member(_: &str) -> Value {
    json!({"GroupName": "Devs", "UserName": "Bob"})
}

fn attach(policy: &str) -> Value {
    json!({"UserName": "Bob", "PolicyArn": policy})
}

fn rename(_: &str) -> Value {
    json!({"UserName": "Bob", "NewUserName": "Robert"})
}

fn the_policy(policy: &str) -> Value {
    json!({"PolicyArn": policy})
}

fn edge(policy: &str) -> Value {
    json!({"UserName": "Bob", "PermissionsBoundary": policy})
}

fn inline(_: &str) -> Value {
    json!({"UserName": "Bob", "PolicyName": "p", "PolicyDocument": ALLOW})
}

fn hand_on(_: &str) -> Value {
    json!({"InstanceProfileName": "Web", "RoleName": "Runner"})
}

fn certificate_of_bob(_: &str) -> Value {
    json!({"UserName": "Bob", "CertificateBody": CERTIFICATE.as_str()})
}

fn certificate_of_eva(_: &str) -> Value {
    json!({"UserName": "Eva", "CertificateBody": CERTIFICATE.as_str()})
}

/// A certificate in PEM form.
static CERTIFICATE: LazyLock<String> =
    LazyLock::new(|| rcgen::generate_simple_self_signed(Vec::new()).unwrap().cert.pem());

#[tokio::test]
async fn a_certificate_is_uploaded_once() {
    exclude_each_other!(UploadSigningCertificate certificate_of_bob, UploadSigningCertificate certificate_of_eva);
}

#[tokio::test]
async fn a_deletion_conflicts_with_additions_to_the_object() {
    exclude_each_other!(CreateAccessKey bob, DeleteUser bob);
    exclude_each_other!(PutUserPolicy inline, DeleteUser bob);
    exclude_each_other!(UploadSigningCertificate certificate_of_bob, DeleteUser bob);
    exclude_each_other!(AttachUserPolicy attach, DeleteUser bob);
    exclude_each_other!(AddUserToGroup member, DeleteUser bob);
    exclude_each_other!(AddRoleToInstanceProfile hand_on, DeleteRole |_| json!({"RoleName": "Runner"}));
    exclude_each_other!(
        AddRoleToInstanceProfile hand_on, DeleteInstanceProfile |_| json!({"InstanceProfileName": "Web"})
    );
    exclude_each_other!(AddUserToGroup member, DeleteGroup |_| json!({"GroupName": "Devs"}));
    exclude_each_other!(TagUser |_| json!({"UserName": "Bob", "Tags": [{"Key": "a", "Value": "b"}]}), DeleteUser bob);
    exclude_each_other!(
        AttachRolePolicy | policy | json!({"RoleName": "Runner", "PolicyArn": policy}),
        DeleteRole | _ | json!({"RoleName": "Runner"})
    );
}

#[tokio::test]
async fn a_deletion_of_a_policy_conflicts_with_its_use() {
    exclude_each_other!(AttachUserPolicy attach, DeletePolicy the_policy);
    exclude_each_other!(PutUserPermissionsBoundary edge, DeletePolicy the_policy);
    exclude_each_other!(CreateUser |policy| json!({"UserName": "Tom", "PermissionsBoundary": policy}),
        DeletePolicy the_policy);
}

#[tokio::test]
async fn a_trust_policy_conflicts_with_the_deletion_of_its_principal() {
    let role = |_: &str| {
        let document = trusting("arn:aws:iam::111122223333:user/Bob");
        json!({"RoleName": "R", "AssumeRolePolicyDocument": document})
    };
    let (w, policy) = world().await;
    assert!(w.collide::<op::DeleteUser, op::CreateRole>(bob(&policy), role(&policy)).await);
    let (w, policy) = world().await;
    assert!(w.collide::<op::UpdateUser, op::CreateRole>(rename(&policy), role(&policy)).await);
    // In the other order both commit: the role then trusts a deleted user.
    let (w, policy) = world().await;
    assert!(!w.collide::<op::CreateRole, op::DeleteUser>(role(&policy), bob(&policy)).await);
}

#[tokio::test]
async fn a_new_name_conflicts_with_changes_of_indexes_by_name() {
    exclude_each_other!(AddUserToGroup member, UpdateUser rename);
    exclude_each_other!(AttachUserPolicy attach, UpdateUser rename);
    exclude_each_other!(PutUserPermissionsBoundary edge, UpdateUser rename);
}

#[tokio::test]
async fn updates_of_one_object_conflict() {
    let tag = |key: &str| json!({"UserName": "Bob", "Tags": [{"Key": key, "Value": ""}]});
    let (w, policy) = world().await;
    assert!(w.collide::<op::TagUser, op::TagUser>(tag("a"), tag("b")).await);
    let version = json!({"PolicyArn": policy, "PolicyDocument": ALLOW});
    assert!(w.collide::<op::CreatePolicyVersion, op::CreatePolicyVersion>(version.clone(), version).await);
    let describe = |text: &str| json!({"RoleName": "Runner", "Description": text});
    assert!(w.collide::<op::UpdateRole, op::UpdateRoleDescription>(describe("a"), describe("b")).await);
    let trust = json!({"RoleName": "Runner", "PolicyDocument": trusting(ACCOUNT)});
    assert!(w.collide::<op::UpdateAssumeRolePolicy, op::UpdateRole>(trust, describe("c")).await);
}

#[tokio::test]
async fn deleting_a_version_conflicts_with_making_it_the_default() {
    let (w, policy) = world().await;
    w.ok::<op::CreatePolicyVersion>(json!({"PolicyArn": policy, "PolicyDocument": ALLOW})).await;
    let version = json!({"PolicyArn": policy, "VersionId": "v3"});
    assert!(w.collide::<op::DeletePolicyVersion, op::SetDefaultPolicyVersion>(version.clone(), version.clone()).await);
    w.ok::<op::CreatePolicyVersion>(json!({"PolicyArn": policy, "PolicyDocument": ALLOW})).await;
    let version = json!({"PolicyArn": policy, "VersionId": "v4"});
    assert!(w.collide::<op::SetDefaultPolicyVersion, op::DeletePolicyVersion>(version.clone(), version).await);
}

#[tokio::test]
async fn two_claims_of_one_name_or_of_the_last_place_in_a_quota_conflict() {
    let (w, _) = world().await;
    let named = |name: &str| json!({"UserName": name});
    assert!(w.collide::<op::CreateUser, op::CreateUser>(named("Tom"), named("TOM")).await);
    let robert = json!({"UserName": "Bob", "NewUserName": "Robert"});
    assert!(w.collide::<op::CreateUser, op::UpdateUser>(named("robert"), robert).await);
    w.ok::<op::CreateAccessKey>(named("Eva")).await;
    assert!(w.collide::<op::CreateAccessKey, op::CreateAccessKey>(named("Eva"), named("Eva")).await);
    let email = |email: &str| json!({"accountName": "x", "email": email});
    assert!(w.collide::<op::CreateAccount, op::CreateAccount>(email("a@x.example"), email("A@X.EXAMPLE")).await);
    let sized = |name: &str| {
        let document = ALLOW.replace("GetObject", &"x".repeat(1100));
        json!({"UserName": "Bob", "PolicyName": name, "PolicyDocument": document})
    };
    assert!(w.collide::<op::PutUserPolicy, op::PutUserPolicy>(sized("a"), sized("b")).await);
}

#[tokio::test]
async fn independent_changes_do_not_conflict() {
    let (w, policy) = world().await;
    let named = |name: &str| json!({"UserName": name});
    let members = |name: &str| json!({"GroupName": "Devs", "UserName": name});
    let holders = |name: &str| json!({"UserName": name, "PolicyArn": policy});
    let inline = |name: &str| json!({"UserName": "Bob", "PolicyName": name, "PolicyDocument": ALLOW});
    assert!(!w.collide::<op::CreateUser, op::CreateUser>(named("a"), named("b")).await);
    assert!(!w.collide::<op::AddUserToGroup, op::AddUserToGroup>(members("Bob"), members("Eva")).await);
    assert!(!w.collide::<op::AttachUserPolicy, op::AttachUserPolicy>(holders("Bob"), holders("Eva")).await);
    assert!(!w.collide::<op::PutUserPolicy, op::PutUserPolicy>(inline("a"), inline("b")).await);
    assert!(!w.collide::<op::CreateAccessKey, op::CreateAccessKey>(named("Bob"), named("Eva")).await);
}
