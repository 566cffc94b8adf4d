//! Whether a caller may hand a role to a service.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{AuthorizePassRoleRequest, AuthorizePassRoleResponse, ContextType, Decision, PolicyType};
use bailiwick_api::op;

use crate::tests::*;

const ROLE: &str = "arn:aws:iam::111122223333:role/ponds/Heron";

fn trusting(service: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole","Condition":{condition}}}}}"#
    )
}

fn pass(name: &str) -> AuthorizePassRoleRequest {
    AuthorizePassRoleRequest {
        caller: by(Who::PrincipalArn(format!("arn:aws:iam::{MAIN}:user/{name}"))),
        role_arn: ROLE.into(),
        service_principal: "photos.example.com".into(),
        ..Default::default()
    }
}

async fn ask(env: &TestEnv, who: &Authenticated, req: AuthorizePassRoleRequest) -> Result<AuthorizePassRoleResponse> {
    env.call::<op::AuthorizePassRole>(who, req).await
}

/// The decision, and the two that it is made of.
fn parts(answer: &AuthorizePassRoleResponse) -> [Decision; 3] {
    let part = |part: &Option<authz::AuthorizeResult>| part.as_ref().unwrap().decision();
    assert_eq!(answer.message.is_none(), answer.decision() == Decision::Allow);
    [answer.decision(), part(&answer.pass_role), part(&answer.trust)]
}

#[tokio::test]
async fn caller_and_trust_policy_must_allow() {
    use Decision::{Allow, ExplicitDeny, ImplicitDeny};
    let env = TestEnv::new().await;
    let service = env.service().await;
    env.role(MAIN, "Heron", &trusting("photos.example.com", "{}"), "").await;
    let to_photos = r#"{"StringEquals":{"iam:PassedToService":"photos.example.com","iam:ResourceTag/Team":"roles"}}"#;
    env.user(MAIN, "Alice", &statement("Allow", "iam:PassRole", ROLE, to_photos)).await;
    env.user(MAIN, "Bob", "").await;
    env.user(MAIN, "Carol", &statement("Deny", "iam:PassRole", "*", "{}")).await;
    let asked = async |req| parts(&ask(&env, &service, req).await.unwrap());
    assert_eq!(asked(pass("Alice")).await, [Allow, Allow, Allow]);
    assert_eq!(asked(pass("Bob")).await, [ImplicitDeny, ImplicitDeny, Allow]);
    assert_eq!(asked(pass("Carol")).await, [ExplicitDeny, ExplicitDeny, Allow]);
    let films = AuthorizePassRoleRequest { service_principal: "films.example.com".into(), ..pass("Alice") };
    assert_eq!(asked(films).await, [ImplicitDeny, ImplicitDeny, ImplicitDeny]);
    // Path and case must match; a role that does not exist trusts no service.
    for other in [ROLE.replace("Heron", "heron"), ROLE.replace("/ponds", ""), ROLE.replace("Heron", "Egret")] {
        let req = AuthorizePassRoleRequest { role_arn: other.clone(), ..pass("Alice") };
        assert_eq!(asked(req).await[2], ImplicitDeny, "{other}");
    }
    // There is no service name that an absent role trusts.
    env.user(MAIN, "Dora", &allow("iam:PassRole", "*")).await;
    for name in ["nobody.invalid", "photos.example.com"] {
        let req = AuthorizePassRoleRequest {
            role_arn: ROLE.replace("Heron", "Egret"),
            service_principal: name.into(),
            ..pass("Dora")
        };
        assert_eq!(asked(req).await, [ImplicitDeny, Allow, ImplicitDeny], "{name}");
    }
    let answered = ask(&env, &service, pass("Carol")).await.unwrap();
    assert_eq!(answered.pass_role.unwrap().statement.unwrap().policy_type(), PolicyType::Identity);
    assert!(answered.message.unwrap().contains("iam:PassRole"));
}

#[tokio::test]
async fn context_applies_to_both_decisions_and_cannot_have_reserved_keys() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let source = r#"{"StringEquals":{"aws:SourceAccount":"111122223333"}}"#;
    env.role(MAIN, "Heron", &trusting("photos.example.com", source), "").await;
    let resource = r#"{"ArnLike":{"iam:AssociatedResourceArn":"arn:aws:photos:*:*:album/*"}}"#;
    env.user(MAIN, "Alice", &statement("Allow", "iam:PassRole", "*", resource)).await;
    let asked = async |entries: &[(&str, &str)]| {
        let context = entries.iter().map(|(key, value)| entry(key, ContextType::String, &[value])).collect();
        ask(&env, &service, AuthorizePassRoleRequest { context, ..pass("Alice") }).await
    };
    let (account, album) = (("aws:SourceAccount", MAIN), ("iam:AssociatedResourceArn", "arn:aws:photos:x:1:album/1"));
    assert_eq!(parts(&asked(&[account, album]).await.unwrap()), [Decision::Allow; 3]);
    assert_eq!(asked(&[account]).await.unwrap().decision(), Decision::ImplicitDeny);
    assert_eq!(asked(&[album]).await.unwrap().decision(), Decision::ImplicitDeny);
    for ours in ["IAM:PassedToService", "aws:username", "aws:PrincipalServiceName"] {
        assert_eq!(code(asked(&[(ours, "x")]).await), "ValidationError", "{ours}");
    }
    for role in ["arn:aws:iam::111122223333:user/Alice", "arn:aws:iam:::role/Heron", "Heron", ""] {
        let req = AuthorizePassRoleRequest { role_arn: role.into(), ..pass("Alice") };
        assert_eq!(code(ask(&env, &service, req).await), "ValidationError", "{role}");
    }
}

#[tokio::test]
async fn roles_of_other_accounts_are_neither_passed_nor_shown() {
    let env = TestEnv::new().await;
    env.role(MAIN, "Heron", &trusting("photos.example.com", "{}"), "").await;
    let eve = env.user(OTHER, "Eve", &allow("*", "*")).await;
    let eve = env.prove(&env.key(OTHER, Some(&eve)).await).await.unwrap();
    let req = AuthorizePassRoleRequest {
        caller: by(Who::PrincipalArn(format!("arn:aws:iam::{OTHER}:user/Eve"))),
        ..pass("Eve")
    };
    let answer = ask(&env, &eve, req).await.unwrap();
    assert_eq!(answer.decision(), Decision::ImplicitDeny);
    assert_eq!(answer.trust.unwrap().statement, None);
    // The asking service needs the permission for `iam`.
    let condition = r#"{"StringEquals":{"bailiwick:ServicePrefix":"photos"}}"#;
    let asker = env.user(MAIN, "asker", &statement("Allow", "bailiwick:*", "*", condition)).await;
    let asker = env.prove(&env.key(MAIN, Some(&asker)).await).await.unwrap();
    assert_eq!(code(ask(&env, &asker, pass("asker")).await), "AccessDenied");
}

#[tokio::test]
async fn other_accounts_do_not_learn_whether_a_role_exists() {
    let env = TestEnv::new().await;
    env.role(MAIN, "Heron", &trusting("photos.example.com", "{}"), "").await;
    let gateway = env.user(OTHER, "gateway", &allow("*", "*")).await;
    let key = env.key(OTHER, Some(&gateway)).await;
    let stranger = env.prove(&key).await.unwrap();
    let caller = by(Who::PrincipalArn(format!("arn:aws:iam::{OTHER}:user/gateway")));
    let there = AuthorizePassRoleRequest { caller, ..pass("Nobody") };
    let missing = AuthorizePassRoleRequest { role_arn: ROLE.replace("Heron", "Egret"), ..there.clone() };
    let there = ask(&env, &stranger, there).await.unwrap();
    let missing = ask(&env, &stranger, missing).await.unwrap();
    assert_eq!(parts(&there), [Decision::ImplicitDeny; 3]);
    assert_eq!(parts(&missing), parts(&there));
    let answered = |answer: &AuthorizePassRoleResponse| answer.trust.clone().unwrap().statement;
    assert_eq!((answered(&there), answered(&missing)), (None, None));
}
