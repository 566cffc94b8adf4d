use super::*;
use crate::commands::import::account::rewrite::Mode;

fn place(account: &str) -> Place {
    Place { partition: "aws".into(), account: account.into() }
}

#[test]
fn a_file_that_is_something_else_is_refused() {
    let check = |text: &str, expected: &str| {
        let error = parse(text).unwrap_err();
        assert!(error.contains(expected), "{text}: {error}");
    };
    check("", "EOF while parsing a value at line 1 column 0; expected what `aws iam");
    check("[]", "found an array; expected what `aws iam");
    check("{}", "it has none of `UserDetailList`, ");
    check(r#"{"Users": []}"#, "`Users` is not expected");
    check(r#"{"Policies": {}}"#, "`Policies` is an object, expected an array");
    check(r#"{"Policies": [], "IsTruncated": true}"#, "it is one page of several");
    check(r#"{"Policies": [], "Marker": "x"}"#, "it is one page of several");
    check(r#"{"Policies": [], "Policies": []}"#, "the member `Policies` appears twice at line 1 column 27");
    assert!(parse(r#"{"Policies": [], "IsTruncated": false, "Marker": null}"#).is_ok());
}

#[test]
fn the_source_account_is_that_of_the_objects() {
    let check = |arns: &[&str], expected: Result<Option<&str>, &str>| {
        let users = Json::Array(
            arns.iter().map(|arn| Json::Object(vec![("Arn".into(), Json::String((*arn).to_owned()))])).collect(),
        );
        let found = source(&Json::Object(vec![("UserDetailList".into(), users)]));
        match expected {
            Ok(account) => assert_eq!(found, Ok(account.map(place))),
            Err(expected) => assert!(found.unwrap_err().contains(expected)),
        }
    };
    check(&["arn:aws:iam::aws:policy/p", "x"], Ok(None));
    check(&["arn:aws:iam::aws:policy/p", "arn:aws:iam::111111111111:user/u"], Ok(Some("111111111111")));
    let two = ["arn:aws:iam::111111111111:user/u", "arn:aws:iam::222222222222:user/u"];
    check(&two, Err("the accounts 111111111111 and 222222222222"));
}

#[test]
fn an_object_that_cannot_be_read_is_named() {
    let check = |item: &str, expected: &str| {
        let rewrite = Rewrite::new(Mode::All, place("111111111111"), place("222222222222"));
        let read = read(parse(&format!(r#"{{"RoleDetailList": [{item}]}}"#)).unwrap(), &rewrite);
        assert!(read.roles.is_empty());
        let [(name, why)] = &read.unread[..] else { panic!("{:?}", read.unread) };
        assert_eq!(format!("{name}: {why}"), expected, "{item}");
    };
    check("1", "RoleDetailList[0]: it is a number, expected an object");
    check(r#"{"RoleName": "r", "New": 1}"#, "RoleDetailList[0] r: unrecognized field name 'New'");
    check(
        r#"{"RoleName": "r", "AssumeRolePolicyDocument": 1}"#,
        "RoleDetailList[0] r: `AssumeRolePolicyDocument`: it is a number, expected an object or a percent-encoded string",
    );
    check(
        r#"{"RoleName": "r", "AssumeRolePolicyDocument": "%7B%22a%22"}"#,
        "RoleDetailList[0] r: `AssumeRolePolicyDocument`: EOF while parsing an object at line 1 column 4",
    );
}

#[test]
fn documents_are_objects_or_strings() {
    let rewrite = Rewrite::new(Mode::All, place("111111111111"), place("222222222222"));
    for given in [
        r#"{"b": 1, "a": ["%3A"]}"#,
        r#""{\"b\": 1, \"a\": [\"%3A\"]}""#,
        r#""%7B%22b%22%3A1,%22a%22:%5B%22%253A%22%5D%7D""#,
    ] {
        let file = format!(r#"{{"RoleDetailList": [{{"RoleName": "r", "AssumeRolePolicyDocument": {given}}}]}}"#);
        let read = read(parse(&file).unwrap(), &rewrite);
        let document = read.roles[0].assume_role_policy_document.as_deref();
        assert_eq!(document, Some(r#"{"b":1,"a":["%3A"]}"#), "{given}");
    }
}
