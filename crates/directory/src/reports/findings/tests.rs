use bailiwick_api::op;
use serde_json::{Value, json};

use super::Position;
use crate::testing::{ACCOUNT, World, trusting};

const FULL_ACCESS: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["s3:*","*"],"Resource":"*"}}"#;

/// All findings as `KIND resource subject`, read in pages of `max` findings.
async fn findings(w: &World, request: Value, max: i32) -> Vec<String> {
    let (mut found, mut marker) = (Vec::new(), Value::Null);
    loop {
        let mut page = request.clone();
        page["max_items"] = max.into();
        if !marker.is_null() {
            page["marker"] = marker;
        }
        let answer = w.ok::<op::ListFindings>(page).await;
        let listed = answer["findings"].as_array().cloned().unwrap_or_default();
        assert!(listed.len() <= max as usize);
        found.extend(listed.iter().map(shown));
        marker = answer["marker"].clone();
        assert_eq!(marker.is_null(), answer["isTruncated"].as_bool() != Some(true));
        if marker.is_null() {
            return found;
        }
    }
}

fn shown(finding: &Value) -> String {
    let text = |member: &str| finding[member].as_str().unwrap_or_default().to_owned();
    let kind = text("kind").trim_start_matches("FINDING_KIND_").to_owned();
    let resource = text("resource").rsplit(':').next().unwrap_or_default().to_owned();
    assert!(!text("text").is_empty() && text("recommendation").ends_with('.'), "{finding}");
    format!("{kind} {resource} {}", text("subject")).trim_end().to_owned()
}

/// Findings about one resource.
async fn about(w: &World, resource: &str, request: Value) -> Vec<String> {
    let all = findings(w, request, 1000).await;
    let of = |line: &String| line.split(' ').nth(1) == Some(resource);
    all.into_iter().filter(of).map(|line| line.replacen(&format!(" {resource}"), "", 1)).collect()
}

#[tokio::test]
async fn root_is_first() {
    let w = World::new().await;
    let key = w.ok::<op::ListAccessKeys>(json!({})).await["AccessKeyMetadata"][0]["AccessKeyId"].clone();
    let all = findings(&w, json!({}), 100).await;
    let key = key.as_str().unwrap();
    assert_eq!(
        all,
        ["ROOT_WITHOUT_MFA root".to_owned(), format!("ROOT_ACCESS_KEY root {key}"), "NO_PASSWORD_POLICY root".into()]
    );
    w.ok::<op::UpdateAccountPasswordPolicy>(json!({})).await;
    w.ok::<op::UpdateAccessKey>(json!({"AccessKeyId": key, "Status": "Inactive"})).await;
    assert!(findings(&w, json!({}), 100).await.is_empty());
}

#[tokio::test]
async fn credentials_of_users() {
    let w = World::new().await;
    w.user("Bob").await;
    w.ok::<op::CreateLoginProfile>(json!({"UserName": "Bob", "Password": "Correct-horse-battery-1"})).await;
    let key = w.ok::<op::CreateAccessKey>(json!({"UserName": "Bob"})).await["AccessKey"]["AccessKeyId"].clone();
    let key = key.as_str().unwrap();
    assert_eq!(about(&w, "user/Bob", json!({})).await, ["USER_WITHOUT_MFA"]);
    w.clock.advance(90 * 86_400 - 1);
    assert_eq!(about(&w, "user/Bob", json!({})).await, ["USER_WITHOUT_MFA"]);
    w.clock.advance(1);
    let [old, unused] = ["OLD", "UNUSED"].map(|how| format!("{how}_ACCESS_KEY {key}"));
    let all = ["USER_WITHOUT_MFA", "UNUSED_PASSWORD", &old, &unused];
    assert_eq!(about(&w, "user/Bob", json!({})).await, all);
    assert_eq!(about(&w, "user/Bob", json!({"key_age_days": 91})).await, [all[0], all[1], all[3]]);
    assert_eq!(about(&w, "user/Bob", json!({"unused_days": 91})).await, [all[0], all[2]]);
    let high = json!({"minimum_severity": "FINDING_SEVERITY_HIGH"});
    assert_eq!(about(&w, "user/Bob", high).await, [all[0]]);
    let kinds = json!({"kinds": ["FINDING_KIND_OLD_ACCESS_KEY", "FINDING_KIND_UNUSED_PASSWORD"]});
    assert_eq!(about(&w, "user/Bob", kinds).await, [all[1], all[2]]);
    w.ok::<op::UpdateAccessKey>(json!({"UserName": "Bob", "AccessKeyId": key, "Status": "Inactive"})).await;
    w.ok::<op::DeleteLoginProfile>(json!({"UserName": "Bob"})).await;
    assert!(about(&w, "user/Bob", json!({})).await.is_empty());
}

#[tokio::test]
async fn policies_of_users_groups_and_roles() {
    let w = World::new().await;
    let arn = w.policy("Harmless").await;
    for name in ["Ann", "Bob"] {
        w.user(name).await;
    }
    w.group("Admins").await;
    w.role("Deploy").await;
    w.ok::<op::AttachUserPolicy>(json!({"UserName": "Ann", "PolicyArn": arn})).await;
    let full = |holder: &str, name: &str| json!({holder: name, "PolicyName": "Full", "PolicyDocument": FULL_ACCESS});
    w.ok::<op::PutUserPolicy>(full("UserName", "Bob")).await;
    w.ok::<op::PutGroupPolicy>(full("GroupName", "Admins")).await;
    let administrator = json!({"RoleName": "Deploy", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"});
    w.ok::<op::AttachRolePolicy>(administrator).await;
    assert_eq!(about(&w, "user/Ann", json!({})).await, ["DIRECT_POLICY Harmless"]);
    assert_eq!(about(&w, "user/Bob", json!({})).await, ["DIRECT_POLICY Full", "ADMINISTRATOR Full"]);
    assert_eq!(about(&w, "group/Admins", json!({})).await, ["ADMINISTRATOR Full"]);
    assert_eq!(about(&w, "role/Deploy", json!({})).await, ["ADMINISTRATOR AdministratorAccess"]);
    w.clock.advance(90 * 86_400);
    assert_eq!(about(&w, "role/Deploy", json!({})).await, ["UNUSED_ROLE", "ADMINISTRATOR AdministratorAccess"]);
}

#[tokio::test]
async fn trust_policies() {
    let w = World::new().await;
    let made = w.ok::<op::CreateAccount>(json!({"account_name": "Other", "email": "other@example.com"})).await;
    let other = made["account"]["accountId"].as_str().unwrap();
    let url = "https://issuer.example.com";
    let provider = w.ok::<op::CreateOpenIDConnectProvider>(json!({"Url": url, "ClientIDList": ["me"]})).await;
    let provider = provider["OpenIDConnectProviderArn"].as_str().unwrap();
    let statement = |principal: Value, action: &str, condition: Value| {
        let mut statement = json!({"Effect": "Allow", "Principal": principal, "Action": action});
        if !condition.is_null() {
            statement["Condition"] = condition;
        }
        json!({"Version": "2012-10-17", "Statement": statement}).to_string()
    };
    let assume = |principal: Value, condition: Value| statement(principal, "sts:AssumeRole", condition);
    let web = |condition: Value| statement(json!({"Federated": provider}), "sts:AssumeRoleWithWebIdentity", condition);
    let equals = |key: &str, value: &str| json!({"StringEquals": {key: value}});
    let cases: [(String, &[&str]); 10] = [
        (trusting(ACCOUNT), &[]),
        (trusting(other), &["TRUST_WITHOUT_EXTERNAL_ID"]),
        (assume(json!({"AWS": other}), equals("sts:externalid", "x")), &[]),
        (assume(json!({"AWS": other}), equals("aws:SourceIp", "10.0.0.1")), &["TRUST_WITHOUT_EXTERNAL_ID"]),
        (assume(json!({"AWS": "*"}), Value::Null), &["PUBLIC_TRUST"]),
        (assume(json!({"AWS": "*"}), equals("aws:PrincipalAccount", other)), &[]),
        (assume(json!({"AWS": "*"}), equals("aws:RequestedRegion", "x")), &["TRUST_WITHOUT_EXTERNAL_ID"]),
        (assume(json!({"Service": "ec2.amazonaws.com"}), Value::Null), &[]),
        (web(equals("issuer.example.com:aud", "me")), &["TRUST_WITHOUT_SUBJECT"]),
        (web(equals("issuer.example.com:sub", "ann")), &[]),
    ];
    w.role("Deploy").await;
    for (document, expected) in cases {
        w.ok::<op::UpdateAssumeRolePolicy>(json!({"RoleName": "Deploy", "PolicyDocument": document})).await;
        assert_eq!(about(&w, "role/Deploy", json!({})).await, expected, "{document}");
    }
    // A role of another account that trusts the management account has nothing to hide from it.
    let inside = w.as_root(other);
    assert_eq!(
        about(&inside, "role/OrganizationAccountAccessRole", json!({})).await,
        ["ADMINISTRATOR AdministratorAccess"]
    );
}

#[tokio::test]
async fn pages_of_any_size_have_the_same_findings() {
    let w = World::new().await;
    for number in 0..230 {
        w.user(&format!("user{number:03}")).await;
    }
    for name in ["user000", "user120", "user229"] {
        let policy = json!({"UserName": name, "PolicyName": "Full", "PolicyDocument": FULL_ACCESS});
        w.ok::<op::PutUserPolicy>(policy).await;
    }
    w.role("Deploy").await;
    w.clock.advance(90 * 86_400);
    let all = findings(&w, json!({}), 1000).await;
    assert_eq!(all.len(), 3 + 3 * 2 + 1, "{all:?}");
    for max in [1, 2, 3, 7] {
        assert_eq!(findings(&w, json!({}), max).await, all, "{max}");
    }
    let rare = json!({"kinds": ["FINDING_KIND_UNUSED_ROLE"]});
    assert_eq!(findings(&w, rare, 1).await, ["UNUSED_ROLE role/Deploy"]);
}

#[tokio::test]
async fn wrong_requests() {
    let w = World::new().await;
    w.needs::<op::ListFindings>(json!({}), &["bailiwick:ListFindings *"]).await;
    let invalid = [
        (json!({"kinds": [99]}), "ValidationError: 99 is not a kind of finding."),
        (json!({"minimum_severity": 9}), "ValidationError: 9 is not a severity of findings."),
        (json!({"marker": "AAAA"}), "ValidationError: Invalid Marker."),
    ];
    for (request, expected) in invalid {
        w.fails::<op::ListFindings>(request, expected).await;
    }
}

#[test]
fn positions() {
    let deep = Position { section: 3, done: Some("a/b".into()), returned: 2 };
    for position in [Position::default(), deep] {
        assert_eq!(Position::read(&position.text()), position);
    }
}
