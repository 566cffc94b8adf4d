//! The cost of decisions in steps, which do not depend on the load of the machine.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::fmt::Write;

use bailiwick_evaluator::{
    Budget, Context, ContextSource, ContextValue, Entity, Outcome, Policies, Policy, Principal, Request, decide,
    decide_counting, decide_within, explain, explain_within,
};
use bailiwick_model::AccountId;
use bailiwick_policy_lang::{Limits, PolicyKind, parse_with};

fn compile(statements: &[String], kind: PolicyKind) -> Policy {
    let text = format!("{{\"Version\": \"2012-10-17\", \"Statement\": [{}]}}", statements.join(",\n"));
    let limits = Limits { max_bytes: 1 << 30, ..Limits::default() };
    Policy::compile(&parse_with(&text, kind, &limits).unwrap(), kind)
}

fn steps(policies: &Policies<'_>, action: &str, resource: &str) -> (Outcome, u64) {
    with_request(action, resource, &[], |request| {
        let (decision, steps) = decide_counting(request, policies);
        (decision.outcome, steps)
    })
}

fn with_request<T>(
    action: &str,
    resource: &str,
    keys: &[(&str, ContextValue<'_>)],
    then: impl FnOnce(&Request<'_>) -> T,
) -> T {
    let account = AccountId::parse("111122223333").unwrap();
    let user = Entity { arn: "arn:aws:iam::111122223333:user/bob", unique_id: None };
    let mut all = vec![("aws:username", ContextValue::One("bob"))];
    all.extend(keys);
    let layers: [&dyn ContextSource; 1] = [&all];
    then(&Request {
        principal: Principal::User { account: account.into(), user },
        action,
        resource,
        resource_account: account.into(),
        context: Context::new(&layers),
    })
}

/// Statements that do not concern the request, by how they differ from it.
fn others(kind: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|n| {
            let (action, resource) = match kind {
                "resources" => (r#"["s3:GetObject", "s3:PutObject"]"#.to_owned(), format!("arn:aws:s3:::bucket-{n}/*")),
                "exact resources" => (r#""s3:*""#.to_owned(), format!("arn:aws:s3:::bucket-{n}/key")),
                "regions" => (r#""*""#.to_owned(), format!("arn:aws:s3:*:*:bucket-{n}/*")),
                "services" => (format!("\"service{n}:*\""), "*".to_owned()),
                "actions" => (format!("\"s3:Action{n}\""), "*".to_owned()),
                "prefixes" => (format!("\"s3:Action{n}*\""), "*".to_owned()),
                "suffixed actions, resources" => {
                    (format!("[\"s3:*{n}\", \"s3:Get*\"]"), format!("arn:aws:s3:::bucket-{n}"))
                }
                "half and half" if n % 2 == 0 => ("\"s3:GetObject\"".to_owned(), format!("arn:aws:s3:::bucket-{n}/*")),
                "half and half" => (format!("\"service{n}:Do\""), "*".to_owned()),
                "mixed lists" => (
                    format!("[\"s3:GetObject\", \"s3:A{}\", \"s3:B{}\"]", n % 7, n % 11),
                    format!("arn:aws:s3:::bucket-{n}/*"),
                ),
                other => panic!("{other}"),
            };
            let effect = if n % 5 == 0 { "Deny" } else { "Allow" };
            format!(r#"{{"Effect": "{effect}", "Action": {action}, "Resource": "{resource}"}}"#)
        })
        .collect()
}

#[test]
fn statements_about_something_else_cost_nothing() {
    for kind in [
        "resources",
        "exact resources",
        "regions",
        "services",
        "actions",
        "prefixes",
        "suffixed actions, resources",
        "half and half",
        "mixed lists",
    ] {
        let mut counts = Vec::new();
        for count in [10, 100, 1_000, 10_000] {
            let mut statements = others(kind, count);
            let own = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::mine/*"}"#;
            statements.insert(count / 2, own.to_owned());
            let policy = [compile(&statements, PolicyKind::Identity)];
            let policies = Policies { identity: &[&policy], ..Policies::default() };
            let (outcome, own) = steps(&policies, "s3:GetObject", "arn:aws:s3:::mine/key");
            assert_eq!(outcome, Outcome::Allowed, "{kind}");
            let (outcome, nothing) = steps(&policies, "s3:GetObject", "arn:aws:s3:::nobodys/key");
            assert_eq!(outcome, Outcome::ImplicitDeny, "{kind}");
            counts.push(own.max(nothing));
        }
        // The index gets deeper by a few nodes, and that is all.
        assert!(counts[3] <= counts[0].max(12) * 3, "{kind}: {counts:?}");
        assert!(counts[3] < 40, "{kind}: {counts:?}");
    }
}

#[test]
fn statements_about_other_principals_cost_nothing() {
    let mut counts = Vec::new();
    for count in [10, 10_000] {
        let mut statements: Vec<String> = (0..count)
            .map(|n| {
                format!(
                    r#"{{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::111122223333:user/u{n}"}}, "Action": "sts:AssumeRole"}}"#
                )
            })
            .collect();
        statements.push(
            r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/bob"}, "Action": "sts:AssumeRole"}"#
                .to_owned(),
        );
        let trust = compile(&statements, PolicyKind::Trust);
        let policies = Policies { trust: Some(&trust), ..Policies::default() };
        let (outcome, steps) = steps(&policies, "sts:AssumeRole", "arn:aws:iam::111122223333:role/r");
        assert_eq!(outcome, Outcome::Allowed);
        counts.push(steps);
    }
    assert!(counts[1] <= counts[0] + 2, "{counts:?}");
}

#[test]
fn long_lists_in_one_statement_are_indexed() {
    let mut counts = Vec::new();
    for count in [20, 5_000] {
        let (mut actions, mut resources) = (String::new(), String::new());
        for n in 0..count {
            let _ = write!(actions, "\"s3:Action{n}\", \"ec2:Do{n}*\", ");
            let _ = write!(resources, "\"arn:aws:s3:::bucket-{n}/*\", \"arn:aws:s3:*:*:other-{n}\", ");
        }
        let statement = format!(
            r#"{{"Effect": "Allow", "Action": [{actions}"s3:GetObject"], "Resource": [{resources}"arn:aws:s3:::mine/*"]}}"#
        );
        let policy = [compile(&[statement], PolicyKind::Identity)];
        let policies = Policies { identity: &[&policy], ..Policies::default() };
        let (outcome, own) = steps(&policies, "s3:GetObject", "arn:aws:s3:::mine/key");
        assert_eq!(outcome, Outcome::Allowed);
        let (outcome, other) = steps(&policies, "ec2:DoSomethingElse", "arn:aws:s3:::mine/key");
        assert_eq!(outcome, Outcome::ImplicitDeny);
        counts.push(own.max(other));
    }
    assert!(counts[1] <= counts[0] + 10, "{counts:?}");
}

#[test]
fn the_worst_policy_stays_within_the_bound() {
    // A managed policy of 6,144 characters, against a resource of 2,048.
    let resource = format!("arn:aws:s3:::{}", "a".repeat(2_035));
    let colons = format!("arn:aws:s3:::{}", ":a".repeat(1_017));
    let fill = |piece: &str| {
        let mut patterns: Vec<String> = Vec::new();
        let room = 6_144 - 90;
        // Either one long pattern, or as many as fit.
        for length in [room, 256, 32] {
            let mut pattern = String::from("arn:aws:s3:::*");
            while pattern.len() + piece.len() < length {
                pattern += piece;
            }
            pattern.push('b');
            let count = room / (pattern.len() + 3);
            patterns.push(vec![format!("\"{pattern}\""); count.max(1)].join(","));
        }
        patterns
    };
    let mut worst = 0;
    for piece in [
        "a",
        "*a",
        "a*",
        "?a",
        "*?a",
        "aa*",
        ":*a",
        ":a*",
        "${aws:username, 'a'}*",
        "a?a?a?a?*",
        &"a".repeat(500),
        &("a".repeat(400) + "*"),
    ] {
        for patterns in fill(piece) {
            let statement = format!(r#"{{"Effect": "Allow", "Action": "*", "Resource": [{patterns}]}}"#);
            let policy = [compile(&[statement], PolicyKind::Identity)];
            let policies = Policies { identity: &[&policy], ..Policies::default() };
            for resource in [&resource, &colons] {
                for resource in [resource.clone(), format!("{resource}b"), format!("{resource}ab")] {
                    worst = worst.max(steps(&policies, "s3:GetObject", &resource).1);
                }
            }
        }
    }
    println!("worst: {worst} steps");
    assert!(worst <= 4_000_000, "{worst}");
}

#[test]
fn a_pattern_found_after_every_colon_is_visited_once() {
    // In one list, and as a statement each.
    let tails: Vec<String> = (1..=60).map(|n| format!("arn:aws:s?:*:*:{}*b", ":a".repeat(n))).collect();
    let list = tails.iter().map(|tail| format!("\"{tail}\"")).collect::<Vec<_>>().join(",");
    let listed = vec![format!(r#"{{"Effect": "Allow", "Action": "s3:*", "Resource": [{list}]}}"#)];
    let each = tails.iter().map(|tail| format!(r#"{{"Effect": "Allow", "Action": "s3:*", "Resource": "{tail}"}}"#));
    let resource = format!("arn:aws:s3:::{}", ":a".repeat(1_017));
    for statements in [listed, each.collect()] {
        let policy = [compile(&statements, PolicyKind::Identity)];
        let policies = Policies { identity: &[&policy], ..Policies::default() };
        let (outcome, steps) = steps(&policies, "s3:GetObject", &resource);
        assert_eq!(outcome, Outcome::ImplicitDeny);
        assert!(steps <= 60 * 30_000, "{steps}");
    }
}

/// Conditions that cost much, each with the values that `k` has in the request.
fn conditions() -> Vec<(&'static str, String, Vec<String>)> {
    let many = |text: &str| vec![text.to_owned(); 40];
    let listed = |text: &str| vec![format!("\"{text}\""); 40].join(", ");
    let unknown = listed(&"${\u{e9}, 'a'}".repeat(9));
    [
        ("StringLike", listed("*a*b*"), many(&"a".repeat(2_000))),
        ("StringEquals", listed(&"${aws:username}".repeat(9)), many("a")),
        ("StringEqualsIgnoreCase", listed(&"é".repeat(400)), many(&"É".repeat(399))),
        ("StringNotEqualsIgnoreCase", unknown, many("b")),
        ("NumericEquals", listed(&"1".repeat(300)), many("2")),
        ("BinaryEquals", listed("AAAA"), many(&"AAAB".repeat(500))),
        ("DateEquals", listed("2026-01-01"), many("2026-01-02")),
        ("IpAddress", listed("203.0.113.7"), many("203.0.113.8")),
        ("ArnLike", listed("arn:*:*:*:*:*a*b*"), many(&format!("arn:a:a:a:a:{}", "a".repeat(2_000)))),
    ]
    .map(|(operator, listed, values)| {
        (operator, format!(r#"{{"ForAnyValue:{operator}": {{"k": [{listed}]}}}}"#), values)
    })
    .into()
}

#[test]
fn a_decision_beyond_its_budget_is_aborted() {
    for (operator, condition, values) in conditions() {
        let deny = format!(r#"{{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {condition}}}"#);
        let allow = r#"{"Effect": "Allow", "Action": "s3:Put*", "Resource": "*"}"#.to_owned();
        let policy = [compile(&[deny, allow], PolicyKind::Identity)];
        let policies = Policies { identity: &[&policy], ..Policies::default() };
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let keys = [("k", ContextValue::Many(&values))];
        with_request("s3:GetObject", "arn:aws:s3:::b/k", &keys, |request| {
            let (decision, steps) = decide_counting(request, &policies);
            assert!(steps > 1_000, "{operator}: {steps}");
            assert_eq!(decision, decide(request, &policies), "{operator}");
            for (limit, suffices) in [(0, false), (steps / 2, false), (steps - 1, false), (steps, true)] {
                let mut budget = Budget::new(limit);
                let decided = decide_within(request, &policies, &mut budget);
                assert_eq!(decided, suffices.then_some(decision), "{operator}: {limit} of {steps}");
                assert_eq!(budget.left(), 0, "{operator}: {limit} of {steps}");
                let most = limit + 20_000;
                assert!(budget.taken() <= most, "{operator}: {} of {limit}", budget.taken());
            }
            let explained = explain_within(request, &policies, &mut Budget::new(10 * steps)).unwrap();
            assert_eq!(explained.to_string(), explain(request, &policies).to_string(), "{operator}");
            assert!(explain_within(request, &policies, &mut Budget::new(steps)).is_none(), "{operator}");
        });
    }
}
