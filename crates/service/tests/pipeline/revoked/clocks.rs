//! Servers over one store have clocks of their own. The one that revokes is not the one that issued.

use bailiwick_api::{iam, op};
use bailiwick_testing::{Client, Key, MAIN, code};

use super::{Case, Event, Who};

const REVOCATIONS: [(Who, &[Event]); 9] = [
    (Who::BearerOfUser, &[Event::UserSessionsRevoked, Event::ParentRevoked, Event::AllRevoked]),
    (Who::SessionToken, &[Event::UserSessionsRevoked, Event::ParentRevoked, Event::SessionRevoked, Event::AllRevoked]),
    (Who::BearerOfSessionToken, &[Event::UserSessionsRevoked, Event::ParentRevoked, Event::AllRevoked]),
    (Who::FederatedUser, &[Event::UserSessionsRevoked, Event::ParentRevoked, Event::SessionRevoked, Event::AllRevoked]),
    (Who::Session, &[Event::SessionsRevoked, Event::AllRevoked]),
    (Who::BearerOfSession, &[Event::SessionsRevoked, Event::AllRevoked]),
    (Who::AssumedByUser, &[Event::SessionsRevoked, Event::ParentRevoked, Event::SessionRevoked, Event::AllRevoked]),
    (
        Who::Delegated,
        &[Event::UserSessionsRevoked, Event::ParentRevoked, Event::SessionRevoked, Event::DelegationRevoked],
    ),
    (Who::Delegated, &[Event::AllRevoked]),
];

/// Another access key of the user.
async fn second_key(case: &Case) -> Client {
    let req = iam::CreateAccessKeyRequest { user_name: Some("Heron".into()) };
    let key = case.env.call::<op::CreateAccessKey>(&case.env.root, req).await.unwrap().access_key.unwrap();
    Client::Key(Key::new(&key.access_key_id.unwrap(), key.secret_access_key.unwrap(), None))
}

/// The code of a call by these credentials.
async fn called(case: &Case, caller: &Client) -> &'static str {
    code(&case.env.call::<op::GetCallerIdentity>(caller, Default::default()).await)
}

#[tokio::test]
async fn a_revocation_ends_what_was_issued_before_by_a_clock_that_is_ahead() {
    for (who, events) in REVOCATIONS {
        for event in events {
            let case = Box::pin(Case::new(who)).await;
            // The revoking server is this much behind.
            case.env.clock.advance(-250);
            assert_eq!(called(&case, &case.caller).await, "OK", "{who:?}");
            case.happen(*event).await;
            assert_eq!(called(&case, &case.caller).await, "ExpiredToken", "{event:?} of {who:?}");
            // Whatever time it is.
            case.env.clock.advance(500);
            assert_eq!(called(&case, &case.caller).await, "ExpiredToken", "{event:?} of {who:?}");
        }
    }
}

#[tokio::test]
async fn what_is_issued_after_a_revocation_by_a_clock_that_is_ahead_is_valid() {
    for (who, events) in REVOCATIONS {
        for event in events.iter().filter(|event| !matches!(event, Event::SessionRevoked | Event::DelegationRevoked)) {
            let case = Box::pin(Case::new(who)).await;
            case.env.clock.advance(250);
            case.happen(*event).await;
            case.env.clock.advance(-250);
            assert_eq!(called(&case, &case.caller).await, "ExpiredToken", "{event:?} of {who:?}");
            let user = second_key(&case).await;
            let role = format!("arn:aws:iam::{MAIN}:role/Diver");
            let again = match who {
                Who::BearerOfUser => Client::Bearer(case.env.bearer(&user).await),
                Who::SessionToken => Client::Key(case.env.session_token(&user).await),
                _ => case.env.session(&user, &role).await,
            };
            assert_eq!(called(&case, &again).await, "OK", "{event:?} of {who:?}");
        }
    }
}
