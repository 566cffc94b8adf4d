//! Passkeys as second factors: registered for a user, asked for at sign-in, refused for others.

use bailiwick_api::signin::{self as pb, PasskeyAssertion, PasskeyRequest, SignInRequest, SignInResponse};
use bailiwick_api::{iam, op};
use bailiwick_federation::Totp;
use bailiwick_model::Result;
use bailiwick_testing::authenticator::{
    ATTESTED, AuthData, Authenticator, USER_PRESENT, USER_VERIFIED, attestation_object, client_data,
};
use bailiwick_testing::{Client, MAIN, code};
use data_encoding::BASE64URL_NOPAD;

use super::{DENY_WITHOUT_MFA, PASSWORD};
use crate::TestEnv;

const RELYING_PARTY: &str = "iam.example.com";
const ORIGIN: &str = "https://iam.example.com";

/// What a browser with this authenticator answers to a request for a passkey.
struct Browser<'a> {
    authenticator: &'a Authenticator,
    kind: &'a str,
    origin: &'a str,
    data: AuthData,
}

impl<'a> Browser<'a> {
    fn new(authenticator: &'a Authenticator, counter: u32) -> Self {
        let data = AuthData {
            relying_party: RELYING_PARTY.to_owned(),
            flags: USER_PRESENT | USER_VERIFIED,
            counter,
            credential: None,
            after: Vec::new(),
        };
        Browser { authenticator, kind: "webauthn.get", origin: ORIGIN, data }
    }

    fn answer(&self, challenge: &str) -> PasskeyAssertion {
        let client_data = client_data(self.kind, &decode(challenge), self.origin);
        let data = self.data.encode();
        PasskeyAssertion {
            credential_id: Some(encode(&self.authenticator.id)),
            signature: Some(encode(&self.authenticator.sign(&data, client_data.as_bytes()))),
            client_data: Some(encode(client_data.as_bytes())),
            authenticator_data: Some(encode(&data)),
            user_handle: None,
        }
    }
}

fn encode(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn decode(text: &str) -> Vec<u8> {
    BASE64URL_NOPAD.decode(text.as_bytes()).unwrap()
}

impl TestEnv {
    async fn creation(&self, by: &Client, user: Option<&str>) -> Result<pb::PasskeyCreation> {
        let begin = pb::BeginPasskeyRegistrationRequest { user_name: user.map(str::to_owned) };
        Ok(self.call::<op::BeginPasskeyRegistration>(by, begin).await?.creation.unwrap())
    }

    /// Registers a passkey with this challenge.
    async fn finish(
        &self,
        by: &Client,
        user: Option<&str>,
        authenticator: &Authenticator,
        challenge: &str,
    ) -> Result<String> {
        let data = AuthData {
            flags: USER_PRESENT | USER_VERIFIED | ATTESTED,
            credential: Some((authenticator.id.clone(), authenticator.cose_key())),
            ..Browser::new(authenticator, 0).data
        };
        let client_data = client_data("webauthn.create", &decode(challenge), ORIGIN);
        let finish = pb::FinishPasskeyRegistrationRequest {
            user_name: user.map(str::to_owned),
            label: Some("key".into()),
            client_data: Some(encode(client_data.as_bytes())),
            attestation_object: Some(encode(&attestation_object(&data.encode()))),
        };
        Ok(self.call::<op::FinishPasskeyRegistration>(by, finish).await?.serial_number)
    }

    async fn register(&self, by: &Client, user: Option<&str>, authenticator: &Authenticator) -> Result<String> {
        let creation = self.creation(by, user).await?;
        self.finish(by, user, authenticator, &creation.challenge).await
    }

    /// A user with a password and a passkey.
    async fn keyed(&self, name: &str) -> Authenticator {
        self.person(name).await;
        let authenticator = Authenticator::eddsa();
        self.register(&self.root, Some(name), &authenticator).await.unwrap();
        authenticator
    }

    async fn sign_in_with(&self, name: &str, passkey: Option<PasskeyAssertion>) -> Result<SignInResponse> {
        let request = SignInRequest {
            account: Some(MAIN.into()),
            user_name: Some(name.into()),
            password: Some(PASSWORD.into()),
            passkey,
            ..Default::default()
        };
        self.call::<op::SignIn>(&Client::Anonymous, request).await
    }

    async fn asked(&self, name: &str) -> PasskeyRequest {
        let answer = self.sign_in_with(name, None).await.unwrap();
        assert!(answer.mfa_required && answer.session.is_none());
        answer.passkey_request.unwrap()
    }
}

#[tokio::test]
async fn a_passkey_signs_in_and_counts_as_a_second_factor() {
    let env = TestEnv::new().await;
    let key = env.keyed("Heron").await;
    let answer = env.sign_in_with("Heron", None).await.unwrap();
    let serials = answer.mfa_serial_numbers;
    assert_eq!(serials.len(), 1);
    assert!(serials[0].starts_with(&format!("arn:aws:iam::{MAIN}:u2f/user/Heron/key-")), "{}", serials[0]);
    let request = answer.passkey_request.unwrap();
    assert_eq!((request.rp_id.as_str(), request.timeout), (RELYING_PARTY, 300_000));
    assert_eq!(request.user_verification, "required");
    let ids: Vec<&str> = request.allow_credentials.iter().map(|credential| credential.id.as_str()).collect();
    assert_eq!(ids, [encode(&key.id)]);
    let assertion = Browser::new(&key, 1).answer(&request.challenge);
    let session = env.sign_in_with("Heron", Some(assertion)).await.unwrap().session.unwrap();
    assert!(session.mfa_authenticated);
    env.policy("Heron", DENY_WITHOUT_MFA).await;
    assert_eq!(env.uses(&Client::Bearer(session.token)).await, "OK");
    // Root, for itself.
    let password = pb::PutRootPasswordRequest { password: Some(PASSWORD.into()) };
    env.call::<op::PutRootPassword>(&env.root, password).await.unwrap();
    let key = Authenticator::es256();
    let serial = env.register(&env.root, None, &key).await.unwrap();
    assert!(serial.starts_with(&format!("arn:aws:iam::{MAIN}:u2f/root/key-")), "{serial}");
    let root = |passkey| SignInRequest {
        account: Some(MAIN.into()),
        root: Some(true),
        password: Some(PASSWORD.into()),
        passkey,
        ..Default::default()
    };
    let challenge = env.sign_in(root(None)).await.unwrap().passkey_request.unwrap().challenge;
    let session = env.sign_in(root(Some(Browser::new(&key, 1).answer(&challenge)))).await.unwrap().session.unwrap();
    assert!(session.mfa_authenticated && session.arn.ends_with(":root"));
}

#[tokio::test]
async fn wrong_answers_are_refused() {
    let env = TestEnv::new().await;
    let other = env.keyed("Other").await;
    type Change = for<'a> fn(&mut Browser<'a>, &'a Authenticator);
    let cases: [(&str, Change, &str); 9] = [
        ("another site", |b, _| b.origin = "https://evil.example", "origin"),
        ("clear text", |b, _| b.origin = "http://iam.example.com", "origin"),
        ("another relying party", |b, _| b.data.relying_party = "evil.example".into(), "relying party"),
        ("a registration", |b, _| b.kind = "webauthn.create", "webauthn.get"),
        ("no user present", |b, _| b.data.flags = USER_VERIFIED, "user present"),
        ("no user verified", |b, _| b.data.flags = USER_PRESENT, "verify its user"),
        ("an older counter", |b, _| b.data.counter = 3, "counter"),
        ("the same counter", |b, _| b.data.counter = 4, "counter"),
        ("another user's passkey", |b, other| b.authenticator = other, "id of the credential"),
    ];
    for (number, (name, change, word)) in cases.into_iter().enumerate() {
        let user = format!("Heron{number}");
        let key = env.keyed(&user).await;
        let challenge = env.asked(&user).await.challenge;
        let first = Browser::new(&key, 4).answer(&challenge);
        assert!(env.sign_in_with(&user, Some(first)).await.unwrap().session.is_some(), "{name}");
        let challenge = env.asked(&user).await.challenge;
        let mut browser = Browser::new(&key, 5);
        change(&mut browser, &other);
        let error = env.sign_in_with(&user, Some(browser.answer(&challenge))).await.expect_err(name);
        assert_eq!(error.code().wire(), "InvalidAuthenticationCode", "{name}");
        assert!(error.message().contains(word), "{name}: {}", error.message());
        // The challenge is used up, also by a wrong answer.
        let right = Browser::new(&key, 5).answer(&challenge);
        assert_eq!(code(&env.sign_in_with(&user, Some(right)).await), "InvalidAuthenticationCode", "{name}");
        let challenge = env.asked(&user).await.challenge;
        let right = Browser::new(&key, 5).answer(&challenge);
        assert!(env.sign_in_with(&user, Some(right)).await.unwrap().session.is_some(), "{name}");
    }
}

#[tokio::test]
async fn a_challenge_is_for_one_answer_of_one_person_in_five_minutes() {
    let env = TestEnv::new().await;
    let (key, other) = (env.keyed("Heron").await, env.keyed("Otter").await);
    let wrong = "InvalidAuthenticationCode";
    let answer = Browser::new(&key, 1).answer(&env.asked("Heron").await.challenge);
    assert_eq!(code(&env.sign_in_with("Heron", Some(answer.clone())).await), "OK");
    assert_eq!(code(&env.sign_in_with("Heron", Some(answer)).await), wrong, "replayed");
    let challenge = env.asked("Heron").await.challenge;
    let swapped = Browser::new(&other, 1).answer(&challenge);
    assert_eq!(code(&env.sign_in_with("Otter", Some(swapped)).await), wrong, "another user's challenge");
    env.clock.advance(299);
    let late = Browser::new(&key, 2).answer(&challenge);
    assert_eq!(code(&env.sign_in_with("Heron", Some(late)).await), "OK", "after 299 seconds");
    let challenge = env.asked("Heron").await.challenge;
    env.clock.advance(300);
    let late = Browser::new(&key, 3).answer(&challenge);
    assert_eq!(code(&env.sign_in_with("Heron", Some(late)).await), wrong, "after 300 seconds");
    let creation = env.creation(&env.root, Some("Heron")).await.unwrap();
    let crossed = Browser::new(&key, 4).answer(&creation.challenge);
    assert_eq!(code(&env.sign_in_with("Heron", Some(crossed)).await), wrong, "the challenge of a registration");
    let made_up = Browser::new(&key, 5).answer(&encode(&[7; 32]));
    assert_eq!(code(&env.sign_in_with("Heron", Some(made_up)).await), wrong, "a challenge of the client's own");
}

#[tokio::test]
async fn registrations_are_for_the_user_and_the_challenge_once() {
    let env = TestEnv::new().await;
    let (key, other) = (env.keyed("Heron").await, Authenticator::es256());
    let env_root = env.root.clone();
    let register = async |user: &str, key: &Authenticator, challenge: &str| {
        code(&env.finish(&env_root, Some(user), key, challenge).await)
    };
    env.person("Otter").await;
    let challenge = env.creation(&env.root, Some("Heron")).await.unwrap().challenge;
    assert_eq!(register("Otter", &other, &challenge).await, "InvalidInput", "another user's challenge");
    let asked = env.asked("Heron").await.challenge;
    assert_eq!(register("Heron", &other, &asked).await, "InvalidInput", "the challenge of a sign-in");
    assert_eq!(register("Heron", &other, &encode(&[7; 32])).await, "InvalidInput", "a challenge of the client's own");
    let of_otter = env.creation(&env.root, Some("Otter")).await.unwrap().challenge;
    assert_eq!(register("Otter", &key, &of_otter).await, "EntityAlreadyExists", "another user's credential");
    assert_eq!(register("Heron", &key, &challenge).await, "EntityAlreadyExists", "the same credential");
    assert_eq!(register("Heron", &other, &challenge).await, "OK");
    assert_eq!(register("Heron", &Authenticator::es256(), &challenge).await, "InvalidInput", "used");
    let late = env.creation(&env.root, Some("Otter")).await.unwrap().challenge;
    env.clock.advance(300);
    assert_eq!(register("Otter", &Authenticator::es256(), &late).await, "InvalidInput", "late");
    // A user of another account cannot register the credential either.
    let (_, theirs) = env.member(&env.user(&env.root, "Admin").await).await;
    assert_eq!(code(&env.register(&theirs, None, &key).await), "EntityAlreadyExists");
    let removed = env.call::<op::ListMFADevices>(
        &env.root,
        iam::ListMfaDevicesRequest { user_name: Some("Heron".into()), ..Default::default() },
    );
    for device in removed.await.unwrap().mfa_devices {
        let req = iam::DeactivateMfaDeviceRequest { user_name: device.user_name, serial_number: device.serial_number };
        env.call::<op::DeactivateMFADevice>(&env.root, req).await.unwrap();
    }
    assert_eq!(code(&env.register(&theirs, None, &key).await), "OK", "free again");
}

#[tokio::test]
async fn users_with_a_device_need_it_to_add_a_passkey() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    let token = Client::Bearer(env.token("Heron").await.token);
    let key = Authenticator::eddsa();
    env.register(&token, None, &key).await.unwrap();
    let more = Authenticator::eddsa();
    for user in [None, Some("Heron")] {
        assert_eq!(code(&env.register(&token, user, &more).await), "AccessDenied", "{user:?}");
    }
    let assertion = Browser::new(&key, 1).answer(&env.asked("Heron").await.challenge);
    let session = env.sign_in_with("Heron", Some(assertion)).await.unwrap().session.unwrap();
    let token = Client::Bearer(session.token);
    env.register(&token, None, &more).await.unwrap();
    assert_eq!(env.asked("Heron").await.allow_credentials.len(), 2);
    let excluded = env.creation(&token, None).await.unwrap().exclude_credentials;
    assert_eq!(excluded.len(), 2);
}

/// Wrong passkeys and wrong codes use up one budget, and one of several devices is enough.
#[tokio::test]
async fn passkeys_and_codes_share_their_guesses() {
    let env = TestEnv::new().await;
    let key = env.keyed("Heron").await;
    let (totp, serial): (Totp, String) = env.device("Heron", "phone").await;
    let answer = env.sign_in_with("Heron", None).await.unwrap();
    assert_eq!(answer.mfa_serial_numbers.len(), 2);
    assert!(answer.passkey_request.is_some());
    let mut answers = Vec::new();
    let with_code = |code: String| SignInRequest {
        account: Some(MAIN.into()),
        user_name: Some("Heron".into()),
        password: Some(PASSWORD.into()),
        mfa_code: Some(code),
        ..Default::default()
    };
    for number in 0..12 {
        // The lockout of passwords has delays of its own.
        env.clock.advance(3_600);
        let result = match number % 2 {
            0 => env.sign_in_with("Heron", Some(Browser::new(&key, 1).answer(&encode(&[7; 32])))).await,
            _ => env.sign_in(with_code("000000".into())).await,
        };
        answers.push(code(&result));
    }
    // One attempt is free again after 144 minutes.
    assert!(answers.iter().filter(|answer| **answer == "InvalidAuthenticationCode").count() >= 10, "{answers:?}");
    let mut throttled = 0;
    for _ in 0..8 {
        env.clock.advance(60);
        let wrong = Browser::new(&key, 1).answer(&encode(&[7; 32]));
        throttled += usize::from(code(&env.sign_in_with("Heron", Some(wrong)).await) == "Throttling");
    }
    assert!(throttled > 0);
    // Both are refused now, and both are accepted after a day.
    env.clock.advance(24 * 3_600);
    let right = Browser::new(&key, 1).answer(&env.asked("Heron").await.challenge);
    assert_eq!(code(&env.sign_in_with("Heron", Some(right)).await), "OK");
    let step = env.step();
    let right = String::from_utf8(totp.code(step).to_vec()).unwrap();
    assert_eq!(code(&env.sign_in(with_code(right)).await), "OK", "{serial}");
    let both =
        SignInRequest { passkey: Some(Browser::new(&key, 2).answer(&encode(&[7; 32]))), ..with_code("123456".into()) };
    assert_eq!(code(&env.sign_in(both).await), "InvalidInput");
}
