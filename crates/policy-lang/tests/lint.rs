#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]
//! The checks, over documents that each trigger one of them or must not trigger it.
//!
//! A vector is a line of `vectors/lint/<family>.jsonl`: a `kind`, a `statement`, `document` or `text`, and all
//! `findings` as `CODE path`, with `+ path` for each further place, and with `@line:column` in front of a path where
//! the vector has a `text`; `resourceType`, `catalogue`, `complete` and `smallScp` set what it is validated against,
//! `name` says what it shows. Where Bailiwick's rules find something else than AWS's, `bailiwick` has that, with the
//! severity in front of a code whose findings are of another severity there. Unknown members are refused.

use std::collections::BTreeSet;
use std::fs;

use bailiwick_policy_lang::catalogue::{Action, ResourceType, Service};
use bailiwick_policy_lang::{
    ALL_CODES, Catalogue, Finding, FindingType, PolicyKind, Target, Validation, errors_to_findings, findings_to_json,
    findings_to_sarif, findings_to_text, parse_all, validate,
};
use expect_test::expect;
use serde_json::{Value, json};

fn kind(name: &str) -> PolicyKind {
    match name {
        "identity" => PolicyKind::Identity,
        "resource" => PolicyKind::Resource,
        "trust" => PolicyKind::Trust,
        "scp" => PolicyKind::Scp,
        "rcp" => PolicyKind::Rcp,
        other => panic!("{other}"),
    }
}

/// The built-in catalogue with a service of our own, whose resources have regions and no tags.
fn photos() -> Catalogue {
    let mut photos = Service::new("photos");
    for name in ["album", "print"] {
        let arns = vec![format!("arn:${{Partition}}:photos:${{Region}}:${{Account}}:{name}/${{Name}}").into()];
        photos.insert_resource(ResourceType { name: name.into(), arns, keys: Vec::new() });
    }
    let resources = vec!["album".into()];
    photos.insert_action(Action { name: "GetAlbum".into(), access: None, resources, keys: Vec::new() });
    let mut catalogue = Catalogue::builtin().clone();
    catalogue.remove("bailiwick");
    catalogue.insert(photos);
    catalogue
}

/// The text of a vector's document.
fn text_of(vector: &Value) -> String {
    match (&vector["text"], &vector["document"], &vector["statement"]) {
        (Value::String(text), ..) => text.clone(),
        (_, Value::Object(_), _) => vector["document"].to_string(),
        (.., statement) => format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#),
    }
}

fn run(vector: &Value, target: Target) -> (String, Vec<Finding>) {
    let text = text_of(vector);
    let mut catalogue = match vector["catalogue"].as_str() {
        None => Catalogue::builtin().clone(),
        Some("photos") => photos(),
        Some(other) => panic!("{other}"),
    };
    catalogue.complete = vector["complete"] == true;
    let validation = Validation {
        resource_type: vector["resourceType"].as_str(),
        catalogue: &catalogue,
        target,
        small_scp: vector["smallScp"] == true,
        ..Validation::default()
    };
    let findings = validate(&text, kind(vector["kind"].as_str().unwrap()), &validation);
    (text, findings)
}

fn vectors() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/lint");
    let mut vectors = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        for (line, text) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            let vector: Value = serde_json::from_str(text).unwrap();
            let known = [
                "name",
                "kind",
                "statement",
                "document",
                "text",
                "findings",
                "resourceType",
                "catalogue",
                "complete",
                "smallScp",
                "bailiwick",
            ];
            for member in vector.as_object().unwrap().keys() {
                assert!(known.contains(&member.as_str()), "{name}:{}: {member}", line + 1);
            }
            vectors.push((format!("{name}:{}", line + 1), vector));
        }
    }
    vectors.extend(too_long().map(|vector| (vector["kind"].to_string(), vector)));
    vectors
}

/// A document of each kind beyond its quota, too long to write down.
fn too_long() -> impl Iterator<Item = Value> {
    let list = |length| (0..length).map(|n| format!("arn:aws:s3:::bucket-number-{n}")).collect::<Vec<_>>();
    let error = |code: &str| json!([format!("ERROR {code} ")]);
    let control = |kind: &str, code: &str, length: usize, principal: Option<&str>| {
        let mut statement = json!({"Effect": "Deny", "Action": "s3:GetObject", "Resource": list(length)});
        if let Some(principal) = principal {
            statement["Principal"] = principal.into();
        }
        let code = format!("POLICY_SIZE_EXCEEDS_{code}_QUOTA");
        let mut vector = json!({"kind": kind, "statement": statement, "findings": [format!("{code} ")]});
        if kind == "resource" || length > 300 && kind == "identity" {
            vector["bailiwick"] = error(&code);
        }
        vector
    };
    let accounts: Vec<_> = (0..140).map(|n| format!("{n:012}")).collect();
    let trust = json!({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": accounts}});
    let code = "POLICY_SIZE_EXCEEDS_ROLE_TRUST_POLICY_QUOTA";
    [
        control("identity", "IDENTITY_POLICY", 200, None),
        control("identity", "IDENTITY_POLICY", 400, None),
        control("resource", "RESOURCE_POLICY", 700, Some("*")),
        control("scp", "SCP", 180, None),
        control("rcp", "RCP", 180, Some("*")),
        json!({"kind": "trust", "statement": trust, "findings": [format!("{code} ")], "bailiwick": error(code)}),
    ]
    .into_iter()
}

/// The expected findings of a vector under these rules.
fn expected(vector: &Value, target: Target) -> BTreeSet<String> {
    let own = Some(&vector["bailiwick"]).filter(|own| target == Target::Bailiwick && own.is_array());
    let findings = own.unwrap_or(&vector["findings"]).as_array().unwrap();
    findings.iter().map(|finding| finding.as_str().unwrap().to_owned()).collect()
}

/// A finding as the vectors have it.
fn shown(finding: &Finding, with_position: bool) -> String {
    let places = finding.locations.iter().map(|location| {
        let start = location.span.start;
        let position = if with_position { format!("@{}:{} ", start.line, start.column) } else { String::new() };
        format!("{position}{}", location.path)
    });
    let usual = ALL_CODES.contains(&finding.code);
    let severity = if usual { String::new() } else { format!("{} ", finding.code.finding_type.as_str()) };
    format!("{severity}{} {}", finding.code.name, places.collect::<Vec<_>>().join(" + "))
}

#[test]
fn every_vector_has_exactly_its_findings() {
    let mut wrong = Vec::new();
    for (place, vector) in vectors() {
        for target in [Target::Aws, Target::Bailiwick] {
            let (text, findings) = run(&vector, target);
            let found: BTreeSet<_> =
                findings.iter().map(|finding| shown(finding, vector["text"].is_string())).collect();
            let expected = expected(&vector, target);
            if found != expected {
                let shown = if text.len() > 300 { &text[..300] } else { &text };
                wrong.push(format!("{place} {target:?}: {shown}\n  found    {found:?}\n  expected {expected:?}"));
            }
        }
        assert_ne!(vector["bailiwick"], vector["findings"], "{place}: the same findings twice");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn findings_of_correct_policies_are_harmless() {
    for (place, vector) in vectors().into_iter().filter(|(place, _)| place.starts_with("sane:")) {
        let grave: Vec<_> = run(&vector, Target::Bailiwick)
            .1
            .into_iter()
            .filter(|f| f.code.finding_type <= FindingType::SecurityWarning)
            .collect();
        assert!(grave.is_empty(), "{place}: {grave:?}");
    }
}

#[test]
fn every_code_has_a_vector() {
    let vectors = vectors();
    let shown: BTreeSet<_> = vectors
        .iter()
        .flat_map(|(_, vector)| [Target::Aws, Target::Bailiwick].map(|target| run(vector, target).1))
        .flatten()
        .map(|finding| finding.code)
        .collect();
    let missing: Vec<_> = ALL_CODES.iter().filter(|code| !shown.contains(code)).map(|code| code.name).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn details_say_what_to_do() {
    for (place, vector) in vectors() {
        for finding in run(&vector, Target::Bailiwick).1 {
            let details = &finding.details;
            assert!(details.len() > 15 && !details.ends_with('.'), "{place}: {details}");
            assert!(details.starts_with(|c: char| c.is_lowercase() || c == '`'), "{place}: {details}");
        }
    }
}

#[test]
fn findings_as_json() {
    let text = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"iam:PassRole\", \"Resource\": \"*\"}\n}";
    let findings = validate(text, PolicyKind::Identity, &Validation::default());
    expect![[r#"
        {
            "findings": [
                {
                    "findingDetails": "name the roles rather than `*`, or add a condition on `iam:PassedToService`: as it stands, `iam:PassRole` reaches every role",
                    "findingType": "SECURITY_WARNING",
                    "issueCode": "PASS_ROLE_WITH_STAR_IN_RESOURCE",
                    "learnMoreLink": "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html#access-analyzer-reference-policy-checks-security-warning-pass-role-with-star-in-resource",
                    "locations": [
                        {
                            "path": [
                                {
                                    "value": "Statement"
                                },
                                {
                                    "value": "Action"
                                }
                            ],
                            "span": {
                                "start": {
                                    "line": 3,
                                    "column": 45,
                                    "offset": 74
                                },
                                "end": {
                                    "line": 3,
                                    "column": 59,
                                    "offset": 88
                                }
                            }
                        },
                        {
                            "path": [
                                {
                                    "value": "Statement"
                                },
                                {
                                    "value": "Resource"
                                }
                            ],
                            "span": {
                                "start": {
                                    "line": 3,
                                    "column": 73,
                                    "offset": 102
                                },
                                "end": {
                                    "line": 3,
                                    "column": 76,
                                    "offset": 105
                                }
                            }
                        }
                    ]
                }
            ]
        }
    "#]]
    .assert_eq(&findings_to_json(text, &findings));
    assert_eq!(findings_to_json(text, &[]), "{\n    \"findings\": []\n}\n");
}

#[test]
fn locations_in_json_count_characters() {
    let text = "{\"Id\": \"Zürich\", \"Statement\":\r\n [{\"Sid\": \"日本\", \"Effect\": \"permit\", \"Action\": \"a:b\", \
                \"Principal\": \"*\", \"Resource\": \"*\"}], \"Version\": \"2012-10-17\"}";
    let findings = validate(text, PolicyKind::Resource, &Validation::default());
    let json: Value = serde_json::from_str(&findings_to_json(text, &findings)).unwrap();
    let span = &json["findings"][0]["locations"][0]["span"];
    let characters: Vec<char> = text.chars().collect();
    let offset = |end: &str| span[end]["offset"].as_u64().unwrap() as usize;
    assert_eq!(characters[offset("start")..offset("end")].iter().collect::<String>(), "\"permit\"");
    assert_eq!(span["start"], json!({"line": 2, "column": 26, "offset": 57}));
    assert_eq!(json["findings"].as_array().unwrap().len(), 1);
}

#[test]
fn every_code_has_the_severity_of_aws() {
    let listed: Vec<_> = include_str!("vectors/codes.txt").lines().collect();
    let theirs = ALL_CODES.iter().filter(|code| code.learn_more().contains("access-analyzer"));
    let ours: Vec<_> = theirs.map(|code| format!("{} {}", code.finding_type.as_str(), code.name)).collect();
    assert_eq!(ours, listed);
}

#[test]
fn findings_as_sarif() {
    let findings = validate("{\"Statement\":\n[]}", PolicyKind::Identity, &Validation::default());
    let log = findings_to_sarif(&[("policies/a b.json".to_owned(), findings), ("clean.json".to_owned(), Vec::new())]);
    expect![[r#"
        {
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "bailiwick",
                            "version": "0.1.0",
                            "rules": [
                                {
                                    "id": "MISSING_STATEMENT",
                                    "helpUri": "https://docs.aws.amazon.com/IAM/latest/UserGuide/access-analyzer-reference-policy-checks.html#access-analyzer-reference-policy-checks-error-missing-statement",
                                    "defaultConfiguration": {
                                        "level": "error"
                                    }
                                }
                            ]
                        }
                    },
                    "columnKind": "unicodeCodePoints",
                    "results": [
                        {
                            "ruleId": "MISSING_STATEMENT",
                            "ruleIndex": 0,
                            "level": "error",
                            "message": {
                                "text": "no statement: found an empty array, expected at least one statement"
                            },
                            "locations": [
                                {
                                    "physicalLocation": {
                                        "artifactLocation": {
                                            "uri": "policies/a%20b.json"
                                        },
                                        "region": {
                                            "startLine": 2,
                                            "startColumn": 1,
                                            "endLine": 2,
                                            "endColumn": 3,
                                            "byteOffset": 14,
                                            "byteLength": 2
                                        }
                                    },
                                    "logicalLocations": [
                                        {
                                            "fullyQualifiedName": "Statement"
                                        }
                                    ]
                                }
                            ]
                        }
                    ]
                }
            ]
        }
    "#]]
    .assert_eq(&log);
    serde_json::from_str::<Value>(&log).unwrap();
}

#[test]
fn errors_convert_to_findings() {
    let errors = parse_all("{}", PolicyKind::Identity, &Default::default()).unwrap_err();
    let findings = errors_to_findings(&errors);
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].code.name, findings[0].code.finding_type.as_str()), ("MISSING_STATEMENT", "ERROR"));
}

#[test]
fn a_document_with_many_errors_reports_them() {
    let wide = |piece: &str| vec![piece; 120 * 1024 / (piece.len() + 1)].join(",");
    let statement = |text: &str| format!(r#"{{"Version":"2012-10-17","Statement":{text}}}"#);
    let elements = |elements: &str| statement(&format!(r#"{{"Effect":"Allow","Resource":"*",{elements}}}"#));
    for (text, least) in [
        (statement(&format!("[{}]", wide("{}"))), 100_000),
        (elements(&format!(r#""Action":[{}]"#, wide("\"\""))), 30_000),
        (elements(&format!(r#""Action":"a:b","Condition":{{{}}}"#, wide("\"a\":0"))), 15_000),
        (statement(&format!("{{{}}}", wide("\"Effect\":0"))), 10_000),
    ] {
        assert!(text.len() <= 128 * 1024);
        let findings = validate(&text, PolicyKind::Identity, &Validation::default());
        assert!(findings.len() >= least, "{}", findings.len());
    }
}

#[test]
fn the_longest_documents_stay_within_the_budget() {
    let list = |each: &dyn Fn(usize) -> String, count| (0..count).map(each).collect::<Vec<_>>().join(",");
    let statement = |actions: &str, conditions: &str| {
        format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Deny","Action":[{actions}],"Resource":"*","Condition":{{{conditions}}}}}}}"#
        )
    };
    let tags = |prefix: &str| format!("\"StringEquals\":{{{}}}", list(&|n| format!("\"{prefix}/{n}\":\"x\""), 1_700));
    let all: Vec<_> = Catalogue::builtin().service("iam").unwrap().actions().map(|action| &*action.name).collect();
    for text in [
        // Lists that could be compared with themselves, and texts with each other: what is compared is counted.
        statement(&list(&|n| format!("\"s3:*a*b{n}\""), 6_000), ""),
        statement(&format!("\"iam:*{}b\",\"iam:{}\"", "a".repeat(40_000), "a".repeat(80_000)), ""),
        // Each condition asks about each action: what it asks is remembered.
        statement(&list(&|n| format!("\"iam:{}\"", all[n % all.len()]), 2_500), &tags("iam:ResourceTag")),
        statement(&list(&|n| format!("\"iam:{}\"", all[n % all.len()]), 2_500), &tags("aws:ResourceTag")),
        statement("\"*\"", &tags("aws:RequestTag")),
        // Unknown names are compared with known ones.
        statement(&list(&|n| format!("\"iam:CreatUser{n}\""), 2_500), &tags("aws:RequestTags")),
    ] {
        assert!(text.len() < 128 * 1024, "{}", text.len());
        let begun = std::time::Instant::now();
        let findings = validate(&text, PolicyKind::Scp, &Validation::default());
        assert!(findings.iter().any(|finding| finding.code.name == "POLICY_SIZE_EXCEEDS_SCP_QUOTA"));
        // Minutes where anything is left out of count; a slow machine is given its time.
        assert!(begun.elapsed().as_secs() < 20, "{}", &text[..80]);
    }
}

#[test]
fn findings_as_text() {
    let text = "{\n\t\"Version\": \"2012-10-17\",\r\n\t\"Statement\": {\"Effect\": \"allow\", \"Action\": \"s3:*\",\n\t\t\"Resource\": []}}";
    let findings = validate(text, PolicyKind::Identity, &Validation::default());
    assert_eq!(
        findings[0].to_string(),
        "line 3, column 26: in Statement.Effect: error INVALID_EFFECT: invalid effect: found `allow`, expected `Allow` \
         or `Deny`; did you mean `Allow` (case counts)?"
    );
    let shown = findings_to_text("policy.json", text, &findings);
    expect![[r#"
        policy.json:3:26: error INVALID_EFFECT
          invalid effect: found `allow`, expected `Allow` or `Deny`; did you mean `Allow` (case counts)?
          3 | 	"Statement": {"Effect": "allow", "Action": "s3:*",
            | 	                        ^^^^^^^
        policy.json:4:15: error EMPTY_ARRAY_RESOURCE
          empty list of resources: found an empty array, expected at least one value
          4 | 		"Resource": []}}
            | 		            ^^
    "#]]
    .assert_eq(&shown);
    // Findings about nothing in particular have a place too.
    let shown = findings_to_text("-", "", &validate("", PolicyKind::Scp, &Validation::default()));
    assert!(shown.starts_with("-:1:1: error JSON_SYNTAX_ERROR\n"), "{shown}");
}

#[test]
fn misspelled_names_come_with_a_suggestion() {
    let check = |kind: PolicyKind, statement: &str, meant: &str| {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": {statement}}}"#);
        let mut catalogue = photos();
        catalogue.complete = meant == "photos";
        let findings = validate(&text, kind, &Validation { catalogue: &catalogue, ..Validation::default() });
        let wanted = format!("did you mean `{meant}`");
        assert!(findings.iter().any(|finding| finding.details.contains(&wanted)), "{statement}: {findings:#?}");
    };
    let identity =
        |elements: &str| format!(r#"{{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*", {elements}}}"#);
    let action = |action: &str| format!(r#"{{"Effect": "Allow", "Action": "{action}", "Resource": "*"}}"#);
    let condition = |text: &str| identity(&format!(r#""Condition": {{{text}}}"#));
    use PolicyKind::{Identity, Resource};
    // Elements and effects.
    check(Identity, &identity(r#""Actions": "*""#), "Action");
    check(Identity, &identity(r#""conditions": {}"#), "Condition");
    check(Identity, r#"{"Effect": "allow", "Action": "s3:Get*", "Resource": "*"}"#, "Allow");
    check(Identity, r#"{"Effect": "Denny", "Action": "s3:Get*", "Resource": "*"}"#, "Deny");
    check(Resource, &identity(r#""Principal": {"Aws": "*"}"#), "AWS");
    check(Resource, &identity(r#""Principal": {"Services": "x.example.com"}"#), "Service");
    // Operators.
    check(Identity, &condition(r#""StringEqual": {"aws:username": "x"}"#), "StringEquals");
    check(Identity, &condition(r#""ForAnyValues:StringLike": {"aws:TagKeys": "x"}"#), "ForAnyValue:StringLike");
    // Actions and service prefixes.
    check(Identity, &action("iam:CreatUser"), "iam:CreateUser");
    check(Identity, &action("iam:Lits*"), "iam:List*");
    check(Identity, &action("CreateUser"), "iam:CreateUser");
    check(Identity, &action("sts:CreateUser"), "iam:CreateUser");
    check(Identity, &action("photos:GetAlbums"), "photos:GetAlbum");
    check(Identity, &action("photo:GetAlbum"), "photos:GetAlbum");
    check(Identity, &action("photo:Anything"), "photos");
    // Condition keys and variables.
    check(Identity, &condition(r#""IpAddress": {"aws:SourceIP1": "10.0.0.1"}"#), "aws:SourceIp");
    check(Identity, &condition(r#""StringEquals": {"aws:RequestTags/team": "x"}"#), "aws:RequestTag/team");
    check(Identity, &condition(r#""StringEquals": {"asw:username": "x"}"#), "aws:username");
    check(Identity, &condition(r#""StringEquals": {"iam:PassedToServices": "x"}"#), "iam:PassedToService");
    check(Identity, &condition(r#""StringLike": {"s3:prefix": "${aws:usrname}/*"}"#), "aws:username");
    // Types of resources.
    let resource = r#"{"Effect": "Allow", "Action": "iam:GetUser", "Resource": "arn:aws:iam::111122223333:users/x"}"#;
    check(Identity, resource, "user/");
}
