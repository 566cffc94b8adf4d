//! What Bailiwick keeps, and how a change to it becomes one durable commit.
//!
//! [`Store`] is the contract of a backend: a small ordered key space with revisions, compare-and-commit batches and a
//! change log. [`Tx`] is what everybody else uses: a consistent view with one's own writes on top, that knows users,
//! groups, roles, policies, access keys, accounts, registered services and what is kept of their resources, their
//! names, indexes and quotas, and that commits only if what it read still holds.
//!
//! [`Authenticator`] makes and checks what backends store, and [`StoreState`] knows which rows there must be: what
//! something other than Bailiwick has changed is found, not obeyed.
//!
//! The crate deliberately does not know the messages of the API, protocols, who is asking and whether they may, or
//! the clock and randomness: times and ids are brought by the caller. It does not know what sealed bytes hold.
//!
//! Start reading at [`Tx`]; `keys` says where everything lies, `proto/` what a record holds.

mod access_key;
mod account;
mod attachment;
mod authenticator;
mod batch;
mod change;
mod check;
mod codec;
mod error;
mod feed;
mod group;
mod identity;
mod inline;
pub mod keys;
mod lifecycle;
mod memory;
mod noun;
mod outbox;
mod policy;
mod reference;
mod resource;
mod revision;
mod role;
mod service;
mod settings;
mod standing;
mod store;
mod store_state;
mod tx;
mod user;

pub use access_key::{AccessKey, AccessKeyLastUsed, KeyOwner};
pub use account::{Account, AccountState};
pub use attachment::{Holder, HolderFilter};
pub use authenticator::{Authenticator, OpenedRow};
pub use batch::{Add, Batch, Expect, MAX_KEY, MAX_VALUE, Versioned, counter_value};
pub use change::{Change, ChangeSet, Changes};
pub use check::{Findings, check};
pub use codec::{FORMAT, Record};
pub use error::{Cause, StoreError};
pub use feed::{Feed, newer_than};
pub use group::Group;
pub use identity::Identity;
pub use inline::InlinePolicy;
pub use lifecycle::IdentityNoun;
pub use memory::MemoryStore;
pub use noun::{FoldedName, Noun};
pub use outbox::OutboxRow;
pub use policy::{Policy, PolicyVersion, Usage};
pub use reference::{IdentityKind, PolicyRef};
pub use resource::{Resource, ResourcePolicy};
pub use revision::Revision;
pub use role::{Role, RoleLastUsed, TrustPolicy};
pub use service::{Service, ServiceActor};
pub use settings::Meta;
pub use standing::Standing;
pub use store::{At, Entry, Health, Inspected, Scan, Store, View};
pub use store_state::{RowSetDigest, StoreState, Tally};
pub use tx::{CommitError, Page, Tx};
pub use user::User;
