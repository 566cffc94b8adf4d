//! Policy variables: `${key}`, `${key, 'default'}` and the escapes `${*}`, `${?}`, `${$}`.
//!
//! Only documents of version 2012-10-17 have them; the caller asks [`crate::Version::has_variables`] first.

use std::fmt;

/// A text, split into literal text and variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template<'a> {
    rest: &'a str,
    offset: usize,
}

/// One piece of a text with variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text as written, in which `*` and `?` mean what they mean there.
    Literal(&'a str),
    /// `${*}`, `${?}`, `${$}`: this character, never a wildcard.
    Escaped(char),
    /// `${key}` or `${key, 'default'}`.
    Variable {
        /// The condition key, compared without case.
        key: &'a str,
        /// The default if the request has no value.
        default: Option<&'a str>,
    },
}

/// An invalid variable. Each variant has the byte offset of the `$` within the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// No `}` follows.
    MissingBrace(usize),
    /// A default value without both quotes.
    MissingQuote(usize),
    /// `${}`.
    Empty(usize),
    /// A space within the variable's name.
    Space(usize),
    /// A character that no key has.
    Character(usize),
}

impl<'a> Template<'a> {
    /// Splits `text` into pieces, which the iterator returns.
    #[must_use]
    pub fn new(text: &'a str) -> Self {
        Self { rest: text, offset: 0 }
    }

    /// Returns whether `text` has a `${`: a cheap test before splitting.
    #[must_use]
    pub fn is_needed(text: &str) -> bool {
        text.contains("${")
    }

    /// Splits the whole text.
    ///
    /// # Errors
    /// The first invalid variable.
    pub fn parse(text: &'a str) -> Result<Vec<Piece<'a>>, TemplateError> {
        Self::new(text).collect()
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.offset += length;
        taken
    }

    fn variable(&mut self) -> Result<Piece<'a>, TemplateError> {
        let at = self.offset;
        let length = variable_length(self.rest).ok_or(TemplateError::MissingBrace(at))?;
        let inside = &self.take(length)[2..length - 1];
        if let "*" | "?" | "$" = inside {
            return Ok(Piece::Escaped(inside.chars().next().unwrap_or('$')));
        }
        let (key, default) = match inside.split_once(',') {
            None => (inside, None),
            Some((key, default)) => (key, Some(unquote(default).ok_or(TemplateError::MissingQuote(at))?)),
        };
        if key.trim_matches(' ').is_empty() {
            return Err(TemplateError::Empty(at));
        }
        let key = if default.is_some() { key.trim_end_matches(' ') } else { key };
        if key.contains(' ') {
            return Err(TemplateError::Space(at));
        }
        if key.contains(['$', '{', '\'', '"', '*', '?']) || key.chars().any(char::is_control) {
            return Err(TemplateError::Character(at));
        }
        Ok(Piece::Variable { key, default })
    }
}

impl<'a> Iterator for Template<'a> {
    type Item = Result<Piece<'a>, TemplateError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        match self.rest.find("${") {
            Some(0) => {
                let piece = self.variable();
                if piece.is_err() {
                    self.rest = "";
                }
                Some(piece)
            }
            Some(length) => Some(Ok(Piece::Literal(self.take(length)))),
            None => Some(Ok(Piece::Literal(self.take(self.rest.len())))),
        }
    }
}

/// Length of the variable that `text` begins with, `${` and `}` included. A `}` within quotes does not end it.
fn variable_length(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate().skip(2) {
        match byte {
            b'\'' => quoted = !quoted,
            b'}' if !quoted => return Some(at + 1),
            _ => {}
        }
    }
    // An odd quote: the first brace ends it, and the quote is what is wrong.
    text.find('}').map(|at| at + 1)
}

fn unquote(text: &str) -> Option<&str> {
    let inside = text.trim_matches(' ').strip_prefix('\'')?.strip_suffix('\'')?;
    (!inside.contains('\'')).then_some(inside)
}

impl TemplateError {
    /// The byte offset of the variable's `$` within the text.
    #[must_use]
    pub fn offset(self) -> usize {
        match self {
            Self::MissingBrace(at)
            | Self::MissingQuote(at)
            | Self::Empty(at)
            | Self::Space(at)
            | Self::Character(at) => at,
        }
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MissingBrace(_) => "policy variable without closing brace",
            Self::MissingQuote(_) => "default value of a policy variable without both single quotes",
            Self::Empty(_) => "policy variable without a name",
            Self::Space(_) => "policy variable with a space in its name",
            Self::Character(_) => "policy variable with a character that no key has",
        })
    }
}

impl std::error::Error for TemplateError {}

#[cfg(test)]
mod tests;
