//! One policy, compiled.

use std::collections::HashSet;
use std::sync::Arc;

use bailiwick_policy_lang::{Document, Effect, PolicyKind, Position, Span};
use smallvec::SmallVec;

use crate::action::ActionSet;
use crate::compile::{Interner, Map};
use crate::context::ContextKey;
use crate::filter::Filter;
use crate::index::Index;
use crate::statement::Statement;

mod elements;
mod filter;
mod scan;

pub use elements::{StatementCondition, StatementElements};
use filter::PolicyFilter;
pub(crate) use scan::Grants;

/// A compiled policy: immutable, shared by cloning the handle.
#[derive(Clone)]
pub struct Policy {
    filter: PolicyFilter,
    compiled: Arc<Compiled>,
}

/// The fields that exclude a small policy are first and adjacent: for most policies no other field is read.
#[repr(C)]
struct Compiled {
    has_deny: bool,
    has_allow: bool,
    kind: PolicyKind,
    /// Of each statement.
    filters: SmallVec<[Filter; 3]>,
    /// Of a policy without index: a bit for each Deny.
    denies: u64,
    /// None where looking at every statement costs less.
    index: Option<Box<Index>>,
    statements: Box<[Statement]>,
    action_sets: Box<[ActionSet]>,
    name: Option<Box<str>>,
    heap_bytes: usize,
}

/// The Sid, effect and location of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementInfo<'a> {
    /// The statement's Sid.
    pub sid: Option<&'a str>,
    /// The effect.
    pub effect: Effect,
    /// The span in the text of the document.
    pub span: Span,
    /// Where the statement starts according to AWS's policy simulator.
    pub simulator_start: Position,
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
    /// Compiles a document. The parser validates documents; an invalid part matches nothing.
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
        let (mut filters, mut of_set) = (SmallVec::with_capacity(document.statements.len()), Vec::new());
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
        let index = (!tell_apart(&filters)).then(|| {
            let numbered: Vec<_> = statements.iter().map(|statement| (statement, statement.actions)).collect();
            Box::new(Index::build(&numbered, &action_sets.iter().collect::<Vec<_>>()))
        });
        let heap_bytes = size_of::<Compiled>()
            + name.map_or(0, str::len)
            + if filters.spilled() { size_of_val(&*filters) } else { 0 }
            + interner.heap_bytes()
            + statements.iter().map(|s| size_of::<Statement>() + s.heap_bytes()).sum::<usize>()
            + action_sets.iter().map(|a| size_of::<ActionSet>() + a.heap_bytes()).sum::<usize>()
            + index.as_ref().map_or(0, |index| size_of::<Index>() + index.heap_bytes());
        let has = |effect| statements.iter().any(|s: &Statement| s.effect == effect);
        let filter = PolicyFilter::of_actions(&action_sets);
        let compiled = Compiled {
            kind,
            name: name.map(Into::into),
            has_deny: has(Effect::Deny),
            denies: denies(&statements),
            has_allow: has(Effect::Allow),
            statements: statements.into(),
            filters,
            action_sets: action_sets.into(),
            index,
            heap_bytes,
        };
        Self { filter, compiled: Arc::new(compiled) }
    }

    /// What it was compiled as.
    #[must_use]
    pub fn kind(&self) -> PolicyKind {
        self.compiled.kind
    }

    /// The name it was compiled under.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.compiled.name.as_deref()
    }

    /// How many statements it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.compiled.statements.len()
    }

    /// Whether it has no statement.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.compiled.statements.is_empty()
    }

    /// Sid, effect and place of a statement.
    #[must_use]
    pub fn statement(&self, index: usize) -> Option<StatementInfo<'_>> {
        let statement = self.compiled.statements.get(index)?;
        Some(StatementInfo {
            sid: statement.sid.as_deref(),
            effect: statement.effect,
            span: statement.span,
            simulator_start: statement.simulator_start,
        })
    }

    /// The context keys that its conditions and variables ask for, each once, in the order of the statements.
    #[must_use]
    pub fn context_keys(&self) -> Vec<&ContextKey> {
        let (mut seen, mut keys) = (HashSet::new(), Vec::new());
        for statement in &self.compiled.statements {
            statement.each_key(&mut |key| {
                if seen.insert(key) {
                    keys.push(key);
                }
            });
        }
        keys
    }

    /// Memory on the heap, shared by all clones; allocator overhead not counted.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.compiled.heap_bytes
    }

    /// Whether both are the same compiled policy in memory.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.compiled, &other.compiled)
    }

    pub(crate) fn statements(&self) -> &[Statement] {
        &self.compiled.statements
    }

    pub(crate) fn actions(&self, statement: &Statement) -> &ActionSet {
        &self.compiled.action_sets[statement.actions as usize]
    }

    pub(crate) fn action_sets(&self) -> &[ActionSet] {
        &self.compiled.action_sets
    }

    pub(crate) fn filters(&self) -> &[Filter] {
        &self.compiled.filters
    }

    pub(crate) fn has_deny(&self) -> bool {
        self.compiled.has_deny
    }

    pub(crate) fn has_allow(&self) -> bool {
        self.compiled.has_allow
    }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").field("kind", &self.kind()).field("name", &self.name()).finish_non_exhaustive()
    }
}
