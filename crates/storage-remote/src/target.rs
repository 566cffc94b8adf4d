//! What a writer asks of a store on other machines.

use std::collections::HashMap;

use async_trait::async_trait;
use bailiwick_storage::{Revision, StoreError, StoreState};
use bytes::Bytes;

use crate::plan::Plan;

/// Writes to a store on other machines.
#[async_trait]
pub trait Target: Send + 'static {
    /// Connects, unless there is a connection.
    async fn connect(&mut self) -> Result<(), StoreError>;

    /// Reads rows and the state of the store. [`Target::finish`] writes nothing if they change before, or if they are not as
    /// they were assumed to be.
    async fn begin(&mut self, keys: &Keys) -> Result<Read, StoreError>;

    /// Writes the plan, or all of it fails; returns when it is durable. Ends what [`Target::begin`] began.
    async fn finish(&mut self, plan: &Plan) -> Result<(), Failure>;

    /// Drops the connection.
    fn disconnect(&mut self);
}

/// The keys of the rows that a group of batches is checked on.
#[derive(Debug, Default)]
pub struct Keys {
    /// Those that must be read.
    pub unknown: Vec<Bytes>,
    /// Those that a batch of the group creates. They must be read, or be taken for absent: then [`Target::finish`] writes nothing if
    /// one of them exists.
    pub absent: Vec<Bytes>,
    /// Those whose rows are known at a revision. They must be read as well if the store is not at this revision of the same history.
    pub known: Vec<Bytes>,
    /// That revision.
    pub at: Option<Revision>,
}

/// What [`Target::begin`] has read.
#[derive(Debug)]
pub struct Read {
    /// The rows that were read and exist, as they are stored.
    pub rows: HashMap<Bytes, Bytes>,
    /// The state of the store.
    pub state: StoreState,
    /// Whether the rows that were known are those of the store at its revision. Otherwise they were read.
    pub is_known: bool,
}

/// Why a plan is not known to be written.
#[derive(Debug)]
pub enum Failure {
    /// Nothing was written.
    Before(StoreError),
    /// It may have been written.
    Unknown(StoreError),
    /// Nothing was written, since another server wrote first.
    Again,
}
