//! Stored tags of another account's resource: they take part in decisions, and answers do not reveal them.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{
    AuthorizeItem, AuthorizeRequest, BatchAuthorizeRequest, ContextType, Decision, PutResourcePolicyRequest,
    ResourceTag, Step, TagResourceRequest,
};
use bailiwick_api::op;

use crate::tests::*;

const ALBUM: &str = "arn:aws:photos:eu-central-1:777788889999:album/1";
const BOB: &str = "arn:aws:iam::444455556666:user/Bob";

/// The album of the account `THIRD` has the tag `Team=blue`. The account `OTHER` has a service that asks, and Bob, whose
/// policy depends on tags.
struct Accounts {
    env: TestEnv,
    owner: Authenticated,
    asker: Authenticated,
}

impl Accounts {
    async fn new(bob: &str) -> Accounts {
        let env = TestEnv::new().await;
        let owner = env.user(THIRD, "owner", &allow("*", "*")).await;
        let owner = env.prove(&env.key(THIRD, Some(&owner)).await).await.unwrap();
        let asker = env.user(OTHER, "asker", &allow("*", "*")).await;
        let asker = env.prove(&env.key(OTHER, Some(&asker)).await).await.unwrap();
        env.user(OTHER, "Bob", bob).await;
        let tags = vec![ResourceTag { key: Some("Team".into()), value: Some("blue".into()) }];
        let req = TagResourceRequest { resource_arn: Some(ALBUM.into()), tags };
        env.change::<op::TagResource>(&owner, req).await.unwrap();
        Accounts { env, owner, asker }
    }

    /// The owner stores a policy.
    async fn store(&self, principal: &str, condition: &str) {
        let req =
            PutResourcePolicyRequest { resource_arn: Some(ALBUM.into()), policy: Some(policy(principal, condition)) };
        self.env.change::<op::PutResourcePolicy>(&self.owner, req).await.unwrap();
    }

    async fn ask(&self, asker: &Authenticated, req: AuthorizeRequest) -> String {
        let one = self.env.call::<op::Authorize>(asker, req.clone()).await.unwrap();
        let item = AuthorizeItem {
            action: req.action,
            resource: req.resource,
            context: req.context,
            resource_policy: req.resource_policy,
            ..Default::default()
        };
        let batch = BatchAuthorizeRequest { caller: req.caller, items: vec![item], ..Default::default() };
        let many = self.env.call::<op::BatchAuthorize>(asker, batch).await.unwrap().results.remove(0);
        assert_eq!((one.decision(), one.step(), &one.message), (many.decision(), many.step(), &many.message));
        format!("{:?} {:?} {:?} {:?}", one.decision(), one.step(), one.statement, one.message)
    }
}

fn policy(principal: &str, condition: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"photos:*","Resource":"*","Condition":{condition}}}}}"#
    )
}

fn question() -> AuthorizeRequest {
    AuthorizeRequest {
        caller: by(Who::PrincipalArn(BOB.into())),
        action: "photos:GetAlbum".into(),
        resource: ALBUM.into(),
        ..Default::default()
    }
}

fn team(value: &str) -> String {
    format!(r#"{{"StringEquals":{{"aws:ResourceTag/Team":"{value}"}}}}"#)
}

/// Bob's policy: an effect under a condition on the tag, and an Allow without one.
fn bob(effect: &str, value: &str) -> String {
    let allow = match effect {
        "Deny" => r#",{"Effect":"Allow","Action":"photos:*","Resource":"*"}"#,
        _ => "",
    };
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Action":"photos:*","Resource":"*","Condition":{}}}{allow}]}}"#,
        team(value)
    )
}

#[tokio::test]
async fn conditions_of_own_policies_do_not_reveal_tags() {
    for effect in ["Deny", "Allow"] {
        for stored in [None, Some(THIRD)] {
            let mut answers = Vec::new();
            for value in ["blue", "red"] {
                let accounts = Accounts::new(&bob(effect, value)).await;
                if let Some(principal) = stored {
                    accounts.store(principal, "{}").await;
                }
                answers.push(accounts.ask(&accounts.asker, question()).await);
            }
            assert!(answers[0].starts_with("ImplicitDeny"), "{answers:?}");
            assert_eq!(answers[0], answers[1], "{effect} {stored:?}");
        }
    }
}

#[tokio::test]
async fn tags_still_decide_where_the_owner_allows() {
    let check = async |effect: &str, value: &str, condition: &str, expected: Decision| {
        let accounts = Accounts::new(&bob(effect, value)).await;
        accounts.store(BOB, condition).await;
        let answer = accounts.ask(&accounts.asker, question()).await;
        assert!(answer.starts_with(&format!("{expected:?}")), "{effect} {value} {condition}: {answer}");
        answer
    };
    check("Allow", "blue", "{}", Decision::Allow).await;
    check("Allow", "red", "{}", Decision::ImplicitDeny).await;
    check("Deny", "red", "{}", Decision::Allow).await;
    check("Deny", "red", &team("blue"), Decision::Allow).await;
    check("Deny", "red", &team("red"), Decision::ImplicitDeny).await;
    // A Deny that depends on the tag applies, and the answer gives no reason.
    let denied = check("Deny", "blue", "{}", Decision::ImplicitDeny).await;
    assert!(denied.contains(&format!("{:?}", Step::Withheld)) && !denied.contains("explicit"), "{denied}");
    // The management account sees the reason.
    let accounts = Accounts::new("").await;
    let env = &accounts.env;
    let root = env.prove(&env.key(MAIN, None).await).await.unwrap();
    let carol = env.user(OTHER, "Carol", &bob("Deny", "blue")).await;
    let key = env.key(OTHER, Some(&carol)).await;
    let sent = TestRequest::new("photos", "GET", "/album/1", "", b"").sign(env, &key, "eu-central-1");
    let req = AuthorizeRequest { caller: by(Who::SignedRequest(sent.to_proto())), ..question() };
    assert!(accounts.ask(&root, req).await.starts_with("ExplicitDeny"));
}

#[tokio::test]
async fn conditions_of_a_given_policy_do_not_reveal_tags() {
    let accounts = Accounts::new(&allow("photos:*", "*")).await;
    let mut answers = Vec::new();
    for value in ["blue", "red"] {
        let req = AuthorizeRequest { resource_policy: Some(policy("*", &team(value))), ..question() };
        answers.push(accounts.ask(&accounts.asker, req.clone()).await);
        // The tags of the question count, as for a resource of which nothing is stored.
        let context = vec![entry("aws:ResourceTag/Team", ContextType::String, &[value])];
        let answer = accounts.ask(&accounts.asker, AuthorizeRequest { context, ..req }).await;
        assert!(answer.starts_with("Allow"), "{answer}");
    }
    assert!(answers[0].starts_with("ImplicitDeny"), "{answers:?}");
    assert_eq!(answers[0], answers[1]);
}
