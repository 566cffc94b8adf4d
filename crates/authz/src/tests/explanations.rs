//! Why, and why not.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{ExplainRequest, ExplainResponse, FailedElement, PolicyType, Verdict};
use bailiwick_api::op;

use super::questions::question;
use super::*;

impl House {
    async fn explain(&self, who: &Authenticated, principal: &str, action: &str) -> Result<ExplainResponse> {
        let request = question(Who::PrincipalArn(principal.into()), action, "arn:aws:s3:::bank/a");
        self.call::<op::Explain>(who, ExplainRequest { request: Some(request) }).await
    }
}

#[tokio::test]
async fn a_denial_is_explained() {
    let house = House::new().await;
    let service = house.service().await;
    let condition = r#"{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}"#;
    let alice = house.user(MAIN, "Alice", &statement("Allow", "s3:GetObject", "*", condition)).await;
    house.group("staff", &allow("s3:PutObject", "*"), &[&alice]).await;
    let arn = "arn:aws:iam::111122223333:user/Alice";
    let answer = house.explain(&service, arn, "s3:GetObject").await.unwrap();
    let result = answer.result.unwrap();
    assert_eq!(result.decision(), authz::Decision::ImplicitDeny);
    let identity = answer.verdicts.iter().find(|v| v.policy_type() == PolicyType::Identity).unwrap();
    assert_eq!((identity.verdict(), identity.required, identity.policy_count), (Verdict::Silent, true, 2));
    let miss = &answer.near_misses[0];
    assert_eq!((miss.element(), &*miss.effect), (FailedElement::Condition, "Allow"));
    assert_eq!(
        (miss.condition_operator.as_deref(), miss.condition_key.as_deref()),
        (Some("StringEquals"), Some("aws:RequestedRegion"))
    );
    assert_eq!((&*miss.expected, &*miss.actual), (&["eu-west-1".to_owned()][..], &[][..]));
    assert_eq!(miss.statement.as_ref().unwrap().attached_to, arn);
    assert_eq!(answer.missing_context_keys, ["aws:RequestedRegion"]);
    let suggestion = answer.suggestion.unwrap();
    assert_eq!((suggestion.policy_type(), &*suggestion.attach_to), (PolicyType::Identity, arn));
    assert!(suggestion.statement.contains("s3:GetObject"), "{}", suggestion.statement);
    assert!(answer.text.contains("s3:GetObject"), "{}", answer.text);
    let answer = house.explain(&service, arn, "s3:PutObject").await.unwrap();
    let statement = answer.result.unwrap().statement.unwrap();
    assert_eq!(statement.attached_to, "arn:aws:iam::111122223333:group/staff");
    assert_eq!((answer.suggestion, answer.near_misses.len()), (None, 0));
}

#[tokio::test]
async fn policies_of_another_account_are_shown_to_the_management_account_alone() {
    let house = House::new().await;
    let document = allow("bailiwick:*", "*");
    let bob = house.user(OTHER, "Bob", "").await;
    let key = house.key(OTHER, Some(&bob)).await;
    let alice = house.user(MAIN, "Alice", "").await;
    let alice_key = house.key(MAIN, Some(&alice)).await;
    let of = |key: &Key| Sent::new("sqs", "GET", "/", "", b"").sign(&house, key, "eu-west-1").handed_over();
    for (asker_in, asked, expected) in
        [(MAIN, &key, true), (OTHER, &key, true), (MAIN, &alice_key, true), (OTHER, &alice_key, false)]
    {
        let asker = house.user(asker_in, &format!("asker{}", asked.id.as_str().to_lowercase()), &document).await;
        let asker = house.prove(&house.key(asker_in, Some(&asker)).await).await.unwrap();
        let request = question(Who::SignedRequest(of(asked)), "sqs:SendMessage", "*");
        let answer = house.call::<op::Explain>(&asker, ExplainRequest { request: Some(request.clone()) }).await;
        match answer {
            Ok(_) => assert!(expected, "{asker_in}"),
            Err(error) => assert_eq!((error.code().wire(), expected), ("AccessDenied", false)),
        }
        // Whether he may is for every service to know that a request came to.
        assert!(house.ask(&asker, request).await.is_ok());
    }
}
