//! Sessions of people who signed in: what they may do, and what ends them.

use bailiwick_api::signin::{self, SignInRequest, SignInToken};
use bailiwick_api::{iam, op};
use bailiwick_authz::Proof;
use bailiwick_federation::Totp;
use bailiwick_operation::Clock as _;
use bailiwick_testing::{ALLOW_ALL, Client, Key, MAIN, code};

use super::{DENY_WITHOUT_MFA, OTHER, PASSWORD, bearer, request, text};
use crate::TestEnv;

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
}

#[tokio::test]
async fn a_sign_in_token_is_for_a_quarter_of_an_hour() {
    let env = TestEnv::new().await;
    env.person("Heron").await;
    let session = env.token("Heron").await;
    let keys = env.credentials(&session).await;
    let role = env.role(&keys, "Diver").await;
    let Client::Key(key) = &role else { panic!("a role without keys") };
    let lent = signin::GetSigninTokenRequest {
        access_key_id: Some(key.id.as_str().to_owned()),
        secret_access_key: Some(key.secret.clone()),
        session_token: key.token.clone(),
        session_duration: Some(900),
    };
    let signin_token = Some(env.call::<op::GetSigninToken>(&Client::Anonymous, lent).await.unwrap().signin_token);
    let request = signin::SignInWithTokenRequest { signin_token };
    env.clock.advance(899);
    let answer = env.call::<op::SignInWithToken>(&Client::Anonymous, request.clone()).await.unwrap();
    assert!(answer.arn.ends_with(":assumed-role/Diver/swim"), "{}", answer.arn);
    let left = answer.expiration.unwrap().seconds - env.clock.now().as_second();
    assert_eq!(left, 900);
    // The front end of these tests is not the console.
    assert_eq!(env.uses(&Client::Bearer(answer.console_token)).await, "InvalidClientTokenId");
    env.clock.advance(1);
    let late = env.call::<op::SignInWithToken>(&Client::Anonymous, request).await;
    assert_eq!(code(&late), "ExpiredToken");
}

#[tokio::test]
async fn a_session_of_root_from_before_the_device_does_not_remove_it() {
    let env = TestEnv::new().await;
    let password = signin::PutRootPasswordRequest { password: Some(PASSWORD.into()) };
    env.call::<op::PutRootPassword>(&env.root, password).await.unwrap();
    let root = SignInRequest { user_name: None, root: Some(true), ..request(MAIN, "", PASSWORD) };
    let before = env.sign_in(root).await.unwrap().session.unwrap();
    let req = iam::CreateVirtualMfaDeviceRequest { virtual_mfa_device_name: Some("app".into()), ..Default::default() };
    let device = env.call::<op::CreateVirtualMFADevice>(&env.root, req).await.unwrap().virtual_mfa_device.unwrap();
    let totp = Totp::new(&data_encoding::BASE32_NOPAD.decode(&device.base32_string_seed.unwrap()).unwrap());
    let (serial_number, step) = (device.serial_number, env.step());
    let req = signin::EnableRootMfaDeviceRequest {
        serial_number: serial_number.clone(),
        authentication_code1: Some(text(totp.code(step - 1))),
        authentication_code2: Some(text(totp.code(step))),
    };
    env.call::<op::EnableRootMFADevice>(&bearer(&before), req).await.unwrap();
    let keys = env.credentials(&before).await;
    let deactivate = |by: Client| {
        let req = iam::DeactivateMfaDeviceRequest { user_name: None, serial_number: serial_number.clone() };
        let env = &env;
        async move { code(&env.call::<op::DeactivateMFADevice>(&by, req).await) }
    };
    assert_eq!(deactivate(bearer(&before)).await, "AccessDenied");
    assert_eq!(deactivate(keys).await, "AccessDenied");
    // Root's access key replaces a device that was lost.
    assert_eq!(deactivate(env.root.clone()).await, "OK");
}

#[tokio::test]
async fn a_token_of_the_console_does_not_open_as_a_bearer_token() {
    let env = TestEnv::new().await;
    let heron = env.user(&env.root, "Heron").await;
    let session = env.role(&heron, "Reader").await;
    let key = session.key();
    let req = signin::GetSigninTokenRequest {
        access_key_id: Some(key.id.to_string()),
        secret_access_key: Some(key.secret.clone()),
        session_token: key.token.clone(),
        session_duration: None,
    };
    let signin_token = env.call::<op::GetSigninToken>(&Client::Anonymous, req).await.unwrap().signin_token;
    let req = signin::SignInWithTokenRequest { signin_token: Some(signin_token) };
    let console = env.call::<op::SignInWithToken>(&Client::Anonymous, req).await.unwrap().console_token;
    // The console's use keeps the caller in memory.
    let authz = &env.service.parts().authz;
    authz.authenticate(&Proof::Console(&console), env.clock.now()).await.unwrap();
    for token in [console.clone(), format!("console {console}"), format!("Console {console}")] {
        assert_ne!(env.uses(&Client::Bearer(token)).await, "OK");
    }
}
