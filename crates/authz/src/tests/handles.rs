//! Authenticate, and the handles that it gives.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{AuthenticateRequest, AuthenticateResponse, Decision};
use bailiwick_api::op;
use bailiwick_sigv4::Signing;

use super::questions::question;
use super::*;

impl House {
    async fn who_signed(&self, service: &Authenticated, signed: authz::SignedRequest) -> Result<AuthenticateResponse> {
        let req = AuthenticateRequest { signed_request: Some(signed), min_revision: None };
        self.call::<op::Authenticate>(service, req).await
    }
}

#[tokio::test]
async fn who_signed_is_told_with_all_that_policies_see() {
    let house = House::new().await;
    let service = house.service().await;
    let role = house.role(OTHER, "Diver", "{}", "").await;
    let key = house.session(&role, "dive", |session| {
        session.tags = Tags::parse([("team", "session")]).unwrap();
        session.source_identity = Some("ada".into());
    });
    let sent = Sent::new("sqs", "POST", "/q?x", "", b"body")
        .sign_as(&key, |c| Signing::new(c, "eu-west-1", "sqs", noon()).declare_payload());
    let answer = house.who_signed(&service, sent.handed_over()).await;
    assert_eq!(code(answer), "SignatureDoesNotMatch", "a path holds no question mark");
    let sent = Sent::new("sqs", "POST", "/q", "x=1", b"body")
        .sign_as(&key, |c| Signing::new(c, "eu-west-1", "sqs", noon()).declare_payload());
    let answer = house.who_signed(&service, sent.handed_over()).await.unwrap();
    let principal = answer.principal.unwrap();
    assert_eq!(principal.arn, "arn:aws:sts::444455556666:assumed-role/Diver/dive");
    assert_eq!(principal.role_arn.as_deref(), Some("arn:aws:iam::444455556666:role/ponds/Diver"));
    assert_eq!((&*principal.account_id, &*principal.principal_type), (OTHER, "AssumedRole"));
    assert_eq!(principal.user_id, format!("{}:dive", role.id));
    assert_eq!((principal.user_name.as_deref(), principal.session_name.as_deref()), (None, Some("dive")));
    assert_eq!((principal.source_identity.as_deref(), &principal.access_key_id), (Some("ada"), &key.id.to_string()));
    assert_eq!(principal.session_issued_at.unwrap().seconds, noon().as_second());
    assert_eq!(principal.session_expiration.unwrap().seconds, noon().as_second() + 3_600);
    let mut tags: Vec<_> = principal.principal_tags.into_iter().collect();
    tags.sort();
    assert_eq!(tags, [("Cost".into(), "7".into()), ("team".into(), "session".into())]);
    let signature = answer.signature.unwrap();
    assert_eq!((&*signature.service, &*signature.region), ("sqs", "eu-west-1"));
    assert_eq!(signature.signed_at.unwrap().seconds, noon().as_second());
    assert_eq!(signature.expiration, None);
    assert_eq!(signature.signed_headers, ["host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token"]);
    assert_eq!(signature.payload_hash, "230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5");
    assert!(signature.payload_verified);
}

#[tokio::test]
async fn what_the_asking_service_does_not_say_of_the_body_counts_as_declared() {
    let house = House::new().await;
    let service = house.service().await;
    let key = house.key(MAIN, None).await;
    let without_body = |sent: &Sent| {
        let mut signed = sent.handed_over();
        signed.http_request.as_mut().unwrap().payload = None;
        signed
    };
    let object_key = |sent: Sent, change: fn(Signing<'_>) -> Signing<'_>| {
        sent.sign_as(&key, |c| change(Signing::new(c, "eu-west-1", "s3", noon()).path_rule(sigv4::PathRule::ObjectKey)))
    };
    let put = || Sent::new("s3", "PUT", "/bank/a%2Fb/../c", "", b"content");
    let declared = object_key(put(), |s| s.declare_payload());
    let answer = house.who_signed(&service, without_body(&declared)).await.unwrap();
    assert!(!answer.signature.unwrap().payload_verified);
    let answer = house.who_signed(&service, declared.handed_over()).await.unwrap();
    assert!(answer.signature.unwrap().payload_verified);
    let unsigned = object_key(put(), |s| s.unsigned_payload());
    let signature = house.who_signed(&service, unsigned.handed_over()).await.unwrap().signature.unwrap();
    assert_eq!((&*signature.payload_hash, signature.payload_verified), ("UNSIGNED-PAYLOAD", false));
    // By hash instead of the body itself.
    let mut by_hash = declared.handed_over();
    let hash = "ED7002B439E9AC845F22357D822BAC1444730FBDB6016D3EC9432297B9EC9F73".to_owned();
    by_hash.http_request.as_mut().unwrap().payload = Some(authz::http_request::Payload::PayloadSha256(hash));
    assert!(house.who_signed(&service, by_hash.clone()).await.unwrap().signature.unwrap().payload_verified);
    let wrong = "ED7002B439E9AC845F22357D822BAC1444730FBDB6016D3EC9432297B9EC9F74".to_owned();
    by_hash.http_request.as_mut().unwrap().payload = Some(authz::http_request::Payload::PayloadSha256(wrong));
    assert_eq!(code(house.who_signed(&service, by_hash).await), "SignatureDoesNotMatch");
    // Elsewhere a body of which nothing is known is no signed one.
    let post = Sent::new("sqs", "POST", "/", "", b"Action=SendMessage").sign(&house, &key, "eu-west-1");
    assert!(house.who_signed(&service, post.handed_over()).await.is_ok());
    assert_eq!(code(house.who_signed(&service, without_body(&post)).await), "SignatureDoesNotMatch");
    let get = Sent::new("sqs", "GET", "/", "Action=ListQueues", b"").presign(&house, &key, 60);
    let answer = house.who_signed(&service, without_body(&get)).await.unwrap();
    assert_eq!(answer.signature.unwrap().expiration.unwrap().seconds, noon().as_second() + 60);
}

#[tokio::test]
async fn the_right_to_know_is_a_permission_like_others() {
    let house = House::new().await;
    let bob = house.user(OTHER, "Bob", "").await;
    let key = house.key(OTHER, Some(&bob)).await;
    let sent = Sent::new("sqs", "GET", "/", "", b"").sign(&house, &key, "eu-west-1");
    let nonsense = Sent::new("sqs", "GET", "/", "", b"");
    for (name, document, expected) in [
        ("one", String::new(), false),
        ("two", allow("bailiwick:Authenticate", "arn:aws:bailiwick::111122223333:service/sqs"), true),
        ("three", allow("bailiwick:Authenticate", "arn:aws:bailiwick::111122223333:service/sns"), false),
        (
            "four",
            statement(
                "Allow",
                "bailiwick:Authenticate",
                "*",
                r#"{"StringEquals":{"bailiwick:PrincipalAccount":"444455556666"}}"#,
            ),
            true,
        ),
        (
            "five",
            statement(
                "Allow",
                "bailiwick:Authenticate",
                "*",
                r#"{"StringEquals":{"bailiwick:PrincipalAccount":"111122223333"}}"#,
            ),
            false,
        ),
        ("six", allow("bailiwick:Authorize", "*"), false),
    ] {
        let user = house.user(MAIN, name, &document).await;
        let asker = house.prove(&house.key(MAIN, Some(&user)).await).await.unwrap();
        let answer = house.who_signed(&asker, sent.handed_over()).await;
        match answer {
            Ok(_) => assert!(expected, "{document}"),
            Err(error) => assert_eq!((error.code().wire(), expected), ("AccessDenied", false), "{document}"),
        }
        // Who may not ask at all doesn't learn whether a signature is good.
        if document.is_empty() {
            assert_eq!(code(house.who_signed(&asker, nonsense.handed_over()).await), "AccessDenied");
        }
    }
}

#[tokio::test]
async fn a_handle_stands_for_its_caller_for_its_holder_and_for_minutes() {
    let house = House::new().await;
    let service = house.service().await;
    let role = house.role(OTHER, "Diver", "{}", &allow("s3:*", "*")).await;
    let key = house.session(&role, "dive", |session| {
        session.policies = vec![allow("s3:Get*", "*")];
    });
    let sent = Sent::new("sqs", "GET", "/", "", b"").sign(&house, &key, "eu-west-1");
    let answer = house.who_signed(&service, sent.handed_over()).await.unwrap();
    assert_eq!(answer.handle_expiration.unwrap().seconds, noon().as_second() + 300);
    let ask = |action: &str| {
        let mut req = question(Who::Handle(answer.handle.clone()), action, "arn:aws:s3:::bank/a");
        req.resource_account = Some(OTHER.into());
        req
    };
    assert_eq!(house.decided(&service, ask("s3:GetObject")).await, Decision::Allow);
    // The session's own limits came along.
    assert_eq!(house.decided(&service, ask("s3:PutObject")).await, Decision::ImplicitDeny);
    // Nobody else has any use for it, neither before nor after the holder has used it.
    let thief = house.user(OTHER, "thief", &allow("bailiwick:*", "*")).await;
    let thief = house.prove(&house.key(OTHER, Some(&thief)).await).await.unwrap();
    assert_eq!(code(house.ask(&thief, ask("s3:GetObject")).await), "InvalidClientTokenId");
    let mut forged = answer.handle.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(
        code(house.ask(&service, question(Who::Handle(forged.into()), "s3:GetObject", "*")).await),
        "InvalidClientTokenId"
    );
    // It is no bearer token.
    let text = String::from_utf8_lossy(&answer.handle).into_owned();
    assert_eq!(code(house.authz.authenticate(&Proof::Bearer(&text), noon()).await), "InvalidClientTokenId");
    house.pass(299);
    assert_eq!(house.decided(&service, ask("s3:GetObject")).await, Decision::Allow);
    house.pass(1);
    assert_eq!(code(house.ask(&service, ask("s3:GetObject")).await), "ExpiredToken");
    house.pass(-300);
    // Revoked is revoked.
    let mut tx = house.tx().await;
    let old = tx.get::<Role>(account(OTHER), &role.name).await.unwrap();
    let new = Role { sessions_valid_after: Some(noon() + Duration::from_secs(1)), ..old.clone() };
    tx.update(&old, &new).await.unwrap();
    house.commit(tx).await;
    assert_eq!(code(house.ask(&service, ask("s3:GetObject")).await), "ExpiredToken");
}

#[tokio::test]
async fn a_handle_ends_with_the_session() {
    let house = House::new().await;
    let service = house.service().await;
    let role = house.role(OTHER, "Diver", "{}", "").await;
    let key = house.session(&role, "dive", |session| session.expires = noon() + Duration::from_secs(60));
    let sent = Sent::new("sqs", "GET", "/", "", b"").sign(&house, &key, "eu-west-1");
    let answer = house.who_signed(&service, sent.handed_over()).await.unwrap();
    assert_eq!(answer.handle_expiration.unwrap().seconds, noon().as_second() + 60);
}
