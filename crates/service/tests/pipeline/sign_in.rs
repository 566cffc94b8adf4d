//! People who sign in: what proves them, what delays guesses, what ends their sessions.

use bailiwick_api::signin::{self, SignInRequest, SignInResponse, SignInToken};
use bailiwick_api::{Operation, iam, op, sts};
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

/// The answers to guesses: each by code and delay.
async fn guesses(env: &TestEnv, names: &[&str], count: usize) -> Vec<(&'static str, Option<u64>)> {
    let mut answers = Vec::new();
    for number in 0..count {
        let error = env.sign_in(request(MAIN, names[number % names.len()], OTHER)).await.unwrap_err();
        answers.push((error.code().wire(), error.retry_delay().map(|delay| delay.as_secs())));
    }
    answers
}

#[tokio::test]
async fn guesses_are_delayed_alike_for_known_and_unknown_names() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    env.user(&env.root, "Bare").await;
    let known = guesses(&env, &["Heron", "HERON", " heron", "heron\t"], 8).await;
    assert_eq!(known[..6], [("AccessDenied", None); 6]);
    assert_eq!(known[6..], [("Throttling", Some(31)); 2]);
    for names in [["Nobody", "NOBODY", " nobody", "nobody\t"], ["Bare", "BARE", "bare ", " bare"]] {
        assert_eq!(guesses(&env, &names, 8).await, known, "{names:?}");
    }
    // The right password is refused as well, also by the alias of the account and after a while that is too short.
    let alias = iam::CreateAccountAliasRequest { account_alias: Some("reed-bed".into()) };
    env.call::<op::CreateAccountAlias>(&env.root, alias).await.unwrap();
    assert_eq!(code(&env.sign_in(request("reed-bed", "Heron", PASSWORD)).await), "Throttling");
    env.clock.advance(29);
    assert_eq!(code(&env.sign_in(request(MAIN, "Heron", PASSWORD)).await), "Throttling");
    env.clock.advance(2);
    let again = guesses(&env, &["Heron"], 2).await;
    assert_eq!(again, [("AccessDenied", None), ("Throttling", Some(61))]);
    env.clock.advance(61);
    env.token("Heron").await;
    // A correct password gives no further guesses.
    assert_eq!(guesses(&env, &["Heron"], 2).await, [("AccessDenied", None), ("Throttling", Some(121))]);
    // A new password does.
    let change = iam::UpdateLoginProfileRequest {
        user_name: Some("Heron".into()),
        password: Some(OTHER.into()),
        ..Default::default()
    };
    env.call::<op::UpdateLoginProfile>(&env.root, change).await.unwrap();
    assert!(env.sign_in(request(MAIN, "Heron", OTHER)).await.unwrap().session.is_some());
}

#[tokio::test]
async fn guesses_for_many_names_are_delayed_by_source() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    let mut answers = Vec::new();
    for number in 0..33 {
        answers.push(code(&env.sign_in(request(MAIN, &format!("user-{number}"), OTHER)).await));
    }
    assert_eq!(answers[..31], ["AccessDenied"; 31]);
    assert_eq!(answers[31..], ["Throttling"; 2]);
    assert_eq!(code(&env.sign_in(request(MAIN, "Heron", PASSWORD)).await), "Throttling");
    env.clock.advance(11);
    env.token("Heron").await;
}

#[tokio::test]
async fn guesses_at_the_same_time_are_all_counted() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    let guess = |number: usize| {
        let password = if number == 11 { PASSWORD.to_owned() } else { format!("guess-In-{number}-reeds") };
        env.sign_in(request(MAIN, "Heron", &password))
    };
    let answers = futures_util::future::join_all((0..12).map(guess)).await;
    let verified = answers.iter().filter(|answer| code(answer) != "Throttling").count();
    assert_eq!(verified, 6, "{:?}", answers.iter().map(code).collect::<Vec<_>>());
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
async fn a_policy_that_denies_without_mfa_holds_for_sessions_and_their_keys() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    env.policy("Heron", DENY_WITHOUT_MFA).await;
    let without = env.token("Heron").await;
    let (totp, _) = env.device("Heron", "phone").await;
    env.clock.advance(30);
    let req = SignInRequest { mfa_code: Some(text(totp.code(env.step()))), ..request(MAIN, "Heron", PASSWORD) };
    let with = env.sign_in(req).await.unwrap().session.unwrap();
    for (name, client, expected) in [
        ("without a code", bearer(&without), "AccessDenied"),
        ("keys of a session without a code", env.credentials(&without).await, "AccessDenied"),
        ("with a code", bearer(&with), "OK"),
        ("keys of a session with a code", env.credentials(&with).await, "OK"),
    ] {
        assert_eq!(env.uses(&client).await, expected, "{name}");
    }
    // The age is that of the code, also for keys that are issued later.
    let age = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*",
        "Condition":{"NumericGreaterThanIfExists":{"aws:MultiFactorAuthAge":"600"}}}}"#;
    env.policy("Heron", age).await;
    assert_eq!(env.uses(&bearer(&with)).await, "OK");
    env.clock.advance(601);
    let keys = env.credentials(&with).await;
    assert_eq!((env.uses(&bearer(&with)).await, env.uses(&keys).await), ("AccessDenied", "AccessDenied"));
}

#[tokio::test]
async fn sessions_end_with_what_they_stand_on() {
    type End = fn(&TestEnv, &SignInToken) -> Call;
    enum Call {
        Password,
        NoProfile,
        Revoke(Vec<String>),
        SignOut(Client),
        Suspend,
        Wait(i64),
        Own(Client),
    }
    let cases: [(&str, End, &str); 9] = [
        ("a new password", |_, _| Call::Password, "ExpiredToken"),
        ("the own new password", |_, token| Call::Own(bearer(token)), "ExpiredToken"),
        ("a deleted password", |_, _| Call::NoProfile, "ExpiredToken"),
        ("all revoked", |_, _| Call::Revoke(Vec::new()), "ExpiredToken"),
        ("this one revoked", |_, token| Call::Revoke(vec![token.session_id.clone()]), "ExpiredToken"),
        ("signed out", |_, token| Call::SignOut(bearer(token)), "ExpiredToken"),
        ("the account suspended", |_, _| Call::Suspend, "InvalidClientTokenId"),
        ("its time", |_, _| Call::Wait(3_600), "ExpiredToken"),
        ("nothing", |_, _| Call::Wait(3_599), "OK"),
    ];
    for (name, end, expected) in cases {
        let env = TestEnv::new().await;
        let (account, otter) = env.member(&env.user(&env.root, "Admin").await).await;
        let user = || Some("Otter".to_owned());
        let profile = iam::CreateLoginProfileRequest {
            user_name: user(),
            password: Some(PASSWORD.into()),
            max_signin_session_duration: Some(3_600),
            ..Default::default()
        };
        env.call::<op::CreateLoginProfile>(&otter, profile).await.unwrap();
        let token = env.sign_in(request(&account, "otter", PASSWORD)).await.unwrap().session.unwrap();
        let keys = env.credentials(&token).await;
        assert_eq!((env.uses(&bearer(&token)).await, env.uses(&keys).await), ("OK", "OK"), "{name}");
        match end(&env, &token) {
            Call::Password => {
                let password = Some(OTHER.to_owned());
                let req = iam::UpdateLoginProfileRequest { user_name: user(), password, ..Default::default() };
                env.call::<op::UpdateLoginProfile>(&otter, req).await.map(drop)
            }
            Call::Own(client) => {
                let (old_password, new_password) = (Some(PASSWORD.to_owned()), Some(OTHER.to_owned()));
                let req = iam::ChangePasswordRequest { old_password, new_password };
                env.call::<op::ChangePassword>(&client, req).await.map(drop)
            }
            Call::NoProfile => {
                let req = iam::DeleteLoginProfileRequest { user_name: user() };
                env.call::<op::DeleteLoginProfile>(&otter, req).await.map(drop)
            }
            Call::Revoke(session_ids) => {
                let req = signin::RevokeSignInSessionsRequest { user_name: user(), session_ids };
                let revoked = env.call::<op::RevokeSignInSessions>(&otter, req).await.unwrap();
                assert_eq!(revoked.session_ids, std::slice::from_ref(&token.session_id));
                Ok(())
            }
            Call::SignOut(client) => env.call::<op::SignOut>(&client, signin::SignOutRequest {}).await.map(drop),
            Call::Suspend => {
                let req = bailiwick_api::account::SuspendAccountRequest { account_id: Some(account) };
                env.call::<op::SuspendAccount>(&env.root, req).await.map(drop)
            }
            Call::Wait(seconds) => {
                env.clock.advance(seconds);
                Ok(())
            }
        }
        .expect(name);
        assert_eq!((env.uses(&bearer(&token)).await, env.uses(&keys).await), (expected, expected), "{name}");
    }
}

#[tokio::test]
async fn sessions_are_listed_and_revoked_with_permission() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    let (first, second) = (env.token("Heron").await, env.token("Heron").await);
    let list = |by: Client, user: Option<&str>| {
        let req = signin::ListSignInSessionsRequest { user_name: user.map(str::to_owned) };
        let env = &env;
        async move { env.call::<op::ListSignInSessions>(&by, req).await }
    };
    let listed = list(bearer(&second), None).await.unwrap().sessions;
    let shown: Vec<_> = listed.iter().map(|session| (session.session_id.as_str(), session.current)).collect();
    assert_eq!(shown, [(second.session_id.as_str(), true), (first.session_id.as_str(), false)]);
    assert_eq!(list(env.root.clone(), Some("HERON")).await.unwrap().sessions.len(), 2);
    let revoke = |by: Client, session_ids: Vec<String>| {
        let req = signin::RevokeSignInSessionsRequest { user_name: Some("Heron".into()), session_ids };
        let env = &env;
        async move { code(&env.call::<op::RevokeSignInSessions>(&by, req).await) }
    };
    env.policy("Heron", &ALLOW_ALL.replace("Allow", "Deny").replace("\"*\",", "\"bailiwick:*\",")).await;
    assert_eq!(code(&list(bearer(&second), None).await), "AccessDenied");
    assert_eq!(revoke(bearer(&second), vec![first.session_id.clone()]).await, "AccessDenied");
    assert_eq!(revoke(env.root.clone(), vec!["ASIAIOSFODNN7EXAMPLE".into()]).await, "NoSuchEntity");
    assert_eq!(revoke(env.root.clone(), vec![first.session_id.clone()]).await, "OK");
    assert_eq!((env.uses(&bearer(&first)).await, env.uses(&bearer(&second)).await), ("ExpiredToken", "OK"));
    // Signing out needs no permission.
    let out = env.call::<op::SignOut>(&bearer(&second), signin::SignOutRequest {}).await;
    assert_eq!((code(&out), env.uses(&bearer(&second)).await), ("OK", "ExpiredToken"));
    assert_eq!(code(&env.call::<op::SignOut>(&env.root, signin::SignOutRequest {}).await), "AccessDenied");
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
async fn tokens_of_other_kinds_are_not_sign_in_sessions() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    let session = env.token("Heron").await;
    let keys = env.credentials(&session).await;
    let Client::Key(key) = &keys else { unreachable!() };
    let role = env.role(&env.user(&env.root, "Admin").await, "Diver").await;
    let role_key = role.key().clone();
    let exchange = |key: &Key| signin::GetSigninTokenRequest {
        access_key_id: Some(key.id.as_str().to_owned()),
        secret_access_key: Some(key.secret.clone()),
        session_token: key.token.clone(),
        session_duration: None,
    };
    let token = env.call::<op::GetSigninToken>(&Client::Anonymous, exchange(&role_key)).await.unwrap().signin_token;
    for (name, client, expected) in [
        ("a sign-in token as bearer", Client::Bearer(token.clone()), "InvalidClientTokenId"),
        ("a session token as bearer", Client::Bearer(key.token.clone().unwrap()), "InvalidClientTokenId"),
        (
            "a bearer token as session token",
            Client::Key(Key::new(key.id.as_str(), key.secret.clone(), Some(session.token.clone()))),
            "InvalidClientTokenId",
        ),
    ] {
        assert_eq!(env.uses(&client).await, expected, "{name}");
    }
    for (name, req, expected) in [
        (
            "a wrong secret",
            signin::GetSigninTokenRequest { secret_access_key: Some("x".into()), ..exchange(&role_key) },
            "InvalidClientTokenId",
        ),
        (
            "the token of others",
            signin::GetSigninTokenRequest { session_token: key.token.clone(), ..exchange(&role_key) },
            "InvalidClientTokenId",
        ),
        (
            "a bearer token",
            signin::GetSigninTokenRequest { session_token: Some(session.token.clone()), ..exchange(&role_key) },
            "InvalidClientTokenId",
        ),
        ("keys of a sign-in session", exchange(key), "AccessDenied"),
    ] {
        let answer = env.call::<op::GetSigninToken>(&Client::Anonymous, req).await;
        assert_eq!(code(&answer), expected, "{name}");
    }
    // Keys of a session get no further keys, and neither do other callers.
    for (name, client) in [("its keys", &keys), ("root", &env.root), ("a role", &role)] {
        let answer = env.call::<op::GetSignInCredentials>(client, signin::GetSignInCredentialsRequest::default()).await;
        assert_eq!(code(&answer), "AccessDenied", "{name}");
    }
    // A bearer token of the keys ends with the session as well.
    let traded = env.call::<op::CreateToken>(&keys, signin::CreateTokenRequest::default()).await.unwrap();
    assert_eq!(env.uses(&Client::Bearer(traded.token.clone())).await, "OK");
    env.call::<op::SignOut>(&bearer(&session), signin::SignOutRequest {}).await.unwrap();
    assert_eq!(env.uses(&Client::Bearer(traded.token)).await, "ExpiredToken");
    let deleted = iam::DeleteRolePolicyRequest { role_name: Some("Diver".into()), policy_name: Some("all".into()) };
    env.call::<op::DeleteRolePolicy>(&env.root, deleted).await.unwrap();
    let deleted = iam::DeleteRoleRequest { role_name: Some("Diver".into()) };
    env.call::<op::DeleteRole>(&env.root, deleted).await.unwrap();
    let answer = env.call::<op::GetSigninToken>(&Client::Anonymous, exchange(&role_key)).await;
    assert_eq!(code(&answer), "InvalidClientTokenId", "of a deleted role");
    let _ = (sts::AssumeRoleRequest::default(), op::SignIn::NAME);
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
