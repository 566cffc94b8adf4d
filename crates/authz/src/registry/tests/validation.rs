//! Policy documents against the names of this deployment.

use bailiwick_api::authz::{
    DeleteServiceRequest, PutServiceRequest, ValidatePolicyFinding, ValidatePolicyRequest, ValidatePolicyResponse,
};
use bailiwick_api::op;

use crate::tests::*;

const PHOTOS: &str = r#"{"catalogue":1,"services":{"photos":{
    "principals":["photos.example.com"],
    "keys":{"photos:Size":"Numeric","photos:Labels":"ArrayOfString"},
    "resources":{"album":{"arns":["arn:${Partition}:photos:${Region}:${Account}:album/${AlbumId}"],"keys":["aws:ResourceTag/${TagKey}"]}},
    "actions":{"GetAlbum":{"resources":["album"],"keys":["photos:Size","photos:Labels"]},"ListAlbums":{}}}}}"#;

fn asked(policy_type: &str, statement: &str) -> ValidatePolicyRequest {
    ValidatePolicyRequest {
        policy_document: Some(format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)),
        policy_type: Some(policy_type.into()),
        ..Default::default()
    }
}

fn codes(answer: &ValidatePolicyResponse) -> Vec<&str> {
    answer.findings.iter().map(|finding| finding.issue_code.as_str()).collect()
}

async fn register(env: &TestEnv, admin: &Authenticated) {
    let (prefix, definition) = (Some("photos".into()), Some(PHOTOS.into()));
    let req = PutServiceRequest { service_prefix: prefix, definition, principal_arns: Vec::new() };
    env.change::<op::PutService>(admin, req).await.unwrap();
}

#[tokio::test]
async fn names_of_registered_services_are_known() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    let check = async |policy_type: &str, statement: &str, expected: &[&str]| {
        let answer = env.call::<op::ValidatePolicy>(&admin, asked(policy_type, statement)).await.unwrap();
        assert_eq!(codes(&answer), expected, "{statement}");
    };
    let statement = |action: &str, resource: &str, condition: &str| {
        let condition = if condition.is_empty() { String::new() } else { format!(r#","Condition":{{{condition}}}"#) };
        format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"{resource}"{condition}}}"#)
    };
    let album = "arn:aws:photos:eu-central-1:111122223333:album/1";
    let cases = [
        (statement("photos:GetAlbum", album, r#""NumericLessThan":{"photos:Size":"9"}"#), &[][..]),
        (statement("photos:getalbum", album, r#""ForAnyValue:StringEquals":{"photos:Labels":"a"}"#), &[]),
        (statement("photos:GetAlbun", album, ""), &["INVALID_ACTION"]),
        (
            statement("photos:GetAlbum", "arn:aws:photos:eu-central-1:111122223333:film/1", ""),
            &["INVALID_ARN_RESOURCE"],
        ),
        (statement("photos:GetAlbum", "arn:aws:photos::111122223333:album/1", ""), &["MISSING_ARN_REGION"]),
        (
            statement("photos:GetAlbum", album, r#""StringEquals":{"photos:Colour":"a"}"#),
            &["INVALID_SERVICE_CONDITION_KEY"],
        ),
        (statement("photos:GetAlbum", album, r#""StringEquals":{"photos:Labels":"a"}"#), &["MISSING_QUALIFIER"]),
        (statement("photos:GetAlbum", album, r#""StringEquals":{"photos:Size":"a"}"#), &["TYPE_MISMATCH"]),
        (
            statement("photos:ListAlbums", "*", r#""NumericLessThan":{"photos:Size":"9"}"#),
            &["UNSUPPORTED_ACTION_FOR_CONDITION_KEY"],
        ),
    ];
    // Of a service that isn't registered nothing is known.
    for (statement, _) in &cases {
        check("IDENTITY_POLICY", statement, &[]).await;
    }
    register(&env, &admin).await;
    for (statement, expected) in &cases {
        for policy_type in ["IDENTITY_POLICY", "PERMISSIONS_BOUNDARY", "SESSION_POLICY"] {
            check(policy_type, statement, expected).await;
        }
    }
    env.change::<op::DeleteService>(
        &admin,
        DeleteServiceRequest { service_prefix: Some("photos".into()), ..Default::default() },
    )
    .await
    .unwrap();
    for (statement, _) in &cases {
        check("IDENTITY_POLICY", statement, &[]).await;
    }
}

#[tokio::test]
async fn each_type_of_policy_has_its_own_rules() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    register(&env, &admin).await;
    let check = async |policy_type: &str, resource_type: Option<&str>, statement: &str, expected: &[&str]| {
        let resource_type = resource_type.map(str::to_owned);
        let req =
            ValidatePolicyRequest { validate_policy_resource_type: resource_type, ..asked(policy_type, statement) };
        match env.call::<op::ValidatePolicy>(&admin, req).await {
            Ok(answer) => assert_eq!(codes(&answer), expected, "{policy_type} {statement}"),
            Err(error) => assert_eq!(expected, [error.code().wire()], "{policy_type} {error}"),
        }
    };
    let identity = r#"{"Effect":"Allow","Action":"photos:ListAlbums","Resource":"*"}"#;
    let trust = r#"{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}"#;
    let shared = r#"{"Effect":"Allow","Principal":"*","Action":"photos:GetAlbum","Resource":"arn:aws:photos:eu-central-1:111122223333:album/1"}"#;
    let assume = Some("AWS::IAM::AssumeRolePolicyDocument");
    for policy_type in ["IDENTITY_POLICY", "PERMISSIONS_BOUNDARY", "SESSION_POLICY", "SERVICE_CONTROL_POLICY"] {
        check(policy_type, None, identity, &[]).await;
        check(policy_type, Some("AWS::S3::Bucket"), identity, &["ValidationError"]).await;
    }
    check("RESOURCE_POLICY", None, identity, &["MISSING_PRINCIPAL"]).await;
    check("ENDPOINT_POLICY", None, shared, &[]).await;
    check("TRUST_POLICY", None, trust, &[]).await;
    check("RESOURCE_POLICY", assume, trust, &[]).await;
    check("TRUST_POLICY", assume, trust, &["ValidationError"]).await;
    let sharing = shared.replace("\"*\"", "{\"AWS\":\"111122223333\"}");
    let refused = ["UNSUPPORTED_ACTION_IN_POLICY", "ROLE_TRUST_POLICY_SYNTAX_ERROR_RESOURCE"];
    check("TRUST_POLICY", None, &sharing, &refused).await;
    check("RESOURCE_CONTROL_POLICY", None, &shared.replace("Allow", "Deny"), &[]).await;
    check("RESOURCE_POLICY", Some("photos:album"), shared, &[]).await;
    let reports = shared.replace("photos:GetAlbum", "s3:GetObject").replace("photos:eu", "s3:eu");
    check(
        "RESOURCE_POLICY",
        Some("AWS::S3::Bucket"),
        shared,
        &["UNSUPPORTED_ACTION_IN_POLICY", "UNSUPPORTED_RESOURCE_ARN_IN_POLICY"],
    )
    .await;
    check(
        "RESOURCE_POLICY",
        Some("photos:album"),
        &reports.replace(":eu-central-1:111122223333:album", ":::album"),
        &["UNSUPPORTED_RESOURCE_ARN_IN_POLICY"],
    )
    .await;
    for unknown in ["photos:film", "films:film", "AWS::S3::Pail", "album"] {
        check("RESOURCE_POLICY", Some(unknown), shared, &["ValidationError"]).await;
    }
}

#[tokio::test]
async fn a_document_is_validated_for_this_deployment_or_for_aws() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    let check = async |policy_type: &str, statement: &str, here: &[&str], aws: &[&str]| {
        for (target, expected) in [(None, here), (Some("BAILIWICK"), here), (Some("AWS"), aws)] {
            let req = ValidatePolicyRequest { target: target.map(str::to_owned), ..asked(policy_type, statement) };
            let answer = env.call::<op::ValidatePolicy>(&admin, req).await.unwrap();
            assert_eq!(codes(&answer), expected, "{target:?} {statement}");
        }
    };
    let private = r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}"#;
    check("IDENTITY_POLICY", private, &[], &["PRIVATE_IP_ADDRESS"]).await;
    // The partition is the deployment's.
    let elsewhere = r#"{"Effect":"Allow","Action":"s3:Get*","Resource":"arn:aws-cn:s3:::docs"}"#;
    check("IDENTITY_POLICY", elsewhere, &["INVALID_PARTITION"], &[]).await;
    let everyone = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"*"}}"#;
    check("TRUST_POLICY", everyone, &["ROLE_TRUST_POLICY_ALLOWS_EVERYONE"], &[]).await;
    let bare = r#"{"Effect":"Deny","Action":"sts:AssumeRole","Principal":"*"}"#;
    check("TRUST_POLICY", bare, &["ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL"], &[]).await;
}

#[tokio::test]
async fn findings_have_positions_and_pages() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    let req =
        ValidatePolicyRequest { policy_document: Some("{\"é\":\n \"x\" y".into()), ..asked("IDENTITY_POLICY", "") };
    let answer = env.call::<op::ValidatePolicy>(&admin, req).await.unwrap();
    assert_eq!(codes(&answer), ["JSON_SYNTAX_ERROR"]);
    let start = answer.findings[0].locations[0].span.unwrap().start.unwrap();
    assert_eq!((start.line, start.column, start.offset), (Some(2), Some(5), Some(11)));
    let actions: Vec<String> = (0..7).map(|number| format!("\"iam:No{number}\"")).collect();
    let statement = format!(r#"{{"Effect":"Allow","Action":[{}],"Resource":"*"}}"#, actions.join(","));
    let whole = env.call::<op::ValidatePolicy>(&admin, asked("IDENTITY_POLICY", &statement)).await.unwrap();
    assert_eq!(codes(&whole), ["INVALID_ACTION"; 7]);
    assert_eq!(whole.next_token, None);
    let (mut seen, mut next_token): (Vec<ValidatePolicyFinding>, _) = (Vec::new(), None);
    loop {
        let req = ValidatePolicyRequest { max_results: Some(3), next_token, ..asked("IDENTITY_POLICY", &statement) };
        let page = env.call::<op::ValidatePolicy>(&admin, req).await.unwrap();
        seen.extend(page.findings);
        next_token = page.next_token;
        if next_token.is_none() {
            break;
        }
    }
    assert_eq!(seen, whole.findings);
    let req = ValidatePolicyRequest { next_token: Some("3".into()), ..asked("IDENTITY_POLICY", &statement) };
    assert_eq!(code(env.call::<op::ValidatePolicy>(&admin, req).await), "ValidationError");
}

/// As many texts as make so many bytes, as a list.
fn filled(bytes: usize, text: impl Fn(usize) -> String) -> String {
    let mut texts: Vec<String> = Vec::new();
    let mut length = 0;
    while length < bytes {
        let text = format!(r#""{}""#, text(texts.len()));
        length += text.len() + 1;
        texts.push(text);
    }
    texts.join(",")
}

#[tokio::test]
async fn comparing_with_registered_names_has_a_limit() {
    let env = TestEnv::new().await;
    let admin = env.service().await;
    let actions = filled(60_000, |at| format!("{}{at}", "A".repeat(20))).replace(',', ":{},");
    let formats = filled(60_000, |at| format!("arn:aws:zoo:::{}${{X}}{at}", "a*".repeat(10)));
    let definition = format!(
        r#"{{"catalogue":1,"services":{{"zoo":{{"actions":{{{actions}:{{}}}},"resources":{{"cage":{{"arns":[{formats}]}}}}}}}}}}"#
    );
    let req = PutServiceRequest {
        service_prefix: Some("zoo".into()),
        definition: Some(definition),
        principal_arns: Vec::new(),
    };
    env.change::<op::PutService>(&admin, req).await.unwrap();
    let resource = |at: usize| format!("arn:aws:zoo:::{}{at}b", "?*".repeat(10));
    let tags = r#","Condition":{"StringEquals":{"aws:RequestTag/a":"b"}}"#;
    let anywhere = || r#""*""#.to_owned();
    for (actions, resources, condition, decided) in [
        (filled(1_000, |at| format!("zoo:*a*{at}b")), anywhere(), "", true),
        (filled(100_000, |at| format!("zoo:*a*{at}b")), anywhere(), "", false),
        (filled(40_000, |at| format!("iam:*a*{at}b")), anywhere(), "", true),
        (filled(20_000, |at| format!("iam:*a*{at}b")), anywhere(), tags, true),
        (filled(100_000, |at| format!("*:*a*a*{at}b")), anywhere(), tags, false),
        (r#""zoo:*""#.into(), filled(500, resource), "", true),
        (r#""zoo:*""#.into(), filled(100_000, resource), "", false),
        (r#""iam:*""#.into(), filled(20_000, |at| format!("arn:aws:iam::*:{}{at}*", "a*".repeat(500))), "", true),
    ] {
        let statement = format!(r#"{{"Effect":"Allow","Action":[{actions}],"Resource":[{resources}]{condition}}}"#);
        let answer = env.call::<op::ValidatePolicy>(&admin, asked("IDENTITY_POLICY", &statement)).await;
        let shown = &statement[..70];
        match answer {
            Ok(_) => assert!(decided, "{shown}"),
            Err(error) => {
                assert_eq!((error.code().wire(), decided), ("LimitExceeded", false), "{shown}");
                assert!(error.message().contains("with fewer wildcards"), "{error}");
            }
        }
    }
}
