//! Compile AWS policies, decide a request, explain the decision.
//!
//! Deliberately knows nothing of where policies come from, of I/O, async, the clock or randomness: everything a
//! decision depends on is in the [`Request`] and the [`Policies`] handed over.
//!
//! Start reading at [`decide`], which is the order of a decision; then [`Policy`], which is how one policy is matched.

mod action;
mod arn;
mod base64;
mod compile;
mod condition;
mod context;
mod date;
mod decide;
mod decimal;
mod decision;
pub mod exceptions;
mod explain;
mod fold;
mod glob;
mod hash;
mod index;
#[cfg(feature = "jsonl")]
pub mod jsonl;
mod network;
mod pattern;
mod policies;
mod policy;
mod principal;
mod request;
mod resource;
mod statement;
mod subject;
mod table;
mod trie;

pub use context::{Context, ContextKey, ContextSource, ContextValue, GlobalKey, Moment};
pub use decide::{decide, decide_counting};
pub use decision::{Decision, DenialMessage, Outcome, StatementRef, Step};
pub use explain::{Actual, Explanation, Failure, Finding, Located, NearMiss, Suggestion, Verdict, explain};
pub use policies::Policies;
pub use policy::{Policy, StatementInfo};
pub use request::{CallerAccount, Entity, Principal, Request, ResourceAccount};

pub use bailiwick_policy_lang::{Effect, PolicyKind, Span};
