use bailiwick_model::{Issue, StorePosition};
use bailiwick_operation::Caller;

use super::*;
use crate::testing::{World, now, refusal, root, session, time, user, world};

async fn ask(world: &World, caller: Caller, duration_seconds: Option<i32>) -> Result<CreateTokenResponse> {
    let mut tx = world.begin().await;
    let cx = world.cx(caller).reading_at(tx.revision());
    let req = CreateTokenRequest { duration_seconds };
    let planned = Handle::<op::CreateToken>::plan(&Sts, &cx, &mut tx, req).await?;
    assert_eq!(planned.checks[0].action, "bailiwick:CreateToken");
    Handle::<op::CreateToken>::handle(&Sts, &cx, &mut tx, planned.plan).await
}

#[tokio::test]
async fn a_token_ends_no_later_than_its_session() {
    let world = world().await;
    for (caller, seconds, expires) in [
        (user(), None, "13:00:00"),
        (root(), Some(900), "12:15:00"),
        (user(), Some(43_200), "23:59:60"),
        (session(&[], &[], None), Some(900), "12:15:00"),
        (session(&[], &[], None), None, "12:30:00"),
    ] {
        let expires = if expires == "23:59:60" { "2026-03-02T00:00:00Z".parse().unwrap() } else { time(expires) };
        let answer = ask(&world, caller.clone(), seconds).await.unwrap();
        assert_eq!(answer.expiration, Some(date(expires)));
        let opened = Tokens::of(&world.deployment).open_bearer(&answer.token, now()).unwrap();
        let position =
            Some(StorePosition { epoch: 0, restore_id: 0, revision: world.begin().await.revision().number() });
        assert_eq!((opened.issued, opened.expires), (Issue { time: now(), position }, expires));
        assert_eq!(opened.caller.credential, Credential::Bearer(caller.access_key_id().unwrap().clone()));
    }
}

#[tokio::test]
async fn a_bearer_token_cannot_be_exchanged_for_another() {
    let world = world().await;
    let caller = Caller { credential: Credential::Bearer(user().access_key_id().unwrap().clone()), ..user() };
    assert_eq!(refusal(ask(&world, caller, None).await).0, "AccessDenied");
}
