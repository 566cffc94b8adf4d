//! `Action` and `NotAction`.

use std::ops::ControlFlow;
use std::sync::Arc;

use bailiwick_policy_lang::ActionElement;

use crate::bytes;
use crate::compile::Interner;
use crate::context::Context;
use crate::hash;
use crate::pattern::{Form, Pattern, Syntax};
use crate::prepared::PreparedRequest;
use crate::trie::Trie;

/// The patterns of one element. Statements with the same list share one set.
pub(crate) struct ActionSet {
    pub(crate) negated: bool,
    /// Whether `*` is one of the patterns.
    pub(crate) everything: bool,
    /// Names without wildcards, in lower case, sorted by hash.
    pub(crate) exact: Box<[(u64, Arc<str>)]>,
    /// Patterns with wildcards, in lower case.
    pub(crate) wild: Box<[Pattern]>,
    /// An index of the patterns by their literal prefix, if there are many.
    heads: Trie,
    /// As written.
    pub(crate) sources: Box<[Arc<str>]>,
}

/// The key under which an index stores a set.
pub(crate) enum ActionKey<'a> {
    /// By the hash of the whole action.
    Exact(u64),
    /// By a prefix of the action.
    Head(&'a [u8]),
}

/// From this number of patterns on, a radix tree finds them.
const FEW: usize = 8;

impl ActionSet {
    pub(crate) fn compile(element: &ActionElement, interner: &mut Interner) -> Self {
        let mut exact = Vec::new();
        let mut wild = Vec::new();
        let mut everything = false;
        for text in &element.patterns {
            let lower = text.value.to_ascii_lowercase();
            let pattern = Pattern::compile(&lower, Syntax::Like, false, interner);
            match pattern.form {
                Form::Exact => {
                    exact.push((hash::of(lower.as_bytes()), pattern.source));
                }
                Form::Everything => everything = true,
                _ => wild.push(pattern),
            }
        }
        exact.sort_unstable();
        exact.dedup();
        let heads = if wild.len() > FEW {
            Trie::build(wild.iter().zip(0..).map(|(pattern, at)| (pattern.head().as_bytes(), at)).collect())
        } else {
            Trie::default()
        };
        let sources = element.patterns.iter().map(|text| interner.text(&text.value)).collect();
        Self { negated: element.negated, everything, exact: exact.into(), wild: wild.into(), heads, sources }
    }

    pub(crate) fn matches(&self, subject: &PreparedRequest<'_>, steps: &mut u64) -> bool {
        self.listed(subject, steps) != self.negated
    }

    fn listed(&self, subject: &PreparedRequest<'_>, steps: &mut u64) -> bool {
        let action = subject.action;
        *steps += 1;
        if self.everything {
            return true;
        }
        let from = if self.exact.len() > FEW {
            self.exact.partition_point(|(hash, _)| *hash < subject.action_hash)
        } else {
            0
        };
        for (hash, name) in &self.exact[from..] {
            if *hash == subject.action_hash && bytes::eq(name.as_bytes(), action) {
                return true;
            }
            if *hash > subject.action_hash {
                break;
            }
        }
        // Actions have no variables.
        let nothing = Context::default();
        if self.heads.is_empty() {
            return self.wild.iter().any(|pattern| pattern.matches(action, &nothing, steps));
        }
        let found = self.heads.walk(action, steps, |items, steps| {
            match items.iter().any(|at| self.wild[*at as usize].matches(action, &nothing, steps)) {
                true => ControlFlow::Break(()),
                false => ControlFlow::Continue(()),
            }
        });
        found.is_break()
    }

    /// Whether any pattern has the service prefix of the action.
    pub(crate) fn concerns_service(&self, subject: &PreparedRequest<'_>) -> bool {
        let action = subject.action;
        let service = action.iter().position(|byte| *byte == b':').map_or(action, |colon| &action[..=colon]);
        let about = |text: &str| text.as_bytes().starts_with(service);
        self.exact.iter().any(|(_, name)| about(name)) || self.wild.iter().any(|pattern| about(&pattern.source))
    }

    /// The keys that together find every action that the set matches. `None` if only a full scan does.
    pub(crate) fn keys(&self) -> Option<Vec<ActionKey<'_>>> {
        if self.negated || self.everything || self.wild.iter().any(|pattern| pattern.head().is_empty()) {
            return None;
        }
        let exact = self.exact.iter().map(|(hash, _)| ActionKey::Exact(*hash));
        let heads = self.wild.iter().map(|pattern| ActionKey::Head(pattern.head().as_bytes()));
        Some(exact.chain(heads).collect())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.exact)
            + self.wild.iter().map(|pattern| size_of::<Pattern>() + pattern.heap_bytes()).sum::<usize>()
            + self.heads.heap_bytes()
            + size_of_val(&*self.sources)
    }
}
