use super::*;

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

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
    for text in ["", "{", "{\"a\":}", "{\"a\":1}}", "\"\\\"", "é{", "]", "\u{a0}[]"] {
        assert_eq!(indent(text), text);
    }
}

#[test]
fn values_stay_the_same() {
    for text in ["[true,false,null,\"é\\u00e9\\\\\"]", "{\"a\":{\"b\":[[1],[]]}}", " 1 ", "\"x\"", "{\"a\":1,\"a\":2}"]
    {
        assert_eq!(parse(&indent(text)), parse(text), "{text}");
    }
}

#[test]
fn statements_are_added_at_the_end() {
    let new = r#"{"Sid":"new"}"#;
    for (text, expected) in [
        ("", r#"{"Version":"2012-10-17","Statement":[{"Sid":"new"}]}"#),
        ("{}", r#"{"Statement":[{"Sid":"new"}]}"#),
        (r#"{"Id":"Statement"}"#, r#"{"Id":"Statement","Statement":[{"Sid":"new"}]}"#),
        (r#"{"Statement":[]}"#, r#"{"Statement":[{"Sid":"new"}]}"#),
        (r#"{"Statement":[{"Sid":"]"}],"Id":"x"}"#, r#"{"Statement":[{"Sid":"]"},{"Sid":"new"}],"Id":"x"}"#),
        (r#"{"Statement":{"Sid":"old"},"Id":"x"}"#, r#"{"Statement":[{"Sid":"old"},{"Sid":"new"}],"Id":"x"}"#),
        (r#"{"St\u0061tement":[1]}"#, r#"{"Statement":[1,{"Sid":"new"}]}"#),
        (r#"{"a":{"Statement":[]},"Statement":[]}"#, r#"{"a":{"Statement":[]},"Statement":[{"Sid":"new"}]}"#),
    ] {
        assert_eq!(parse(&append(text, new).unwrap()), parse(expected), "{text}");
    }
    for text in ["[]", "{", "x", "1", "null", r#"{"Statement":"x"}"#, r#"{"Statement":1}"#] {
        assert!(append(text, new).is_err(), "{text}");
    }
}
