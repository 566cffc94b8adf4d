//! What an evaluation of a denial is made of.

use bailiwick_decision::ResolvedSubject;
use bailiwick_evaluator::{Policies, Request};
use bailiwick_model::{AccountId, UniqueId};

use crate::decide::disclosure::Disclosure;

/// One evaluation, and what it was made of.
pub(super) struct Evaluated<'a, 'p, 's> {
    pub(super) request: &'a Request<'p>,
    pub(super) applied: &'a Policies<'p>,
    pub(super) resolved: &'a ResolvedSubject<'s>,
    pub(super) target: &'a Target<'a>,
    /// What the account of the principal may see.
    pub(super) disclosure: Disclosure,
    pub(super) is_denial: bool,
}

/// What is decided, and what the policies do not have.
pub(super) struct Target<'a> {
    pub(super) action: &'a str,
    pub(super) resource: &'a str,
    /// The account that owns the resource.
    pub(super) account: Option<AccountId>,
    /// The context keys of this evaluation alone that may be shown.
    pub(super) keys: Vec<&'a str>,
    /// The role whose trust policy takes part, with its account.
    pub(super) trust: Option<(AccountId, UniqueId)>,
    /// The policy that an asking service gave.
    pub(super) given_policy: Option<&'a str>,
}
