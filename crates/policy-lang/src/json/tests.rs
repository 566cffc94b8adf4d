use super::*;

/// Reads and prints every node as `kind@start-end`.
fn check(text: &str, expected: &str) {
    let shown = match Tree::read(text, 20) {
        Ok(tree) => show(tree.root()),
        Err(problem) => format!("{} {:?} {}", problem.span.start, problem.found, problem.expected),
    };
    assert_eq!(shown, expected, "{text:?}");
}

fn show(node: Node<'_, '_>) -> String {
    match node.kind() {
        NodeKind::Object => {
            let members: Vec<_> =
                node.members().map(|(key, value)| format!("{}={}", key.text(), show(value))).collect();
            format!("{{{}}}", members.join(" "))
        }
        NodeKind::Array => format!("[{}]", node.items().map(show).collect::<Vec<_>>().join(" ")),
        _ => node.text().into_owned(),
    }
}

#[test]
fn values_are_read() {
    check("{}", "{}");
    check(" [ ] ", "[]");
    check(r#"{"a": [1, -2.50e+3, true, false, null], "b": {"c": "d"}}"#, "{a=[1 -2.50e+3 true false null] b={c=d}}");
    check(r#""a\"\\\/\b\f\n\r\t\u0041\u00e4\ud83d\ude00z""#, "a\"\\/\u{8}\u{c}\n\r\tAä😀z");
    check("\"\u{7f}ä\"", "\u{7f}ä");
    check("[[], [[]], {}]", "[[] [[]] {}]");
    check("0", "0");
    check("-0.1E9", "-0.1E9");
}

#[test]
fn invalid_json_is_refused_with_its_location() {
    check("", r#"line 1, column 1 "the end of the text" a JSON value"#);
    check("  \n ", r#"line 2, column 2 "the end of the text" a JSON value"#);
    check("{} x", r#"line 1, column 4 "`x`" nothing after the document"#);
    check("{}{}", r#"line 1, column 3 "`{`" nothing after the document"#);
    check("\u{feff}{}", r#"line 1, column 1 "a byte order mark" a JSON object without byte order mark"#);
    check("{\"a\":1,}", r#"line 1, column 8 "`}`" a key in quotes"#);
    check("{,}", r#"line 1, column 2 "`,`" a key in quotes or `}`"#);
    check("{a:1}", r#"line 1, column 2 "`a`" a key in quotes or `}`"#);
    check("{\"a\" 1}", r#"line 1, column 6 "`1`" `:`"#);
    check("[1 2]", r#"line 1, column 4 "`2`" `,` or `]`"#);
    check("[1,]", r#"line 1, column 4 "`]`" a JSON value"#);
    check("[1", r#"line 1, column 3 "the end of the text" `,` or `]`"#);
    check("{\"a\":1", r#"line 1, column 7 "the end of the text" `,` or `}`"#);
    check("01", r#"line 1, column 2 "`1`" nothing after the document"#);
    check("-", r#"line 1, column 2 "the end of the text" a digit"#);
    check("1.", r#"line 1, column 3 "the end of the text" a digit"#);
    check("1e", r#"line 1, column 3 "the end of the text" a digit"#);
    check("+1", r#"line 1, column 1 "`+`" a JSON value"#);
    check("NaN", r#"line 1, column 1 "`N`" a JSON value"#);
    check("tru", r#"line 1, column 1 "`t`" a JSON value"#);
    check("'a'", r#"line 1, column 1 "`'`" a JSON value"#);
    check("// a\n1", r#"line 1, column 1 "`/`" a JSON value"#);
    check("\"a", r#"line 1, column 3 "the end of the text" a closing quote"#);
    check("\"a\nb\"", r#"line 1, column 3 "the control character U+000A" an escape such as `\n`"#);
    check("\"\0\"", r#"line 1, column 2 "the control character U+0000" an escape such as `\n`"#);
    check(r#""\x41""#, r#"line 1, column 3 "`x`" one of the escapes that JSON knows"#);
    check(r#""\u12g4""#, r#"line 1, column 6 "`g`" four hexadecimal digits"#);
    check(r#""\ud800""#, r#"line 1, column 2 "half of a surrogate pair" a whole pair such as `\ud83d\ude00`"#);
    check(r#""\udc00""#, r#"line 1, column 2 "half of a surrogate pair" a whole pair such as `\ud83d\ude00`"#);
    check(r#""ab\ud800\u0041""#, r#"line 1, column 4 "half of a surrogate pair" a whole pair such as `\ud83d\ude00`"#);
    check(r#""\ud800\n""#, r#"line 1, column 2 "half of a surrogate pair" a whole pair such as `\ud83d\ude00`"#);
    check("[\u{a0}1]", r#"line 1, column 2 "`\u{a0}`" a JSON value"#);
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert!(Tree::read(&nested(20), 20).is_ok());
    let problem = Tree::read(&nested(21), 20).err().map(|problem| (problem.kind, problem.span.start.column));
    assert_eq!(problem, Some((ErrorKind::TooDeep, 21)));
    assert!(Tree::read(&"[".repeat(1_000_000), 20).is_err());
    // Side by side is not deep.
    assert!(Tree::read(&format!("[{}]", vec!["[[]]"; 100].join(",")), 3).is_ok());
}

#[test]
fn positions_count_characters_and_lines() {
    let text = "{\n  \"é\": \"日本\", \"b\":\r\n\t[true]}";
    let tree = Tree::read(text, 20).unwrap();
    let place = |span: Span| (span.start.line, span.start.column, span.end.line, span.end.column, span.of(text));
    let places: Vec<_> =
        tree.root().members().flat_map(|(key, value)| [place(key.span()), place(value.span())]).collect();
    assert_eq!(
        places,
        [(2, 3, 2, 6, "\"é\""), (2, 8, 2, 12, "\"日本\""), (2, 14, 2, 17, "\"b\""), (3, 2, 3, 8, "[true]"),]
    );
}

#[test]
fn repeated_keys_are_reported() {
    let duplicates = |text: &str| -> Vec<String> {
        let tree = Tree::read(text, 20).unwrap();
        tree.duplicates.iter().map(|problem| format!("{} {}", problem.found, problem.span.start.column)).collect()
    };
    assert_eq!(duplicates(r#"{"a":1,"b":2,"A":3}"#), [""; 0]);
    assert_eq!(duplicates(r#"{"a":1,"b":2,"a":3}"#), ["`a` 14"]);
    assert_eq!(duplicates(r#"{"a":1,"\u0061":3}"#), ["`a` 8"]);
    assert_eq!(duplicates(r#"[{"x":{"a":1,"a":2,"a":3}},{"x":1}]"#), ["`a` 14", "`a` 20"]);
    let many: Vec<_> = (0..20).map(|n| format!("\"k{}\":0", n % 19)).collect();
    assert_eq!(duplicates(&format!("{{{}}}", many.join(","))), ["`k0` 144"]);
}

/// A statement starts directly after the bracket or comma before it; outside of an array, after its own brace.
#[test]
fn starts_of_statements_are_those_of_aws() {
    let check = |text: &str, expected: &[(u32, u32)]| {
        let tree = Tree::read(text, 20).unwrap();
        let (_, list) = tree.root().members().next().unwrap();
        let start = |node: Node<'_, '_>| {
            let start = node.simulator_start();
            assert_eq!(text[..start.offset as usize].split('\n').count() as u32, start.line);
            (start.line, start.column)
        };
        let found = if list.is_object() { vec![start(list)] } else { list.items().map(start).collect() };
        assert_eq!(found, expected, "{text:?}");
    };
    check(r#"{"S":[{},{}]}"#, &[(1, 7), (1, 10)]);
    check(r#"{"S": [ {} , {} ]}"#, &[(1, 8), (1, 13)]);
    check(r#"{"S":{}}"#, &[(1, 7)]);
    check("{\"S\": \n  {}}", &[(2, 4)]);
    check("{\n\t\"S\": [\r\n\t\t{},\n\n\t\t{}, {}]}", &[(2, 8), (3, 6), (5, 6)]);
    check("{\n\"äöü\": [\n{}]}", &[(2, 9)]);
}
