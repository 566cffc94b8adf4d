use super::*;

/// The rule that a text breaks, and AWS's words.
fn check(kind: PolicyKind, text: &str, expected: Option<(ErrorKind, &str, &str)>) {
    let found = parse_strict(text, kind, &SaveRules { partition: Some("aws"), ..SaveRules::default() }).err();
    let found = found.as_ref().map(|error| (error.kind, error.path.to_string(), error.aws_message()));
    let found = found.as_ref().map(|(kind, path, message)| (*kind, path.as_str(), &**message));
    assert_eq!(found, expected, "{text}");
}

fn resource(arn: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Action":"s3:*","Resource":["*","{arn}"]}}}}"#)
}

#[test]
fn resources() {
    for good in [
        "arn:aws:s3:::bucket/*",
        "arn:*:s3:::bucket",
        "arn:aws:sqs:*",
        "arn:aws:iam::*:role/x/*",
        "arn:aws:iam::111122223333:delegation-request/*",
        "arn:aws:iam::111122223333:*",
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam:*:*:role/x",
        "arn:aws:s3:eu-west-1:111122223333:accesspoint/x",
        "arn:aws:photos:*:*:album/${aws:username}",
        "arn:aws:iam::${aws:PrincipalAccount}:user/${aws:username}",
        "arn:aws*:s3:::bucket",
        "arn:aws:*",
        // Completed with wildcards.
        "arn:aws:sqs",
        "arn:aws:sqs:eu-west-1",
        "arn:aws:sqs:eu-west-1:111122223333",
    ] {
        check(PolicyKind::Identity, &resource(good), None);
    }
    let bad = |arn: &str, kind, message: &str| {
        check(PolicyKind::Identity, &resource(arn), Some((kind, "Statement.Resource[1]", message)));
    };
    bad(
        "arn:aws-cn:s3:::b",
        ErrorKind::ResourcePartition,
        "Partition \"aws-cn\" is not valid for resource \"arn:aws-cn:s3:::b\".",
    );
    bad("arn::s3:::b", ErrorKind::ResourcePartition, "Partition \"\" is not valid for resource \"arn::s3:::b\".");
    let vendor = "Resource vendor must be fully qualified and cannot contain regexes.";
    bad("arn:aws", ErrorKind::ResourceVendor, vendor);
    bad("arn:aws:s*:::b", ErrorKind::ResourceVendor, vendor);
    for gap in ["arn:aws::::b", "arn:aws::b", "arn:aws:s3::b", "arn:aws:s3::*", "arn:aws:sqs:*:b"] {
        bad(gap, ErrorKind::ResourceParts, "The policy failed legacy parsing");
    }
    let partition = |arn: &str, shown: &str| {
        let name = shown.split(':').nth(1).unwrap_or("");
        let message = format!("Partition \"{name}\" is not valid for resource \"{shown}\".");
        bad(arn, ErrorKind::ResourcePartition, &message);
    };
    partition("aws:sqs:eu-west-1:q", "arn:sqs:eu-west-1:q:*:*");
    partition("x:y", "arn:y:*:*:*:*");
    partition("x:y:a:b:c:d:e", "arn:y:a:b:c:d:e");
    partition("aws:s3:::b", "arn:s3:::b:*");
    bad("bucket", ErrorKind::ResourceFormat, "Resource bucket must be in ARN format or \"*\".");
    bad(
        "arn:aws:iam:eu-west-1::role/x",
        ErrorKind::ResourceRegion,
        "IAM resource arn:aws:iam:eu-west-1::role/x cannot contain region information.",
    );
    bad(
        "arn:aws:s3:eu-west-1::b",
        ErrorKind::ResourceRegion,
        "Resource arn:aws:s3:eu-west-1::b can not contain region information.",
    );
    bad(
        "arn:aws:iam::111122223333:usr/x",
        ErrorKind::ResourcePath,
        "IAM resource path must either be \"*\", root, or start with user/, federated-user/, role/, group/, instance-profile/, \
         mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.",
    );
}

#[test]
fn actions_keys_and_dates() {
    let statement = |action: &str, condition: &str| {
        format!(r#"{{"Statement":{{"Effect":"Allow","Action":"{action}","Resource":"*","Condition":{condition}}}}}"#)
    };
    check(PolicyKind::Identity, &statement("*:*", "{}"), None);
    check(
        PolicyKind::Identity,
        &statement("s3:*", r#"{"DateLessThan":{"aws:CurrentTime":["2024-06-14","1718368199"]}}"#),
        None,
    );
    let wildcards = "Action vendors (e.g., aws, ec2, etc.) must not contain wildcards.";
    check(
        PolicyKind::Identity,
        &statement("*:Untag*", "{}"),
        Some((ErrorKind::ActionVendor, "Statement.Action", wildcards)),
    );
    // AWS stores keys without a service prefix, which no request has, and operators without keys.
    for good in [r#"{"StringEquals":{"username":"x"}}"#, r#"{"StringsEqual":{}}"#, r#"{"DateLessThan":{"day":[]}}"#] {
        check(PolicyKind::Identity, &statement("s3:*", good), None);
    }
    check(
        PolicyKind::Identity,
        &statement("s3:*", r#"{"StringEquals":{":username":"x"}}"#),
        Some((
            ErrorKind::ConditionKey,
            r#"Statement.Condition.StringEquals[":username"]"#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        )),
    );
    check(PolicyKind::Identity, &statement("s3:Get it", "{}"), None);
    for (date, is_stored) in [
        ("2024-06-14t7:30:00.123456789+02", true),
        ("2024-06-14T07:30:00.0001234567890Z", false),
        ("2024-06-14T07:30:00.000123456789Z", true),
        ("2024-06-14T07:30:00.1234567891Z", false),
        ("1718368199.1234567891", false),
        ("07T", true),
    ] {
        let text = statement("s3:*", &format!(r#"{{"DateLessThan":{{"aws:CurrentTime":"{date}"}}}}"#));
        assert_eq!(parse_strict(&text, PolicyKind::Identity, &SaveRules::default()).is_ok(), is_stored, "{date}");
    }
    check(
        PolicyKind::Identity,
        &statement("s3:*", r#"{"DateLessThan":{"aws:CurrentTime":["2024-06-14","soon"]}}"#),
        Some((
            ErrorKind::ConditionValue,
            r#"Statement.Condition.DateLessThan["aws:CurrentTime"][1]"#,
            "The policy failed legacy parsing",
        )),
    );
}

/// Of several mistakes, AWS reports the one of the check that it makes first, wherever it stands.
#[test]
fn the_order_of_checks() {
    let rules = SaveRules { partition: Some("aws"), min_version: Version::V2012, ..SaveRules::default() };
    let check = |version: &str, statements: &str, expected: ErrorKind| {
        let text = format!(r#"{{{version}"Statement":[{statements}]}}"#);
        let found = parse_strict(&text, PolicyKind::Identity, &rules).expect_err(&text);
        assert_eq!(found.kind, expected, "{text}");
    };
    let current = r#""Version":"2012-10-17","#;
    let rows = [
        (r#"{"Action":[{}],"Resource":"x"}"#, ErrorKind::MissingEffect),
        (r#"{"Effect":"Allow","Resource":["x",{}]}"#, ErrorKind::DataType),
        (r#"{"Effect":"Allow","Action":[],"NotAction":"a:b","Resource":"*"}"#, ErrorKind::BothForms),
        (r#"{"Effect":"ALLOW","Resource":"x"}"#, ErrorKind::Effect),
        (r#"{"Effect":"Allow","Resource":"arn:aws:s3::x"}"#, ErrorKind::ResourceParts),
        (r#"{"Effect":"Allow","Condition":{"DateEquals":{"aws:CurrentTime":"then"}}}"#, ErrorKind::ConditionValue),
        (r#"{"Sid":"a","Effect":"Allow"},{"Sid":"a","Effect":"Allow"}"#, ErrorKind::DuplicateSid),
        (r#"{"Effect":"Allow","Principal":"*"}"#, ErrorKind::ForbiddenPrincipal),
        (r#"{"Effect":"Allow"}"#, ErrorKind::MissingAction),
        (r#"{"Effect":"Allow","Resource":"x"}"#, ErrorKind::MissingAction),
        (r#"{"Effect":"Allow","Action":"none"}"#, ErrorKind::MissingResource),
        (r#"{"Effect":"Allow","Action":"none","Resource":"x"}"#, ErrorKind::ResourceFormat),
        (r#"{"Effect":"Allow","Action":"none","Resource":"*"}"#, ErrorKind::ActionPrefix),
    ];
    for (at, (statements, expected)) in rows.into_iter().enumerate() {
        check(current, statements, expected);
        // The version is checked after the syntax.
        check("", statements, if at < 3 { expected } else { ErrorKind::OldVersion });
    }
}

#[test]
fn incomplete_arns_of_other_policies() {
    for arn in ["arn:aws:sqs", "arn:aws:sqs:eu-west-1"] {
        let found = parse_strict(&resource(arn), PolicyKind::Session, &SaveRules::default()).err();
        assert_eq!(found.map(|error| error.kind), Some(ErrorKind::ResourceParts), "{arn}");
    }
}

#[test]
fn trust_and_resource_control_policies() {
    let trust = |action: &str, principal: &str| {
        format!(r#"{{"Statement":{{"Effect":"Allow","Action":"{action}","Principal":{principal}}}}}"#)
    };
    for good in ["sts:AssumeRole", "STS:assume*", "sts:*", "sts:TagSession", "sts:AssumeRoleWithSAML"] {
        check(PolicyKind::Trust, &trust(good, r#"{"AWS":"*"}"#), None);
    }
    let message = "AssumeRole policy may only specify STS AssumeRole actions.";
    for bad in ["*", "s3:*", "sts:GetCallerIdentity"] {
        check(
            PolicyKind::Trust,
            &trust(bad, r#""*""#),
            Some((ErrorKind::ForbiddenAction, "Statement.Action", message)),
        );
    }
    check(
        PolicyKind::Trust,
        &trust("sts:AssumeRole", r#"{"Service":"*"}"#),
        Some((
            ErrorKind::PrincipalWildcard,
            "Statement.Principal.Service",
            "Invalid principal in policy: \"Service\":\"*\"",
        )),
    );
    let rcp = |effect: &str, action: &str| {
        format!(r#"{{"Statement":{{"Effect":"{effect}",{action},"Principal":"*","Resource":"*"}}}}"#)
    };
    check(PolicyKind::Rcp, &rcp("Deny", r#""Action":"s3:*""#), None);
    let refused = |effect: &str, action: &str| {
        parse_strict(&rcp(effect, action), PolicyKind::Rcp, &SaveRules::default()).err().map(|error| error.kind)
    };
    assert_eq!(refused("Allow", r#""Action":"s3:*""#), Some(ErrorKind::Effect));
    assert_eq!(refused("Deny", r#""NotAction":"s3:*""#), Some(ErrorKind::ForbiddenNotAction));
    for unnamed in ["*", "*:*"] {
        assert_eq!(refused("Deny", &format!(r#""Action":"{unnamed}""#)), Some(ErrorKind::ForbiddenAction), "{unnamed}");
    }
}

#[test]
fn the_version_of_managed_policies() {
    let rules = SaveRules { min_version: Version::V2012, ..SaveRules::default() };
    let check = |version: &str, expected: Option<&str>| {
        let text = format!(r#"{{{version}"Statement":{{"Effect":"Allow","Action":"s3:*","Resource":"*"}}}}"#);
        let error = parse_strict(&text, PolicyKind::Identity, &rules).err();
        assert_eq!(error.as_ref().map(ToString::to_string).as_deref(), expected);
        if let Some(error) = error {
            assert_eq!(error.aws_message(), "Policy document must be version 2012-10-17 or greater.");
        }
    };
    check(r#""Version":"2012-10-17","#, None);
    check("", Some("line 1, column 1: version too old, found no `Version`, expected `2012-10-17`"));
    check(
        r#""Version":"2008-10-17","#,
        Some("line 1, column 12: in Version: version too old, found `2008-10-17`, expected `2012-10-17`"),
    );
}
