//! The identity of a server among several on one store.

/// A server among those that use a store at the same time; random, and kept in its data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerId(pub [u8; 16]);
