//! Text of others, made safe for a terminal.

use std::borrow::Cow;

/// Text of others, such as a name in a file, for one line of a terminal: characters that control the terminal, break the
/// line or change the direction of the text are shown as escapes.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    escaped(text, |_| false)
}

/// As [`one_line`], for text that may have several lines.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    escaped(text, |character| matches!(character, '\n' | '\t'))
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_unsafe = |character: char| {
        let is_format =
            matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        (character.is_control() || is_format) && !stays(character)
    };
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if is_unsafe(character) { out.extend(character.escape_default()) } else { out.push(character) }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_others_does_not_control_the_terminal() {
        let check = |text: &str, line: &str, many: &str| assert_eq!((&*one_line(text), &*lines(text)), (line, many));
        check("alice é 漢", "alice é 漢", "alice é 漢");
        check("a\u{1b}[2Jb\u{9b}c\rd", r"a\u{1b}[2Jb\u{9b}c\rd", r"a\u{1b}[2Jb\u{9b}c\rd");
        check("a\nb\tc\u{202e}d", r"a\nb\tc\u{202e}d", "a\nb\tc\\u{202e}d");
    }
}
