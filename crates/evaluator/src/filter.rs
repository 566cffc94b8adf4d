//! A quick no: a few bits of each statement that tell most of those that don't match, without a branch.

use crate::action::ActionSet;
use crate::resource::ResourceSet;

/// What a statement's action and resource must have.
#[derive(Clone, Copy)]
pub(crate) struct Filter {
    /// Bits of the first two characters of actions.
    heads: u64,
    /// Bits of whole actions.
    names: u64,
    /// Eight bytes of the resource, and where they stand; nowhere: any resource will do.
    word: u64,
    at: u32,
}

/// What a request has.
#[derive(Clone, Copy)]
pub(crate) struct Marks<'a> {
    head: u64,
    name: u64,
    /// At least eight bytes.
    resource: &'a [u8],
    /// Where its last eight bytes begin.
    last: u32,
}

const NOWHERE: u32 = u32::MAX;

impl Filter {
    /// Of a set of actions alone.
    pub(crate) fn of_actions(actions: &ActionSet) -> Self {
        let all = Self { heads: u64::MAX, names: u64::MAX, word: 0, at: NOWHERE };
        if actions.negated || actions.everything {
            return all;
        }
        let mut out = Self { heads: 0, names: 0, ..all };
        for (hash, name) in &actions.exact {
            out.heads |= head_bit(name.as_bytes());
            out.names |= bit(*hash);
        }
        for pattern in &actions.wild {
            out.names = u64::MAX;
            out.heads |= match pattern.head().as_bytes() {
                head @ [_, _, ..] => head_bit(head),
                _ => u64::MAX,
            };
        }
        out
    }

    /// With what a single resource pattern begins with: the last eight bytes of that tell the most.
    pub(crate) fn and_resources(mut self, resources: Option<&ResourceSet>) -> Self {
        if let Some(set) = resources
            && let [pattern] = &*set.patterns
            && !set.negated
            && let Some(word) = pattern.head().as_bytes().last_chunk::<8>()
        {
            self.word = u64::from_le_bytes(*word);
            self.at = pattern.head().len() as u32 - 8;
        }
        self
    }

    #[inline]
    pub(crate) fn may_match(&self, marks: &Marks<'_>) -> bool {
        // A place beyond the resource's end is looked for at its end, and found to be elsewhere.
        let at = self.at.min(marks.last) as usize;
        let own = marks.resource.get(at..at + 8).and_then(|own| own.first_chunk::<8>());
        let own = own.map_or(0, |own| u64::from_le_bytes(*own));
        let resource = (self.at == NOWHERE) | ((own == self.word) & (self.at <= marks.last));
        (self.heads & marks.head != 0) & (self.names & marks.name != 0) & resource
    }
}

impl<'a> Marks<'a> {
    pub(crate) fn new(action: &[u8], action_hash: u64, resource: &'a [u8]) -> Self {
        // Of a shorter one nothing that a pattern could ask for.
        let resource = if resource.len() < 8 { &[0; 8] } else { resource };
        let last = u32::try_from(resource.len() - 8).unwrap_or(NOWHERE - 1);
        Self { head: head_bit(action), name: bit(action_hash), resource, last }
    }
}

fn bit(hash: u64) -> u64 {
    1 << (hash & 63)
}

/// A bit for the first two characters: those that there are services for fall on different ones, mostly.
fn head_bit(action: &[u8]) -> u64 {
    match action {
        [first, second, ..] => bit((u64::from(*first) * 7) ^ (u64::from(*second) * 23)),
        // Shorter than any action: only patterns that take anything are asked.
        _ => u64::MAX,
    }
}
