//! The README's coverage table: every operation in `proto/`, and whether it has a handler.
//!
//! The operations are the `rpc` lines of `proto/`. Those without a handler are in the `not_implemented!` list of
//! `crates/service`. All files are read as text, so the table needs no compilation.

use crate::run;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const BEGIN: &str = "<!-- coverage: written by `cargo xtask tidy --bless` -->";
const END: &str = "<!-- coverage ends -->";

/// Returns an error if the README's table differs from the sources; with `bless`, writes the table.
pub(crate) fn check(bless: bool) -> Result<Vec<String>> {
    let root = run::root();
    let services = services(&root.join("proto"))?;
    let missing = missing(&root.join("crates/service/src"))?;
    let known: BTreeSet<&str> = services.values().flatten().map(String::as_str).collect();
    let mut wrong: Vec<String> = missing
        .iter()
        .filter(|name| !known.contains(name.as_str()))
        .map(|name| format!("the `not_implemented!` list has `{name}`, which is not an operation"))
        .collect();
    let path = root.join("README.md");
    let readme = fs::read_to_string(&path).context("cannot read README.md")?;
    let current = splice(&readme, &table(&services, &missing))?;
    if current != readme {
        if bless {
            fs::write(&path, current).context("cannot write README.md")?;
        } else {
            wrong.push("README.md: the coverage table is not current; `cargo xtask tidy --bless` writes it".into());
        }
    }
    Ok(wrong)
}

/// Returns the operations by full name of their gRPC service.
fn services(proto: &Path) -> Result<BTreeMap<String, Vec<String>>> {
    let mut files = Vec::new();
    collect(proto, "proto", &mut files)?;
    let mut services: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        parse_proto(&text, &mut services);
    }
    Ok(services)
}

fn parse_proto(text: &str, services: &mut BTreeMap<String, Vec<String>>) {
    let mut package = "";
    let mut service = None;
    for line in text.lines() {
        let line = line.split("//").next().unwrap_or_default();
        let words: Vec<&str> = line.split(|c: char| !(c.is_alphanumeric() || "_./".contains(c))).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["package", name, ..] => package = name,
            ["service", name, ..] => service = Some(format!("{package}.{name}")),
            ["rpc", name, ..] => {
                if let Some(service) = &service {
                    services.entry(service.clone()).or_default().push((*name).to_string());
                }
            }
            _ => {}
        }
    }
}

/// Returns the names in the `not_implemented!` list, which may be in any file of the folder.
fn missing(folder: &Path) -> Result<BTreeSet<String>> {
    let mut files = Vec::new();
    collect(folder, "rs", &mut files)?;
    let mut names = BTreeSet::new();
    for file in files {
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
        names.extend(parse_missing(&text));
    }
    Ok(names)
}

fn parse_missing(text: &str) -> BTreeSet<String> {
    let code: Vec<&str> = text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let code = code.join("\n");
    let mut names = BTreeSet::new();
    for (at, called) in code.match_indices("not_implemented!") {
        let rest = code[at + called.len()..].trim_start();
        let close = match rest.chars().next() {
            Some('{') => '}',
            Some('(') => ')',
            Some('[') => ']',
            _ => continue,
        };
        let body = rest[1..].split(close).next().unwrap_or_default();
        let words = body.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        names.extend(words.filter(|word| word.starts_with(|c: char| c.is_ascii_uppercase())).map(String::from));
    }
    names
}

fn collect(folder: &Path, extension: &str, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, extension, files)?;
        } else if path.extension().is_some_and(|e| e == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

fn table(services: &BTreeMap<String, Vec<String>>, missing: &BTreeSet<String>) -> String {
    let mut rows = String::new();
    let (mut all, mut all_handled) = (0, 0);
    for (service, operations) in services {
        let which = |wanted: &dyn Fn(&str) -> bool| {
            let mut names: Vec<&str> = operations.iter().map(String::as_str).filter(|name| wanted(name)).collect();
            names.sort_unstable();
            names
        };
        let handled = which(&|name| !missing.contains(name));
        let open = which(&|name| missing.contains(name));
        all += operations.len();
        all_handled += handled.len();
        let name = service.strip_prefix("bailiwick.").unwrap_or(service);
        rows += &format!(
            "| `{name}` | {} of {} | {} | {} |\n",
            handled.len(),
            operations.len(),
            handled.join(", "),
            open.join(", ")
        );
    }
    let summary = match all - all_handled {
        0 => format!("{all} of {all} operations are handled."),
        _ => format!(
            "{all_handled} of {all} operations are handled. The others are described, validated and answered with \
             `NotImplemented`."
        ),
    };
    format!(
        "{summary}\n\n\
         | service | handled | operations | not yet |\n| --- | --- | --- | --- |\n{rows}"
    )
}

fn splice(readme: &str, table: &str) -> Result<String> {
    let Some((before, rest)) = readme.split_once(BEGIN) else { bail!("README.md has no line `{BEGIN}`") };
    let Some((_, after)) = rest.split_once(END) else { bail!("README.md has no line `{END}`") };
    Ok(format!("{before}{BEGIN}\n{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_the_rpc_lines() {
        let mut services = BTreeMap::new();
        let text = "package bailiwick.iam.v1;\nservice UserService {\n  // rpc NotThis(A) returns (B);\n  \
                    rpc CreateUser(CreateUserRequest) returns (CreateUserResponse) {\n  }\n}\n";
        parse_proto(text, &mut services);
        assert_eq!(services["bailiwick.iam.v1.UserService"], ["CreateUser"]);
    }

    #[test]
    fn the_list_of_what_is_missing_is_read_as_text() {
        let text = "macro_rules! not_implemented { () => {} }\nnot_implemented! {\n    // Aside\n    UploadKey, // Why\n    \
                    GetKey => Response,\n}\n";
        let names: Vec<String> = parse_missing(text).into_iter().collect();
        assert_eq!(names, ["GetKey", "Response", "UploadKey"]);
    }

    #[test]
    fn only_what_stands_between_the_marks_is_written() {
        let readme = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        assert_eq!(splice(&readme, "new\n").unwrap(), format!("a\n{BEGIN}\nnew\n{END}\nb\n"));
        assert!(splice("a", "new").is_err());
    }
}
