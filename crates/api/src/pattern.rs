//! Java regular expressions of the service models, matched against whole values.

use std::fmt;
use std::sync::{LazyLock, OnceLock};

use regex::Regex;

/// A Java regular expression that a whole value must match, as in the service models.
///
/// Most of these are one repeated character class, which is matched by a table instead of a regex engine.
pub struct Pattern {
    source: &'static str,
    matcher: OnceLock<Matcher>,
}

enum Matcher {
    Class(Class),
    Regex {
        regex: Regex,
        no_double_hyphen: bool,
    },
    /// An unsupported pattern matches nothing: refuse rather than accept.
    Nothing,
}

impl Pattern {
    /// Creates a pattern, which is parsed at the first match.
    pub const fn new(source: &'static str) -> Pattern {
        Pattern { source, matcher: OnceLock::new() }
    }

    /// Returns the pattern as in the model and in error messages.
    pub fn source(&self) -> &'static str {
        self.source
    }

    /// Returns whether it is supported; an unsupported pattern matches nothing.
    pub fn is_valid(&self) -> bool {
        !matches!(self.matcher(), Matcher::Nothing)
    }

    /// Returns whether the whole value matches.
    pub fn matches(&self, value: &str) -> bool {
        match self.matcher() {
            Matcher::Class(class) => class.matches(value),
            Matcher::Regex { regex, no_double_hyphen } => {
                regex.is_match(value) && !(*no_double_hyphen && value.contains("--"))
            }
            Matcher::Nothing => false,
        }
    }

    fn matcher(&self) -> &Matcher {
        self.matcher.get_or_init(|| {
            let source = self.source.strip_prefix('^').unwrap_or(self.source);
            let source = source.strip_suffix('$').unwrap_or(source);
            if let Some(class) = Class::parse(source) {
                return Matcher::Class(class);
            }
            // Account aliases: a hyphen with no hyphen after it. The engine has no look-ahead; every such hyphen of
            // that pattern is between letters or digits, so "no two in a row" is equivalent.
            let no_double_hyphen = source.contains("(?!-)");
            let translated = translate(&source.replace("(?!-)", ""));
            match Regex::new(&format!(r"\A(?:{translated})\z")) {
                Ok(regex) => Matcher::Regex { regex, no_double_hyphen },
                Err(_) => Matcher::Nothing,
            }
        })
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.source).finish()
    }
}

/// A character class that the whole value consists of.
struct Class {
    ascii: u128,
    ranges: Vec<(char, char)>,
    /// `\p{L}\p{Z}\p{N}`: letters, separators and numbers of all scripts.
    letters: bool,
    may_be_empty: bool,
}

impl Class {
    fn matches(&self, value: &str) -> bool {
        (self.may_be_empty || !value.is_empty()) && value.chars().all(|c| self.contains(c))
    }

    fn contains(&self, c: char) -> bool {
        static LETTERS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\A[\p{L}\p{Z}\p{N}]\z").ok());
        if c.is_ascii() {
            return self.ascii & (1 << c as u32) != 0;
        }
        self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&c))
            || self.letters && LETTERS.as_ref().is_some_and(|r| r.is_match(c.encode_utf8(&mut [0; 4])))
    }

    /// Parses `[…]+` or `[…]*`; none for other patterns.
    fn parse(source: &str) -> Option<Class> {
        let (body, may_be_empty) = match (source.strip_suffix("]+"), source.strip_suffix("]*")) {
            (Some(body), _) => (body, false),
            (_, Some(body)) => (body, true),
            _ => return None,
        };
        let body = body.strip_prefix('[')?;
        let mut class = Class { ascii: 0, ranges: Vec::new(), letters: false, may_be_empty };
        let mut rest = body;
        let mut properties = 0;
        while !rest.is_empty() {
            let (item, after) = Item::read(rest)?;
            rest = after;
            match item {
                Item::Word => class.add_all("0-9A-Za-z_"),
                Item::Digit => class.add_all("0-9"),
                Item::Property(name) => match name {
                    "L" | "Z" | "N" => properties += 1,
                    _ => return None,
                },
                Item::Char('[' | '^' | '&') => return None,
                Item::Escaped(from) | Item::Char(from) => {
                    let to = match rest.strip_prefix('-') {
                        Some(after) if !after.is_empty() => match Item::read(after)? {
                            (Item::Escaped(to) | Item::Char(to), after) if from <= to => {
                                rest = after;
                                to
                            }
                            _ => return None,
                        },
                        _ => from,
                    };
                    class.add(from, to);
                }
            }
        }
        match properties {
            0 => {}
            3 => {
                class.letters = true;
                class.add_all("0-9A-Za-z ");
            }
            _ => return None,
        }
        Some(class)
    }

    fn add(&mut self, from: char, to: char) {
        (from..=to).take_while(char::is_ascii).for_each(|c| self.ascii |= 1 << c as u32);
        if !to.is_ascii() {
            self.ranges.push((from, to));
        }
    }

    /// Adds ranges and single characters, written without escapes.
    fn add_all(&mut self, text: &str) {
        let chars: Vec<char> = text.chars().collect();
        let mut at = 0;
        while at < chars.len() {
            let range = at + 2 < chars.len() && chars[at + 1] == '-';
            self.add(chars[at], chars[if range { at + 2 } else { at }]);
            at += if range { 3 } else { 1 };
        }
    }
}

/// A piece of a character class, or of a pattern outside of one.
enum Item<'a> {
    Word,
    Digit,
    Property(&'a str),
    Escaped(char),
    Char(char),
}

impl Item<'_> {
    fn read(text: &str) -> Option<(Item<'_>, &str)> {
        let Some(escape) = text.strip_prefix('\\') else {
            let c = text.chars().next()?;
            return Some((Item::Char(c), &text[c.len_utf8()..]));
        };
        let kind = escape.chars().next()?;
        let rest = &escape[kind.len_utf8()..];
        Some(match kind {
            'w' => (Item::Word, rest),
            'd' => (Item::Digit, rest),
            'p' => {
                let (name, rest) = rest.strip_prefix('{')?.split_once('}')?;
                (Item::Property(name), rest)
            }
            'u' => {
                // Five or six digits mean a code point in the models, although not in Java.
                let digits = match rest {
                    r if r.starts_with("10FFFF") => 6,
                    r if r.starts_with("10000") => 5,
                    _ => 4,
                };
                let c = char::from_u32(u32::from_str_radix(rest.get(..digits)?, 16).ok()?)?;
                (Item::Escaped(c), &rest[digits..])
            }
            c if c.is_ascii_punctuation() => (Item::Escaped(c), rest),
            _ => return None,
        })
    }
}

/// Converts Java's syntax to the regex crate's: `\w` and `\d` are ASCII in Java, and `\u` escapes are spelled
/// differently.
fn translate(source: &str) -> String {
    let mut out = String::new();
    let mut in_class = false;
    let mut rest = source;
    while !rest.is_empty() {
        let Some((item, after)) = Item::read(rest) else {
            // Others are the same in both, or an error of the engine.
            let (head, tail) = rest.split_at(rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at));
            out.push_str(if head == r"\s" { r"\t\n\x0B\f\r " } else { head });
            rest = tail;
            continue;
        };
        rest = after;
        match item {
            Item::Word if in_class => out.push_str("0-9A-Za-z_"),
            Item::Word => out.push_str("[0-9A-Za-z_]"),
            Item::Digit if in_class => out.push_str("0-9"),
            Item::Digit => out.push_str("[0-9]"),
            Item::Property(name) => out.push_str(&format!("\\p{{{name}}}")),
            Item::Escaped(c) => out.push_str(&format!("\\x{{{:X}}}", c as u32)),
            Item::Char(c) => {
                in_class = match c {
                    '[' => true,
                    ']' => false,
                    _ => in_class,
                };
                out.push(c);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
