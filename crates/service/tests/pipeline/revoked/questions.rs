//! Questions of other services whose subject or caller is revoked while they wait.

use bailiwick_api::{authz, op};
use bailiwick_testing::{Client, MAIN, code};

use super::{Case, Event, Who};

/// A question about a caller.
pub(super) fn question(who: authz::caller::Who) -> authz::AuthorizeRequest {
    authz::AuthorizeRequest {
        caller: Some(authz::Caller { who: Some(who) }),
        action: "photos:GetAlbum".into(),
        resource: format!("arn:aws:photos:us-east-1:{MAIN}:album/1"),
        ..Default::default()
    }
}

#[tokio::test]
async fn the_subject_of_a_question_is_validated_at_the_revision_of_the_answer() {
    for (event, expected) in [
        (Event::Nothing, "OK"),
        (Event::KeyDeactivated, "InvalidClientTokenId"),
        (Event::UserDeleted, "InvalidClientTokenId"),
        (Event::Time(299), "OK"),
        (Event::Time(301), "SignatureDoesNotMatch"),
    ] {
        for by_handle in [false, true] {
            // A handle lives for five minutes; the asker's own signature would be too old as well.
            if by_handle && event == Event::Time(301) {
                continue;
            }
            let case = Case::new(Who::User).await;
            let env = &case.env;
            let asker = Client::Bearer(env.bearer(&case.admin).await);
            let signed = env.received(&case.caller, "photos");
            let who = if by_handle {
                let req = authz::AuthenticateRequest { signed_request: Some(signed), ..Default::default() };
                let answer = env.call::<op::Authenticate>(&asker, req).await.unwrap();
                authz::caller::Who::Handle(answer.handle)
            } else {
                authz::caller::Who::SignedRequest(signed)
            };
            let next = env.next_revision().await;
            let question = authz::AuthorizeRequest { min_revision: Some(next.clone()), ..question(who) };
            let answer = env.meanwhile(env.call::<op::Authorize>(&asker, question.clone()), case.happen(event)).await;
            assert_eq!(code(&answer), expected, "{event:?}, by handle: {by_handle}: {answer:?}");
            let item = authz::AuthorizeItem {
                action: question.action.clone(),
                resource: question.resource.clone(),
                ..Default::default()
            };
            let batch =
                authz::BatchAuthorizeRequest { caller: question.caller, items: vec![item], ..Default::default() };
            let answer = env.call::<op::BatchAuthorize>(&asker, batch).await.unwrap().results.remove(0);
            assert_eq!(answer.error.map_or("OK".to_owned(), |error| error.code), expected, "{event:?}");
        }
    }
}

#[tokio::test]
async fn a_caller_revoked_during_the_requested_wait_gets_no_answer() {
    for event in [Event::KeyDeactivated, Event::UserDeleted] {
        let case = Case::new(Who::User).await;
        let (env, next) = (&case.env, case.env.next_revision().await);
        let question = question(authz::caller::Who::Anonymous(authz::Anonymous {}));
        let question = authz::AuthorizeRequest { min_revision: Some(next), ..question };
        let answer = env.meanwhile(env.call::<op::Authorize>(&case.caller, question), case.happen(event)).await;
        assert_eq!(code(&answer), "InvalidClientTokenId", "{event:?}");
    }
}

#[tokio::test]
async fn a_caller_revoked_during_a_batch_gets_no_answer() {
    for (event, expected) in [(Event::Nothing, "OK"), (Event::KeyDeactivated, "InvalidClientTokenId")] {
        let case = Case::new(Who::User).await;
        let question = question(authz::caller::Who::Anonymous(authz::Anonymous {}));
        let item = authz::AuthorizeItem {
            caller: question.caller,
            action: question.action,
            resource: question.resource,
            ..Default::default()
        };
        let batch = authz::BatchAuthorizeRequest { items: vec![item; 100], ..Default::default() };
        let call = case.env.call::<op::BatchAuthorize>(&case.caller, batch);
        assert_eq!(code(&case.env.meanwhile(call, case.happen(event)).await), expected, "{event:?}");
    }
}
