use bailiwick_sigv4::Signing;

use crate::tests::*;

#[tokio::test]
async fn a_signature_proves_its_caller() {
    let env = TestEnv::new().await;
    let alice = env.user(MAIN, "Alice", "").await;
    let role = env.role(OTHER, "Diver", "{}", "").await;
    let root = env.key(OTHER, None).await;
    let user = env.key(MAIN, Some(&alice)).await;
    let session = env.session(&role, "dive", |_| {});
    for (key, expected) in [
        (&root, "arn:aws:iam::444455556666:root"),
        (&user, "arn:aws:iam::111122223333:user/Alice"),
        (&session, "arn:aws:sts::444455556666:assumed-role/Diver/dive"),
    ] {
        // The second time the signing key is remembered.
        for _ in 0..2 {
            let who = env.prove(key).await.unwrap();
            assert_eq!(who.caller.principal.arn(Partition::Aws).as_str(), expected);
            assert_eq!(who.caller.access_key_id().unwrap(), &key.id);
            assert_eq!(who.region.as_ref().map(Region::as_str), Some("us-east-1"));
            assert_eq!(who.caller.session.is_some(), key.token.is_some());
        }
    }
}

#[tokio::test]
async fn invalid_proofs_are_refused() {
    let env = TestEnv::new().await;
    let alice = env.user(MAIN, "Alice", "").await;
    let (key, other) = (env.key(MAIN, Some(&alice)).await, env.key(MAIN, None).await);
    let role = env.role(MAIN, "Diver", "{}", "").await;
    let session = env.session(&role, "dive", |_| {});
    let second = env.session(&role, "dive", |_| {});
    let good = TestRequest::signed(&env, &key);
    assert!(env.authenticate(&good).await.is_ok());
    let with = |change: fn(&mut TestRequest)| {
        let mut sent = good.clone();
        change(&mut sent);
        sent
    };
    let signed = |key: &Key| TestRequest::signed(&env, key);
    let unknown = Key { id: AccessKeyId::parse("AKIAUNKNOWNUNKNOWN77").unwrap(), ..key.clone() };
    let iam = || TestRequest::new("iam", "POST", "/", "", b"Action=ListUsers");
    for (name, sent, expected) in [
        ("nothing", iam(), "MissingAuthenticationToken"),
        (
            "another scheme",
            with(|s| s.headers = vec![("authorization".into(), "Basic YTpi".into())]),
            "MissingAuthenticationToken",
        ),
        ("another body", with(|s| s.body.push(b'x')), "SignatureDoesNotMatch"),
        ("another method", with(|s| s.method = "PUT".into()), "SignatureDoesNotMatch"),
        ("another path", with(|s| s.path = "/x".into()), "SignatureDoesNotMatch"),
        ("another query", with(|s| s.query = "a=b".into()), "SignatureDoesNotMatch"),
        ("another host", with(|s| s.headers[0].1 = "bog.example".into()), "SignatureDoesNotMatch"),
        ("two signatures", with(|s| s.headers.push(s.headers.last().unwrap().clone())), "IncompleteSignature"),
        (
            "an unsigned header of AWS's",
            with(|s| s.headers.push(("X-Amz-Target".into(), "x".into()))),
            "SignatureDoesNotMatch",
        ),
        ("another service", with(|s| s.service = "sts"), "SignatureDoesNotMatch"),
        ("another partition", iam().sign(&env, &key, "cn-north-1"), "SignatureDoesNotMatch"),
        ("no region at all", iam().sign(&env, &key, "EU"), "SignatureDoesNotMatch"),
        (
            "an unsigned body",
            iam().sign_as(&key, |c| Signing::new(c, "us-east-1", "iam", noon()).unsigned_payload()),
            "SignatureDoesNotMatch",
        ),
        ("an unknown key", signed(&unknown), "InvalidClientTokenId"),
        ("another's secret", signed(&Key { secret: other.secret.clone(), ..key.clone() }), "SignatureDoesNotMatch"),
        ("another's id", signed(&Key { id: other.id.clone(), ..key.clone() }), "SignatureDoesNotMatch"),
        ("a temporary key without token", signed(&Key { token: None, ..session.clone() }), "InvalidClientTokenId"),
        (
            "a token of another session",
            signed(&Key { token: second.token.clone(), ..session.clone() }),
            "InvalidClientTokenId",
        ),
        (
            "a token with a long-term key",
            signed(&Key { token: session.token.clone(), ..key.clone() }),
            "InvalidClientTokenId",
        ),
        (
            "a token that is none",
            signed(&Key { token: Some("nonsense".into()), ..session.clone() }),
            "InvalidClientTokenId",
        ),
        (
            "a session's id with another secret",
            signed(&Key { secret: second.secret.clone(), ..session.clone() }),
            "SignatureDoesNotMatch",
        ),
        (
            "a signature of tomorrow",
            iam().sign_as(&key, |c| Signing::new(c, "us-east-1", "iam", noon() + Duration::from_secs(301))),
            "SignatureDoesNotMatch",
        ),
        (
            "a signature of yesterday",
            iam().sign_as(&key, |c| Signing::new(c, "us-east-1", "iam", noon() - Duration::from_secs(301))),
            "SignatureDoesNotMatch",
        ),
    ] {
        // Twice: with and without what the first time left behind.
        for _ in 0..2 {
            assert_eq!(code(env.authenticate(&sent).await), expected, "{name}");
        }
    }
    // None of it has done any harm.
    assert!(env.authenticate(&good).await.is_ok());
    assert_eq!(code(env.authz.authenticate(&Proof::Bearer("nonsense"), noon()).await), "InvalidClientTokenId");
    // A session token is not a bearer token.
    let token = session.token.unwrap();
    assert_eq!(code(env.authz.authenticate(&Proof::Bearer(&token), noon()).await), "InvalidClientTokenId");
}

#[tokio::test]
async fn messages_are_those_of_aws() {
    let env = TestEnv::new().await;
    let key = Key { id: AccessKeyId::parse("AKIAUNKNOWNUNKNOWN77").unwrap(), secret: "x".into(), token: None };
    let error = env.prove(&key).await.unwrap_err();
    assert_eq!(error.message(), "The security token included in the request is invalid.");
    let error = env.authenticate(&TestRequest::new("iam", "GET", "/", "", b"")).await.unwrap_err();
    assert_eq!(error.message(), "Request is missing Authentication Token");
}

#[tokio::test]
async fn a_key_is_invalid_without_its_status_its_record_and_its_owner() {
    let env = TestEnv::new().await;
    let alice = env.user(MAIN, "Alice", "").await;
    let key = env.key(MAIN, Some(&alice)).await;
    assert!(env.prove(&key).await.is_ok());
    let set_active = async |active| {
        let mut tx = env.tx().await;
        let mut record = tx.get_access_key(account(MAIN), &key.id).await.unwrap();
        record.active = active;
        tx.update_access_key(&record).await.unwrap();
        env.commit(tx).await;
    };
    set_active(false).await;
    assert_eq!(code(env.prove(&key).await), "InvalidClientTokenId");
    set_active(true).await;
    assert!(env.prove(&key).await.is_ok());
    let mut tx = env.tx().await;
    tx.delete_access_key(account(MAIN), &key.id).await.unwrap();
    tx.delete(&alice).await.unwrap();
    env.commit(tx).await;
    assert_eq!(code(env.prove(&key).await), "InvalidClientTokenId");
}

#[tokio::test]
async fn a_key_record_under_another_owner_is_invalid() {
    let env = TestEnv::new().await;
    let (alice, mallory) = (env.user(MAIN, "Alice", "").await, env.user(MAIN, "Mallory", "").await);
    let key = env.key(MAIN, Some(&mallory)).await;
    let mut tx = env.tx().await;
    let mut record = tx.get_access_key(account(MAIN), &key.id).await.unwrap();
    record.owner = KeyOwner::User(alice.id);
    tx.update_access_key(&record).await.unwrap();
    env.commit(tx).await;
    assert_eq!(code(env.prove(&key).await), "InvalidClientTokenId");
}

#[tokio::test]
async fn sessions_end_without_leeway_and_with_their_principal() {
    let env = TestEnv::new().await;
    let role = env.role(MAIN, "Diver", "{}", "").await;
    let session = env.session(&role, "dive", |_| {});
    let bearer = |env: &TestEnv| {
        let caller = Tokens::of(&env.deployment)
            .open_session(&session.id, session.token.as_ref().unwrap(), noon())
            .unwrap()
            .caller;
        Tokens::of(&env.deployment).issue_bearer(&caller, noon(), noon() + Duration::from_secs(3_600)).unwrap()
    };
    let token = bearer(&env);
    let both = async |env: &TestEnv| {
        let bearer = env.authz.authenticate(&Proof::Bearer(&token), env.now()).await;
        let signed = env.prove(&session).await;
        assert_eq!(signed.is_ok(), bearer.is_ok());
        if let (Err(a), Err(b)) = (&signed, &bearer) {
            assert_eq!(a.code(), b.code());
        }
        signed
    };
    both(&env).await.unwrap();
    env.pass(3_599);
    both(&env).await.unwrap();
    env.pass(1);
    let error = both(&env).await.unwrap_err();
    assert_eq!(
        (error.code().wire(), error.message()),
        ("ExpiredToken", "The security token included in the request is expired")
    );
    env.pass(-3_600);
    both(&env).await.unwrap();
    let change = async |change: fn(&mut Role)| {
        let mut tx = env.tx().await;
        let old = tx.get::<Role>(account(MAIN), &role.name).await.unwrap();
        let mut new = old.clone();
        change(&mut new);
        tx.update(&old, &new).await.unwrap();
        env.commit(tx).await;
    };
    // "Revoke sessions before": those issued at that moment or later go on.
    change(|role| role.sessions_valid_after = Some(noon())).await;
    both(&env).await.unwrap();
    change(|role| role.sessions_valid_after = Some(noon() + Duration::from_millis(1))).await;
    assert_eq!(code(both(&env).await), "ExpiredToken");
    change(|role| role.sessions_valid_after = None).await;
    both(&env).await.unwrap();
    // A role of the same name is another role.
    let mut tx = env.tx().await;
    tx.delete(&tx_role(&mut env.tx().await, &role).await).await.unwrap();
    env.commit(tx).await;
    env.role(MAIN, "Diver", "{}", "").await;
    assert_eq!(code(both(&env).await), "InvalidClientTokenId");
}

async fn tx_role(tx: &mut Tx, role: &Role) -> Role {
    tx.get::<Role>(role.account, &role.name).await.unwrap()
}

#[tokio::test]
async fn credentials_of_suspended_accounts_are_invalid() {
    let env = TestEnv::new().await;
    let alice = env.user(OTHER, "Alice", "").await;
    let role = env.role(OTHER, "Diver", "{}", "").await;
    let keys = [env.key(OTHER, None).await, env.key(OTHER, Some(&alice)).await, env.session(&role, "dive", |_| {})];
    for (state, expected) in [
        (AccountState::Active, None),
        (AccountState::Suspended, Some("InvalidClientTokenId")),
        (AccountState::Active, None),
        (AccountState::Closed, Some("InvalidClientTokenId")),
    ] {
        let mut tx = env.tx().await;
        let old = tx.find_account(account(OTHER)).await.unwrap().unwrap();
        let new = Account { state, ..old.clone() };
        tx.update_account(&old, &new).await.unwrap();
        env.commit(tx).await;
        for key in &keys {
            let result = env.prove(key).await;
            match expected {
                None => assert!(result.is_ok(), "{state:?}"),
                Some(expected) => assert_eq!(code(result), expected, "{state:?}"),
            }
        }
    }
}

#[tokio::test]
async fn all_sessions_of_an_account_can_be_revoked() {
    let env = TestEnv::new().await;
    let role = env.role(OTHER, "Diver", "{}", "").await;
    let (session, key) = (env.session(&role, "dive", |_| {}), env.key(OTHER, None).await);
    let mut tx = env.tx().await;
    let old = tx.find_account(account(OTHER)).await.unwrap().unwrap();
    let new = Account { sessions_valid_after: Some(noon() + Duration::from_secs(1)), ..old.clone() };
    tx.update_account(&old, &new).await.unwrap();
    env.commit(tx).await;
    assert_eq!(code(env.prove(&session).await), "ExpiredToken");
    assert!(env.prove(&key).await.is_ok());
}

#[tokio::test]
async fn a_presigned_get_caller_identity_is_valid_for_a_quarter_of_an_hour() {
    let env = TestEnv::new().await;
    let key = env.key(MAIN, None).await;
    let identity = TestRequest::new("sts", "GET", "/", "Action=GetCallerIdentity&Version=2011-06-15", b"");
    let identity = identity.presign(&env, &key, 60);
    let other =
        TestRequest::new("sts", "GET", "/", "Action=AssumeRole&Version=2011-06-15", b"").presign(&env, &key, 60);
    for (seconds, identity_lives, other_lives) in
        [(0, true, true), (60, true, true), (61, true, false), (900, true, false), (901, false, false)]
    {
        env.pass(seconds);
        for (sent, lives) in [(&identity, identity_lives), (&other, other_lives)] {
            let result = env.authenticate(sent).await;
            if lives {
                assert!(result.is_ok(), "after {seconds}: {result:?}");
            } else {
                assert_eq!(code(result), "SignatureDoesNotMatch", "after {seconds}");
            }
        }
        env.pass(-seconds);
    }
}

#[tokio::test]
async fn an_unsigned_body_is_accepted_over_grpc_only_where_that_is_safe() {
    let env = TestEnv::new().await;
    let key = env.key(MAIN, None).await;
    let call = |unsigned_payload| {
        let mut sent =
            TestRequest::new("bailiwick", "POST", "/bailiwick.iam.v1.UserService/ListUsers", "", b"\x0a\x01x");
        sent.unsigned_payload = unsigned_payload;
        sent
    };
    let as_unsigned = |sent: TestRequest| {
        sent.sign_as(&key, |c| Signing::new(c, "us-east-1", "bailiwick", noon()).unsigned_payload())
    };
    let declared =
        |sent: TestRequest| sent.sign_as(&key, |c| Signing::new(c, "us-east-1", "bailiwick", noon()).declare_payload());
    assert!(env.authenticate(&as_unsigned(call(true))).await.is_ok());
    assert!(env.authenticate(&declared(call(true))).await.is_ok());
    assert!(env.authenticate(&declared(call(false))).await.is_ok());
    assert_eq!(code(env.authenticate(&as_unsigned(call(false))).await), "SignatureDoesNotMatch");
    // A hash that is given counts, also where none would be needed.
    let mut changed = declared(call(true));
    changed.body.push(0);
    assert_eq!(code(env.authenticate(&changed).await), "SignatureDoesNotMatch");
}

#[tokio::test]
async fn a_bearer_token_is_invalid_without_the_key_that_it_was_issued_for() {
    let env = TestEnv::new().await;
    let alice = env.user(MAIN, "Alice", "").await;
    let key = env.key(MAIN, Some(&alice)).await;
    let who = env.prove(&key).await.unwrap();
    let token =
        Tokens::of(&env.deployment).issue_bearer(&who.caller, noon(), noon() + Duration::from_secs(900)).unwrap();
    let prove = async || env.authz.authenticate(&Proof::Bearer(&token), env.now()).await;
    let first = prove().await.unwrap();
    assert_eq!(first.caller.credential, Credential::Bearer(key.id.clone()));
    assert_eq!(first.region, None);
    // CachedCaller, and the same.
    assert!(Arc::ptr_eq(&first.caller, &prove().await.unwrap().caller));
    // A renamed caller has the new name at once.
    let mut tx = env.tx().await;
    let renamed = User { name: UserName::parse("Alicia").unwrap(), ..alice.clone() };
    tx.update(&alice, &renamed).await.unwrap();
    env.commit(tx).await;
    let second = prove().await.unwrap();
    assert_eq!(second.caller.principal.arn(Partition::Aws).as_str(), "arn:aws:iam::111122223333:user/Alicia");
    env.pass(900);
    assert_eq!(code(prove().await), "ExpiredToken");
    env.pass(-900);
    let mut tx = env.tx().await;
    tx.delete_access_key(account(MAIN), &key.id).await.unwrap();
    env.commit(tx).await;
    assert_eq!(code(prove().await), "InvalidClientTokenId");
}
