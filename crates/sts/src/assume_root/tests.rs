use bailiwick_testing::HandlerTest;
use serde_json::{Value, json};

use super::*;
use crate::session_token::tests::opened;
use crate::testing::{MAIN, SUSPENDED, World, account, root, session, time, user, world};

const MEMBER: &str = "444455556666";
const TASK: &str = "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials";

fn ask(target: &str, task: &str) -> Value {
    json!({"TargetPrincipal": target, "TaskPolicyArn": {"arn": task}})
}

async fn enable(world: &World) {
    let mut tx = world.begin().await;
    let features = OrganizationFeatures { root_sessions: true, ..Default::default() };
    tx.put_account_setting(account(MAIN), &features).await.unwrap();
    world.commit(tx).await;
}

#[tokio::test]
async fn root_of_a_member_may_do_the_task_for_15_minutes() {
    let world = world().await;
    enable(&world).await;
    let test = HandlerTest::new(world, Sts, session(&[("team", "reeds")], &["team"], Some("heron")));
    for (target, seconds, ends) in
        [(MEMBER, None, "12:15:00"), ("arn:aws:iam::444455556666:root", Some(60), "12:01:00")]
    {
        let mut request = ask(target, TASK);
        if let Some(seconds) = seconds {
            request["DurationSeconds"] = json!(seconds);
        }
        let answer = test.ok::<op::AssumeRoot>(request).await;
        assert_eq!(answer["SourceIdentity"], json!("heron"));
        let opened = opened(&test, &answer);
        assert_eq!(opened.principal.arn(test.deployment.partition).as_str(), "arn:aws:iam::444455556666:root");
        let session = opened.session.unwrap();
        assert_eq!((session.kind, session.expires), (SessionKind::AssumeRoot, time(ends)));
        assert_eq!((session.policies.len(), session.tags.is_empty(), opened.mfa), (1, true, None));
        assert!(session.policies[0].contains("iam:DeleteAccessKey"), "{:?}", session.policies);
        assert!(
            session.policies[0].contains(r#""Resource":"arn:aws:iam::444455556666:root""#),
            "{:?}",
            session.policies
        );
        assert!(!session.policies[0].contains('*'), "users of the account are no part of the task");
    }
    test.needs::<op::AssumeRoot>(
        ask(MEMBER, TASK),
        &[&format!("sts:AssumeRoot arn:aws:iam::444455556666:root sts:TaskPolicyArn={TASK}")],
    )
    .await;
}

#[tokio::test]
async fn each_task_is_a_policy() {
    let root = Principal::Root { account: account(MEMBER) }.arn(Partition::Aws);
    for Task { name, on_root, on_all } in &TASKS {
        let task = read_task(Partition::Aws, &format!("arn:aws:iam::aws:policy/root-task/{name}")).unwrap();
        let rules = bailiwick_policy_lang::SaveRules::default();
        let kind = bailiwick_policy_lang::PolicyKind::Session;
        bailiwick_policy_lang::parse_strict(&task.policy(&root), kind, &rules).unwrap();
        assert!(on_root.iter().chain(*on_all).all(|action| !action.contains('*')), "{name}");
        let of_users = on_all.iter().filter(|action| action.starts_with("iam:"));
        assert!(of_users.eq(["iam:GetAccountSummary"].iter().filter(|_| name.contains("Audit"))), "{name}");
    }
}

#[tokio::test]
async fn requests_are_refused() {
    let world = world().await;
    let test = HandlerTest::new(world, Sts, user());
    let disabled = "AccessDenied: root sessions are not enabled: see EnableOrganizationsRootSessions";
    test.fails::<op::AssumeRoot>(ask(MEMBER, TASK), disabled).await;
    enable(&test).await;
    test.ok::<op::AssumeRoot>(ask(MEMBER, TASK)).await;
    for (target, task) in [
        ("111122223333x", TASK),
        ("arn:aws:iam::444455556666:user/root", TASK),
        ("arn:aws-cn:iam::444455556666:root", TASK),
        (MEMBER, "arn:aws:iam::aws:policy/AdministratorAccess"),
        (MEMBER, "arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredential"),
        (MEMBER, "arn:aws:iam::444455556666:policy/root-task/IAMDeleteRootUserCredentials"),
        (MEMBER, "arn:aws-cn:iam::aws:policy/root-task/IAMDeleteRootUserCredentials"),
    ] {
        let error = test.call::<op::AssumeRoot>(ask(target, task)).await.unwrap_err();
        assert_eq!(error.code().wire(), "ValidationError", "{target} {task}");
    }
    let mut long = ask(MEMBER, TASK);
    long["DurationSeconds"] = json!(901);
    assert_eq!(test.call::<op::AssumeRoot>(long).await.unwrap_err().code().wire(), "ValidationError");
    for (target, caller) in [(MEMBER, root()), (MAIN, user()), (SUSPENDED, user()), ("555566667777", user())] {
        let error = test.as_caller(caller).call::<op::AssumeRoot>(ask(target, TASK)).await.unwrap_err();
        assert_eq!(error.code().wire(), "AccessDenied", "{target}: {error}");
    }
    let foreign = test.as_root(MEMBER);
    let error = foreign.call::<op::AssumeRoot>(ask(MEMBER, TASK)).await.unwrap_err();
    assert_eq!(error.code().wire(), "AccessDenied");
}
