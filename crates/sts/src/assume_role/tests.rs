use bailiwick_api::sts::{PolicyDescriptorType, ProvidedContext, Tag};
use bailiwick_operation::{Caller, Check, ContextValue, Policy};

use super::*;
use crate::Tokens;
use crate::issue::date;
use crate::testing::{MAIN, SUSPENDED, World, account, now, refusal, role, root, session, time, user, world};

const ROLE: &str = "arn:aws:iam::111122223333:role/water/Otter";

fn ask(role_arn: &str) -> AssumeRoleRequest {
    AssumeRoleRequest {
        role_arn: Some(role_arn.into()),
        role_session_name: Some("swim".into()),
        ..AssumeRoleRequest::default()
    }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: Some(key.into()), value: Some(value.into()) }
}

async fn checks(world: &World, caller: Caller, req: &AssumeRoleRequest) -> Result<Vec<Check>> {
    let (cx, mut tx) = (world.cx(caller), world.begin().await);
    Ok(Handle::<op::AssumeRole>::plan(&Sts, &cx, &mut tx, req.clone()).await?.checks)
}

async fn assume(world: &World, caller: Caller, req: AssumeRoleRequest) -> Result<AssumeRoleResponse> {
    let (cx, mut tx) = (world.cx(caller), world.begin().await);
    let plan = Handle::<op::AssumeRole>::plan(&Sts, &cx, &mut tx, req).await?.plan;
    let answer = Handle::<op::AssumeRole>::handle(&Sts, &cx, &mut tx, plan).await;
    assert!(tx.is_read_only(), "issuing writes nothing");
    answer
}

fn actions(checks: &[Check]) -> Vec<&str> {
    checks.iter().map(|check| check.action).collect()
}

fn key<'a>(check: &'a Check, name: &str) -> Option<&'a ContextValue> {
    check.context.iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

fn one(text: &str) -> Option<ContextValue> {
    Some(ContextValue::One(text.into()))
}

#[tokio::test]
async fn credentials_contain_the_session() {
    let world = world().await;
    let role = role(&world, MAIN, "/water/", "Otter", 7200).await;
    let req = AssumeRoleRequest {
        policy: Some(r#"{ "Statement": [{ "Effect": "Allow", "Action": "s3:Get*", "Resource": "*" }] }"#.into()),
        duration_seconds: Some(7200),
        tags: vec![tag("job", "x"), tag("Nest", "7")],
        transitive_tag_keys: vec!["nest".into()],
        source_identity: Some("heron".into()),
        ..ask(ROLE)
    };
    let answer = assume(&world, user(), req).await.unwrap();
    let assumed = answer.assumed_role_user.unwrap();
    assert_eq!(assumed.arn.as_deref(), Some("arn:aws:sts::111122223333:assumed-role/Otter/swim"));
    assert_eq!(assumed.assumed_role_id, Some(format!("{}:swim", role.id)));
    assert_eq!((answer.packed_policy_size, answer.source_identity.as_deref()), (Some(3), Some("heron")));
    let credentials = answer.credentials.unwrap();
    let id = credentials.access_key_id.unwrap();
    assert!(id.starts_with("ASIA") && id.len() == 20, "{id}");
    assert_eq!(credentials.expiration, Some(date(time("14:00:00"))));

    let id = bailiwick_model::AccessKeyId::parse(&id).unwrap();
    let tokens = Tokens::of(&world.deployment);
    let opened = tokens.open_session(&id, &credentials.session_token.unwrap(), now()).unwrap();
    assert_eq!(Some(opened.secret.expose()), credentials.secret_access_key.as_deref());
    assert_eq!(opened.caller.principal.identity_arn(world.deployment.partition).as_str(), ROLE);
    assert_eq!((opened.caller.mfa, opened.caller.access_key_id().unwrap()), (None, &id));
    let session = opened.caller.session.unwrap();
    assert_eq!((session.issued, session.expires), (now(), time("14:00:00")));
    assert_eq!(session.policies, [r#"{"Statement":[{"Effect":"Allow","Action":"s3:Get*","Resource":"*"}]}"#]);
    assert_eq!((session.tags.get("job"), session.tags.get("nest")), (Some("x"), Some("7")));
    assert_eq!((&session.transitive_tag_keys[..], session.chained), (&["Nest".to_owned()][..], false));
    assert_eq!(session.source_identity.as_deref(), Some("heron"));
    assert_eq!(
        (session.kind, session.parent_key.as_ref()),
        (SessionKind::AssumeRole, Some(user().access_key_id().unwrap()))
    );
}

#[tokio::test]
async fn a_plain_session_lasts_an_hour() {
    let world = world().await;
    role(&world, MAIN, "/water/", "Otter", 43_200).await;
    let answer = assume(&world, user(), ask(ROLE)).await.unwrap();
    assert_eq!(answer.credentials.unwrap().expiration, Some(date(time("13:00:00"))));
    assert_eq!((answer.packed_policy_size, answer.source_identity), (None, None));
}

#[tokio::test]
async fn one_check_on_the_roles_own_arn_with_its_trust_policy() {
    let world = world().await;
    let role = role(&world, MAIN, "/water/", "Otter", 3600).await;
    let req = AssumeRoleRequest { external_id: Some("ext-1".into()), ..ask(&ROLE.replace("Otter", "OTTER")) };
    let checks = checks(&world, user(), &req).await.unwrap();
    assert_eq!(actions(&checks), ["sts:AssumeRole"]);
    let check = &checks[0];
    assert_eq!((check.resource.as_str(), check.resource_account), (ROLE, Some(account(MAIN))));
    assert_eq!(check.policy, Policy::Trust(role.id));
    for (name, value) in [
        ("sts:ExternalId", "ext-1"),
        ("sts:RoleSessionName", "swim"),
        ("sts:DurationSeconds", "3600"),
        ("aws:ResourceTag/team", "reeds"),
        ("iam:ResourceTag/team", "reeds"),
    ] {
        assert_eq!(key(check, name).cloned(), one(value), "{name}");
    }
    for absent in ["aws:TagKeys", "sts:TransitiveTagKeys", "sts:SourceIdentity"] {
        assert_eq!(key(check, absent), None, "{absent}");
    }
}

#[tokio::test]
async fn tags_and_source_identity_add_checks() {
    let world = world().await;
    role(&world, MAIN, "/water/", "Otter", 3600).await;
    let all = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];
    let given = AssumeRoleRequest {
        tags: vec![tag("job", "x")],
        transitive_tag_keys: vec!["job".into()],
        source_identity: Some("heron".into()),
        ..ask(ROLE)
    };
    let found = checks(&world, user(), &given).await.unwrap();
    assert_eq!(actions(&found), all);
    for check in &found {
        assert_eq!((check.resource.as_str(), &check.policy), (ROLE, &found[0].policy));
        assert_eq!(key(check, "aws:RequestTag/job").cloned(), one("x"));
        assert_eq!(key(check, "aws:TagKeys"), Some(&ContextValue::Many(vec!["job".into()])));
        assert_eq!(key(check, "sts:TransitiveTagKeys"), Some(&ContextValue::Many(vec!["job".into()])));
        assert_eq!(key(check, "sts:SourceIdentity").cloned(), one("heron"));
    }
    let passed_on = session(&[("team", "reeds")], &["team"], Some("heron"));
    let found = checks(&world, passed_on, &ask(ROLE)).await.unwrap();
    assert_eq!(actions(&found), all);
    assert_eq!(key(&found[0], "aws:RequestTag/team"), None, "only what the request brings");
    assert_eq!(key(&found[2], "sts:SourceIdentity").cloned(), one("heron"));
    let nothing = session(&[("team", "reeds")], &[], None);
    assert_eq!(actions(&checks(&world, nothing, &ask(ROLE)).await.unwrap()), ["sts:AssumeRole"]);
}

#[tokio::test]
async fn a_missing_role_has_no_trust_policy() {
    let world = world().await;
    role(&world, MAIN, "/water/", "Otter", 3600).await;
    role(&world, SUSPENDED, "/", "Pike", 3600).await;
    for arn in [
        "arn:aws:iam::111122223333:role/water/Nobody",
        "arn:aws:iam::111122223333:role/Otter",
        "arn:aws:iam::111122223333:role/Water/Otter",
        "arn:aws:iam::444455556666:role/water/Otter",
        "arn:aws:iam::999900001111:role/Pike",
    ] {
        let checks = checks(&world, user(), &ask(arn)).await.unwrap();
        assert_eq!((checks[0].resource.as_str(), &checks[0].policy), (arn, &Policy::NoTrust));
        let (code, message) = refusal(assume(&world, user(), ask(arn)).await);
        assert_eq!(code, "AccessDenied");
        assert_eq!(message, format!("Not authorized to assume {arn}"));
    }
}

#[tokio::test]
async fn malformed_requests_are_refused_before_authorization() {
    let world = world().await;
    role(&world, MAIN, "/water/", "Otter", 3600).await;
    let check = async |caller: Caller, req: AssumeRoleRequest, code: &str, words: &str| {
        let (found, message) = refusal(checks(&world, caller, &req).await);
        assert_eq!(found, code, "{message}");
        assert!(message.contains(words), "{message}");
    };
    check(root(), ask(ROLE), "AccessDenied", "Roles may not be assumed by root accounts.").await;
    for arn in [
        "Otter",
        "arn:aws:iam::111122223333:user/water/Otter",
        "arn:aws-cn:iam::111122223333:role/water/Otter",
        "arn:aws:iam:us-east-1:111122223333:role/water/Otter",
        "arn:aws:sts::111122223333:role/water/Otter",
        "arn:aws:iam::aws:role/water/Otter",
        "arn:aws:iam::111122223333:role/",
        "arn:aws:iam::111122223333:role",
    ] {
        check(user(), ask(arn), "ValidationError", "is invalid").await;
    }
    let one_code = AssumeRoleRequest { token_code: Some("123456".into()), ..ask(ROLE) };
    check(user(), one_code.clone(), "AccessDenied", "must provide both MFA serial number").await;
    let context = AssumeRoleRequest { provided_contexts: vec![ProvidedContext::default()], ..ask(ROLE) };
    check(user(), context, "ValidationError", "context").await;
    let policy = AssumeRoleRequest { policy: Some("{}".into()), ..ask(ROLE) };
    check(user(), policy, "MalformedPolicyDocument", "").await;
    let changed = AssumeRoleRequest { source_identity: Some("otter".into()), ..ask(ROLE) };
    check(session(&[], &[], Some("heron")), changed, "AccessDenied", "source identity").await;
}

#[tokio::test]
async fn durations_are_limited_by_role_and_chaining() {
    let world = world().await;
    role(&world, MAIN, "/water/", "Otter", 7200).await;
    let long = |seconds| AssumeRoleRequest { duration_seconds: Some(seconds), ..ask(ROLE) };
    assert!(assume(&world, user(), long(7200)).await.is_ok());
    let (code, message) = refusal(assume(&world, user(), long(7201)).await);
    assert_eq!(code, "ValidationError");
    assert_eq!(message, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
    let chained = || session(&[], &[], None);
    assert!(assume(&world, chained(), long(3600)).await.is_ok());
    let (code, message) = refusal(assume(&world, chained(), long(3601)).await);
    assert_eq!(code, "ValidationError");
    let expected = "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.";
    assert_eq!(message, expected);
}

#[tokio::test]
async fn a_chained_session_inherits_only_transitive_tags() {
    let world = world().await;
    role(&world, MAIN, "/water/", "Otter", 3600).await;
    let caller = session(&[("team", "reeds"), ("nest", "7")], &["team"], Some("heron"));
    let answer = assume(&world, caller, AssumeRoleRequest { tags: vec![tag("job", "x")], ..ask(ROLE) }).await.unwrap();
    assert_eq!(answer.source_identity.as_deref(), Some("heron"));
    let credentials = answer.credentials.unwrap();
    let id = bailiwick_model::AccessKeyId::parse(credentials.access_key_id.as_deref().unwrap()).unwrap();
    let opened = Tokens::of(&world.deployment).open_session(&id, &credentials.session_token.unwrap(), now()).unwrap();
    let session = opened.caller.session.unwrap();
    let tags: Vec<_> = session.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())).collect();
    assert_eq!(tags, [("job", "x"), ("team", "reeds")]);
    assert_eq!((&session.transitive_tag_keys[..], session.chained), (&["team".to_owned()][..], true));
    assert!(!session.is_scoped(), "session policies of the caller are not inherited");
    assert_eq!(opened.caller.mfa, None);
}

#[tokio::test]
async fn session_policies_are_limited() {
    let world = world().await;
    role(&world, MAIN, "/water/", "Otter", 3600).await;
    let tags = (0..40).map(|i| tag(&format!("key{i}"), &"v".repeat(120))).collect();
    let (code, message) = refusal(assume(&world, user(), AssumeRoleRequest { tags, ..ask(ROLE) }).await);
    assert_eq!(code, "PackedPolicyTooLarge");
    assert!(message.starts_with("Packed size of session tags consumes 1"), "{message}");
    let missing = PolicyDescriptorType { arn: Some("arn:aws:iam::aws:policy/Nothing".into()) };
    let req = AssumeRoleRequest { policy_arns: vec![missing], ..ask(ROLE) };
    let (code, message) = refusal(assume(&world, user(), req).await);
    assert_eq!(code, "ValidationError");
    assert_eq!(message, "Policy arn:aws:iam::aws:policy/Nothing was not found.");
}

/// The decision on AssumeRole takes the code as right, and the handler verifies it; the session has no second factor.
#[tokio::test]
async fn a_code_counts_in_the_decision_on_the_call_alone() {
    use crate::session_token::tests::{SERIAL, ana, code};

    let (test, ana) = ana().await;
    role(&test, MAIN, "/water/", "Otter", 3600).await;
    let with = |serial: &str, code: &str| AssumeRoleRequest {
        serial_number: Some(serial.into()),
        token_code: Some(code.into()),
        tags: vec![tag("job", "x")],
        ..ask(ROLE)
    };
    let planned = |caller: Caller, req: AssumeRoleRequest| {
        let test = test.clone();
        async move {
            let (cx, mut tx) = (test.cx(), test.begin().await);
            let cx = if caller.user().is_some() { cx } else { test.as_caller(caller).cx() };
            let planned = Handle::<op::AssumeRole>::plan(&Sts, &cx, &mut tx, req).await.unwrap();
            let decided: Vec<_> = planned.checks.iter().map(|check| check.second_factor).collect();
            let answer = Handle::<op::AssumeRole>::handle(&Sts, &cx, &mut tx, planned.plan).await;
            if answer.is_ok() || tx.is_kept_if_refused() {
                test.commit(tx).await;
            }
            (decided, answer)
        }
    };
    let words = "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code.";
    let wrong = if code() == "000000" { "000001" } else { "000000" };
    for (caller, req) in [
        (ana.clone(), with(SERIAL, wrong)),
        (ana.clone(), with("arn:aws:iam::111122223333:mfa/none", &code())),
        (session(&[], &[], None), with(SERIAL, &code())),
    ] {
        let (decided, answer) = planned(caller, req).await;
        assert_eq!((decided, answer.unwrap_err().to_string().as_str()), (vec![true, true], words));
    }
    let (decided, answer) = planned(ana.clone(), with(SERIAL, &code())).await;
    let credentials = answer.unwrap().credentials.unwrap();
    assert_eq!(decided, [true, true]);
    let id = bailiwick_model::AccessKeyId::parse(credentials.access_key_id.as_deref().unwrap()).unwrap();
    let opened = Tokens::of(&test.deployment).open_session(&id, &credentials.session_token.unwrap(), now()).unwrap();
    assert_eq!(opened.caller.mfa, None);
    // A code works once.
    assert_eq!(planned(ana.clone(), with(SERIAL, &code())).await.1.unwrap_err().to_string(), words);
    assert_eq!(planned(ana, ask(ROLE)).await.0, [false]);
}
