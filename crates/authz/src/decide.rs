//! Decisions: `checks` decides Bailiwick's own operations; `authorize`, `batch` and `pass_role` decide for other
//! services.
//!
//! `caller` says who is asked about and how that is proven, `question` how a request becomes one for the evaluator,
//! `disclosure` which policies an answer may mention, `render` how it is written.

pub(crate) mod administrators;
mod authorize;
mod batch;
pub(crate) mod caller;
mod check_keys;
mod checks;
pub(crate) mod counts;
pub(crate) mod disclosure;
pub(crate) mod given_keys;
mod pass_role;
pub(crate) mod question;
mod question_keys;
pub(crate) mod render;
mod signing_name;
pub(crate) mod target;
#[cfg(test)]
mod tests;
