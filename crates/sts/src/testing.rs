//! Test environment of the handlers: `bailiwick_testing::World` at a time with a fraction of a second.

use bailiwick_model::{Path, Tags};
use bailiwick_storage::Role;
pub(crate) use bailiwick_testing::{MAIN, SUSPENDED, World, account, refusal, root, sealer, session, time, user};
use jiff::Timestamp;

pub(crate) fn now() -> Timestamp {
    time("12:00:00.25")
}

pub(crate) async fn world() -> World {
    let world = World::new().await;
    world.clock.set(now());
    world
}

/// Stores a role without policies.
pub(crate) async fn role(world: &World, of: &str, path: &str, name: &str, max_session_seconds: u32) -> Role {
    let change = |role: &mut Role| {
        role.path = Path::parse(path).unwrap();
        role.tags = Tags::parse([("team", "reeds")]).unwrap();
        role.max_session_seconds = max_session_seconds;
    };
    world.role_with(of, name, "{}", "", change).await
}
