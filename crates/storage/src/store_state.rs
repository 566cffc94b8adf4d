//! The state of a store: digests of the sets of its rows, which detect rows that are missing or out of date.
//!
//! The digest of a set is the sum of the digests of its rows, which depend on key and revision. A backend stores the
//! state, sealed, with the head of its log, and updates it with every commit. Values are not part of the digests, since
//! tags authenticate them: so a damaged row changes no sum, and does not hide a missing one.
//!
//! Every start checks the digest of the decisive kinds. The state records which kinds these are, so a backend that opens a
//! store of another version of Bailiwick can check the store as that version left it, and count its rows again.
//!
//! A whole store that is replaced by an older copy of itself is not found here: its sums are right.

use crate::{authenticator::Authenticator, change::ChangeSet, error::StoreError, keys::KindSet, revision::Revision};

/// The number of rows in a set, and the sum of their digests.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct RowSetDigest {
    count: u64,
    sum: u128,
}

impl std::fmt::Debug for RowSetDigest {
    /// Hides the sum: its changes would help an attacker to find rows with the same sum.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RowSet").field("count", &self.count).finish_non_exhaustive()
    }
}

impl RowSetDigest {
    /// The number of rows.
    pub fn count(&self) -> u64 {
        self.count
    }

    fn add(&mut self, row_digest: u128) {
        self.count = self.count.wrapping_add(1);
        self.sum = self.sum.wrapping_add(row_digest);
    }

    fn remove(&mut self, row_digest: u128) {
        self.count = self.count.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(row_digest);
    }
}

/// The state of a store at a revision.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreState {
    /// The newest revision.
    pub head: Revision,
    /// The change log is complete after this revision.
    pub oldest: Revision,
    /// The kinds of the rows in `decisive`.
    pub kinds: KindSet,
    /// The rows of these kinds, whose missing rows every start detects.
    pub decisive: RowSetDigest,
    /// The rows of all other kinds.
    pub other: RowSetDigest,
}

/// How many revisions a gap leaves out: more than any store commits between a backup and its damage.
const SKIPPED: u64 = 1 << 32;

/// The associated data of the seal.
const PLACE: &[u8] = b"state 2";
/// The same of a state of layout 2, which does not contain its kinds.
const PLACE_LAYOUT_2: &[u8] = b"state 1";

impl StoreState {
    /// Updates the state for one row that was put, replaced or deleted, given its old and new revision.
    pub fn change(&mut self, authenticator: &Authenticator, key: &[u8], old: Option<Revision>, new: Option<Revision>) {
        let set = if self.kinds.contains(key) { &mut self.decisive } else { &mut self.other };
        if let Some(old) = old {
            set.remove(authenticator.row_digest(key, old));
        }
        if let Some(new) = new {
            set.add(authenticator.row_digest(key, new));
        }
    }

    /// Updates the state for a change set; `old` returns the current revision of a key.
    pub fn apply(
        &mut self,
        authenticator: &Authenticator,
        set: &ChangeSet,
        mut old: impl FnMut(&[u8]) -> Option<Revision>,
    ) {
        for change in &set.changes {
            let new = change.value.is_some().then_some(set.revision);
            self.change(authenticator, &change.key, old(&change.key), new);
        }
        self.head = set.revision;
    }

    /// The same rows after a gap of revisions, for a store that goes on from a copy: those that are left out may have been
    /// used by a newer state of the store. The log begins with an entry without changes at the head.
    pub fn after_gap(&self) -> StoreState {
        let oldest = Revision::new(self.head.number().saturating_add(SKIPPED));
        StoreState { head: oldest.next(), oldest, ..*self }
    }

    /// Refuses rows that are not those of another state, such as of the store that they were copied from.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`].
    pub fn refuse_other_rows(&self, expected: &StoreState) -> Result<(), StoreError> {
        compare(expected.decisive, self.decisive)?;
        compare(expected.other, self.other)
    }

    /// Seals it.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when cryptography is not available.
    pub fn seal(&self, authenticator: &Authenticator) -> Result<Vec<u8>, StoreError> {
        let halves = |sum: u128| [(sum >> 64) as u64, sum as u64];
        let ([high, low], [other_high, other_low]) = (halves(self.decisive.sum), halves(self.other.sum));
        let (head, oldest) = (self.head.number(), self.oldest.number());
        let words = [head, oldest, self.decisive.count, high, low, self.other.count, other_high, other_low];
        let plaintext: Vec<u8> = words.into_iter().chain(self.kinds.words()).flat_map(u64::to_be_bytes).collect();
        authenticator.seal(PLACE, &plaintext)
    }

    /// Returns whether the state is of the decisive kinds of this version. Otherwise the rows must be counted again.
    pub fn is_current(&self) -> bool {
        self.kinds == KindSet::DECISIVE
    }

    /// Opens it. A state of another version has the decisive kinds of that version.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if the bytes are not authentic.
    pub fn open(authenticator: &Authenticator, sealed: &[u8]) -> Result<StoreState, StoreError> {
        let current = || read::<12>(&authenticator.open(PLACE, sealed)?);
        let layout_2 = || read::<8>(&authenticator.open(PLACE_LAYOUT_2, sealed)?);
        current().or_else(layout_2).ok_or_else(|| StoreError::Corrupt("its sealed state is not authentic".into()))
    }
}

/// Reads the words of a state: eight in layout 2, and those of the kinds since.
fn read<const WORDS: usize>(plaintext: &[u8]) -> Option<StoreState> {
    let (words, []) = plaintext.as_chunks::<8>() else { return None };
    let words = <[[u8; 8]; WORDS]>::try_from(words).ok()?.map(u64::from_be_bytes);
    let (&[head, oldest, count, high, low, other_count, other_high, other_low], kinds) = words.split_first_chunk()?;
    let set = |count, high, low| RowSetDigest { count, sum: u128::from(high) << 64 | u128::from(low) };
    Some(StoreState {
        head: Revision::new(head),
        oldest: Revision::new(oldest),
        kinds: kinds.try_into().map_or(KindSet::LAYOUT_2, KindSet::from_words),
        decisive: set(count, high, low),
        other: set(other_count, other_high, other_low),
    })
}

/// Adds up rows while they are read, to compare them with the expected state.
#[derive(Clone, Debug)]
pub struct Tally {
    authenticator: Authenticator,
    expected: StoreState,
    seen: StoreState,
}

impl Tally {
    /// Creates a tally that expects this state.
    pub fn of(authenticator: Authenticator, expected: StoreState) -> Self {
        let seen = StoreState { kinds: expected.kinds, ..StoreState::default() };
        Tally { authenticator, expected, seen }
    }

    /// Adds a row, damaged or not.
    pub fn add(&mut self, key: &[u8], revision: Revision) {
        self.seen.change(&self.authenticator, key, None, Some(revision));
    }

    /// Compares, when every row of the decisive kinds has been counted once.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`].
    pub fn finish(&self) -> Result<(), StoreError> {
        compare(self.expected.decisive, self.seen.decisive)
    }

    /// Compares, when every row of the store has been counted once.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`].
    pub fn finish_whole(&self) -> Result<(), StoreError> {
        self.finish()?;
        compare(self.expected.other, self.seen.other)
    }

    /// How many rows the store must have.
    pub fn expected_rows(&self) -> u64 {
        self.expected.decisive.count.saturating_add(self.expected.other.count)
    }

    /// The state that is expected.
    pub(crate) fn expected(&self) -> StoreState {
        self.expected
    }

    pub(crate) fn authenticator(&self) -> &Authenticator {
        &self.authenticator
    }

    /// The state of the rows that were added.
    pub fn seen(&self) -> StoreState {
        self.seen
    }
}

fn compare(expected: RowSetDigest, found: RowSetDigest) -> Result<(), StoreError> {
    if expected == found {
        return Ok(());
    }
    Err(StoreError::Incomplete { expected: expected.count, found: found.count })
}

#[cfg(test)]
mod tests {
    use bailiwick_seal::Keyring;

    use super::*;
    use crate::{Change, keys::Kind};

    fn authenticator() -> Authenticator {
        Authenticator::new(Keyring::generate(0).unwrap().row_key().unwrap().unwrap())
    }

    #[test]
    fn digests_match_exactly_the_existing_rows() {
        let authenticator = authenticator();
        let mut state = StoreState::default();
        let mut rows = std::collections::BTreeMap::new();
        let key = |n: u64| [&[0; 5], &[Kind::User as u8][..], &[n as u8 % 7]].concat();
        for n in 1..100 {
            let revision = Revision::new(n);
            let value = (n % 3 != 0).then(|| "v".into());
            let set = ChangeSet { revision, changes: vec![Change { key: key(n).into(), value }] };
            state.apply(&authenticator, &set, |key| rows.get(key).copied());
            match n % 3 {
                0 => rows.remove(&key(n)),
                _ => rows.insert(key(n), revision),
            };
            let tally = |rows: &std::collections::BTreeMap<Vec<u8>, Revision>| {
                let mut tally = Tally::of(authenticator.clone(), state);
                rows.iter().for_each(|(key, revision)| tally.add(key, *revision));
                tally.finish()
            };
            tally(&rows).unwrap();
            let Some((key, revision)) = rows.iter().next().map(|(key, revision)| (key.clone(), *revision)) else {
                continue;
            };
            let mut others = rows.clone();
            others.insert(key.clone(), Revision::new(revision.number() - 1));
            assert!(matches!(tally(&others), Err(StoreError::Incomplete { .. })), "an older row");
            others.remove(&key);
            assert!(matches!(tally(&others), Err(StoreError::Incomplete { .. })), "a missing row");
            others.insert([0; 9].into(), revision);
            assert!(matches!(tally(&others), Err(StoreError::Incomplete { .. })), "another row");
        }
        assert_eq!(
            (state.head, state.decisive.count(), state.other.count()),
            (Revision::new(99), rows.len() as u64, 0)
        );
    }

    #[test]
    fn a_sealed_state_opens_unchanged_or_not_at_all() {
        let authenticator = authenticator();
        let set = |n| RowSetDigest { count: n, sum: u128::from(n) << 70 | 5 };
        let (head, oldest) = (Revision::new(9), Revision::new(3));
        let state = StoreState { head, oldest, kinds: KindSet::DECISIVE, decisive: set(4), other: set(8) };
        let sealed = state.seal(&authenticator).unwrap();
        assert_eq!(StoreState::open(&authenticator, &sealed).unwrap(), state);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 0x10;
            assert!(StoreState::open(&authenticator, &changed).is_err(), "{at}");
            assert!(StoreState::open(&authenticator, &sealed[..at]).is_err(), "{at}");
        }
        let none = Authenticator::none();
        assert_eq!(StoreState::open(&none, &state.seal(&none).unwrap()).unwrap(), state);
        assert!(StoreState::open(&authenticator, &state.seal(&none).unwrap()).is_err());
        let other = StoreState { kinds: KindSet::from_words([1, 2, 3, 4]), ..state };
        let opened = StoreState::open(&authenticator, &other.seal(&authenticator).unwrap()).unwrap();
        assert!(opened == other && !opened.is_current() && state.is_current());
    }

    #[test]
    fn a_state_of_layout_2_has_the_kinds_of_layout_2() {
        let words: Vec<u8> = (1..=8).flat_map(u64::to_be_bytes).collect();
        for authenticator in [authenticator(), Authenticator::none()] {
            let sealed = authenticator.seal(PLACE_LAYOUT_2, &words).unwrap();
            let state = StoreState::open(&authenticator, &sealed).unwrap();
            assert_eq!((state.kinds, state.is_current()), (KindSet::LAYOUT_2, false));
            assert_eq!((state.head, state.oldest), (Revision::new(1), Revision::new(2)));
            assert_eq!(state.other, RowSetDigest { count: 6, sum: 7 << 64 | 8 });
        }
        let authenticator = authenticator();
        for (place, len) in [(PLACE, 64), (PLACE_LAYOUT_2, 56), (PLACE_LAYOUT_2, 63), (PLACE, 104)] {
            let words: Vec<u8> = vec![1; len];
            let sealed = authenticator.seal(place, &words).unwrap();
            assert!(StoreState::open(&authenticator, &sealed).is_err(), "{len}");
        }
    }
}
