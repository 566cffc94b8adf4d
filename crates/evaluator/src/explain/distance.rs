//! The distance of a text from a pattern that does not match it.

/// The budget of an explanation, in cells of tables.
pub(super) struct Budget(usize);

impl Default for Budget {
    fn default() -> Self {
        Self(1_000_000)
    }
}

/// The longest part of a text that is compared after the common prefix.
const LONGEST: usize = 256;

/// Returns the index of the first pattern with the smallest distance to a text, and that distance.
pub(super) fn closest<'a>(patterns: impl Iterator<Item = &'a str>, text: &str, budget: &mut Budget) -> (usize, usize) {
    let edits = patterns.map(|pattern| edits(pattern, text, budget)).enumerate();
    edits.min_by_key(|(_, edits)| *edits).unwrap_or((0, usize::MAX))
}

/// Returns the number of characters to insert, delete or replace for a pattern to match. `*` and `?` are free.
pub(super) fn edits(pattern: &str, text: &str, budget: &mut Budget) -> usize {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let same = pattern.iter().zip(text).take_while(|(p, t)| p == t && **p != b'*').count();
    let (pattern, text) = (&pattern[same..], &text[same..]);
    let (pattern, text) = (&pattern[..pattern.len().min(LONGEST)], &text[..text.len().min(LONGEST)]);
    let cells = (pattern.len() + 1) * (text.len() + 1);
    let Some(left) = budget.0.checked_sub(cells) else {
        // The longer the common beginning, the closer.
        return pattern.len().max(text.len());
    };
    budget.0 = left;
    let mut above: Vec<usize> = (0..=text.len()).collect();
    let mut row = vec![0; text.len() + 1];
    for p in pattern {
        row[0] = above[0] + usize::from(*p != b'*');
        for (at, t) in text.iter().enumerate() {
            row[at + 1] = match p {
                b'*' => above[at + 1].min(row[at]),
                b'?' => above[at],
                p => (above[at] + usize::from(p != t)).min(above[at + 1] + 1).min(row[at] + 1),
            };
        }
        std::mem::swap(&mut above, &mut row);
    }
    above[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (pattern, text, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "ac", 1),
            ("ac", "abc", 1),
            ("s3:put*", "s3:getobject", 2),
            ("*", "anything", 0),
            ("a*c", "abbbc", 0),
            ("a*c", "abbbd", 1),
            ("a?c", "axc", 0),
            ("iam:createusr", "iam:createuser", 1),
            ("arn:aws:s3:::c/*", "arn:aws:s3:::b/k", 1),
            ("", "abc", 3),
        ] {
            assert_eq!(edits(pattern, text, &mut Budget::default()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn long_texts_and_many_patterns_stay_within_the_budget() {
        let (pattern, text) = (format!("{}*b", "ab".repeat(3_000)), "a".repeat(2_048));
        let mut budget = Budget::default();
        for _ in 0..1_000 {
            assert!(edits(&pattern, &text, &mut budget) <= LONGEST);
        }
        assert!(budget.0 < 100_000);
        assert_eq!(closest(["b", "ab", "ab"].into_iter(), "ab", &mut budget), (1, 0));
    }
}
