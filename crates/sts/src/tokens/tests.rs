use std::sync::Arc;

use bailiwick_model::{SessionName, StorePosition};
use bailiwick_operation::{FederationIssuer, Principal, Session, SessionKind};
use proptest::prelude::*;

use super::*;
use crate::testing::{now, root, sealer, session, time, user};

/// Callers have no `PartialEq`; `Debug` shows all of their members.
fn same(a: &Caller, b: &Caller) -> bool {
    format!("{a:?}") == format!("{b:?}")
}

#[test]
fn an_opened_session_token_has_the_issued_session() {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    let mut caller = session(&[("team", "reeds"), ("Nest", "")], &["team"], Some("heron@example.com"));
    let position = Some(StorePosition { epoch: 2, restore_id: u64::MAX, revision: 5_000_000_000 });
    caller.session = caller.session.map(|session| Arc::new(Session { position, ..Session::clone(&session) }));
    let (token, secret) = tokens.issue_session(&caller).unwrap();
    let opened = tokens.open_session(caller.access_key_id().unwrap(), &token, now()).unwrap();
    assert!(same(&opened.caller, &caller), "{:?}", opened.caller);
    assert_eq!(opened.secret, secret);
    assert_eq!(secret.expose().len(), 40);
    assert!(token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'), "{token}");
    for hidden in ["reeds", "swim", secret.expose()] {
        assert!(!token.contains(hidden));
    }
}

#[test]
fn every_token_has_its_own_secret() {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    let caller = session(&[], &[], None);
    // Access key ids have few random bits: two sessions may come to have the same one.
    let issued = [tokens.issue_session(&caller).unwrap(), tokens.issue_session(&caller).unwrap()];
    assert_ne!(issued[0].1, issued[1].1);
    for (token, secret) in &issued {
        assert_eq!(tokens.open_session(caller.access_key_id().unwrap(), token, now()).unwrap().secret, *secret);
    }
}

#[test]
fn tokens_of_older_formats_count_as_expired() {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    let caller = session(&[], &[], None);
    let (key, account) = (caller.access_key_id().unwrap(), account_of(caller.access_key_id().unwrap()).unwrap());
    let message = TokenMessage::of(&caller, now().into(), time("12:10:00")).unwrap().encode_to_vec();
    let seal = |purpose, aad: &[&[u8]]| sealer.seal(purpose, aad, &message).unwrap();
    let older = seal(KeyPurpose::SessionToken, &[b"sts", b"pond", &account, key.as_str().as_bytes(), b"1"]);
    let opened = tokens.open_session(key, &URL_SAFE_NO_PAD.encode(older), now());
    assert_eq!(opened.map(drop), Err(TokenError::Expired));
    let older = seal(KeyPurpose::BearerToken, &[b"bearer", b"pond", b"1"]);
    assert_eq!(tokens.open_bearer(&URL_SAFE_NO_PAD.encode(older), now()).map(drop), Err(TokenError::Expired));
    let older = seal(KeyPurpose::CallerHandle, &[b"handle", b"pond", b"service", b"1"]);
    assert_eq!(tokens.open_handle(&older, b"service", now()).map(drop), Err(TokenError::Expired));
    let sealed = seal(KeyPurpose::SessionToken, &[b"sts", b"pond", &account, key.as_str().as_bytes(), &[2]]);
    let opened = tokens.open_session(key, &URL_SAFE_NO_PAD.encode([&[2][..], &sealed].concat()), now());
    assert_eq!(opened.map(drop), Err(TokenError::Expired));
    // In the new form it is none.
    let forged = in_form(&seal(KeyPurpose::SessionToken, &[b"sts", b"pond", &account, key.as_str().as_bytes(), b"1"]));
    let opened = tokens.open_session(key, &URL_SAFE_NO_PAD.encode(forged), now());
    assert_eq!(opened.map(drop), Err(TokenError::Invalid));
}

#[test]
fn a_session_expires_on_the_second() {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    let caller = session(&[], &[], None);
    let (token, _) = tokens.issue_session(&caller).unwrap();
    let check = |at: &str, ok: bool| {
        let opened = tokens.open_session(caller.access_key_id().unwrap(), &token, time(at));
        assert_eq!(opened.map(drop), if ok { Ok(()) } else { Err(TokenError::Expired) }, "{at}");
    };
    check("12:29:59.999999", true);
    check("12:30:00", false);
    check("23:00:00", false);
}

#[test]
fn a_session_token_opens_only_for_its_key_cluster_and_kind() {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    let caller = session(&[], &[], None);
    let (token, _) = tokens.issue_session(&caller).unwrap();
    let invalid = |result: Result<OpenedSession, TokenError>| assert_eq!(result.unwrap_err(), TokenError::Invalid);
    invalid(tokens.open_session(root().access_key_id().unwrap(), &token, now()));
    invalid(Tokens::new(&sealer, "lake").open_session(caller.access_key_id().unwrap(), &token, now()));
    invalid(Tokens::new(&crate::testing::sealer(), "pond").open_session(
        caller.access_key_id().unwrap(),
        &token,
        now(),
    ));
    for bad in ["", "x", "=", &token[1..], &format!("{token}="), &format!("{token}A"), &"A".repeat(MAX_TEXT + 1)] {
        invalid(tokens.open_session(caller.access_key_id().unwrap(), bad, now()));
    }
    let foreign = AccessKeyId::parse("not_one_of_ours_at_all").unwrap();
    invalid(tokens.open_session(&foreign, &token, now()));
    assert_eq!(tokens.open_bearer(&token, now()).map(drop), Err(TokenError::Invalid));
    let bearer = tokens.issue_bearer(&caller, now(), time("12:10:00")).unwrap();
    invalid(tokens.open_session(caller.access_key_id().unwrap(), &bearer, now()));
    let handle = tokens.issue_handle(&caller, b"service", "s3", now(), time("12:10:00")).unwrap();
    assert_eq!(tokens.open_bearer(&URL_SAFE_NO_PAD.encode(&handle), now()).map(drop), Err(TokenError::Invalid));
    let sealed = URL_SAFE_NO_PAD.decode(&bearer).unwrap();
    assert_eq!(tokens.open_handle(&sealed, b"service", now()).map(drop), Err(TokenError::Invalid));
}

#[test]
fn bearer_tokens_carry_every_kind_of_caller() {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    for caller in [root(), user(), session(&[("a", "b")], &[], None)] {
        let issued = Issue { time: now(), position: Some(StorePosition { epoch: 1, restore_id: 0, revision: 7 }) };
        let token = tokens.issue_bearer(&caller, issued, time("12:20:00")).unwrap();
        let opened = tokens.open_bearer(&token, now()).unwrap();
        let expected = Caller { credential: Credential::Bearer(caller.access_key_id().unwrap().clone()), ..caller };
        assert!(same(&opened.caller, &expected), "{opened:?}");
        assert_eq!((opened.issued, opened.expires), (issued, time("12:20:00")));
        assert_eq!(tokens.open_bearer(&token, time("12:20:00")).map(drop), Err(TokenError::Expired));
    }
}

/// The session of `session` with another principal and kind.
fn of_kind(principal: Principal, kind: SessionKind) -> Caller {
    let caller = session(&[], &[], None);
    let mut session = Session::clone(caller.session.as_ref().unwrap());
    session.kind = kind;
    session.provider = Some("arn:aws:iam::111122223333:saml-provider/Pond".into());
    session.parent_key = Some(root().access_key_id().unwrap().clone());
    session.provider_keys =
        vec![("saml:sub".into(), vec!["otter".into()]), ("saml:edupersonorgdn".into(), vec!["a".into(), "b".into()])];
    Caller { principal, session: Some(Arc::new(session)), ..caller }
}

fn federated(issuer: Option<FederationIssuer>) -> Principal {
    let name = SessionName::parse("guest").unwrap();
    Principal::FederatedUser { account: root().account(), issuer, name }
}

fn issuer() -> Option<FederationIssuer> {
    let Principal::User { id, name, path, .. } = user().principal else { panic!("a user") };
    Some(FederationIssuer { id, name, path })
}

#[test]
fn tokens_keep_every_kind_of_session_and_refuse_one_that_does_not_fit_its_principal() {
    use SessionKind::*;

    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    let role = session(&[], &[], None).principal;
    let principals = [root().principal, user().principal, role, federated(issuer()), federated(None)];
    let fitting = [
        (AssumeRole, "--r--"),
        (SessionToken, "ru---"),
        (FederationToken, "---ff"),
        (Saml, "--r--"),
        (WebIdentity, "--r--"),
        (AssumeRoot, "r----"),
        (SignIn, "ru---"),
    ];
    for (kind, fits) in fitting {
        for (principal, fits) in principals.iter().zip(fits.bytes()) {
            let caller = of_kind(principal.clone(), kind);
            let (token, _) = tokens.issue_session(&caller).unwrap();
            match tokens.open_session(caller.access_key_id().unwrap(), &token, now()) {
                Ok(opened) => assert!(fits != b'-' && same(&opened.caller, &caller), "{kind:?} {principal:?}"),
                Err(error) => assert_eq!((fits, error), (b'-', TokenError::Invalid), "{kind:?} {principal:?}"),
            }
        }
    }
}

#[test]
fn a_bearer_token_of_a_session_needs_its_session() {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    for principal in [federated(None), session(&[], &[], None).principal] {
        let caller = Caller { session: None, ..of_kind(principal, SessionKind::FederationToken) };
        let token = tokens.issue_bearer(&caller, now(), time("12:20:00")).unwrap();
        assert_eq!(tokens.open_bearer(&token, now()).map(drop), Err(TokenError::Invalid));
    }
}

#[test]
fn a_bearer_token_expires_with_its_session() {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    let token = tokens.issue_bearer(&session(&[], &[], None), now(), time("20:00:00")).unwrap();
    assert!(tokens.open_bearer(&token, time("12:29:59")).is_ok());
    assert_eq!(tokens.open_bearer(&token, time("12:30:00")).map(drop), Err(TokenError::Expired));
}

#[test]
fn a_handle_opens_only_for_its_holder() {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    let handle = tokens.issue_handle(&user(), b"service", "s3", now(), time("12:10:00")).unwrap();
    assert!(same(&tokens.open_handle(&handle, b"service", now()).unwrap().caller, &user()));
    assert_eq!(tokens.open_handle(&handle, b"other", now()).map(drop), Err(TokenError::Invalid));
    assert_eq!(tokens.open_handle(&handle, b"service", time("12:10:00")).map(drop), Err(TokenError::Expired));
}

#[test]
fn tokens_open_after_a_rotation_and_not_after_a_prune() {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    let caller = session(&[], &[], None);
    let (token, secret) = tokens.issue_session(&caller).unwrap();
    let purpose = KeyPurpose::SessionToken;
    sealer.replace(sealer.keyring().rotate(purpose, 100).unwrap());
    assert_eq!(tokens.open_session(caller.access_key_id().unwrap(), &token, now()).unwrap().secret, secret);
    sealer.replace(sealer.keyring().prune(purpose, 100, 0));
    let gone = tokens.open_session(caller.access_key_id().unwrap(), &token, now());
    assert_eq!(gone.map(drop), Err(TokenError::Invalid));
}

#[test]
fn token_errors_have_the_codes_of_aws() {
    let invalid = IamError::from(TokenError::Invalid);
    assert_eq!((invalid.code().wire(), invalid.code().http_status()), ("InvalidClientTokenId", 403));
    assert_eq!(IamError::from(TokenError::Expired).code().wire(), "ExpiredToken");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_modified_token_does_not_open(at: prop::sample::Index, byte in "[A-Za-z0-9_=+/-]", arbitrary in "[A-Za-z0-9_-]{0,300}") {
        let sealer = sealer();
        let tokens = Tokens::new(&sealer, "pond");
        let caller = session(&[("a", "b")], &["a"], None);
        let (token, _) = tokens.issue_session(&caller).unwrap();
        let mut changed = token.clone();
        let at = at.index(token.len());
        changed.replace_range(at..=at, &byte);
        if changed != token {
            prop_assert!(tokens.open_session(caller.access_key_id().unwrap(), &changed, now()).is_err());
        }
        prop_assert!(tokens.open_session(caller.access_key_id().unwrap(), &arbitrary, now()).is_err());
        prop_assert!(tokens.open_bearer(&arbitrary, now()).is_err());
        prop_assert!(tokens.open_handle(arbitrary.as_bytes(), b"", now()).is_err());
    }

    /// What is sealed is ours; reading it must not depend on that.
    #[test]
    fn opening_arbitrary_bytes_does_not_panic(bytes: Vec<u8>) {
        let _ = read(&bytes, Credential::Bearer, now());
    }
}

#[test]
fn tokens_of_the_console_and_of_other_kinds_open_nothing_else() {
    let sealer = sealer();
    let tokens = Tokens::new(&sealer, "pond");
    let (caller, end) = (session(&[], &[], None), time("12:10:00"));
    let sign_in = tokens.issue_sign_in(&caller, now(), end, Some(900)).unwrap();
    let console = tokens.issue_console(&caller, now(), end).unwrap();
    let bearer = tokens.issue_bearer(&caller, now(), end).unwrap();
    let opens = |token: &str| {
        let signed_in = tokens.open_sign_in(token, now()).map(drop);
        [signed_in, tokens.open_console(token, now()).map(drop), tokens.open_bearer(token, now()).map(drop)]
    };
    let no = Err(TokenError::Invalid);
    assert_eq!(opens(&sign_in), [Ok(()), no, no]);
    assert_eq!(opens(&console), [no, Ok(()), no]);
    assert_eq!(opens(&bearer), [no, no, Ok(())]);
    let (opened, seconds) = tokens.open_sign_in(&sign_in, now()).unwrap();
    assert_eq!(seconds, Some(900));
    assert_eq!(opened.caller.credential, Credential::Console(caller.access_key_id().unwrap().clone()));
    for token in [&sign_in, &console] {
        assert_eq!(Tokens::new(&sealer, "sea").open_sign_in(token, now()).map(drop), no);
        assert_eq!(Tokens::new(&sealer, "sea").open_console(token, now()).map(drop), no);
    }
    assert_eq!(tokens.open_sign_in(&sign_in, end).map(drop), Err(TokenError::Expired));
    assert_eq!(tokens.open_console(&console, end).map(drop), Err(TokenError::Expired));
}
