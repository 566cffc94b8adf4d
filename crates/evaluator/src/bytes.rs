//! Comparing short byte strings in place, without the call that the standard comparison makes.

/// Whether two byte strings are equal.
#[inline]
pub(crate) fn eq(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let (words_a, words_b) = (a.as_chunks::<8>().0, b.as_chunks::<8>().0);
    if words_a.iter().zip(words_b).any(|(a, b)| u64::from_le_bytes(*a) != u64::from_le_bytes(*b)) {
        return false;
    }
    // The rest overlaps the compared part, or is short.
    if let (Some(a), Some(b)) = (a.last_chunk::<8>(), b.last_chunk::<8>()) {
        return u64::from_le_bytes(*a) == u64::from_le_bytes(*b);
    }
    if let (Some(first_a), Some(first_b), Some(last_a), Some(last_b)) =
        (a.first_chunk::<4>(), b.first_chunk::<4>(), a.last_chunk::<4>(), b.last_chunk::<4>())
    {
        return first_a == first_b && last_a == last_b;
    }
    a.iter().zip(b).all(|(a, b)| a == b)
}

/// Returns the rest of `text` after `prefix`.
#[inline]
pub(crate) fn strip_prefix<'t>(text: &'t [u8], prefix: &[u8]) -> Option<&'t [u8]> {
    let (head, tail) = text.split_at_checked(prefix.len())?;
    eq(head, prefix).then_some(tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts() {
        for length in 0..40 {
            let a: Vec<u8> = (0..length).collect();
            assert!(eq(&a, &a.clone()));
            assert!(!eq(&a, &[a.as_slice(), &[0]].concat()));
            for at in 0..a.len() {
                let mut b = a.clone();
                b[at] ^= 0x80;
                assert!(!eq(&a, &b), "{at} of {length}");
                assert_eq!(strip_prefix(&a, &a[..at]), Some(&a[at..]));
                assert_eq!(strip_prefix(&a, &b[..=at]), None);
            }
            assert_eq!(strip_prefix(&a, &[a.as_slice(), &[0]].concat()), None);
        }
    }
}
