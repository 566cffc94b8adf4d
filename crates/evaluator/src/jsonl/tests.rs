use serde_json::Value;

use super::*;

const REQUEST: &str = r#""principal": "arn:aws:iam::111122223333:user/bob", "action": "s3:GetObject",
    "resource": "arn:aws:s3:::b/k", "resourceAccount": "111122223333""#;

#[test]
fn invalid_cases_are_refused_with_their_id() {
    let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}"#;
    for (case, id, error) in [
        ("", "null", "ends too early"),
        ("{\"id\": \"x\", \"request\": {", "\"x\"", "ends too early"),
        ("{\"tags\": [{}], \"id\": \"x\", \"request\": 5, ]", "\"x\"", "found the number `5`, expected an object"),
        ("{\"id\": \"x\", \"id\": \"y\"}", "\"x\"", "duplicate field `id`"),
        ("{\"id\": 5}", "null", "expected a string"),
        ("[]", "null", "expected an object"),
        (
            r#"["x", {"principal": "*", "action": "a:b", "resource": "*"}, [], [], null, [], [], [], null, null, null, 0, 0]"#,
            "null",
            "expected an object",
        ),
        (r#"{"id": "x", "request": ["*", "s3:GetObject", "*", null, {}]}"#, "\"x\"", "expected an object"),
        (
            r#"{"id": "x", "request": {"principal": "*", "action": "a:b", "resource": "*", "context": {"a:b": ["string", ["v"]]}}}"#,
            "\"x\"",
            "expected an object",
        ),
        (r#"{"id": "x"}"#, "\"x\"", "missing field `request`"),
        (&format!(r#"{{"id": "x", "request": {{{REQUEST}}}, "identity": []}}"#), "\"x\"", "unknown field `identity`"),
        (&format!(r#"{{"id": "x", "request": {{{REQUEST}, "region": "r"}}}}"#), "\"x\"", "unknown field `region`"),
        (
            &format!(
                r#"{{"id": "x", "request": {{{REQUEST}, "context": {{"a:b": {{"type": "text", "values": ["v"]}}}}}}}}"#
            ),
            "\"x\"",
            "unknown variant `text`",
        ),
        (
            &format!(
                r#"{{"id": "x", "request": {{{REQUEST}, "context": {{"a:b": {{"type": "string", "values": []}}}}}}}}"#
            ),
            "\"x\"",
            "must have one value",
        ),
        (
            &format!(
                r#"{{"id": "x", "request": {{{REQUEST}, "context": {{"a:b": {{"type": "string", "values": ["1"]}},
                "A:B": {{"type": "string", "values": ["2"]}}}}}}}}"#
            ),
            "\"x\"",
            "is there twice",
        ),
        (
            &format!(r#"{{"id": "x", "request": {{{REQUEST}}}, "identityPolicies": [{policy}, {{"Statement": []}}]}}"#),
            "\"x\"",
            "identityPolicies[1]: ",
        ),
        (
            r#"{"id": "x", "request": {"principal": "bob", "action": "s3:GetObject", "resource": "*"}}"#,
            "\"x\"",
            "`bob` is not a principal",
        ),
        (
            r#"{"id": "x", "request": {"principal": "*", "action": "GetObject", "resource": "*"}}"#,
            "\"x\"",
            "`GetObject` is not an action: expected service:Name",
        ),
        (
            r#"{"id": "x", "request": {"principal": "*", "action": "s3:GetObject", "resource": "*", "resourceAccount": "1"}}"#,
            "\"x\"",
            "resourceAccount: ",
        ),
    ] {
        let answer = evaluate_line(case, false);
        assert!(answer.decision.is_none(), "{case}");
        let value: Value = serde_json::from_str(&answer.line).unwrap();
        assert_eq!(value["id"].to_string(), id, "{case}");
        let said = value["error"].as_str().unwrap();
        assert!(said.contains(error), "{case}\n{said}");
    }
}

#[test]
fn answers_are_one_line_each() {
    let policy = "{\"Version\": \"2012-10-17\",\n \"Statement\": {\"Sid\": \"Read\", \"Effect\": \"Allow\",\n \"Action\": \"s3:Get*\", \"Resource\": \"arn:aws:s3:::c/*\"}}";
    let case = format!(
        r#"{{"id": "é", "request": {{{REQUEST}}}, "identityPolicies": [{policy}], "tags": [1], "expected": 2}}"#
    );
    assert_eq!(evaluate_line(&case, false).line, r#"{"decision":"implicitDeny","id":"é"}"#);
    let explained = evaluate_line(&case, true);
    assert!(!explained.line.contains('\n'));
    let value: Value = serde_json::from_str(&explained.line).unwrap();
    let explanation = &value["explanation"];
    assert_eq!(explanation["lacking"], "identity");
    assert_eq!(
        explanation["nearMisses"][0]["failed"],
        json!({"element": "Resource", "expected": ["arn:aws:s3:::c/*"], "closest": "arn:aws:s3:::c/*"})
    );
    assert_eq!(explanation["nearMisses"][0]["statement"]["sid"], "Read");
    assert_eq!(explanation["nearMisses"][0]["statement"]["line"], 2);
    assert_eq!(
        explanation["suggestions"][0]["statement"],
        json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"})
    );
}

#[test]
fn invalid_utf8_is_refused_with_the_id_before_it() {
    for (line, id, error) in [
        (&b"{\"id\": \"x\", \"tags\": \"\xff\"}"[..], "\"x\"", "not UTF-8 after the first 21 bytes"),
        (b"\xc3", "null", "not UTF-8 after the first 0 bytes"),
        (b"{\"id\": \"\xed\xa0\x80\"}", "null", "not UTF-8 after the first 8 bytes"),
    ] {
        let answer = evaluate_bytes(line, false);
        assert!(answer.decision.is_none());
        let value: Value = serde_json::from_str(&answer.line).unwrap();
        assert_eq!((value["id"].to_string().as_str(), value["error"].as_str().unwrap()), (id, error));
    }
}

#[test]
fn the_examples_of_the_documentation_are_correct() {
    let block = |name: &str| {
        let from = FORMAT.split_once(&format!("```{name}\n")).unwrap().1;
        from.split_once("```").unwrap().0.lines().collect::<Vec<_>>()
    };
    let (cases, answers) = (block("jsonl"), block("json"));
    assert_eq!((cases.len(), answers.len()), (2, 2));
    for (case, answer) in cases.into_iter().zip(answers) {
        assert_eq!(evaluate_line(case, false).line, answer);
    }
}

#[test]
fn documents_may_have_any_character() {
    let decide = |pattern: &str, value: &str| {
        let line = format!(
            r#"{{"id": "x", "request": {{{REQUEST}, "context": {{"app:k": {{"type": "string", "values": ["{value}"]}}}}}},
            "identityPolicies": [{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Action": "*",
            "Resource": "*", "Condition": {{"StringLike": {{"app:k": "{pattern}"}}}}}}}}]}}"#
        );
        evaluate_line(&line.replace('\n', " "), false).decision.unwrap().outcome.as_str()
    };
    for (pattern, value, expected) in [
        ("日*", "日本", "allowed"),
        ("日?", "日本", "allowed"),
        ("日?", "日本語", "implicitDeny"),
        ("?", "𝄞", "allowed"),
        ("??", "𝄞", "implicitDeny"),
        ("𝄞é", "\\ud834\\udd1e\\u00e9", "allowed"),
        ("?", "e\u{301}", "implicitDeny"),
    ] {
        assert_eq!(decide(pattern, value), expected, "{pattern} {value}");
    }
}
