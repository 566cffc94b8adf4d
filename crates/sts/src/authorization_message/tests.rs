use super::*;
use crate::testing::{MAIN, SUSPENDED, account, now, refusal, root, sealer, user, world};

const JSON: &str = r#"{"allowed":false,"context":{"action":"photos:GetAlbum"}}"#;

fn messages(sealer: &Sealer) -> AuthorizationMessages<'_> {
    AuthorizationMessages { sealer, cluster: "pond" }
}

#[test]
fn a_message_opens_in_its_account_until_it_expires() {
    let sealer = sealer();
    let messages = messages(&sealer);
    for length in [MessageLength::Shown, MessageLength::Hidden] {
        let encoded = messages.encode(account(MAIN), JSON, length, now()).unwrap();
        assert!(!encoded.contains("GetAlbum") && encoded.len() <= MAX_ENCODED);
        for (name, of, seconds, expected) in [
            ("its account", MAIN, 0, true),
            ("a second before it expires", MAIN, 24 * 3_600 - 1, true),
            ("when it expires", MAIN, 24 * 3_600, false),
            ("another account", SUSPENDED, 0, false),
        ] {
            let at = now() + Duration::from_secs(seconds);
            let decoded = messages.decode(account(of), &encoded, at);
            assert_eq!(decoded.as_deref(), expected.then_some(JSON), "{name}");
        }
        let other = AuthorizationMessages { cluster: "lake", ..messages };
        assert_eq!(other.decode(account(MAIN), &encoded, now()), None, "another deployment");
    }
}

#[test]
fn nothing_else_is_a_message() {
    let sealer = sealer();
    let messages = messages(&sealer);
    let encoded = messages.encode(account(MAIN), JSON, MessageLength::Shown, now()).unwrap();
    for at in 0..encoded.len() {
        let mut altered = encoded.clone().into_bytes();
        altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
        let altered = String::from_utf8(altered).unwrap();
        assert_eq!(messages.decode(account(MAIN), &altered, now()), None, "character {at}");
    }
    let digits = account(MAIN).digits();
    let of_other_purpose = |purpose| {
        let sealed = sealer.seal(purpose, &messages.aad(&digits), b"\x7f\0\0\0\0\0\0\0{}").unwrap();
        URL_SAFE_NO_PAD.encode([&[FORM][..], &sealed].concat())
    };
    for (name, text) in [
        ("empty", String::new()),
        ("not base64", "not a message!".to_owned()),
        ("cut off", encoded[..encoded.len() / 2].to_owned()),
        ("with a line break", format!("{encoded}\n")),
        ("too long", "A".repeat(MAX_ENCODED + 1)),
        ("a bearer token", of_other_purpose(KeyPurpose::BearerToken)),
        ("a session token", of_other_purpose(KeyPurpose::SessionToken)),
        ("a page marker", of_other_purpose(KeyPurpose::Marker)),
    ] {
        assert_eq!(messages.decode(account(MAIN), &text, now()), None, "{name}");
    }
    assert_eq!(
        messages.decode(account(MAIN), &of_other_purpose(KeyPurpose::AuthorizationMessage), now()).unwrap(),
        "{}"
    );
}

#[test]
fn a_hidden_length_is_that_of_the_largest_message() {
    let sealer = sealer();
    let messages = messages(&sealer);
    let largest = format!("\"{}\"", "x".repeat(AuthorizationMessages::MAX_SIZE - 2));
    let length = |json: &str, length| messages.encode(account(MAIN), json, length, now()).unwrap().len();
    assert_eq!(length("{}", MessageLength::Hidden), length(&largest, MessageLength::Shown));
    assert!(length("{}", MessageLength::Shown) < 100);
    assert!(length(&largest, MessageLength::Hidden) <= MAX_ENCODED, "what DecodeAuthorizationMessage accepts");
    let error = messages.encode(account(MAIN), &format!("{largest} "), MessageLength::Shown, now()).unwrap_err();
    assert_eq!(error.code(), ErrorCode::ServiceFailure);
}

#[tokio::test]
async fn decoding_needs_the_permission_and_answers_one_error() {
    let world = world().await;
    let (cx, mut tx) = (world.cx(user()), world.begin().await);
    let request = |text: &str| DecodeAuthorizationMessageRequest { encoded_message: Some(text.to_owned()) };
    let planned = Handle::<op::DecodeAuthorizationMessage>::plan(&Sts, &cx, &mut tx, request("x")).await.unwrap();
    assert_eq!(planned.checks[0].action, "sts:DecodeAuthorizationMessage");
    assert_eq!(planned.checks[0].resource, "*");
    let encoded = AuthorizationMessages::of(cx.deployment());
    let encoded = encoded.encode(cx.account(), JSON, MessageLength::Shown, cx.now()).unwrap();
    for caller in [user(), root()] {
        let cx = world.cx(caller);
        let answer = Handle::<op::DecodeAuthorizationMessage>::handle(&Sts, &cx, &mut tx, request(&encoded)).await;
        assert_eq!(answer.unwrap().decoded_message.as_deref(), Some(JSON));
    }
    let answer = Handle::<op::DecodeAuthorizationMessage>::handle(&Sts, &cx, &mut tx, request("x")).await;
    assert_eq!(refusal(answer).0, "InvalidAuthorizationMessageException");
}
