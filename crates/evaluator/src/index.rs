//! An index over statements, of one policy or of many: finds those that can concern a request.
//!
//! Each statement is stored under one kind of key, the one that it shares with the fewest statements: its actions, its
//! resources or its principals. Statements with the same actions are so distinguished by their resources, and the
//! reverse.

use std::ops::ControlFlow;

use crate::action::{ActionKey, ActionSet};
use crate::budget::is_spent;
use crate::compile::Map;
use crate::filter::Filter;
use crate::hash;
use crate::prepared::PreparedRequest;
use crate::principal;
use crate::resource::{Finder, ResourceKey};
use crate::statement::{PrincipalScope, Statement};
use crate::table::Table;
use crate::trie::Trie;

/// Statements by number, as an index refers to them.
pub(crate) trait Statements {
    /// The number of statements.
    fn count(&self) -> usize;
    /// A statement's filter.
    fn filter(&self, at: u32) -> &Filter;
    /// A statement and its actions.
    fn statement(&self, at: u32) -> (&Statement, &ActionSet);
    /// A set of actions, by the number that the index knows it by.
    fn action_set(&self, set: u32) -> &ActionSet;
}

/// An index over numbered statements.
#[derive(Default)]
pub(crate) struct Index {
    /// Statements without a key.
    always: Box<[u32]>,
    /// Action sets, by whole action and by what an action begins with.
    exact: Table,
    heads: Trie,
    /// Of each action set, the statements that are found by it: a range of `members`.
    sets: Box<[(u32, u32)]>,
    members: Box<[u32]>,
    resources: Finder,
    principals: Table,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Always,
    Action,
    Resource,
    Principal,
}

impl Index {
    /// Builds an index over statements, each with the number of its action set.
    pub(crate) fn build(statements: &[(&Statement, u32)], sets: &[&ActionSet]) -> Self {
        let places = choose(statements, sets);
        let of = |place: Place| {
            let numbered = statements.iter().zip(0u32..).zip(&places);
            numbered.filter(move |(_, own)| **own == place).map(|((statement, at), _)| (statement.0, statement.1, at))
        };

        let mut by_set: Vec<(u32, u32)> = of(Place::Action).map(|(_, set, at)| (set, at)).collect();
        by_set.sort_unstable();
        let mut ranges = vec![(0, 0); sets.len()];
        for (at, (set, _)) in (0u32..).zip(&by_set) {
            let range = &mut ranges[*set as usize];
            if range.1 == 0 {
                range.0 = at;
            }
            range.1 += 1;
        }
        let (mut exact, mut heads) = (Vec::new(), Vec::new());
        for (set, at) in sets.iter().zip(0u32..).filter(|(_, at)| ranges[*at as usize].1 > 0) {
            for key in set.keys().unwrap_or_default() {
                match key {
                    ActionKey::Exact(hash) => exact.push((hash, at)),
                    ActionKey::Head(head) => heads.push((head, at)),
                }
            }
        }
        let resources = of(Place::Resource).flat_map(|(statement, _, at)| {
            let keys = statement.resources.as_ref().and_then(|set| set.keys()).unwrap_or_default();
            keys.into_iter().map(move |key| (key, at))
        });
        let principals = of(Place::Principal).flat_map(|(statement, _, at)| {
            principal_keys(statement).unwrap_or_default().into_iter().map(move |key| (key, at))
        });
        Self {
            always: of(Place::Always).map(|(_, _, at)| at).collect(),
            exact: Table::build(exact),
            heads: Trie::build(heads),
            sets: ranges.into(),
            members: by_set.into_iter().map(|(_, at)| at).collect(),
            resources: Finder::build(resources),
            principals: Table::build(principals.collect()),
        }
    }

    /// Visits the statements whose action matches, except those that the index knows not to concern the request.
    pub(crate) fn candidates(
        &self,
        statements: &impl Statements,
        subject: &PreparedRequest<'_>,
        steps: &mut u64,
        mut visit: impl FnMut(u32, &Statement, &mut u64) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let most = 2 * statements.count();
        let (mut last, mut looks) = (u32::MAX, 0);
        let ended = self.visit(statements, subject, steps, |at, action_matches, steps| {
            *steps += 1;
            looks += 1;
            if looks > most || is_spent(*steps) {
                return ControlFlow::Break(());
            }
            let again = std::mem::replace(&mut last, at) == at;
            if again || !statements.filter(at).may_match(&subject.marks) {
                return ControlFlow::Continue(());
            }
            let (statement, actions) = statements.statement(at);
            if action_matches || actions.matches(subject, steps) {
                visit(at, statement, steps)
            } else {
                ControlFlow::Continue(())
            }
        });
        if looks <= most || is_spent(*steps) {
            return ended;
        }
        // The index finds the same statements again and again: to look at each of them once costs less.
        for at in 0..statements.count() as u32 {
            *steps += 1;
            if !statements.filter(at).may_match(&subject.marks) {
                continue;
            }
            let (statement, actions) = statements.statement(at);
            if actions.matches(subject, steps) {
                visit(at, statement, steps)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Visits every statement that can concern the request; some others too, and some twice. The flag says that the
    /// action is known to match.
    fn visit(
        &self,
        statements: &impl Statements,
        subject: &PreparedRequest<'_>,
        steps: &mut u64,
        mut visit: impl FnMut(u32, bool, &mut u64) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for at in &self.always {
            visit(*at, false, steps)?;
        }
        let of_set = |set: u32, steps: &mut u64, visit: &mut dyn FnMut(u32, bool, &mut u64) -> ControlFlow<()>| {
            if !statements.action_set(set).matches(subject, steps) {
                return ControlFlow::Continue(());
            }
            let (from, count) = self.sets[set as usize];
            self.members[from as usize..(from + count) as usize].iter().try_for_each(|at| visit(*at, true, steps))
        };
        for set in self.exact.get(subject.action_hash) {
            of_set(*set, steps, &mut visit)?;
        }
        self.heads.walk(subject.action, steps, |found, steps| {
            found.iter().try_for_each(|set| of_set(*set, steps, &mut visit))
        })?;
        if !subject.without_resource() {
            self.resources.find(subject.request.resource.as_bytes(), steps, |found, steps| {
                found.iter().try_for_each(|at| visit(*at, false, steps))
            })?;
        }
        if !self.principals.is_empty() {
            for key in principal::caller_keys(&subject.request.principal) {
                for at in self.principals.get(key) {
                    visit(*at, false, steps)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.always)
            + self.exact.heap_bytes()
            + self.heads.heap_bytes()
            + size_of_val(&*self.sets)
            + size_of_val(&*self.members)
            + self.resources.heap_bytes()
            + self.principals.heap_bytes()
    }
}

/// For each statement the kind of key that it shares with the fewest others.
fn choose(statements: &[(&Statement, u32)], sets: &[&ActionSet]) -> Vec<Place> {
    let mut uses = vec![0u32; sets.len()];
    for (_, set) in statements {
        uses[*set as usize] += 1;
    }
    let mut actions: Map<u64, u32> = Map::default();
    let mut resources: Map<ResourceKey<'_>, u32> = Map::default();
    let mut principals: Map<u64, u32> = Map::default();
    let of_set: Vec<Option<Vec<u64>>> = sets.iter().map(|set| action_keys(set)).collect();
    for (keys, uses) in of_set.iter().zip(&uses) {
        for key in keys.iter().flatten() {
            *actions.entry(*key).or_default() += uses;
        }
    }
    for (statement, _) in statements {
        for key in statement.resources.iter().filter_map(|set| set.keys()).flatten() {
            *resources.entry(key).or_default() += 1;
        }
        for key in principal_keys(statement).into_iter().flatten() {
            *principals.entry(key).or_default() += 1;
        }
    }
    let place = |(statement, set): &(&Statement, u32)| {
        let most = |loads: &mut dyn Iterator<Item = Option<&u32>>| loads.flatten().copied().max().unwrap_or(0);
        let by_action = of_set[*set as usize].as_ref().map(|keys| most(&mut keys.iter().map(|key| actions.get(key))));
        let by_resource = statement.resources.as_ref().and_then(|set| set.keys());
        let by_resource = by_resource.map(|keys| most(&mut keys.iter().map(|key| resources.get(key))));
        let by_principal = principal_keys(statement).map(|keys| most(&mut keys.iter().map(|key| principals.get(key))));
        let choices = [(by_action, Place::Action), (by_resource, Place::Resource), (by_principal, Place::Principal)];
        let best = choices.into_iter().filter_map(|(load, place)| Some((load?, place))).min_by_key(|(load, _)| *load);
        best.map_or(Place::Always, |(_, place)| place)
    };
    statements.iter().map(place).collect()
}

fn action_keys(set: &ActionSet) -> Option<Vec<u64>> {
    let number = |key: ActionKey<'_>| match key {
        ActionKey::Exact(hash) => hash,
        // Distinct from a whole action of the same text.
        ActionKey::Head(head) => !hash::of(head),
    };
    Some(set.keys()?.into_iter().map(number).collect())
}

fn principal_keys(statement: &Statement) -> Option<Vec<u64>> {
    match &statement.principals {
        PrincipalScope::Listed(principals) => principals.keys(),
        PrincipalScope::Empty => Some(Vec::new()),
        PrincipalScope::Attached => None,
    }
}
