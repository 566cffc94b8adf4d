//! What each kind of policy takes and refuses, with the place and AWS's words.

use bailiwick_policy_lang::PolicyKind::{self, *};
use bailiwick_policy_lang::{Limits, parse, parse_all, parse_with};

/// Wraps statements into a document of the current version.
fn document(statements: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{statements}}}"#)
}

/// An identity statement with these further elements.
fn with(elements: &str) -> String {
    document(&format!(r#"{{"Effect":"Allow","Action":"s3:GetObject","Resource":"*",{elements}}}"#))
}

fn accepted(kind: PolicyKind, text: &str) {
    if let Err(error) = parse(text, kind) {
        panic!("{text}\n{error}");
    }
}

/// All errors, each as `Kind path`.
fn refused(kind: PolicyKind, text: &str, expected: &[&str]) {
    let errors = parse_all(text, kind, &Limits::default()).expect_err(text);
    let shown: Vec<_> = errors.iter().map(|e| format!("{:?} {}", e.kind, e.path)).collect();
    assert_eq!(shown, expected, "{text}");
    let first = parse(text, kind).expect_err(text);
    assert!(errors.contains(&first), "{text}");
}

fn says(kind: PolicyKind, text: &str, message: &str, aws: &str) {
    let error = parse(text, kind).expect_err(text);
    assert_eq!((error.to_string().as_str(), &*error.aws_message()), (message, aws), "{text}");
}

#[test]
fn documents_of_every_kind() {
    let allow = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    for kind in [Identity, Boundary, Session, Scp] {
        accepted(kind, &document(allow));
        accepted(kind, &document(&format!("[{allow},{allow}]")));
    }
    let principal = r#"{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}"#;
    for kind in [Resource, Rcp, Endpoint] {
        accepted(kind, &document(principal));
    }
    accepted(
        Trust,
        &document(r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}"#),
    );
    accepted(
        Resource,
        &document(
            r#"{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333"]},"NotAction":"s3:*","NotResource":"arn:aws:s3:::b"}"#,
        ),
    );
    accepted(Identity, r#"{"Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#);
    accepted(
        Identity,
        "\n{\"Id\":\"x y\",\"Version\":\"2008-10-17\",\"Statement\":{\"Sid\":\"\",\"Resource\":[\"*\"],\"Action\":[\"a:b\"],\"Effect\":\"Deny\"}}\r\n",
    );
}

#[test]
fn the_document_itself() {
    refused(Identity, "[]", &["DataType "]);
    refused(Identity, "null", &["DataType "]);
    refused(Identity, "{}", &["MissingStatement "]);
    refused(Identity, &document("[]"), &["MissingStatement Statement"]);
    refused(Identity, &document("7"), &["DataType Statement"]);
    refused(Identity, &document("[[]]"), &["DataType Statement[0]"]);
    let statement = r#"{"Effect":"Allow","Action":"a:b","Resource":"*"}"#;
    refused(Identity, &format!(r#"{{"Version":"2012-10-18","Statement":{statement}}}"#), &["Version Version"]);
    refused(Identity, &format!(r#"{{"Version":20121017,"Statement":{statement}}}"#), &["DataType Version"]);
    refused(Identity, &format!(r#"{{"version":"2012-10-17","Statement":{statement}}}"#), &["UnknownElement version"]);
    refused(Identity, &format!(r#"{{"Id":[],"Statement":{statement}}}"#), &["DataType Id"]);
    refused(Identity, &format!(r#"{{"Statement":{statement},"Statement":{statement}}}"#), &["DuplicateKey Statement"]);
    refused(Identity, "{\"Version\":", &["Json "]);
    refused(Identity, "{\"Statement\":\"\u{100}\"}", &["Character "]);
    refused(Resource, "{\"Statement\":\"\u{100}\"}", &["DataType Statement"]);
    refused(Trust, "\u{feff}{}", &["Json "]);
}

#[test]
fn elements_of_a_statement() {
    refused(
        Identity,
        &document("{}"),
        &["MissingEffect Statement", "MissingAction Statement", "MissingResource Statement"],
    );
    refused(
        Trust,
        &document("{}"),
        &["MissingEffect Statement", "MissingPrincipal Statement", "MissingAction Statement"],
    );
    refused(Identity, &with(r#""Extra":1"#), &["UnknownElement Statement.Extra"]);
    refused(Identity, &with(r#""NotAction":"*""#), &["BothForms Statement.NotAction"]);
    refused(Identity, &with(r#""NotResource":"*""#), &["BothForms Statement.NotResource"]);
    refused(Identity, &with(r#""Action":"*""#), &["DuplicateKey Statement.Action"]);
    refused(Identity, &with(r#""Principal":"*""#), &["ForbiddenPrincipal Statement.Principal"]);
    refused(Identity, &with(r#""Sid":"a b""#), &["Sid Statement.Sid"]);
    refused(Identity, &with(r#""Sid":1"#), &["DataType Statement.Sid"]);
    refused(Identity, &with(r#""Condition":[]"#), &["DataType Statement.Condition"]);
    accepted(Resource, &with(r#""Sid":"a b/c","Principal":"*""#));
    let deny = |effect: &str| document(&format!(r#"{{"Effect":{effect},"Action":"a:b","Resource":"*"}}"#));
    refused(Identity, &deny("\"allow\""), &["Effect Statement.Effect"]);
    refused(Identity, &deny("[\"Allow\"]"), &["DataType Statement.Effect"]);
    let sid = |a: &str, b: &str| {
        let one = |sid: &str| format!(r#"{{"Sid":"{sid}","Effect":"Deny","Action":"a:b","Resource":"*"}}"#);
        document(&format!("[{},{}]", one(a), one(b)))
    };
    accepted(Identity, &sid("a", "A"));
    accepted(Identity, &sid("", ""));
    refused(Identity, &sid("a", "a"), &["DuplicateSid Statement[1].Sid"]);
}

#[test]
fn actions() {
    let action = |value: &str| document(&format!(r#"{{"Effect":"Allow","Resource":"*","Action":{value}}}"#));
    for good in [
        r#""*""#,
        r#""s3:*""#,
        r#""s3:Get?bject""#,
        r#"["s3:GetObject","IAM:getuser"]"#,
        r#""aws-marketplace:View*""#,
        r#""*:*""#,
        r#""execute-api:Invoke""#,
        r#""s3*:Get*""#,
    ] {
        accepted(Identity, &action(good));
    }
    refused(Identity, &action("[]"), &["EmptyAction Statement.Action"]);
    refused(Identity, &action("{}"), &["DataType Statement.Action"]);
    refused(Identity, &action("true"), &["DataType Statement.Action"]);
    refused(Identity, &action(r#"["s3:*",1]"#), &["DataType Statement.Action[1]"]);
    refused(Identity, &action(r#""""#), &["ActionPrefix Statement.Action"]);
    refused(Identity, &action(r#""GetObject""#), &["ActionPrefix Statement.Action"]);
    refused(Identity, &action(r#"":GetObject""#), &["ActionPrefix Statement.Action"]);
    refused(Identity, &action(r#""s3:Get:Object""#), &["ActionColons Statement.Action"]);
    refused(Identity, &action(r#""s3:""#), &["ActionCharacter Statement.Action"]);
    accepted(Identity, &action(r#""s3:Get Object""#));
    refused(Identity, &action(r#""s3:Get(Object""#), &["ActionCharacter Statement.Action"]);
    refused(Identity, &action(r#""s 3:GetObject""#), &["ActionVendor Statement.Action"]);
    refused(Identity, &action(r#""${aws:x}""#), &["ActionVendor Statement.Action"]);
}

#[test]
fn resources_and_variables() {
    let resource = |value: &str| document(&format!(r#"{{"Effect":"Allow","Action":"a:b","Resource":{value}}}"#));
    for good in [
        r#""*""#,
        r#"["*","arn:aws:s3:::b/*"]"#,
        r#""arn:aws:s3:::b/${aws:username, 'x'}/${*}""#,
        r#""arn:aws:sqs:*""#,
        r#""arn:aws:s3:::b/$""#,
        r#""arn:aws:s3:::b/ä""#,
    ] {
        accepted(Identity, &resource(good));
    }
    refused(Identity, &resource("[]"), &["EmptyResource Statement.Resource"]);
    refused(Identity, &resource("null"), &["DataType Statement.Resource"]);
    refused(
        Identity,
        &resource(r#"["b","arn:","**",""]"#),
        &[
            "ResourceFormat Statement.Resource[0]",
            "ResourceFormat Statement.Resource[1]",
            "ResourceFormat Statement.Resource[2]",
            "ResourceFormat Statement.Resource[3]",
        ],
    );
    refused(Identity, &resource(r#""arn:aws:s3:::b/${aws:username""#), &["VariableBrace Statement.Resource"]);
    refused(Identity, &resource(r#""arn:aws:s3:::b/${a:b, x}""#), &["VariableQuote Statement.Resource"]);
    refused(Identity, &resource(r#""arn:aws:s3:::b/${}""#), &["VariableEmpty Statement.Resource"]);
    refused(Identity, &resource(r#""arn:aws:s3:::b/${a b}""#), &["VariableSpace Statement.Resource"]);
    refused(Identity, &resource(r#""arn:aws:s3:::b/${a{b}""#), &["VariableCharacter Statement.Resource"]);
    // Before 2012-10-17 a dollar sign is a dollar sign, wherever `Version` stands.
    accepted(Identity, r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3:::b/${"}}"#);
    accepted(
        Identity,
        r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3:::b/${"},"Version":"2008-10-17"}"#,
    );
    refused(
        Identity,
        r#"{"Statement":{"Effect":"Allow","Action":"a:b","Resource":"arn:aws:s3:::b/${"},"Version":"2012-10-17"}"#,
        &["VariableBrace Statement.Resource"],
    );
    refused(
        Trust,
        &document(r#"{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}"#),
        &["ForbiddenResource Statement.Resource"],
    );
}

#[test]
fn principals() {
    let principal =
        |value: &str| document(&format!(r#"{{"Effect":"Allow","Action":"a:b","Resource":"*","Principal":{value}}}"#));
    for good in [
        r#""*""#,
        r#"{"AWS":"*"}"#,
        r#"{"AWS":["111122223333","arn:aws:iam::111122223333:root"],"Service":"s3.amazonaws.com"}"#,
        r#"{"Federated":"accounts.google.com","CanonicalUser":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}"#,
    ] {
        accepted(Resource, &principal(good));
    }
    refused(Resource, &principal(r#""111122223333""#), &["PrincipalFormat Statement.Principal"]);
    refused(Resource, &principal(r#"["*"]"#), &["PrincipalFormat Statement.Principal"]);
    refused(Resource, &principal("{}"), &["EmptyPrincipal Statement.Principal"]);
    refused(Resource, &principal(r#"{"AWS":[]}"#), &["EmptyPrincipal Statement.Principal.AWS"]);
    refused(Resource, &principal(r#"{"aws":"*"}"#), &["PrincipalKey Statement.Principal.aws"]);
    refused(Resource, &principal(r#"{"AWS":{"a":1}}"#), &["DataType Statement.Principal.AWS"]);
    refused(
        Resource,
        &principal(r#"{"AWS":["me","arn:aws:iam::111122223333:user/*"]}"#),
        &["PrincipalValue Statement.Principal.AWS[0]", "PrincipalWildcard Statement.Principal.AWS[1]"],
    );
    refused(Rcp, &principal(r#"{"AWS":"*"}"#), &["PrincipalFormat Statement.Principal"]);
    let not = |effect: &str, action: &str| {
        document(&format!(r#"{{"Effect":"{effect}","Action":"{action}",NotPrincipal":{{"AWS":"111122223333"}}}}"#))
            .replace(",NotP", ",\"NotP")
    };
    refused(Trust, &not("Deny", "sts:AssumeRole"), &["ForbiddenNotPrincipal Statement.NotPrincipal"]);
    refused(
        Resource,
        &not("Allow", "s3:*"),
        &["MissingResource Statement", "AllowNotPrincipal Statement.NotPrincipal"],
    );
}

#[test]
fn conditions() {
    let condition = |value: &str| with(&format!(r#""Condition":{value}"#));
    for good in [
        "{}",
        r#"{"StringEquals":{}}"#,
        r#"{"StringEquals":{"a:b":"x"},"Bool":{"a:b":true},"NumericLessThan":{"a:b":[1,"2"]}}"#,
        r#"{"ForAllValues:StringLikeIfExists":{"a:b":[]}}"#,
        r#"{"StringEquals":{"a:b":"${aws:username}"},"NumericEquals":{"a:b":"${"}}"#,
    ] {
        accepted(Identity, &condition(good));
    }
    refused(Identity, &condition(r#"{"stringEquals":{"a:b":"x"}}"#), &["Operator Statement.Condition.stringEquals"]);
    refused(
        Identity,
        &condition(r#"{"NullIfExists":{"a:b":true}}"#),
        &["NullIfExists Statement.Condition.NullIfExists"],
    );
    refused(Identity, &condition(r#"{"Bool":{"":true}}"#), &[r#"ConditionKey Statement.Condition.Bool[""]"#]);
    refused(Identity, &condition(r#"{"Bool":true}"#), &["DataType Statement.Condition.Bool"]);
    refused(Identity, &condition(r#"{"Bool":{"a:b":null}}"#), &[r#"DataType Statement.Condition.Bool["a:b"]"#]);
    refused(Identity, &condition(r#"{"Bool":{"a:b":[[true]]}}"#), &[r#"DataType Statement.Condition.Bool["a:b"][0]"#]);
    refused(
        Identity,
        &condition(r#"{"Bool":{"a:b":1,"a:b":2}}"#),
        &[r#"DuplicateKey Statement.Condition.Bool["a:b"]"#],
    );
    refused(
        Identity,
        &condition(r#"{"StringLike":{"a:b":"${x"}}"#),
        &[r#"VariableBrace Statement.Condition.StringLike["a:b"]"#],
    );
}

#[test]
fn messages() {
    says(
        Identity,
        &document(r#"[{"Effect":"Allow","Action":["s3:Get","put"],"Resource":"*"}]"#),
        "line 1, column 75: in Statement[0].Action[1]: action without service prefix, found `put`, expected `*`, or a \
         service prefix, a colon and the name of an action",
        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
    );
    says(
        Identity,
        "{\n  \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:*\", \"Resource\": \"bucket\"}\n}",
        "line 2, column 66: in Statement.Resource: resource that is not an ARN, found `bucket`, expected `*` or an ARN",
        "Resource bucket must be in ARN format or \"*\".",
    );
    says(
        Identity,
        "{",
        "line 1, column 2: not JSON, found the end of the text, expected a key in quotes or `}`",
        "Syntax errors in policy.",
    );
    says(
        Trust,
        "{",
        "line 1, column 2: not JSON, found the end of the text, expected a key in quotes or `}`",
        "This policy contains invalid Json",
    );
    says(
        Trust,
        &document(r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::1:root"},"Action":"sts:AssumeRole"}"#),
        "line 1, column 74: in Statement.Principal.AWS: invalid principal, found `arn:aws:iam::1:root`, expected `*`, \
         an account id, or the ARN of an account's root, of a user, a role, an assumed-role session or a \
         federated-user session",
        "Invalid principal in policy: \"AWS\":\"arn:aws:iam::1:root\"",
    );
}

#[test]
fn messages_have_suggestions() {
    let says = |kind, text: &str, message: &str| {
        let error = parse(text, kind).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
    };
    says(
        Identity,
        &document(r#"{"effect":"Allow","Action":"s3:*","Resource":"*"}"#)
            .replace("\"effect", "\"Effect\":\"Deny\",\"effect"),
        "line 1, column 54: in Statement.effect: unknown element, found `effect`, expected one of `Sid`, `Effect`, \
         `Principal`, `NotPrincipal`, `Action`, `NotAction`, `Resource`, `NotResource` and `Condition`; did you mean \
         `Effect` (case counts)?",
    );
    says(
        Identity,
        r#"{"version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}"#,
        "line 1, column 2: in version: unknown element, found `version`, expected `Version`, `Id` or `Statement`; did you \
         mean `Version` (case counts)?",
    );
    says(
        Identity,
        &with(r#""Condition":{"ForAnyValue:stringlikeIfexists":{"a:b":"x"}}"#),
        "line 1, column 107: in Statement.Condition[\"ForAnyValue:stringlikeIfexists\"]: unknown condition operator, found \
         `ForAnyValue:stringlikeIfexists`, expected a condition operator such as `StringEquals`; did you mean \
         `ForAnyValue:StringLikeIfExists` (case counts)?",
    );
    says(
        Resource,
        &with(r#""Principal":{"aws":"*"}"#),
        "line 1, column 107: in Statement.Principal.aws: unknown kind of principal, found `aws`, expected `AWS`, \
         `Service`, `Federated` or `CanonicalUser`; did you mean `AWS` (case counts)?",
    );
    says(
        Identity,
        &with(r#""Principal":"*""#),
        "line 1, column 94: in Statement.Principal: principal in a policy that takes none, found `Principal`, expected no \
         principal: an identity-based policy applies to the identity that it is attached to",
    );
    says(
        Identity,
        &document(r#"{"Effect":"","Action":"s3:*","Resource":"*"}"#),
        "line 1, column 47: in Statement.Effect: invalid effect, found an empty string, expected `Allow` or \
         `Deny`",
    );
    says(
        Identity,
        &document(r#"{"Effect":"Allow","Action":"s3:Get\n\u0000","Resource":"*"}"#),
        "line 1, column 64: in Statement.Action: action with unsupported characters, found `s3:Get\\n\\0`, expected `*`, \
         or a service prefix, a colon and the name of an action",
    );
    says(
        Identity,
        &document(r#"{"Effect":"Allow","Action":"s3:\ud83d","Resource":"*"}"#),
        "line 1, column 68: not JSON, found half of a surrogate pair, expected a whole pair such as `\\ud83d\\ude00`",
    );
}

#[test]
fn limits() {
    let text = document(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#);
    let exact = Limits { max_bytes: text.len(), max_depth: 2 };
    assert!(parse_with(&text, Identity, &exact).is_ok());
    let shorter = Limits { max_bytes: text.len() - 1, ..exact };
    let error = parse_with(&text, Identity, &shorter).expect_err("too long");
    assert_eq!(error.to_string(), "line 1, column 1: document too long, found 86 bytes, expected at most 85 bytes");
    let flatter = Limits { max_depth: 1, ..exact };
    assert!(parse_with(&text, Identity, &flatter).is_err());
    let bottomless = Limits { max_bytes: 10_000_000, max_depth: usize::MAX };
    assert!(parse_with(&"[".repeat(5_000_000), Identity, &bottomless).is_err());
}

#[test]
fn a_misspelled_element_is_reported_as_missing() {
    let says = |kind, text: &str, message: &str| {
        let error = parse(text, kind).expect_err(text);
        assert_eq!(error.to_string(), message, "{text}");
    };
    let statement = |text: &str| document(&text.replace('\'', "\""));
    says(
        Identity,
        &statement("{'Effect':'Allow','Actions':'s3:*','Resource':'*'}"),
        "line 1, column 37: in Statement: statement without action, found `Actions` instead of `Action`, expected `Action` \
         or `NotAction`; did you mean `Action`?",
    );
    says(
        Identity,
        &statement("{'Effect':'Allow','Action':'s3:*','NotResources':'*'}"),
        "line 1, column 37: in Statement: statement without resource, found `NotResources` instead of `Resource`, expected \
         `Resource` or `NotResource`; did you mean `NotResource`?",
    );
    says(
        Identity,
        &statement("{'effect':'Allow','Action':'s3:*','Resource':'*'}"),
        "line 1, column 37: in Statement: statement without effect, found `effect` instead of `Effect`, expected `Allow` or \
         `Deny`; did you mean `Effect` (case counts)?",
    );
    says(
        Trust,
        &statement("{'Effect':'Allow','Principals':'*','Action':'sts:AssumeRole'}"),
        "line 1, column 37: in Statement: statement without principal, found `Principals` instead of `Principal`, expected \
         `Principal`; did you mean `Principal`?",
    );
    says(
        Identity,
        r#"{"Version":"2012-10-17","Statements":[]}"#,
        "line 1, column 1: no statement, found `Statements` instead of `Statement`, expected at least one statement; did you \
         mean `Statement`?",
    );
}
