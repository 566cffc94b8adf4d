#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]
//! The errors of `validate` against the refusals of `parse_strict`, and both against the tables of `VALIDATION.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use bailiwick_policy_lang::{
    Catalogue, Finding, FindingType, PolicyKind, SaveRules, Target, Validation, Version, parse_strict, validate,
};
use serde_json::Value;

/// The kinds whose rules differ most.
const KINDS: [PolicyKind; 5] =
    [PolicyKind::Identity, PolicyKind::Boundary, PolicyKind::Trust, PolicyKind::Resource, PolicyKind::Rcp];

/// Every document of the vectors of this crate.
fn documents() -> BTreeSet<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors");
    let mut documents = BTreeSet::new();
    for entry in fs::read_dir(format!("{folder}/lint")).unwrap() {
        for line in fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let vector: Value = serde_json::from_str(line).unwrap();
            documents.insert(match (&vector["text"], &vector["document"], &vector["statement"]) {
                (Value::String(text), ..) => text.clone(),
                (_, Value::Object(_), _) => vector["document"].to_string(),
                (.., statement) => format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#),
            });
        }
    }
    for entry in fs::read_dir(format!("{folder}/documents")).unwrap() {
        documents.insert(fs::read_to_string(entry.unwrap().path()).unwrap());
    }
    documents
}

/// The document, and the same with one thing taken out, put in or written otherwise.
fn variants(text: &str) -> Vec<String> {
    let mut variants = vec![text.to_owned(), text.replacen("2012-10-17", "2008-10-17", 1)];
    // Long documents take long, and show nothing in their variants that short ones do not.
    if text.len() > 130 {
        return variants;
    }
    let Ok(Value::Object(document)) = serde_json::from_str(text) else { return variants };
    for key in document.keys() {
        let mut without = document.clone();
        without.remove(key);
        variants.push(Value::Object(without).to_string());
    }
    let one = |statement: &Value| serde_json::json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    let Some(Value::Object(statement)) = document.get("Statement") else { return variants };
    for key in statement.keys() {
        let mut without = statement.clone();
        without.remove(key);
        variants.push(one(&Value::Object(without)));
    }
    for (key, values) in [
        ("Principal", &[r#""*""#, r#"{"AWS":"*"}"#, r#"{"Service":"*"}"#, r#"{"AWS":"111122223333"}"#, "{}"][..]),
        ("NotPrincipal", &[r#"{"AWS":"111122223333"}"#]),
        ("Effect", &[r#""Deny""#, r#""Allow""#, r#""allow""#]),
        ("Action", &[r#""*""#, r#""sts:AssumeRole""#, r#""sts:*""#, r#""s*:Get""#, r#""CreateUser""#, "[]"]),
        ("NotAction", &[r#""iam:*""#]),
        (
            "Resource",
            &[
                r#""*""#,
                r#""arn:aws:*""#,
                r#""arn:aws:s*:::x""#,
                r#""arn:aws:iam::1:usr/x""#,
                r#""arn:aws:sqs""#,
                r#""x""#,
                "[]",
            ],
        ),
        (
            "Condition",
            &["{}", r#"{"StringEqual":{"aws:username":"x"}}"#, r#"{"DateLessThan":{"aws:CurrentTime":"soon"}}"#],
        ),
        ("Sid", &[r#""""#, r#""a b""#]),
        ("Actions", &[r#""*""#]),
    ] {
        for value in values {
            let mut changed = statement.clone();
            changed.insert(key.into(), serde_json::from_str(value).unwrap());
            variants.push(one(&Value::Object(changed)));
        }
    }
    variants
}

/// The built-in services, and one whose resources have regions.
fn catalogue() -> Catalogue {
    let photos = r#"{"catalogue": 1, "services": {"photos": {
        "resources": {"album": {"arns": ["arn:${Partition}:photos:${Region}:${Account}:album/${AlbumId}"]}},
        "actions": {"GetAlbum": {"resources": ["album"]}}
    }}}"#;
    let mut catalogue = Catalogue::builtin().clone();
    catalogue.merge(Catalogue::parse(photos).unwrap());
    catalogue
}

fn errors(text: &str, kind: PolicyKind, catalogue: &Catalogue) -> Vec<Finding> {
    let validation = Validation { partition: Some("aws"), catalogue, ..Validation::default() };
    let mut findings = validate(text, kind, &validation);
    findings.retain(|finding| finding.code.finding_type == FindingType::Error);
    findings
}

/// The codes in the first column of the tables below a heading of `VALIDATION.md`.
fn table(heading: &str) -> BTreeSet<String> {
    let text = include_str!("../VALIDATION.md");
    let section = text.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = rows.map(|row| row.split(" |").next().unwrap());
    cells
        .flat_map(|cell| cell.split('`').step_by(2).map(str::to_owned))
        .filter(|code| !code.trim().is_empty())
        .collect()
}

#[test]
fn validation_errors_and_save_refusals_agree() {
    let despite = table("## Errors that can be saved");
    let (mut wrong, mut saved, mut refused) = (BTreeMap::new(), 0, 0);
    let (mut unneeded, catalogue) = (despite.clone(), catalogue());
    let texts: BTreeSet<_> = documents().iter().flat_map(|text| variants(text)).collect();
    for text in texts {
        for kind in KINDS {
            let min_version = if kind == PolicyKind::Boundary { Version::V2012 } else { Version::V2008 };
            let rules = SaveRules { partition: Some("aws"), min_version, ..SaveRules::default() };
            let (save, errors) = (parse_strict(&text, kind, &rules), errors(&text, kind, &catalogue));
            match save {
                Err(error) if errors.is_empty() => {
                    wrong
                        .insert(format!("refused, but no error: {:?}", error.kind), format!("{kind:?} {error} {text}"));
                }
                Err(_) => refused += 1,
                Ok(_) => {
                    saved += 1;
                    for error in errors {
                        unneeded.remove(error.code.name);
                        // Sizes are checked when a document is saved.
                        if !despite.contains(error.code.name) && !error.code.name.starts_with("POLICY_SIZE_") {
                            wrong.insert(format!("saved, but {}", error.code.name), format!("{kind:?} {error} {text}"));
                        }
                    }
                }
            }
        }
    }
    assert!(saved > 500 && refused > 1_000, "{saved} saved, {refused} refused");
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(unneeded, BTreeSet::new(), "no document shows that these can be saved");
}

#[test]
fn every_difference_from_aws_is_in_the_table() {
    let documented = table("## Where Bailiwick differs from AWS");
    let mut found: BTreeSet<String> = BTreeSet::new();
    let key = |finding: Finding| (finding.code.name, finding.code.finding_type, finding.locations[0].span);
    for text in documents().iter().flat_map(|text| variants(text)).collect::<BTreeSet<_>>() {
        for kind in KINDS {
            let types = if kind == PolicyKind::Resource { &[None, Some("AWS::S3::Bucket")][..] } else { &[None] };
            for resource_type in types.iter().copied() {
                let [aws, own] = [Target::Aws, Target::Bailiwick].map(|target| {
                    let validation =
                        Validation { target, resource_type, partition: Some("aws"), ..Validation::default() };
                    validate(&text, kind, &validation).into_iter().map(key).collect::<BTreeSet<_>>()
                });
                found.extend(aws.symmetric_difference(&own).map(|(name, ..)| (*name).to_owned()));
            }
        }
    }
    let missing: Vec<_> = found.difference(&documented).collect();
    assert!(missing.is_empty(), "not in the table: {missing:?}");
    // These take a catalogue or a length that no document here has; the vectors of `lint.rs` show them.
    let shown_elsewhere = |code: &String| code.contains("_TAG_CONDITION_KEY_") || code.starts_with("POLICY_SIZE_");
    let unneeded: Vec<_> = documented.difference(&found).filter(|code| !shown_elsewhere(code)).collect();
    assert!(unneeded.is_empty(), "no document shows a difference: {unneeded:?}");
}
