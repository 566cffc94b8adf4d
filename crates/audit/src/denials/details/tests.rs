use bailiwick_operation::{MatchedStatement, MissedStatement};

use super::*;

#[test]
fn only_what_aws_has_is_shown() {
    let statement = MatchedStatement { sid: "NoUsers".into(), evaluated_effect: "DENY".into(), index: 1, line: 3 };
    let matched = MatchedPolicy { uri: "inline:a".into(), matched_statements: vec![statement] };
    let check = |kind: &str| LayerCheck {
        check_type: kind.into(),
        evaluated_effect: "EXPLICIT_DENY".into(),
        relevant_policy_types: vec!["IDENTITY_BASED_POLICY".into()],
        matched_policies: vec![matched.clone()],
    };
    let shown = response(AuthorizationDetails {
        principal: None,
        request_context: [
            ("aws:username".to_owned(), ContextText::One("e\"va".into())),
            ("aws:TagKeys".to_owned(), ContextText::Many(vec!["a".into(), "b".into()])),
        ]
        .into(),
        evaluations: vec![Evaluation {
            action: "iam:CreateUser".into(),
            checks: vec![check("PRINCIPAL"), check("PERMISSIONS_BOUNDARY")],
            near_misses: vec![MissedStatement { differences: vec!["hidden".into()], ..MissedStatement::default() }],
            ..Evaluation::default()
        }],
        policies: vec![EvaluatedPolicy {
            policy_type: "IDENTITY_BASED_POLICY".into(),
            attached_to: vec!["arn:aws:iam::111122223333:user/eva".into()],
            version: "hidden".into(),
            sha256: "hidden".into(),
            ..EvaluatedPolicy::default()
        }],
        text: Some("hidden".into()),
        truncated: true,
    })
    .unwrap();
    assert_eq!(shown.request_context["aws:username"], r#""e\"va""#);
    assert_eq!(shown.request_context["aws:TagKeys"], r#"["a","b"]"#);
    let evaluation = &shown.evaluations[0];
    assert_eq!((evaluation.checks.len(), evaluation.matched_policies.len()), (2, 1), "each policy once");
    assert_eq!(evaluation.checks[1].matched_policies, evaluation.matched_policies);
    assert_eq!(shown.policies[0].attached_to[0].arn.as_deref(), Some("arn:aws:iam::111122223333:user/eva"));
    assert!(!format!("{shown:?}").contains("hidden"));
}
