use std::sync::Arc;

use bailiwick_model::{AccessKeyId, AccessKeyKind, IdKind, Issue, StorePosition, Tags};
use bailiwick_operation::{Caller, Credential};
use bailiwick_storage::SessionRevocation;
use bailiwick_testing::HandlerTest;
use serde_json::{Value, json};

use super::*;
use crate::testing::{MAIN, SUSPENDED, account, now, role, root, time, user, world};

const ID: &str = "0b9f6a3e-5d2b-4c3e-9a51-6a1d2f3c4b5a";
const OTHER: &str = "444455556666";
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:Get*","Resource":"*"}}"#;
const SESSION_KEY: &str = "ASIAIOSFODNN7EXAMPLE";

/// A request of the main account for itself, which this principal accepted at 11:00, and whose token was sent at 11:55.
fn request(approver: &str) -> DelegationRequest {
    let party = DelegationParty { user_id: approver.to_owned(), arn: "arn:aws:iam::111122223333:root".into() };
    DelegationRequest {
        id: ID.into(),
        requestor: account(MAIN),
        requestor_name: "Photos".into(),
        workflow_id: "workflow-1".into(),
        owner_account: Some(account(MAIN)),
        owner: Some(party.clone()),
        approver: Some(party),
        description: "Sets photos up".into(),
        request_message: None,
        template_arn: "arn:aws:iam:::delegation-template/IdentityReview".into(),
        parameters: Vec::new(),
        policy: POLICY.into(),
        restriction_arns: Vec::new(),
        notification_channel: "arn:aws:sns:eu-central-1:111122223333:delegations".into(),
        redirect_url: None,
        session_seconds: 3_600,
        only_send_by_owner: false,
        notes: None,
        rejection_reason: None,
        state: DelegationState::Finalized,
        created: time("10:00:00"),
        updated: time("11:55:00"),
        expires: time("11:55:00") + SignedDuration::from_hours(7 * 24),
        approval: Some(DelegationApproval {
            accepted: time("11:00:00").into(),
            long_term_key: None,
            issued_through: vec![AccessKeyId::parse(SESSION_KEY).unwrap()],
            tags: Tags::parse([("team", "reeds")]).unwrap(),
            transitive_tag_keys: vec!["team".into()],
            source_identity: Some("heron".into()),
            provider: None,
            provider_keys: vec![("saml:sub".into(), vec!["heron".into()])],
        }),
        sent: Some(time("11:55:00")),
    }
}

/// A world with this request.
async fn with(request: &DelegationRequest) -> HandlerTest<Sts> {
    let test = HandlerTest::new(world().await, Sts, user());
    put(&test, request).await;
    test
}

async fn put(test: &HandlerTest<Sts>, request: &DelegationRequest) {
    let mut tx = test.begin().await;
    match tx.find_delegation_request(&request.id).await.unwrap() {
        Some(_) => tx.update_delegation_request(request),
        None => tx.create_delegation_request(request).await.unwrap(),
    }
    test.commit(tx).await;
}

async fn token(test: &HandlerTest<Sts>) -> Value {
    let answer = test.ok::<op::GetDelegationToken>(json!({"delegationRequestId": ID})).await;
    assert_eq!(answer["expiration"], json!("2026-03-01T12:55:00Z"));
    json!({"TradeInToken": answer["tradeInToken"]})
}

/// The caller that issued credentials prove.
fn opened(test: &HandlerTest<Sts>, answer: &Value) -> Caller {
    let text = |name: &str| answer["Credentials"][name].as_str().unwrap();
    let key = AccessKeyId::parse(text("AccessKeyId")).unwrap();
    Tokens::of(&test.deployment).open_session(&key, text("SessionToken"), now()).unwrap().caller
}

/// The code and message of the answer to a trade-in.
async fn refused(test: &HandlerTest<Sts>, token: Value) -> String {
    let error = test.call::<op::GetDelegatedAccessToken>(token).await.unwrap_err();
    format!("{}: {}", error.code().wire(), error.message())
}

#[tokio::test]
async fn the_session_is_the_approvers_within_the_policy() {
    let root_id = MAIN.to_owned();
    let test = with(&request(&root_id)).await;
    let ana = test.user(MAIN, "Ana", "").await;
    let otter = role(&test, MAIN, "/water/", "Otter", 3600).await;
    let principals = [
        (root_id, "arn:aws:iam::111122223333:root"),
        (ana.id.to_string(), "arn:aws:iam::111122223333:user/Ana"),
        (format!("{}:swim", otter.id), "arn:aws:sts::111122223333:assumed-role/Otter/swim"),
    ];
    for (approver, arn) in principals {
        put(&test, &request(&approver)).await;
        let token = token(&test).await;
        // The token can be exchanged again and again, but not for longer.
        for _ in 0..2 {
            let answer = test.ok::<op::GetDelegatedAccessToken>(token.clone()).await;
            assert_eq!((&answer["AssumedPrincipal"], answer.get("PackedPolicySize")), (&json!(arn), None));
            let Caller { principal, session, mfa, .. } = opened(&test, &answer);
            let session = session.unwrap();
            assert_eq!((principal.arn(test.cx().partition()).as_str(), mfa), (arn, None));
            assert_eq!((session.kind, session.issued), (SessionKind::Delegated, time("11:00:00")));
            assert_eq!((session.expires, &*session.scopes), (time("12:55:00"), &[POLICY.to_owned()][..]));
            assert!(session.is_limited() && session.policies.is_empty());
            assert_eq!((session.tags.get("team"), session.source_identity.as_deref()), (Some("reeds"), Some("heron")));
            assert_eq!(session.provider_keys, [("saml:sub".to_owned(), vec!["heron".to_owned()])]);
            let subjects: Vec<_> = session.revocable_by(account(MAIN)).map(|(_, subject)| subject).collect();
            for subject in [ID, SESSION_KEY, user().access_key_id().unwrap().as_str(), session.access_key_id.as_str()] {
                assert!(subjects.contains(&subject), "{subject} is not in {subjects:?}");
            }
        }
    }
    test.needs::<op::GetDelegatedAccessToken>(json!({"TradeInToken": "x"}), &["sts:GetDelegatedAccessToken *"]).await;
    let check = format!("bailiwick:GetDelegationToken arn:aws:iam::111122223333:delegation-request/{ID}");
    test.needs::<op::GetDelegationToken>(json!({"delegationRequestId": ID}), &[&check]).await;
}

#[tokio::test]
async fn only_the_requestor_gets_the_token_and_only_once_it_is_sent() {
    let test = with(&request(MAIN)).await;
    let named = json!({"delegationRequestId": ID});
    let missing = format!("NoSuchEntity: The delegation request {ID} cannot be found.");
    test.as_root(OTHER).fails::<op::GetDelegationToken>(named.clone(), &missing).await;
    test.fails::<op::GetDelegationToken>(
        json!({"delegationRequestId": "0b9f6a3e-5d2b-4c3e-9a51-000000000000"}),
        "NoSuchEntity: The delegation request 0b9f6a3e-5d2b-4c3e-9a51-000000000000 cannot be found.",
    )
    .await;
    let sent = format!("InvalidInput: The token of the delegation request {ID} was not sent.");
    let over = format!("InvalidInput: The time of the delegation request {ID} is over.");
    let change = |change: fn(&mut DelegationRequest)| {
        let mut changed = request(MAIN);
        change(&mut changed);
        changed
    };
    let rows = [
        (change(|request| request.state = DelegationState::Accepted), &sent),
        (change(|request| request.state = DelegationState::Rejected), &sent),
        (change(|request| request.state = DelegationState::Assigned), &sent),
        (change(|request| request.expires = now()), &sent),
        (change(|request| request.sent = None), &sent),
        (change(|request| request.approval = None), &sent),
        (change(|request| request.approver = None), &sent),
        (change(|request| request.owner_account = None), &sent),
        (change(|request| request.session_seconds = 300), &over),
    ];
    for (changed, expected) in rows {
        put(&test, &request(MAIN)).await;
        let token = token(&test).await;
        put(&test, &changed).await;
        test.fails::<op::GetDelegationToken>(named.clone(), expected).await;
        // A token from before does not help.
        let code = if *expected == over { "ExpiredTradeInTokenException" } else { "ValidationError" };
        let refused = refused(&test, token).await;
        assert!(refused.starts_with(code), "{refused}");
    }
}

#[tokio::test]
async fn tokens_that_are_none_are_refused() {
    let test = with(&request(MAIN)).await;
    let good = token(&test).await;
    let text = good["TradeInToken"].as_str().unwrap().to_owned();
    let tokens = Tokens::of(&test.deployment);
    let trade_in = |request: &str| TradeIn { request: request.into(), owner: account(MAIN), sent: time("11:55:00") };
    let later = time("13:00:00");
    let issue = |trade_in: &TradeIn| tokens.issue_trade_in(account(MAIN), trade_in, later).unwrap();
    let elsewhere = Tokens::new(&test.deployment.sealer, "another cluster");
    let bearer = tokens.issue_bearer(&root(), now(), later).unwrap();
    let session = {
        let key = AccessKeyId::new(AccessKeyKind::Temporary, account(MAIN), [3; 6]);
        let session = Session::new(SessionKind::SessionToken, key.clone(), now(), later);
        let caller = Caller { credential: Credential::AccessKey(key), session: Some(Arc::new(session)), ..root() };
        tokens.issue_session(&caller).unwrap().0
    };
    let invalid = "ValidationError: Invalid trade-in token";
    let mut rows = vec![
        ("empty", String::new()),
        ("text", "token".into()),
        ("not base64", "§".into()),
        ("longer", format!("{text}AAAA")),
        ("shorter", text[..text.len() - 4].to_owned()),
        ("huge", "A".repeat(100_000)),
        ("of another request", issue(&trade_in("0b9f6a3e-5d2b-4c3e-9a51-000000000000"))),
        ("of another owner", issue(&TradeIn { owner: account(OTHER), ..trade_in(ID) })),
        ("of another time", issue(&TradeIn { sent: time("11:54:59"), ..trade_in(ID) })),
        ("of another deployment", elsewhere.issue_trade_in(account(MAIN), &trade_in(ID), later).unwrap()),
        ("for another account", tokens.issue_trade_in(account(OTHER), &trade_in(ID), later).unwrap()),
        ("a bearer token", bearer),
        ("a session token", session),
    ];
    // Each byte of it counts.
    for at in 0..text.len() {
        let mut altered = text.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        rows.push(("altered", String::from_utf8(altered).unwrap()));
    }
    for (name, token) in rows {
        // An unused bit at the end of base64 can be what was altered.
        assert_eq!(refused(&test, json!({"TradeInToken": token})).await, invalid, "{name}");
    }
    test.ok::<op::GetDelegatedAccessToken>(good.clone()).await;
    let theirs = test.as_root(OTHER);
    assert_eq!(refused(&theirs, good.clone()).await, invalid, "by another account");
    let expired = "ExpiredTradeInTokenException: The trade-in token provided in the request has expired and can no longer be \
                   exchanged for credentials.";
    test.clock.set(time("12:54:59.999999"));
    test.ok::<op::GetDelegatedAccessToken>(good.clone()).await;
    test.clock.set(time("12:55:00"));
    assert_eq!(refused(&test, good).await, expired);
}

#[tokio::test]
async fn whatever_ends_the_approver_ends_the_delegation() {
    let ended = "AccessDenied: The delegation has ended: it was revoked, or its approver may no longer act.";
    let test = with(&request(MAIN)).await;
    let ana = test.user(MAIN, "Ana", "").await;
    let otter = role(&test, MAIN, "/water/", "Otter", 3600).await;
    let key = test.key(MAIN, Some(&ana)).await;
    let swim = format!("{}:swim", otter.id);
    // No principal is made of these.
    let nobody = UniqueId::new(IdKind::User, [1; 17]);
    let unknown = [
        nobody.to_string(),
        format!("{nobody}:swim"),
        format!("{}:swim", ana.id),
        otter.id.to_string(),
        format!("{}:", otter.id),
        format!("{}:a b", otter.id),
        format!("{MAIN}:"),
        format!("{MAIN}:guest"),
        OTHER.into(),
        String::new(),
    ];
    for approver in unknown {
        put(&test, &request(&approver)).await;
        let token = token(&test).await;
        assert_eq!(refused(&test, token).await, ended, "{approver}");
    }
    // Each revocation, by the subject that it names.
    for subject in [ID, SESSION_KEY, user().access_key_id().unwrap().as_str()] {
        let test = with(&request(MAIN)).await;
        let token = token(&test).await;
        test.ok::<op::GetDelegatedAccessToken>(token.clone()).await;
        let mut tx = test.begin().await;
        let of = AccessKeyId::parse(subject).ok().and_then(|key| key.account()).unwrap_or(account(MAIN));
        tx.revoke_sessions(of, subject, SessionRevocation::until(now(), test.cx().position())).await.unwrap();
        test.commit(tx).await;
        assert_eq!(refused(&test, token).await, ended, "{subject}");
    }
    let valid_after = Some(time("11:00:00.000001"));
    for approver in [MAIN, &ana.id.to_string(), &swim] {
        put(&test, &request(approver)).await;
        test.ok::<op::GetDelegatedAccessToken>(token(&test).await).await;
    }
    let mut tx = test.begin().await;
    let (old, new) = (ana.clone(), User { sessions_valid_after: valid_after, ..ana.clone() });
    tx.update(&old, &new).await.unwrap();
    let new = Role { sessions_valid_after: valid_after, ..otter.clone() };
    tx.update(&otter, &new).await.unwrap();
    test.commit(tx).await;
    for (approver, expected) in [(&*ana.id.to_string(), Err(())), (&swim, Err(())), (MAIN, Ok(()))] {
        put(&test, &request(approver)).await;
        let answer = test.call::<op::GetDelegatedAccessToken>(token(&test).await).await;
        assert_eq!(answer.map(|_| ()).map_err(|_| ()), expected, "{approver}");
    }
    // The key that the approver used must stay active.
    let mut bound = request(MAIN);
    bound.approval.as_mut().unwrap().long_term_key = Some(key.id.clone());
    put(&test, &bound).await;
    test.ok::<op::GetDelegatedAccessToken>(token(&test).await).await;
    bound.approval.as_mut().unwrap().long_term_key = Some(AccessKeyId::parse("AKIAIOSFODNN7EXAMPLE").unwrap());
    put(&test, &bound).await;
    assert_eq!(refused(&test, token(&test).await).await, ended);
    // The owner's account must be active.
    let suspended = DelegationRequest { owner_account: Some(account(SUSPENDED)), ..request(SUSPENDED) };
    put(&test, &suspended).await;
    assert_eq!(refused(&test, token(&test).await).await, ended);
    let large = DelegationRequest { policy: " ".repeat(6_145), ..request(MAIN) };
    put(&test, &large).await;
    assert!(refused(&test, token(&test).await).await.starts_with("PackedPolicyTooLarge"));
}

#[tokio::test]
async fn what_was_accepted_after_a_revocation_stands_whatever_the_clocks_show() {
    let ended = "AccessDenied: The delegation has ended: it was revoked, or its approver may no longer act.";
    let test = with(&request(MAIN)).await;
    let ana = test.user(MAIN, "Ana", "").await;
    let accepted = async || {
        let position =
            Some(StorePosition { epoch: 0, restore_id: 0, revision: test.begin().await.revision().number() });
        let mut accepted = request(&ana.id.to_string());
        accepted.approval.as_mut().unwrap().accepted = Issue { time: time("11:00:00"), position };
        accepted
    };
    let (before, revocation) = (accepted().await, json!({"userName": "Ana"}));
    // A clock that is behind that of the acceptance, and one that is ahead.
    for now in ["10:58:00", "11:03:00"] {
        test.clock.set(time(now));
        test.ok::<op::RevokeSessions>(revocation.clone()).await;
        test.clock.set(time("12:00:00"));
        put(&test, &before).await;
        assert_eq!(refused(&test, token(&test).await).await, ended, "{now}");
        let after = accepted().await;
        put(&test, &after).await;
        let answer = test.ok::<op::GetDelegatedAccessToken>(token(&test).await).await;
        let session = opened(&test, &answer).session.unwrap();
        assert_eq!(session.issue(), after.approval.unwrap().accepted);
    }
}
