//! Places in the text of a document.

use std::fmt;

/// One place in a text.
///
/// The default is the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Bytes before this place.
    pub offset: u32,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1, as editors show it. AWS's findings count from 0: see [`Position::aws_column`].
    pub column: u32,
}

impl Position {
    /// The column as AWS's policy validation writes it, from 0.
    #[must_use]
    pub fn aws_column(self) -> u32 {
        self.column.saturating_sub(1)
    }
}

impl Default for Position {
    fn default() -> Self {
        Self { offset: 0, line: 1, column: 1 }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// A stretch of a text, from its first byte to the one after its last. Of a string it includes the quotes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// Where it begins.
    pub start: Position,
    /// Where the text after it begins.
    pub end: Position,
}

impl Span {
    /// The stretch of `text` that this span covers; empty where the span does not fit the text.
    #[must_use]
    pub fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start.offset as usize..self.end.offset as usize).unwrap_or("")
    }
}

/// A value and where it stood.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stood.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// Puts a value and its place together.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
