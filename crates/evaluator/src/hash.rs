//! A fast hash of short texts.
//!
//! The hash only finds candidates, which are compared in full. Colliding texts slow down the policy that has them, to
//! the speed of a full scan.

const SEED: u64 = 0x51_7c_c1_b7_27_22_0a_95;

/// The hash of a text.
pub(crate) fn of(text: &[u8]) -> u64 {
    let mut state = text.len() as u64;
    let (words, rest) = text.as_chunks::<8>();
    for word in words {
        state = mix(state, u64::from_le_bytes(*word));
    }
    if !rest.is_empty() {
        state = mix(state, last_word(text));
    }
    finish(state)
}

/// Writes a text in ASCII lower case to `out` and hashes it. Returns `None` if the text is too long.
#[inline]
pub(crate) fn lower_into<'o>(text: &[u8], out: &'o mut [u8; 128]) -> Option<(&'o [u8], u64)> {
    let lower = out.get_mut(..text.len())?;
    let mut state = text.len() as u64;
    let (words, rest) = text.as_chunks::<8>();
    for (word, lower) in words.iter().zip(lower.as_chunks_mut::<8>().0) {
        let word = lower_word(u64::from_le_bytes(*word));
        *lower = word.to_le_bytes();
        state = mix(state, word);
    }
    if !rest.is_empty() {
        let last = lower_word(last_word(text));
        state = mix(state, last);
        match lower.last_chunk_mut::<8>() {
            Some(lower) => *lower = last.to_le_bytes(),
            None => lower.iter_mut().zip(text).for_each(|(lower, byte)| *lower = byte.to_ascii_lowercase()),
        }
    }
    Some((lower, finish(state)))
}

pub(crate) fn mix(state: u64, word: u64) -> u64 {
    (state.rotate_left(5) ^ word).wrapping_mul(SEED)
}

fn finish(state: u64) -> u64 {
    state ^ (state >> 32)
}

/// The last eight bytes, which may overlap earlier ones; of a shorter text, all of it. The length is hashed as well.
fn last_word(text: &[u8]) -> u64 {
    if let Some(word) = text.last_chunk::<8>() {
        return u64::from_le_bytes(*word);
    }
    if let (Some(first), Some(last)) = (text.first_chunk::<4>(), text.last_chunk::<4>()) {
        return u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32;
    }
    text.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}

/// Eight ASCII characters in lower case at once.
fn lower_word(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let low = word & (0x7f * ONES);
    let at_least_a = low + (0x80 - b'A' as u64) * ONES;
    let beyond_z = low + (0x7f - b'Z' as u64) * ONES;
    let upper = (at_least_a ^ beyond_z) & !word & (0x80 * ONES);
    word | (upper >> 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lower_folds_ascii_letters_and_nothing_else() {
        for byte in 0..=255u8 {
            for length in [1, 2, 3, 4, 5, 7, 8, 9, 11, 15, 16, 17, 30, 128] {
                for at in 0..length {
                    let mut text = vec![b'x'; length];
                    text[at] = byte;
                    let lower = text.to_ascii_lowercase();
                    let mut out = [0; 128];
                    assert_eq!(lower_into(&text, &mut out), Some((&*lower, of(&lower))), "{byte} at {at} of {length}");
                }
            }
        }
        assert_eq!(lower_into(b"", &mut [0; 128]), Some((&b""[..], of(b""))));
        assert_eq!(lower_into(&[b'x'; 129], &mut [0; 128]), None);
    }

    #[test]
    fn every_byte_and_the_length_count() {
        for length in 1..40 {
            let text = vec![b'a'; length];
            let hash = of(&text);
            for at in 0..length {
                let mut other = text.clone();
                other[at] = b'b';
                assert_ne!(of(&other), hash, "{at} of {length}");
            }
            assert_ne!(of(&vec![b'a'; length + 1]), hash);
            assert_ne!(of(&vec![0; length]), of(&vec![0; length - 1]));
        }
    }
}
