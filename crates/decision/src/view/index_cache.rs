//! Indexes over the policies of principals that have many, built when they are used again.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwapOption;
use bailiwick_evaluator::{IndexedPolicies, Policy};

use super::View;
use super::entities::{Inline, Slots};
use super::principal_record::PrincipalRecord;

/// How many indexes are kept, at most.
const ENTRIES: usize = 4_096;
/// When indexes of this size have been built, all of them are dropped: some of them are of policies that have changed.
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// With fewer policies than this, an index saves nothing.
pub(super) const MIN_POLICIES: usize = 4;
/// With fewer statements than this, an index saves nothing.
const MIN_STATEMENTS: usize = 32;
/// A principal with more statements gets no index, which bounds the time in which one is built.
const MAX_STATEMENTS: usize = 20_000;

/// The indexes of the views of one builder. Principals with the same policies share one.
///
/// An index is valid for the same attachments, memberships and inline policies, and for the same contents of all groups
/// and managed policies: both are compared at each use.
pub(super) struct IndexCache {
    /// An entry is found at the place that its key's hash names, and replaces the one before.
    entries: Box<[ArcSwapOption<Entry>]>,
    hasher: RandomState,
    bytes: AtomicUsize,
}

struct Entry {
    key: Key,
    /// Whether a caller builds, or has built, the index.
    is_claimed: AtomicBool,
    index: OnceLock<Arc<IndexedPolicies>>,
}

/// Everything that the policies of a principal depend on.
struct Key {
    contents: Contents,
    attached: Slots,
    groups: Slots,
    /// Held, so that another policy cannot get the same address.
    inline: Inline,
}

/// How often the groups and managed policies of a view have changed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) groups: u64,
    pub(super) policies: u64,
}

impl Key {
    fn of(view: &View, principal: &PrincipalRecord) -> Self {
        Key {
            contents: view.contents(),
            attached: principal.attached().into(),
            groups: principal.groups().into(),
            inline: principal.inline().iter().cloned().collect(),
        }
    }

    fn is_of(&self, view: &View, principal: &PrincipalRecord) -> bool {
        let inline = principal.inline();
        self.contents == view.contents()
            && *self.attached == *principal.attached()
            && *self.groups == *principal.groups()
            && self.inline.len() == inline.len()
            && self.inline.iter().zip(inline).all(|(own, other)| own.ptr_eq(other))
    }
}

impl Default for IndexCache {
    fn default() -> Self {
        IndexCache {
            entries: std::iter::repeat_with(ArcSwapOption::empty).take(ENTRIES).collect(),
            hasher: RandomState::new(),
            bytes: AtomicUsize::new(0),
        }
    }
}

impl IndexCache {
    /// The index over the policies of a principal, if there is one.
    pub(super) fn get(&self, view: &View, principal: &PrincipalRecord) -> Option<Arc<IndexedPolicies>> {
        let entry = self.place(principal).load();
        entry.as_ref().filter(|entry| entry.key.is_of(view, principal))?.index.get().cloned()
    }

    /// Takes note that the policies of a principal were used without an index. The second time, builds it.
    pub(super) fn used(&self, view: &View, principal: &PrincipalRecord, policies: &[&[Policy]]) {
        let count: usize = policies.iter().map(|slice| slice.len()).sum();
        let statements: usize = policies.iter().copied().flatten().map(Policy::len).sum();
        if count < MIN_POLICIES || !(MIN_STATEMENTS..=MAX_STATEMENTS).contains(&statements) {
            return;
        }
        let place = self.place(principal);
        let known = place.load_full().filter(|entry| entry.key.is_of(view, principal));
        let Some(entry) = known else {
            let key = Key::of(view, principal);
            place.store(Some(Arc::new(Entry { key, is_claimed: AtomicBool::new(false), index: OnceLock::new() })));
            return;
        };
        // Others decide without the index while one caller builds it.
        if !entry.is_claimed.swap(true, Ordering::Relaxed) {
            let index = Arc::new(IndexedPolicies::new(policies.iter().copied().flatten().cloned()));
            let bytes = index.heap_bytes();
            if self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes > MAX_BYTES {
                self.entries.iter().for_each(|entry| entry.store(None));
                self.bytes.store(0, Ordering::Relaxed);
            }
            let _ = entry.index.set(index);
        }
    }

    /// The place of a principal's index. A hash of the ends of the lists is enough: it decides only where to look.
    fn place(&self, principal: &PrincipalRecord) -> &ArcSwapOption<Entry> {
        let mut state = self.hasher.build_hasher();
        for slots in [principal.attached(), principal.groups()] {
            (slots.len(), slots.first_chunk::<2>(), slots.first(), slots.last_chunk::<2>()).hash(&mut state);
        }
        if !principal.inline().is_empty() {
            principal.id().hash(&mut state);
        }
        &self.entries[state.finish() as usize % ENTRIES]
    }
}

impl fmt::Debug for IndexCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IndexCache").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}
