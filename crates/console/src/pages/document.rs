//! Policy documents as text: indented, with their members in the order in which they were written.

/// The text indented, one member or item on each line; as it is if it is not JSON.
pub(crate) fn indent(text: &str) -> String {
    if serde_json::from_str::<serde_json::Value>(text).is_err() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() * 2);
    let (mut depth, mut rest) = (0, text.trim_start());
    while let Some(first) = rest.chars().next() {
        let length = token_length(rest);
        let (token, after) = rest.split_at(length);
        rest = after.trim_start();
        match first {
            '{' | '[' if rest.starts_with(['}', ']']) => {
                out.push_str(token);
                out.push_str(&rest[..1]);
                rest = rest[1..].trim_start();
            }
            '{' | '[' => {
                depth += 1;
                out.push_str(token);
                new_line(&mut out, depth);
            }
            '}' | ']' => {
                depth -= 1;
                new_line(&mut out, depth);
                out.push_str(token);
            }
            ',' => {
                out.push_str(token);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            _ => out.push_str(token),
        }
    }
    out
}

/// The length of the token of JSON that begins the text, in bytes.
pub(crate) fn token_length(text: &str) -> usize {
    match text.as_bytes().first() {
        Some(b'"') => string_length(text),
        Some(b'{' | b'}' | b'[' | b']' | b',' | b':') => 1,
        _ => text.find(|c: char| "{}[],:\"".contains(c) || c.is_whitespace()).unwrap_or(text.len()).max(1),
    }
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
mod tests {
    use super::*;

    #[test]
    fn members_stay_in_their_order() {
        let text = "{\"Version\":\"2012-10-17\" ,\n\"Statement\":[{\"Sid\":\"a\\\"{,\",\"NotAction\":[],\"Effect\":\"Deny\"},{ }],\"n\":-1.5e3}";
        let expected = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Sid\": \"a\\\"{,\",\n      \"NotAction\": [],\n      \
                        \"Effect\": \"Deny\"\n    },\n    {}\n  ],\n  \"n\": -1.5e3\n}";
        assert_eq!(indent(text), expected);
        assert_eq!(indent(expected), expected);
    }

    #[test]
    fn what_is_not_json_stays() {
        for text in ["", "{", "{\"a\":}", "{\"a\":1}}", "\"\\\"", "é{"] {
            assert_eq!(indent(text), text);
        }
    }

    #[test]
    fn values_stay_the_same() {
        for text in
            ["[true,false,null,\"é\\u00e9\\\\\"]", "{\"a\":{\"b\":[[1],[]]}}", " 1 ", "\"x\"", "{\"a\":1,\"a\":2}"]
        {
            let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
            assert_eq!(parse(&indent(text)), parse(text), "{text}");
        }
    }
}
