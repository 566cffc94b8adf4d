//! The handler over tokens and keys of the fuzz corpus: issuer `https://idp.example.com`, issued at 1900000000.

use std::sync::Arc;

use bailiwick_federation::KeySet;
use bailiwick_model::ErrorCode;
use bailiwick_operation::{ContextValue, IssuerKeysOutcome, Policy, Principal, RequestInfo, UnsignedCaller};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::*;
use crate::Tokens;
use crate::testing::{MAIN, SUSPENDED, World, account, refusal, role, world};

const ROLE: &str = "arn:aws:iam::111122223333:role/water/Otter";
const PLAIN: &str = include_str!("../../../../fuzz/corpus/jwt/plain");
const CLAIMS: &str = include_str!("../../../../fuzz/corpus/jwt/claims");
const FLAT_TAGS: &str = include_str!("../../../../fuzz/corpus/jwt/flat_tags");
const EXPIRED: &str = include_str!("../../../../fuzz/corpus/jwt/expired");
const KEYS: &[u8] = include_bytes!("../../../../fuzz/corpus/jwks/elliptic");

fn ask(token: &str) -> AssumeRoleWithWebIdentityRequest {
    AssumeRoleWithWebIdentityRequest {
        role_arn: Some(ROLE.into()),
        role_session_name: Some("swim".into()),
        web_identity_token: Some(token.into()),
        ..Default::default()
    }
}

/// A world with the role, and a provider in its account.
async fn with_provider() -> World {
    let world = world().await;
    world.clock.set(Timestamp::from_second(1_900_000_060).unwrap());
    role(&world, MAIN, "/water/", "Otter", 7200).await;
    let provider = provider(MAIN, "idp.example.com");
    store(&world, &provider).await;
    world
}

async fn store(world: &World, provider: &OidcProvider) {
    let mut tx = world.begin().await;
    tx.create_oidc_provider(provider).await.unwrap();
    world.commit(tx).await;
}

fn provider(of: &str, url: &str) -> OidcProvider {
    OidcProvider {
        account: account(of),
        url: url.into(),
        created: Timestamp::UNIX_EPOCH,
        client_ids: vec!["sts.amazonaws.com".into()],
        thumbprints: Vec::new(),
        tags: Default::default(),
    }
}

fn cx(world: &World) -> Cx<NoCaller> {
    Cx::new(Arc::clone(&world.deployment), NoCaller, Arc::new(RequestInfo::default()))
}

type Keys = std::result::Result<&'static [u8], IssuerKeysError>;

/// Does what the pipeline does before the plan.
async fn plan(
    world: &World,
    req: AssumeRoleWithWebIdentityRequest,
    keys: Keys,
) -> Result<(Cx<NoCaller>, Planned<NewSession>)> {
    let (cx, mut tx) = (cx(world), world.begin().await);
    let wanted = Handle::<op::AssumeRoleWithWebIdentity>::wanted_keys(&Sts, &cx, &mut tx, &req).await?;
    let outcome = wanted.map(|wanted| {
        Arc::new(IssuerKeysOutcome { wanted, result: keys.map(|keys| Arc::new(KeySet::parse(keys).unwrap())) })
    });
    let cx = cx.with_issuer_keys(outcome);
    let planned = Handle::<op::AssumeRoleWithWebIdentity>::plan(&Sts, &cx, &mut tx, req).await?;
    Ok((cx, planned))
}

/// As in AWS, the tokens that accounts issue for services outside give no role, of any account.
#[tokio::test]
async fn tokens_of_this_deployment_are_not_accepted() {
    let world = with_provider().await;
    let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for (issuer, is_accepted) in [
        ("iam.example.com/tokens/1b2c", false),
        ("iam.example.com/tokens/", false),
        ("iam.example.com/token/1b2c", true),
        ("iam.example.com", true),
    ] {
        store(&world, &provider(MAIN, issuer)).await;
        let claims = format!(
            r#"{{"iss":"https://{issuer}","sub":"otter","aud":"sts.amazonaws.com","iat":1900000000,"exp":1900000900}}"#
        );
        let token = [part(r#"{"alg":"ES256","kid":"one"}"#), part(&claims), part("signature")].join(".");
        let (cx, mut tx) = (cx(&world), world.begin().await);
        let wanted = Handle::<op::AssumeRoleWithWebIdentity>::wanted_keys(&Sts, &cx, &mut tx, &ask(&token)).await;
        assert_eq!(wanted.unwrap().is_some(), is_accepted, "{issuer}");
        if !is_accepted {
            let planned = plan(&world, ask(&token), Ok(KEYS)).await;
            assert_eq!(planned.map(drop).unwrap_err().code(), ErrorCode::InvalidIdentityToken, "{issuer}");
        }
    }
}

fn key<'a>(check: &'a Check, name: &str) -> Option<&'a ContextValue> {
    check.context.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

#[tokio::test]
async fn the_trust_policy_decides_with_the_claims() {
    let world = with_provider().await;
    let (_, planned) = plan(&world, ask(CLAIMS), Ok(KEYS)).await.unwrap();
    let actions: Vec<_> = planned.checks.iter().map(|check| check.action).collect();
    assert_eq!(actions, ["sts:AssumeRoleWithWebIdentity", "sts:TagSession", "sts:SetSourceIdentity"]);
    let one = |text: &str| Some(ContextValue::One(text.into()));
    for check in &planned.checks {
        assert!(matches!(check.policy, Policy::Trust(_)));
        for (name, value) in [
            ("idp.example.com:sub", one("heron")),
            ("idp.example.com:aud", one("sts.amazonaws.com")),
            ("idp.example.com:azp", None),
            ("idp.example.com:amr", one("mfa")),
            ("idp.example.com:flag", one("true")),
            ("idp.example.com:float", one("1.5")),
            ("idp.example.com:kubernetes.io", None),
            ("sts:RoleSessionName", one("swim")),
            ("sts:SourceIdentity", one("heron")),
            ("aws:RequestTag/a", one("b")),
            ("sts:TransitiveTagKeys", Some(ContextValue::Many(vec!["a".into()]))),
        ] {
            assert_eq!(key(check, name), value.as_ref(), "{name}");
        }
    }
    let UnsignedCaller::Federated(principal) = planned.proven else { panic!("not proven") };
    let arn = "arn:aws:iam::111122223333:oidc-provider/idp.example.com";
    assert_eq!(
        (principal.kind, principal.provider.as_str(), principal.name.as_str()),
        (Federation::WebIdentity, arn, "heron")
    );
    assert_eq!(principal.id, format!("{arn}:sts.amazonaws.com:heron"));
}

#[tokio::test]
async fn the_session_has_what_the_token_says() {
    let world = with_provider().await;
    let (duration_seconds, minimum_session_token_size) = (Some(7200), Some(2000));
    let req = AssumeRoleWithWebIdentityRequest { duration_seconds, minimum_session_token_size, ..ask(CLAIMS) };
    let (cx, planned) = plan(&world, req, Ok(KEYS)).await.unwrap();
    let mut tx = world.begin().await;
    let answer = Handle::<op::AssumeRoleWithWebIdentity>::handle(&Sts, &cx, &mut tx, planned.plan).await.unwrap();
    assert!(tx.is_read_only(), "issuing writes nothing");
    assert_eq!(answer.subject_from_web_identity_token.as_deref(), Some("heron"));
    assert_eq!(answer.provider.as_deref(), Some("https://idp.example.com"));
    assert_eq!(
        (answer.audience.as_deref(), answer.source_identity.as_deref()),
        (Some("sts.amazonaws.com"), Some("heron"))
    );
    assert!(answer.packed_policy_size.is_some() && answer.session_token_size >= Some(2000));
    let credentials = answer.credentials.unwrap();
    let id = bailiwick_model::AccessKeyId::parse(credentials.access_key_id.as_deref().unwrap()).unwrap();
    let tokens = Tokens::of(&world.deployment);
    let opened = tokens.open_session(&id, credentials.session_token.as_deref().unwrap(), cx.now()).unwrap();
    assert!(matches!(opened.caller.principal, Principal::RoleSession { .. }));
    let session = opened.caller.session.unwrap();
    assert_eq!((session.kind, session.chained, opened.caller.mfa), (SessionKind::WebIdentity, false, None));
    assert_eq!(session.provider.as_deref(), Some("arn:aws:iam::111122223333:oidc-provider/idp.example.com"));
    assert_eq!((session.tags.get("a"), &session.transitive_tag_keys[..]), (Some("b"), &["a".to_owned()][..]));
    let kept: Vec<_> = session.provider_keys.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(kept, ["idp.example.com:sub", "idp.example.com:aud", "idp.example.com:amr"]);
    assert_eq!(session.expires, Timestamp::from_second(1_900_007_260).unwrap());
}

#[tokio::test]
async fn the_authorized_party_is_the_audience() {
    let world = with_provider().await;
    let (_, planned) = plan(&world, ask(FLAT_TAGS), Ok(KEYS)).await.unwrap();
    let azp = key(&planned.checks[0], "idp.example.com:azp");
    assert_eq!(azp, Some(&ContextValue::One("sts.amazonaws.com".into())));
}

#[tokio::test]
async fn refusals() {
    let world = with_provider().await;
    let check = async |name: &str, req: AssumeRoleWithWebIdentityRequest, keys: Keys, code: &str, words: &str| {
        let (found, message) = refusal(plan(&world, req, keys).await.map(|_| ()));
        assert_eq!(found, code, "{name}: {message}");
        assert!(message.contains(words), "{name}: {message}");
    };
    let invalid = "InvalidIdentityToken";
    check("not a token", ask("ya29.opaque"), Ok(KEYS), invalid, "not a valid JWT").await;
    check("expired", ask(EXPIRED), Ok(KEYS), "ExpiredTokenException", "Token expired").await;
    let forged = format!("{}AAAA", &PLAIN[..PLAIN.len() - 4]);
    check("forged", ask(&forged), Ok(KEYS), invalid, "signature").await;
    let down = || Err(IssuerKeysError::Unreachable("10.0.0.1 refused".into()));
    check("unreachable", ask(PLAIN), down(), "IDPCommunicationError", "could not be retrieved").await;
    let bad = || Err(IssuerKeysError::Unacceptable("a redirect".into()));
    check("unacceptable keys", ask(PLAIN), bad(), invalid, "Couldn't retrieve verification key").await;
    let opaque = AssumeRoleWithWebIdentityRequest { provider_id: Some("graph.facebook.com".into()), ..ask(PLAIN) };
    check("an opaque token", opaque, Ok(KEYS), "ValidationError", "graph.facebook.com").await;
    let in_role = |arn: &str| AssumeRoleWithWebIdentityRequest { role_arn: Some(arn.into()), ..ask(PLAIN) };
    check("no role", in_role("arn:aws:iam::111122223333:user/x"), Ok(KEYS), "ValidationError", "is invalid").await;
    for other in ["arn:aws:iam::444455556666:role/Otter", "arn:aws:iam::000000000001:role/Otter"] {
        check("another account", in_role(other), Ok(KEYS), invalid, "No OpenIDConnect provider found").await;
    }
    let suspended = provider(SUSPENDED, "idp.example.com");
    store(&world, &suspended).await;
    let arn = format!("arn:aws:iam::{SUSPENDED}:role/Pike");
    check("a suspended account", in_role(&arn), Ok(KEYS), invalid, "No OpenIDConnect provider found").await;
}

#[tokio::test]
async fn a_missing_role_looks_like_one_that_does_not_trust() {
    let world = with_provider().await;
    let missing = AssumeRoleWithWebIdentityRequest {
        role_arn: Some("arn:aws:iam::111122223333:role/Missing".into()),
        ..ask(PLAIN)
    };
    let (_, planned) = plan(&world, missing, Ok(KEYS)).await.unwrap();
    assert_eq!(planned.checks[0].policy, Policy::NoTrust);
}

#[tokio::test]
async fn keys_of_a_provider_that_has_changed_since_are_not_used() {
    let world = with_provider().await;
    let (cx, mut tx) = (cx(&world), world.begin().await);
    let mut wanted =
        Handle::<op::AssumeRoleWithWebIdentity>::wanted_keys(&Sts, &cx, &mut tx, &ask(PLAIN)).await.unwrap().unwrap();
    wanted.thumbprints.push("ff".into());
    let keys = Arc::new(KeySet::parse(KEYS).unwrap());
    let cx = cx.with_issuer_keys(Some(Arc::new(IssuerKeysOutcome { wanted, result: Ok(keys) })));
    let planned = Handle::<op::AssumeRoleWithWebIdentity>::plan(&Sts, &cx, &mut tx, ask(PLAIN)).await;
    assert_eq!(refusal(planned.map(|_| ())).0, "IDPCommunicationError");
}

#[test]
fn source_identities_in_tokens() {
    for text in ["ab", "heron@example.com", "a_+=,.@-Z9"] {
        assert_eq!(super::refusal::source_identity(text).unwrap(), text);
    }
    for text in ["", "a", "a b", "é1", "aws:x", "AWS:x", "a:b", &"a".repeat(65)] {
        assert!(super::refusal::source_identity(text).is_err(), "{text}");
    }
}
