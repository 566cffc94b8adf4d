//! What decisions are made from: the proven [`Caller`] and the compiled [`View`] of principals and policies.
//!
//! A [`ViewBuilder`] receives typed changes (users, groups, roles, policies, access keys, services, resources) and
//! publishes views. A view is immutable; the next one shares everything that did not change, so publishing costs the
//! same whatever its size. Each policy is compiled once, and its holders refer to it. What is missing or does not compile
//! denies everything to the principals that depend on it.
//!
//! The crate deliberately does not know the records of a store, the messages of the API, nor any protocol, and does not
//! verify credentials, so that a program without a store can decide as the server does. `snapshot` feeds the server's
//! view from its store.
//!
//! Start reading at [`ViewBuilder`] and [`View`], then [`EffectivePolicies`]; `tests/embedded.rs` builds a view without a
//! store and decides on it.

mod caller;
mod view;

pub use caller::{Caller, Credential, Principal, Session, SessionPolicyRef};
pub use view::{
    AccessKey, Account, EffectivePolicies, Entity, Group, Holder, ManagedPolicy, Resource, Role, Service, View,
    ViewBuilder, change,
};
