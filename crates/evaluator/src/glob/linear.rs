//! Matching that takes near linear time, whatever pattern and text.
//!
//! Stars that match anything cut a pattern into segments, each of which is best found as early as it can be. A segment
//! of literal text is searched for in linear time. One with `?`, or with stars that stop at colons, is run as an
//! automaton whose states are the bits of words: 64 pieces of it for each character of the text at once.

use std::borrow::Cow;

use super::{Token, is_continuation, weight};

/// As [`super::matches`].
pub(super) fn matches(tokens: &[Token], values: &[&str], text: &[u8], steps: &mut u64) -> bool {
    let readable = std::str::from_utf8(text).ok();
    let mut segments = tokens.split(|token| matches!(token, Token::Run { colons: true })).peekable();
    let (mut values, mut at, mut is_first) = (values.iter().copied(), 0, true);
    while let Some(tokens) = segments.next() {
        *steps += tokens.len() as u64 + 1;
        let Some(pieces) = pieces(tokens, &mut values) else { return false };
        // Each piece takes a byte at least.
        if pieces.iter().map(Piece::shortest).sum::<usize>() > text.len() - at {
            return false;
        }
        let is_last = segments.peek().is_none();
        let rest = &text[at..];
        let end = match literal(&pieces) {
            Some(literal) => {
                *steps += weight(literal.len());
                match (is_first, is_last) {
                    (true, true) => (*rest == *literal).then_some(rest.len()),
                    (true, false) => rest.starts_with(&literal).then_some(literal.len()),
                    (false, true) => rest.ends_with(&literal).then_some(rest.len()),
                    (false, false) => match (readable, std::str::from_utf8(&literal)) {
                        (Some(text), Ok(literal)) => {
                            let end = text.get(at..).and_then(|rest| rest.find(literal)).map(|at| at + literal.len());
                            *steps += 4 * weight(end.unwrap_or(rest.len()));
                            end
                        }
                        _ => Automaton::new(&pieces).run(rest, true, false, steps),
                    },
                }
            }
            None => Automaton::new(&pieces).run(rest, !is_first, is_last, steps),
        };
        let Some(end) = end else { return false };
        at += end;
        at += text[at..].iter().take_while(|byte| is_continuation(**byte)).count();
        is_first = false;
    }
    true
}

/// A token with the value of its variable.
enum Piece<'a> {
    Text(&'a [u8]),
    One {
        colons: bool,
    },
    /// A run without colons.
    Within,
}

impl Piece<'_> {
    fn shortest(&self) -> usize {
        match self {
            Piece::Text(text) => text.len(),
            Piece::One { .. } => 1,
            Piece::Within => 0,
        }
    }
}

/// The pieces of a segment; none where a value is missing.
fn pieces<'a>(tokens: &'a [Token], values: &mut impl Iterator<Item = &'a str>) -> Option<Vec<Piece<'a>>> {
    let piece = |token: &'a Token| {
        Some(match token {
            Token::Text(text) => Piece::Text(text.as_bytes()),
            Token::Variable(_) => Piece::Text(values.next()?.as_bytes()),
            Token::One { colons } => Piece::One { colons: *colons },
            Token::Run { .. } => Piece::Within,
        })
    };
    tokens.iter().map(piece).collect()
}

/// The text that a segment is, if it is one.
fn literal<'a>(pieces: &[Piece<'a>]) -> Option<Cow<'a, [u8]>> {
    match pieces {
        [Piece::Text(text)] => Some(Cow::Borrowed(*text)),
        pieces => {
            let text = |piece: &Piece<'a>| match piece {
                Piece::Text(text) => Some(*text),
                _ => None,
            };
            let texts: Option<Vec<&[u8]>> = pieces.iter().map(text).collect();
            Some(Cow::Owned(texts?.concat()))
        }
    }
}

/// A segment as an automaton. State *n* says that its first *n* bytes or `?` were found.
struct Automaton {
    states: usize,
    /// For each byte, `words` words: the states that it leads on from.
    leads: Vec<u64>,
    words: Vec<Word>,
}

/// Sixty-four states.
#[derive(Clone, Copy, Default)]
struct Word {
    /// Those that a `?` leads on from: one that takes colons, one that doesn't.
    any: u64,
    any_within: u64,
    /// Those that a run without colons keeps.
    run: u64,
    /// Those behind a `?`, kept for the rest of its character.
    behind: u64,
}

impl Automaton {
    fn new(pieces: &[Piece<'_>]) -> Self {
        let length = pieces.iter().map(Piece::shortest).sum::<usize>();
        let count = length / 64 + 1;
        let mut own = Automaton { states: 0, leads: vec![0; 256 * count], words: vec![Word::default(); count] };
        for piece in pieces {
            let (word, bit) = own.place();
            match piece {
                Piece::Text(text) => {
                    for byte in *text {
                        let (word, bit) = own.place();
                        own.leads[usize::from(*byte) * count + word] |= bit;
                        own.states += 1;
                    }
                }
                Piece::One { colons } => {
                    let kind = &mut own.words[word];
                    if *colons {
                        kind.any |= bit;
                    } else {
                        kind.any_within |= bit;
                    }
                    own.states += 1;
                    let (word, bit) = own.place();
                    own.words[word].behind |= bit;
                }
                Piece::Within => own.words[word].run |= bit,
            }
        }
        own
    }

    /// The word and the bit of the last state so far.
    fn place(&self) -> (usize, u64) {
        (self.states / 64, 1 << (self.states % 64))
    }

    /// Where the segment is first found to end, or whether it can end where the text does if that `is_last`. `anywhere`:
    /// whether it may begin behind the text's beginning.
    fn run(&self, text: &[u8], anywhere: bool, is_last: bool, steps: &mut u64) -> Option<usize> {
        let (last, end) = self.place();
        let mut reached = vec![0; self.words.len()];
        reached[0] = 1;
        *steps += self.states as u64 + 32;
        for (at, &byte) in text.iter().enumerate() {
            if !is_last && reached[last] & end != 0 {
                return Some(at);
            }
            *steps += self.words.len() as u64;
            let leads = &self.leads[usize::from(byte) * self.words.len()..];
            let all = |condition: bool| if condition { u64::MAX } else { 0 };
            let (begins, within, continues) =
                (all(!is_continuation(byte)), all(byte != b':'), all(is_continuation(byte)));
            let mut carried = 0;
            for ((reached, word), lead) in reached.iter_mut().zip(&self.words).zip(leads) {
                let on = *reached & (lead | (word.any | word.any_within & within) & begins);
                let stay = *reached & (word.run & within | word.behind & continues);
                *reached = on << 1 | carried | stay;
                carried = on >> 63;
            }
            reached[0] |= u64::from(anywhere);
        }
        (reached[last] & end != 0).then_some(text.len())
    }
}
