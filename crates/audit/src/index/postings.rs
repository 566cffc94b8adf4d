//! Sets of events of a segment, by rank: their number in the order of time.

/// A set of ranks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ranks {
    words: Vec<u64>,
}

impl Ranks {
    /// The set of all ranks below `count`.
    pub(super) fn all(count: u32) -> Self {
        let mut ranks = Ranks::none(count);
        ranks.words.fill(u64::MAX);
        ranks
    }

    fn none(count: u32) -> Self {
        Ranks { words: vec![0; (count as usize).div_ceil(64)] }
    }

    pub(super) fn one(rank: u32, count: u32) -> Option<Self> {
        let mut ranks = Ranks::none(count);
        ranks.insert(rank, count)?;
        Some(ranks)
    }

    fn insert(&mut self, rank: u32, count: u32) -> Option<()> {
        if rank >= count {
            return None;
        }
        *self.words.get_mut(rank as usize / 64)? |= 1 << (rank % 64);
        Some(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.words.iter().all(|word| *word == 0)
    }

    /// Keeps what is in the other set as well.
    pub(super) fn intersect(&mut self, other: &Ranks) {
        for (own, other) in self.words.iter_mut().zip(&other.words) {
            *own &= other;
        }
    }

    /// The ranks below `end`, the greatest first.
    pub(super) fn descending(&self, end: u32) -> impl Iterator<Item = u32> + '_ {
        let words = (end as usize).div_ceil(64).min(self.words.len());
        self.words[..words].iter().enumerate().rev().flat_map(move |(at, word)| {
            let mut word = *word;
            std::iter::from_fn(move || {
                let bit = word.checked_ilog2()?;
                word &= !(1 << bit);
                Some(at as u32 * 64 + bit)
            })
            .filter(move |rank| *rank < end)
        })
    }
}

/// The most bytes of a difference.
const MAX_DIFFERENCE: usize = 5;

/// Whether a set is stored as one bit for each event, not as differences.
fn is_dense(len: u32, count: u32) -> bool {
    len >= count / 16
}

/// How many bytes of the postings can belong to a set.
pub(super) fn most_bytes(len: u32, count: u32) -> usize {
    if is_dense(len, count) { (count as usize).div_ceil(8) } else { len as usize * MAX_DIFFERENCE }
}

/// Appends a set of ascending ranks, of `count` events.
pub(super) fn encode(ranks: &[u32], count: u32, out: &mut Vec<u8>) {
    if is_dense(ranks.len() as u32, count) {
        let begin = out.len();
        out.resize(begin + (count as usize).div_ceil(8), 0);
        for rank in ranks {
            out[begin + *rank as usize / 8] |= 1 << (rank % 8);
        }
        return;
    }
    let mut last = 0;
    for rank in ranks {
        prost::encoding::encode_varint(u64::from(rank - last), out);
        last = *rank;
    }
}

/// Reads a set of `len` ranks, of `count` events. None if the bytes are not such a set.
pub(super) fn decode(mut bytes: &[u8], len: u32, count: u32) -> Option<Ranks> {
    let mut ranks = Ranks::none(count);
    if is_dense(len, count) {
        let bytes = bytes.get(..(count as usize).div_ceil(8))?;
        for (word, bytes) in ranks.words.iter_mut().zip(bytes.chunks(8)) {
            let mut all = [0; 8];
            all[..bytes.len()].copy_from_slice(bytes);
            *word = u64::from_le_bytes(all);
        }
        return Some(ranks);
    }
    let mut rank = 0u32;
    for _ in 0..len {
        let difference = prost::encoding::decode_varint(&mut bytes).ok()?;
        rank = rank.checked_add(u32::try_from(difference).ok()?)?;
        ranks.insert(rank, count)?;
    }
    Some(ranks)
}
