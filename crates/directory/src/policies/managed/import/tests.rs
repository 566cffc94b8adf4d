use serde_json::{Value, json};

use super::*;
use crate::testing::World;

const DOCUMENT: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:B","Resource":"arn:aws:a:::%3A"}]}"#;

fn detail(name: &str) -> Value {
    json!({
        "PolicyName": name, "PolicyId": "ANPAIWMBCKSKIEE64ZLYK", "Arn": format!("arn:aws:iam::aws:policy/{name}"),
        "Path": "/", "DefaultVersionId": "v2", "AttachmentCount": 3, "PermissionsBoundaryUsageCount": 0,
        "IsAttachable": true, "CreateDate": "2015-02-06T18:40:58+00:00", "UpdateDate": "2019-06-20T00:00:00Z",
        "PolicyVersionList": [
            {"Document": serde_json::from_str::<Value>(DOCUMENT).unwrap(), "VersionId": "v2", "IsDefaultVersion": true,
                "CreateDate": "2019-06-20T00:00:00+00:00"},
            {"Document": {}, "VersionId": "v1", "IsDefaultVersion": false, "CreateDate": "2015-02-06T18:40:58Z"},
        ],
    })
}

fn pair(name: &str, document: Value) -> Value {
    json!({
        "Policy": {
            "PolicyName": name, "Arn": format!("arn:aws:iam::aws:policy/x/{name}"), "Path": "/x/",
            "DefaultVersionId": "v1", "Description": "d", "CreateDate": "2015-02-06T18:40:58Z", "Tags": [],
        },
        "PolicyVersion": {"Document": document, "VersionId": "v1", "CreateDate": "2016-02-06T18:40:58Z"},
    })
}

fn read_text(text: &str) -> Result<Vec<ManagedPolicy>, String> {
    parse_import(text, Partition::Aws).map_err(|error| error.to_string())
}

#[test]
fn both_outputs_of_the_cli_are_parsed() {
    let details = json!({"UserDetailList": [], "GroupDetailList": [], "RoleDetailList": [],
        "Policies": [detail("A"), detail("B")]});
    let read = read_text(&details.to_string()).unwrap();
    assert_eq!(read.iter().map(|policy| policy.name.as_str()).collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!((read[0].version, read[0].updated.to_string()), (2, "2019-06-20T00:00:00Z".into()));
    assert_eq!(
        serde_json::from_str::<Value>(&read[0].document).unwrap(),
        serde_json::from_str::<Value>(DOCUMENT).unwrap()
    );
    // As an object, as text, and percent-encoded once.
    let encoded = DOCUMENT.replace('%', "%25").replace('{', "%7B").replace('"', "%22");
    let object = serde_json::from_str(DOCUMENT).unwrap();
    for document in [object, json!(DOCUMENT), json!(encoded)] {
        let read = read_text(&json!([pair("C", document.clone())]).to_string()).unwrap();
        assert!(read[0].document.contains("a:::%3A"), "{document}");
        assert_eq!((read[0].path.as_str(), read[0].description.as_deref()), ("/x/", Some("d")));
    }
}

#[test]
fn white_space_added_by_the_cli_is_removed() {
    let check = |text: &str, expected: &str| assert_eq!(without_white_space(text), expected, "{text}");
    check("{\n    \"a\": [\n        1\n    ]\n}", r#"{"a":[1]}"#);
    check(r#"{ "a b" : "c \" d \\" , "e" : "f  g" }"#, r#"{"a b":"c \" d \\","e":"f  g"}"#);
    let pretty = serde_json::to_string_pretty(&json!({"Policies": [detail("A")]})).unwrap();
    let read = read_text(&pretty).unwrap();
    assert!(!read[0].document.contains(char::is_whitespace), "{}", read[0].document);
}

#[test]
fn unknown_input_is_refused() {
    let with = |key: &str, value: Value| {
        let mut row = detail("A");
        row[key] = value;
        json!({"Policies": [row]}).to_string()
    };
    let duplicate = r#"{"Version":"2012-10-17","Version":"2008-10-17","Statement":[]}"#;
    let twice = json!({"Policies": [detail("A"), detail("a")]}).to_string();
    for (text, expected) in [
        ("", "neither a JSON array nor a JSON object"),
        ("{", "EOF while parsing"),
        (r#"{"Policies":[],"Extra":1}"#, "unknown field `Extra`"),
        (r#"{"Policies":[],"IsTruncated":true}"#, "the output is truncated"),
        (r#"{"Policies":[],"UserDetailList":[{}]}"#, "use `--filter AWSManagedPolicy`"),
        (&with("Unknown", json!(1)), "unknown field `Unknown`"),
        (&with("Arn", json!("arn:aws:iam::111122223333:policy/A")), "its ARN should be arn:aws:iam::aws:policy/A"),
        (&with("Path", json!("/y/")), "its ARN should be arn:aws:iam::aws:policy/y/A"),
        (&with("PolicyName", json!("a b")), "not a valid policy name"),
        (&with("DefaultVersionId", json!("v9")), "without its default version"),
        (&with("IsAttachable", json!(false)), "it is not attachable"),
        (&with("CreateDate", json!("yesterday")), "failed to parse"),
        (&json!([pair("A", json!({}))]).to_string(), "arn:aws:iam::aws:policy/x/A: line 1"),
        (&json!([pair("A", json!(duplicate))]).to_string(), "arn:aws:iam::aws:policy/x/A: line 1"),
        (&json!([pair("A", json!(7))]).to_string(), "its document is neither an object nor a string"),
        (&json!([pair("A", json!("%FF%7B"))]).to_string(), "its document is not UTF-8 when decoded"),
        (&twice, "is listed twice"),
    ] {
        let error = read_text(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    }
    let many: Value = (0..30).map(|i| pair(&format!("p{i}"), json!({}))).collect();
    let error = read_text(&many.to_string()).unwrap_err();
    assert!(error.lines().count() == 21 && error.ends_with("and 10 more"), "{error}");
}

#[tokio::test]
async fn over_a_thousand_policies_fit_into_a_few_transactions() {
    let w = World::new().await;
    let pairs: Value = (0..1_200).map(|i| pair(&format!("Imported{i}"), json!(DOCUMENT))).collect();
    let policies = parse_import(&pairs.to_string(), Partition::Aws).unwrap();
    for batch in policies.chunks(400) {
        let mut tx = w.begin().await;
        let outcomes = import(&mut tx, batch, false, w.cx().date(), &*w.deployment.random).await.unwrap();
        assert_eq!(outcomes, [Outcome::Created; 400]);
        tx.commit().await.unwrap();
    }
    assert_eq!(
        w.begin().await.count::<Policy>(AccountId::NONE).await.unwrap(),
        1_200 + super::super::BUILTIN_POLICIES.len() as u64
    );
}
