//! Matching a text against wildcards, literal text and values from the request.
//!
//! Two kinds of `*` and `?` exist: those that match anything, and those that stop at a colon (within the first five
//! parts of an ARN pattern). Matching goes back to the last star only, of each kind. Where that takes more steps than
//! pattern and text have characters, a few times over, it changes over to [`linear`], which takes near linear time.

use crate::budget::is_spent;
use crate::context::ContextKey;
use std::sync::Arc;

/// One piece of a pattern.
#[derive(Debug)]
pub(crate) enum Token {
    /// Literal text.
    Text(Box<str>),
    /// `*`: any run of characters, without colons unless `colons`.
    Run { colons: bool },
    /// `?`: one character, no colon unless `colons`.
    One { colons: bool },
    /// A policy variable.
    Variable(Box<Variable>),
}

/// A policy variable.
#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) key: Arc<ContextKey>,
    pub(crate) default: Option<Box<str>>,
    /// Whether the value may have a colon, which it may not within the first five parts of an ARN pattern.
    pub(crate) colons: bool,
}

/// Returns whether the tokens match all of `text`. `values` has the texts of the variables, in order. Each visit of a
/// token counts as a step; a long text counts as several.
pub(crate) fn matches(tokens: &[Token], values: &[&str], text: &[u8], steps: &mut u64) -> bool {
    if let Some(Token::Text(last)) = tokens.last()
        && !text.ends_with(last.as_bytes())
    {
        *steps += 1;
        return false;
    }
    if is_spent(*steps) {
        return false;
    }
    let budget = 8 * (tokens.len() + text.len()) as u64 + 64;
    match greedy(tokens, values, text, budget, steps) {
        Some(answer) => answer,
        None => linear::matches(tokens, values, text, steps),
    }
}

/// The position to continue from when a token does not match: after a star, which then takes one more character.
#[derive(Clone, Copy)]
struct Resume {
    token: usize,
    value: usize,
    at: usize,
}

fn greedy(tokens: &[Token], values: &[&str], text: &[u8], budget: u64, steps: &mut u64) -> Option<bool> {
    let limit = *steps + budget;
    let (mut token, mut value, mut at) = (0, 0, 0);
    // INVARIANT: `within`, if set, is the later of the two. A star that takes anything makes all before it final: the
    // earliest match of what stands before it leaves it the longest run. So does one that stops at colons for others
    // that stop at colons: up to the next colon the earlier match leaves a superset of what a later one leaves, and a
    // literal colon between them can only be the next one.
    let (mut anything, mut within): (Option<Resume>, Option<Resume>) = (None, None);
    loop {
        *steps += 1;
        if *steps > limit {
            return None;
        }
        let matched = match tokens.get(token) {
            None => {
                if at == text.len() {
                    return Some(true);
                }
                false
            }
            Some(Token::Text(literal)) => {
                *steps += weight(literal.len());
                advance(text, &mut at, literal.as_bytes())
            }
            Some(Token::Variable(_)) => {
                value += 1;
                values.get(value - 1).is_some_and(|literal| {
                    *steps += weight(literal.len());
                    advance(text, &mut at, literal.as_bytes())
                })
            }
            Some(Token::One { colons }) => match text.get(at) {
                Some(byte) if *colons || *byte != b':' => {
                    at = next_character(text, at);
                    true
                }
                _ => false,
            },
            Some(Token::Run { colons }) => {
                let resume = Some(Resume { token: token + 1, value, at });
                if !colons {
                    within = resume;
                } else if token + 1 == tokens.len() {
                    return Some(true);
                } else {
                    (anything, within) = (resume, None);
                }
                true
            }
        };
        if matched {
            token += 1;
            continue;
        }
        if let Some(resume) = &mut within
            && text.get(resume.at).is_some_and(|byte| *byte != b':')
        {
            resume.at = next_character(text, resume.at);
            Resume { token, value, at } = *resume;
            continue;
        }
        within = None;
        let Some(resume) = &mut anything else { return Some(false) };
        if resume.at >= text.len() {
            return Some(false);
        }
        resume.at = next_character(text, resume.at);
        // The text behind the star must begin where its first byte is.
        if let Some(Token::Text(literal)) = tokens.get(resume.token)
            && let Some(first) = literal.as_bytes().first()
        {
            match text[resume.at..].iter().position(|byte| byte == first) {
                Some(skip) => {
                    *steps += 4 * weight(skip);
                    resume.at += skip;
                }
                None => {
                    *steps += 4 * weight(text.len() - resume.at);
                    return Some(false);
                }
            }
        }
        Resume { token, value, at } = *resume;
    }
}

/// The steps that comparing so many bytes takes, beyond the one of a short text.
pub(crate) fn weight(bytes: usize) -> u64 {
    bytes as u64 / 16
}

fn advance(text: &[u8], at: &mut usize, literal: &[u8]) -> bool {
    let matched = text[*at..].starts_with(literal);
    if matched {
        *at += literal.len();
    }
    matched
}

/// Where the character after the one at `at` begins.
fn next_character(text: &[u8], at: usize) -> usize {
    let continued = text[at + 1..].iter().take_while(|byte| is_continuation(**byte)).count();
    at + 1 + continued
}

/// Whether a byte is one of a character, but not its first.
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

mod linear;
#[cfg(test)]
mod tests;
