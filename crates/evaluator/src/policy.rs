//! One policy, compiled.

use std::ops::ControlFlow;
use std::sync::Arc;

use bailiwick_policy_lang::{Document, Effect, PolicyKind, Span};

use crate::action::ActionSet;
use crate::compile::{Interner, Map};
use crate::context::ContextKey;
use crate::filter::Filter;
use crate::index::Index;
use crate::principal::Named;
use crate::statement::Statement;
use crate::subject::Subject;

/// A compiled policy: immutable, shared by cloning the handle.
#[derive(Clone)]
pub struct Policy(Arc<Compiled>);

struct Compiled {
    kind: PolicyKind,
    name: Option<Box<str>>,
    statements: Box<[Statement]>,
    /// Of each statement.
    filters: Box<[Filter]>,
    action_sets: Box<[ActionSet]>,
    has_deny: bool,
    has_allow: bool,
    /// Of a policy without index: a bit for each Deny.
    denies: u64,
    /// None where looking at every statement costs less.
    index: Option<Index>,
    heap_bytes: usize,
}

/// What is known of a statement besides how it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementInfo<'a> {
    /// The statement's Sid.
    pub sid: Option<&'a str>,
    /// What it does.
    pub effect: Effect,
    /// Where it stands in the document's text.
    pub span: Span,
}

/// With more statements than this, an index costs less than their filters. At most 64, the bits of a number.
const FILTERED: usize = 14;

/// A bit for each Deny among the first 64 statements.
fn denies(statements: &[Statement]) -> u64 {
    let deny = |statement: &Statement| u64::from(statement.effect == Effect::Deny);
    statements.iter().take(64).zip(0..).fold(0, |bits, (statement, at)| bits | deny(statement) << at)
}

/// Whether filters alone find the statements that matter: they are few, and hardly any are alike.
fn tell_apart(filters: &[Filter]) -> bool {
    let alike = |filter: &Filter| filters.iter().filter(|other| *other == filter).count();
    filters.len() <= 3 || filters.len() <= FILTERED && filters.iter().all(|filter| alike(filter) <= 2)
}

impl Policy {
    /// Compiles a document. What a document may hold is the parser's matter; whatever slips through matches nothing.
    #[must_use]
    pub fn compile(document: &Document, kind: PolicyKind) -> Self {
        Self::compile_named(document, kind, None)
    }

    /// Compiles a document under a name (an ARN, or an inline policy's name) that explanations call it by.
    #[must_use]
    pub fn compile_named(document: &Document, kind: PolicyKind, name: Option<&str>) -> Self {
        let mut interner = Interner::default();
        let variables = document.version.has_variables();
        let mut action_sets: Vec<ActionSet> = Vec::new();
        let mut known: Map<(bool, Vec<&str>), u32> = Map::default();
        let mut statements = Vec::with_capacity(document.statements.len());
        let (mut filters, mut of_set) = (Vec::with_capacity(document.statements.len()), Vec::new());
        for statement in &document.statements {
            let list = statement.action.patterns.iter().map(|text| &*text.value).collect();
            let set = *known.entry((statement.action.negated, list)).or_insert_with(|| {
                let actions = ActionSet::compile(&statement.action, &mut interner);
                of_set.push(Filter::of_actions(&actions));
                action_sets.push(actions);
                action_sets.len() as u32 - 1
            });
            let statement = Statement::compile(statement, kind, variables, set, &mut interner);
            filters.push(of_set[set as usize].and_resources(statement.resources.as_ref()));
            statements.push(statement);
        }
        let index = (!tell_apart(&filters)).then(|| Index::build(&statements, &action_sets));
        let heap_bytes = size_of::<Compiled>()
            + name.map_or(0, str::len)
            + size_of_val(&*filters)
            + interner.heap_bytes()
            + statements.iter().map(|s| size_of::<Statement>() + s.heap_bytes()).sum::<usize>()
            + action_sets.iter().map(|a| size_of::<ActionSet>() + a.heap_bytes()).sum::<usize>()
            + index.as_ref().map_or(0, Index::heap_bytes);
        let has = |effect| statements.iter().any(|s: &Statement| s.effect == effect);
        Self(Arc::new(Compiled {
            kind,
            name: name.map(Into::into),
            has_deny: has(Effect::Deny),
            denies: denies(&statements),
            has_allow: has(Effect::Allow),
            statements: statements.into(),
            filters: filters.into(),
            action_sets: action_sets.into(),
            index,
            heap_bytes,
        }))
    }

    /// What it was compiled as.
    #[must_use]
    pub fn kind(&self) -> PolicyKind {
        self.0.kind
    }

    /// The name it was compiled under.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// How many statements it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.statements.len()
    }

    /// Whether it has no statement.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.statements.is_empty()
    }

    /// Sid, effect and place of a statement.
    #[must_use]
    pub fn statement(&self, index: usize) -> Option<StatementInfo<'_>> {
        let statement = self.0.statements.get(index)?;
        Some(StatementInfo { sid: statement.sid.as_deref(), effect: statement.effect, span: statement.span })
    }

    /// The context keys that its conditions and variables ask for, each once, in order.
    #[must_use]
    pub fn context_keys(&self) -> Vec<&ContextKey> {
        let mut keys: Vec<&ContextKey> = Vec::new();
        for statement in &self.0.statements {
            statement.each_key(&mut |key| keys.push(key));
        }
        keys.sort_unstable_by(|a, b| a.as_str().cmp(b.as_str()));
        keys.dedup();
        keys
    }

    /// Memory on the heap, shared by all clones; allocator overhead not counted.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.0.heap_bytes
    }

    /// Whether both are the same compiled policy in memory.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.0.statements
    }

    pub(crate) fn actions(&self, statement: &Statement) -> &ActionSet {
        &self.0.action_sets[statement.actions as usize]
    }

    /// Looks for a Deny that matches and, if wanted, for an Allow.
    pub(crate) fn scan(&self, subject: &Subject<'_>, want_allow: bool, steps: &mut u64) -> Scan {
        let mut found = Scan { deny: NOTHING, allow: NOTHING };
        let has_wanted = self.0.has_deny || want_allow && self.0.has_allow;
        if !has_wanted {
            return found;
        }
        if self.0.index.is_none() {
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
            if self.0.has_deny { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        found
    }

    /// [`Self::scan`] of a policy without index: the statements that filters leave, Denies first.
    fn scan_filtered(&self, subject: &Subject<'_>, want_allow: bool, steps: &mut u64) -> Scan {
        let open = self.filtered(subject, steps);
        let mut first = |mut open: u64| {
            while open != 0 {
                let at = open.trailing_zeros();
                open &= open - 1;
                let statement = &self.0.statements[at as usize];
                let matches = self.actions(statement).matches(subject, steps)
                    && !statement.names(subject, steps).is_empty()
                    && statement.fits(subject, steps);
                if matches {
                    return at;
                }
            }
            NOTHING
        };
        let deny = if subject.without_denies { NOTHING } else { first(open & self.0.denies) };
        let allow = if want_allow && deny == NOTHING { first(open & !self.0.denies) } else { NOTHING };
        Scan { deny, allow }
    }

    /// A bit for each statement that its filter leaves. The filters of all come first, so that what comes out of them
    /// is one number and not many branches.
    fn filtered(&self, subject: &Subject<'_>, steps: &mut u64) -> u64 {
        *steps += self.0.filters.len() as u64;
        let bits = (0u32..).zip(&self.0.filters).map(|(at, f)| u64::from(f.may_match(&subject.marks)) << (at & 63));
        bits.fold(0, |open, bit| open | bit)
    }

    /// Looks for a Deny that matches and for everything that the policy grants to the caller.
    pub(crate) fn scan_grants(&self, subject: &Subject<'_>, steps: &mut u64) -> Grants {
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
        subject: &Subject<'_>,
        steps: &mut u64,
        mut visit: impl FnMut(u32, &Statement, &mut u64) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let statements = &*self.0.statements;
        let Some(index) = &self.0.index else {
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
        let mut last = u32::MAX;
        index.visit(subject, &self.0.action_sets, steps, |at, action_matches, steps| {
            *steps += 1;
            let again = std::mem::replace(&mut last, at) == at;
            if again || !self.0.filters[at as usize].may_match(&subject.marks) {
                return ControlFlow::Continue(());
            }
            let statement = &statements[at as usize];
            if action_matches || self.actions(statement).matches(subject, steps) {
                visit(at, statement, steps)
            } else {
                ControlFlow::Continue(())
            }
        })
    }
}

/// What one policy says of a request.
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

/// What a resource's policy says of a request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Grants {
    pub(crate) deny: Option<u32>,
    /// As what it allows the caller.
    pub(crate) named: Named,
    /// The first statement that granted, for each way of naming.
    by: [u32; 8],
}

impl Grants {
    fn add(&mut self, named: Named, at: u32) {
        for (way, by) in Named::EACH.into_iter().zip(&mut self.by) {
            if named.has(way) && !self.named.has(way) {
                *by = at;
            }
        }
        self.named = self.named.and(named);
    }

    /// As if another statement granted too.
    pub(crate) fn suppose(&mut self, named: Named) {
        self.add(named, u32::MAX);
    }

    /// A statement that granted in one of these ways.
    pub(crate) fn statement(&self, ways: Named) -> Option<u32> {
        let mut each = Named::EACH.into_iter().zip(self.by);
        each.find(|(way, _)| self.named.has(*way) && ways.has(*way)).map(|(_, by)| by)
    }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").field("kind", &self.kind()).field("name", &self.name()).finish_non_exhaustive()
    }
}
