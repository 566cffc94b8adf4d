use bailiwick_operation::{
    ContextText, DeniedPrincipal, Evaluation, LayerCheck, MatchedPolicy, MatchedStatement, MissedStatement,
};

use super::*;
use crate::Event;
use crate::json;
use crate::tests::{event, only, request, root};

fn details() -> AuthorizationDetails {
    let matched = MatchedStatement { sid: "NoUsers".into(), evaluated_effect: "DENY".into(), index: 1, line: 3 };
    let allowed = MatchedStatement { sid: "All".into(), evaluated_effect: "ALLOW".into(), index: 0, line: 2 };
    let uri = "arn:aws:iam::111122223333:policy/Limits";
    let check = |kind: &str, effect: &str, matched_policies| LayerCheck {
        check_type: kind.into(),
        evaluated_effect: effect.into(),
        relevant_policy_types: vec!["IDENTITY_BASED_POLICY".into()],
        matched_policies,
    };
    AuthorizationDetails {
        principal: None,
        request_context: [
            ("aws:username".to_owned(), ContextText::One("eva\u{2028}".into())),
            ("aws:TagKeys".to_owned(), ContextText::Many(vec!["a".into(), "b".into()])),
        ]
        .into(),
        evaluations: vec![Evaluation {
            action: "iam:CreateUser".into(),
            resource: "arn:aws:iam::111122223333:user/bob".into(),
            evaluated_effect: "EXPLICIT_DENY".into(),
            checks: vec![
                check(
                    "RESOURCE",
                    "ALLOW",
                    vec![MatchedPolicy { uri: "inline:role:trust-policy".into(), ..MatchedPolicy::default() }],
                ),
                check(
                    "PRINCIPAL",
                    "EXPLICIT_DENY",
                    vec![MatchedPolicy { uri: uri.into(), matched_statements: vec![allowed, matched] }],
                ),
            ],
            near_misses: vec![MissedStatement {
                uri: uri.into(),
                differences: vec!["the action is not iam:Get*".into()],
                ..MissedStatement::default()
            }],
            ..Evaluation::default()
        }],
        policies: vec![
            EvaluatedPolicy {
                policy_type: "RESOURCE_BASED_POLICY".into(),
                uri: "inline:role:trust-policy".into(),
                ..EvaluatedPolicy::default()
            },
            EvaluatedPolicy {
                policy_type: "IDENTITY_BASED_POLICY".into(),
                uri: uri.into(),
                version: "v2".into(),
                sha256: "00ff".into(),
                ..EvaluatedPolicy::default()
            },
        ],
        text: Some("Denied by the statement NoUsers.".into()),
        truncated: false,
    }
}

fn denial() -> Denial {
    let (request, root) = (request("cli"), root());
    let json = to_json(details()).unwrap();
    let mut line = String::new();
    let record = only(&Event { caller: Some(&root), authorization: Some(&json), ..event(&request) });
    json::line(&mut line, &record, 1, "abc");
    assert!(!line.contains(['\n', '\u{2028}']), "{line}");
    Denial::read(&line).unwrap()
}

#[test]
fn details_are_read_from_the_line_of_their_record() {
    let denial = denial();
    assert_eq!(denial.details, details());
    assert_eq!((&*denial.account_id, &*denial.operation), ("111122223333", "CreateUser"));
    assert_eq!(denial.principal_arn, "arn:aws:iam::111122223333:root");
    assert_eq!(denial.policy("arn:aws:iam::111122223333:policy/Limits").unwrap().version, "v2");
    assert!(denial.policy("arn:aws:iam::111122223333:policy/Other").is_none());
    let mut plain = String::new();
    json::line(&mut plain, &only(&event(&request("cli"))), 1, "abc");
    for line in [&*plain, "", "{}", "[1]", "{\"additionalEventData\":{\"authorization\":7}}"] {
        assert!(Denial::read(line).is_none(), "{line}");
    }
}

#[test]
fn an_authorization_id_is_an_event_id_without_dashes() {
    let id = "0a1b2c3d-0000-4000-8000-00000000000f";
    assert_eq!(authorization_id(id), "0a1b2c3d00004000800000000000000f");
    assert_eq!(event_id(&authorization_id(id)).as_deref(), Some(id));
    for wrong in ["", "0a1b", id, "0A1B2C3D00004000800000000000000F", &"é".repeat(16), &"g".repeat(32)] {
        assert_eq!(event_id(wrong), None, "{wrong}");
    }
}

#[test]
fn the_principal_sees_neither_content_of_policies_nor_the_resource() {
    let mut denial = denial();
    denial.details.evaluations[0].context.insert("aws:ResourceTag/hush".into(), ContextText::One("hush".into()));
    let stored = denial.details.evaluations[0].resource.clone();
    let with = |message: String| Denial { message, ..denial.clone() }.for_principal();
    let shown = with("is not authorized to perform: iam:CreateUser with an explicit deny".into());
    let text = shown.text();
    assert!(
        text.contains("identity-based policies: deny: NoUsers of arn:aws:iam::111122223333:policy/Limits"),
        "{text}"
    );
    for hidden in ["resource-based", "trust-policy", "iam:Get*", "Denied by the statement NoUsers", "hush", &stored] {
        assert!(!text.contains(hidden) && !format!("{:?}", shown.details).contains(hidden), "{hidden}: {text}");
    }
    assert!(shown.details.policies.iter().all(|policy| policy.sha256.is_empty()));
    // The resource that the message names is known to the caller.
    for (message, expected) in [
        (format!("perform: iam:CreateUser on resource: {stored} with an explicit deny"), &*stored),
        (format!("perform: iam:CreateUser on resource: {stored}. For complete details"), &*stored),
        (format!("perform: iam:CreateUser on resource: {stored}by because"), NOT_SHOWN),
    ] {
        assert_eq!(with(message).details.evaluations[0].resource, expected);
    }
}

#[test]
fn a_message_names_a_resource_by_arn_or_by_type_and_name() {
    let account = "arn:aws:iam::111122223333";
    for (message, resource, expected) in [
        ("iam:GetUser on resource: user Bob because no", "user/Bob", true),
        ("iam:GetUser on resource: user Bob", "user/Bob", true),
        ("iam:GetUser on resource: user Bob. For complete details", "user/Bob", true),
        ("iam:GetUser on resource: user Bob.Two because no", "user/Bob", false),
        ("iam:GetUser on resource: user BOB because no", "user/Bob", false),
        ("iam:GetUser on resource: user Bob because no", "user/team/Bob", false),
        ("iam:GetUser on resource: user Bob because no", "group/Bob", false),
        ("iam:GetRole on resource: instance profile web because no", "instance-profile/web", true),
        ("iam:CreatePolicy on resource: policy P because no", "policy/P", true),
        ("iam:GetPolicy on resource: policy arn:aws:iam::111122223333:policy/a/P because no", "policy/a/P", true),
    ] {
        assert_eq!(names(message, &format!("{account}:{resource}")), expected, "{message} of {resource}");
    }
}

/// A Deny in a trust policy looks as if the role did not exist.
#[test]
fn the_principal_does_not_see_that_a_trust_policy_denies() {
    let mut denial = denial();
    let checks = &mut denial.details.evaluations[0].checks;
    checks[0].evaluated_effect = "EXPLICIT_DENY".into();
    checks[1].evaluated_effect = "ALLOW".into();
    let shown = denial.for_principal();
    let evaluation = &shown.details.evaluations[0];
    assert_eq!((&*evaluation.evaluated_effect, evaluation.checks.len()), ("IMPLICIT_DENY", 1));
}

#[test]
fn the_text_has_the_explanation_the_context_and_the_policies() {
    let text = denial().text();
    for expected in [
        "Denied by the statement NoUsers.",
        "aws:TagKeys = [a, b]",
        "Policies that took part, as they were:\n  arn:aws:iam::111122223333:policy/Limits v2\n",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
}

#[test]
fn details_are_bounded() {
    let long = |text: &str| text.repeat(MAX_BYTES);
    let mut large = details();
    large.text = Some(long("a"));
    let read = |details| serde_json::from_str::<AuthorizationDetails>(&to_json(details).unwrap()).unwrap();
    assert_eq!(read(large.clone()), AuthorizationDetails { text: None, truncated: true, ..details() });
    large.evaluations[0].near_misses[0].uri = long("b");
    large.evaluations[0].context.insert("c".into(), ContextText::One(long("c")));
    large.request_context.insert("d".into(), ContextText::One(long("d")));
    large.policies[0].uri = long("e");
    let least = read(large.clone());
    assert_eq!((least.evaluations[0].checks.len(), least.truncated), (2, true));
    large.evaluations[0].resource = long("f");
    assert_eq!(to_json(large), None);
}

/// The record of a decision that another service asked for is of that service; its details are of the principal.
#[test]
fn the_details_of_what_a_service_asked_are_of_the_principal() {
    let principal = DeniedPrincipal {
        account_id: "444455556666".into(),
        arn: "arn:aws:iam::444455556666:user/eva".into(),
        principal_id: "AIDAEVA".into(),
        access_key_id: "AKIAEVA".into(),
        message: "User: eva is not authorized".into(),
    };
    let json = to_json(AuthorizationDetails { principal: Some(principal), ..details() }).unwrap();
    let (request, caller) = (request("cli"), root());
    let event = Event { caller: Some(&caller), authorization: Some(&json), ..event(&request) };
    let mut line = String::new();
    json::line(&mut line, &only(&event), 1, "");
    let denial = Denial::read(&line).unwrap();
    assert_eq!(
        (&*denial.account_id, &*denial.principal_id, &*denial.access_key_id),
        ("444455556666", "AIDAEVA", "AKIAEVA")
    );
    assert_eq!((&*denial.principal_arn, &*denial.operation), ("arn:aws:iam::444455556666:user/eva", "iam:CreateUser"));
    let id = &denial.authorization_id;
    assert_eq!(
        denial.message,
        format!(
            "User: eva is not authorized. For complete details, call the GetRequestAuthorizationDetails API with the following authorization id: {id}"
        )
    );
    assert_eq!(denial.details, details(), "the account is not shown twice");
}
