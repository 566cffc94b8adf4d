//! Context keys that requests cannot have, in every operation that takes context.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{
    AuthorizeItem, AuthorizePassRoleRequest, AuthorizeRequest, BatchAuthorizeRequest, ContextEntry, ContextType,
    Decision, ExplainRequest, PutResourcePolicyRequest, ResourceTag, TagResourceRequest,
};
use bailiwick_api::{iam, op};
use bailiwick_decision::KeySource;
use bailiwick_evaluator::{ContextKey, GlobalKey};

use crate::tests::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/ponds/Heron";
const ALBUM: &str = "arn:aws:photos:eu-central-1:111122223333:album/1";
const BUCKET: &str = "arn:aws:s3:::bank";

fn trusting() -> String {
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"photos.example.com"},"Action":"sts:AssumeRole"}}"#.into()
}

async fn tag(env: &TestEnv, who: &Authenticated, arn: &str, key: &str, value: &str) {
    let tags = vec![ResourceTag { key: Some(key.into()), value: Some(value.into()) }];
    let req = TagResourceRequest { resource_arn: Some(arn.into()), tags };
    env.change::<op::TagResource>(who, req).await.unwrap();
}

fn pass(who: &Who, context: Vec<ContextEntry>) -> AuthorizePassRoleRequest {
    AuthorizePassRoleRequest {
        caller: by(who.clone()),
        role_arn: ROLE.into(),
        service_principal: "photos.example.com".into(),
        context,
        ..Default::default()
    }
}

/// The code of each operation's response to a reserved key: Authorize, BatchAuthorize with the key in the
/// shared context and in the item's, Explain.
async fn given(env: &TestEnv, service: &Authenticated, who: &Who, resource: &str, key: &str) -> [String; 4] {
    let context = vec![entry(key, ContextType::Unspecified, &["x"])];
    let req = AuthorizeRequest { context: context.clone(), ..question(who.clone(), "photos:Get", resource) };
    let req = AuthorizeRequest { resource_account: (resource != "*").then(|| MAIN.to_owned()), ..req };
    let item = AuthorizeItem {
        action: req.action.clone(),
        resource: req.resource.clone(),
        resource_account: req.resource_account.clone(),
        ..Default::default()
    };
    let batch = |shared: Vec<ContextEntry>, own: Vec<ContextEntry>| BatchAuthorizeRequest {
        caller: req.caller.clone(),
        context: shared,
        items: vec![AuthorizeItem { context: own, ..item.clone() }],
        ..Default::default()
    };
    let batched = async |req: BatchAuthorizeRequest| match env.call::<op::BatchAuthorize>(service, req).await {
        Ok(answer) => answer.results[0].error.as_ref().map_or("OK".to_owned(), |error| error.code.clone()),
        Err(error) => error.code().wire().to_owned(),
    };
    let explained = env.call::<op::Explain>(service, ExplainRequest { request: Some(req.clone()) }).await;
    let decided = env.call::<op::Authorize>(service, req.clone()).await;
    [
        decided.map_or_else(|error| error.code().wire(), |_| "OK").to_owned(),
        batched(batch(context.clone(), Vec::new())).await,
        batched(batch(Vec::new(), context)).await,
        explained.map_or_else(|error| error.code().wire(), |_| "OK").to_owned(),
    ]
}

/// Every key that the system knows, in some case, with a tag where it needs one.
fn all_keys() -> impl Iterator<Item = (GlobalKey, String)> {
    GlobalKey::ALL.iter().map(|key| {
        let tag = if key.as_str().ends_with('/') { "Team" } else { "" };
        (*key, format!("{}{tag}", key.as_str().to_uppercase()))
    })
}

#[tokio::test]
async fn reserved_keys_are_refused_in_every_operation() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    env.role(MAIN, "Heron", &trusting(), "").await;
    env.user(MAIN, "Alice", &allow("*", "*")).await;
    env.managed("reeds", &allow("*", "*")).await;
    tag(&env, &service, ALBUM, "Cost", "7").await;
    let kept = ALBUM.replace("/1", "/2");
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":"photos:Get","Resource":"*"}}"#;
    let req = PutResourcePolicyRequest { resource_arn: Some(kept.clone()), policy: Some(text.into()) };
    env.change::<op::PutResourcePolicy>(&service, req).await.unwrap();
    let alice = Who::PrincipalArn(format!("arn:aws:iam::{MAIN}:user/Alice"));
    let missing = ROLE.replace("Heron", "Egret");
    let stored = [
        ROLE,
        &missing,
        "arn:aws:iam::111122223333:user/Alice",
        "arn:aws:iam::111122223333:policy/reeds",
        "arn:aws:iam::aws:policy/AdministratorAccess",
        "arn:aws:sts::111122223333:assumed-role/Heron/dive",
        "arn:aws:bailiwick::111122223333:service/photos",
        ALBUM,
        &kept,
    ];
    for (key, name) in all_keys() {
        let key_source = KeySource::of(&ContextKey::new(&name));
        let refused = |resource: &str| match key_source {
            KeySource::Bailiwick => true,
            KeySource::StoredResource => stored.contains(&resource),
            KeySource::PassRole | KeySource::Service => false,
        };
        for resource in stored.into_iter().chain([BUCKET, "*"]) {
            let expected = if refused(resource) { "ValidationError" } else { "OK" };
            let codes = given(&env, &service, &alice, resource, &name).await;
            assert_eq!(codes, [expected; 4], "{name} for {resource}");
        }
        let context = vec![entry(&name, ContextType::Unspecified, &["x"])];
        let answer = env.call::<op::AuthorizePassRole>(&service, pass(&alice, context)).await;
        let expected = if key_source == KeySource::Service { "OK" } else { "ValidationError" };
        assert_eq!(answer.map_or_else(|error| error.code().wire(), |_| "OK"), expected, "{key:?}");
    }
}

/// Keys beyond ASCII are compared with folded case: `ſ` is an `s` of `aws:`.
#[tokio::test]
async fn reserved_keys_are_refused_in_every_spelling() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    env.user(MAIN, "Alice", &allow("*", "*")).await;
    tag(&env, &service, ALBUM, "Cost", "7").await;
    let alice = Who::PrincipalArn(format!("arn:aws:iam::{MAIN}:user/Alice"));
    for (key, resource, expected) in [
        ("aw\u{17f}:PrincipalTag/\u{e9}quipe", BUCKET, "ValidationError"),
        ("aws:PrincipalTag/\u{e9}quipe", BUCKET, "ValidationError"),
        ("aw\u{17f}:ResourceTag/\u{e9}", ALBUM, "ValidationError"),
        ("aw\u{17f}:ResourceTag/\u{e9}", BUCKET, "OK"),
        ("\u{e9}:PrincipalTag/Team", BUCKET, "OK"),
    ] {
        assert_eq!(given(&env, &service, &alice, resource, key).await, [expected; 4], "{key} for {resource}");
    }
}

#[tokio::test]
async fn a_simulation_accepts_every_key() {
    let env = TestEnv::new().await;
    let service = env.user(MAIN, "admin", &allow("*", "*")).await;
    let service = env.prove(&env.key(MAIN, Some(&service)).await).await.unwrap();
    for (_, name) in all_keys() {
        let condition = format!(r#"{{"StringEquals":{{"{name}":"x"}}}}"#);
        let req = iam::SimulateCustomPolicyRequest {
            policy_input_list: vec![statement("Allow", "iam:GetRole", "*", &condition)],
            action_names: vec!["iam:GetRole".into()],
            resource_arns: vec![ROLE.into()],
            context_entries: vec![iam::ContextEntry {
                context_key_name: Some(name.clone()),
                context_key_type: Some("string".into()),
                context_key_values: vec!["x".into()],
            }],
            ..Default::default()
        };
        let answer = env.call::<op::SimulateCustomPolicy>(&service, req).await.unwrap();
        assert_eq!(answer.evaluation_results[0].eval_decision.as_deref(), Some("allowed"), "{name}");
    }
}

#[tokio::test]
async fn stored_tags_apply_in_every_operation() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    // Tags of the role: Team=roles; of the user: Team=reeds; of the policy: Team=papers.
    env.role(MAIN, "Heron", &trusting(), "").await;
    let managed = env.managed("papers", &allow("*", "*")).await;
    let mut tx = env.tx().await;
    let old = tx.get::<Policy>(account(MAIN), &PolicyName::parse("papers").unwrap()).await.unwrap();
    let tags = Tags::parse([("Team", "papers")]).unwrap();
    tx.update_policy(&old, &Policy { tags, ..old.clone() }).await.unwrap();
    env.commit(tx).await;
    tag(&env, &service, ALBUM, "Team", "photos").await;
    let check = async |resource: &str, action: &str, prefix: &str, team: &str, expected: bool| {
        let name = format!("u-{}", env.next_id(IdKind::User));
        let condition = format!(r#"{{"StringEquals":{{"{prefix}:ResourceTag/team":"{team}"}}}}"#);
        let document = statement("Allow", action, "*", &condition);
        env.user(MAIN, &name, &document).await;
        let who = Who::PrincipalArn(format!("arn:aws:iam::{MAIN}:user/{name}"));
        let decided = env.decided(&service, question(who.clone(), action, resource)).await;
        let expected = if expected { Decision::Allow } else { Decision::ImplicitDeny };
        assert_eq!(decided, expected, "{action} on {resource} with {prefix}: {team}");
        if action == "iam:PassRole" {
            let answer = env.call::<op::AuthorizePassRole>(&service, pass(&who, Vec::new())).await.unwrap();
            assert_eq!(answer.decision(), expected, "{prefix}: {team}");
        }
    };
    let user = format!("arn:aws:iam::{MAIN}:user/gateway");
    for prefix in ["aws", "iam"] {
        check(ROLE, "iam:PassRole", prefix, "roles", true).await;
        check(ROLE, "iam:PassRole", prefix, "x", false).await;
        check(&ROLE.replace("Heron", "heron"), "iam:GetRole", prefix, "roles", false).await;
        check(&user, "iam:GetUser", prefix, "reeds", true).await;
        check(&user, "iam:GetUser", prefix, "roles", false).await;
        check(managed.as_str(), "iam:GetPolicy", prefix, "papers", true).await;
        check(managed.as_str(), "iam:GetPolicy", prefix, "roles", false).await;
        check(ALBUM, "photos:Get", prefix, "photos", prefix == "aws").await;
        check(ALBUM, "photos:Get", prefix, "x", false).await;
    }
}

#[tokio::test]
async fn other_accounts_neither_learn_nor_change_what_is_stored_of_a_resource() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    tag(&env, &admin, ALBUM, "Team", "photos").await;
    let gateway = env.user(OTHER, "gateway", &allow("bailiwick:*", "*")).await;
    let gateway = env.prove(&env.key(OTHER, Some(&gateway)).await).await.unwrap();
    let alice = env
        .user(
            MAIN,
            "Alice",
            &statement("Allow", "photos:*", "*", r#"{"StringEquals":{"aws:ResourceTag/Team":"forged"}}"#),
        )
        .await;
    let key = env.key(MAIN, Some(&alice)).await;
    let decided = async |resource: &str| {
        let signed = TestRequest::new("photos", "GET", "/", "", b"").sign(&env, &key, "eu-west-1").to_proto();
        let context = vec![entry("aws:ResourceTag/Team", ContextType::String, &["forged"])];
        let req = AuthorizeRequest { context, ..question(Who::SignedRequest(signed), "photos:Get", resource) };
        env.decided(&gateway, req).await
    };
    assert_eq!(decided(ALBUM).await, Decision::ImplicitDeny);
    assert_eq!(decided(&ALBUM.replace("/1", "/2")).await, Decision::Allow);
}
