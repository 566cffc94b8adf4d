//! A JSON parser with the location of every value. It refuses repeated keys and preserves the text of numbers.
//!
//! The text is read once, in linear time, into one flat list of nodes that borrow from it. Depth is bounded, so the
//! reader cannot run out of stack; size is bounded by the caller.

mod paths;
mod string;

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::{ErrorKind, UnlocatedError};
use crate::span::{Position, Span};
pub(crate) use paths::Paths;

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NodeKind {
    Object,
    Array,
    /// Without escapes: the text between the quotes is the value.
    PlainString,
    /// With escapes: decoded when asked for.
    EscapedString,
    Number,
    Bool,
    Null,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    kind: NodeKind,
    span: Span,
    /// Index of the node after this one and all that it holds.
    next: u32,
}

/// A text read as JSON.
#[derive(Debug)]
pub(crate) struct Tree<'a> {
    text: &'a str,
    entries: Vec<Entry>,
    /// Repeated keys of objects: each is an error, but parsing continues.
    pub(crate) duplicates: Vec<UnlocatedError>,
}

/// A value within a [`Tree`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node<'t, 'a> {
    tree: &'t Tree<'a>,
    index: u32,
}

impl<'a> Tree<'a> {
    /// Reads `text`. The caller has bounded its length, so that an offset fits into 32 bits.
    pub(crate) fn read(text: &'a str, max_depth: usize) -> Result<Self, UnlocatedError> {
        let entries = Vec::with_capacity(text.len() / 24 + 8);
        let tree = Tree { text, entries, duplicates: Vec::new() };
        let mut reader = Reader { tree, bytes: text.as_bytes(), at: 0, line: 1, line_start: 0, depth_left: max_depth };
        if text.starts_with('\u{feff}') {
            return Err(reader.unexpected("a JSON object without byte order mark"));
        }
        reader.skip_space();
        reader.value()?;
        reader.skip_space();
        if reader.at < reader.bytes.len() {
            return Err(reader.unexpected("nothing after the document"));
        }
        Ok(reader.tree)
    }

    pub(crate) fn root(&self) -> Node<'_, 'a> {
        self.node(0)
    }

    pub(crate) fn node(&self, index: u32) -> Node<'_, 'a> {
        Node { tree: self, index }
    }

    /// The last node that begins at `offset` or before it; the root, where none does.
    pub(crate) fn node_at(&self, offset: u32) -> Node<'_, 'a> {
        let after = self.entries.partition_point(|entry| entry.span.start.offset <= offset);
        self.node(after.saturating_sub(1) as u32)
    }

    /// Returns the parent of each node, by node index.
    pub(crate) fn parents(&self) -> Vec<ParentLink> {
        let mut parents = vec![ParentLink { parent: None, ordinal: 0, key: None }; self.entries.len()];
        for index in 0..self.entries.len() as u32 {
            let node = self.node(index);
            let mut hang = |child: Node<'_, '_>, ordinal, key| {
                parents[child.index()] = ParentLink { parent: Some(index), ordinal, key };
            };
            for (item, ordinal) in node.items().zip(0..) {
                hang(item, ordinal, None);
            }
            for ((key, value), ordinal) in node.members().zip(0..) {
                hang(key, ordinal, None);
                hang(value, ordinal, Some(key.index));
            }
        }
        parents
    }
}

/// The parent of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ParentLink {
    /// The array or object that it is in.
    pub(crate) parent: Option<u32>,
    /// The position in the parent.
    pub(crate) ordinal: u32,
    /// For the value of a member, its key.
    pub(crate) key: Option<u32>,
}

impl<'t, 'a> Node<'t, 'a> {
    fn entry(&self) -> &'t Entry {
        &self.tree.entries[self.index as usize]
    }

    pub(crate) fn kind(&self) -> NodeKind {
        self.entry().kind
    }

    pub(crate) fn span(&self) -> Span {
        self.entry().span
    }

    pub(crate) fn index(&self) -> usize {
        self.index as usize
    }

    pub(crate) fn is_object(&self) -> bool {
        self.kind() == NodeKind::Object
    }

    pub(crate) fn is_string(&self) -> bool {
        matches!(self.kind(), NodeKind::PlainString | NodeKind::EscapedString)
    }

    /// Where AWS's policy simulator has the start of a statement: see [`crate::Statement::simulator_start`].
    pub(crate) fn simulator_start(&self) -> Position {
        let start = self.span().start;
        let before = &self.tree.text[..start.offset as usize];
        let trimmed = before.trim_end_matches([' ', '\t', '\r', '\n']);
        if trimmed.ends_with(':') {
            return Position { offset: start.offset + 1, column: start.column + 1, ..start };
        }
        let space = &before[trimmed.len()..];
        let column = if space.contains('\n') {
            let line = trimmed.rsplit('\n').next().unwrap_or(trimmed);
            line.chars().count() as u32 + 1
        } else {
            start.column - space.len() as u32
        };
        let line = start.line - space.matches('\n').count() as u32;
        Position { offset: trimmed.len() as u32, line, column }
    }

    /// The text as it was written, quotes included.
    pub(crate) fn raw(&self) -> &'a str {
        self.span().of(self.tree.text)
    }

    /// A string's value; of anything else, the text as it was written.
    pub(crate) fn text(&self) -> Cow<'a, str> {
        let raw = self.raw();
        match self.kind() {
            NodeKind::PlainString => Cow::Borrowed(&raw[1..raw.len() - 1]),
            NodeKind::EscapedString => Cow::Owned(string::decode(&raw[1..raw.len() - 1])),
            _ => Cow::Borrowed(raw),
        }
    }

    /// The values of an array; of anything else, none.
    pub(crate) fn items(&self) -> impl Iterator<Item = Node<'t, 'a>> + use<'t, 'a> {
        self.children(NodeKind::Array)
    }

    /// The members of an object; of anything else, none.
    pub(crate) fn members(&self) -> impl Iterator<Item = (Node<'t, 'a>, Node<'t, 'a>)> + use<'t, 'a> {
        let mut children = self.children(NodeKind::Object);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// The JSON type in words, for messages.
    pub(crate) fn describe(&self) -> &'static str {
        match self.kind() {
            NodeKind::Object => "an object",
            NodeKind::Array => "an array",
            NodeKind::PlainString | NodeKind::EscapedString => "a string",
            NodeKind::Number => "a number",
            NodeKind::Bool => "a boolean",
            NodeKind::Null => "null",
        }
    }

    fn children(&self, kind: NodeKind) -> impl Iterator<Item = Node<'t, 'a>> + use<'t, 'a> {
        let (tree, entry) = (self.tree, self.entry());
        let end = if entry.kind == kind { entry.next } else { 0 };
        let mut index = self.index + 1;
        std::iter::from_fn(move || {
            let child = (index < end).then_some(Node { tree, index })?;
            index = child.entry().next;
            Some(child)
        })
    }
}

struct Reader<'a> {
    tree: Tree<'a>,
    bytes: &'a [u8],
    at: usize,
    line: u32,
    /// Where the line would have begun if each of its characters so far were one byte.
    line_start: usize,
    depth_left: usize,
}

impl Reader<'_> {
    fn position(&self) -> Position {
        Position { offset: self.at as u32, line: self.line, column: (self.at - self.line_start) as u32 + 1 }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\n' => {
                    self.at += 1;
                    self.line += 1;
                    self.line_start = self.at;
                }
                _ => return,
            }
        }
    }

    /// Adds a node that begins here; its end is filled in by [`Self::close`].
    fn open(&mut self, kind: NodeKind) -> usize {
        let start = self.position();
        self.tree.entries.push(Entry { kind, span: Span { start, end: start }, next: 0 });
        self.tree.entries.len() - 1
    }

    fn close(&mut self, index: usize) {
        let (end, next) = (self.position(), self.tree.entries.len() as u32);
        let entry = &mut self.tree.entries[index];
        entry.span.end = end;
        entry.next = next;
    }

    fn value(&mut self) -> Result<(), UnlocatedError> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.nested(Self::object),
            Some(b'[') => self.nested(Self::array),
            Some(b't') => self.word("true", NodeKind::Bool),
            Some(b'f') => self.word("false", NodeKind::Bool),
            Some(b'n') => self.word("null", NodeKind::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.unexpected("a JSON value")),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<(), UnlocatedError>) -> Result<(), UnlocatedError> {
        let Some(left) = self.depth_left.checked_sub(1) else {
            let here = self.position();
            return Err(UnlocatedError::new(
                ErrorKind::TooDeep,
                Span { start: here, end: here },
                "another level",
                "less nesting",
            ));
        };
        self.depth_left = left;
        read(self)?;
        self.depth_left += 1;
        Ok(())
    }

    fn object(&mut self) -> Result<(), UnlocatedError> {
        let index = self.open(NodeKind::Object);
        self.at += 1;
        self.skip_space();
        let mut keys = 0usize;
        if self.peek() == Some(b'}') {
            self.at += 1;
        } else {
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.unexpected(if keys == 0 { "a key in quotes or `}`" } else { "a key in quotes" }));
                }
                self.string()?;
                keys += 1;
                self.skip_space();
                self.expect(b':', "`:`")?;
                self.skip_space();
                self.value()?;
                self.skip_space();
                if self.separator(b'}', "`,` or `}`")? {
                    break;
                }
            }
        }
        self.close(index);
        if keys > 1 {
            self.refuse_duplicates(index, keys);
        }
        Ok(())
    }

    fn array(&mut self) -> Result<(), UnlocatedError> {
        let index = self.open(NodeKind::Array);
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(b']') {
            self.at += 1;
        } else {
            loop {
                self.value()?;
                self.skip_space();
                if self.separator(b']', "`,` or `]`")? {
                    break;
                }
            }
        }
        self.close(index);
        Ok(())
    }

    /// Reads a comma (false) or the end of the collection (true).
    fn separator(&mut self, end: u8, expected: &'static str) -> Result<bool, UnlocatedError> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.skip_space();
                Ok(false)
            }
            Some(byte) if byte == end => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.unexpected(expected)),
        }
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), UnlocatedError> {
        if self.peek() != Some(byte) {
            return Err(self.unexpected(expected));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &'static str, kind: NodeKind) -> Result<(), UnlocatedError> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.unexpected("a JSON value"));
        }
        let index = self.open(kind);
        self.at += word.len();
        self.close(index);
        Ok(())
    }

    fn number(&mut self) -> Result<(), UnlocatedError> {
        let index = self.open(NodeKind::Number);
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.close(index);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), UnlocatedError> {
        let begin = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at == begin { Err(self.unexpected("a digit")) } else { Ok(()) }
    }

    fn refuse_duplicates(&mut self, object: usize, keys: usize) {
        let tree = &self.tree;
        let node = Node { tree, index: object as u32 };
        let mut found = Vec::new();
        let mut report = |key: &Node<'_, '_>| {
            found.push(UnlocatedError::new(ErrorKind::DuplicateKey, key.span(), quoted(&key.text()), "each key once"));
        };
        if keys <= 8 {
            let mut seen: [Cow<'_, str>; 8] = Default::default();
            for (count, (key, _)) in node.members().enumerate() {
                let text = key.text();
                if seen[..count].contains(&text) {
                    report(&key);
                }
                seen[count] = text;
            }
        } else {
            let mut seen = HashSet::with_capacity(keys);
            for (key, _) in node.members() {
                if !seen.insert(key.text()) {
                    report(&key);
                }
            }
        }
        self.tree.duplicates.append(&mut found);
    }

    /// Returns the error for an unexpected character.
    fn unexpected(&self, expected: &'static str) -> UnlocatedError {
        let start = self.position();
        let next = self.tree.text.get(self.at..).and_then(|rest| rest.chars().next());
        let mut end = start;
        let found = match next {
            None => "the end of the text".to_owned(),
            Some(c) => {
                end.offset += c.len_utf8() as u32;
                end.column += 1;
                match c {
                    '\u{feff}' => "a byte order mark".to_owned(),
                    c if c.is_control() => format!("the control character U+{:04X}", u32::from(c)),
                    c => format!("`{c}`"),
                }
            }
        };
        UnlocatedError::new(ErrorKind::Json, Span { start, end }, found, expected)
    }
}

/// A caller's text for a message: in backticks, on one line, and no longer than one would read.
pub(crate) fn quoted(text: &str) -> String {
    const LONGEST: usize = 120;
    if text.is_empty() {
        return "an empty string".to_owned();
    }
    let (shown, rest) = match text.char_indices().nth(LONGEST) {
        None => (text, ""),
        Some((cut, _)) => (&text[..cut], "…"),
    };
    if !shown.contains(char::is_control) {
        return format!("`{shown}{rest}`");
    }
    let escape = |c: char| if c.is_control() { c.escape_debug().collect() } else { String::from(c) };
    format!("`{}{rest}`", shown.chars().map(escape).collect::<String>())
}

#[cfg(test)]
mod tests;
