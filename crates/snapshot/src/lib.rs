//! The view that decisions read, fed from the store: complete, and consistent at one revision.
//!
//! [`Snapshots`] follows the store's change log, decodes the rows into the typed changes of `bailiwick-decision`'s view,
//! and publishes a [`Snapshot`] after each commit: the view at that revision.
//!
//! The crate deliberately does not write, does not decide, and knows neither the meaning of credentials nor any
//! protocol. It turns what it cannot read into a denial: a damaged row denies everything to the identities that depend
//! on it, and a follower that cannot continue withdraws the snapshot.
//!
//! Start reading at [`Snapshot`], then [`Snapshots`]; `rows` is where rows become changes.

mod damage;
mod follow;
mod rows;
mod snapshot;

pub use bailiwick_decision::{AccessKey, EffectivePolicies, Entity, Holder, ManagedPolicy, Resource};

pub use damage::Damage;
pub use follow::{SnapshotError, Snapshots};
pub use snapshot::Snapshot;
