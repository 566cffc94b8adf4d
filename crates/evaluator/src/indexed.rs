//! Many attached policies with one index over all of their statements.

use std::fmt;
use std::ops::ControlFlow;

use bailiwick_policy_lang::Effect;

use crate::action::ActionSet;
use crate::filter::Filter;
use crate::index::{Index, Statements};
use crate::policy::Policy;
use crate::prepared::PreparedRequest;
use crate::statement::Statement;

/// Policies of one kind with one index over the statements of all, for a principal with many policies.
///
/// A decision on these costs what one on a single large policy costs: policies that do not concern the request are not
/// looked at. Building costs about as much as compiling the policies, and memory of some 100 bytes per statement.
pub struct IndexedPolicies {
    policies: Box<[Policy]>,
    /// Of each statement, in order.
    places: Box<[Place]>,
    filters: Box<[Filter]>,
    /// Of each action set: its policy, and its number there.
    sets: Box<[(u32, u32)]>,
    index: Index,
    has_deny: bool,
    has_allow: bool,
}

/// The place of a statement: its policy in the list, and its number in that policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) policy: u32,
    pub(crate) statement: u32,
}

/// The first statements that match a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FirstMatches {
    pub(crate) deny: Option<Place>,
    pub(crate) allow: Option<Place>,
}

impl IndexedPolicies {
    /// Builds the index over these policies, in this order.
    #[must_use]
    pub fn new(policies: impl IntoIterator<Item = Policy>) -> Self {
        let policies: Box<[Policy]> = policies.into_iter().collect();
        let (mut places, mut sets, mut filters) = (Vec::new(), Vec::new(), Vec::new());
        let (mut statements, mut action_sets) = (Vec::new(), Vec::new());
        for (number, policy) in (0u32..).zip(&policies) {
            let first_set = sets.len() as u32;
            filters.extend_from_slice(policy.filters());
            action_sets.extend(policy.action_sets());
            sets.extend((0u32..).zip(policy.action_sets()).map(|(set, _)| (number, set)));
            for (at, statement) in (0u32..).zip(policy.statements()) {
                places.push(Place { policy: number, statement: at });
                statements.push((statement, first_set + statement.actions));
            }
        }
        let index = Index::build(&statements, &action_sets);
        IndexedPolicies {
            has_deny: policies.iter().any(Policy::has_deny),
            has_allow: policies.iter().any(Policy::has_allow),
            places: places.into(),
            filters: filters.into(),
            sets: sets.into(),
            index,
            policies,
        }
    }

    /// The policies, in the order that they were given in.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.policies
    }

    /// Memory of the index on the heap, in bytes. That of the policies is not counted, because others share them.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of_val(&*self.policies)
            + size_of_val(&*self.places)
            + size_of_val(&*self.filters)
            + size_of_val(&*self.sets)
            + self.index.heap_bytes()
    }

    /// Looks for the first Deny that matches and, if wanted and nothing denies, for the first Allow.
    pub(crate) fn scan(&self, request: &PreparedRequest<'_>, want_allow: bool, steps: &mut u64) -> FirstMatches {
        let want_deny = self.has_deny && !request.without_denies;
        let (mut deny, mut allow) = (u32::MAX, u32::MAX);
        if !(want_deny || want_allow && self.has_allow) {
            return FirstMatches::default();
        }
        let _ = self.index.candidates(self, request, steps, |at, statement, steps| {
            let first = match statement.effect {
                Effect::Deny if want_deny => &mut deny,
                Effect::Allow if want_allow => &mut allow,
                _ => return ControlFlow::Continue(()),
            };
            if at < *first && !statement.names(request, steps).is_empty() && statement.fits(request, steps) {
                *first = at;
            }
            ControlFlow::Continue(())
        });
        FirstMatches { deny: self.places.get(deny as usize).copied(), allow: self.places.get(allow as usize).copied() }
    }
}

impl Statements for IndexedPolicies {
    fn count(&self) -> usize {
        self.places.len()
    }

    fn filter(&self, at: u32) -> &Filter {
        &self.filters[at as usize]
    }

    fn statement(&self, at: u32) -> (&Statement, &ActionSet) {
        let Place { policy, statement } = self.places[at as usize];
        let policy = &self.policies[policy as usize];
        let statement = &policy.statements()[statement as usize];
        (statement, policy.actions(statement))
    }

    fn action_set(&self, set: u32) -> &ActionSet {
        let (policy, set) = self.sets[set as usize];
        &self.policies[policy as usize].action_sets()[set as usize]
    }
}

impl fmt::Debug for IndexedPolicies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (policies, statements) = (self.policies.len(), self.places.len());
        f.debug_struct("IndexedPolicies").field("policies", &policies).field("statements", &statements).finish()
    }
}
