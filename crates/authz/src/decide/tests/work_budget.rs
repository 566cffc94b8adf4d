//! Requests that would take long: within the limits of each member, and refused in whole or in part.

use crate::DecidedBy;
use std::pin::pin;

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{
    AuthorizeItem, AuthorizePassRoleRequest, AuthorizeRequest, BatchAuthorizeRequest, ContextEntry, ContextType,
    Decision, ExplainRequest,
};
use bailiwick_api::op;

use crate::tests::*;
use crate::work_budget::{DECISION_STEPS, REQUEST_STEPS};

const ALICE: &str = "arn:aws:iam::111122223333:user/Alice";

/// A Deny that compares each value of `a:words` with a hundred texts, beyond ASCII, without case: some 800,000 steps for
/// a value of a thousand bytes.
fn greedy() -> String {
    let texts: Vec<String> = (0..100).map(|at| format!(r#""ü{at}""#)).collect();
    statement(
        "Deny",
        "*",
        "*",
        &format!(r#"{{"ForAnyValue:StringEqualsIgnoreCase":{{"a:words":[{}]}}}}"#, texts.join(",")),
    )
}

fn words(count: usize) -> Vec<ContextEntry> {
    vec![entry("a:words", ContextType::StringList, &vec!["é".repeat(500).as_str(); count])]
}

fn alice() -> Option<authz::Caller> {
    by(Who::PrincipalArn(ALICE.into()))
}

/// An environment with a caller that may do everything but what the greedy statement denies, if its key is given.
async fn env() -> (TestEnv, Authenticated) {
    let env = TestEnv::new().await;
    let user = env.user(MAIN, "Alice", &allow("*", "*")).await;
    env.group("greedy", &greedy(), &[&user]).await;
    let service = env.service().await;
    (env, service)
}

fn question(count: usize) -> AuthorizeRequest {
    AuthorizeRequest {
        caller: alice(),
        action: "sqs:SendMessage".into(),
        resource: format!("arn:aws:sqs:eu-central-1:{MAIN}:orders"),
        context: words(count),
        ..Default::default()
    }
}

fn item(count: usize) -> AuthorizeItem {
    let AuthorizeRequest { action, resource, context, .. } = question(count);
    AuthorizeItem { action, resource, context, ..Default::default() }
}

#[tokio::test]
async fn a_question_has_a_limit() {
    let (env, service) = env().await;
    for (count, decided) in [(0, true), (10, true), (13, false), (1_000, false)] {
        let answer = env.call::<op::Authorize>(&service, question(count)).await;
        match answer {
            Ok(answer) => assert_eq!((answer.decision(), decided), (Decision::Allow, true), "{count}"),
            Err(error) => {
                assert_eq!((error.code().wire(), decided), ("LimitExceeded", false), "{count}");
                assert!(error.message().contains(&format!("{DECISION_STEPS} steps: send fewer")), "{error}");
            }
        }
        // An explanation evaluates twice, with the same limit.
        let explain = ExplainRequest { request: Some(question(count)) };
        let answered = env.call::<op::Explain>(&service, explain).await.map(|_| ());
        match count {
            0 => assert!(answered.is_ok()),
            _ => assert_eq!(code(answered), "LimitExceeded", "{count}"),
        }
    }
}

#[tokio::test]
async fn passing_a_role_has_a_limit() {
    let (env, service) = env().await;
    let trust = greedy().replace(r#""Resource":"*","#, r#""Principal":"*","#).replace(r#""*","Pr"#, r#""sts:*","Pr"#);
    env.role(MAIN, "worker", &trust, "").await;
    let request = |count| AuthorizePassRoleRequest {
        caller: alice(),
        role_arn: format!("arn:aws:iam::{MAIN}:role/ponds/worker"),
        service_principal: "ec2.amazonaws.com".into(),
        context: words(count),
        min_revision: None,
    };
    let answer = env.call::<op::AuthorizePassRole>(&service, request(3)).await.unwrap();
    assert_eq!(answer.decision(), Decision::ImplicitDeny);
    assert_eq!(code(env.call::<op::AuthorizePassRole>(&service, request(13)).await), "LimitExceeded");
}

#[tokio::test]
async fn the_questions_of_a_batch_share_one_limit() {
    let (env, service) = env().await;
    let batch = |items: Vec<AuthorizeItem>| BatchAuthorizeRequest { caller: alice(), items, ..Default::default() };
    // One that is too much costs the others nothing.
    let items = vec![item(0), item(20), item(0)];
    let answer = env.call::<op::BatchAuthorize>(&service, batch(items)).await.unwrap();
    let codes: Vec<_> = answer.results.iter().map(|r| r.error.as_ref().map(|error| error.code.as_str())).collect();
    assert_eq!(codes, [None, Some("LimitExceeded"), None]);
    assert_eq!(answer.results[1].decision(), Decision::Unspecified);
    // So many that are together too much are not all decided.
    let each = DECISION_STEPS * 8 / 10;
    let enough = usize::try_from(REQUEST_STEPS / each).unwrap();
    let answer = env.call::<op::BatchAuthorize>(&service, batch(vec![item(10); 2 * enough])).await.unwrap();
    let decided = answer.results.iter().take_while(|result| result.error.is_none()).count();
    assert_eq!(decided, enough);
    for result in &answer.results[enough..] {
        let error = result.error.as_ref().unwrap();
        assert_eq!((result.decision(), error.code.as_str()), (Decision::Unspecified, "LimitExceeded"));
        assert!(error.message.contains(&format!("{REQUEST_STEPS} steps together")), "{}", error.message);
    }
}

/// How often a call let others go on before it was done.
async fn turns(call: impl Future) -> usize {
    let (mut call, mut turns) = (pin!(call), 0);
    std::future::poll_fn(|cx| match call.as_mut().poll(cx) {
        std::task::Poll::Ready(_) => std::task::Poll::Ready(turns),
        std::task::Poll::Pending => {
            turns += 1;
            std::task::Poll::Pending
        }
    })
    .await
}

#[tokio::test]
async fn a_batch_yields_between_questions() {
    let (env, service) = env().await;
    for (count, words, expected) in [(1, 0, 0..1), (20, 1, 19..21), (8, 10, 6..9), (1_000, 0, 2..100)] {
        let req = BatchAuthorizeRequest { caller: alice(), items: vec![item(words); count], ..Default::default() };
        let (cx, mut tx) = (env.cx(&service), env.tx().await);
        let plan = Handle::<op::BatchAuthorize>::plan(&env.authz, &cx, &mut tx, req).await.unwrap().plan;
        let turns = turns(Handle::<op::BatchAuthorize>::handle(&env.authz, &cx, &mut tx, plan)).await;
        assert!(expected.contains(&turns), "{count} with {words}: {turns}");
    }
}

#[tokio::test]
async fn checks_of_the_asking_service_count_towards_the_limit() {
    let (env, service) = env().await;
    let snapshot = env.snapshots.at_least(env.tx().await.revision()).await.unwrap();
    let check = |count: usize| {
        let check = Check::without_resource("bailiwick:Authorize", account(MAIN));
        (0..count).fold(check, |check, at| check.key(format!("a:{at}"), "x"))
    };
    let checks: Vec<Check> = (0..2_000).map(|_| check(1)).collect();
    let cx = env.cx(&service);
    assert!(turns(env.authz.decide_all(&snapshot, &service, &cx, &checks, &mut DecidedBy::new(false))).await < 100);
    assert!(env.authz.decide_all(&snapshot, &service, &cx, &checks, &mut DecidedBy::new(false)).await.is_ok());
    // Policies of the asking service that take long for every check.
    let document = |patterns: usize| {
        let pattern = |at| format!(r#""arn:aws:bailiwick:*:*:*{}{at}*""#, "?a".repeat(40));
        let patterns: Vec<String> = (0..patterns).map(pattern).collect();
        let list = format!(r#""Resource":[{}]"#, patterns.join(","));
        statement("Deny", "*", "*", "{}").replace(r#""Resource":"*""#, &list)
    };
    for (name, patterns, checks, expected) in [
        ("quick", 200, 5, None),
        ("slow", 200, 100, Some("steps together")),
        ("slower", 900, 1, Some("A decision may take")),
    ] {
        let user = env.user(MAIN, name, &document(patterns)).await;
        env.group(&format!("{name}-group"), &allow("*", "*"), &[&user]).await;
        let who = env.prove(&env.key(MAIN, Some(&user)).await).await.unwrap();
        let snapshot = env.snapshots.at_least(env.tx().await.revision()).await.unwrap();
        let resource = format!("arn:aws:bailiwick::{MAIN}:{}", "a".repeat(1_900));
        let checks = vec![Check { resource, ..check(0) }; checks];
        match (
            env.authz.decide_all(&snapshot, &who, &env.cx(&who), &checks, &mut DecidedBy::new(false)).await,
            expected,
        ) {
            (Ok(()), None) => {}
            (Err(error), Some(why)) => {
                assert_eq!(error.code().wire(), "LimitExceeded");
                assert!(error.message().contains(why), "{error}");
            }
            (answer, _) => panic!("{name}: {answer:?}"),
        }
    }
}

#[tokio::test]
async fn keys_beyond_ascii_are_found_by_name() {
    let (env, service) = env().await;
    let many: Vec<ContextEntry> =
        (0..200).map(|at| entry(&format!("a:{}{at}", "é".repeat(120)), ContextType::String, &["x"])).collect();
    let key = format!("a:{}7", "É".repeat(120));
    let policy = statement("Allow", "sqs:*", "*", &format!(r#"{{"StringEquals":{{"{key}":"x"}}}}"#));
    let policy = policy.replace(r#""Sid":"S1","#, r#""Principal":"*","#);
    let who = || by(Who::Anonymous(authz::Anonymous {}));
    let ask = async |context: Vec<ContextEntry>| {
        let question =
            AuthorizeRequest { caller: who(), resource_policy: Some(policy.clone()), context, ..question(0) };
        env.call::<op::Authorize>(&service, question).await
    };
    assert_eq!(ask(many.clone()).await.unwrap().decision(), Decision::Allow);
    assert_eq!(ask(many[8..].to_vec()).await.unwrap().decision(), Decision::ImplicitDeny);
    let twice = many.into_iter().chain([entry(&key, ContextType::String, &["y"])]).collect();
    assert_eq!(code(ask(twice).await), "ValidationError");
}
