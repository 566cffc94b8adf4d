//! What a [`ViewBuilder`](crate::ViewBuilder) receives: the principals, policies, services and resources of a view, as
//! values of the model and texts of documents.

use bailiwick_model::{AccountId, GroupName, Path, PolicyName, PolicyRef, RoleName, Tags, UniqueId, UserName};
use jiff::Timestamp;

/// A policy document with principals, in its two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// The document as it was written. Explanations quote it.
    pub text: String,
    /// The document with the users and roles that it names bound to their unique ids. Decisions use this form.
    pub bound: String,
}

impl From<&str> for Document {
    /// Returns a document whose written form is its bound form.
    fn from(text: &str) -> Self {
        Document { text: text.into(), bound: text.into() }
    }
}

/// A user.
#[derive(Clone, Debug)]
pub struct User {
    /// The account that the user is in.
    pub account: AccountId,
    /// The unique id, `AIDA…`.
    pub id: UniqueId,
    /// The name.
    pub name: UserName,
    /// The path.
    pub path: Path,
    /// The tags.
    pub tags: Tags,
    /// The permissions boundary.
    pub boundary: Option<PolicyRef>,
    /// Sessions issued before this time are revoked.
    pub sessions_valid_after: Option<Timestamp>,
}

impl User {
    /// Returns a user with the path `/`, without tags and permissions boundary.
    pub fn new(account: AccountId, id: UniqueId, name: UserName) -> Self {
        User { account, id, name, path: Path::root(), tags: Tags::new(), boundary: None, sessions_valid_after: None }
    }
}

/// A role.
#[derive(Clone, Debug)]
pub struct Role {
    /// The account that the role is in.
    pub account: AccountId,
    /// The unique id, `AROA…`.
    pub id: UniqueId,
    /// The name.
    pub name: RoleName,
    /// The path.
    pub path: Path,
    /// The tags.
    pub tags: Tags,
    /// The permissions boundary.
    pub boundary: Option<PolicyRef>,
    /// Sessions issued before this time are revoked.
    pub sessions_valid_after: Option<Timestamp>,
    /// The trust policy: which principals can assume the role.
    pub trust: Document,
    /// The maximum session duration, in seconds.
    pub max_session_seconds: u32,
    /// The service that the role is linked to, as in `elasticbeanstalk.amazonaws.com`.
    pub linked_service: Option<String>,
}

impl Role {
    /// Returns a role with sessions of at most an hour and the path `/`, without tags and permissions boundary.
    pub fn new(account: AccountId, id: UniqueId, name: RoleName, trust: Document) -> Self {
        Role {
            account,
            id,
            name,
            path: Path::root(),
            tags: Tags::new(),
            boundary: None,
            sessions_valid_after: None,
            trust,
            max_session_seconds: 3_600,
            linked_service: None,
        }
    }
}

/// A group.
#[derive(Clone, Debug)]
pub struct Group {
    /// The account that the group is in.
    pub account: AccountId,
    /// The unique id, `AGPA…`.
    pub id: UniqueId,
    /// The name.
    pub name: GroupName,
    /// The path.
    pub path: Path,
}

/// A managed policy. Its documents are set by version.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    /// The owner and unique id, `ANPA…`.
    pub reference: PolicyRef,
    /// The name.
    pub name: PolicyName,
    /// The path.
    pub path: Path,
    /// The tags.
    pub tags: Tags,
    /// The number of the version that decisions use.
    pub default_version: u32,
}

/// A registered service.
#[derive(Clone, Debug)]
pub struct Service {
    /// The prefix of the actions, in lower case.
    pub prefix: String,
    /// Its actions, resource types and condition keys, as a catalogue file.
    pub definition: String,
    /// The names of the service principals, each unique in the view.
    pub principals: Vec<String>,
    /// The users and roles that can act as the service.
    pub actors: Vec<UniqueId>,
}

/// A resource of another service.
#[derive(Clone, Debug)]
pub struct Resource {
    /// The account that owns it.
    pub account: AccountId,
    /// Its ARN. It is case-sensitive.
    pub arn: String,
    /// Its policy.
    pub policy: Option<Document>,
    /// Its tags.
    pub tags: Tags,
}
