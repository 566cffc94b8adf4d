//! The reference implementation: it decides from JSON, without regard to speed.

use std::cmp::Ordering;

use serde_json::Value;

use super::compare::{self, Mark};
use super::facts::{Facts, Kind};

const ROW: &[&str] = &["allowed", "explicitDeny", "implicitDeny"];

fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    value.as_array().map_or_else(|| vec![text(value)], |values| values.iter().map(text).collect())
}

fn statements(document: &Value) -> Vec<&Value> {
    match &document["Statement"] {
        Value::Array(statements) => statements.iter().collect(),
        statement => vec![statement],
    }
}

/// The outcome of a case.
pub(crate) fn decide(case: &Value) -> &'static str {
    let facts = Facts::of(case);
    let list = |name: &str| case[name].as_array().cloned().unwrap_or_default();
    let one = |name: &str| {
        let document = Some(case[name].clone()).filter(|document| !document.is_null());
        if name == "boundary" { document.map(completed) } else { document }
    };
    let has_account = !facts.account.is_empty();
    if has_account && matches!(facts.action.as_str(), "sts:getcalleridentity" | "sts:getsessiontoken") {
        return ROW[0];
    }
    let service_linked = facts.role.contains(":role/aws-service-role/");

    let identity: Vec<Value> =
        list("identityPolicies").into_iter().chain(list("groupPolicies")).map(completed).collect();
    let levels = |name: &str| -> Vec<Vec<Value>> {
        list(name).iter().map(|level| level.as_array().cloned().unwrap_or_default()).collect()
    };
    let scps = if has_account && !service_linked { levels("scps") } else { Vec::new() };
    let rcps = if service_linked { Vec::new() } else { levels("rcps") };

    // Step 1.
    let everything = identity
        .iter()
        .chain(scps.iter().flatten())
        .chain(rcps.iter().flatten())
        .cloned()
        .chain(list("sessionPolicies"))
        .chain(["boundary", "resourcePolicy", "trust", "endpointPolicy"].into_iter().filter_map(one));
    for document in everything {
        if statements(&document).iter().any(|s| s["Effect"] == "Deny" && applies(s, &document, &facts)) {
            return ROW[1];
        }
    }

    // Step 2 never stops anything: the RCP that allows everything is at each level. Step 3:
    if scps.iter().any(|level| !allows(level, &facts)) {
        return ROW[2];
    }
    // Step 8, asked early: it limits whatever comes.
    if one("endpointPolicy").is_some_and(|document| !allows(&[document], &facts)) {
        return ROW[2];
    }

    let boundary = one("boundary").is_none_or(|document| allows(&[document], &facts));
    let sessions = list("sessionPolicies");
    let session = sessions.is_empty() || allows(&sessions, &facts);
    let federated = facts.kind == Kind::FederatedUser;
    let identity_side = allows(&identity, &facts) && boundary && session && !(federated && sessions.is_empty());

    let resource_policy = one("trust").or_else(|| one("resourcePolicy"));
    let grants: Vec<Vec<&'static str>> = match &resource_policy {
        None => Vec::new(),
        Some(document) => statements(document)
            .iter()
            .filter(|s| s["Effect"] == "Allow" && fits(s, document, &facts) && s.get("NotPrincipal").is_none())
            .map(|s| named(&s["Principal"], &facts))
            .collect(),
    };
    let granted = |way: &str| grants.iter().any(|ways| ways.contains(&way));
    let assume = facts.action.starts_with("sts:assumerole");
    let key = facts.resource.starts_with("arn:aws:kms:")
        && facts.resource.contains(":key/")
        && one("resourcePolicy").is_some();
    let must_allow = assume || key || one("trust").is_some();

    let allowed = match facts.kind {
        Kind::Service => granted("service"),
        Kind::Provider => granted("provider"),
        Kind::Anonymous => granted("everyone"),
        Kind::Root if assume || !session => false,
        Kind::Root if facts.account == facts.resource_account && !must_allow => true,
        Kind::Root => granted("account") || granted("everyone"),
        _ if facts.account == facts.resource_account => {
            let by_name = granted("user")
                || granted("session")
                || granted("everyone")
                || granted("role") && boundary && session
                || granted("provider") && boundary && session
                || granted("maker") && boundary && session && !sessions.is_empty();
            by_name || identity_side && (granted("account") || !must_allow)
        }
        _ => identity_side && grants.iter().any(|ways| !ways.is_empty()),
    };
    if allowed { ROW[0] } else { ROW[2] }
}

/// An identity-based policy whose ARNs all have six parts: a `*` for each that is missing.
fn completed(mut document: Value) -> Value {
    let complete = |text: &mut Value| {
        let Some(arn) = text.as_str().filter(|arn| arn.starts_with("arn:")) else { return };
        let outside: String =
            arn.split("${").map(|part| part.split_once('}').map_or(part, |(_, after)| after)).collect();
        let colons = outside.matches(':').count();
        let runs_on = format!("{outside}:").contains("*:");
        if (2..5).contains(&colons) && !runs_on && !arn.contains("::") && !arn.ends_with(':') {
            *text = format!("{arn}{}", ":*".repeat(5 - colons)).into();
        }
    };
    let all = match &mut document["Statement"] {
        Value::Array(statements) => statements.iter_mut().collect(),
        one => vec![one],
    };
    for statement in all {
        for name in ["Resource", "NotResource"] {
            match statement.get_mut(name) {
                Some(Value::Array(texts)) => texts.iter_mut().for_each(complete),
                Some(text) => complete(text),
                None => {}
            }
        }
    }
    document
}

fn allows(documents: &[Value], facts: &Facts<'_>) -> bool {
    documents
        .iter()
        .any(|document| statements(document).iter().any(|s| s["Effect"] == "Allow" && applies(s, document, facts)))
}

/// Whether a statement speaks to the caller and fits.
fn applies(statement: &Value, document: &Value, facts: &Facts<'_>) -> bool {
    let speaks = if let Some(principal) = statement.get("Principal") {
        !named(principal, facts).is_empty()
    } else if let Some(principal) = statement.get("NotPrincipal") {
        !spares(principal, facts)
    } else {
        true
    };
    speaks && fits(statement, document, facts)
}

/// Whether action, resource and conditions fit.
fn fits(statement: &Value, document: &Value, facts: &Facts<'_>) -> bool {
    let variables = document["Version"] == "2012-10-17";
    let action = |patterns: &Value| {
        texts(patterns).iter().any(|pattern| {
            let pattern = pattern.to_lowercase();
            compare::matches(&compare::freely(&plain_marks(&pattern)), &facts.action)
        })
    };
    let resource = |patterns: &Value| texts(patterns).iter().any(|pattern| resource(pattern, variables, facts));
    let element = |name: &str, test: &dyn Fn(&Value) -> bool| match statement.get(name) {
        Some(patterns) => Some(test(patterns)),
        None => statement.get(format!("Not{name}")).map(|patterns| !test(patterns)),
    };
    element("Action", &action).unwrap_or(false)
        && element("Resource", &resource).unwrap_or(true)
        && statement["Condition"].as_object().into_iter().flatten().all(|(operator, block)| {
            block.as_object().into_iter().flatten().all(|(key, values)| {
                condition(operator, key, &texts(values), statement["Effect"] == "Deny", variables, facts)
            })
        })
}

fn plain_marks(text: &str) -> Vec<Mark> {
    let mark = |c: char| match c {
        '*' => Mark::Star(false),
        '?' => Mark::Question(false),
        c => Mark::Char(c),
    };
    text.chars().map(mark).collect()
}

/// A text with its variables put in, and of each mark in which part of the pattern it stands; none when a variable
/// has no value, or, of an ARN pattern, one with a colon in a part that can't hold one.
fn marks(text: &str, variables: bool, arn: bool, facts: &Facts<'_>) -> Option<Vec<(Mark, usize)>> {
    let mut out = Vec::new();
    let mut part = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if variables && rest.starts_with("${") {
            let mut quoted = false;
            let end = rest.find(|c| {
                quoted ^= c == '\'';
                c == '}' && !quoted
            })?;
            let inside = &rest[2..end];
            rest = &rest[end + 1..];
            let value = match inside {
                "*" | "?" | "$" => inside.to_owned(),
                _ => {
                    let (key, default) = match inside.split_once(',') {
                        Some((key, default)) => (key.trim(), Some(default.trim().trim_matches('\'').to_owned())),
                        None => (inside, None),
                    };
                    match facts.key(key) {
                        Some((true, _)) => return None,
                        Some((false, values)) => values[0].to_owned(),
                        None => default?,
                    }
                }
            };
            if arn && part < 5 && value.contains(':') {
                return None;
            }
            out.extend(value.chars().map(|c| (Mark::Char(c), part)));
            continue;
        }
        rest = &rest[c.len_utf8()..];
        match c {
            ':' => {
                out.push((Mark::Char(c), part));
                part += 1;
            }
            '*' => out.push((Mark::Star(rest.is_empty() || rest.starts_with(':')), part)),
            '?' => out.push((Mark::Question(false), part)),
            c => out.push((Mark::Char(c), part)),
        }
    }
    Some(out)
}

fn resource(pattern: &str, variables: bool, facts: &Facts<'_>) -> bool {
    if pattern == "*" {
        return true;
    }
    let Some(marks) = marks(pattern, variables, true, facts) else { return false };
    // In the sixth part everything matches everything.
    let marks: Vec<Mark> = marks
        .iter()
        .map(|(mark, part)| match mark {
            Mark::Star(_) if *part >= 5 => Mark::Star(true),
            Mark::Question(_) if *part >= 5 => Mark::Question(true),
            mark => *mark,
        })
        .collect();
    facts.resource != "*" && compare::matches(&marks, facts.resource)
}

/// In what ways a principal element names the caller.
fn named(principal: &Value, facts: &Facts<'_>) -> Vec<&'static str> {
    if principal == "*" {
        return vec!["everyone"];
    }
    let partition = facts.principal.split(':').nth(1).unwrap_or("");
    let root = format!("arn:{partition}:iam::{}:root", facts.account);
    let mut ways = Vec::new();
    for (kind, values) in principal.as_object().into_iter().flatten() {
        for value in texts(values) {
            let way = match kind.as_str() {
                "AWS" if value == "*" => Some("everyone"),
                "AWS" if value == facts.account || value == root => {
                    Some("account").filter(|_| !facts.account.is_empty())
                }
                "AWS" if value == facts.principal && facts.kind == Kind::User => Some("user"),
                "AWS" if value == facts.principal && facts.kind != Kind::Root => Some("session"),
                "AWS" if value == facts.role => Some("role"),
                "AWS" if value == facts.maker => Some("maker"),
                "AWS" => {
                    let id = facts.key("aws:userid").filter(|(many, _)| !many);
                    let own = id.and_then(|(_, values)| values[0].split(':').next());
                    match facts.kind {
                        Kind::User if own == Some(&value) => Some("user"),
                        Kind::RoleSession if own == Some(&value) => Some("role"),
                        _ => None,
                    }
                }
                // Every principal of a kind: applies to the caller, but does not name them.
                "Service" if value == "*" => Some("his kind").filter(|_| facts.kind == Kind::Service),
                "Federated" if value == "*" && facts.kind == Kind::Provider => Some("his kind"),
                "Federated" if value == "*" => Some("provider").filter(|_| !facts.provider.is_empty()),
                "Service" => Some("service").filter(|_| facts.kind == Kind::Service && value == facts.principal),
                "Federated" if facts.kind == Kind::Provider => Some("provider").filter(|_| value == facts.principal),
                "Federated" => Some("provider").filter(|_| facts.kind == Kind::RoleSession && value == facts.provider),
                _ => None,
            };
            ways.extend(way);
        }
    }
    ways
}

fn spares(principal: &Value, facts: &Facts<'_>) -> bool {
    let ways = named(principal, facts);
    let needed: &[&str] = match facts.kind {
        Kind::Root => &["account"],
        Kind::User => &["user", "account"],
        Kind::RoleSession => &["session", "role", "account"],
        Kind::FederatedUser => &["session", "account"],
        Kind::Service => &["service"],
        Kind::Provider => &["provider"],
        Kind::Anonymous => &["everyone"],
    };
    let named = ways.contains(&"everyone") || ways.contains(&"his kind") || needed.iter().all(|way| ways.contains(way));
    named && !facts.has_boundary
}

fn condition(operator: &str, key: &str, values: &[String], deny: bool, variables: bool, facts: &Facts<'_>) -> bool {
    let (qualifier, rest) = operator.split_once(':').unwrap_or(("", operator));
    let if_exists = rest.ends_with("IfExists");
    let base = rest.trim_end_matches("IfExists");
    let found = facts.key(key).filter(|(many, own)| !(*many && own.is_empty()));
    let many_without_values = facts.key(key).is_some() && found.is_none();
    if base == "Null" {
        return match qualifier {
            "ForAllValues" => true,
            "ForAnyValue" => false,
            _ => values.iter().any(|value| value.to_lowercase() == if found.is_none() { "true" } else { "false" }),
        };
    }
    let negated = base.contains("Not");
    let positive = base.replace("Not", "");
    let meets = |own: &str| values.iter().any(|listed| holds(&positive, own, listed, variables, facts)) != negated;
    match (qualifier, found) {
        ("", Some((true, _))) => deny,
        ("", None) if many_without_values => deny,
        ("", None) => if_exists || negated,
        ("", Some((false, own))) => meets(own[0]),
        ("ForAnyValue", None) => if_exists,
        ("ForAllValues", None) => true,
        ("ForAnyValue", Some((_, own))) => own.iter().any(|own| meets(own)),
        (_, Some((_, own))) => own.iter().all(|own| meets(own)),
        (_, None) => unreachable!("no other qualifier"),
    }
}

/// Whether one value meets one listed value under a positive operator.
fn holds(operator: &str, own: &str, listed: &str, variables: bool, facts: &Facts<'_>) -> bool {
    let filled = || -> Option<String> {
        // Without wildcards: the text itself, variables put in.
        let marks = marks(listed, variables, false, facts)?;
        let char = |(mark, _): &(Mark, usize)| match mark {
            Mark::Char(c) => *c,
            Mark::Star(_) => '*',
            Mark::Question(_) => '?',
        };
        Some(marks.iter().map(char).collect())
    };
    let order = |order: Option<Ordering>| {
        let Some(order) = order else { return false };
        match operator.trim_start_matches("Numeric").trim_start_matches("Date") {
            "Equals" => order.is_eq(),
            "LessThan" => order.is_lt(),
            "LessThanEquals" => order.is_le(),
            "GreaterThan" => order.is_gt(),
            "GreaterThanEquals" => order.is_ge(),
            other => unreachable!("{other}"),
        }
    };
    match operator {
        "StringEquals" => filled().is_some_and(|listed| listed == own),
        "StringEqualsIgnoreCase" => filled().is_some_and(|listed| listed.to_lowercase() == own.to_lowercase()),
        "StringLike" => marks(listed, variables, false, facts).is_some_and(|marks| {
            let marks: Vec<Mark> = marks.into_iter().map(|(mark, _)| mark).collect();
            compare::matches(&compare::freely(&marks), own)
        }),
        "Bool" => filled().is_some_and(|listed| {
            let (listed, own) = (listed.to_lowercase(), own.to_lowercase());
            listed == own && (own == "true" || own == "false")
        }),
        "BinaryEquals" => match (compare::bytes(own), compare::bytes(listed)) {
            (Some(own), Some(listed)) => own == listed,
            _ => false,
        },
        "IpAddress" => compare::in_network(own, listed),
        "ArnEquals" | "ArnLike" => {
            let own: Vec<&str> = own.splitn(6, ':').collect();
            let Some(marks) = marks(listed, variables, true, facts) else { return false };
            // Cut where the pattern itself has its colons.
            let part = |n: usize| -> Vec<Mark> {
                let mut marks: Vec<Mark> = marks
                    .iter()
                    .filter(|(_, part)| if n == 5 { *part >= 5 } else { *part == n })
                    .map(|(mark, _)| *mark)
                    .collect();
                if n < 5 && marks.last() == Some(&Mark::Char(':')) {
                    marks.pop();
                }
                compare::freely(&marks)
            };
            let colons = marks.iter().filter(|(mark, part)| *part < 5 && *mark == Mark::Char(':')).count();
            colons == 5 && own.len() == 6 && own[0] == "arn" && (0..6).all(|n| compare::matches(&part(n), own[n]))
        }
        _ if operator.starts_with("Numeric") => order(compare::compare_numbers(own, listed)),
        _ => {
            let (Some(own), Some(listed)) = (compare::date(own), compare::date(listed)) else { return false };
            order(Some(own.0.cmp(&listed.0).then_with(|| own.1.cmp(&listed.1))))
        }
    }
}
