//! Which crate may name which: the drawing of ARCHITECTURE.md, held against `cargo metadata`.

use crate::metadata::{Metadata, Package};
use std::collections::{BTreeMap, BTreeSet};

const PREFIX: &str = "bailiwick-";

/// A crate and what it may name. An edge permits all that it reaches.
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("api", &[]),
    ("sigv4", &[]),
    ("federation", &[]),
    ("seal", &["model"]),
    ("policy-lang", &["model"]),
    ("evaluator", &["policy-lang"]),
    ("storage", &["seal"]),
    ("storage-redb", &["storage"]),
    ("storage-etcd", &["storage"]),
    ("storage-suite", &["storage"]),
    ("snapshot", &["storage", "policy-lang", "evaluator"]),
    ("operation", &["api", "storage", "seal", "policy-lang"]),
    ("directory", &["operation"]),
    ("audit", &["operation"]),
    ("sts", &["operation", "federation"]),
    ("authz", &["operation", "snapshot", "sigv4", "sts"]),
    ("service", &["directory", "sts", "authz", "audit"]),
    ("grpc", &["service"]),
    ("aws-query", &["service"]),
];

/// Never named by these, though their edges reach it.
const NEVER: &[(&str, &str)] = &[("grpc", "storage"), ("aws-query", "storage")];

/// May name any crate.
const ANY: &[&str] = &["server"];

/// A crate of other people, by the beginning of its name, and the only ones of ours that may name it.
const ONLY: &[(&str, &[&str])] =
    &[("tonic", &["grpc"]), ("quick-xml", &["aws-query"]), ("redb", &["storage-redb"]), ("clap", &["server", "xtask"])];

/// Crates that do no I/O, know no clock and no randomness, and what would give them that.
const PURE: &[&str] = &["model", "policy-lang", "evaluator"];
const IMPURE: &[&str] =
    &["tokio", "rand", "getrandom", "aws-lc-rs", "async-trait", "futures", "hyper", "redb", "tracing"];

/// Every edge that is not drawn, one line each.
pub(crate) fn undrawn(metadata: &Metadata) -> Vec<String> {
    metadata.members().flat_map(|package| check(short(&package.name), &named(package))).collect()
}

fn short(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// What a package names, and whether only its tests do.
fn named(package: &Package) -> BTreeMap<&str, bool> {
    let mut names = BTreeMap::new();
    for dependency in &package.dependencies {
        let in_tests = dependency.kind.as_deref() == Some("dev");
        names.entry(dependency.name.as_str()).and_modify(|only| *only &= in_tests).or_insert(in_tests);
    }
    names
}

fn check(name: &str, names: &BTreeMap<&str, bool>) -> Vec<String> {
    let mut wrong = Vec::new();
    let drawn = EDGES.iter().any(|(from, _)| *from == name);
    let may = reach(name);
    for (other, in_tests) in names {
        let in_tests = *in_tests;
        if let Some(other) = other.strip_prefix(PREFIX) {
            if ANY.contains(&name) || name == "xtask" || name == other || (in_tests && other == "storage-suite") {
                continue;
            }
            if !drawn {
                wrong.push(format!("{name}: a crate that the drawing does not have"));
                break;
            }
            let never = !in_tests && NEVER.contains(&(name, other));
            if never || !may.contains(other) {
                wrong.push(format!("{name} names {other}: not drawn"));
            }
            continue;
        }
        if in_tests {
            continue;
        }
        for (begin, only) in ONLY {
            if other.starts_with(begin) && !only.contains(&name) {
                wrong.push(format!("{name} names {other}: only {} may", only.join(" and ")));
            }
        }
        if PURE.contains(&name) && IMPURE.iter().any(|impure| other == impure) {
            wrong.push(format!("{name} names {other}: it does no I/O and knows no time or randomness"));
        }
    }
    wrong
}

fn reach(name: &str) -> BTreeSet<&'static str> {
    let mut seen = BTreeSet::new();
    let edges = |name: &str| EDGES.iter().find(|(from, _)| *from == name).map_or(&[] as &[&str], |(_, to)| to);
    let mut open: Vec<&'static str> = edges(name).to_vec();
    while let Some(next) = open.pop() {
        if seen.insert(next) {
            open.extend(edges(next));
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(name: &str, normal: &[&str], dev: &[&str]) -> Vec<String> {
        let names = dev.iter().map(|n| (*n, true)).chain(normal.iter().map(|n| (*n, false))).collect();
        check(name, &names)
    }

    #[test]
    fn what_is_drawn_and_what_it_reaches_may_be_named() {
        assert!(wrong("evaluator", &["bailiwick-policy-lang", "bailiwick-model"], &[]).is_empty());
        assert!(wrong("service", &["bailiwick-storage", "bailiwick-authz"], &[]).is_empty());
        assert!(wrong("storage-redb", &["bailiwick-storage", "redb"], &["bailiwick-storage-suite"]).is_empty());
        assert!(wrong("server", &["bailiwick-evaluator", "clap"], &[]).is_empty());
    }

    #[test]
    fn what_is_not_drawn_is_refused() {
        assert_eq!(wrong("model", &["bailiwick-api"], &[]), ["model names api: not drawn"]);
        assert_eq!(wrong("directory", &["bailiwick-snapshot"], &[]), ["directory names snapshot: not drawn"]);
        assert_eq!(wrong("newcomer", &["bailiwick-model"], &[]), ["newcomer: a crate that the drawing does not have"]);
    }

    #[test]
    fn front_ends_never_name_storage_but_their_tests_may() {
        assert_eq!(wrong("grpc", &["bailiwick-storage"], &[]), ["grpc names storage: not drawn"]);
        assert!(wrong("grpc", &[], &["bailiwick-storage"]).is_empty());
    }

    #[test]
    fn wire_formats_stay_at_home() {
        assert_eq!(wrong("aws-query", &["tonic"], &[]), ["aws-query names tonic: only grpc may"]);
        assert_eq!(
            wrong("evaluator", &["tokio"], &[]),
            ["evaluator names tokio: it does no I/O and knows no time or randomness"]
        );
    }
}
