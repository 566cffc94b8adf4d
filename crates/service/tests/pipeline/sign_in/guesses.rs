//! Guesses of passwords: counted by person and by source, whichever operation verifies them.

use bailiwick_api::{iam, op, signin};
use bailiwick_operation::Clock as _;
use bailiwick_testing::{Client, MAIN, code};

use super::{OTHER, PASSWORD, request};
use crate::TestEnv;

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

/// The number of verified passwords among twelve guesses, of which four are made at the same time: a person has no more
/// places.
async fn verified_at_once<F: Future<Output = &'static str>>(guess: impl Fn(usize) -> F) -> usize {
    let mut verified = 0;
    for first in [0, 4, 8] {
        let answers = futures_util::future::join_all((first..first + 4).map(&guess)).await;
        verified += answers.iter().filter(|answer| matches!(**answer, "OK" | "AccessDenied")).count();
    }
    verified
}

#[tokio::test]
async fn guesses_at_the_same_time_are_all_counted() {
    let env = &TestEnv::new().await;
    env.person("Heron").await;
    let guess = |number: usize| {
        let password = if number == 11 { PASSWORD.to_owned() } else { format!("guess-In-{number}-reeds") };
        async move { code(&env.sign_in(request(MAIN, "Heron", &password)).await) }
    };
    assert_eq!(verified_at_once(guess).await, 6);
}

/// A way in which a password is verified.
#[derive(Clone, Copy, Debug)]
enum Way {
    SignIn,
    Expired,
    Own,
}

/// The code of one attempt.
async fn attempt(env: &TestEnv, user: &Client, way: Way, password: &str, new: &str) -> &'static str {
    let (account, name) = (Some(MAIN.to_owned()), Some("Heron".to_owned()));
    let (password, new_password) = (Some(password.to_owned()), Some(new.to_owned()));
    match way {
        Way::SignIn => code(&env.sign_in(request(MAIN, "Heron", &password.unwrap())).await),
        Way::Expired => {
            let req = signin::ChangeExpiredPasswordRequest {
                account,
                user_name: name,
                password,
                new_password,
                ..Default::default()
            };
            code(&env.call::<op::ChangeExpiredPassword>(&Client::Anonymous, req).await)
        }
        Way::Own => {
            let req = iam::ChangePasswordRequest { old_password: password, new_password };
            code(&env.call::<op::ChangePassword>(user, req).await)
        }
    }
}

#[tokio::test]
async fn guesses_in_every_way_are_one_count() {
    use Way::{Expired, Own, SignIn};
    for ways in [&[SignIn][..], &[Own], &[Expired], &[SignIn, Own], &[Own, Expired], &[Own, Own, SignIn, Expired]] {
        let env = TestEnv::new().await;
        let user = env.user(&env.root, "Heron").await;
        env.create_profile("Heron", false, None).await;
        for number in 0..6 {
            let way = ways[number % ways.len()];
            assert_eq!(attempt(&env, &user, way, OTHER, OTHER).await, "AccessDenied", "{ways:?} {number}");
        }
        let blocked = [(SignIn, "Throttling"), (Own, "EntityTemporarilyUnmodifiable"), (Expired, "Throttling")];
        for (way, expected) in blocked {
            for password in [PASSWORD, OTHER] {
                assert_eq!(attempt(&env, &user, way, password, OTHER).await, expected, "{ways:?} {way:?}");
            }
        }
        env.clock.advance(31);
        // A correct password restores nothing, also one that the user changes.
        assert_eq!(attempt(&env, &user, SignIn, PASSWORD, "").await, "OK");
        assert_eq!(attempt(&env, &user, Own, PASSWORD, OTHER).await, "OK");
        assert_eq!(attempt(&env, &user, Own, PASSWORD, OTHER).await, "AccessDenied");
        for (way, expected) in blocked {
            assert_eq!(attempt(&env, &user, way, OTHER, PASSWORD).await, expected, "{ways:?} {way:?}");
        }
    }
}

#[tokio::test]
async fn guesses_in_every_way_at_the_same_time_are_all_counted() {
    let env = TestEnv::new().await;
    let user = env.user(&env.root, "Heron").await;
    env.create_profile("Heron", false, None).await;
    let guess = |number: usize| attempt(&env, &user, [Way::SignIn, Way::Own, Way::Expired][number % 3], OTHER, OTHER);
    assert_eq!(verified_at_once(guess).await, 6);
}

#[tokio::test]
async fn a_hundred_guesses_a_day_at_most_however_they_are_made() {
    let env = TestEnv::new().await;
    let user = env.user(&env.root, "Heron").await;
    env.create_profile("Heron", false, None).await;
    let end = env.clock.now().as_second() + 86_400;
    let mut verified = 0;
    while env.clock.now().as_second() < end {
        let mut is_blocked = true;
        for way in [Way::Own, Way::SignIn] {
            let is_verified = attempt(&env, &user, way, OTHER, OTHER).await == "AccessDenied";
            verified += usize::from(is_verified);
            is_blocked &= !is_verified;
        }
        if is_blocked {
            env.clock.advance(30);
        }
    }
    assert!((50..100).contains(&verified), "{verified} guesses in a day");
}
