//! Scope-down policies of GetScopedCredentials: each must allow, whatever grants the access.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{AuthorizeRequest, Decision, ExplainRequest, Step};
use bailiwick_api::op;
use bailiwick_operation::{Session, SessionKind};

use crate::tests::*;

const GET: &str = "photos:GetAlbum";
const PUT: &str = "photos:PutAlbum";

fn album(of: &str) -> String {
    format!("arn:aws:photos:eu-central-1:{of}:album/1")
}

fn scope(effect: &str, action: &str) -> String {
    statement(effect, action, "*", "{}")
}

/// A resource policy for a principal.
fn granting(principal: &str) -> Option<String> {
    Some(format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{principal},"Action":"photos:*","Resource":"*"}}}}"#
    ))
}

#[tokio::test]
async fn every_scope_must_allow_whatever_else_does() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let able = env.role(MAIN, "Able", "{}", &allow("*", "*")).await;
    let bare = env.role(MAIN, "Bare", "{}", "").await;
    let ann = env.user(MAIN, "Ann", &allow("*", "*")).await;
    let arn = |what: &str| format!(r#"{{"AWS":"arn:aws:{what}"}}"#);
    let session_arn = arn("sts::111122223333:assumed-role/Bare/dive");
    let user = || Principal::User { account: ann.account, id: ann.id, name: ann.name.clone(), path: ann.path.clone() };
    let root = || Principal::Root { account: account(MAIN) };
    let get_only = scope("Allow", "photos:Get*");
    let albums = scope("Allow", "photos:*Album");
    let films = scope("Allow", "films:*");
    let denies_get = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"photos:Get*","Resource":"*"}]}"#;
    let all = scope("Allow", "*");
    let s = |scopes: &[&str]| scopes.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let role = |role: &Role, scopes: Vec<String>| env.session(role, "dive", |session| session.scopes = scopes);
    let limited = |scopes: Vec<String>| {
        env.session(&able, "dive", |session| {
            session.policies = vec![get_only.clone()];
            session.scopes = scopes;
        })
    };
    let of_kind = |principal: Principal, scopes: Vec<String>| {
        env.temporary(principal, |session: &mut Session| {
            session.kind = SessionKind::SessionToken;
            session.scopes = scopes;
        })
    };
    use Decision::{Allow, ExplicitDeny, ImplicitDeny};
    for (name, key, action, policy, expected) in [
        ("no scope", role(&able, s(&[])), PUT, None, Allow),
        ("it allows", role(&able, s(&[&get_only])), GET, None, Allow),
        ("it does not allow", role(&able, s(&[&get_only])), PUT, None, ImplicitDeny),
        ("the first of two does not", role(&able, s(&[&get_only, &albums])), PUT, None, ImplicitDeny),
        ("the second of two does not", role(&able, s(&[&all, &films])), GET, None, ImplicitDeny),
        ("both do", role(&able, s(&[&get_only, &albums])), GET, None, Allow),
        ("three do", role(&able, s(&[&get_only, &albums, &all])), GET, None, Allow),
        ("it denies", role(&able, s(&[denies_get])), GET, None, ExplicitDeny),
        ("the third denies", role(&able, s(&[&all, &all, denies_get])), GET, None, ExplicitDeny),
        ("it is not a policy", role(&able, s(&["{}"])), GET, None, ExplicitDeny),
        ("it widens nothing", role(&bare, s(&[&all])), GET, None, ImplicitDeny),
        ("it does not widen a session policy", limited(s(&[&all])), PUT, None, ImplicitDeny),
        ("nor does the session policy widen it", limited(s(&[&films])), GET, None, ImplicitDeny),
        ("both allow", limited(s(&[&albums])), GET, None, Allow),
        ("a resource policy for the session", role(&bare, s(&[&get_only])), GET, granting(&session_arn), Allow),
        ("but not beyond the scope", role(&bare, s(&[&get_only])), PUT, granting(&session_arn), ImplicitDeny),
        ("nor by one for everyone", role(&bare, s(&[&get_only])), PUT, granting("\"*\""), ImplicitDeny),
        (
            "nor by one for the role",
            role(&bare, s(&[&get_only])),
            PUT,
            granting(&arn("iam::111122223333:role/Bare")),
            ImplicitDeny,
        ),
        ("a user's session", of_kind(user(), s(&[&get_only])), GET, None, Allow),
        ("not beyond the scope", of_kind(user(), s(&[&get_only])), PUT, None, ImplicitDeny),
        (
            "nor by a policy for the user",
            of_kind(user(), s(&[&get_only])),
            PUT,
            granting(&arn("iam::111122223333:user/Ann")),
            ImplicitDeny,
        ),
        ("root's session", of_kind(root(), s(&[&get_only])), GET, None, Allow),
        ("not beyond the scope of root", of_kind(root(), s(&[&get_only])), PUT, None, ImplicitDeny),
    ] {
        let signed = TestRequest::new("photos", "GET", "/", "", b"").sign(&env, &key, "eu-west-1").to_proto();
        let req =
            AuthorizeRequest { resource_policy: policy, ..question(Who::SignedRequest(signed), action, &album(MAIN)) };
        let response = env.ask(&service, req.clone()).await.unwrap();
        assert_eq!(response.decision(), expected, "{name}");
        let explained = env.call::<op::Explain>(&service, ExplainRequest { request: Some(req) }).await.unwrap();
        assert_eq!(explained.result.unwrap().decision(), expected, "{name}, explained");
        if name == "it does not allow" {
            assert_eq!(response.step(), Step::SessionPolicy);
            assert!(response.message.unwrap().ends_with("because no session policy allows the photos:PutAlbum action"));
        }
        if name == "the third denies" {
            let statement = response.statement.unwrap();
            assert_eq!(
                (statement.index, statement.attached_to.as_str()),
                (1, "arn:aws:sts::111122223333:assumed-role/Able/dive")
            );
        }
    }
}

#[tokio::test]
async fn a_scope_of_a_caller_binds_in_other_accounts_and_in_bailiwick_itself() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let role = env.role(MAIN, "Able", "{}", &allow("*", "*")).await;
    let key = env.session(&role, "dive", |session| session.scopes = vec![scope("Allow", "photos:Get*")]);
    let everyone = granting("\"*\"");
    for (action, expected) in [(GET, Decision::Allow), (PUT, Decision::ImplicitDeny)] {
        let signed = TestRequest::new("photos", "GET", "/", "", b"").sign(&env, &key, "eu-west-1").to_proto();
        let req = AuthorizeRequest {
            resource_policy: everyone.clone(),
            ..question(Who::SignedRequest(signed), action, &album(OTHER))
        };
        assert_eq!(env.decided(&service, req).await, expected, "{action}");
    }
    let caller = env.prove(&key).await.unwrap();
    let cx = env.cx(&caller);
    let snapshot = cx.view().unwrap();
    let decide = |check: Check| env.authz.decide(&snapshot, &caller, &cx, &check).is_ok();
    assert!(decide(Check::without_resource("sts:GetCallerIdentity", account(MAIN))));
    assert!(!decide(Check::without_resource("iam:ListUsers", account(MAIN))));
}
