//! The public API: what policies report, and the messages of denials.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

use bailiwick_evaluator::{
    Context, ContextSource, ContextValue, Effect, Entity, Moment, Outcome, Policies, Policy, Principal, Request,
    ResourceAccount, decide, explain,
};
use bailiwick_model::AccountId;
use bailiwick_policy_lang::{ConditionOperator, Family, PolicyKind, parse};

fn policy(kind: PolicyKind, statements: &str) -> Policy {
    let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    Policy::compile_named(&parse(&text, kind).unwrap(), kind, Some("the policy"))
}

const ALL: &str = r#"{"Effect": "Allow", "Action": "*", "Resource": "*"}"#;
const NONE: &str = r#"{"Effect": "Allow", "Action": "none:Nothing", "Resource": "*"}"#;
const DENY: &str = r#"{"Effect": "Deny", "Action": "iam:*", "Resource": "*"}"#;

fn with_principal(statement: &str) -> String {
    statement.replace("{\"Effect\"", "{\"Principal\": \"*\", \"Effect\"")
}

fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

fn request<'a>(context: Context<'a>) -> Request<'a> {
    let user = Entity { arn: "arn:aws:iam::111122223333:user/bob", unique_id: None };
    Request {
        principal: Principal::User { account: account().into(), user },
        action: "iam:CreateUser",
        resource: "arn:aws:iam::111122223333:user/x",
        resource_account: account().into(),
        context,
    }
}

#[test]
fn denials_have_the_messages_of_aws() {
    let head = "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: iam:CreateUser \
                on resource: arn:aws:iam::111122223333:user/x ";
    let of = |kind, statement: &str| match kind {
        PolicyKind::Resource | PolicyKind::Rcp | PolicyKind::Endpoint => policy(kind, &with_principal(statement)),
        PolicyKind::Trust => policy(kind, &with_principal(statement).replace(", \"Resource\": \"*\"", "")),
        kind => policy(kind, statement),
    };
    for (kind, name, deny) in [
        (PolicyKind::Identity, "identity-based policy", "an identity-based policy"),
        (PolicyKind::Boundary, "permissions boundary", "a permissions boundary"),
        (PolicyKind::Session, "session policy", "a session policy"),
        (PolicyKind::Scp, "service control policy", "a service control policy"),
        (PolicyKind::Rcp, "", "a resource control policy"),
        (PolicyKind::Resource, "resource-based policy", "a resource-based policy"),
        (PolicyKind::Trust, "role trust policy", "the role trust policy"),
        (PolicyKind::Endpoint, "VPC endpoint policy", "a VPC endpoint policy"),
    ] {
        for denies in [true, false] {
            if kind == PolicyKind::Rcp && !denies {
                continue; // an RCP that allows everything is always there
            }
            let one = [of(kind, if denies { DENY } else { NONE })];
            let all = [of(PolicyKind::Identity, ALL)];
            let is = |own: PolicyKind| (own == kind).then_some(&one[0]);
            let policies = Policies {
                identity: if kind == PolicyKind::Identity { &[&one] } else { &[&all] },
                indexed: None,
                boundary: is(PolicyKind::Boundary),
                scopes: &[],
                session: if kind == PolicyKind::Session { Some(&[&one]) } else { None },
                scps: if kind == PolicyKind::Scp { &[&one] } else { &[] },
                rcps: if kind == PolicyKind::Rcp { &[&one] } else { &[] },
                resource: is(PolicyKind::Resource),
                resource_must_allow: kind == PolicyKind::Resource,
                trust: is(PolicyKind::Trust),
                endpoint: is(PolicyKind::Endpoint),
            };
            let request = request(Context::default());
            let decision = decide(&request, &policies);
            let tail = match denies {
                true => format!("with an explicit deny in {deny}"),
                false => format!("because no {name} allows the iam:CreateUser action"),
            };
            assert_eq!(decision.message(&request).to_string(), format!("{head}{tail}"));
            assert_eq!(decision.lacking, (!denies).then_some(kind));
            let at = decision.statement.map(|at| (at.kind, policies.policy(&at).unwrap().name()));
            assert_eq!(at, denies.then_some((kind, Some("the policy"))));
        }
    }
    let nothing = Request { resource: "*", ..request(Context::default()) };
    let message = decide(&nothing, &Policies::default()).message(&nothing).to_string();
    assert!(message.contains("iam:CreateUser because no identity-based"), "{message}");
    let nobody = Request { principal: Principal::Anonymous, ..nothing };
    let message = decide(&nobody, &Policies::default()).message(&nobody).to_string();
    assert!(message.starts_with("User: anonymous is not authorized to perform: iam:CreateUser because"), "{message}");
}

#[test]
fn a_policy_lists_its_statements_and_keys() {
    let policy = policy(
        PolicyKind::Identity,
        r#"{"Sid": "A", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::${aws:PrincipalTag/Team, 'x'}/*",
            "Condition": {"StringLike": {"s3:prefix": "${aws:username}/*", "AWS:SourceVpc": "vpc-*"},
                          "ArnLike": {"aws:SourceArn": "arn:aws:s3:::${aws:userid}"}}},
           {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Null": {"aws:sourcevpc": "true"}}}"#,
    );
    let keys: Vec<&str> = policy.context_keys().into_iter().map(|key| key.as_written()).collect();
    assert_eq!(keys.len(), 6);
    for key in ["aws:PrincipalTag/Team", "aws:SourceArn", "aws:userid", "aws:username", "s3:prefix"] {
        assert!(keys.contains(&key), "{key}: {keys:?}");
    }
    assert_eq!((policy.len(), policy.is_empty(), policy.kind()), (2, false, PolicyKind::Identity));
    let statement = policy.statement(0).unwrap();
    assert_eq!((statement.sid, statement.effect, statement.span.start.line), (Some("A"), Effect::Allow, 1));
    assert_eq!(policy.statement(1).unwrap().span.start.line, 4);
    assert!(policy.statement(2).is_none());
    assert!(policy.ptr_eq(&policy.clone()));
    assert!((500..5_000).contains(&policy.heap_bytes()), "{}", policy.heap_bytes());
}

#[test]
fn upper_layers_cannot_be_overridden_and_typed_values_compare_as_what_they_are() {
    let policy = [policy(
        PolicyKind::Identity,
        r#"{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {
            "StringEquals": {"aws:username": "bob"},
            "DateLessThan": {"aws:CurrentTime": "2026-01-31T10:20:31Z"},
            "StringLike": {"aws:CurrentTime": "2026-01-31T10:20:30Z"},
            "NumericLessThan": {"aws:EpochTime": "1769854831", "aws:MultiFactorAuthAge": 61},
            "DateEquals": {"aws:EpochTime": "2026-01-31T10:20:30Z"},
            "Bool": {"aws:SecureTransport": "true"},
            "IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}"#,
    )];
    let at = Moment::from_seconds(1_769_854_830);
    let system = [
        ("aws:username", ContextValue::One("bob")),
        ("aws:CurrentTime", ContextValue::Time(at)),
        ("aws:EpochTime", ContextValue::Epoch(at)),
        ("aws:MultiFactorAuthAge", ContextValue::Integer(60)),
    ];
    let asker = [
        ("AWS:USERNAME", ContextValue::One("eve")),
        ("aws:SecureTransport", ContextValue::Bool(true)),
        ("aws:SourceIp", ContextValue::Ip("203.0.113.7".parse().unwrap())),
    ];
    let policies = Policies { identity: &[&policy], ..Policies::default() };
    let over: [&dyn ContextSource; 2] = [&system, &asker];
    assert_eq!(decide(&request(Context::new(&over)), &policies).outcome, Outcome::Allowed);
    let under: [&dyn ContextSource; 2] = [&asker, &system];
    assert_eq!(decide(&request(Context::new(&under)), &policies).outcome, Outcome::ImplicitDeny);
}

#[test]
fn typed_values_decide_like_their_text() {
    let at = Moment::from_seconds(1_718_454_600);
    let listed = [
        "true",
        "TRUE",
        "false",
        "1",
        "0",
        "60",
        "60.0",
        "-5",
        "1718454600",
        "2024-06-15T12:30:00Z",
        "2024-06-15",
        "2025",
        "203.0.113.7",
        "203.0.113.0/24",
        "::ffff:203.0.113.0/120",
        "2001:db8::/32",
        "::/0",
        "*",
        "2*",
        "t?ue",
        "",
        "arn:aws:s3:::b",
        "aGVsbG8=",
        "${app:k}",
    ];
    let typed = [
        (ContextValue::Bool(true), "true"),
        (ContextValue::Bool(false), "false"),
        (ContextValue::Integer(60), "60"),
        (ContextValue::Integer(-5), "-5"),
        (ContextValue::Time(at), "2024-06-15T12:30:00Z"),
        (ContextValue::Epoch(at), "1718454600"),
        (ContextValue::Ip("203.0.113.7".parse().unwrap()), "203.0.113.7"),
        (ContextValue::Ip("::ffff:203.0.113.7".parse().unwrap()), "::ffff:203.0.113.7"),
        (ContextValue::Ip("2001:db8::9".parse().unwrap()), "2001:db8::9"),
    ];
    let mut allowed = 0;
    for operator in ConditionOperator::ALL.iter().filter(|operator| operator.family() != Family::Null) {
        for prefix in ["", "ForAnyValue:", "ForAllValues:"] {
            for listed in listed {
                let name = operator.name();
                let statement = format!(
                    r#"{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {{"{prefix}{name}": {{"app:k": "{listed}"}}}}}}"#
                );
                let policy = [policy(PolicyKind::Identity, &statement)];
                let policies = Policies { identity: &[&policy], ..Policies::default() };
                for (value, text) in typed {
                    let outcome = |value| {
                        let keys = [("app:k", value)];
                        let layers: [&dyn ContextSource; 1] = [&keys];
                        decide(&request(Context::new(&layers)), &policies).outcome
                    };
                    let outcomes = (outcome(value), outcome(ContextValue::One(text)));
                    assert_eq!(outcomes.0, outcomes.1, "{prefix}{name} {listed}: {value:?} and `{text}`");
                    allowed += usize::from(outcomes.0 == Outcome::Allowed);
                }
            }
        }
    }
    assert!(allowed > 1000, "{allowed}");
}

#[test]
fn the_management_account_is_bound_by_neither_scps_nor_rcps() {
    let identity = [policy(PolicyKind::Identity, ALL)];
    let scp = [policy(PolicyKind::Scp, DENY)];
    let rcp = [policy(PolicyKind::Rcp, &with_principal(DENY))];
    let policies = Policies { identity: &[&identity], scps: &[&scp, &[]], ..Policies::default() };
    let mut own = request(Context::default());
    assert_eq!(decide(&own, &policies).outcome, Outcome::ExplicitDeny);
    if let Principal::User { account, .. } = &mut own.principal {
        account.is_management = true;
    }
    assert_eq!(decide(&own, &policies).outcome, Outcome::Allowed);

    let policies = Policies { identity: &[&identity], rcps: &[&rcp], ..Policies::default() };
    let mut own = request(Context::default());
    assert_eq!(decide(&own, &policies).outcome, Outcome::ExplicitDeny);
    own.resource_account.is_management = true;
    assert_eq!(decide(&own, &policies).outcome, Outcome::Allowed);
    // The account is unknown, so it differs from the caller's.
    own.resource_account = ResourceAccount { id: None, is_management: false };
    assert_eq!(
        decide(&own, &Policies { identity: &[&identity], ..Policies::default() }).outcome,
        Outcome::ImplicitDeny
    );
}

#[test]
fn explanations_list_every_match() {
    let identity = [policy(PolicyKind::Identity, &format!("{ALL}, {NONE}, {DENY}, {ALL}"))];
    let policies = Policies { identity: &[&identity], ..Policies::default() };
    let explanation = explain(&request(Context::default()), &policies);
    let matched: Vec<u32> = explanation.matched.iter().map(|located| located.at.statement).collect();
    assert_eq!(matched, [0, 2, 3]);
    assert_eq!(explanation.denies.len(), 1);
    assert!(explanation.suggestions.is_empty(), "everything else allows");
}

#[test]
fn requests_beyond_the_case_format_are_explained() {
    let all = [policy(PolicyKind::Identity, ALL)];
    let unnamed = |statement: &str| {
        let text = format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{statement}]}}");
        Policy::compile(&parse(&text, PolicyKind::Session).unwrap(), PolicyKind::Session)
    };
    let session = [unnamed(NONE), unnamed(ALL), unnamed(DENY)];
    let policies = Policies { identity: &[&all], session: Some(&[&session]), ..Policies::default() };
    let text = explain(&request(Context::default()), &policies).to_string();
    assert!(text.contains("Denied by session policy 3, statement 1 (line 1, column 41)."), "{text}");
    assert!(text.contains("session policies (3): denied by policy 3, statement 1"), "{text}");

    let scp = [policy(PolicyKind::Scp, DENY)];
    let rcp = [policy(PolicyKind::Rcp, &with_principal(DENY))];
    let policies = Policies { identity: &[&all], scps: &[&scp], rcps: &[&rcp], ..Policies::default() };
    let mut own = request(Context::default());
    if let Principal::User { account, .. } = &mut own.principal {
        account.is_management = true;
    }
    own.resource_account.is_management = true;
    let text = explain(&own, &policies).to_string();
    assert!(text.contains("service control policies: do not bind the management account\n"), "{text}");
    assert!(text.contains("resource control policies: do not bind resources of the management account\n"), "{text}");

    own.resource_account = ResourceAccount { id: None, is_management: false };
    let text = explain(&own, &Policies { identity: &[&all], ..Policies::default() }).to_string();
    assert!(text.contains("Note: Nobody knows which account owns the resource"), "{text}");

    let mut explanation = explain(&own, &policies);
    explanation.each_located(&mut |located| located.holder = Some("arn:aws:iam::111122223333:group/staff"));
    let text = explanation.to_string();
    assert!(text.contains("`the policy` of group `staff`, statement 1"), "{text}");
}
