//! The view of the world that decisions read: everything they need, in memory, compiled, and never half of a change.
//!
//! [`Snapshots`] follows the store's change log and publishes a [`Snapshot`] after each commit. A snapshot never
//! changes; the next one shares everything with it but what the commit touched, so publishing costs the same in a
//! small world and in a large one. Policies are compiled once, and who holds one points at it.
//!
//! The crate deliberately does not write, does not decide and knows neither credentials' meaning nor any protocol.
//! What it cannot understand it turns into a denial: a policy that does not compile, or a row that is damaged, denies
//! everything to those who depend on it, and a follower that cannot go on leaves no snapshot to decide with.
//!
//! Start reading at [`Snapshot`], then [`Snapshots`]; `snapshot` is where changes are applied.

mod compile;
mod damage;
mod follow;
mod persistent_vec;

mod entities;
mod policies;
mod principal_map;
mod services;
mod shared;
mod snapshot;
mod trie;

pub use damage::Damage;
pub use entities::{AccessKey, Account, Entity, Group, Role};
pub use follow::{SnapshotError, Snapshots};
pub use policies::ManagedPolicy;
pub use services::{Resource, Service};
pub use snapshot::{EffectivePolicies, Holder, Snapshot};
