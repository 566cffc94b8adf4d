//! Policy documents as text: indented, with their members in the order in which they were written.

use serde_json::Value;

/// The text indented, one member or item on each line; as it is if it is not JSON.
pub(crate) fn indent(text: &str) -> String {
    if serde_json::from_str::<Value>(text).is_err() {
        return text.to_owned();
    }
    let tokens = tokens(text);
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0;
    for (index, &(_, token)) in tokens.iter().enumerate() {
        let is_empty = |open: Option<&(usize, &str)>, close: Option<&(usize, &str)>| {
            matches!((open, close), (Some((_, "{")), Some((_, "}"))) | (Some((_, "[")), Some((_, "]"))))
        };
        match token {
            "{" | "[" => {
                depth += 1;
                out.push_str(token);
                if !is_empty(tokens.get(index), tokens.get(index + 1)) {
                    new_line(&mut out, depth);
                }
            }
            "}" | "]" => {
                depth -= 1;
                if !is_empty(tokens.get(index.wrapping_sub(1)), tokens.get(index)) {
                    new_line(&mut out, depth);
                }
                out.push_str(token);
            }
            "," => {
                out.push_str(token);
                new_line(&mut out, depth);
            }
            ":" => out.push_str(": "),
            _ => out.push_str(token),
        }
    }
    out
}

/// The document with one more statement, indented. An empty text becomes a document.
///
/// # Errors
/// A message for a text that is not a document.
pub(crate) fn append(text: &str, statement: &str) -> Result<String, &'static str> {
    const REFUSED: &str = "the document is not a JSON object with statements: correct it before you add one";
    if text.trim().is_empty() {
        return Ok(indent(&format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{statement}]}}")));
    }
    if !serde_json::from_str::<Value>(text).is_ok_and(|parsed| parsed.is_object()) {
        return Err(REFUSED);
    }
    let tokens = tokens(text);
    let mut depth = 0;
    let mut found = None;
    for (index, &(_, token)) in tokens.iter().enumerate() {
        match token {
            "{" | "[" => depth += 1,
            "}" | "]" => depth -= 1,
            // A string before a colon is a key; its characters may be escaped.
            _ if depth == 1
                && tokens.get(index + 1).is_some_and(|&(_, next)| next == ":")
                && serde_json::from_str::<String>(token).is_ok_and(|key| key == "Statement") =>
            {
                found = Some(index + 2);
                break;
            }
            _ => {}
        }
    }
    let Some(first) = found else {
        let (end, _) = tokens[tokens.len() - 1];
        let comma = if tokens.len() == 2 { "" } else { "," };
        return Ok(indent(&format!("{}{comma}\"Statement\":[{statement}]}}", &text[..end])));
    };
    let last = closing(&tokens, first);
    let ((start, opening), (end, _)) = (tokens[first], tokens[last]);
    match opening {
        "[" => {
            let comma = if last == first + 1 { "" } else { "," };
            Ok(indent(&format!("{}{comma}{statement}{}", &text[..end], &text[end..])))
        }
        "{" => {
            let (before, own, after) = (&text[..start], &text[start..=end], &text[end + 1..]);
            Ok(indent(&format!("{before}[{own},{statement}]{after}")))
        }
        _ => Err(REFUSED),
    }
}

/// The index of the token that closes the value which begins at this one.
fn closing(tokens: &[(usize, &str)], first: usize) -> usize {
    let mut depth = 0;
    for (index, &(_, token)) in tokens.iter().enumerate().skip(first) {
        match token {
            "{" | "[" => depth += 1,
            "}" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return index;
        }
    }
    tokens.len() - 1
}

/// The tokens of JSON with their offsets.
fn tokens(text: &str) -> Vec<(usize, &str)> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        if first.is_whitespace() {
            at += first.len_utf8();
            continue;
        }
        let rest = &text[at..];
        let length = match first {
            '"' => string_length(rest),
            '{' | '}' | '[' | ']' | ',' | ':' => 1,
            _ => rest.find(|c: char| "{}[],:\"".contains(c) || c.is_whitespace()).unwrap_or(rest.len()),
        };
        tokens.push((at, &rest[..length]));
        at += length;
    }
    tokens
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n("  ", depth));
}

#[cfg(test)]
mod tests;
