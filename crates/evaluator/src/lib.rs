#![doc = include_str!("../README.md")]
//!
//! # Reading the code
//!
//! The crate deliberately knows nothing of where policies come from, of I/O, async, the clock or randomness: everything
//! that a decision depends on is in the [`Request`] and the [`Policies`] handed over. Start at [`decide`], which is the
//! order of a decision; then [`Policy`], which is how one policy is matched; then the index behind it.

mod action;
mod arn;
mod bits;
mod budget;
mod bytes;
mod compile;
mod condition;
mod context;
mod decide;
mod decision;
pub mod exceptions;
mod explain;
mod filter;
mod fold;
#[doc(hidden)]
pub mod fuzz;
mod glob;
mod hash;
mod index;
mod indexed;
#[cfg(feature = "jsonl")]
pub mod jsonl;
mod pattern;
mod policies;
mod policy;
mod prepared;
mod principal;
mod request;
mod resource;
mod statement;
mod table;
mod trie;

pub use budget::Budget;
pub use context::{Context, ContextKey, ContextSource, ContextValue, GlobalKey, Moment};
pub use decide::{decide, decide_counting, decide_within};
pub use decision::{Decision, DenialMessage, Outcome, StatementRef, Step};
pub use explain::{
    Absent, AbsentReason, Actual, Expected, Explanation, Failure, Finding, Located, NearMiss, Suggestion, Variables,
    Verdict, explain, explain_within, trace, trace_within,
};
pub use indexed::IndexedPolicies;
pub use policies::Policies;
pub use policy::{Policy, StatementCondition, StatementElements, StatementInfo};
pub use request::{CallerAccount, Entity, Principal, Request, ResourceAccount};

// One dependency is enough: the parser, and the types of its documents and errors.
pub use bailiwick_model::AccountId;
pub use bailiwick_policy_lang::{
    self as policy_lang, Document, Effect, PolicyError, PolicyKind, Span, parse, parse_with,
};
