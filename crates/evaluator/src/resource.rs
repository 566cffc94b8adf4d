//! `Resource` and `NotResource`.

use std::ops::ControlFlow;

use bailiwick_policy_lang::{PolicyKind, ResourceElement, complete_arn};

use crate::compile::Interner;
use crate::pattern::{Form, Pattern, Syntax};
use crate::prepared::PreparedRequest;
use crate::trie::Trie;

/// The patterns of one element.
pub(crate) struct ResourceSet {
    pub(crate) negated: bool,
    pub(crate) patterns: Box<[Pattern]>,
    /// An index of the patterns by their literal prefix, if there are many.
    finder: Option<Box<Finder>>,
}

/// Finds resource patterns by the literal text that a resource must have.
#[derive(Default)]
pub(crate) struct Finder {
    heads: Trie,
    tails: Trie,
}

/// How an index can find a pattern.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum ResourceKey<'a> {
    /// By a prefix of the ARN.
    Head(&'a str),
    /// By the text after a colon, the fifth or a later one.
    Tail(&'a str),
}

/// From this number of patterns on, a radix tree finds them.
const FEW: usize = 8;

impl ResourceSet {
    pub(crate) fn compile(
        element: &ResourceElement,
        kind: PolicyKind,
        variables: bool,
        interner: &mut Interner,
    ) -> Self {
        let patterns: Box<[Pattern]> = element
            .patterns
            .iter()
            .map(|text| complete_arn(&text.value, kind))
            .map(|text| Pattern::compile(&text, Syntax::Resource, variables, interner))
            .collect();
        let finder = (patterns.len() > FEW).then(|| {
            let keys = patterns.iter().zip(0..).map(|(pattern, at)| (key(pattern), at));
            Box::new(Finder::build(keys))
        });
        Self { negated: element.negated, patterns, finder }
    }

    pub(crate) fn matches(&self, subject: &PreparedRequest<'_>, steps: &mut u64) -> bool {
        self.listed(subject, steps) != self.negated
    }

    fn listed(&self, subject: &PreparedRequest<'_>, steps: &mut u64) -> bool {
        let resource = subject.request.resource.as_bytes();
        let context = &subject.request.context;
        if subject.without_resource() {
            *steps += 1;
            return self.patterns.iter().any(|pattern| matches!(pattern.form, Form::Everything));
        }
        let Some(finder) = &self.finder else {
            return self.patterns.iter().any(|pattern| pattern.matches(resource, context, steps));
        };
        let (mut matches, mut looks) = (false, 0);
        let ended = finder.find(resource, steps, |items, steps| {
            looks += items.len();
            if looks > self.patterns.len() {
                return ControlFlow::Break(());
            }
            matches = items.iter().any(|at| self.patterns[*at as usize].matches(resource, context, steps));
            if matches { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        if ended.is_break() && !matches {
            // The same patterns are found after every colon, so each is visited once.
            return self.patterns.iter().any(|pattern| pattern.matches(resource, context, steps));
        }
        matches
    }

    /// The keys that together find every resource that the set matches. `None` if only a full scan does.
    pub(crate) fn keys(&self) -> Option<Vec<ResourceKey<'_>>> {
        let open = |key: &ResourceKey<'_>| *key == ResourceKey::Head("");
        let keys: Vec<ResourceKey<'_>> = self.patterns.iter().map(key).collect();
        (!self.negated && !keys.iter().any(open)).then_some(keys)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.patterns.iter().map(|pattern| size_of::<Pattern>() + pattern.heap_bytes()).sum::<usize>()
            + self.finder.as_ref().map_or(0, |finder| size_of::<Finder>() + finder.heap_bytes())
    }
}

fn key(pattern: &Pattern) -> ResourceKey<'_> {
    match pattern.tail() {
        Some(tail) => ResourceKey::Tail(tail),
        None => ResourceKey::Head(pattern.head()),
    }
}

impl Finder {
    pub(crate) fn build<'a>(keys: impl Iterator<Item = (ResourceKey<'a>, u32)>) -> Self {
        let (mut heads, mut tails) = (Vec::new(), Vec::new());
        for (key, item) in keys {
            match key {
                ResourceKey::Head(text) => heads.push((text.as_bytes(), item)),
                ResourceKey::Tail(text) => tails.push((text.as_bytes(), item)),
            }
        }
        Self { heads: Trie::build(heads), tails: Trie::build(tails) }
    }

    /// Visits whatever a resource may match.
    pub(crate) fn find(
        &self,
        resource: &[u8],
        steps: &mut u64,
        mut visit: impl FnMut(&[u32], &mut u64) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        self.heads.walk(resource, steps, &mut visit)?;
        if self.tails.is_empty() {
            return ControlFlow::Continue(());
        }
        // The colon before a pattern's sixth part stands for the fifth of the resource, or, when a run went over
        // colons, for a later one.
        let mut colons = 0;
        for (at, byte) in resource.iter().enumerate() {
            if *byte == b':' {
                colons += 1;
                if colons >= 5 {
                    self.tails.walk(&resource[at + 1..], steps, &mut visit)?;
                }
            }
        }
        ControlFlow::Continue(())
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.heads.heap_bytes() + self.tails.heap_bytes()
    }
}
