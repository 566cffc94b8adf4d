//! ARN patterns of the ARN operators. Each of the six parts is matched separately.

use std::sync::Arc;

use crate::compile::Interner;
use crate::context::{Context, ContextKey};
use crate::glob::{self, Token};
use crate::pattern::{Syntax, cut, each_key, tokens_bytes, with_values};

/// A pattern of `ArnEquals`, `ArnLike` and their negations.
pub(crate) struct ArnPattern {
    pub(crate) source: Arc<str>,
    /// `None` if the pattern is not an ARN. It then matches nothing.
    parts: Option<Box<[Box<[Token]>; 6]>>,
}

impl ArnPattern {
    pub(crate) fn compile(text: &str, variables: bool, interner: &mut Interner) -> Self {
        let parts = cut(text, Syntax::Like, variables, interner).and_then(split);
        Self { source: interner.text(text), parts }
    }

    /// Returns whether the pattern matches an ARN that [`parts`] has split.
    pub(crate) fn matches(&self, value: &[&str; 6], context: &Context<'_>, steps: &mut u64) -> bool {
        *steps += 1;
        let Some(patterns) = &self.parts else { return false };
        patterns.iter().zip(value).all(|(tokens, part)| match &**tokens {
            [] => part.is_empty(),
            [Token::Text(text)] => **text == **part,
            [Token::Run { .. }] => true,
            tokens => with_values(tokens, context, steps, |values, steps| {
                glob::matches(tokens, values, part.as_bytes(), steps)
            })
            .unwrap_or(false),
        })
    }

    pub(crate) fn each_key<'a>(&'a self, visit: &mut dyn FnMut(&'a ContextKey)) {
        for part in self.parts.iter().flat_map(|parts| parts.iter()) {
            each_key(part, visit);
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.parts.as_ref().map_or(0, |parts| {
            size_of::<[Box<[Token]>; 6]>() + parts.iter().map(|part| tokens_bytes(part)).sum::<usize>()
        })
    }
}

/// Splits an ARN into its six parts. Returns `None` for any other text.
pub(crate) fn parts(value: &str) -> Option<[&str; 6]> {
    let mut rest = value.splitn(6, ':');
    let mut parts = [""; 6];
    for part in &mut parts {
        *part = rest.next()?;
    }
    (parts[0] == "arn").then_some(parts)
}

/// Splits tokens at their first five colons.
fn split(tokens: Vec<Token>) -> Option<Box<[Box<[Token]>; 6]>> {
    let mut parts = vec![Vec::new()];
    for token in tokens {
        let Token::Text(text) = token else {
            parts.last_mut()?.push(token);
            continue;
        };
        let room = 7 - parts.len();
        for (n, piece) in text.splitn(room, ':').enumerate() {
            if n > 0 {
                parts.push(Vec::new());
            }
            if !piece.is_empty() {
                parts.last_mut()?.push(Token::Text(piece.into()));
            }
        }
    }
    let parts: Vec<Box<[Token]>> = parts.into_iter().map(Vec::into_boxed_slice).collect();
    parts.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ContextValue;

    fn check(pattern: &str, value: &str, expected: bool) {
        let pattern_ = ArnPattern::compile(pattern, true, &mut Interner::default());
        let keys = [("aws:username", ContextValue::One("b:c")), ("aws:star", ContextValue::One("*"))];
        let matched = parts(value).is_some_and(|value| pattern_.matches(&value, &Context::new(&[&keys]), &mut 0));
        assert_eq!(matched, expected, "{pattern} {value}");
    }

    #[test]
    fn each_part_is_matched_separately() {
        let queue = "arn:aws:sqs:eu-west-1:111122223333:orders";
        for (pattern, value, expected) in [
            (queue, queue, true),
            ("arn:aws:sqs:*:*:*", queue, true),
            ("arn:aws:sqs:*", queue, false),
            ("arn:*:orders", queue, false),
            ("*", queue, false),
            ("*:*:*:*:*:*", queue, true),
            ("arn:aws:sqs:eu-*-1:1111????3333:o*s", queue, true),
            ("arn:aws:sqs:*:111122223333:orders:*", queue, false),
            ("arn:aws:SQS:*:*:*", queue, false),
            ("arn:aws:s3:::b/*", "arn:aws:s3:::b/a:b:c", true),
            ("arn:aws:s3:*:*:c", "arn:aws:s3:::b:c", false),
            ("arn:aws:s3:::${aws:username}", "arn:aws:s3:::b:c", true),
            ("arn:aws:s3::${aws:username}", "arn:aws:s3::b:c", false),
            ("arn:aws:s3:::${aws:star}", "arn:aws:s3:::x", false),
            ("arn:aws:s3:::${aws:star}", "arn:aws:s3:::*", true),
            ("arn:aws:s3:::${aws:nobody}", "arn:aws:s3:::", false),
            ("arn:aws:s3:::${aws:nobody, 'x'}", "arn:aws:s3:::x", true),
            ("arn:aws:s3:::${*}", "arn:aws:s3:::x", false),
            ("arn:aws:s3:::", "arn:aws:s3:::", true),
            ("arn:aws:s3:::*", "arn:aws:s3::", false),
            ("*:aws:s3:::*", "urn:aws:s3:::b", false),
            ("", "", false),
        ] {
            check(pattern, value, expected);
        }
    }
}
