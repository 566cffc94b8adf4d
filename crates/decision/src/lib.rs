//! What a decision is made from: the proven caller and the compiled view of principals and policies.
//!
//! The crate deliberately does not know the records of a store, the messages of the API, nor any protocol, so that a
//! program without a store can decide as the server does.
//!
//! Start reading at [`Caller`].

mod caller;

pub use caller::{Caller, Credential, Principal, Session, SessionPolicyRef};
