//! `*` and `?`, for the checks of this crate. Decisions are made by the evaluator's own compiled matcher.

use std::cell::Cell;

/// A budget for checks against the names of a catalogue.
#[derive(Debug)]
pub(crate) struct Steps(Cell<u64>);

impl Steps {
    pub(crate) fn new(most: u64) -> Self {
        Self(Cell::new(most))
    }

    /// Subtracts steps and returns whether they were available.
    pub(crate) fn take(&self, count: usize) -> bool {
        self.0.set(self.0.get().saturating_sub(count as u64));
        !self.are_spent()
    }

    pub(crate) fn are_spent(&self) -> bool {
        self.0.get() == 0
    }

    /// [`matches`]; without steps, yes.
    pub(crate) fn matches(&self, pattern: &str, text: &str) -> bool {
        let before = usize::try_from(self.0.get()).unwrap_or(usize::MAX);
        let mut left = before;
        let matches = covers(pattern, text, |_| false, &mut left);
        !self.take((before - left).saturating_add(4)) || matches
    }

    /// [`intersect`]; without steps, yes.
    pub(crate) fn intersect(&self, one: &str, other: &str) -> bool {
        !self.take(200 + one.len().saturating_mul(other.len())) || intersect(one, other)
    }
}

/// Whether `pattern` matches all of `text`: `*` any run, `?` one character; case counts.
///
/// Takes time proportional to the product of both lengths at worst, and no more space than itself.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut steps = usize::MAX;
    covers(pattern, text, |_| false, &mut steps)
}

/// Whether everything that `inner` matches is matched by `outer` as well: wildcards of `inner` count as characters
/// that only a wildcard covers. It takes away from `steps` what it needs, and when there are none left says no.
pub(crate) fn includes(outer: &str, inner: &str, steps: &mut usize) -> bool {
    covers(outer, inner, |character| matches!(character, '*' | '?'), steps)
}

/// Returns whether some text matches both patterns. Very long patterns are assumed to intersect.
pub(crate) fn intersect(one: &str, other: &str) -> bool {
    const LONGEST: usize = 2048;
    if one.len() > LONGEST || other.len() > LONGEST {
        return true;
    }
    let other: Vec<char> = other.chars().collect();
    // reached[at]: a text was found for all of `one` so far and for the first `at` characters of `other`.
    let mut reached = vec![false; other.len() + 1];
    reached[0] = true;
    let spread = |reached: &mut Vec<bool>| {
        for at in 0..other.len() {
            reached[at + 1] |= reached[at] && other[at] == '*';
        }
    };
    spread(&mut reached);
    for wanted in one.chars() {
        let mut next = vec![false; reached.len()];
        for at in 0..=other.len() {
            if wanted == '*' {
                // The run of `one` is empty, or takes one more character of `other`.
                next[at] |= reached[at] || at > 0 && next[at - 1];
            } else if reached[at] && at < other.len() {
                match other[at] {
                    '*' => next[at] = true,
                    found => next[at + 1] |= found == wanted || found == '?' || wanted == '?',
                }
            }
            // A `*` of `other` that stays takes what `one` wants.
            if wanted != '*' && at > 0 && other[at - 1] == '*' && reached[at] {
                next[at] = true;
            }
        }
        reached = next;
        spread(&mut reached);
    }
    reached[other.len()]
}

fn covers(pattern: &str, text: &str, is_wild: fn(char) -> bool, steps: &mut usize) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on when the run that the last `*` stands for has to be one character longer.
    let mut retry = None;
    loop {
        if *steps == 0 {
            return false;
        }
        *steps -= 1;
        let mut rest = pattern.clone();
        let mut ahead = text.clone();
        match (rest.next(), ahead.next()) {
            (Some('*'), _) => {
                retry = Some((rest.clone(), text.clone()));
                pattern = rest;
                continue;
            }
            (None, None) => return true,
            // A `?` covers a `?`, but not the run that a `*` stands for.
            (Some('?'), Some(other)) if !(is_wild(other) && other == '*') => {
                (pattern, text) = (rest, ahead);
                continue;
            }
            (Some(wanted), Some(other)) if wanted == other && !is_wild(other) => {
                (pattern, text) = (rest, ahead);
                continue;
            }
            _ => {}
        }
        let Some((after, mut longer)) = retry.take() else { return false };
        if longer.next().is_none() {
            return false;
        }
        retry = Some((after.clone(), longer.clone()));
        (pattern, text) = (after, longer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards() {
        let check =
            |pattern: &str, text: &str, expected| assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        check("", "", true);
        check("", "a", false);
        check("*", "", true);
        check("a*c", "abbc", true);
        check("a*c", "abbcd", false);
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("*a*b*", "xxaxxbxx", true);
        check("*ab", "aab", true);
        check("?*?", "a", false);
        check("**", "", true);
        check(&"*a".repeat(50), &"a".repeat(49), false);
        check("A", "a", false);
    }

    #[test]
    fn meeting() {
        let check = |one: &str, other: &str, expected| {
            assert_eq!((intersect(one, other), intersect(other, one)), (expected, expected), "{one} {other}");
        };
        check("", "", true);
        check("*", "", true);
        check("a", "", false);
        check("abc", "abc", true);
        check("abc", "abd", false);
        check("a*", "*b", true);
        check("a*c", "ab*", true);
        check("a*c", "b*", false);
        check("a?c", "a*", true);
        check("?", "*", true);
        check("ab?", "ab", false);
        check("user/*", "*", true);
        check("user/*", "us*/x", true);
        check("user/*", "role/*", false);
        check("*a*b", "*b*a", false);
        check("*a*b*", "*b*a", true);
        check("x*y", "x?", true);
        check("x*yz", "x?", false);
    }

    #[test]
    fn inclusion() {
        let check = |outer, inner, expected| assert_eq!(includes(outer, inner, &mut 100), expected, "{outer} {inner}");
        check("*", "*", true);
        check("s3:*", "s3:Get*", true);
        check("s3:Get*", "s3:*", false);
        check("s3:Get?", "s3:Get?", true);
        check("s3:Get?", "s3:Get*", false);
        check("s3:Get*", "s3:Get?", true);
        check("s3:GetObject", "s3:Get*", false);
        check("a*b", "a*b", true);
        let (few, many) = ("a".repeat(98), "a".repeat(100));
        check(&few, &few, true);
        check(&many, &many, false);
    }
}
