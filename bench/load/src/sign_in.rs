//! `Authorize` while people sign in: the computation of a password's hash takes tens of milliseconds of a processor.

use crate::beside::{self, BUSY, PACED};
use crate::grpc::Target;
use crate::measure::started;
use crate::process::ACCOUNT;
use crate::report::Row;
use crate::world;
use anyhow::Result;
use bailiwick_api::signin::{SignInRequest, SignInResponse};
use std::path::Path;
use std::sync::Arc;

/// People that sign in at the same time.
const PEOPLE: usize = 64;
const PASSWORD: &str = "heron-In-7-reeds";

/// The 99th percentile and the median of `Authorize`'s times during sign-ins, against those without.
pub async fn all(server: &Path, folder: &Path, seconds: u32) -> Result<Vec<Row>> {
    let process = started(server, &folder.join("sign-in")).await?;
    let world = world::make(&process).await?;
    for number in 0..PEOPLE {
        let user = ("UserName", &*person(number as u64));
        world::iam(&process, "CreateUser", &[user]).await?;
        world::iam(&process, "CreateLoginProfile", &[user, ("Password", PASSWORD)]).await?;
    }
    let target = Target::<SignInRequest, SignInResponse> {
        process: &process,
        method: "/bailiwick.signin.v1.SignInService/SignIn",
        bearer: None,
        next: Arc::new(|number| SignInRequest {
            account: Some(ACCOUNT.into()),
            user_name: Some(person(number)),
            password: Some(PASSWORD.into()),
            ..Default::default()
        }),
        fine: |answer| answer.session.is_some(),
    };
    let people = target.workers(PEOPLE, 0).await?;
    let (times, people) = beside::measure(&process, &world, PACED, people, seconds).await?;
    let (busy, _) = beside::measure(&process, &world, BUSY, people, seconds).await?;
    Ok(vec![
        times.row("authorize while 64 sign in: 99th percentile", "sign-ins", 0.99).at_most(1.5),
        times.row("authorize while 64 sign in: median", "sign-ins", 0.5),
        busy.row("authorize, 64 in flight, while 64 sign in: 99th percentile", "sign-ins", 0.99).at_most(1.5),
        busy.row("authorize, 64 in flight, while 64 sign in: median", "sign-ins", 0.5),
    ])
}

fn person(number: u64) -> String {
    format!("person-{}", number % PEOPLE as u64)
}
