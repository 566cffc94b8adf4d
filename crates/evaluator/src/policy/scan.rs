//! Scanning one policy for statements that match.

use std::ops::ControlFlow;

use bailiwick_policy_lang::Effect;

use super::{Compiled, Policy};
use crate::action::ActionSet;
use crate::filter::Filter;
use crate::index::Statements;
use crate::prepared::PreparedRequest;
use crate::principal::PrincipalMatch;
use crate::statement::Statement;

impl Policy {
    /// Looks for a Deny that matches and, if wanted, for an Allow.
    pub(crate) fn scan(&self, subject: &PreparedRequest<'_>, want_allow: bool, steps: &mut u64) -> Scan {
        let mut found = Scan { deny: NOTHING, allow: NOTHING };
        if !self.filter.may_match(subject) {
            *steps += 1;
            return found;
        }
        let has_wanted = self.compiled.has_deny || want_allow && self.compiled.has_allow;
        if !has_wanted {
            return found;
        }
        if self.compiled.index.is_none() {
            return self.scan_filtered(subject, want_allow, steps);
        }
        let _ = self.candidates(subject, steps, |at, statement, steps| {
            let wanted = match statement.effect {
                Effect::Allow => want_allow && found.allow == NOTHING,
                Effect::Deny => !subject.without_denies,
            };
            if !wanted {
                return ControlFlow::Continue(());
            }
            if statement.names(subject, steps).is_empty() || !statement.fits(subject, steps) {
                return ControlFlow::Continue(());
            }
            if statement.effect == Effect::Deny {
                found.deny = at;
                return ControlFlow::Break(());
            }
            found.allow = at;
            if self.compiled.has_deny { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        found
    }

    /// [`Self::scan`] of a policy without index: the statements that filters leave, Denies first.
    fn scan_filtered(&self, subject: &PreparedRequest<'_>, want_allow: bool, steps: &mut u64) -> Scan {
        let open = self.filtered(subject, steps);
        let mut first = |mut open: u64| {
            while open != 0 {
                let at = open.trailing_zeros();
                open &= open - 1;
                let statement = &self.compiled.statements[at as usize];
                let matches = self.actions(statement).matches(subject, steps)
                    && !statement.names(subject, steps).is_empty()
                    && statement.fits(subject, steps);
                if matches {
                    return at;
                }
            }
            NOTHING
        };
        let deny = if subject.without_denies { NOTHING } else { first(open & self.compiled.denies) };
        let allow = if want_allow && deny == NOTHING { first(open & !self.compiled.denies) } else { NOTHING };
        Scan { deny, allow }
    }

    /// A bit for each statement that its filter leaves. The filters of all come first, so that what comes out of them
    /// is one number and not many branches.
    fn filtered(&self, subject: &PreparedRequest<'_>, steps: &mut u64) -> u64 {
        *steps += self.compiled.filters.len() as u64;
        let bits =
            (0u32..).zip(&self.compiled.filters).map(|(at, f)| u64::from(f.may_match(&subject.marks)) << (at & 63));
        bits.fold(0, |open, bit| open | bit)
    }

    /// Looks for a Deny that matches and for everything that the policy grants to the caller.
    pub(crate) fn scan_grants(&self, subject: &PreparedRequest<'_>, steps: &mut u64) -> Grants {
        let mut found = Grants::default();
        let _ = self.candidates(subject, steps, |at, statement, steps| {
            let deny = statement.effect == Effect::Deny;
            if deny && subject.without_denies {
                return ControlFlow::Continue(());
            }
            let named = statement.names(subject, steps);
            if named.is_empty() || !deny && found.named.has(named) || !statement.fits(subject, steps) {
                return ControlFlow::Continue(());
            }
            if deny {
                found.deny = Some(at);
                return ControlFlow::Break(());
            }
            found.add(named, at);
            ControlFlow::Continue(())
        });
        found
    }

    /// Visits the statements whose action matches, those aside that the index knows not to concern the request.
    fn candidates(
        &self,
        subject: &PreparedRequest<'_>,
        steps: &mut u64,
        mut visit: impl FnMut(u32, &Statement, &mut u64) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let statements = &*self.compiled.statements;
        let Some(index) = &self.compiled.index else {
            let mut open = self.filtered(subject, steps);
            while open != 0 {
                let at = open.trailing_zeros();
                open &= open - 1;
                let statement = &statements[at as usize];
                if self.actions(statement).matches(subject, steps) {
                    visit(at, statement, steps)?;
                }
            }
            return ControlFlow::Continue(());
        };
        index.candidates(&*self.compiled, subject, steps, visit)
    }
}

impl Statements for Compiled {
    fn count(&self) -> usize {
        self.statements.len()
    }

    fn filter(&self, at: u32) -> &Filter {
        &self.filters[at as usize]
    }

    fn statement(&self, at: u32) -> (&Statement, &ActionSet) {
        let statement = &self.statements[at as usize];
        (statement, &self.action_sets[statement.actions as usize])
    }

    fn action_set(&self, set: u32) -> &ActionSet {
        &self.action_sets[set as usize]
    }
}

/// The findings of one policy for a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan {
    // Small enough for a register: `NOTHING` where nothing was found.
    deny: u32,
    allow: u32,
}

const NOTHING: u32 = u32::MAX;

impl Scan {
    pub(crate) fn deny(self) -> Option<u32> {
        (self.deny != NOTHING).then_some(self.deny)
    }

    pub(crate) fn allow(self) -> Option<u32> {
        (self.allow != NOTHING).then_some(self.allow)
    }
}

/// The findings of a resource policy for a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Grants {
    pub(crate) deny: Option<u32>,
    /// As what it allows the caller.
    pub(crate) named: PrincipalMatch,
    /// The first statement that granted, for each way of naming.
    by: [u32; 8],
}

impl Grants {
    fn add(&mut self, named: PrincipalMatch, at: u32) {
        for (way, by) in PrincipalMatch::EACH.into_iter().zip(&mut self.by) {
            if named.has(way) && !self.named.has(way) {
                *by = at;
            }
        }
        self.named = self.named.and(named);
    }

    /// As if another statement granted too.
    pub(crate) fn suppose(&mut self, named: PrincipalMatch) {
        self.add(named, u32::MAX);
    }

    /// A statement that granted in one of these ways.
    pub(crate) fn statement(&self, ways: PrincipalMatch) -> Option<u32> {
        let mut each = PrincipalMatch::EACH.into_iter().zip(self.by);
        each.find(|(way, _)| self.named.has(*way) && ways.has(*way)).map(|(_, by)| by)
    }
}
