//! Permitted dependencies between crates, as drawn in ARCHITECTURE.md, checked against `cargo metadata`.

use crate::metadata::{Metadata, Package};
use std::collections::{BTreeMap, BTreeSet};

const PREFIX: &str = "bailiwick-";

/// Each crate with the crates that it may depend on. An edge permits everything reachable through it.
const EDGES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("api", &[]),
    ("sigv4", &[]),
    ("federation", &[]),
    ("seal", &["model"]),
    ("policy-lang", &["model"]),
    ("evaluator", &["policy-lang"]),
    ("storage", &["seal"]),
    ("storage-remote", &["storage"]),
    ("storage-postgres", &["storage-remote"]),
    ("storage-redb", &["storage"]),
    ("storage-etcd", &["storage-remote"]),
    ("storage-suite", &["storage"]),
    ("decision", &["policy-lang", "evaluator"]),
    ("snapshot", &["storage", "decision"]),
    ("operation", &["api", "storage", "seal", "decision", "federation"]),
    ("directory", &["operation"]),
    ("audit", &["operation"]),
    ("sts", &["operation"]),
    ("authz", &["operation", "snapshot", "sigv4", "sts", "audit"]),
    ("signin", &["directory", "sts"]),
    ("service", &["directory", "sts", "signin", "authz", "audit"]),
    ("grpc", &["service"]),
    ("aws-json", &["service"]),
    ("aws-query", &["service"]),
    ("console", &["service", "sigv4"]),
    ("testing", &["aws-json", "aws-query", "console", "grpc"]),
];

/// Dependencies that are refused although the edges reach them.
const NEVER: &[(&str, &str)] = &[
    ("grpc", "storage"),
    ("aws-json", "storage"),
    ("aws-query", "storage"),
    ("console", "storage"),
    ("console", "authz"),
    ("console", "directory"),
];

/// Crates that may depend on every other.
const ANY: &[&str] = &["server"];

/// Crates that every other may use in its tests, and nowhere else.
const FOR_TESTS: &[&str] = &["storage-suite", "testing"];

/// External crates, by name prefix, with the only workspace crates that may depend on them.
const ONLY: &[(&str, &[&str])] = &[
    ("tonic", &["grpc", "storage-etcd"]),
    ("askama", &["console"]),
    ("quick-xml", &["aws-query", "federation"]),
    ("redb", &["storage-redb"]),
    ("tokio-postgres", &["storage-postgres"]),
    ("clap", &["server", "xtask"]),
];

/// Crates without I/O, clock and randomness, and the external crates that would provide these.
const PURE: &[&str] = &["model", "policy-lang", "evaluator"];
const IMPURE: &[&str] =
    &["tokio", "rand", "getrandom", "aws-lc-rs", "async-trait", "futures", "hyper", "redb", "tracing"];

/// Returns the dependencies that are not permitted, one line each.
pub(crate) fn undrawn(metadata: &Metadata) -> Vec<String> {
    metadata.members().flat_map(|package| check(short(&package.name), &named(package))).collect()
}

fn short(name: &str) -> &str {
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// Returns the dependencies of a package, each with whether only its tests use it.
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
            if ANY.contains(&name) || name == "xtask" || name == other || (in_tests && FOR_TESTS.contains(&other)) {
                continue;
            }
            if !drawn {
                wrong.push(format!(
                    "{name}: not in the list of crates; add it to xtask/src/edges.rs and ARCHITECTURE.md"
                ));
                break;
            }
            let never = !in_tests && NEVER.contains(&(name, other));
            if never || !may.contains(other) {
                wrong.push(format!("{name} depends on {other}: not permitted"));
            }
            continue;
        }
        if in_tests {
            continue;
        }
        for (begin, only) in ONLY {
            if other.starts_with(begin) && !only.contains(&name) {
                wrong.push(format!("{name} depends on {other}: only {} may", only.join(" and ")));
            }
        }
        if PURE.contains(&name) && IMPURE.iter().any(|impure| other == impure) {
            wrong.push(format!("{name} depends on {other}: it must have no I/O, clock or randomness"));
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
        assert!(wrong("sts", &[], &["bailiwick-testing"]).is_empty());
    }

    #[test]
    fn what_is_not_drawn_is_refused() {
        assert_eq!(wrong("sts", &["bailiwick-testing"], &[]), ["sts depends on testing: not permitted"]);
        assert_eq!(wrong("model", &["bailiwick-api"], &[]), ["model depends on api: not permitted"]);
        assert_eq!(wrong("directory", &["bailiwick-snapshot"], &[]), ["directory depends on snapshot: not permitted"]);
        assert_eq!(
            wrong("newcomer", &["bailiwick-model"], &[]),
            ["newcomer: not in the list of crates; add it to xtask/src/edges.rs and ARCHITECTURE.md"]
        );
    }

    #[test]
    fn front_ends_never_name_storage_but_their_tests_may() {
        assert_eq!(wrong("grpc", &["bailiwick-storage"], &[]), ["grpc depends on storage: not permitted"]);
        assert!(wrong("grpc", &[], &["bailiwick-storage"]).is_empty());
    }

    #[test]
    fn wire_formats_stay_at_home() {
        assert_eq!(wrong("aws-query", &["tonic"], &[]), ["aws-query depends on tonic: only grpc and storage-etcd may"]);
        assert_eq!(
            wrong("evaluator", &["tokio"], &[]),
            ["evaluator depends on tokio: it must have no I/O, clock or randomness"]
        );
    }
}
