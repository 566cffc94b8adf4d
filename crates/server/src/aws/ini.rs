//! Parser for AWS's config and credentials files.
//!
//! The AWS CLI reads them with Python's `configparser`, whose dialect no Rust library supports: an indented line
//! continues the value above it, `#` and `;` begin a comment only at the beginning of a line, `=` or `:` ends a name,
//! names are folded to lower case, and a duplicate section or name is an error. A value that begins on the next line is
//! a nested list of settings. A line ends with a line feed, or with both characters; where a carriage return stands alone,
//! readers differ, so it is an error.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use zeroize::Zeroizing;

/// The sections of a file, by their names as written.
pub(super) type Sections = BTreeMap<String, Section>;

/// The settings of a section, by their names in lower case.
pub(super) type Section = BTreeMap<String, Setting>;

/// The value of a setting.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Setting {
    /// A text.
    Text(Zeroizing<String>),
    /// Nested settings.
    Nested(BTreeMap<String, String>),
}

impl Setting {
    /// Returns the text, unless the settings are nested.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Setting::Text(text) => Some(text),
            Setting::Nested(_) => None,
        }
    }
}

/// Why a file cannot be parsed, with the line. It repeats names only, never values.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IniError {
    pub(super) line: usize,
    pub(super) problem: String,
}

/// Parses a file.
pub(super) fn parse(text: &str) -> Result<Sections, IniError> {
    let mut reader = Reader::default();
    for (number, line) in text.lines().enumerate() {
        reader.line(line).map_err(|problem| IniError { line: number + 1, problem })?;
    }
    let mut sections = Sections::new();
    for (name, section) in reader.sections {
        let mut settings = Section::new();
        for (name, Value { line, lines }) in section {
            let text = Zeroizing::new(lines.iter().map(|line| line.as_str()).collect::<Vec<_>>().join("\n"));
            let text = Zeroizing::new(text.trim_end().to_owned());
            let setting = if text.starts_with('\n') {
                Setting::Nested(nested(&text).map_err(|problem| IniError { line, problem })?)
            } else {
                Setting::Text(text)
            };
            settings.insert(name, setting);
        }
        sections.insert(name, settings);
    }
    Ok(sections)
}

/// What a line of a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A comment.
    Comment,
    /// An empty line.
    Blank,
    /// The header of a section.
    Header,
    /// The first line of a setting, with its indentation in characters.
    Setting(usize),
    /// A further line of a setting.
    Continuation,
}

/// A line with the section and the setting that it belongs to.
pub(super) struct Place {
    pub(super) line: Line,
    pub(super) section: Option<String>,
    pub(super) setting: Option<String>,
}

/// Returns what each line of a file is.
pub(super) fn places(text: &str) -> Result<Vec<Place>, IniError> {
    let mut reader = Reader::default();
    let place = |(number, line): (usize, &str)| {
        let line = reader.line(line).map_err(|problem| IniError { line: number + 1, problem })?;
        Ok(Place { line, section: reader.section.clone(), setting: reader.name.clone() })
    };
    text.lines().enumerate().map(place).collect()
}

/// The lines of a value, and the line on which it begins.
struct Value {
    line: usize,
    lines: Vec<Zeroizing<String>>,
}

#[derive(Default)]
struct Reader {
    sections: BTreeMap<String, BTreeMap<String, Value>>,
    section: Option<String>,
    /// The setting that an indented line continues.
    name: Option<String>,
    /// The indentation of that setting.
    indent: usize,
    number: usize,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<Line, String> {
        self.number += 1;
        // It ends a line for the AWS CLI and other readers, so that what follows could be a section of its own.
        if line.contains('\r') {
            return Err("a carriage return without a line feed".to_owned());
        }
        let value = line.trim();
        if value.starts_with(['#', ';']) {
            return Ok(Line::Comment);
        }
        if value.is_empty() {
            if let Some(current) = self.current() {
                current.lines.push(Zeroizing::default());
            }
            return Ok(Line::Blank);
        }
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        if indent > self.indent
            && let Some(current) = self.current()
        {
            current.lines.push(Zeroizing::new(value.to_owned()));
            return Ok(Line::Continuation);
        }
        self.indent = indent;
        if let Some(header) = value.strip_prefix('[').and_then(|rest| Some(&rest[..rest.rfind(']')?])) {
            self.name = None;
            self.section = Some(header.to_owned());
            return match self.sections.entry(header.to_owned()) {
                Entry::Vacant(entry) => {
                    entry.insert(BTreeMap::new());
                    Ok(Line::Header)
                }
                Entry::Occupied(_) => Err(format!("the section [{header}] is duplicated")),
            };
        }
        self.setting(value)?;
        Ok(Line::Setting(indent))
    }

    fn setting(&mut self, line: &str) -> Result<(), String> {
        let Some(section) = self.section.as_ref().and_then(|name| self.sections.get_mut(name)) else {
            return Err("expected a section such as [default] before the first setting".to_owned());
        };
        let Some((name, value)) = line.split_once(['=', ':']) else {
            return Err("expected `name = value`".to_owned());
        };
        let name = name.trim().to_lowercase();
        if name.is_empty() {
            return Err("expected a name before `=`".to_owned());
        }
        let lines = vec![Zeroizing::new(value.trim().to_owned())];
        match section.entry(name.clone()) {
            Entry::Vacant(entry) => entry.insert(Value { line: self.number, lines }),
            Entry::Occupied(_) => return Err(format!("`{name}` is duplicated in its section")),
        };
        self.name = Some(name);
        Ok(())
    }

    fn current(&mut self) -> Option<&mut Value> {
        self.sections.get_mut(self.section.as_ref()?)?.get_mut(self.name.as_ref()?)
    }
}

fn nested(text: &str) -> Result<BTreeMap<String, String>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let pair = |line: &str| {
        let (name, value) = line.split_once('=').ok_or("expected `name = value` in the indented lines")?;
        Ok((name.trim().to_owned(), value.trim().to_owned()))
    };
    lines.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sections as lines `section|name=value`, or the error.
    fn shown(text: &str) -> Result<Vec<String>, (usize, String)> {
        let sections = parse(text).map_err(|error| (error.line, error.problem))?;
        let lines = sections.iter().flat_map(|(section, settings)| {
            settings.iter().map(move |(name, setting)| match setting {
                Setting::Text(text) => format!("{section}|{name}={}", text.as_str()),
                Setting::Nested(all) => format!("{section}|{name}{all:?}"),
            })
        });
        Ok(lines.collect())
    }

    #[test]
    fn files_are_read_as_configparser_reads_them() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(shown(text).as_deref(), Ok(expected.map_owned().as_slice()), "{text}")
        };
        check("", &[]);
        check("# comment\n; comment\n\n[default]\n", &[]);
        check("[default]\nregion=eu-west-1", &["default|region=eu-west-1"]);
        check("[default]\r\nRegion : eu-west-1\r\n", &["default|region=eu-west-1"]);
        check("[a b] # more\nx = 1 # not a comment ; neither\n", &["a b|x=1 # not a comment ; neither"]);
        check("[a]\nx=a=b:c\n", &["a|x=a=b:c"]);
        check("[a]\nx =\n  p = 1\n  # comment\n  q=2=3\ny = 4\n", &[r#"a|x{"p": "1", "q": "2=3"}"#, "a|y=4"]);
        check("[a]\nx = one\n  two\n\n  three\n[b]\nz=\n", &["a|x=one\ntwo\n\nthree", "b|z="]);
        check("[a]\n  x = 1\n  y = 2\n", &["a|x=1", "a|y=2"]);
        check("[a]\nkey = %(not)s $HOME\n", &["a|key=%(not)s $HOME"]);
    }

    #[test]
    fn errors_name_the_line() {
        let check = |text: &str, line: usize, problem: &str| {
            assert_eq!(shown(text), Err((line, problem.to_owned())), "{text}");
        };
        check("region = x", 1, "expected a section such as [default] before the first setting");
        check("[a]\n[b]\n[a]\n", 3, "the section [a] is duplicated");
        check("[a]\nx=1\nX=2\n", 3, "`x` is duplicated in its section");
        check("[a]\naws_secret_access_key\n", 2, "expected `name = value`");
        check("[a]\n = x\n", 2, "expected a name before `=`");
        check("[a]\nx = 1\ry = 2\n", 2, "a carriage return without a line feed");
        check("# comment\r[a]\n", 1, "a carriage return without a line feed");
        check("[a]\r\nx = 1\r", 2, "a carriage return without a line feed");
        check("[a]\nx =\n  nothing\n", 2, "expected `name = value` in the indented lines");
    }

    trait MapOwned {
        fn map_owned(&self) -> Vec<String>;
    }
    impl MapOwned for [&str] {
        fn map_owned(&self) -> Vec<String> {
            self.iter().map(|text| (*text).to_owned()).collect()
        }
    }
}
