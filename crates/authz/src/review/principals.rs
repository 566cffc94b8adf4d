//! The principals of an account, in the order of the pages: the root user, users by name, roles by name.

use bailiwick_decision::Subject;
use bailiwick_model::{AccountId, IamError, Result};
use bailiwick_operation::{Cx, Principal};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{FoldedName as _, Noun, Page, Role, Tx, User};

use crate::bare_principal;

/// How many principals are read at once.
const BATCH: usize = 100;

/// Where a page begins: after a name in a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    section: Section,
    after: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Root,
    Users,
    Roles,
}

/// Principals in order.
pub(super) struct Batch {
    /// Each with the position after it.
    pub(super) subjects: Vec<(Subject, Position)>,
    /// The position after the last one; none at the end.
    pub(super) next: Option<Position>,
}

impl Position {
    /// The position before every principal.
    pub(super) const START: Self = Position { section: Section::Root, after: None };

    /// Reads the position in a marker.
    ///
    /// # Errors
    /// `ServiceFailure`: a marker that could be opened has a position.
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (section, after) = text.split_once('/').unwrap_or((text, ""));
        let section = match section {
            "user" => Section::Users,
            "role" => Section::Roles,
            _ => return Err(IamError::internal("a marker without a position")),
        };
        Ok(Position { section, after: Some(after.to_owned()).filter(|after| !after.is_empty()) })
    }

    /// The position as a marker has it.
    pub(super) fn text(&self) -> String {
        let section = match self.section {
            Section::Root => "root",
            Section::Users => "user",
            Section::Roles => "role",
        };
        format!("{section}/{}", self.after.as_deref().unwrap_or_default())
    }

    fn start_of(section: Section) -> Self {
        Position { section, after: None }
    }
}

/// Reads the principals after a position. One that the snapshot does not have was deleted meanwhile.
///
/// # Errors
/// `ServiceFailure`.
pub(super) async fn batch(cx: &Cx, tx: &Tx, snapshot: &Snapshot, at: &Position) -> Result<Batch> {
    let account = cx.account();
    match at.section {
        Section::Root => {
            let next = Position::start_of(Section::Users);
            let root = root(snapshot, account).map(|root| (root, next.clone()));
            Ok(Batch { subjects: root.into_iter().collect(), next: Some(next) })
        }
        Section::Users => {
            let page = tx.list::<User>(account, "/", at.after.as_deref(), BATCH).await?;
            read(cx, snapshot, &page, Section::Users, Some(Section::Roles))
        }
        Section::Roles => {
            let page = tx.list::<Role>(account, "/", at.after.as_deref(), BATCH).await?;
            read(cx, snapshot, &page, Section::Roles, None)
        }
    }
}

fn read<N: Noun>(
    cx: &Cx,
    snapshot: &Snapshot,
    page: &Page<N>,
    section: Section,
    following: Option<Section>,
) -> Result<Batch> {
    let mut subjects = Vec::with_capacity(page.items.len());
    for noun in &page.items {
        let Some(entity) = snapshot.entity(noun.id()) else { continue };
        let after = Position { section, after: Some(noun.name().folded()) };
        subjects.push((bare_principal::of_entity(cx, snapshot, entity)?, after));
    }
    let next = match &page.next {
        Some(after) => Some(Position { section, after: Some(after.clone()) }),
        None => following.map(Position::start_of),
    };
    Ok(Batch { subjects, next })
}

/// The root user of an account.
pub(super) fn root(snapshot: &Snapshot, account: AccountId) -> Option<Subject> {
    Subject::of_principal(&Principal::Root { account }, snapshot.partition())
}
