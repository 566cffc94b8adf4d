//! From the text of a pattern to what matches it.

use std::sync::Arc;

use bailiwick_policy_lang::{Piece, Template};

use crate::budget::is_spent;
use crate::bytes;
use crate::compile::Interner;
use crate::context::{Context, ContextKey, ContextValue, Rendered};
use crate::fold;
use crate::glob::{self, Token, Variable, weight};

/// A compiled text of a policy: of `Resource`, or a value of a String or Bool operator.
#[derive(Debug)]
pub(crate) struct Pattern {
    /// As the document has it.
    pub(crate) source: Arc<str>,
    pub(crate) form: Form,
}

/// How a pattern is matched, the common forms apart.
#[derive(Debug)]
pub(crate) enum Form {
    /// A lone `*`.
    Everything,
    /// The source itself.
    Exact,
    /// The source without the `*` at its end, and anything behind it.
    Prefix,
    /// Anything else.
    Tokens(Box<[Token]>),
    /// A broken variable, which the parser refuses: matches nothing.
    Nothing,
}

/// What the characters of a text mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Syntax {
    /// An ARN pattern: wildcards in one of the first five parts stop at colons, but for a `*` at the part's end.
    Resource,
    /// `*` and `?` match anything.
    Like,
    /// No wildcards.
    Plain,
}

impl Pattern {
    pub(crate) fn compile(text: &str, syntax: Syntax, variables: bool, interner: &mut Interner) -> Self {
        let source = interner.text(text);
        let form = if text == "*" && syntax != Syntax::Plain {
            Form::Everything
        } else {
            let special = |byte: &u8| matches!(byte, b'*' | b'?');
            let variables = variables && Template::is_needed(text);
            let wildcard = if syntax == Syntax::Plain { None } else { text.as_bytes().iter().position(special) };
            match wildcard {
                _ if variables => Self::tokens(text, syntax, true, interner),
                None => Form::Exact,
                Some(at) if at + 1 == text.len() && text.ends_with('*') => Form::Prefix,
                Some(_) => Self::tokens(text, syntax, false, interner),
            }
        };
        Self { source, form }
    }

    fn tokens(text: &str, syntax: Syntax, variables: bool, interner: &mut Interner) -> Form {
        match cut(text, syntax, variables, interner) {
            Some(tokens) => Form::Tokens(tokens.into()),
            None => Form::Nothing,
        }
    }

    /// The text that everything it matches begins with.
    pub(crate) fn head(&self) -> &str {
        match &self.form {
            Form::Everything | Form::Nothing => "",
            Form::Exact => &self.source,
            Form::Prefix => &self.source[..self.source.len() - 1],
            Form::Tokens(tokens) => match tokens.first() {
                Some(Token::Text(text)) => text,
                _ => "",
            },
        }
    }

    /// Of an ARN pattern with wildcards before its sixth part: the text that this part begins with.
    pub(crate) fn tail(&self) -> Option<&str> {
        let Form::Tokens(tokens) = &self.form else { return None };
        let mut colons = 0;
        for (at, token) in tokens.iter().enumerate() {
            let Token::Text(text) = token else { continue };
            for (offset, _) in text.match_indices(':') {
                colons += 1;
                if colons == 5 {
                    let tail = &text[offset + 1..];
                    return (at > 0 && !tail.is_empty()).then_some(tail);
                }
            }
        }
        None
    }

    /// Whether it matches a text.
    pub(crate) fn matches(&self, text: &[u8], context: &Context<'_>, steps: &mut u64) -> bool {
        *steps += 1;
        match &self.form {
            Form::Everything => true,
            Form::Exact => bytes::eq(self.source.as_bytes(), text),
            Form::Prefix => bytes::strip_prefix(text, &self.source.as_bytes()[..self.source.len() - 1]).is_some(),
            Form::Tokens(tokens) => {
                if let Some(Token::Text(first)) = tokens.first()
                    && bytes::strip_prefix(text, first.as_bytes()).is_none()
                {
                    return false;
                }
                with_values(tokens, context, steps, |values, steps| glob::matches(tokens, values, text, steps))
                    .unwrap_or(false)
            }
            Form::Nothing => false,
        }
    }

    /// The keys of its variables.
    pub(crate) fn each_key<'a>(&'a self, visit: &mut dyn FnMut(&'a ContextKey)) {
        if let Form::Tokens(tokens) = &self.form {
            each_key(tokens, visit);
        }
    }

    /// Memory of its own, beside the interned source.
    pub(crate) fn heap_bytes(&self) -> usize {
        match &self.form {
            Form::Tokens(tokens) => tokens_bytes(tokens),
            _ => 0,
        }
    }

    /// Whether it is a text but for case. Of a pattern without wildcards.
    pub(crate) fn equals_fold(&self, text: &str, context: &Context<'_>, steps: &mut u64) -> bool {
        let is_plain = !matches!(self.form, Form::Tokens(_)) && text.is_ascii() && self.source.is_ascii();
        *steps += 1 + if is_plain { weight(text.len()) } else { FOLDING * text.len() as u64 };
        match &self.form {
            Form::Tokens(tokens) => {
                let equal = with_values(tokens, context, steps, |values, _| {
                    let mut values = values.iter();
                    let pieces = tokens.iter().map(|token| match token {
                        Token::Text(text) => text,
                        _ => values.next().copied().unwrap_or_default(),
                    });
                    fold::eq_chars(pieces.flat_map(str::chars), text.chars())
                });
                equal.unwrap_or(false)
            }
            Form::Nothing => false,
            _ => fold::eq(&self.source, text),
        }
    }
}

/// Cuts a text into tokens; none when a variable is broken.
pub(crate) fn cut(text: &str, syntax: Syntax, variables: bool, interner: &mut Interner) -> Option<Vec<Token>> {
    let mut out = Cutter { tokens: Vec::new(), literal: String::new(), colons: 0, syntax };
    if !variables {
        out.literal(text, true);
        out.flush();
        return Some(out.tokens);
    }
    let mut pieces = Template::new(text).peekable();
    while let Some(piece) = pieces.next() {
        match piece.ok()? {
            Piece::Literal(literal) => out.literal(literal, pieces.peek().is_none()),
            Piece::Escaped(c) => out.literal.push(c),
            Piece::Variable { key, default } => {
                out.flush();
                let colons = out.beyond_parts();
                let variable = Variable { key: interner.key(key), default: default.map(Into::into), colons };
                out.tokens.push(Token::Variable(Box::new(variable)));
            }
        }
    }
    out.flush();
    Some(out.tokens)
}

pub(crate) fn each_key<'a>(tokens: &'a [Token], visit: &mut dyn FnMut(&'a ContextKey)) {
    for token in tokens {
        if let Token::Variable(variable) = token {
            visit(&variable.key);
        }
    }
}

pub(crate) fn tokens_bytes(tokens: &[Token]) -> usize {
    let own = |token: &Token| match token {
        Token::Text(text) => text.len(),
        Token::Variable(variable) => {
            size_of::<Variable>() + variable.default.as_ref().map_or(0, |default| default.len())
        }
        Token::Run { .. } | Token::One { .. } => 0,
    };
    tokens.iter().map(|token| size_of::<Token>() + own(token)).sum()
}

struct Cutter {
    tokens: Vec<Token>,
    literal: String,
    /// Colons of the pattern so far.
    colons: usize,
    syntax: Syntax,
}

impl Cutter {
    /// Whether what comes now may match colons.
    fn beyond_parts(&self) -> bool {
        self.syntax != Syntax::Resource || self.colons >= 5
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.tokens.push(Token::Text(std::mem::take(&mut self.literal).into()));
        }
    }

    fn literal(&mut self, text: &str, last: bool) {
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '*' if self.syntax != Syntax::Plain => {
                    let ends_part = match rest.peek() {
                        Some(next) => *next == ':',
                        None => last,
                    };
                    let free = ends_part || self.beyond_parts();
                    self.flush();
                    match self.tokens.last_mut() {
                        Some(Token::Run { colons }) => *colons |= free,
                        _ => self.tokens.push(Token::Run { colons: free }),
                    }
                }
                '?' if self.syntax != Syntax::Plain => {
                    self.flush();
                    let colons = self.beyond_parts();
                    self.tokens.push(Token::One { colons });
                }
                c => {
                    self.colons += usize::from(c == ':');
                    self.literal.push(c);
                }
            }
        }
    }
}

/// The steps that comparing a character without case takes beyond ASCII.
const FOLDING: u64 = 8;

/// How many variables are looked up without allocating.
const INLINE: usize = 4;

/// Looks up the variables among the tokens; none when one has no value that fits.
pub(crate) fn with_values<R>(
    tokens: &[Token],
    context: &Context<'_>,
    steps: &mut u64,
    then: impl FnOnce(&[&str], &mut u64) -> R,
) -> Option<R> {
    let mut variables = tokens.iter().filter_map(|token| match token {
        Token::Variable(variable) => Some(&**variable),
        _ => None,
    });
    let Some(first) = variables.next() else { return Some(then(&[], steps)) };
    let mut found = [Rendered::Text(""); INLINE];
    found[0] = resolve(first, context, steps)?;
    let mut count = 1;
    let mut more: Vec<Rendered<'_>> = Vec::new();
    for variable in variables {
        let value = resolve(variable, context, steps)?;
        match found.get_mut(count) {
            Some(slot) => *slot = value,
            None => more.push(value),
        }
        count += 1;
    }
    if more.is_empty() {
        let texts: [&str; INLINE] = std::array::from_fn(|n| found[n].as_str());
        Some(then(&texts[..count], steps))
    } else {
        let texts: Vec<&str> = found.iter().chain(&more).map(Rendered::as_str).collect();
        Some(then(&texts, steps))
    }
}

fn resolve<'a>(variable: &'a Variable, context: &Context<'a>, steps: &mut u64) -> Option<Rendered<'a>> {
    if is_spent(*steps) {
        return None;
    }
    *steps += 4;
    let value = match context.look_up(&variable.key, steps) {
        None => Rendered::Text(variable.default.as_deref()?),
        Some(ContextValue::Many(_)) => return None,
        Some(value) => value.rendered()?,
    };
    (variable.colons || !value.as_str().contains(':')).then_some(value)
}

#[cfg(test)]
mod tests;
