//! One policy, compiled.

use std::sync::Arc;

use bailiwick_policy_lang::{Document, Effect, PolicyKind, Span};

/// A compiled policy: immutable, shared by cloning the handle.
#[derive(Clone)]
pub struct Policy(Arc<Compiled>);

struct Compiled {
    kind: PolicyKind,
    name: Option<Box<str>>,
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

impl Policy {
    /// Compiles a document. What a document may hold is the parser's matter; whatever slips through matches nothing.
    #[must_use]
    pub fn compile(document: &Document, kind: PolicyKind) -> Self {
        Self::compile_named(document, kind, None)
    }

    /// Compiles a document under a name (an ARN, or an inline policy's name) that explanations call it by.
    #[must_use]
    pub fn compile_named(_document: &Document, kind: PolicyKind, name: Option<&str>) -> Self {
        Self(Arc::new(Compiled { kind, name: name.map(Into::into) }))
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
        0
    }

    /// Whether it has no statement.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sid, effect and place of a statement.
    #[must_use]
    pub fn statement(&self, _index: usize) -> Option<StatementInfo<'_>> {
        None
    }

    /// Memory on the heap, shared by all clones.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of::<Compiled>() + self.0.name.as_deref().map_or(0, str::len)
    }

    /// Whether both are the same compiled policy in memory.
    #[must_use]
    pub fn ptr_eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").field("kind", &self.kind()).field("name", &self.name()).finish_non_exhaustive()
    }
}
