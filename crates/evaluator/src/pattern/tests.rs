use super::*;
use crate::ContextValue;

fn check_as(syntax: Syntax, variables: bool, pattern: &str, text: &str, expected: bool) {
    let compiled = Pattern::compile(pattern, syntax, variables, &mut Interner::default());
    let keys = [
        ("aws:username", ContextValue::One("alice")),
        ("aws:empty", ContextValue::One("")),
        ("aws:star", ContextValue::One("*")),
        ("aws:nested", ContextValue::One("${aws:username}")),
        ("aws:colon", ContextValue::One("a:b")),
        ("aws:several", ContextValue::Many(&["x"])),
        ("aws:time", ContextValue::Time(crate::Moment::from_seconds(0))),
        ("aws:PrincipalTag/Team Name", ContextValue::One("red")),
    ];
    let matched = compiled.matches(text.as_bytes(), &Context::new(&[&keys]), &mut 0);
    assert_eq!(matched, expected, "{pattern} {text}");
}

#[test]
fn wildcards_in_resources() {
    for (pattern, text, expected) in [
        ("*", "arn:aws:s3:::b", true),
        ("arn:aws:s3:::b", "arn:aws:s3:::b", true),
        ("arn:aws:s3:::b", "arn:aws:s3:::B", false),
        ("arn:aws:s3:::b*", "arn:aws:s3:::b/a:b/c", true),
        ("arn:aws:s3:::?", "arn:aws:s3:::/", true),
        ("arn:aws:s3:::?", "arn:aws:s3::::", true),
        // A star that ends a part runs on over the colons that follow.
        ("arn:aws:sqs:*", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        ("arn:aws:sqs:*:q", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        ("arn:aws:*:*:111122223333:*", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        ("arn:aws:s*", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        ("arn:aws:s*:q", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        ("arn:*:q", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        // One within a part does not.
        ("arn:aws:sqs:eu*1:111122223333:q", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        ("arn:aws:s*s:q", "arn:aws:sqs:eu-west-1:111122223333s:q", false),
        ("arn:aws:sqs:eu-west-1*3:q", "arn:aws:sqs:eu-west-1:111122223333:q", false),
        ("arn:aws:sqs:eu-west-??111122223333:q", "arn:aws:sqs:eu-west-1:111122223333:q", false),
        ("arn:aws:sqs:eu-west-?:11*:q", "arn:aws:sqs:eu-west-1:111122223333:q", true),
        // In the sixth part everything matches everything.
        ("arn:aws:logs:*:*:log-group:*:x", "arn:aws:logs:r:1:log-group:a:b:x", true),
        ("arn:aws:logs:r:1:a?b", "arn:aws:logs:r:1:a:b", true),
        ("arn:aws:s3:*::????????????????", "arn:aws:s3:::app1-prod/report", true),
    ] {
        check_as(Syntax::Resource, true, pattern, text, expected);
        check_as(Syntax::Resource, false, pattern, text, expected);
    }
}

#[test]
fn variables_are_put_in_once_and_as_text() {
    for (pattern, text, expected) in [
        ("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/alice/x", true),
        ("arn:aws:s3:::b/${AWS:UserName}/*", "arn:aws:s3:::b/bob/x", false),
        ("arn:aws:s3:::b/${aws:star}", "arn:aws:s3:::b/x", false),
        ("arn:aws:s3:::b/${aws:star}", "arn:aws:s3:::b/*", true),
        ("arn:aws:s3:::b/${aws:nested}", "arn:aws:s3:::b/alice", false),
        ("arn:aws:s3:::b/${aws:nested}", "arn:aws:s3:::b/${aws:username}", true),
        ("arn:aws:s3:::b/${aws:empty}x", "arn:aws:s3:::b/x", true),
        ("arn:aws:s3:::b/${aws:nobody}", "arn:aws:s3:::b/", false),
        ("arn:aws:s3:::b/${aws:nobody, 'd*'}", "arn:aws:s3:::b/d*", true),
        ("arn:aws:s3:::b/${aws:nobody, 'd*'}", "arn:aws:s3:::b/dx", false),
        ("arn:aws:s3:::b/${aws:empty, 'd'}", "arn:aws:s3:::b/", true),
        ("arn:aws:s3:::b/${aws:several, 'x'}", "arn:aws:s3:::b/x", false),
        ("arn:aws:s3:::b/${aws:time}", "arn:aws:s3:::b/1970-01-01T00:00:00Z", true),
        ("arn:aws:s3:::b/${aws:PrincipalTag/team name}", "arn:aws:s3:::b/red", false), // no key has a space
        ("arn:aws:s3:::${aws:colon}", "arn:aws:s3:::a:b", true),
        ("arn:aws:s3:${aws:colon}:c", "arn:aws:s3:a:b:c", false),
        ("arn:aws:s3:::${*}${?}${$}", "arn:aws:s3:::*?$", true),
        ("arn:aws:s3:::${*}${?}${$}", "arn:aws:s3:::abc", false),
        ("arn:aws:s3:::${$}{aws:username}", "arn:aws:s3:::${aws:username}", true),
        ("arn:aws:s3:::*${aws:username}*", "arn:aws:s3:::x-alice-y", true),
        (
            "arn:aws:s3:::${aws:username}${aws:username}${aws:username}${aws:username}${aws:username}",
            "arn:aws:s3:::alicealicealicealicealice",
            true,
        ),
        ("arn:aws:s3:::${broken", "arn:aws:s3:::${broken", false),
    ] {
        check_as(Syntax::Resource, true, pattern, text, expected);
    }
    // Before 2012-10-17 they are text.
    check_as(Syntax::Resource, false, "arn:aws:s3:::${aws:username}", "arn:aws:s3:::${aws:username}", true);
    check_as(Syntax::Resource, false, "arn:aws:s3:::${aws:username}", "arn:aws:s3:::alice", false);
    check_as(Syntax::Resource, false, "arn:aws:s3:::${*}", "arn:aws:s3:::${anything}", true);
}

#[test]
fn plain_values_have_no_wildcards() {
    check_as(Syntax::Plain, true, "a*", "a*", true);
    check_as(Syntax::Plain, true, "a*", "ab", false);
    check_as(Syntax::Plain, true, "*", "ab", false);
    check_as(Syntax::Plain, true, "*", "*", true);
    check_as(Syntax::Plain, true, "x-${aws:username}", "x-alice", true);
    check_as(Syntax::Like, true, "a:*:b?", "a:x:y:bc", true);
    check_as(Syntax::Like, true, "*", "", true);
}

#[test]
fn index_keys_occur_in_every_match() {
    for (pattern, head, tail) in [
        ("*", "", None),
        ("arn:aws:s3:::b/k", "arn:aws:s3:::b/k", None),
        ("arn:aws:s3:::b/*", "arn:aws:s3:::b/", None),
        ("arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/", None),
        ("arn:aws:sqs:*", "arn:aws:sqs:", None),
        ("arn:aws:sqs:*:*:q-*", "arn:aws:sqs:", Some("q-")),
        ("arn:aws:sqs:*:*:*-q", "arn:aws:sqs:", None),
        ("arn:*:sqs:a:b:c:d", "arn:", Some("c:d")),
        ("arn:aws:s3:${aws:region}:1:x${aws:username}", "arn:aws:s3:", Some("x")),
    ] {
        let compiled = Pattern::compile(pattern, Syntax::Resource, true, &mut Interner::default());
        assert_eq!((compiled.head(), compiled.tail()), (head, tail), "{pattern}");
    }
}
