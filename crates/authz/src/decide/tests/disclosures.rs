//! What responses show of policies, by the account that owns them.
//!
//! A service of one account asks about callers and resources of others. Whatever decides there has `Hidden` in its name,
//! its Sid or its text, and responses must not have it.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{
    AuthorizeItem, AuthorizePassRoleRequest, AuthorizeRequest, AuthorizeResponse, BatchAuthorizeRequest, Decision,
    ExplainRequest, PutResourcePolicyRequest, PutServiceRequest, Step,
};
use bailiwick_api::op;
use bailiwick_storage::{InlinePolicy, PolicyRef};

use crate::tests::*;

/// What no answer to another account holds: names and Sids, and which types of policies there are.
const SECRETS: [&str; 9] = [
    "Hidden",
    "dentity",
    "oundary",
    "ession policy",
    "SessionPolicy",
    "ession-policy",
    "trust policy",
    "esource-based",
    "policy/",
];

fn hidden(effect: &str, action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Hidden","Effect":"{effect}","Action":"{action}","Resource":"*"}}]}}"#
    )
}

fn resource_policy(effect: &str, principal: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Sid":"Hidden","Effect":"{effect}","Principal":{principal},"Action":"photos:Get*","Resource":"*"}}}}"#
    )
}

fn album(of: &str) -> String {
    format!("arn:aws:photos:eu-central-1:{of}:album/1")
}

impl TestEnv {
    /// A service of an account, which may ask everything.
    async fn service_of(&self, account: &str) -> Authenticated {
        let user = self.user(account, "gateway", &allow("bailiwick:*", "*")).await;
        self.prove(&self.key(account, Some(&user)).await).await.unwrap()
    }

    async fn keep(&self, account: &str, arn: &str, policy: &str) {
        let owner = self.user(account, "owner", &allow("*", "*")).await;
        let owner = self.prove(&self.key(account, Some(&owner)).await).await.unwrap();
        let req = PutResourcePolicyRequest { resource_arn: Some(arn.into()), policy: Some(policy.into()) };
        self.change::<op::PutResourcePolicy>(&owner, req).await.unwrap();
    }
}

/// A caller of `OTHER` whose policies of every type decide something.
struct World {
    env: TestEnv,
    /// By what it is decided, and the key that signs.
    callers: Vec<(&'static str, Key)>,
}

impl World {
    async fn new() -> World {
        let env = TestEnv::new().await;
        let user = async |name: &str, document: &str| {
            let user = env.user(OTHER, name, "").await;
            if !document.is_empty() {
                let mut tx = env.tx().await;
                let policy =
                    InlinePolicy { name: PolicyName::parse("Hidden").unwrap(), document: document.into(), size: 1 };
                tx.put_inline_policy(&(&user).into(), &policy).await.unwrap();
                env.commit(tx).await;
            }
            user
        };
        let mut callers = Vec::new();
        for (why, document) in [
            ("nothing allows", String::new()),
            ("an inline policy allows", hidden("Allow", "photos:*")),
            ("an inline policy denies", hidden("Deny", "photos:*")),
        ] {
            let name = why.replace(' ', "-");
            callers.push((why, env.key(OTHER, Some(&user(&name, &document).await)).await));
        }
        let bound = env.managed_of(OTHER, "HiddenBoundary", &hidden("Allow", "films:*")).await;
        let bounded = user("bounded", &hidden("Allow", "photos:*")).await;
        let mut tx = env.tx().await;
        tx.update(&bounded, &User { boundary: Some(bound), ..bounded.clone() }).await.unwrap();
        env.commit(tx).await;
        callers.push(("a boundary does not allow", env.key(OTHER, Some(&bounded)).await));
        let role = env.role(OTHER, "Role", "{}", &hidden("Allow", "photos:*")).await;
        let narrowed = |text: String| env.session(&role, "dive", |session| session.policies = vec![text]);
        callers.push(("a session policy does not allow", narrowed(hidden("Allow", "films:*"))));
        callers.push(("a session policy denies", narrowed(hidden("Deny", "*"))));
        callers.push(("a session is allowed", env.session(&role, "dive", |_| {})));
        World { env, callers }
    }

    /// Asks about every caller in every way; `expected` are the decision and step for each.
    async fn ask(&self, asker: &Authenticated, change: impl Fn(&mut AuthorizeRequest)) -> Vec<AuthorizeResponse> {
        let env = &self.env;
        let mut answers = Vec::new();
        for (why, key) in &self.callers {
            let signed = TestRequest::new("photos", "GET", "/", "", b"").sign(env, key, "eu-west-1").to_proto();
            let mut req = AuthorizeRequest {
                caller: by(Who::SignedRequest(signed)),
                action: "photos:GetAlbum".into(),
                ..Default::default()
            };
            change(&mut req);
            let answer = env.call::<op::Authorize>(asker, req.clone()).await.unwrap();
            let item = AuthorizeItem {
                action: req.action.clone(),
                resource: req.resource.clone(),
                resource_policy: req.resource_policy.clone(),
                ..Default::default()
            };
            let batch = BatchAuthorizeRequest { caller: req.caller.clone(), items: vec![item], ..Default::default() };
            let result = env.call::<op::BatchAuthorize>(asker, batch).await.unwrap().results.remove(0);
            let same = (result.decision, result.step, result.statement, result.message);
            assert_eq!(same, (answer.decision, answer.step, answer.statement.clone(), answer.message.clone()), "{why}");
            answers.push(answer);
        }
        answers
    }
}

impl TestEnv {
    pub(super) async fn managed_of(&self, of: &str, name: &str, document: &str) -> PolicyRef {
        let policy = Policy {
            account: account(of),
            id: self.next_id(IdKind::Policy),
            name: PolicyName::parse(name).unwrap(),
            path: Path::root(),
            created: noon(),
            updated: noon(),
            description: None,
            tags: Tags::new(),
            default_version: 1,
            latest_version: 1,
        };
        let mut tx = self.tx().await;
        tx.create_policy(&policy, document.into()).await.unwrap();
        self.commit(tx).await;
        policy.reference()
    }
}

/// Asserts that a response has the decision and nothing hidden.
fn reveals_nothing(what: &str, answer: &impl std::fmt::Debug) {
    let text = format!("{answer:?}");
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} tells `{secret}`: {text}");
    }
}

#[tokio::test]
async fn deciding_statements_of_a_principal_are_shown_to_its_account_only() {
    use Decision::{Allow, ExplicitDeny, ImplicitDeny};
    let world = World::new().await;
    let env = &world.env;
    // The asking service's own resource, whose policy lets the callers' account in; then one of the callers' account.
    let own = |req: &mut AuthorizeRequest| {
        req.resource = album(THIRD);
        req.resource_policy =
            Some(resource_policy("Allow", &format!(r#"{{"AWS":"{OTHER}"}}"#)).replace("Hidden", "S1"));
    };
    let theirs = |req: &mut AuthorizeRequest| req.resource = album(OTHER);
    let decisions = [ImplicitDeny, Allow, ExplicitDeny, ImplicitDeny, ImplicitDeny, ExplicitDeny, Allow];
    let other_service = env.service_of(THIRD).await;
    let answers = [world.ask(&other_service, own).await, world.ask(&other_service, theirs).await].concat();
    for (n, answer) in answers.iter().enumerate() {
        let (why, _) = world.callers[n % world.callers.len()];
        assert_eq!(answer.decision(), decisions[n % decisions.len()], "{why}");
        reveals_nothing(why, answer);
        assert_eq!(answer.statement, None, "{why}");
        let expected = if answer.decision() == ExplicitDeny { Step::ExplicitDeny } else { Step::Withheld };
        assert_eq!(answer.step(), expected, "{why}");
        if let Some(message) = &answer.message {
            assert!(
                message.starts_with("User: arn:aws:") && message.contains("not authorized to perform"),
                "{message}"
            );
        }
    }
    // Their own account and the management account see it.
    for asker in [env.service_of(OTHER).await, env.service().await] {
        for (answer, (why, _)) in world.ask(&asker, theirs).await.iter().zip(&world.callers) {
            assert_ne!(answer.step(), Step::Withheld, "{why}");
            let has_statement = answer.decision() != ImplicitDeny;
            assert_eq!(answer.statement.is_some(), has_statement, "{why}");
            let text = format!("{answer:?}");
            assert!(SECRETS.iter().any(|secret| text.contains(secret)), "{why}: {text}");
        }
    }
}

#[tokio::test]
async fn deciding_statements_of_a_resource_policy_are_shown_to_its_owner_and_its_sender() {
    let env = TestEnv::new().await;
    let other_service = env.service_of(THIRD).await;
    let caller = env.user(THIRD, "caller", &allow("photos:*", "*")).await;
    let key = env.key(THIRD, Some(&caller)).await;
    let ask = async |asker: &Authenticated, given: Option<String>| {
        let signed = TestRequest::new("photos", "GET", "/", "", b"").sign(&env, &key, "eu-west-1").to_proto();
        let req = AuthorizeRequest {
            caller: by(Who::SignedRequest(signed)),
            action: "photos:GetAlbum".into(),
            resource: album(OTHER),
            resource_policy: given,
            ..Default::default()
        };
        env.call::<op::Authorize>(asker, req).await.unwrap()
    };
    // No policy is kept.
    let answer = ask(&other_service, None).await;
    assert_eq!((answer.decision(), answer.step()), (Decision::ImplicitDeny, Step::Withheld));
    reveals_nothing("none", &answer);
    let none = answer.message.clone();
    env.keep(OTHER, &album(OTHER), &resource_policy("Allow", r#"{"AWS":"111122223333"}"#)).await;
    // One that does not allow looks the same.
    let answer = ask(&other_service, None).await;
    assert_eq!((answer.decision(), answer.step(), &answer.message), (Decision::ImplicitDeny, Step::Withheld, &none));
    let owner = env.service_of(OTHER).await;
    let answered = ask(&owner, None).await;
    assert_eq!(answered.step(), Step::ResourcePolicy);
    // A given policy belongs to the asking service.
    let given = resource_policy("Deny", "\"*\"").replace("Hidden", "Mine");
    let answer = ask(&other_service, Some(given)).await;
    assert_eq!((answer.decision(), answer.step()), (Decision::ExplicitDeny, Step::ExplicitDeny));
    assert_eq!(answer.statement.unwrap().sid.as_deref(), Some("Mine"));
}

#[tokio::test]
async fn a_stored_policy_that_denies_is_not_shown_to_other_accounts() {
    let env = TestEnv::new().await;
    let other_service = env.service_of(THIRD).await;
    env.keep(OTHER, &album(OTHER), &resource_policy("Deny", "\"*\"")).await;
    let req = AuthorizeRequest {
        caller: by(Who::Anonymous(authz::Anonymous {})),
        action: "photos:GetAlbum".into(),
        resource: album(OTHER),
        ..Default::default()
    };
    let answer = env.call::<op::Authorize>(&other_service, req.clone()).await.unwrap();
    assert_eq!((answer.decision(), answer.step()), (Decision::ExplicitDeny, Step::ExplicitDeny));
    reveals_nothing("a deny", &answer);
    let owner = env.service_of(OTHER).await;
    assert!(env.call::<op::Authorize>(&owner, req).await.unwrap().statement.is_some());
}

#[tokio::test]
async fn explanations_need_the_accounts_whose_policies_they_show() {
    let world = World::new().await;
    let env = &world.env;
    let other_service = env.service_of(THIRD).await;
    for (why, key) in &world.callers {
        let signed = TestRequest::new("photos", "GET", "/", "", b"").sign(env, key, "eu-west-1").to_proto();
        for resource in [album(THIRD), album(OTHER), "*".to_owned()] {
            for policy in [None, Some(resource_policy("Allow", "\"*\""))] {
                let req = AuthorizeRequest {
                    caller: by(Who::SignedRequest(signed.clone())),
                    action: "photos:GetAlbum".into(),
                    resource: resource.clone(),
                    resource_policy: policy,
                    ..Default::default()
                };
                let answer = env.call::<op::Explain>(&other_service, ExplainRequest { request: Some(req) }).await;
                let error = answer.expect_err(why);
                assert_eq!(error.code().wire(), "AccessDenied", "{why}");
            }
        }
    }
}

/// By conditions on tags in a policy that it sends, an account could find the users and roles of another account and
/// read their tags letter by letter.
#[tokio::test]
async fn a_given_policy_cannot_find_roles_of_other_accounts() {
    let env = TestEnv::new().await;
    let (other_service, own) = (env.service_of(THIRD).await, env.service_of(OTHER).await);
    let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"photos.example.com"},"Action":"sts:AssumeRole"}}"#;
    env.role(OTHER, "Tagged", trust, "").await;
    let given = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*","Condition":{"StringLike":{"aws:ResourceTag/team":"*"}}}}"#;
    for action in ["sts:AssumeRole", "iam:GetRole"] {
        for name in ["Tagged", "Missing"] {
            let req = AuthorizeRequest {
                caller: by(Who::Anonymous(Default::default())),
                action: action.into(),
                resource: format!("arn:aws:iam::{OTHER}:role/ponds/{name}"),
                resource_policy: Some(given.into()),
                ..Default::default()
            };
            let error = env.call::<op::Authorize>(&other_service, req.clone()).await.expect_err(action);
            assert_eq!(error.code().wire(), "ValidationError", "{action} {name}");
            assert!(env.call::<op::Authorize>(&own, req).await.is_ok(), "{action} {name}");
        }
    }
}

#[tokio::test]
async fn passing_roles_of_other_accounts_reveals_nothing() {
    let env = TestEnv::new().await;
    let other_service = env.service_of(THIRD).await;
    let trust = |effect: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Sid":"Hidden","Effect":"{effect}","Principal":{{"Service":"photos.example.com"}},"Action":"sts:AssumeRole"}}}}"#
        )
    };
    env.role(OTHER, "Trusting", &trust("Allow"), "").await;
    env.role(OTHER, "Denying", &trust("Deny"), "").await;
    for (name, effect) in [("may", "Allow"), ("must-not", "Deny"), ("may-not", "")] {
        let document = if effect.is_empty() { String::new() } else { hidden(effect, "iam:PassRole") };
        let user = env.user(OTHER, name, &document).await;
        let key = env.key(OTHER, Some(&user)).await;
        for role in ["Trusting", "Denying", "Missing"] {
            let signed = TestRequest::new("photos", "GET", "/", "", b"").sign(&env, &key, "eu-west-1").to_proto();
            let req = AuthorizePassRoleRequest {
                caller: by(Who::SignedRequest(signed)),
                role_arn: format!("arn:aws:iam::{OTHER}:role/ponds/{role}"),
                service_principal: "photos.example.com".into(),
                ..Default::default()
            };
            let answer = env.call::<op::AuthorizePassRole>(&other_service, req).await.unwrap();
            reveals_nothing(&format!("{name} {role}"), &answer);
            let is_allowed = effect == "Allow" && role == "Trusting";
            assert_eq!(answer.decision() == Decision::Allow, is_allowed, "{name} {role}");
            // The response does not reveal whether the role denies or does not exist.
            assert_ne!(answer.trust.unwrap().decision(), Decision::ExplicitDeny, "{name} {role}");
        }
    }
}

#[tokio::test]
async fn assuming_roles_of_other_accounts_reveals_nothing() {
    let env = TestEnv::new().await;
    let other_service = env.service_of(THIRD).await;
    let trust = |effect: &str, principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Sid":"Hidden","Effect":"{effect}","Principal":{principal},"Action":"sts:*"}}}}"#
        )
    };
    env.role(OTHER, "Denying", &trust("Deny", "\"*\""), "").await;
    env.role(OTHER, "Trusting", &trust("Allow", &format!(r#"{{"AWS":"{THIRD}"}}"#)), "").await;
    let caller = env.user(THIRD, "caller", &allow("sts:*", "*")).await;
    let key = env.key(THIRD, Some(&caller)).await;
    let ask = async |role: &str| {
        let signed = TestRequest::new("sts", "GET", "/", "", b"").sign(&env, &key, "eu-west-1").to_proto();
        let req = AuthorizeRequest {
            caller: by(Who::SignedRequest(signed)),
            action: "sts:AssumeRole".into(),
            resource: format!("arn:aws:iam::{OTHER}:role/ponds/{role}"),
            ..Default::default()
        };
        let answer = env.call::<op::Authorize>(&other_service, req).await.unwrap();
        assert!(!format!("{answer:?}").contains("Hidden"), "{answer:?}");
        (answer.decision(), answer.step(), answer.message.map(|message| message.replace(role, "ROLE")))
    };
    assert_eq!(ask("Denying").await, ask("Missing").await);
    assert_eq!(ask("Trusting").await.0, Decision::Allow);
}

#[tokio::test]
async fn naming_a_service_reveals_nothing_of_roles_of_other_accounts() {
    let env = TestEnv::new().await;
    let other_service = env.service_of(THIRD).await;
    let trust = |effect: &str, principal: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Sid":"Hidden","Effect":"{effect}","Principal":{principal},"Action":"sts:*"}}}}"#
        )
    };
    let service = r#"{"Service":"photos.example.com"}"#;
    for account in [OTHER, THIRD] {
        env.role(account, "Trusting", &trust("Allow", service), "").await;
        env.role(account, "Denying", &trust("Deny", "\"*\""), "").await;
        env.role(account, "Open", &trust("Allow", "\"*\""), "").await;
    }
    let photos = || by(Who::ServicePrincipal("photos.example.com".into()));
    let ask = async |asker: &Authenticated, caller: Option<authz::Caller>, action: &str, account: &str, role: &str| {
        let resource = format!("arn:aws:iam::{account}:role/ponds/{role}");
        let item = AuthorizeItem { action: action.into(), resource: resource.clone(), ..Default::default() };
        let req = AuthorizeRequest { caller: caller.clone(), action: action.into(), resource, ..Default::default() };
        let one = env.call::<op::Authorize>(asker, req).await.unwrap();
        let batch = BatchAuthorizeRequest { caller, items: vec![item], ..Default::default() };
        let many = env.call::<op::BatchAuthorize>(asker, batch).await.unwrap();
        let answered = (one.decision(), one.step(), one.statement, one.message.map(|text| text.replace(role, "ROLE")));
        assert_eq!(many.results[0].decision(), answered.0);
        answered
    };
    for action in ["sts:AssumeRole", "STS:TagSession", "sts:SetSourceIdentity", "sts:AssumeRoleWithWebIdentity"] {
        for caller in [photos(), by(Who::Anonymous(Default::default()))] {
            let missing = ask(&other_service, caller.clone(), action, OTHER, "Missing").await;
            assert_eq!(missing.0, Decision::ImplicitDeny);
            for role in ["Trusting", "Denying", "Open"] {
                let answered = ask(&other_service, caller.clone(), action, OTHER, role).await;
                assert_eq!(answered, missing, "{action} {role}");
            }
        }
    }
    // A service sees its own account's, the management account all.
    let decided = async |asker: &Authenticated, account: &str| {
        ask(asker, photos(), "sts:AssumeRole", account, "Trusting").await.0
    };
    assert_eq!(decided(&other_service, THIRD).await, Decision::Allow);
    let admin = env.service().await;
    assert_eq!(decided(&admin, OTHER).await, Decision::Allow);
    // So is one that is registered to act as the service.
    let req = PutServiceRequest {
        service_prefix: Some("photos".into()),
        definition: Some(
            r#"{"catalogue":1,"services":{"photos":{"principals":["photos.example.com"],"actions":{"GetAlbum":{"access":"Read"}}}}}"#.into(),
        ),
        principal_arns: vec![format!("arn:aws:iam::{THIRD}:user/gateway")],
    };
    env.change::<op::PutService>(&admin, req).await.unwrap();
    assert_eq!(decided(&other_service, OTHER).await, Decision::Allow);
}
