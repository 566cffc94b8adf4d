#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]
//! Properties of parsing and printing, over random documents and randomly damaged ones.

use std::fs;

use bailiwick_policy_lang::{
    ActionElement, Condition, ConditionOperator, ConditionValue, Document, Effect, Operator, PolicyKind, Position,
    Principal, PrincipalElement, PrincipalEntry, PrincipalKind, Qualifier, ResourceElement, Span, Spanned, Statement,
    Template, Text, ValueType, Version, fuzz, parse, to_json, to_pretty_json,
};
use proptest::prelude::*;
use proptest::sample::select;

fn text(value: impl Into<Box<str>>) -> Text {
    Spanned::new(value.into(), Span::default())
}

fn texts(value: impl Strategy<Value = String>) -> impl Strategy<Value = (Vec<Text>, bool)> {
    (prop::collection::vec(value, 1..4), any::<bool>()).prop_map(|(values, array)| {
        let array = array || values.len() != 1;
        (values.into_iter().map(text).collect(), array)
    })
}

fn action() -> impl Strategy<Value = ActionElement> {
    (any::<bool>(), texts("[*]|[a-z0-9-]{1,4}:[A-Za-z*?]{1,6}"))
        .prop_map(|(negated, (patterns, array))| ActionElement { negated, patterns, array, span: Span::default() })
}

/// Anything but what would begin a variable.
const PLAIN: &str = "[^${]{0,8}";

/// Plain text with whole variables in it, which before 2012-10-17 are plain text as well.
fn template() -> impl Strategy<Value = String> {
    let variable = select(vec!["${aws:username}", "${a:b, 'x}y$ {'}", "${*}", "${?}", "${$}", "$", "{", "}}"]);
    let plain = prop_oneof![PLAIN, "[\"\\\\/\u{0}-\u{1f}\u{7f}-\u{a0}\u{2028}\u{feff}\u{10ffff}]{0,4}"];
    let texts = prop::collection::vec((plain, variable), 0..3).prop_map(|pieces| {
        pieces.into_iter().flat_map(|(plain, variable)| [plain, variable.to_owned()]).collect::<String>()
    });
    // Adjacent pieces may form an unintended variable.
    texts.prop_filter("a broken variable", |text| Template::parse(text).is_ok())
}

fn resource() -> impl Strategy<Value = ResourceElement> {
    let arn = ("[^${\u{1d6c}-\u{10ffff}]{1,12}", template()).prop_map(|(begin, rest)| format!("arn:{begin}{rest}"));
    (any::<bool>(), texts(prop_oneof![Just("*".to_owned()), arn]))
        .prop_map(|(negated, (patterns, array))| ResourceElement { negated, patterns, array, span: Span::default() })
}

fn principal() -> impl Strategy<Value = PrincipalElement> {
    let kinds = [PrincipalKind::Aws, PrincipalKind::Service, PrincipalKind::Federated];
    let entry = |kind: PrincipalKind| {
        let names = match kind {
            PrincipalKind::Aws => {
                "[*]|[0-9]{12}|arn:aws:iam::[0-9]{12}:(root|(user|role)(/[a-z]{1,3}){0,2}/[A-Za-z]{1,5})"
            }
            _ => "[a-z]{1,5}\\.example\\.com",
        };
        texts(names).prop_map(move |(values, array)| PrincipalEntry { kind, kind_span: Span::default(), values, array })
    };
    let map = prop::sample::subsequence(kinds.to_vec(), 1..=3)
        .prop_flat_map(move |kinds| kinds.into_iter().map(entry).collect::<Vec<_>>());
    prop_oneof![Just(Principal::Everyone), map.prop_map(Principal::Map)].prop_map(|principal| PrincipalElement {
        negated: false,
        principal,
        span: Span::default(),
    })
}

fn value() -> impl Strategy<Value = ConditionValue> {
    prop_oneof![
        (template(), Just(ValueType::String)),
        ("-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?", Just(ValueType::Number)),
        ("true|-?[0-9]{1,4}|1e400|-0|NaN|null", Just(ValueType::String)),
        ("true|false", Just(ValueType::Bool)),
    ]
    .prop_map(|(text, value_type)| ConditionValue { text: text.into(), value_type, span: Span::default() })
}

fn operator() -> impl Strategy<Value = Operator> {
    let qualifiers = select(vec![Qualifier::None, Qualifier::ForAnyValue, Qualifier::ForAllValues]);
    (select(ConditionOperator::ALL), qualifiers, any::<bool>()).prop_map(|(base, qualifier, if_exists)| Operator {
        base,
        qualifier,
        if_exists: if_exists && base != ConditionOperator::Null,
    })
}

/// Conditions as reading leaves them: those of one operator side by side, no key twice under it.
fn conditions() -> impl Strategy<Value = Vec<Condition>> {
    let values = (prop::collection::vec(value(), 0..3), any::<bool>());
    prop::collection::vec((operator(), "[a-z]{1,3}:[^\u{ffff}]{1,5}", values), 0..5).prop_map(|drafts| {
        let mut conditions: Vec<Condition> = Vec::new();
        for (operator, key, (values, array)) in drafts {
            let array = array || values.len() != 1;
            let (operator_span, span) = (Span::default(), Span::default());
            if conditions.iter().any(|other| other.operator == operator && *other.key.value == *key) {
                continue;
            }
            let after = conditions.iter().rposition(|other| other.operator == operator);
            let at = after.map_or(conditions.len(), |at| at + 1);
            conditions.insert(at, Condition { operator, operator_span, key: text(key), values, array, span });
        }
        conditions
    })
}

fn statement(kind: PolicyKind) -> impl Strategy<Value = Statement> {
    let effect = select(vec![Effect::Allow, Effect::Deny]);
    (effect, principal(), action(), resource(), conditions()).prop_map(
        move |(effect, principal, action, resource, conditions)| Statement {
            sid: None,
            effect,
            effect_span: Span::default(),
            principal: kind.has_principal().then_some(principal),
            action,
            resource: kind.has_resource().then_some(resource),
            conditions,
            span: Span::default(),
            simulator_start: Position::default(),
        },
    )
}

fn document(kind: PolicyKind) -> impl Strategy<Value = Document> {
    let version = prop_oneof![
        Just((Version::V2012, Some(Span::default()))),
        Just((Version::V2008, Some(Span::default()))),
        Just((Version::V2008, None)),
    ];
    let id = prop::option::of("[ -~\u{a0}-\u{ff}]{0,6}");
    let sids = prop::collection::hash_set("[A-Za-z0-9]{1,6}", 4);
    (version, id, sids, prop::collection::vec(statement(kind), 1..4), any::<bool>()).prop_map(
        |((version, version_span), id, sids, mut statements, single)| {
            for (statement, sid) in statements.iter_mut().zip(sids).step_by(2) {
                statement.sid = Some(text(sid));
            }
            let single_statement = single && statements.len() == 1;
            Document { version, version_span, id: id.map(text), statements, single_statement, span: Span::default() }
        },
    )
}

/// The document with every place forgotten.
fn without_places(mut document: Document) -> Document {
    let none = Span::default();
    let forget = |texts: &mut Vec<Text>| texts.iter_mut().for_each(|text| text.span = none);
    document.span = none;
    document.version_span = document.version_span.map(|_| none);
    document.id.iter_mut().for_each(|id| id.span = none);
    for statement in &mut document.statements {
        (statement.span, statement.effect_span, statement.action.span) = (none, none, none);
        statement.simulator_start = Position::default();
        statement.sid.iter_mut().for_each(|sid| sid.span = none);
        forget(&mut statement.action.patterns);
        if let Some(resource) = &mut statement.resource {
            resource.span = none;
            forget(&mut resource.patterns);
        }
        if let Some(element) = &mut statement.principal {
            element.span = none;
            if let Principal::Map(entries) = &mut element.principal {
                for entry in entries {
                    entry.kind_span = none;
                    forget(&mut entry.values);
                }
            }
        }
        for condition in &mut statement.conditions {
            (condition.operator_span, condition.key.span, condition.span) = (none, none, none);
            condition.values.iter_mut().for_each(|value| value.span = none);
        }
    }
    document
}

fn kind_and_document() -> impl Strategy<Value = (PolicyKind, Document)> {
    let kinds = vec![PolicyKind::Identity, PolicyKind::Resource, PolicyKind::Trust, PolicyKind::Scp];
    select(kinds).prop_flat_map(|kind| document(kind).prop_map(move |document| (kind, document)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn printed_documents_parse_back((kind, document) in kind_and_document()) {
        let text = to_json(&document);
        let read = parse(&text, kind);
        prop_assert!(read.is_ok(), "{text}\n{read:?}");
        prop_assert_eq!(without_places(read.unwrap()), document.clone());
        let pretty = to_pretty_json(&document);
        prop_assert_eq!(without_places(parse(&pretty, kind).unwrap()), document);
        for either in [&text, &pretty] {
            let formatted = bailiwick_policy_lang::format(either, kind);
            prop_assert_eq!(formatted.as_ref(), Ok(&pretty));
        }
        // Another JSON reader sees the same in both.
        let plain: serde_json::Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(plain, serde_json::from_str::<serde_json::Value>(&pretty).unwrap());
    }

    #[test]
    fn spans_contain_the_text_of_their_element((kind, document) in kind_and_document()) {
        let text = to_pretty_json(&document);
        let document = parse(&text, kind).unwrap();
        for statement in &document.statements {
            let resources = statement.resource.iter().flat_map(|resource| &resource.patterns);
            for pattern in statement.action.patterns.iter().chain(resources) {
                let there: String = serde_json::from_str(pattern.span.of(&text)).unwrap();
                prop_assert_eq!(&*there, &*pattern.value);
                let line = text.lines().nth(pattern.span.start.line as usize - 1).unwrap();
                let rest: String = line.chars().skip(pattern.span.start.column as usize - 1).collect();
                prop_assert!(rest.starts_with(pattern.span.of(&text)));
            }
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in "[\\[\\]{}\",:\\\\a-d0-2*${}' \n\u{e9}\u{20ac}-]{0,60}") {
        fuzz::document(text.as_bytes());
        fuzz::template(text.as_bytes());
        fuzz::principal(text.as_bytes());
    }

    #[test]
    fn json_agrees_with_serde_json(text in "[\\[\\]{}\",:0-1eE.+-]{0,8}|\"[a\\\\u0d8c\"]{0,9}\"") {
        // A resource policy that is JSON is refused for something else than not being JSON.
        let ours = match parse(&text, PolicyKind::Resource) {
            Ok(_) => true,
            Err(error) => error.kind != bailiwick_policy_lang::ErrorKind::Json,
        };
        prop_assert_eq!(ours, serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{}", text);
    }

    #[test]
    fn damaged_documents_do_not_panic(
        document in select(documents()),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, select(PIECES)), 1..4),
    ) {
        let mut bytes = document;
        for (at, length, piece) in cuts {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, piece.bytes());
        }
        fuzz::document(&bytes);
    }
}

/// What is put into documents to break them.
const PIECES: &[&str] = &[
    "",
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "\\u0000",
    "\\ud83d\\ude00",
    "\\ud800",
    "null",
    "true",
    "1e9",
    "-0",
    "${",
    "}",
    "${aws:username}",
    "*",
    "?",
    "'",
    " ",
    "\n",
    "\u{e9}",
    "\u{20ac}",
    "Not",
    "NotAction",
    "\"Sid\":\"x\",",
    "\"Effect\":",
    "Allow",
    "Deny",
    "arn:aws:iam::111122223333:user/Eva",
    "IfExists",
    "ForAnyValue:",
    "[[[[[[[[[[[[[[[[[[[[[",
];

fn documents() -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/documents");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn numbers_stay_as_they_were_written() {
    for number in ["1e400", "-0", "0.10", "1E+2", "123456789012345678901234567890", "-0.0e-99999"] {
        let text = format!(
            r#"{{"Statement":{{"Effect":"Deny","Action":"a:b","Resource":"*","Condition":{{"NumericEquals":{{"a:b":[{number},"{number}"]}}}}}}}}"#
        );
        assert_eq!(to_json(&parse(&text, PolicyKind::Identity).unwrap()), text);
    }
}

#[test]
fn the_documents_are_valid_before_they_are_damaged() {
    let kinds = ["identity", "resource", "trust", "scp", "rcp"];
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/documents");
    let mut seen = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let kind = match kinds.iter().position(|kind| name.starts_with(kind)).unwrap() {
            0 => PolicyKind::Identity,
            1 => PolicyKind::Resource,
            2 => PolicyKind::Trust,
            3 => PolicyKind::Scp,
            _ => PolicyKind::Rcp,
        };
        let text = fs::read_to_string(&path).unwrap();
        if let Err(error) = parse(&text, kind) {
            panic!("{name}: {error}");
        }
        fuzz::document(text.as_bytes());
        // Cut off anywhere, a document is none.
        for end in (0..text.trim_end().len()).filter(|&end| text.is_char_boundary(end)) {
            assert!(parse(&text[..end], kind).is_err(), "{name} cut at {end}");
        }
        seen += 1;
    }
    assert_eq!(seen, 6);
}
