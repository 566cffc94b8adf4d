use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use serde_json::{Value, json};

use super::random_account_id;
use crate::testing::{ACCOUNT, World, column, trusting};

async fn create(w: &World, name: &str, email: &str) -> Value {
    w.ok::<op::CreateAccount>(json!({"accountName": name, "email": email})).await
}

#[tokio::test]
async fn a_new_account_has_only_a_role_for_the_management_account() {
    let w = World::new().await;
    let made = create(&w, "Dev Team", "dev@example.com").await;
    let id = made["account"]["accountId"].as_str().unwrap().to_owned();
    assert_eq!(made["account"]["status"], "ACCOUNT_STATUS_ACTIVE");
    assert_eq!(made["account"]["arn"], format!("arn:aws:bailiwick::{ACCOUNT}:account/{id}"));
    assert_eq!(made["roleArn"], format!("arn:aws:iam::{id}:role/OrganizationAccountAccessRole"));
    assert_eq!(w.ok::<op::DescribeAccount>(json!({"accountId": id})).await["account"], made["account"]);
    let root = w.as_root(&id);
    let details = root.ok::<op::GetAccountAuthorizationDetails>(json!({})).await;
    assert_eq!(details["UserDetailList"], json!(null));
    let role = details["RoleDetailList"][0].clone();
    let management = format!("arn:aws:iam::{ACCOUNT}:root");
    let trust: Value = serde_json::from_str(role["AssumeRolePolicyDocument"].as_str().unwrap()).unwrap();
    let expected: Value = serde_json::from_str(&trusting(&management)).unwrap();
    assert_eq!(trust["Statement"][0], expected["Statement"]);
    let attached = column(&role["AttachedManagedPolicies"], "PolicyArn");
    assert_eq!(attached, ["arn:aws:iam::aws:policy/AdministratorAccess"]);
    assert_eq!(root.ok::<op::ListAccessKeys>(json!({})).await["AccessKeyMetadata"], json!(null));
    let named = json!({"accountName": "b", "email": "b@example.com", "roleName": "Admins"});
    let named = w.ok::<op::CreateAccount>(named).await;
    assert!(named["roleArn"].as_str().unwrap().ends_with(":role/Admins"));
}

#[tokio::test]
async fn accounts_are_suspended_resumed_and_closed() {
    let w = World::new().await;
    let id = create(&w, "a", "a@example.com").await["account"]["accountId"].as_str().unwrap().to_owned();
    let account = json!({"accountId": id});
    let refused = |why: &str| format!("UnmodifiableEntity: account {id} is {why}");
    w.fails::<op::ResumeAccount>(account.clone(), &refused("not suspended")).await;
    w.clock.advance(10);
    let suspended = w.ok::<op::SuspendAccount>(account.clone()).await["account"].clone();
    assert_eq!(suspended["status"], "ACCOUNT_STATUS_SUSPENDED");
    assert_eq!(suspended["statusDate"], "2026-03-01T12:00:10Z");
    w.fails::<op::SuspendAccount>(account.clone(), &refused("suspended already")).await;
    w.ok::<op::ResumeAccount>(account.clone()).await;
    assert_eq!(w.ok::<op::CloseAccount>(account.clone()).await["account"]["status"], "ACCOUNT_STATUS_CLOSED");
    w.fails::<op::ResumeAccount>(account.clone(), &refused("closed")).await;
    w.fails::<op::CloseAccount>(account.clone(), &refused("closed")).await;
    assert_eq!(w.ok::<op::DescribeAccount>(account).await["account"]["status"], "ACCOUNT_STATUS_CLOSED");
    let management = format!("UnmodifiableEntity: account {ACCOUNT} is the management account");
    w.fails::<op::SuspendAccount>(json!({"accountId": ACCOUNT}), &management).await;
    w.fails::<op::CloseAccount>(json!({"accountId": ACCOUNT}), &management).await;
    let missing = "NoSuchEntity: The account with id 999999999999 cannot be found.";
    w.fails::<op::DescribeAccount>(json!({"accountId": "999999999999"}), missing).await;
}

#[tokio::test]
async fn accounts_are_listed_by_id_in_pages() {
    let w = World::with_quotas(Quotas { accounts: 5, ..Quotas::default() }).await;
    for i in 0..4 {
        create(&w, "a", &format!("a{i}@example.com")).await;
    }
    let more = json!({"accountName": "a", "email": "b@example.com"});
    w.fails::<op::CreateAccount>(more, "LimitExceeded: Cannot exceed quota for Accounts: 5").await;
    let (mut seen, mut request) = (Vec::new(), json!({"maxItems": 2}));
    loop {
        let page = w.ok::<op::ListAccounts>(request.clone()).await;
        seen.extend(column(&page["accounts"], "accountId"));
        if page["marker"].is_null() {
            break;
        }
        request["marker"] = page["marker"].clone();
    }
    assert!(seen.len() == 5 && seen.is_sorted() && seen.contains(&ACCOUNT.to_owned()), "{seen:?}");
}

#[tokio::test]
async fn an_address_and_an_alias_belong_to_one_open_account() {
    let w = World::new().await;
    let id = create(&w, "a", "a@example.com").await["account"]["accountId"].clone();
    let again = json!({"accountName": "b", "email": "A@Example.com"});
    let taken = "EntityAlreadyExists: an account with this e-mail address already exists";
    w.fails::<op::CreateAccount>(again.clone(), taken).await;
    w.as_root(id.as_str().unwrap()).ok::<op::CreateAccountAlias>(json!({"AccountAlias": "team"})).await;
    w.ok::<op::CloseAccount>(json!({"accountId": id})).await;
    w.ok::<op::CreateAccount>(again).await;
    w.ok::<op::CreateAccountAlias>(json!({"AccountAlias": "team"})).await;
}

#[tokio::test]
async fn the_management_account_owns_every_account() {
    let w = World::new().await;
    let other = w.as_root("444455556666");
    let id = json!({"accountId": "444455556666"});
    let resource = format!("arn:aws:bailiwick::{ACCOUNT}:account/444455556666 of {ACCOUNT}");
    other.needs::<op::CloseAccount>(id.clone(), &[&format!("bailiwick:CloseAccount {resource}")]).await;
    other.needs::<op::SuspendAccount>(id.clone(), &[&format!("bailiwick:SuspendAccount {resource}")]).await;
    other.needs::<op::ResumeAccount>(id.clone(), &[&format!("bailiwick:ResumeAccount {resource}")]).await;
    other.needs::<op::DescribeAccount>(id, &[&format!("bailiwick:DescribeAccount {resource}")]).await;
    other.needs::<op::ListAccounts>(json!({}), &[&format!("bailiwick:ListAccounts * of {ACCOUNT}")]).await;
    let create = json!({"accountName": "b", "email": "b@example.com"});
    other.needs::<op::CreateAccount>(create, &[&format!("bailiwick:CreateAccount * of {ACCOUNT}")]).await;
}

#[test]
fn ids_have_twelve_digits() {
    for random in [[0; 8], [255; 8], [1, 2, 3, 4, 5, 6, 7, 8]] {
        let id = random_account_id(random).to_string();
        assert!(id.len() == 12 && !id.starts_with('0'), "{id}");
    }
}
