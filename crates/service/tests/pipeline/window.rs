//! A caller that is revoked between decision and commit changes nothing.

use futures_util::future::join_all;

use bailiwick_api::{iam, op};
use bailiwick_storage::keys::Kind;
use bailiwick_testing::code;

use super::revoked::{Case, Event, Who};

async fn check(who: Who, event: Event, expected: &str) {
    let case = Case::new(who).await;
    let env = &case.env;
    let req = iam::CreateUserRequest { user_name: Some("Egret".into()), ..Default::default() };
    env.store.hold(Kind::User, 1);
    let meanwhile = async {
        case.happen(event).await;
        env.store.release(1);
    };
    let answer = env.meanwhile(env.call::<op::CreateUser>(&case.caller, req), meanwhile).await;
    assert_eq!(code(&answer), expected, "{who:?}, {event:?} meanwhile: {answer:?}");
    let is_there = env.users().await.contains(&"Egret".to_owned());
    assert_eq!(is_there, expected == "OK", "{who:?}, {event:?} meanwhile");
}

#[tokio::test]
async fn a_caller_revoked_between_decision_and_commit_changes_nothing() {
    for (who, event, expected) in [
        (Who::User, Event::Nothing, "OK"),
        (Who::User, Event::KeyDeactivated, "InvalidClientTokenId"),
        (Who::User, Event::UserDeleted, "InvalidClientTokenId"),
        (Who::BearerOfUser, Event::KeyDeleted, "InvalidClientTokenId"),
        (Who::Member, Event::AccountSuspended, "InvalidClientTokenId"),
        (Who::Session, Event::RoleDeleted, "InvalidClientTokenId"),
        (Who::Session, Event::SessionsRevoked, "ExpiredToken"),
        (Who::BearerOfSession, Event::SessionsRevoked, "ExpiredToken"),
    ] {
        check(who, event, expected).await;
    }
}

#[tokio::test]
async fn unrelated_calls_of_one_caller_do_not_conflict() {
    const MANY: usize = 20;
    for who in [Who::User, Who::Session] {
        let case = Case::new(who).await;
        let env = &case.env;
        let before = env.store.conflicts();
        env.store.hold(Kind::User, MANY);
        let calls = (0..MANY).map(|n| {
            let req = iam::CreateUserRequest { user_name: Some(format!("Egret-{n}")), ..Default::default() };
            env.call::<op::CreateUser>(&case.caller, req)
        });
        // All of them are decided before any of them is committed, and the last uses are written in between.
        let meanwhile = async {
            env.service.write_last_used().await.unwrap();
            env.store.release(MANY);
        };
        for answer in env.meanwhile(join_all(calls), meanwhile).await {
            answer.unwrap();
        }
        assert_eq!(env.store.conflicts(), before, "{who:?}");
    }
}
