//! What the backends have in common whose store is on other machines, where other servers write to it as well.
//!
//! A [`Backend`] reads and a [`Target`] writes; [`RemoteStore`] makes a store of them. One writer for each server takes all
//! waiting batches and checks them one after the other on the rows as they are then. A follower publishes what other servers
//! committed, and confirms that the store is current: without this, all subscriptions to the change log end after some time,
//! and so do reads, until the connection is confirmed again.
//!
//! The crate deliberately does not know any database, nor the content of rows.
//!
//! Start reading at [`RemoteStore`], then [`Writer`] and [`Trust`].

mod backend;
mod boot_instant;
mod cached_view;
mod changes;
mod entries;
mod generation;
mod job;
mod plan;
mod row_cache;
mod rows;
mod state;
mod store;
mod target;
mod trust;
mod views;
mod writer;

pub use backend::{Backend, Shared};
pub use boot_instant::BootInstant;
pub use entries::decode;
pub use generation::Generations;
pub use job::Job;
pub use plan::{Limits, Plan};
pub use rows::{end_of, start_of, versioned};
pub use state::open_state;
pub use store::{RemoteStore, SharedStore};
pub use target::{Failure, Keys, Read, Target};
pub use trust::{Follow, Trust};
pub use writer::{Writer, WriterOptions};
