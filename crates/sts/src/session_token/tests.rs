use bailiwick_api::op;
use bailiwick_federation::{SEED_BYTES, Totp};
use bailiwick_model::{AccessKeyId, MfaDeviceName, Path};
use bailiwick_operation::{Caller, mfa};
use bailiwick_storage::{KeyOwner, MfaAssignment, MfaDevice};
use bailiwick_testing::HandlerTest;
use jiff::SignedDuration;
use serde_json::{Value, json};

use super::*;
use crate::Tokens;
use crate::testing::{MAIN, World, account, now, root, session, time, user, world};

pub(crate) const SERIAL: &str = "arn:aws:iam::111122223333:mfa/phones/Phone";

/// Stores an enabled device of the path `/phones/`, whose seed is all ones.
pub(crate) async fn device(world: &World, name: &str, owner: KeyOwner) {
    let path_and_name = format!("/phones/{name}");
    let sealed = mfa::seal_seed(&world.deployment.sealer, account(MAIN), &path_and_name, &[1; SEED_BYTES]).unwrap();
    let device = MfaDevice {
        account: account(MAIN),
        path: Path::parse("/phones/").unwrap(),
        name: MfaDeviceName::parse(name).unwrap(),
        created: now(),
        tags: Default::default(),
        sealed_seed: sealed.into(),
        last_step: None,
        assignment: None,
    };
    let mut tx = world.begin().await;
    tx.create_mfa_device(&device).await.unwrap();
    let assignment = MfaAssignment { owner, enabled: now(), offset: 0 };
    tx.enable_mfa_device(device, assignment, 0).await.unwrap();
    world.commit(tx).await;
}

/// Calls as a stored user with the device [`SERIAL`].
pub(crate) async fn ana() -> (HandlerTest<Sts>, Caller) {
    let world = world().await;
    let user = world.user(MAIN, "Ana", "").await;
    device(&world, "Phone", KeyOwner::User(user.id)).await;
    let test = HandlerTest::new(world, Sts, root()).as_user("Ana").await;
    let caller = test.cx().caller().clone();
    (test, caller)
}

/// The code of the current time.
pub(crate) fn code() -> String {
    let step = now().as_second() / 30;
    String::from_utf8(Totp::new(&[1; SEED_BYTES]).code(step).to_vec()).unwrap()
}

pub(crate) fn opened(world: &World, answer: &Value) -> Caller {
    let credentials = &answer["Credentials"];
    let text = |name: &str| credentials[name].as_str().unwrap();
    let key = AccessKeyId::parse(text("AccessKeyId")).unwrap();
    let opened = Tokens::of(&world.deployment).open_session(&key, text("SessionToken"), now()).unwrap();
    assert_eq!(opened.secret.expose(), text("SecretAccessKey"));
    assert_eq!(answer["SessionTokenSize"], json!(text("SessionToken").len()));
    opened.caller
}

#[tokio::test]
async fn a_session_is_the_user_or_root_for_a_bounded_time() {
    let test = HandlerTest::new(world().await, Sts, user());
    for (caller, request, ends) in [
        (user(), json!({}), "00:00:00"),
        (user(), json!({"DurationSeconds": 900}), "12:15:00"),
        (root(), json!({}), "13:00:00"),
        (root(), json!({"DurationSeconds": 900}), "12:15:00"),
        (root(), json!({"DurationSeconds": 129_600}), "13:00:00"),
    ] {
        let answer = test.as_caller(caller.clone()).ok::<op::GetSessionToken>(request.clone()).await;
        let opened = opened(&test, &answer);
        assert_eq!(format!("{:?}", opened.principal), format!("{:?}", caller.principal));
        let session = opened.session.unwrap();
        let expected = if ends == "00:00:00" { time("12:00:00") + SignedDuration::from_hours(12) } else { time(ends) };
        assert_eq!((session.expires, session.kind), (expected, SessionKind::SessionToken), "{request}");
        assert_eq!((session.parent_key.as_ref(), opened.mfa), (Some(caller.access_key_id().unwrap()), None));
        assert!(!session.is_scoped());
    }
    test.needs::<op::GetSessionToken>(json!({}), &["sts:GetSessionToken *"]).await;
    for seconds in [899, 129_601, -1] {
        let error = test.call::<op::GetSessionToken>(json!({"DurationSeconds": seconds})).await.unwrap_err();
        assert_eq!(error.code().wire(), "ValidationError");
    }
    for size in [0, 1, 700, 4_096] {
        let answer = test.ok::<op::GetSessionToken>(json!({"MinimumSessionTokenSize": size})).await;
        opened(&test, &answer);
        let found = answer["SessionTokenSize"].as_u64().unwrap();
        assert!(found >= size && found < size.max(600) + 8, "{size}: {found}");
    }
}

#[tokio::test]
async fn a_code_of_the_callers_device_proves_the_second_factor_once() {
    let (test, ana) = ana().await;
    device(&test, "Other", KeyOwner::Root).await;
    let invalid = "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code.";
    let ask = |serial: &str, code: &str| json!({"SerialNumber": serial, "TokenCode": code});
    let right = code();
    let wrong = if right == "000000" { "000001" } else { "000000" };
    for (caller, serial, code) in [
        (ana.clone(), SERIAL, wrong),
        (ana.clone(), "arn:aws:iam::111122223333:mfa/phones/Other", &*right),
        (ana.clone(), "arn:aws:iam::111122223333:mfa/phones/phone", &*right),
        (ana.clone(), "arn:aws:iam::111122223333:mfa/Phone", &*right),
        (ana.clone(), "arn:aws:iam::444455556666:mfa/phones/Phone", &*right),
        (ana.clone(), "GAHT12345678", &*right),
        (root(), SERIAL, &*right),
    ] {
        test.as_caller(caller).fails::<op::GetSessionToken>(ask(serial, code), invalid).await;
    }
    let answer = test.ok::<op::GetSessionToken>(ask(SERIAL, &right)).await;
    assert_eq!(opened(&test, &answer).mfa, Some(now()));
    test.fails::<op::GetSessionToken>(ask(SERIAL, &right), invalid).await;
    for (member, value) in [("SerialNumber", SERIAL), ("TokenCode", "123456")] {
        let mut tx = test.begin().await;
        let req = GetSessionTokenRequest {
            serial_number: (member == "SerialNumber").then(|| value.to_owned()),
            token_code: (member == "TokenCode").then(|| value.to_owned()),
            ..Default::default()
        };
        let error = Handle::<op::GetSessionToken>::plan(&Sts, &test.cx(), &mut tx, req).await.unwrap_err();
        let words = "AccessDenied: MultiFactorAuthentication failed, must provide both MFA serial number and one time \
                     pass code.";
        assert_eq!(error.to_string(), words);
    }
}

#[tokio::test]
async fn guesses_are_limited_together_with_those_of_other_operations() {
    let (test, _) = ana().await;
    let mut codes = Vec::new();
    for _ in 0..mfa::GUESSES + 1 {
        let request = json!({"SerialNumber": "arn:aws:iam::111122223333:mfa/none", "TokenCode": "123456"});
        codes.push(test.call::<op::GetSessionToken>(request).await.unwrap_err().code().wire());
    }
    assert_eq!(codes.pop(), Some("Throttling"));
    assert!(codes.iter().all(|code| *code == "AccessDenied"), "{codes:?}");
    // Now the right code is refused too.
    let error = test.call::<op::GetSessionToken>(json!({"SerialNumber": SERIAL, "TokenCode": code()})).await;
    assert_eq!(error.unwrap_err().code().wire(), "Throttling");
}

#[tokio::test]
async fn a_role_session_has_no_device() {
    let test = HandlerTest::new(world().await, Sts, session(&[], &[], None));
    let request = json!({"SerialNumber": SERIAL, "TokenCode": "123456"});
    let words = "AccessDenied: MultiFactorAuthentication failed with invalid MFA one time pass code.";
    test.fails::<op::GetSessionToken>(request, words).await;
}
