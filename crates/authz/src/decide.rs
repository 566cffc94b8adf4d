//! Decisions: `checks` decides Bailiwick's own operations; `authorize`, `batch` and `pass_role` decide for other
//! services.
//!
//! A question becomes a decision in these steps: `caller` proves the principal, `question` builds the request and the
//! policies, `disclosure` determines which policies the response may show, and `render` writes it.

pub(crate) mod administrators;
mod answer;
mod authorize;
mod batch;
pub(crate) mod caller;
pub(crate) mod check_keys;
mod check_record;
mod checks;
pub(crate) mod counts;
pub(crate) mod denial_message;
pub(crate) mod disclosure;
pub(crate) mod given_keys;
pub(crate) mod noted;
mod on_record;
pub(crate) mod own_password;
mod pass_role;
pub(crate) mod question;
mod question_keys;
pub(crate) mod render;
mod signing_name;
pub(crate) mod target;
#[cfg(test)]
mod tests;
mod uses;
