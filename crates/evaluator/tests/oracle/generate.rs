//! Random cases, biased to near misses.

use serde_json::{Map, Value, json};

use super::random::Random;
use values::{KEYS, MULTI, listed};

// With their paths, since the bench takes this file in from elsewhere.
#[path = "generate/principals.rs"]
mod principals;
#[path = "generate/values.rs"]
mod values;

const HOME: &str = "111122223333";
const AWAY: &str = "444455556666";

const ACTIONS: &[(&str, &[&str])] = &[
    ("s3:GetObject", &["arn:aws:s3:::corp/home/bob/a.txt", "arn:aws:s3:::corp/red/x:y", "arn:aws:s3:::b*d/é?"]),
    ("s3:ListAllMyBuckets", &["*"]),
    ("sqs:SendMessage", &["arn:aws:sqs:eu-west-1:{}:orders", "arn:aws:sqs:us-east-1:{}:orders-dlq"]),
    (
        "logs:PutLogEvents",
        &[
            "arn:aws:logs:eu-west-1:{}:log-group:/aws/l:log-stream:2024/01/[1]",
            "arn:aws:logs:eu-west-1:{}:log-group:a:b:c",
        ],
    ),
    ("iam:GetUser", &["arn:aws:iam::{}:user/bob", "arn:aws:iam::{}:user/dev/Bob"]),
    ("kms:Decrypt", &["arn:aws:kms:eu-west-1:{}:key/1234", "arn:aws:kms:eu-west-1:{}:alias/k"]),
    ("sts:AssumeRole", &["arn:aws:iam::{}:role/app/Deployer"]),
    ("sts:TagSession", &["arn:aws:iam::{}:role/app/Deployer", "arn:aws:sts::{}:federated-user/jdoe"]),
    ("sts:GetCallerIdentity", &["*"]),
];

const WEB: &str = "sts:AssumeRoleWithWebIdentity";
const SAML: &str = "sts:AssumeRoleWithSAML";

struct World {
    principal: String,
    role: String,
    /// What follows `arn:` in the caller's own names.
    partition: &'static str,
    kind: usize,
    unique_id: String,
    action: String,
    resource: String,
    resource_account: &'static str,
    keys: Vec<(String, bool, Vec<String>)>,
}

/// One case.
pub(crate) fn case(random: &mut Random) -> Value {
    let world = world(random);
    let mut case = Map::new();
    let mut context = Map::new();
    for (name, many, values) in &world.keys {
        let name = if random.chance(10) { name.to_uppercase() } else { name.clone() };
        let value_type = if *many { "stringList" } else { "string" };
        context.insert(name, json!({"type": value_type, "values": values}));
    }
    case.insert("id".into(), "random".into());
    case.insert(
        "request".into(),
        json!({"principal": world.principal, "action": world.action, "resource": world.resource,
               "resourceAccount": world.resource_account, "context": context}),
    );
    if random.chance(5) {
        case["request"].as_object_mut().unwrap().remove("resourceAccount");
    }
    let action = world.action.to_lowercase();
    let trust = action.starts_with("sts:assumerole") || action == "sts:tagsession" && random.chance(70);
    let has_account = world.kind < 4;
    let documents = |random: &mut Random, from: usize, to: usize, of: Of| -> Value {
        let count = from + random.below(to - from + 1);
        (0..count).map(|_| document(random, &world, of)).collect::<Vec<_>>().into()
    };
    if has_account && world.kind != 0 {
        case.insert("identityPolicies".into(), documents(random, 0, 2, Of::Identity));
        case.insert("groupPolicies".into(), documents(random, 0, 1, Of::Identity));
        if random.chance(30) {
            case.insert("boundary".into(), document(random, &world, Of::Identity));
        }
        if random.chance(if world.kind == 3 { 75 } else { 25 }) {
            let least = usize::from(random.chance(95));
            case.insert("sessionPolicies".into(), documents(random, least, 2, Of::Identity));
        }
    }
    if world.kind == 0 && random.chance(15) {
        // A session of root.
        case.insert("sessionPolicies".into(), documents(random, 1, 2, Of::Identity));
    }
    for (name, chance, of) in [("scps", 25, Of::Scp), ("rcps", 15, Of::Rcp)] {
        if random.chance(chance) {
            let levels: Vec<Value> = (0..1 + random.below(2)).map(|_| documents(random, 0, 2, of)).collect();
            case.insert(name.into(), levels.into());
        }
    }
    if trust && random.chance(90) {
        case.insert("trust".into(), document(random, &world, Of::Trust));
        if random.chance(5) {
            case.insert("resourcePolicy".into(), document(random, &world, Of::Resource));
        }
    } else if random.chance(if has_account && world.resource_account == HOME { 45 } else { 85 }) {
        case.insert("resourcePolicy".into(), document(random, &world, Of::Resource));
    }
    if random.chance(10) {
        case.insert("endpointPolicy".into(), document(random, &world, Of::Endpoint));
    }
    case.into()
}

fn world(random: &mut Random) -> World {
    let kind = [0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 5, 6, 7][random.below(15)];
    let path = random.pick(&["", "dev/", "aws-service-role/x.amazonaws.com/"]);
    let path = if path.len() > 4 && random.chance(70) { "" } else { path };
    let partition = if random.chance(4) { "aws-cn" } else { "aws" };
    let role = format!("arn:{partition}:iam::{HOME}:role/{path}Deployer");
    let (principal, unique_id) = match kind {
        0 => (format!("arn:{partition}:iam::{HOME}:root"), String::new()),
        1 => (
            format!("arn:{partition}:iam::{HOME}:user/{}bob", path.get(..4).filter(|p| *p == "dev/").unwrap_or("")),
            "AIDAAAAABBBBCCCCDDDDE".into(),
        ),
        2 => (format!("arn:{partition}:sts::{HOME}:assumed-role/Deployer/build"), "AROAAAAABBBBCCCCDDDDE".into()),
        3 => (format!("arn:{partition}:sts::{HOME}:federated-user/jdoe"), String::new()),
        4 => ("events.amazonaws.com".to_owned(), String::new()),
        5 => ("accounts.google.com".to_owned(), String::new()),
        6 => ("*".to_owned(), String::new()),
        _ => (format!("arn:{partition}:iam::{HOME}:saml-provider/Corp"), String::new()),
    };
    let resource_account = if random.chance(65) { HOME } else { AWAY };
    let (action, resources) = random.of(ACTIONS);
    let (action, resources) = match kind {
        5 => (&WEB, &ACTIONS[6].1),
        7 if random.chance(90) => (&SAML, &ACTIONS[6].1),
        _ => (action, resources),
    };
    let resource = random.pick(resources).replace("{}", resource_account);
    let action = match random.below(6) {
        0 => action.to_uppercase(),
        1 => action.to_lowercase(),
        _ => (*action).to_owned(),
    };
    let mut keys: Vec<(String, bool, Vec<String>)> = Vec::new();
    for (_, name, values) in KEYS {
        if random.chance(60) {
            let many = MULTI.contains(name) && random.chance(85);
            let count = if many { random.below(4) } else { 1 };
            let value = |random: &mut Random| {
                let value = random.pick(values).to_owned();
                values::mutated(random, value)
            };
            let values = (0..count).map(|_| value(random)).collect();
            keys.push(((*name).to_owned(), many, values));
        }
    }
    if kind == 2 {
        let other = format!("arn:aws:iam::{HOME}:role/app/Other");
        match random.below(12) {
            0 => {}
            1 => keys.push(("aws:PrincipalArn".into(), false, vec![other])),
            2 => keys.push(("aws:PrincipalArn".into(), true, vec![role.clone()])),
            _ => keys.push(("aws:PrincipalArn".into(), false, vec![role.clone()])),
        }
        if random.chance(30) {
            keys.push(("aws:FederatedProvider".into(), false, vec!["accounts.google.com".into()]));
        }
        keys.push(("aws:userid".into(), false, vec![format!("{unique_id}:build")]));
    } else if kind == 1 {
        keys.push(("aws:userid".into(), false, vec![unique_id.clone()]));
    }
    World { principal, role, partition, kind, unique_id, action, resource, resource_account, keys }
}

#[derive(Clone, Copy, PartialEq)]
enum Of {
    Identity,
    Resource,
    Trust,
    Scp,
    Rcp,
    Endpoint,
}

fn document(random: &mut Random, world: &World, of: Of) -> Value {
    let version = random.chance(85);
    // Now and then enough statements for an index.
    let count = if random.chance(15) { 8 + random.below(12) } else { 1 + random.below(3) };
    let mut statements: Vec<Value> = (0..count).map(|_| statement(random, world, of, version)).collect();
    let one = statements.len() == 1 && random.chance(30);
    let statement = if one { statements.remove(0) } else { statements.into() };
    if version {
        json!({"Version": "2012-10-17", "Statement": statement})
    } else if random.chance(50) {
        json!({"Version": "2008-10-17", "Statement": statement})
    } else {
        json!({"Statement": statement})
    }
}

fn statement(random: &mut Random, world: &World, of: Of, variables: bool) -> Value {
    // A statement about something else, or one that matches unless it is bent.
    let other = random.chance(15);
    let mut out = Map::new();
    let deny = random.chance(if of == Of::Rcp { 100 } else { 18 });
    out.insert("Effect".into(), if deny { "Deny" } else { "Allow" }.into());
    match of {
        Of::Identity | Of::Scp => {}
        Of::Rcp => {
            out.insert("Principal".into(), "*".into());
        }
        Of::Endpoint if random.chance(60) => {
            out.insert("Principal".into(), "*".into());
        }
        Of::Resource | Of::Trust | Of::Endpoint => {
            principals::principal(random, world, deny && of != Of::Trust, &mut out);
        }
    }
    let not = random.chance(12);
    let patterns = some(random, |random| action_pattern(random, world, other != not));
    out.insert(if not { "NotAction" } else { "Action" }.into(), patterns);
    if of != Of::Trust {
        let not = random.chance(12);
        let patterns = some(random, |random| {
            let other = not || random.chance(10);
            resource_pattern(random, world, other)
        });
        out.insert(if not { "NotResource" } else { "Resource" }.into(), patterns);
    }
    if random.chance(if deny { 70 } else { 45 }) {
        out.insert("Condition".into(), conditions(random, world, variables));
    }
    out.into()
}

/// One value, or an array of a few.
fn some(random: &mut Random, mut one: impl FnMut(&mut Random) -> String) -> Value {
    if random.chance(60) {
        return one(random).into();
    }
    let count = if random.chance(10) { 12 } else { 1 + random.below(3) };
    (0..count).map(|_| one(random)).collect::<Vec<_>>().into()
}

fn action_pattern(random: &mut Random, world: &World, other: bool) -> String {
    let action = if other { random.of(ACTIONS).0 } else { &*world.action };
    let (service, name) = action.split_once(':').unwrap();
    let name = match random.below(8) {
        0 => "*".to_owned(),
        1 | 2 => format!("{}*", &name[..random.below(name.len())]),
        3 => format!("*{}", &name[random.below(name.len())..]),
        4 => {
            let at = random.below(name.len());
            format!("{}?{}", &name[..at], &name[at + 1..])
        }
        5 if random.chance(30) => format!("{name}x"),
        6 if random.chance(50) => return random.pick(&["*", "*:*"]).to_owned(),
        _ => name.to_owned(),
    };
    let service = match random.below(20) {
        0 => format!("{}*", &service[..1]),
        1 => format!("?{}", &service[1..]),
        _ => service.to_owned(),
    };
    let text = format!("{service}:{name}");
    if random.chance(20) { text.to_lowercase() } else { text }
}

fn resource_pattern(random: &mut Random, world: &World, other: bool) -> String {
    if random.chance(25) {
        return "*".to_owned();
    }
    if world.resource == "*" || other && random.chance(50) {
        return "arn:aws:s3:::elsewhere/*".to_owned();
    }
    let mut text: Vec<char> = world.resource.chars().filter(|c| !"*?[]".contains(*c)).collect();
    if world.resource.contains(['*', '?', '[']) {
        text = world.resource.chars().map(|c| if "*?[]".contains(c) { '?' } else { c }).collect();
    }
    let colon = text.iter().enumerate().filter(|(_, c)| **c == ':').map(|(at, _)| at).collect::<Vec<_>>();
    let keep = 8; // `arn:aws:`, which the parser wants to see
    for _ in 0..random.below(3) {
        let at = keep + random.below(text.len().saturating_sub(keep).max(1));
        let end = (at + random.below(12)).min(text.len());
        if at >= text.len() {
            continue;
        }
        match random.below(7) {
            0 => drop(text.splice(at..end, ['*'])),
            1 => text[at] = if text[at] == ':' { ':' } else { '?' },
            2 => text.truncate(at + 1),
            3 => drop(text.splice(at.., ['*'])),
            4 => {
                // A whole part.
                let n = 1 + random.below(colon.len().saturating_sub(1).max(1));
                if let (Some(from), Some(to)) = (colon.get(n), colon.get(n + 1))
                    && *to < text.len()
                    && text[*from] == ':'
                    && text[*to] == ':'
                {
                    drop(text.splice(from + 1..*to, ['*']));
                }
            }
            5 => text.push('x'),
            _ => {}
        }
    }
    let mut text: String = text.into_iter().collect();
    for (from, to) in [
        ("/", "${*}"),
        ("bob", "${aws:username}"),
        ("red", "${aws:PrincipalTag/team}"),
        ("home/bob/", "${s3:prefix}"),
        ("corp", "${aws:nobody, 'corp'}"),
        ("a.txt", "${aws:TagKeys}"),
        ("orders", "${aws:PrincipalTag/team, 'orders'}"),
        ("eu-west-1", "${aws:nobody, 'eu-west-1'}"),
        ("111122223333", "${aws:nobody, '1111:'}"),
        ("é", "${aws:nobody, '?'}"),
        ("role", "rol${aws:username}"),
    ] {
        if text.contains(from) && random.chance(35) {
            text = text.replacen(from, to, 1);
        }
    }
    // What is left must still be an ARN pattern of six parts, which the colons of variables do not separate.
    let outside = text.split("${").map(|part| part.split_once('}').map_or(part, |(_, after)| after));
    if outside.map(|part| part.matches(':').count()).sum::<usize>() < 5 && !text.ends_with('*') {
        text.push('*');
    }
    text
}

fn conditions(random: &mut Random, world: &World, variables: bool) -> Value {
    let mut out = Map::new();
    for _ in 0..1 + random.below(3) {
        let (family, key, values) = random.of(KEYS);
        let base = match *family {
            "String" => random.pick(&[
                "StringEquals",
                "StringNotEquals",
                "StringEqualsIgnoreCase",
                "StringNotEqualsIgnoreCase",
                "StringLike",
                "StringNotLike",
            ]),
            "Numeric" => random.pick(&[
                "NumericEquals",
                "NumericNotEquals",
                "NumericLessThan",
                "NumericLessThanEquals",
                "NumericGreaterThan",
                "NumericGreaterThanEquals",
            ]),
            "Date" => random.pick(&[
                "DateEquals",
                "DateNotEquals",
                "DateLessThan",
                "DateLessThanEquals",
                "DateGreaterThan",
                "DateGreaterThanEquals",
            ]),
            "Bool" => "Bool",
            "Binary" => "BinaryEquals",
            "Ip" => random.pick(&["IpAddress", "NotIpAddress"]),
            _ => random.pick(&["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"]),
        };
        let null = random.chance(8);
        let base = if null { "Null" } else { base };
        let many = MULTI.contains(key);
        let qualifier = match random.below(if many { 10 } else { 40 }) {
            0..=4 => "ForAnyValue:",
            5..=8 => "ForAllValues:",
            _ => "",
        };
        let exists = if !null && random.chance(25) { "IfExists" } else { "" };
        let operator = format!("{qualifier}{base}{exists}");
        let own = world.keys.iter().find(|(name, ..)| name == key).and_then(|(_, _, values)| values.first());
        let mut listed: Vec<Value> = match null {
            true => vec![random.of(&[json!("true"), json!("false"), json!(true), json!(false), json!("TRUE")]).clone()],
            false => (0..1 + random.below(2)).map(|_| listed(random, family, values, own)).collect(),
        };
        // The parser knows broken variables where there are variables.
        let takes = matches!(*family, "String" | "Bool" | "Arn") && variables;
        listed.retain(|value| !takes || !values::is_broken(value.as_str().unwrap_or_default()));
        if random.chance(2) {
            listed.clear();
        }
        let values: Value = if listed.len() == 1 { listed[0].clone() } else { listed.into() };
        let key = if random.chance(10) { key.to_lowercase() } else { (*key).to_owned() };
        let block = out.entry(operator).or_insert_with(|| json!({}));
        // A key may stand there twice if not in the same case.
        let taken = block.as_object().unwrap().contains_key(&key);
        if !taken {
            block[&key] = values;
        }
    }
    out.into()
}
