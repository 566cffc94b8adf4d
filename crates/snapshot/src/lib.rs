//! The in-memory view that decisions read: complete, compiled, and consistent at one revision.
//!
//! [`Snapshots`] follows the store's change log and publishes a [`Snapshot`] after each commit. A snapshot is
//! immutable; the next one shares everything that the commit did not change, so publishing costs the same whatever the
//! size of the store. Each policy is compiled once, and its holders refer to it.
//!
//! The crate deliberately does not write, does not decide, and knows neither the meaning of credentials nor any
//! protocol. It turns what it cannot read into a denial: a policy that does not compile, or a damaged row, denies
//! everything to the identities that depend on it, and a follower that cannot continue withdraws the snapshot.
//!
//! Start reading at [`Snapshot`], then [`Snapshots`]; `snapshot` is where changes are applied.

mod damage;
mod follow;
mod rows;
mod snapshot;
mod view;

pub use damage::Damage;
pub use follow::{SnapshotError, Snapshots};
pub use snapshot::Snapshot;
pub use view::{
    AccessKey, Account, EffectivePolicies, Entity, Group, Holder, ManagedPolicy, Resource, Role, Service, View,
    ViewBuilder, change,
};
