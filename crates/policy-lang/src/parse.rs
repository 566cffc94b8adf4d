//! From text to [`Document`].

use crate::document::Document;
use crate::error::{ErrorKind, PolicyError, UnlocatedError};
use crate::grammar;
use crate::json::{Paths, Tree};
use crate::kind::PolicyKind;
use crate::path::Path;
use crate::span::{Position, Span};

/// Bounds on the text of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest text in bytes. No text of more than 4 GiB is read, whatever this says.
    pub max_bytes: usize,
    /// Deepest nesting of objects and arrays; a policy needs six levels. At most 128, whatever this says.
    pub max_depth: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 128 * 1024, max_depth: 20 }
    }
}

/// Parses a policy document of the given kind, within the default [`Limits`].
///
/// # Errors
/// The first error of the text.
pub fn parse(text: &str, kind: PolicyKind) -> Result<Document, PolicyError> {
    parse_with(text, kind, &Limits::default())
}

/// Parses a policy document of the given kind.
///
/// # Errors
/// The first error of the text.
pub fn parse_with(text: &str, kind: PolicyKind, limits: &Limits) -> Result<Document, PolicyError> {
    let tree = read_tree(text, kind, limits)?;
    let (outline, problems) = grammar::read(&tree, kind);
    match first(&tree, problems) {
        None => Ok(outline.document),
        Some(problem) => {
            let path = Paths::new(&tree).at(problem.span.start.offset);
            Err(problem.at(path, kind))
        }
    }
}

/// Parses a policy document and returns all of its errors, in the order of the text.
///
/// # Errors
/// All errors; when the text is not even JSON, the first.
pub fn parse_all(text: &str, kind: PolicyKind, limits: &Limits) -> Result<Document, Vec<PolicyError>> {
    let tree = read_tree(text, kind, limits).map_err(|error| vec![error])?;
    let (outline, mut problems) = grammar::read(&tree, kind);
    problems.extend(tree.duplicates.iter().cloned());
    if problems.is_empty() {
        return Ok(outline.document);
    }
    problems.sort_by_key(|problem| problem.span);
    Err(locate(&tree, kind, problems))
}

pub(crate) fn read_tree<'a>(text: &'a str, kind: PolicyKind, limits: &Limits) -> Result<Tree<'a>, PolicyError> {
    let longest = limits.max_bytes.min(u32::MAX as usize);
    if text.len() > longest {
        let found = format!("{} bytes", text.len());
        let problem =
            UnlocatedError::new(ErrorKind::TooLong, Span::default(), found, format!("at most {longest} bytes"));
        return Err(problem.at(Path::default(), kind));
    }
    // ASCII characters that policies exclude are not valid JSON either.
    let is_exempt = !kind.is_latin() || text.is_ascii();
    let excluded = if is_exempt { None } else { text.char_indices().find(|&(_, c)| !is_latin(c)) };
    if let Some((at, character)) = excluded.filter(|&(_, c)| c != '\u{feff}') {
        let found = format!("the character U+{:04X}", u32::from(character));
        let expected = "characters from U+0020 to U+00FF, tab and line breaks (others as `\\u` escapes)";
        let start = position_of(text, at);
        let mut end = start;
        end.offset += character.len_utf8() as u32;
        end.column += 1;
        let problem = UnlocatedError::new(ErrorKind::Character, Span { start, end }, found, expected);
        return Err(problem.at(Path::default(), kind));
    }
    Tree::read(text, limits.max_depth.min(128)).map_err(|problem| problem.at(Path::default(), kind))
}

fn is_latin(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}')
}

fn position_of(text: &str, at: usize) -> Position {
    let before = text.get(..at).unwrap_or("");
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Position {
        offset: at as u32,
        line: before.matches('\n').count() as u32 + 1,
        column: before[line_start..].chars().count() as u32 + 1,
    }
}

fn first(tree: &Tree<'_>, problems: Vec<UnlocatedError>) -> Option<UnlocatedError> {
    // A repeated key makes everything else ambiguous, so it is reported first.
    tree.duplicates.first().cloned().or_else(|| problems.into_iter().min_by_key(|problem| problem.span))
}

/// Gives problems their paths.
pub(crate) fn locate(
    tree: &Tree<'_>,
    kind: PolicyKind,
    problems: impl IntoIterator<Item = UnlocatedError>,
) -> Vec<PolicyError> {
    let paths = Paths::new(tree);
    problems
        .into_iter()
        .map(|problem| (paths.at(problem.span.start.offset), problem))
        .map(|(path, problem)| problem.at(path, kind))
        .collect()
}
