//! `*` and `?`, for the checks of this crate. Decisions are made by the evaluator's own compiled matcher.

/// Whether `pattern` matches all of `text`: `*` any run, `?` one character; case counts.
///
/// Takes time proportional to the product of both lengths at worst, and no more space than itself.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    covers(pattern, text, |_| false)
}

/// Whether everything that `inner` matches is matched by `outer` as well: wildcards of `inner` count as characters
/// that only a wildcard covers.
pub(crate) fn includes(outer: &str, inner: &str) -> bool {
    covers(outer, inner, |character| matches!(character, '*' | '?'))
}

fn covers(pattern: &str, text: &str, is_wild: fn(char) -> bool) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    // Where to go on when the run that the last `*` stands for has to be one character longer.
    let mut retry = None;
    loop {
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
    fn inclusion() {
        let check = |outer, inner, expected| assert_eq!(includes(outer, inner), expected, "{outer} {inner}");
        check("*", "*", true);
        check("s3:*", "s3:Get*", true);
        check("s3:Get*", "s3:*", false);
        check("s3:Get?", "s3:Get?", true);
        check("s3:Get?", "s3:Get*", false);
        check("s3:Get*", "s3:Get?", true);
        check("s3:GetObject", "s3:Get*", false);
        check("a*b", "a*b", true);
    }
}
