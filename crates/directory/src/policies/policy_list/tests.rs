use bailiwick_api::op;
use bailiwick_model::limits::{DROPPED_PER_PAGE, Quotas};
use serde_json::{Value, json};

use crate::testing::{ALLOW, World, column};

async fn world() -> World {
    let w = World::new().await;
    for (name, path) in [("zebra", "/"), ("Billing", "/own/"), ("apple", "/own/"), ("readonlyaccess", "/")] {
        w.ok::<op::CreatePolicy>(json!({"PolicyName": name, "Path": path, "PolicyDocument": ALLOW})).await;
    }
    w
}

async fn list(w: &World, mut request: Value) -> Vec<String> {
    request["MaxItems"] = json!(1000);
    let answer = w.ok::<op::ListPolicies>(request).await;
    assert_eq!(answer["IsTruncated"], false);
    column(&answer["Policies"], "Arn")
}

#[tokio::test]
async fn all_scopes_form_one_list_by_name_in_pages() {
    let w = world().await;
    let whole = list(&w, json!({})).await;
    let names: Vec<String> = whole.iter().map(|arn| arn.rsplit('/').next().unwrap().to_lowercase()).collect();
    assert!(names.is_sorted(), "{names:?}");
    assert_eq!(names.iter().filter(|name| *name == "billing" || *name == "readonlyaccess").count(), 4);
    for size in [1, 2, 3, 7] {
        let (mut seen, mut request) = (Vec::new(), json!({"MaxItems": size}));
        loop {
            let page = w.ok::<op::ListPolicies>(request.clone()).await;
            seen.extend(column(&page["Policies"], "Arn"));
            assert_eq!(page["IsTruncated"], json!(page["Marker"].is_string()));
            if page["Marker"].is_null() {
                break;
            }
            request["Marker"] = page["Marker"].clone();
        }
        assert_eq!(seen, whole, "pages of {size}");
    }
}

#[tokio::test]
async fn scope_and_path_filter_policies() {
    let w = world().await;
    let own = |name: &str| format!("arn:aws:iam::111122223333:policy/{name}");
    let local = list(&w, json!({"Scope": "Local"})).await;
    assert_eq!(local, ["own/apple", "own/Billing", "readonlyaccess", "zebra"].map(own));
    assert_eq!(list(&w, json!({"Scope": "Local", "PathPrefix": "/own/"})).await, ["own/apple", "own/Billing"].map(own));
    let shared = list(&w, json!({"Scope": "AWS"})).await;
    assert!(shared.len() > 100 && shared.iter().all(|arn| arn.starts_with("arn:aws:iam::aws:policy/")));
    let jobs = list(&w, json!({"Scope": "AWS", "PathPrefix": "/job-function/"})).await;
    assert!(jobs.contains(&"arn:aws:iam::aws:policy/job-function/ViewOnlyAccess".to_owned()) && jobs.len() < 10);
}

#[tokio::test]
async fn usage_filters_policies() {
    let w = world().await;
    w.user("Bob").await;
    let (apple, shared) = ("arn:aws:iam::111122223333:policy/own/apple", "arn:aws:iam::aws:policy/IAMFullAccess");
    let edge = "arn:aws:iam::111122223333:policy/zebra";
    w.ok::<op::AttachUserPolicy>(json!({"UserName": "Bob", "PolicyArn": apple})).await;
    w.ok::<op::AttachUserPolicy>(json!({"UserName": "Bob", "PolicyArn": shared})).await;
    w.ok::<op::PutUserPermissionsBoundary>(json!({"UserName": "Bob", "PermissionsBoundary": edge})).await;
    assert_eq!(list(&w, json!({"OnlyAttached": true})).await, [apple, shared, edge]);
    assert_eq!(list(&w, json!({"OnlyAttached": true, "Scope": "AWS"})).await, [shared]);
    let usage = |usage: &str| json!({"OnlyAttached": true, "PolicyUsageFilter": usage});
    assert_eq!(list(&w, usage("PermissionsPolicy")).await, [apple, shared]);
    assert_eq!(list(&w, usage("PermissionsBoundary")).await, [edge]);
    assert_eq!(list(&w, json!({"PolicyUsageFilter": "PermissionsBoundary"})).await, [edge]);
    // Another account sees its own counts.
    let account = w.ok::<op::CreateAccount>(json!({"accountName": "x", "email": "x@example.com"})).await;
    let other = w.as_root(account["account"]["accountId"].as_str().unwrap());
    let administrators = ["arn:aws:iam::aws:policy/AdministratorAccess"];
    assert_eq!(list(&other, json!({"OnlyAttached": true})).await, administrators);
    assert_eq!(list(&other, json!({"Scope": "Local"})).await, Vec::<String>::new());
}

/// The cost of a page does not depend on how many policies the filter drops before the next that it keeps.
#[tokio::test]
async fn a_page_ends_when_the_filter_has_dropped_many_policies() {
    let quotas = Quotas { policies: 5_000, ..Quotas::default() };
    let w = World::with_quotas(quotas).await;
    for number in 0..DROPPED_PER_PAGE {
        w.ok::<op::CreatePolicy>(json!({"PolicyName": format!("p{number:05}"), "PolicyDocument": ALLOW})).await;
    }
    let last = json!({"PolicyName": "zebra", "Path": "/own/", "PolicyDocument": ALLOW});
    let zebra = w.ok::<op::CreatePolicy>(last).await["Policy"]["Arn"].clone();
    w.user("Bob").await;
    w.ok::<op::AttachUserPolicy>(json!({"UserName": "Bob", "PolicyArn": zebra})).await;
    for filter in [json!({"PathPrefix": "/own/"}), json!({"OnlyAttached": true})] {
        let mut request = filter.clone();
        request["Scope"] = json!("Local");
        let first = w.ok::<op::ListPolicies>(request.clone()).await;
        assert_eq!((column(&first["Policies"], "Arn").len(), &first["IsTruncated"]), (0, &json!(true)));
        request["Marker"] = first["Marker"].clone();
        let second = w.ok::<op::ListPolicies>(request).await;
        assert_eq!(
            (column(&second["Policies"], "Arn"), &second["IsTruncated"]),
            (vec![zebra.as_str().unwrap().to_owned()], &json!(false)),
            "{filter}"
        );
    }
}
