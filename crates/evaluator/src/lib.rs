//! Compile AWS policies, decide a request, explain the decision.
//!
//! Deliberately knows nothing of where policies come from, of I/O, async, the clock or randomness: everything a
//! decision depends on is in the [`Request`] and the [`Policies`] handed over.
//!
//! Start reading at [`decide`], which is the order of a decision; then [`Policy`], which is how one policy is matched.

mod context;
mod decision;
pub mod exceptions;
mod fold;
mod policies;
mod policy;
mod request;

pub use context::{Context, ContextKey, ContextSource, ContextValue, GlobalKey, Moment};
pub use decision::{Decision, DenialMessage, Outcome, StatementRef, Step};
pub use policies::Policies;
pub use policy::{Policy, StatementInfo};
pub use request::{CallerAccount, Entity, Principal, Request, ResourceAccount};

pub use bailiwick_policy_lang::{Effect, PolicyKind, Span};

/// Decides a request.
#[must_use]
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    let _ = (request, policies);
    Decision {
        outcome: Outcome::ImplicitDeny,
        step: Step::SameAccount,
        statement: None,
        lacking: Some(PolicyKind::Identity),
    }
}
