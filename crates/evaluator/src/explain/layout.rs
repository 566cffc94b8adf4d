//! Lines of text for a terminal, wrapped and with control characters escaped.

use std::fmt::{self, Write};

/// Lines are broken before this column, if possible.
const WIDTH: usize = 100;

/// Text that grows by lines.
#[derive(Default)]
pub(super) struct Page(String);

impl Page {
    /// Adds an indented line. Continuation lines are indented by `hang`. There are no breaks between backticks or
    /// parentheses.
    pub(super) fn line(&mut self, indent: usize, hang: usize, text: &str) {
        let mut column = indent;
        let _ = write!(self.0, "{:indent$}", "");
        for (n, word) in words(text).enumerate() {
            let width = word.chars().count();
            if n > 0 && column + 1 + width > WIDTH {
                let _ = write!(self.0, "\n{:hang$}{word}", "");
                column = hang + width;
            } else {
                let space = if n > 0 { " " } else { "" };
                let _ = write!(self.0, "{space}{word}");
                column += space.len() + width;
            }
        }
        self.0.push('\n');
    }

    pub(super) fn blank(&mut self) {
        self.0.push('\n');
    }

    /// A JSON object, a member a line.
    pub(super) fn json(&mut self, indent: usize, object: &str) {
        let (mut depth, mut quoted, mut escaped, mut fresh) = (0, false, false, false);
        let _ = write!(self.0, "{:indent$}", "");
        for c in object.chars() {
            if fresh && c == ' ' {
                continue;
            }
            fresh = false;
            if c == '}' && !quoted && depth == 1 {
                let _ = write!(self.0, "\n{:indent$}", "");
            }
            self.0.push(c);
            match c {
                _ if escaped => escaped = false,
                '\\' if quoted => escaped = true,
                '"' => quoted = !quoted,
                '{' if !quoted => depth += 1,
                '}' if !quoted => depth -= 1,
                _ => {}
            }
            if depth == 1 && !quoted && matches!(c, '{' | ',') {
                let _ = write!(self.0, "\n{:inner$}", "", inner = indent + 2);
                fresh = true;
            }
        }
        self.0.push('\n');
    }

    pub(super) fn into_text(self) -> String {
        self.0
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut depth) = (false, 0_usize);
    text.split(move |c| {
        match c {
            '`' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ' ' && !quoted && depth == 0
    })
}

/// Returns a text with the characters escaped that a terminal would not show.
pub(super) struct Shown<'a>(pub(super) &'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                c if c.is_control()
                    || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}') =>
                {
                    write!(f, "{}", c.escape_unicode())?;
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The same in backticks, shortened if it is long.
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const LONGEST: usize = 300;
        match self.0.char_indices().nth(LONGEST) {
            None => write!(f, "`{}`", Shown(self.0)),
            Some((end, _)) => write!(f, "`{}…`", Shown(&self.0[..end])),
        }
    }
}

/// A list as text: `a, b and c`.
pub(super) fn row(things: &[String], last: &str) -> String {
    match things {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., end] => format!("{} {last} {end}", first.join(", ")),
    }
}
