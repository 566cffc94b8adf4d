//! Users: the list, and (soon) each of them.

use bailiwick_api::iam::ListUsersRequest;
use bailiwick_api::op;

use crate::person::{Page, Person};
use crate::view::{Cell, ListPage, Problem};

/// Answers `/console/users/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    match rest {
        "" => list(person).await,
        _ => crate::pages::missing(person),
    }
}

async fn list(person: &Person<'_>) -> Page {
    let query = person.query().typed("q");
    let asked = ListUsersRequest {
        path_prefix: Some(query.clone()).filter(|query| query.starts_with('/')),
        marker: person.query().text("marker"),
        max_items: Some(100),
    };
    let listed = person.call::<op::ListUsers>(asked).await.map_err(|error| Problem::new(&error));
    let marker = listed.as_ref().ok().and_then(|listed| listed.marker.clone());
    let rows = listed.map(|listed| {
        let row = |user: bailiwick_api::iam::User| {
            let name = user.user_name.unwrap_or_default();
            vec![
                Cell::link("users/user", "name", &name, &name),
                Cell::text(user.path),
                Cell::Time(person.moment(user.password_last_used.as_ref())),
                Cell::Time(person.moment(user.create_date.as_ref())),
            ]
        };
        listed.users.into_iter().map(row).collect()
    });
    let table = person.table("Users", &["User", "Path", "Password last used", "Created"], "No user yet.").rows(rows);
    person.page(&ListPage {
        chrome: person.chrome("Users"),
        about: "People and programs with credentials of their own.",
        create: None,
        search_label: "Path",
        search_hint: "The beginning of a path, such as /teams/.",
        query,
        table,
        pager: person.pager("users", &["q"], marker.as_deref()),
    })
}
