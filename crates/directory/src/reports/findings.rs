//! ListFindings: what an administrator should look at, computed from the current state, a page at a time.
//!
//! A page ends when it is full, or when enough users, groups and roles were looked at. A marker names the last of them
//! that is done, and how many findings of the next one were on earlier pages.

mod account;
mod criteria;
mod policies;
mod role;
#[cfg(test)]
mod tests;
mod user;

use bailiwick_api::{account as pb, op};
use bailiwick_model::Result;
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{FoldedName as _, Group, Identity, IdentityNoun, Page, Role, Tx, User};

use self::criteria::Criteria;
use crate::Directory;
use crate::address::IdentityRecord;

/// The maximum number of users, groups and roles that one page looks at.
const MAX_EXAMINED: usize = 200;
/// How many of them are read at once.
const CHUNK: usize = 50;

/// What a page looks at, in order.
const SECTIONS: [Section; 4] = [Section::Account, Section::Users, Section::Groups, Section::Roles];

#[derive(Clone, Copy)]
enum Section {
    Account,
    Users,
    Groups,
    Roles,
}

/// Lists the findings of the caller's account.
///
/// # Errors
/// `ValidationError` for a marker of another request, and for a kind or severity that does not exist.
impl Handle<op::ListFindings> for Directory {
    type Plan = (Criteria, PageRequest);

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListFindingsRequest) -> Result<Planned<Self::Plan>> {
        let check = Check::without_resource("bailiwick:ListFindings", cx.account());
        let page = PageRequest::new(req.marker.clone(), req.max_items);
        Ok(Planned::new((Criteria::new(cx, &req)?, page)).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (criteria, page): Self::Plan) -> Result<pb::ListFindingsResponse> {
        let pages = page.open(cx, "ListFindings")?;
        let mut position = pages.after().map_or_else(Position::default, Position::read);
        let mut findings = Vec::new();
        let next = collect(cx, tx, &criteria, &mut position, pages.limit(), &mut findings).await?;
        let page = pages.answer(Page { items: findings, next: next.then(|| position.text()) })?;
        Ok(pb::ListFindingsResponse {
            findings: page.items,
            is_truncated: page.is_truncated.unwrap_or_default(),
            marker: page.marker,
        })
    }
}

/// Where a page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Position {
    /// The index of the section.
    section: usize,
    /// The last user, group or role whose findings were all returned.
    done: Option<String>,
    /// The number of findings of the next one that were returned.
    returned: usize,
}

impl Position {
    fn text(&self) -> String {
        format!("{}/{}/{}", self.section, self.returned, self.done.as_deref().unwrap_or_default())
    }

    /// Reads a position that [`Self::text`] wrote; markers are sealed.
    fn read(text: &str) -> Self {
        let mut parts = text.splitn(3, '/');
        let mut number = || parts.next().and_then(|part| part.parse().ok()).unwrap_or_default();
        let (section, returned) = (number(), number());
        Position { section, done: parts.next().filter(|name| !name.is_empty()).map(str::to_owned), returned }
    }
}

/// Collects findings until the page is full or everything was looked at; returns whether there may be more.
async fn collect(
    cx: &Cx,
    tx: &mut Tx,
    criteria: &Criteria,
    position: &mut Position,
    limit: usize,
    findings: &mut Vec<pb::Finding>,
) -> Result<bool> {
    let mut examined = 0;
    while let Some(section) = SECTIONS.get(position.section) {
        let chunk = section.load(cx, tx, position.done.as_deref()).await?;
        for item in &chunk.items {
            if examined == MAX_EXAMINED || findings.len() == limit {
                return Ok(true);
            }
            examined += 1;
            let mut found = item.examine(cx, tx, criteria).await?;
            found.retain(|finding| criteria.wants(finding));
            let left = limit - findings.len();
            let rest = found.len().saturating_sub(position.returned);
            findings.extend(found.into_iter().skip(position.returned).take(left));
            if rest > left {
                position.returned += left;
                return Ok(true);
            }
            (position.done, position.returned) = (item.name(), 0);
        }
        if !chunk.has_more {
            *position = Position { section: position.section + 1, ..Position::default() };
        }
    }
    Ok(false)
}

/// Some of what a section looks at.
struct Chunk {
    items: Vec<Item>,
    has_more: bool,
}

enum Item {
    Account,
    User(Box<User>),
    Group(Box<Group>),
    Role(Box<Role>),
}

impl Section {
    async fn load(self, cx: &Cx, tx: &Tx, after: Option<&str>) -> Result<Chunk> {
        match self {
            Section::Account => Ok(Chunk { items: vec![Item::Account], has_more: false }),
            Section::Users => chunk(cx, tx, after, |user| Item::User(Box::new(user))).await,
            Section::Groups => chunk(cx, tx, after, |group| Item::Group(Box::new(group))).await,
            Section::Roles => chunk(cx, tx, after, |role| Item::Role(Box::new(role))).await,
        }
    }
}

async fn chunk<N: IdentityNoun>(cx: &Cx, tx: &Tx, after: Option<&str>, item: fn(N) -> Item) -> Result<Chunk> {
    let page = tx.list::<N>(cx.account(), "/", after, CHUNK).await?;
    Ok(Chunk { has_more: page.next.is_some(), items: page.items.into_iter().map(item).collect() })
}

impl Item {
    /// The name after which a list continues.
    fn name(&self) -> Option<String> {
        match self {
            Item::Account => None,
            Item::User(user) => Some(user.name.folded()),
            Item::Group(group) => Some(group.name.folded()),
            Item::Role(role) => Some(role.name.folded()),
        }
    }

    async fn examine(&self, cx: &Cx, tx: &mut Tx, criteria: &Criteria) -> Result<Vec<pb::Finding>> {
        match self {
            Item::Account => account::examine(cx, tx).await,
            Item::User(user) => user::examine(cx, tx, criteria, user).await,
            Item::Group(group) => {
                let arn = group.arn(cx.partition());
                policies::administrators(cx, tx, &Identity::from(&**group), arn.as_str()).await
            }
            Item::Role(role) => role::examine(cx, tx, criteria, role).await,
        }
    }
}
