use bailiwick_operation::Caller;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::*;
use crate::testing::{MAIN, World, account, refusal, root, session, user, world};

fn request() -> GetWebIdentityTokenRequest {
    GetWebIdentityTokenRequest {
        audience: vec!["https://api.example.com".into()],
        signing_algorithm: Some("ES384".into()),
        ..Default::default()
    }
}

fn tag(key: &str, value: &str) -> bailiwick_api::sts::Tag {
    bailiwick_api::sts::Tag { key: Some(key.into()), value: Some(value.into()) }
}

async fn enabled() -> World {
    let world = world().await;
    let mut tx = world.begin().await;
    let federation = OutboundFederation { enabled: true, issuer: "0b5a".into() };
    tx.put_account_setting(account(MAIN), &federation).await.unwrap();
    world.commit(tx).await;
    world
}

/// The checks of a request, and the response.
async fn call(
    world: &World,
    caller: Caller,
    req: GetWebIdentityTokenRequest,
) -> Result<(Vec<Check>, GetWebIdentityTokenResponse)> {
    let (cx, mut tx) = (world.cx(caller), world.begin().await);
    let planned = Handle::<op::GetWebIdentityToken>::plan(&Sts, &cx, &mut tx, req).await?;
    planned.checks.iter().for_each(|check| assert_eq!(check.undocumented(), None));
    let answer = Handle::<op::GetWebIdentityToken>::handle(&Sts, &cx, &mut tx, planned.plan).await?;
    Ok((planned.checks, answer))
}

fn claims(answer: &GetWebIdentityTokenResponse) -> Value {
    let token = answer.web_identity_token.as_deref().unwrap();
    let claims = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap()
}

#[tokio::test]
async fn a_token_has_the_claims_of_aws() {
    let world = enabled().await;
    let req = GetWebIdentityTokenRequest {
        audience: vec!["a".into(), "b".into()],
        duration_seconds: Some(600),
        tags: vec![tag("job", "17")],
        ..request()
    };
    let caller = session(&[("Nest", "own")], &[], Some("heron@example.com"));
    let expires = caller.session.as_ref().unwrap().expires;
    let (checks, answer) = call(&world, caller, req).await.unwrap();
    assert_eq!(
        checks.iter().map(|check| check.action).collect::<Vec<_>>(),
        ["sts:GetWebIdentityToken", "sts:TagGetWebIdentityToken"]
    );
    assert!(checks.iter().all(|check| check.resource == "arn:aws:sts::111122223333:self"));
    let claims = claims(&answer);
    let now = world.cx(user()).date().as_second();
    for (claim, expected) in [
        ("iss", json!("https://iam.example.com/tokens/0b5a")),
        ("aud", json!(["a", "b"])),
        ("sub", json!("arn:aws:iam::111122223333:role/Otter")),
        ("iat", json!(now)),
        ("exp", json!(now + 600)),
    ] {
        assert_eq!(claims[claim], expected, "{claim}");
    }
    assert_eq!(claims["jti"].as_str().unwrap().len(), 36);
    let aws = &claims["https://sts.amazonaws.com/"];
    let expires = expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    for (claim, expected) in [
        ("aws_account", json!(MAIN)),
        ("principal_id", json!("arn:aws:iam::111122223333:role/Otter")),
        ("original_session_exp", json!(expires)),
        ("source_identity", json!("heron@example.com")),
        ("principal_tags", json!({"Nest": "own"})),
        ("request_tags", json!({"job": "17"})),
    ] {
        assert_eq!(aws[claim], expected, "{claim}");
    }
    assert_eq!(answer.expiration.unwrap().seconds, now + 600);
    let (checks, answer) = call(&world, user(), request()).await.unwrap();
    assert_eq!(checks.len(), 1, "no tags, no check of them");
    let claims = self::claims(&answer);
    assert_eq!(claims["aud"], "https://api.example.com");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 300);
    assert_eq!(claims["https://sts.amazonaws.com/"]["original_session_exp"], Value::Null);
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let world = enabled().await;
    let long =
        |n: usize| (0..50).map(|at| tag(&format!("{at}{}", "k".repeat(n)), &"v".repeat(256))).collect::<Vec<_>>();
    for (name, caller, req, code) in [
        ("root", root(), request(), "AccessDenied"),
        (
            "HS256",
            user(),
            GetWebIdentityTokenRequest { signing_algorithm: Some("HS256".into()), ..request() },
            "ValidationError",
        ),
        (
            "no algorithm",
            user(),
            GetWebIdentityTokenRequest { signing_algorithm: None, ..request() },
            "ValidationError",
        ),
        (
            "OriginIdentity",
            user(),
            GetWebIdentityTokenRequest { subject_mode: Some("OriginIdentity".into()), ..request() },
            "ValidationError",
        ),
        ("a scope", user(), GetWebIdentityTokenRequest { scope: Some("read".into()), ..request() }, "ValidationError"),
        (
            "59 seconds",
            user(),
            GetWebIdentityTokenRequest { duration_seconds: Some(59), ..request() },
            "ValidationError",
        ),
        (
            "an hour and a second",
            user(),
            GetWebIdentityTokenRequest { duration_seconds: Some(3_601), ..request() },
            "ValidationError",
        ),
        (
            "a tag twice",
            user(),
            GetWebIdentityTokenRequest { tags: vec![tag("a", "1"), tag("A", "2")], ..request() },
            "InvalidInput",
        ),
        (
            "claims too large",
            user(),
            GetWebIdentityTokenRequest { tags: long(100), ..request() },
            "JWTPayloadSizeExceededException",
        ),
    ] {
        let refused = call(&world, caller, req).await.map(|(_, answer)| answer);
        assert_eq!(refusal(refused).0, code, "{name}");
    }
    // Not beyond the end of the session, which is some minutes away.
    let mut caller = session(&[], &[], None);
    let mut ends = (**caller.session.as_ref().unwrap()).clone();
    ends.expires = world.cx(user()).date() + Duration::from_secs(299);
    caller.session = Some(std::sync::Arc::new(ends));
    let refused = call(&world, caller.clone(), request()).await.map(|(_, answer)| answer);
    assert_eq!(refusal(refused).0, "SessionDurationEscalationException");
    let shorter = GetWebIdentityTokenRequest { duration_seconds: Some(299), ..request() };
    assert!(call(&world, caller, shorter).await.is_ok());
}

#[tokio::test]
async fn the_switch_of_the_account_is_needed() {
    let world = world().await;
    let refused = call(&world, user(), request()).await.map(|(_, answer)| answer);
    assert_eq!(refusal(refused).0, "OutboundWebIdentityFederationDisabledException");
    let world = enabled().await;
    let mut tx = world.begin().await;
    let off = OutboundFederation { enabled: false, issuer: "0b5a".into() };
    tx.put_account_setting(account(MAIN), &off).await.unwrap();
    world.commit(tx).await;
    let refused = call(&world, user(), request()).await.map(|(_, answer)| answer);
    assert_eq!(refusal(refused).0, "OutboundWebIdentityFederationDisabledException");
}
