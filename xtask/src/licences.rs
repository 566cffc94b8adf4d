//! Checks licences, bans and sources of every dependency against `deny.toml`.
//!
//! It reads `cargo metadata` and needs no other tool. Advisories need a database and are left to `cargo deny`.

use crate::metadata::{Metadata, Package};
use crate::run;
use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
    bans: Bans,
    sources: Sources,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
    #[serde(default)]
    exceptions: Vec<Exception>,
}

#[derive(Deserialize)]
struct Exception {
    #[serde(rename = "crate")]
    name: String,
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    #[serde(default)]
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
    reason: Option<String>,
}

#[derive(Deserialize)]
struct Sources {
    #[serde(rename = "allow-registry")]
    allow_registry: Vec<String>,
}

/// Checks all dependencies, of all platforms.
///
/// # Errors
/// The dependencies that `deny.toml` does not allow.
pub(crate) fn run() -> Result<String> {
    let text = std::fs::read_to_string(run::root().join("deny.toml")).context("cannot read deny.toml")?;
    let deny: Deny = toml::from_str(&text).context("deny.toml")?;
    let metadata = Metadata::read(None)?;
    let wrong: Vec<String> = metadata.packages.iter().flat_map(|package| check(&deny, package)).collect();
    if !wrong.is_empty() {
        bail!("deny.toml does not allow:\n  {}", wrong.join("\n  "));
    }
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for package in &metadata.packages {
        *counts.entry(&package.name).or_default() += 1;
    }
    let twice: Vec<&str> = counts.iter().filter(|(_, count)| **count > 1).map(|(name, _)| *name).collect();
    Ok(format!("licences: {} packages; more than one version of: {}", metadata.packages.len(), twice.join(", ")))
}

fn check(deny: &Deny, package: &Package) -> Vec<String> {
    let mut wrong = Vec::new();
    let shown = format!("{} {}", package.name, package.version);
    if let Some(ban) = deny.bans.deny.iter().find(|ban| ban.name == package.name) {
        wrong.push(format!("{shown}: banned: {}", ban.reason.as_deref().unwrap_or("no reason given")));
    }
    if let Some(source) = &package.source {
        let registry = source.split_once('+').map_or(source.as_str(), |(_, url)| url);
        if !deny.sources.allow_registry.iter().any(|allowed| allowed == registry) {
            wrong.push(format!("{shown}: comes from {source}"));
        }
    }
    if let Err(why) = licence(deny, package) {
        wrong.push(format!("{shown}: {why}"));
    }
    wrong
}

fn licence(deny: &Deny, package: &Package) -> Result<(), String> {
    let Some(text) = &package.license else {
        return Err(match &package.license_file {
            Some(file) => format!("has no licence expression, only a file `{file}`"),
            None => "has no licence".into(),
        });
    };
    let mode = spdx::ParseMode { allow_slash_as_or_operator: true, ..spdx::ParseMode::LAX };
    let expression = spdx::Expression::parse_mode(text, mode).map_err(|error| format!("licence `{text}`: {error}"))?;
    let exceptions = deny.licenses.exceptions.iter().filter(|exception| exception.name == package.name);
    let allowed: Vec<&String> = deny.licenses.allow.iter().chain(exceptions.flat_map(|e| &e.allow)).collect();
    let fine = expression.evaluate(|requirement| allowed.iter().any(|name| **name == requirement.to_string()));
    if fine { Ok(()) } else { Err(format!("licence `{text}`")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(name: &str, license: Option<&str>, source: Option<&str>) -> Vec<String> {
        let deny = r#"
            [licenses]
            allow = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"]
            exceptions = [{ crate = "special", allow = ["Zlib"] }]
            [bans]
            deny = [{ crate = "bad", reason = "for a reason" }]
            [sources]
            allow-registry = ["https://example.com/index"]
        "#;
        let package = Package {
            id: name.into(),
            name: name.into(),
            version: "1.0.0".into(),
            license: license.map(String::from),
            license_file: None,
            description: None,
            repository: None,
            source: source.map(String::from),
            dependencies: Vec::new(),
        };
        check(&toml::from_str(deny).unwrap(), &package)
    }

    #[test]
    fn licences_are_expressions() {
        for fine in
            ["MIT", "GPL-3.0-only OR MIT", "MIT/Apache-2.0", "Apache-2.0 WITH LLVM-exception", "MIT AND Apache-2.0"]
        {
            assert!(complaints("a", Some(fine), None).is_empty(), "{fine}");
        }
        assert!(complaints("special", Some("MIT AND Zlib"), None).is_empty());
        for bad in ["Zlib", "MIT AND Zlib", "GPL-3.0-only", "no such licence"] {
            assert_eq!(complaints("a", Some(bad), None).len(), 1, "{bad}");
        }
        assert_eq!(complaints("a", None, None), ["a 1.0.0: has no licence"]);
    }

    #[test]
    fn bans_and_sources() {
        assert_eq!(complaints("bad", Some("MIT"), None), ["bad 1.0.0: banned: for a reason"]);
        assert!(complaints("a", Some("MIT"), Some("registry+https://example.com/index")).is_empty());
        let git = complaints("a", Some("MIT"), Some("git+https://example.com/a.git"));
        assert_eq!(git, ["a 1.0.0: comes from git+https://example.com/a.git"]);
    }
}
