//! From 10 to 10,000 statements that do not concern the request.

use std::time::Instant;

use anyhow::Result;
use serde_json::{Value, json};

use crate::engines::Engine;
use crate::engines::ours;
use crate::world::{Random, Request};

const KINDS: &[&str] =
    &["other resources", "other services", "other actions", "action prefixes", "any region", "half and half"];

pub fn run(millis: u64) -> Result<Value> {
    let mut rows = Vec::new();
    for kind in KINDS {
        let mut times = Vec::new();
        for count in [10, 100, 1_000, 10_000] {
            let mut policy = policy(kind, count)?;
            times.push(time(millis, &mut policy, count));
        }
        let round = |nanos: f64| (nanos * 10.0).round() / 10.0;
        rows.push(json!({
            "kind": kind,
            "nanoseconds": times.iter().map(|nanos| round(*nanos)).collect::<Vec<_>>(),
            "10,000 to 10": (times[3] / times[0] * 100.0).round() / 100.0,
        }));
    }
    Ok(rows.into())
}

/// One statement that concerns every request, among `count` that concern none.
fn policy(kind: &str, count: usize) -> Result<ours::Ours> {
    let other = |n: usize| {
        let (action, resource) = match kind {
            "other resources" => (json!(["photos:GetItem", "photos:PutItem"]), format!("arn:aws:photos:::unit-{n}/*")),
            "any region" => (json!(["photos:*"]), format!("arn:aws:photos:*:*:unit-{n}/*")),
            "other services" => (json!(format!("service{n}:*")), "*".to_owned()),
            "other actions" => (json!(format!("photos:Action{n}")), "*".to_owned()),
            "action prefixes" => (json!(format!("photos:Action{n}*")), "*".to_owned()),
            _ if n % 2 == 0 => (json!(["photos:GetItem", "photos:PutItem"]), format!("arn:aws:photos:::unit-{n}/*")),
            _ => (json!(format!("service{n}:Do")), "*".to_owned()),
        };
        json!({"Effect": if n % 10 == 0 { "Deny" } else { "Allow" }, "Action": action, "Resource": resource})
    };
    let mut statements: Vec<Value> = (0..count).map(other).collect();
    statements.insert(
        count / 2,
        json!({"Effect": "Allow", "Action": "photos:GetItem", "Resource": "arn:aws:photos:::mine/*"}),
    );
    ours::Ours::of(&json!({"Version": "2012-10-17", "Statement": statements}).to_string())
}

fn time(millis: u64, engine: &mut ours::Ours, count: usize) -> f64 {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let requests: Vec<Request> = (0..2_000)
        .map(|n| Request {
            principal: format!("arn:aws:iam::111122223333:user/dev/user-{}", n % 97),
            action: if n % 4 == 0 { "photos:TagItem" } else { "photos:GetItem" }.to_owned(),
            // Some would match next to an existing statement.
            resource: match n % 3 {
                0 => format!("arn:aws:photos:::unit-{}x/item", random.below(count)),
                _ => format!("arn:aws:photos:::mine/item-{n}"),
            },
            team: "red".to_owned(),
            source_ip: "203.0.113.7".to_owned(),
            time: "2026-01-01T00:00:00Z".to_owned(),
        })
        .collect();
    let start = Instant::now();
    let mut rounds = Vec::new();
    while rounds.len() < 5 || start.elapsed().as_millis() < u128::from(millis) {
        let round = Instant::now();
        let allowed = requests.iter().filter(|request| engine.allows(request)).count();
        std::hint::black_box(allowed);
        rounds.push(round.elapsed().as_nanos() as f64 / requests.len() as f64);
    }
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}
