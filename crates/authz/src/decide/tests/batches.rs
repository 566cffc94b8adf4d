//! Many questions at once.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{AuthorizeItem, BatchAuthorizeRequest, ContextType, Decision};
use bailiwick_api::op;

use crate::tests::*;

fn item(action: &str, resource: &str) -> AuthorizeItem {
    AuthorizeItem {
        action: action.into(),
        resource: resource.into(),
        resource_account: resource.starts_with("arn:aws:s3:::").then(|| MAIN.to_owned()),
        ..Default::default()
    }
}

fn user(name: &str) -> Option<authz::Caller> {
    by(Who::PrincipalArn(format!("arn:aws:iam::{MAIN}:user/{name}")))
}

#[tokio::test]
async fn results_are_in_the_order_of_the_questions() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    env.user(MAIN, "Alice", &statement("Allow", "s3:Get*", "*", r#"{"StringEquals":{"a:shared":"1","a:own":"2"}}"#))
        .await;
    env.user(MAIN, "Bob", &allow("s3:*", "arn:aws:s3:::bank/b")).await;
    let with = |key: &str, item: AuthorizeItem| AuthorizeItem {
        context: vec![entry(key, ContextType::String, &["2"])],
        ..item
    };
    let of = |name: &str, item: AuthorizeItem| AuthorizeItem { caller: user(name), ..item };
    let get = || item("s3:GetObject", "arn:aws:s3:::bank/b");
    let cases = [
        (with("a:own", get()), Ok(Decision::Allow)),
        (get(), Ok(Decision::ImplicitDeny)),
        (with("a:own", item("s3:PutObject", "arn:aws:s3:::bank/b")), Ok(Decision::ImplicitDeny)),
        (of("Bob", get()), Ok(Decision::Allow)),
        (of("Bob", item("s3:GetObject", "arn:aws:s3:::bank/c")), Ok(Decision::ImplicitDeny)),
        (of("Nobody", get()), Err("InvalidInput")),
        (AuthorizeItem { caller: by(Who::Handle(b"x".to_vec().into())), ..get() }, Err("InvalidClientTokenId")),
        (with("A:Shared", get()), Err("ValidationError")),
        (with("aws:userid", get()), Err("ValidationError")),
        (item("s3:Get*", "*"), Err("ValidationError")),
        (item("s3:GetObject", "bank"), Err("ValidationError")),
        (AuthorizeItem { resource_policy: Some("{".into()), ..get() }, Err("MalformedPolicyDocument")),
        (with("a:own", get()), Ok(Decision::Allow)),
    ];
    let req = BatchAuthorizeRequest {
        encode_denials: false,
        caller: user("Alice"),
        context: vec![entry("a:shared", ContextType::String, &["1"])],
        items: cases.iter().map(|(item, _)| item.clone()).collect(),
        min_revision: None,
    };
    let answer = env.call::<op::BatchAuthorize>(&service, req).await.unwrap();
    assert_eq!(answer.results.len(), cases.len());
    for (index, (result, (item, expected))) in answer.results.iter().zip(&cases).enumerate() {
        match expected {
            Ok(decision) => assert_eq!((result.decision(), &result.error), (*decision, &None), "{index} {item:?}"),
            Err(code) => {
                assert_eq!(result.decision(), Decision::Unspecified, "{index} {item:?}");
                assert_eq!(result.error.as_ref().unwrap().code, *code, "{index} {item:?}");
                assert!(!result.error.as_ref().unwrap().message.is_empty());
            }
        }
    }
}

#[tokio::test]
async fn every_question_of_a_batch_needs_its_permission() {
    let env = TestEnv::new().await;
    env.user(MAIN, "Alice", "").await;
    let document =
        statement("Allow", "bailiwick:*", "*", r#"{"StringEquals":{"bailiwick:ServicePrefix":["s3","sqs"]}}"#);
    let asker = env.user(MAIN, "asker", &document).await;
    let asker = env.prove(&env.key(MAIN, Some(&asker)).await).await.unwrap();
    let ask = async |caller, items: Vec<AuthorizeItem>| {
        let req = BatchAuthorizeRequest { encode_denials: false, caller, items, ..Default::default() };
        env.call::<op::BatchAuthorize>(&asker, req).await
    };
    let alice = || user("Alice");
    let (s3, sqs, sns) = (item("s3:ListBuckets", "*"), item("sqs:ListQueues", "*"), item("sns:ListTopics", "*"));
    assert_eq!(ask(alice(), vec![s3.clone(), sqs.clone()]).await.unwrap().results.len(), 2);
    assert_eq!(code(ask(alice(), vec![s3.clone(), sqs, sns.clone()]).await), "AccessDenied");
    assert_eq!(code(ask(alice(), vec![sns.clone()]).await), "AccessDenied");
    // Also where nothing in it could be decided.
    let without_principal = by(Who::Handle(b"x".to_vec().into()));
    assert_eq!(code(ask(without_principal.clone(), vec![sns]).await), "AccessDenied");
    let answer = ask(without_principal, vec![s3.clone()]).await.unwrap();
    assert_eq!(answer.results[0].error.as_ref().unwrap().code, "InvalidClientTokenId");
    let answer = ask(None, vec![s3.clone()]).await.unwrap();
    assert_eq!(answer.results[0].error.as_ref().unwrap().code, "ValidationError");
    // What is shared and wrong is wrong for all.
    let req = BatchAuthorizeRequest {
        encode_denials: false,
        caller: alice(),
        context: vec![entry("aws:username", ContextType::String, &["x"])],
        items: vec![s3],
        min_revision: None,
    };
    assert_eq!(code(env.call::<op::BatchAuthorize>(&asker, req).await), "ValidationError");
}

/// A caller that did not exist at the checks existed at the response, and was decided about although the asking service
/// was not checked for it.
#[tokio::test]
async fn checks_and_response_use_one_snapshot() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let (cx, mut tx) = (env.cx(&service), env.tx().await);
    let late = AuthorizeItem { caller: user("Late"), ..item("s3:GetObject", "arn:aws:s3:::bank/b") };
    let req = BatchAuthorizeRequest { encode_denials: false, items: vec![late], ..Default::default() };
    let planned = Handle::<op::BatchAuthorize>::plan(&env.authz, &cx, &mut tx, req.clone()).await.unwrap();
    env.user(MAIN, "Late", &allow("s3:*", "*")).await;
    let answer = Handle::<op::BatchAuthorize>::handle(&env.authz, &cx, &mut tx, planned.plan).await.unwrap();
    assert_eq!(answer.results[0].error.as_ref().unwrap().code, "InvalidInput");
    let answer = env.call::<op::BatchAuthorize>(&service, req).await.unwrap();
    assert_eq!(answer.results[0].decision(), Decision::Allow, "the next call sees him");
}
