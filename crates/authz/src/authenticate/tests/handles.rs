//! Authenticate, and the handles that it gives.

use bailiwick_api::authz::caller::Who;
use bailiwick_api::authz::{
    AuthenticateRequest, AuthenticateResponse, AuthorizeItem, AuthorizePassRoleRequest, AuthorizeRequest,
    BatchAuthorizeRequest, Decision, ExplainRequest,
};
use bailiwick_api::op;
use bailiwick_sigv4::Signing;

use crate::tests::*;

impl TestEnv {
    async fn authenticate_signed(
        &self,
        service: &Authenticated,
        signed: authz::SignedRequest,
    ) -> Result<AuthenticateResponse> {
        let req = AuthenticateRequest { signed_request: Some(signed), min_revision: None };
        self.call::<op::Authenticate>(service, req).await
    }
}

#[tokio::test]
async fn authenticate_returns_everything_about_the_signer_that_policies_use() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let role = env.role(OTHER, "Diver", "{}", "").await;
    let key = env.session(&role, "dive", |session| {
        session.tags = Tags::parse([("team", "session")]).unwrap();
        session.source_identity = Some("ada".into());
    });
    let sent = TestRequest::new("sqs", "POST", "/q?x", "", b"body")
        .sign_as(&key, |c| Signing::new(c, "eu-west-1", "sqs", noon()).declare_payload());
    let answer = env.authenticate_signed(&service, sent.to_proto()).await;
    assert_eq!(code(answer), "SignatureDoesNotMatch", "a path holds no question mark");
    let sent = TestRequest::new("sqs", "POST", "/q", "x=1", b"body")
        .sign_as(&key, |c| Signing::new(c, "eu-west-1", "sqs", noon()).declare_payload());
    let answer = env.authenticate_signed(&service, sent.to_proto()).await.unwrap();
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
async fn without_a_body_the_declared_payload_hash_counts() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let key = env.key(MAIN, None).await;
    let without_body = |sent: &TestRequest| {
        let mut signed = sent.to_proto();
        signed.http_request.as_mut().unwrap().payload = None;
        signed
    };
    let object_key = |sent: TestRequest, change: fn(Signing<'_>) -> Signing<'_>| {
        sent.sign_as(&key, |c| change(Signing::new(c, "eu-west-1", "s3", noon()).path_rule(sigv4::PathRule::ObjectKey)))
    };
    let put = || TestRequest::new("s3", "PUT", "/bank/a%2Fb/../c", "", b"content");
    let declared = object_key(put(), |s| s.declare_payload());
    let answer = env.authenticate_signed(&service, without_body(&declared)).await.unwrap();
    assert!(!answer.signature.unwrap().payload_verified);
    let answer = env.authenticate_signed(&service, declared.to_proto()).await.unwrap();
    assert!(answer.signature.unwrap().payload_verified);
    let unsigned = object_key(put(), |s| s.unsigned_payload());
    let signature = env.authenticate_signed(&service, unsigned.to_proto()).await.unwrap().signature.unwrap();
    assert_eq!((&*signature.payload_hash, signature.payload_verified), ("UNSIGNED-PAYLOAD", false));
    // By hash instead of the body itself.
    let mut by_hash = declared.to_proto();
    let hash = "ED7002B439E9AC845F22357D822BAC1444730FBDB6016D3EC9432297B9EC9F73".to_owned();
    by_hash.http_request.as_mut().unwrap().payload = Some(authz::http_request::Payload::PayloadSha256(hash));
    assert!(env.authenticate_signed(&service, by_hash.clone()).await.unwrap().signature.unwrap().payload_verified);
    let other = "ED7002B439E9AC845F22357D822BAC1444730FBDB6016D3EC9432297B9EC9F74".to_owned();
    by_hash.http_request.as_mut().unwrap().payload = Some(authz::http_request::Payload::PayloadSha256(other));
    assert_eq!(code(env.authenticate_signed(&service, by_hash).await), "SignatureDoesNotMatch");
    // For other services, an unknown body is not a signed one.
    let post = TestRequest::new("sqs", "POST", "/", "", b"Action=SendMessage").sign(&env, &key, "eu-west-1");
    assert!(env.authenticate_signed(&service, post.to_proto()).await.is_ok());
    assert_eq!(code(env.authenticate_signed(&service, without_body(&post)).await), "SignatureDoesNotMatch");
    let get = TestRequest::new("sqs", "GET", "/", "Action=ListQueues", b"").presign(&env, &key, 60);
    let answer = env.authenticate_signed(&service, without_body(&get)).await.unwrap();
    assert_eq!(answer.signature.unwrap().expiration.unwrap().seconds, noon().as_second() + 60);
}

#[tokio::test]
async fn authenticate_needs_a_permission_of_the_asking_service() {
    let env = TestEnv::new().await;
    let bob = env.user(OTHER, "Bob", "").await;
    let key = env.key(OTHER, Some(&bob)).await;
    let sent = TestRequest::new("sqs", "GET", "/", "", b"").sign(&env, &key, "eu-west-1");
    let nonsense = TestRequest::new("sqs", "GET", "/", "", b"");
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
        let user = env.user(MAIN, name, &document).await;
        let asker = env.prove(&env.key(MAIN, Some(&user)).await).await.unwrap();
        let answer = env.authenticate_signed(&asker, sent.to_proto()).await;
        match answer {
            Ok(_) => assert!(expected, "{document}"),
            Err(error) => assert_eq!((error.code().wire(), expected), ("AccessDenied", false), "{document}"),
        }
        // A service without the permission does not learn whether a signature is valid.
        if document.is_empty() {
            assert_eq!(code(env.authenticate_signed(&asker, nonsense.to_proto()).await), "AccessDenied");
        }
    }
}

#[tokio::test]
async fn a_handle_proves_its_caller_to_its_holder_for_minutes() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let role = env.role(OTHER, "Diver", "{}", &allow("sqs:*", "*")).await;
    let key = env.session(&role, "dive", |session| {
        session.policies = vec![allow("sqs:Get*", "*")];
    });
    let sent = TestRequest::new("sqs", "GET", "/", "", b"").sign(&env, &key, "eu-west-1");
    let answer = env.authenticate_signed(&service, sent.to_proto()).await.unwrap();
    assert_eq!(answer.handle_expiration.unwrap().seconds, noon().as_second() + 300);
    let ask =
        |action: &str| question(Who::Handle(answer.handle.clone()), action, "arn:aws:sqs:eu-west-1:444455556666:bank");
    assert_eq!(env.decided(&service, ask("sqs:GetQueueUrl")).await, Decision::Allow);
    // The session's own limits came along.
    assert_eq!(env.decided(&service, ask("sqs:SendMessage")).await, Decision::ImplicitDeny);
    // Another account cannot use it, neither before nor after the holder has used it.
    let thief = env.user(OTHER, "thief", &allow("bailiwick:*", "*")).await;
    let thief = env.prove(&env.key(OTHER, Some(&thief)).await).await.unwrap();
    assert_eq!(code(env.ask(&thief, ask("sqs:GetQueueUrl")).await), "InvalidClientTokenId");
    let mut forged = answer.handle.to_vec();
    *forged.last_mut().unwrap() ^= 1;
    assert_eq!(
        code(env.ask(&service, question(Who::Handle(forged.into()), "sqs:GetQueueUrl", "*")).await),
        "InvalidClientTokenId"
    );
    // It is not a bearer token.
    let text = String::from_utf8_lossy(&answer.handle).into_owned();
    assert_eq!(code(env.authz.authenticate(&Proof::Bearer(&text), noon()).await), "InvalidClientTokenId");
    env.pass(299);
    assert_eq!(env.decided(&service, ask("sqs:GetQueueUrl")).await, Decision::Allow);
    env.pass(1);
    assert_eq!(code(env.ask(&service, ask("sqs:GetQueueUrl")).await), "ExpiredToken");
    env.pass(-300);
    // Revoked is revoked.
    let mut tx = env.tx().await;
    let old = tx.get::<Role>(account(OTHER), &role.name).await.unwrap();
    let new = Role { sessions_valid_after: Some(noon() + Duration::from_secs(1)), ..old.clone() };
    tx.update(&old, &new).await.unwrap();
    env.commit(tx).await;
    assert_eq!(code(env.ask(&service, ask("sqs:GetQueueUrl")).await), "ExpiredToken");
}

#[tokio::test]
async fn a_handle_ends_with_the_session() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let role = env.role(OTHER, "Diver", "{}", "").await;
    let key = env.session(&role, "dive", |session| session.expires = noon() + Duration::from_secs(60));
    let sent = TestRequest::new("sqs", "GET", "/", "", b"").sign(&env, &key, "eu-west-1");
    let answer = env.authenticate_signed(&service, sent.to_proto()).await.unwrap();
    assert_eq!(answer.handle_expiration.unwrap().seconds, noon().as_second() + 60);
}

/// A caller is proven to the service that they signed for, and asked about by its actions alone.
#[tokio::test]
async fn a_proof_is_valid_for_actions_of_the_service_that_was_signed_for() {
    let env = TestEnv::new().await;
    let service = env.service().await;
    let alice = env.user(MAIN, "Alice", &allow("*", "*")).await;
    let key = env.key(MAIN, Some(&alice)).await;
    let photos = TestRequest::new("photos", "GET", "/", "", b"").sign(&env, &key, "eu-west-1").to_proto();
    let handle = env.authenticate_signed(&service, photos.clone()).await.unwrap().handle;
    let role = format!("arn:aws:iam::{MAIN}:role/ponds/Heron");
    env.role(MAIN, "Heron", r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":["photos.example.com","films.example.com"]},"Action":"sts:AssumeRole"}}"#, "").await;
    let check = async |of_photos: &str, of_keys: &str, of_films: &str, to_films: &str| {
        for who in [Who::SignedRequest(photos.clone()), Who::Handle(handle.clone())] {
            let cached = [
                ("photos", of_photos),
                ("PHOTOS", of_photos),
                ("keys", of_keys),
                ("films", of_films),
                ("iam", "ValidationError"),
            ];
            for (prefix, expected) in cached {
                let req = question(who.clone(), &format!("{prefix}:Get"), &format!("arn:aws:x:::{MAIN}"));
                let req = AuthorizeRequest { resource_account: Some(MAIN.into()), ..req };
                let item = AuthorizeItem {
                    action: req.action.clone(),
                    resource: req.resource.clone(),
                    resource_account: Some(MAIN.into()),
                    ..Default::default()
                };
                let batches = [
                    BatchAuthorizeRequest {
                        caller: req.caller.clone(),
                        items: vec![item.clone()],
                        ..Default::default()
                    },
                    BatchAuthorizeRequest {
                        items: vec![AuthorizeItem { caller: req.caller.clone(), ..item }],
                        ..Default::default()
                    },
                ];
                for batch in batches {
                    let result = env.call::<op::BatchAuthorize>(&service, batch).await.unwrap().results.remove(0);
                    assert_eq!(result.error.map_or("OK".to_owned(), |error| error.code), expected, "{prefix}");
                }
                let explained = env.call::<op::Explain>(&service, ExplainRequest { request: Some(req.clone()) }).await;
                assert_eq!(explained.map_or_else(|error| error.code().wire(), |_| "OK"), expected, "{prefix}");
                let decided = env.ask(&service, req).await;
                assert_eq!(decided.map_or_else(|error| error.code().wire(), |_| "OK"), expected, "{prefix}");
            }
            for (principal, expected) in [("photos.example.com", of_photos), ("films.example.com", to_films)] {
                let req = AuthorizePassRoleRequest {
                    caller: by(who.clone()),
                    role_arn: role.clone(),
                    service_principal: principal.into(),
                    ..Default::default()
                };
                let passed = env.call::<op::AuthorizePassRole>(&service, req).await;
                assert_eq!(passed.map_or_else(|error| error.code().wire(), |_| "OK"), expected, "{principal}");
            }
        }
    };
    let no = "ValidationError";
    check("OK", no, no, no).await;
    // The service that has the actions determines which signing names they accept.
    let register = async |prefix: &str, definition: &str| {
        let definition = format!(r#"{{"catalogue":1,"services":{{"{prefix}":{definition}}}}}"#);
        let (service_prefix, definition) = (Some(prefix.to_owned()), Some(definition));
        let req = authz::PutServiceRequest { service_prefix, definition, principal_arns: Vec::new() };
        env.change::<op::PutService>(&service, req).await
    };
    register("keys", r#"{"signingNames":["photos"]}"#).await.unwrap();
    check("OK", "OK", no, no).await;
    register("pictures", r#"{"principals":["films.example.com"],"signingNames":["photos"]}"#).await.unwrap();
    check("OK", "OK", no, "OK").await;
    for bad in ["iam", "sts", "bailiwick", "", "Photos", "a b"] {
        let refused = register("keys", &format!(r#"{{"signingNames":["{bad}"]}}"#)).await;
        assert_eq!(code(refused), "InvalidInput", "{bad}");
    }
    // A caller that is named needs no signature.
    let user_or_root = question(Who::PrincipalArn(format!("arn:aws:iam::{MAIN}:user/Alice")), "films:Get", "*");
    assert_eq!(env.decided(&service, user_or_root).await, Decision::Allow);
}
