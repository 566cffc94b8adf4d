//! Statements in many policies of one principal, without and with an index over all of them.

use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::engines::Engine as _;
use crate::engines::ours::Ours;
use crate::engines::scan::Scan;
use crate::time;
use crate::world::{Request, World};

/// Policies and statements in total, and the highest ratio to the plain scan that is wanted.
const LAYOUTS: [(usize, usize, f64); 3] = [(3, 10, 0.5), (20, 100, 0.2), (100, 1_000, 0.05)];
/// Where an index begins to save time: not asked for.
const BETWEEN: [(usize, usize); 4] = [(3, 30), (5, 25), (8, 32), (10, 50)];
/// Bytes of policies that decisions rotate through, so that none is in a cache when it is used again.
const COLD_BYTES: usize = 96 << 20;

pub fn run(millis: u64) -> Result<Value> {
    let mut rows = Vec::new();
    let asked = LAYOUTS.map(|(policies, statements, wanted)| (policies, statements, Some(wanted)));
    let between = BETWEEN.map(|(policies, statements)| (policies, statements, None));
    for (policies, statements, wanted) in asked.into_iter().chain(between) {
        let world = World::new(statements, 2_000);
        let (mut plain, mut listed) = (Scan::new(&world), Ours::attached(&world, policies, false)?);
        let mut indexed = Ours::attached(&world, policies, true)?;
        for request in &world.requests {
            let expected = plain.allows(request);
            if listed.allows(request) != expected || indexed.allows(request) != expected {
                bail!("the layouts decide otherwise on {} {}", request.action, request.resource);
            }
        }
        let scan = time(millis, &mut plain, &world);
        let round = |nanos: f64| (nanos * 10.0).round() / 10.0;
        let ratio = |nanos: f64| (nanos / scan * 1000.0).round() / 1000.0;
        let (listed, indexed) = (time(millis, &mut listed, &world), time(millis, &mut indexed, &world));
        rows.push(json!({
            "policies": policies, "statements": statements, "plain scan": round(scan),
            "listed": round(listed), "listed to scan": ratio(listed),
            "indexed": round(indexed), "indexed to scan": ratio(indexed), "wanted": wanted,
        }));
    }
    rows.push(cold()?);
    Ok(rows.into())
}

/// From 1 to 100 attached policies that do not concern the request, beside one that does. Before each decision the caches
/// are emptied, so that every line it reads is a miss; the figures include that of the clock.
fn cold() -> Result<Value> {
    let mut filler = vec![0_u64; COLD_BYTES / 8];
    let mut nanos = Vec::new();
    for policies in [1, 100] {
        let principals = (0..32).map(|n| principal(policies, n)).collect::<Result<Vec<_>>>()?;
        let mut times = Vec::new();
        for n in 0..320 {
            let (principal, request) = (&principals[n % principals.len()], request(n % principals.len()));
            filler.iter_mut().step_by(8).for_each(|word| *word += 1);
            std::hint::black_box(&filler);
            let start = Instant::now();
            let allowed = principal.allows_shared(&request);
            times.push(start.elapsed().as_nanos() as f64);
            if !allowed {
                bail!("a request is denied beside {policies} policies");
            }
        }
        times.sort_by(f64::total_cmp);
        nanos.push(times[times.len() / 2]);
    }
    Ok(json!({
        "cold, beside 1 and 100 policies": nanos,
        "100 to 1": (nanos[1] / nanos[0] * 100.0).round() / 100.0, "wanted": 1.5,
    }))
}

fn principal(policies: usize, seed: usize) -> Result<Ours> {
    let document = |text: Value| json!({"Version": "2012-10-17", "Statement": text}).to_string();
    let other = |n: usize| {
        document(json!([
            {"Effect": "Allow", "Action": [format!("service{n}:Get*"), format!("service{n}:List*")],
             "Resource": format!("arn:aws:service{n}:::unit-{seed}/*")},
            {"Effect": "Deny", "Action": format!("service{n}:Delete"), "Resource": "*"},
        ]))
    };
    let mut texts: Vec<String> = (0..policies).map(other).collect();
    let own =
        json!({"Effect": "Allow", "Action": "photos:GetItem", "Resource": format!("arn:aws:photos:::unit-{seed}/*")});
    texts.insert(policies / 2, document(own));
    Ours::of_texts(&texts, policies > 2)
}

fn request(seed: usize) -> Request {
    Request {
        principal: "arn:aws:iam::111122223333:user/dev/user".to_owned(),
        action: "photos:GetItem".to_owned(),
        resource: format!("arn:aws:photos:::unit-{seed}/item"),
        team: "red".to_owned(),
        source_ip: "203.0.113.7".to_owned(),
        time: "2026-01-01T00:00:00Z".to_owned(),
    }
}
