//! People who sign in: what proves them, what they must change first, what is recorded.

mod guesses;
mod link;
mod passkeys;
mod sessions;

use bailiwick_api::signin::{self, SignInRequest, SignInResponse, SignInToken};
use bailiwick_api::{account, iam, op};
use bailiwick_federation::Totp;
use bailiwick_model::{ErrorCode, Result};
use bailiwick_operation::Clock as _;
use bailiwick_testing::{ALLOW_ALL, Client, Key, MAIN, code};

use super::TestEnv;

const PASSWORD: &str = "heron-In-7-reeds";
const OTHER: &str = "otter-In-8-reeds";
const DENY_WITHOUT_MFA: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*",
    "Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"false"}}}}"#;

fn request(account: &str, user: &str, password: &str) -> SignInRequest {
    SignInRequest {
        account: Some(account.into()),
        user_name: Some(user.into()),
        password: Some(password.into()),
        ..Default::default()
    }
}

fn bearer(token: &SignInToken) -> Client {
    Client::Bearer(token.token.clone())
}

impl TestEnv {
    /// A user with all permissions and a password.
    async fn person(&self, name: &str) {
        self.user(&self.root, name).await;
        self.create_profile(name, false, None).await;
    }

    async fn create_profile(&self, name: &str, reset: bool, seconds: Option<i32>) {
        let req = iam::CreateLoginProfileRequest {
            user_name: Some(name.into()),
            password: Some(PASSWORD.into()),
            password_reset_required: Some(reset),
            max_signin_session_duration: seconds,
        };
        self.call::<op::CreateLoginProfile>(&self.root, req).await.unwrap();
    }

    async fn sign_in(&self, req: SignInRequest) -> Result<SignInResponse> {
        self.call::<op::SignIn>(&Client::Anonymous, req).await
    }

    async fn token(&self, name: &str) -> SignInToken {
        self.sign_in(request(MAIN, name, PASSWORD)).await.unwrap().session.unwrap()
    }

    /// The code of a call that the session may make, or `OK`.
    async fn uses(&self, client: &Client) -> &'static str {
        code(&self.call::<op::ListUsers>(client, iam::ListUsersRequest::default()).await)
    }

    async fn policy(&self, name: &str, document: &str) {
        let req = iam::PutUserPolicyRequest {
            user_name: Some(name.into()),
            policy_name: Some("more".into()),
            policy_document: Some(document.into()),
        };
        self.call::<op::PutUserPolicy>(&self.root, req).await.unwrap();
    }

    /// Enables an authenticator for a user. Returns it, and its serial number.
    async fn device(&self, user: &str, name: &str) -> (Totp, String) {
        let req =
            iam::CreateVirtualMfaDeviceRequest { virtual_mfa_device_name: Some(name.into()), ..Default::default() };
        let device =
            self.call::<op::CreateVirtualMFADevice>(&self.root, req).await.unwrap().virtual_mfa_device.unwrap();
        let seed = device.base32_string_seed.unwrap();
        let seed = data_encoding::BASE32_NOPAD.decode(&seed).unwrap();
        let totp = Totp::new(&seed);
        let serial = device.serial_number.unwrap();
        let step = self.step();
        let req = iam::EnableMfaDeviceRequest {
            user_name: Some(user.into()),
            serial_number: Some(serial.clone()),
            authentication_code1: Some(text(totp.code(step - 1))),
            authentication_code2: Some(text(totp.code(step))),
        };
        self.call::<op::EnableMFADevice>(&self.root, req).await.unwrap();
        (totp, serial)
    }

    fn step(&self) -> i64 {
        self.clock.now().as_second() / 30
    }

    async fn credentials(&self, token: &SignInToken) -> Client {
        let req = signin::GetSignInCredentialsRequest::default();
        let keys = self.call::<op::GetSignInCredentials>(&bearer(token), req).await.unwrap();
        Client::Key(Key::new(&keys.access_key_id, keys.secret_access_key, Some(keys.session_token)))
    }
}

fn text(code: [u8; 6]) -> String {
    String::from_utf8(code.to_vec()).unwrap()
}

#[tokio::test]
async fn a_password_signs_in_under_every_spelling_of_the_name() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    let alias = iam::CreateAccountAliasRequest { account_alias: Some("reed-bed".into()) };
    env.call::<op::CreateAccountAlias>(&env.root, alias).await.unwrap();
    for (account, user) in [(MAIN, "Heron"), ("reed-bed", "heron"), (" REED-bed\t", "  HERON "), (MAIN, "heron\n")] {
        let signed_in = env.sign_in(request(account, user, PASSWORD)).await.unwrap();
        let session = signed_in.session.expect(user);
        assert_eq!(session.arn, format!("arn:aws:iam::{MAIN}:user/Heron"));
        assert!(!session.mfa_authenticated && !signed_in.mfa_required && !signed_in.password_change_required);
        assert_eq!(session.expiration.unwrap().seconds, env.clock.now().as_second() + 12 * 3_600);
        assert_eq!(env.uses(&bearer(&session)).await, "OK");
    }
    let user = iam::GetUserRequest { user_name: Some("Heron".into()) };
    let user = env.call::<op::GetUser>(&env.root, user).await.unwrap().user.unwrap();
    assert_eq!(user.password_last_used.unwrap().seconds, env.clock.now().as_second());
}

#[tokio::test]
async fn everything_wrong_has_the_same_answer() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    env.user(&env.root, "Bare").await;
    env.user(&env.root, "Owl").await;
    let (other, _) = env.member(&env.user(&env.root, "Admin").await).await;
    let suspend = bailiwick_api::account::SuspendAccountRequest { account_id: Some(other.clone()) };
    env.call::<op::SuspendAccount>(&env.root, suspend).await.unwrap();
    let root = SignInRequest { user_name: None, root: Some(true), ..request(MAIN, "", PASSWORD) };
    let mut answers = Vec::new();
    for (name, req) in [
        ("a wrong password", request(MAIN, "Heron", OTHER)),
        ("a password in other case", request(MAIN, "Heron", &PASSWORD.to_uppercase())),
        ("a password with white space", request(MAIN, "Heron", &format!("{PASSWORD} "))),
        ("no such user", request(MAIN, "Nobody", PASSWORD)),
        ("not a name", request(MAIN, "a/b c", PASSWORD)),
        ("a user without a password", request(MAIN, "Bare", PASSWORD)),
        ("root without a password", root),
        ("no such account", request("999988887777", "Heron", PASSWORD)),
        ("no such alias", request("no-such-alias", "Heron", PASSWORD)),
        ("not an account", request("???", "Heron", PASSWORD)),
        ("a suspended account", request(&other, "Otter", PASSWORD)),
        ("a user of another account", request(&other, "Heron", PASSWORD)),
    ] {
        let error = env.sign_in(req).await.expect_err(name);
        answers.push((error.code(), error.message().to_owned(), error.retry_delay()));
    }
    answers.dedup();
    let message = "the account, the user name or the password is wrong".to_owned();
    assert_eq!(answers, [(ErrorCode::AccessDenied, message, None)]);
    for (name, req) in [
        ("both", SignInRequest { root: Some(true), ..request(MAIN, "Heron", PASSWORD) }),
        ("neither", SignInRequest { user_name: None, ..request(MAIN, "", PASSWORD) }),
    ] {
        assert_eq!(code(&env.sign_in(req).await), "InvalidInput", "{name}");
    }
}

#[tokio::test]
async fn a_code_is_needed_and_works_once() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    let (totp, serial) = env.device("Heron", "phone").await;
    env.clock.advance(30);
    let asked = env.sign_in(request(MAIN, "Heron", PASSWORD)).await.unwrap();
    assert!(asked.session.is_none() && asked.mfa_required && asked.mfa_serial_numbers == std::slice::from_ref(&serial));
    let with = |code: String| SignInRequest { mfa_code: Some(code), ..request(MAIN, "Heron", PASSWORD) };
    assert_eq!(code(&env.sign_in(with("000000".into())).await), "InvalidAuthenticationCode");
    let of_another = SignInRequest {
        mfa_serial_number: Some(format!("arn:aws:iam::{MAIN}:mfa/other")),
        ..with(text(totp.code(env.step())))
    };
    assert_eq!(code(&env.sign_in(of_another).await), "InvalidAuthenticationCode");
    let wrong_password = SignInRequest { password: Some(OTHER.into()), ..with(text(totp.code(env.step()))) };
    assert_eq!(code(&env.sign_in(wrong_password).await), "AccessDenied");
    let session = env.sign_in(with(text(totp.code(env.step())))).await.unwrap().session.unwrap();
    assert!(session.mfa_authenticated);
    assert_eq!(code(&env.sign_in(with(text(totp.code(env.step())))).await), "InvalidAuthenticationCode", "used twice");
    // With a second device, the request must name one.
    let (_, second) = env.device("Heron", "spare").await;
    env.clock.advance(60);
    let asked = env.sign_in(with(text(totp.code(env.step())))).await.unwrap();
    assert_eq!((asked.mfa_required, asked.mfa_serial_numbers), (true, vec![serial.clone(), second]));
    let named = SignInRequest { mfa_serial_number: Some(serial), ..with(text(totp.code(env.step()))) };
    assert!(env.sign_in(named).await.unwrap().session.unwrap().mfa_authenticated);
}

#[tokio::test]
async fn a_password_that_must_be_changed_is_changed_at_sign_in() {
    let env = TestEnv::new().await;
    env.user(&env.root, "Heron").await;
    env.create_profile("Heron", true, None).await;
    let asked = env.sign_in(request(MAIN, "Heron", PASSWORD)).await.unwrap();
    assert!(asked.password_change_required && asked.session.is_none());
    let change = |password: &str, new: &str| signin::ChangeExpiredPasswordRequest {
        account: Some(MAIN.into()),
        user_name: Some(" heron".into()),
        password: Some(password.into()),
        new_password: Some(new.into()),
        ..Default::default()
    };
    let call = |req| env.call::<op::ChangeExpiredPassword>(&Client::Anonymous, req);
    for (password, new, expected) in [
        (OTHER, "third-In-9-reeds", "AccessDenied"),
        (OTHER, "short", "AccessDenied"),
        (PASSWORD, "short", "PasswordPolicyViolation"),
        (PASSWORD, PASSWORD, "PasswordPolicyViolation"),
    ] {
        assert_eq!(code(&call(change(password, new)).await), expected, "{password} {new}");
    }
    // The user needs the permission to change their own password.
    env.policy("Heron", &ALLOW_ALL.replace("Allow", "Deny").replace("\"*\",", "\"iam:ChangePassword\",")).await;
    assert_eq!(code(&call(change(PASSWORD, OTHER)).await), "AccessDenied");
    env.policy("Heron", ALLOW_ALL).await;
    let session = call(change(PASSWORD, OTHER)).await.unwrap().session.unwrap();
    assert_eq!(env.uses(&bearer(&session)).await, "OK");
    assert_eq!(code(&env.sign_in(request(MAIN, "Heron", PASSWORD)).await), "AccessDenied");
    assert!(env.sign_in(request(MAIN, "Heron", OTHER)).await.unwrap().session.is_some());
}

#[tokio::test]
async fn an_unused_password_is_refused_before_it_is_deleted() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    let rules = account::CredentialRules { password_unused_days: Some(30), ..Default::default() };
    let request_of = account::PutCredentialRulesRequest { rules: Some(rules) };
    env.call::<op::PutCredentialRules>(&env.root, request_of).await.unwrap();
    let month = 30 * 24 * 3_600;
    env.clock.advance(month - 1);
    // A use counts.
    env.token("Heron").await;
    env.clock.advance(month - 1);
    env.service.apply_credential_rules().await.unwrap();
    env.token("Heron").await;
    env.clock.advance(month);
    assert_eq!(code(&env.sign_in(request(MAIN, "Heron", PASSWORD)).await), "AccessDenied");
    env.service.apply_credential_rules().await.unwrap();
    let get = iam::GetLoginProfileRequest { user_name: Some("Heron".into()) };
    assert_eq!(code(&env.call::<op::GetLoginProfile>(&env.root, get).await), "NoSuchEntity");
}

#[tokio::test]
async fn passwords_expire_by_the_policy_of_the_account() {
    for (hard, expected) in [(false, "must change"), (true, "AccessDenied")] {
        let env = TestEnv::new().await;
        env.person("Heron").await;
        let policy = iam::UpdateAccountPasswordPolicyRequest {
            max_password_age: Some(1),
            hard_expiry: Some(hard),
            ..Default::default()
        };
        env.call::<op::UpdateAccountPasswordPolicy>(&env.root, policy).await.unwrap();
        env.clock.advance(24 * 3_600);
        env.token("Heron").await;
        env.clock.advance(1);
        let answer = env.sign_in(request(MAIN, "Heron", PASSWORD)).await;
        let shown = match &answer {
            Ok(response) if response.password_change_required && response.session.is_none() => "must change",
            _ => code(&answer),
        };
        assert_eq!(shown, expected);
        let change = signin::ChangeExpiredPasswordRequest {
            account: Some(MAIN.into()),
            user_name: Some("Heron".into()),
            password: Some(PASSWORD.into()),
            new_password: Some(OTHER.into()),
            ..Default::default()
        };
        let changed = env.call::<op::ChangeExpiredPassword>(&Client::Anonymous, change).await;
        assert_eq!(code(&changed), if hard { "AccessDenied" } else { "OK" });
    }
}

#[tokio::test]
async fn root_signs_in_with_a_password_that_only_root_sets() {
    let env = TestEnv::new().await;
    let admin = env.user(&env.root, "Heron").await;
    let put = |password: &str| signin::PutRootPasswordRequest { password: Some(password.into()) };
    assert_eq!(code(&env.call::<op::PutRootPassword>(&admin, put(PASSWORD)).await), "AccessDenied");
    assert_eq!(code(&env.call::<op::PutRootPassword>(&env.root, put("short")).await), "PasswordPolicyViolation");
    env.call::<op::PutRootPassword>(&env.root, put(PASSWORD)).await.unwrap();
    let root = |password: &str| SignInRequest { user_name: None, root: Some(true), ..request(MAIN, "", password) };
    assert_eq!(code(&env.sign_in(root(OTHER)).await), "AccessDenied");
    let session = env.sign_in(root(PASSWORD)).await.unwrap().session.unwrap();
    assert_eq!((env.uses(&bearer(&session)).await, session.arn.as_str()), ("OK", "arn:aws:iam::111122223333:root"));
    // A signed-in root may replace the password, which ends the session.
    env.call::<op::PutRootPassword>(&bearer(&session), put(OTHER)).await.unwrap();
    assert_eq!(env.uses(&bearer(&session)).await, "ExpiredToken");
    let session = env.sign_in(root(OTHER)).await.unwrap().session.unwrap();
    let delete = || signin::DeleteRootPasswordRequest {};
    assert_eq!(code(&env.call::<op::DeleteRootPassword>(&admin, delete()).await), "AccessDenied");
    env.call::<op::DeleteRootPassword>(&env.root, delete()).await.unwrap();
    assert_eq!(env.uses(&bearer(&session)).await, "ExpiredToken");
    assert_eq!(code(&env.sign_in(root(OTHER)).await), "AccessDenied");
    assert_eq!(code(&env.call::<op::DeleteRootPassword>(&env.root, delete()).await), "NoSuchEntity");
}

#[tokio::test]
async fn attempts_are_recorded_without_secrets() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    let session = env.token("Heron").await;
    let _ = env.sign_in(request(MAIN, "Heron", OTHER)).await;
    let _ = env.sign_in(request(MAIN, "typed-My-Pass-1", OTHER)).await;
    env.service.parts().recorder.close().await;
    let lines: Vec<serde_json::Value> = env
        .segments()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .filter(|record: &serde_json::Value| record["eventName"] == "SignIn")
        .collect();
    let shown: Vec<_> = lines
        .iter()
        .map(|record| {
            let identity = &record["userIdentity"];
            (record["errorCode"].as_str(), identity["type"].as_str(), identity["userName"].as_str())
        })
        .collect();
    assert_eq!(
        shown,
        [
            (None, Some("IAMUser"), Some("Heron")),
            (Some("AccessDenied"), Some("IAMUser"), Some("Heron")),
            (Some("AccessDenied"), Some("AWSAccount"), None),
        ]
    );
    let all = env.segments();
    for secret in [PASSWORD, OTHER, "typed-My-Pass-1", &session.token] {
        assert!(!all.contains(secret), "{secret}");
    }
}
