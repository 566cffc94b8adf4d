//! Policies and tags that are kept of other services' resources, and what decisions make of them.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{
    AuthorizeItem, AuthorizeRequest, AuthorizeResponse, BatchAuthorizeRequest, ContextType, Decision,
    DeleteResourcePolicyRequest, ExplainRequest, GetResourcePolicyRequest, ListResourcePoliciesRequest,
    ListTagsForResourceRequest, PolicyType, PutResourcePolicyRequest, ResourceTag, TagResourceRequest,
    UntagResourceRequest,
};
use bailiwick_api::op;

use crate::tests::*;

const ALBUM: &str = "arn:aws:photos:eu-central-1:111122223333:album/1";

fn grant(effect: &str, principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Sid":"Shared","Effect":"{effect}","Principal":{principal},"Action":"photos:Get*","Resource":"*"}}}}"#
    )
}

fn to_bob() -> String {
    grant("Allow", &format!(r#"{{"AWS":"arn:aws:iam::{MAIN}:user/Bob"}}"#))
}

fn put(arn: &str, policy: &str) -> PutResourcePolicyRequest {
    PutResourcePolicyRequest { resource_arn: Some(arn.into()), policy: Some(policy.into()) }
}

fn tag(arn: &str, pairs: &[(&str, &str)]) -> TagResourceRequest {
    let tags =
        pairs.iter().map(|(key, value)| ResourceTag { key: Some((*key).to_owned()), value: Some((*value).to_owned()) });
    TagResourceRequest { resource_arn: Some(arn.into()), tags: tags.collect() }
}

async fn policy(env: &TestEnv, who: &Authenticated) -> Result<String> {
    let req = GetResourcePolicyRequest { resource_arn: Some(ALBUM.into()) };
    Ok(env.call::<op::GetResourcePolicy>(who, req).await?.policy)
}

async fn tags(env: &TestEnv, who: &Authenticated) -> Vec<(String, String)> {
    let req = ListTagsForResourceRequest { resource_arn: Some(ALBUM.into()) };
    let answer = env.call::<op::ListTagsForResource>(who, req).await.unwrap();
    answer.tags.into_iter().map(|tag| (tag.key.unwrap(), tag.value.unwrap())).collect()
}

fn question(name: &str) -> AuthorizeRequest {
    AuthorizeRequest {
        caller: by(Who::PrincipalArn(format!("arn:aws:iam::{MAIN}:user/{name}"))),
        action: "photos:GetAlbum".into(),
        resource: ALBUM.into(),
        ..Default::default()
    }
}

async fn ask(env: &TestEnv, who: &Authenticated, req: AuthorizeRequest) -> AuthorizeResponse {
    env.call::<op::Authorize>(who, req).await.unwrap()
}

#[tokio::test]
async fn a_stored_policy_applies_until_it_is_deleted() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    env.user(MAIN, "Bob", "").await;
    assert_eq!(ask(&env, &admin, question("Bob")).await.decision(), Decision::ImplicitDeny);
    env.change::<op::PutResourcePolicy>(&admin, put(ALBUM, &to_bob())).await.unwrap();
    assert_eq!(policy(&env, &admin).await.unwrap(), to_bob());
    let allowed = ask(&env, &admin, question("Bob")).await;
    assert_eq!(allowed.decision(), Decision::Allow);
    let statement = allowed.statement.unwrap();
    assert_eq!((statement.policy_type(), &*statement.policy), (PolicyType::Resource, ALBUM));
    assert_eq!(statement.sid.as_deref(), Some("Shared"));
    // Only the very ARN counts.
    let near = AuthorizeRequest { resource: ALBUM.replace("album", "Album"), ..question("Bob") };
    assert_eq!(ask(&env, &admin, near).await.decision(), Decision::ImplicitDeny);
    // A policy in the question replaces it.
    let given = AuthorizeRequest { resource_policy: Some(grant("Deny", "\"*\"")), ..question("Bob") };
    assert_eq!(ask(&env, &admin, given).await.decision(), Decision::ExplicitDeny);
    let items = vec![AuthorizeItem { action: "photos:GetAlbum".into(), resource: ALBUM.into(), ..Default::default() }];
    let req = BatchAuthorizeRequest { caller: question("Bob").caller, items, ..Default::default() };
    let batch = env.call::<op::BatchAuthorize>(&admin, req).await.unwrap();
    assert_eq!(batch.results[0].decision(), Decision::Allow);
    let req = ExplainRequest { request: Some(question("Bob")) };
    let explained = env.call::<op::Explain>(&admin, req).await.unwrap();
    assert_eq!(explained.result.unwrap().decision(), Decision::Allow);
    assert!(explained.text.contains(ALBUM), "{}", explained.text);
    let list = async |prefix: &str| {
        let req = ListResourcePoliciesRequest { arn_prefix: Some(prefix.into()), ..Default::default() };
        let answer = env.call::<op::ListResourcePolicies>(&admin, req).await.unwrap();
        answer.policies.into_iter().map(|policy| policy.resource_arn).collect::<Vec<_>>()
    };
    assert_eq!(list("arn:aws:photos:").await, [ALBUM]);
    assert!(list("arn:aws:films:").await.is_empty());
    let forget = || DeleteResourcePolicyRequest { resource_arn: Some(ALBUM.into()) };
    env.change::<op::DeleteResourcePolicy>(&admin, forget()).await.unwrap();
    assert_eq!(code(env.change::<op::DeleteResourcePolicy>(&admin, forget()).await), "NoSuchEntity");
    assert_eq!(code(policy(&env, &admin).await), "NoSuchEntity");
    assert_eq!(ask(&env, &admin, question("Bob")).await.decision(), Decision::ImplicitDeny);
}

#[tokio::test]
async fn a_grant_does_not_apply_to_a_later_user_of_the_same_name() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    let bob = env.user(MAIN, "Bob", "").await;
    env.change::<op::PutResourcePolicy>(&admin, put(ALBUM, &to_bob())).await.unwrap();
    let mut tx = env.tx().await;
    let renamed = User { name: UserName::parse("Robert").unwrap(), ..bob.clone() };
    tx.update(&bob, &renamed).await.unwrap();
    env.commit(tx).await;
    assert_eq!(policy(&env, &admin).await.unwrap(), to_bob().replace("user/Bob", "user/Robert"));
    env.user(MAIN, "Bob", "").await;
    assert_eq!(ask(&env, &admin, question("Bob")).await.decision(), Decision::ImplicitDeny);
    assert_eq!(ask(&env, &admin, question("Robert")).await.decision(), Decision::Allow);
}

#[tokio::test]
async fn stored_tags_replace_those_of_the_question() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    let condition = r#"{"StringEquals":{"aws:ResourceTag/Team":"blue"}}"#;
    env.user(MAIN, "Bob", &statement("Allow", "photos:*", "*", condition)).await;
    let decided = async |context| {
        let req = AuthorizeRequest { context, ..question("Bob") };
        ask(&env, &admin, req).await.decision()
    };
    assert_eq!(decided(vec![]).await, Decision::ImplicitDeny);
    env.change::<op::TagResource>(&admin, tag(ALBUM, &[("TEAM", "red"), ("Cost", "")])).await.unwrap();
    assert_eq!(decided(vec![]).await, Decision::ImplicitDeny);
    env.change::<op::TagResource>(&admin, tag(ALBUM, &[("team", "blue")])).await.unwrap();
    assert_eq!(tags(&env, &admin).await.len(), 2);
    assert_eq!(decided(vec![]).await, Decision::Allow);
    // The question can have neither the same nor another tag.
    for (key, value) in [("aws:ResourceTag/Team", "blue"), ("aws:resourcetag/other", "x")] {
        let context = vec![entry(key, ContextType::String, &[value])];
        let req = AuthorizeRequest { context, ..question("Bob") };
        assert_eq!(code(env.call::<op::Authorize>(&admin, req).await), "ValidationError", "{key}");
    }
    let untag = UntagResourceRequest { resource_arn: Some(ALBUM.into()), tag_keys: vec!["Team".into(), "x".into()] };
    env.change::<op::UntagResource>(&admin, untag).await.unwrap();
    assert_eq!(decided(vec![]).await, Decision::ImplicitDeny);
    assert_eq!(tags(&env, &admin).await, [("Cost".into(), String::new())]);
    // Of a resource that nothing is kept of they are the asking service's to say.
    let blue = vec![entry("aws:ResourceTag/Team", ContextType::String, &["blue"])];
    let req = AuthorizeRequest { resource: ALBUM.replace("/1", "/2"), context: blue, ..question("Bob") };
    assert_eq!(ask(&env, &admin, req).await.decision(), Decision::Allow);
    let many: Vec<_> = (0..50).map(|i| (format!("k{i}"), "v")).collect();
    let many: Vec<_> = many.iter().map(|(key, value)| (key.as_str(), *value)).collect();
    assert_eq!(code(env.change::<op::TagResource>(&admin, tag(ALBUM, &many)).await), "LimitExceeded");
}

#[tokio::test]
async fn permissions_can_be_limited_by_resource_and_tags() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    env.user(MAIN, "Bob", "").await;
    env.change::<op::TagResource>(&admin, tag(ALBUM, &[("Team", "blue")])).await.unwrap();
    let user = async |name: &str, document: &str| {
        let user = env.user(MAIN, name, document).await;
        env.prove(&env.key(MAIN, Some(&user)).await).await.unwrap()
    };
    let blue = r#"{"StringEquals":{"aws:ResourceTag/Team":"blue"}}"#;
    let blue = user("blue", &statement("Allow", "bailiwick:*ResourcePolicy", "arn:aws:photos:*:*:album/*", blue)).await;
    let red = r#"{"StringEquals":{"aws:RequestTag/Team":"red"}}"#;
    let red = user("red", &statement("Allow", "bailiwick:TagResource", "*", red)).await;
    env.change::<op::PutResourcePolicy>(&blue, put(ALBUM, &to_bob())).await.unwrap();
    let untagged = ALBUM.replace("album/1", "album/2");
    assert_eq!(code(env.change::<op::PutResourcePolicy>(&blue, put(&untagged, &to_bob())).await), "AccessDenied");
    assert_eq!(code(env.change::<op::TagResource>(&blue, tag(ALBUM, &[("a", "b")])).await), "AccessDenied");
    assert_eq!(code(env.change::<op::TagResource>(&red, tag(ALBUM, &[("Team", "green")])).await), "AccessDenied");
    env.change::<op::TagResource>(&red, tag(ALBUM, &[("Team", "red")])).await.unwrap();
}

#[tokio::test]
async fn invalid_arns_and_policies_are_refused() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    let long = format!("{ALBUM}{}", "x".repeat(500));
    for arn in [
        "",
        "album/1",
        "arn:aws:photos:eu-central-1:111122223333:",
        "arn:aws:photos:eu-central-1:444455556666:album/1",
        "arn:aws:photos:eu-central-1:x:album/1",
        "arn:aws-cn:photos:eu-central-1:111122223333:album/1",
        "arn:aws:photos:eu-central-1:111122223333:album/*",
        "arn:aws:iam::111122223333:role/R",
        "arn:aws:IAM::111122223333:role/R",
        "arn:aws:photos:::a\u{0}",
        &long,
    ] {
        let error = env.change::<op::PutResourcePolicy>(&admin, put(arn, &grant("Allow", "\"*\""))).await;
        assert_eq!(code(error), "ValidationError", "{arn}");
    }
    env.change::<op::PutResourcePolicy>(&admin, put("arn:aws:s3:::bank", &grant("Allow", "\"*\""))).await.unwrap();
    for document in ["{", &allow("photos:*", "*"), &to_bob()] {
        let error = env.change::<op::PutResourcePolicy>(&admin, put(ALBUM, document)).await;
        assert_eq!(code(error), "MalformedPolicyDocument", "{document}");
    }
    let large = grant("Allow", "\"*\"").replace("\"*\"}", &format!("\"arn:aws:photos:::{}\"}}", "x".repeat(21_000)));
    assert_eq!(code(env.change::<op::PutResourcePolicy>(&admin, put(ALBUM, &large)).await), "LimitExceeded");
}

#[tokio::test]
async fn other_accounts_get_decisions_without_statements() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    env.user(MAIN, "Bob", "").await;
    env.change::<op::PutResourcePolicy>(&admin, put(ALBUM, &grant("Allow", "\"*\""))).await.unwrap();
    let eve = env.user(OTHER, "Eve", &allow("*", "*")).await;
    let eve = env.prove(&env.key(OTHER, Some(&eve)).await).await.unwrap();
    let anonymous = || AuthorizeRequest { caller: by(Who::Anonymous(authz::Anonymous {})), ..question("Bob") };
    let answer = ask(&env, &eve, anonymous()).await;
    assert_eq!((answer.decision(), answer.statement), (Decision::Allow, None));
    assert!(ask(&env, &admin, anonymous()).await.statement.is_some());
    let explain = async |req| env.call::<op::Explain>(&eve, ExplainRequest { request: Some(req) }).await;
    assert_eq!(code(explain(anonymous()).await), "AccessDenied");
    let given = AuthorizeRequest { resource_policy: Some(grant("Allow", "\"*\"")), ..anonymous() };
    assert_eq!(explain(given).await.unwrap().result.unwrap().decision(), Decision::Allow);
    // The same ARN of an account of their own is another resource.
    let bucket = "arn:aws:s3:::bank";
    env.change::<op::PutResourcePolicy>(&eve, put(bucket, &grant("Allow", "\"*\""))).await.unwrap();
    let of = |account: &str| AuthorizeRequest {
        resource: bucket.into(),
        resource_account: Some(account.into()),
        ..anonymous()
    };
    assert_eq!(ask(&env, &eve, of(OTHER)).await.decision(), Decision::Allow);
    assert_eq!(ask(&env, &admin, of(MAIN)).await.decision(), Decision::ImplicitDeny);
}
