//! `Principal` and `NotPrincipal`.

use serde_json::{Map, Value, json};

use super::super::random::Random;
use super::{AWAY, HOME, World};

/// One of the two, about the caller more often than not.
pub(super) fn principal(random: &mut Random, world: &World, may_negate: bool, out: &mut Map<String, Value>) {
    if may_negate && random.chance(35) {
        let names = spared(random, world);
        out.insert("NotPrincipal".into(), names);
        return;
    }
    let (mut aws, mut service, mut federated): (Vec<String>, Vec<&str>, Vec<&str>) = Default::default();
    let mut canonical: Vec<String> = Vec::new();
    let partition = world.partition;
    for _ in 0..1 + random.below(2) {
        match random.below(17) {
            0 | 1 if is_arn_of_aws(world) => aws.push(world.principal.clone()),
            2 => aws.push(world.role.clone()),
            3 => aws.push(HOME.into()),
            4 => aws.push(format!("arn:{partition}:iam::{HOME}:root")),
            5 => aws.push("*".into()),
            6 => aws.push(AWAY.into()),
            7 => aws.push(format!("arn:{partition}:iam::{HOME}:user/jdoe")),
            8 => aws.push(format!("arn:aws:sts::{HOME}:assumed-role/Deployer/other")),
            9 if !world.unique_id.is_empty() => aws.push(world.unique_id.clone()),
            10 => service.push("events.amazonaws.com"),
            11 => federated.push("accounts.google.com"),
            12 => {
                out.insert("Principal".into(), "*".into());
                return;
            }
            13 => aws.push("arn:aws:iam::111122223333:root".into()),
            14 if random.chance(30) => service.push("*"),
            15 if random.chance(30) => federated.push("*"),
            16 if random.chance(20) => canonical.push("0123456789abcdef".repeat(4)),
            _ => aws.push(format!("arn:aws:iam::{HOME}:user/bob")),
        }
    }
    if world.kind == 4 && random.chance(60) {
        service.push("events.amazonaws.com");
    }
    if matches!(world.kind, 5 | 7) && random.chance(60) {
        federated.push(&world.principal);
    }
    let mut map = Map::new();
    for (kind, names) in [
        ("AWS", json!(aws)),
        ("Service", json!(service)),
        ("Federated", json!(federated)),
        ("CanonicalUser", json!(canonical)),
    ] {
        if names != json!([]) {
            map.insert(kind.into(), names);
        }
    }
    out.insert("Principal".into(), map.into());
}

fn is_arn_of_aws(world: &World) -> bool {
    world.principal.starts_with("arn:") && world.kind != 7
}

/// Names that spare the caller, or nearly so.
fn spared(random: &mut Random, world: &World) -> Value {
    if random.chance(3) {
        return "*".into();
    }
    let partition = world.partition;
    let account = match random.chance(50) {
        true => format!("arn:{partition}:iam::{HOME}:root"),
        false => HOME.to_owned(),
    };
    let mut names = vec![account, world.role.clone()];
    if is_arn_of_aws(world) {
        names.push(world.principal.clone());
    }
    if !world.unique_id.is_empty() && random.chance(30) {
        // The entity by its id alone.
        names.retain(|name| !name.contains(":user/") && !name.contains(":role/"));
        names.push(world.unique_id.clone());
    }
    names.retain(|_| random.chance(85));
    match random.below(20) {
        0 | 1 => names.push(AWAY.to_owned()),
        2 => names.push("*".to_owned()),
        3 => names.push(format!("arn:{partition}:sts::{HOME}:assumed-role/Deployer/other")),
        _ => {}
    }
    if names.is_empty() {
        names.push(HOME.to_owned());
    }
    let mut map = Map::new();
    map.insert("AWS".into(), names.into());
    let service = random.pick(&["events.amazonaws.com", "*"]);
    if random.chance(if world.kind == 4 { 70 } else { 10 }) {
        map.insert("Service".into(), service.into());
    }
    let provider = if matches!(world.kind, 5 | 7) { &world.principal } else { "accounts.google.com" };
    if random.chance(if matches!(world.kind, 5 | 7) { 70 } else { 10 }) {
        map.insert("Federated".into(), random.pick(&[provider, "*"]).into());
    }
    map.into()
}
