//! `bailiwick policy validate`: the checks of AWS's policy validation, and more.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bailiwick_model::Partition;
use bailiwick_policy_lang::{
    Catalogue, Finding, FindingType, PolicyKind, Target, TextPart, Validation, findings_to_json,
    findings_to_painted_text, findings_to_sarif, validate,
};
use clap::{Args, ValueEnum};

use super::files::{self, Files, Kind};
use super::remote;
use crate::commands::remote::Remote;
use crate::failure::Failure;
use crate::input;
use crate::output::{self, styled};
use crate::progress::Progress;

/// Check policy documents: errors, security warnings, warnings and suggestions, each with its position
///
/// Needs no server: it knows the actions, resources and condition keys of `iam`, `sts` and `bailiwick`, and of the
/// services in a `--catalogue`. With `--server` a running server validates, which also knows its registered services;
/// the caller needs `bailiwick:ValidatePolicy`.
///
/// Exit codes: 0 no finding as severe as `--fail-on`, 1 at least one, 2 a document cannot be read or validated, or the
/// server cannot be reached.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick policy validate policy.json
  bailiwick policy validate --type trust role-*.json
  bailiwick policy validate --type resource --resource-type AWS::S3::Bucket bucket.json
  bailiwick policy validate --fail-on security-warning --sarif policies/*.json > findings.sarif
  bailiwick policy validate --target aws policy.json
  bailiwick policy validate --catalogue services.json policy.json
  bailiwick policy validate --server policy.json
  bailiwick policy validate --server --endpoint https://iam.example.com \\
    --ca-file ca.pem policy.json
  cat policy.json | bailiwick policy validate --json -")]
pub(crate) struct Options {
    #[command(flatten)]
    files: Files,
    /// Type of the resource that a resource policy is attached to: `AWS::S3::Bucket`, or `service:type` of a catalogue
    #[arg(long, value_name = "TYPE")]
    resource_type: Option<String>,
    /// Catalogue with the actions, resources and condition keys of further services
    #[arg(long, value_name = "FILE")]
    catalogue: Vec<PathBuf>,
    /// Rules to validate by: with your own networks and services some of AWS's advice does not apply, and a document
    /// that cannot be saved has an error
    #[arg(long, value_enum, default_value = "bailiwick")]
    target: For,
    /// Partition of the resources [default: any; with `--server`, the server's]
    #[arg(long, env = "BAILIWICK_PARTITION", value_parser = parse_partition)]
    partition: Option<Partition>,
    /// Let a running server validate, which also knows its registered services
    #[arg(long, conflicts_with = "catalogue")]
    server: bool,
    #[command(flatten)]
    remote: Remote,
    /// Least severe finding that makes the exit code 1
    #[arg(long, value_enum, default_value = "error", value_name = "SEVERITY")]
    fail_on: Severity,
    /// Print findings as JSON, in the format of AWS's ValidatePolicy; one document per file
    #[arg(long, conflicts_with = "sarif")]
    json: bool,
    /// Print findings as one SARIF 2.1.0 log, for code review tools
    #[arg(long)]
    sarif: bool,
}

/// The rules to validate by.
#[derive(Clone, Copy, ValueEnum)]
enum For {
    /// For this deployment
    Bailiwick,
    /// For AWS: exactly its checks
    Aws,
}

impl From<For> for Target {
    fn from(target: For) -> Self {
        match target {
            For::Bailiwick => Target::Bailiwick,
            For::Aws => Target::Aws,
        }
    }
}

fn parse_partition(text: &str) -> Result<Partition, String> {
    Partition::parse(text).map_err(|error| error.to_string())
}

#[derive(Clone, Copy, ValueEnum)]
enum Severity {
    /// A part of the policy has no effect
    Error,
    /// The policy allows more than it seems to
    SecurityWarning,
    /// The policy does not follow best practices
    Warning,
    /// The policy could be simpler or clearer
    Suggestion,
}

impl From<Severity> for FindingType {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => FindingType::Error,
            Severity::SecurityWarning => FindingType::SecurityWarning,
            Severity::Warning => FindingType::Warning,
            Severity::Suggestion => FindingType::Suggestion,
        }
    }
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    if options.resource_type.is_some() && options.files.kind != Kind::Resource {
        return Err(Failure::with_code("`--resource-type` needs `--type resource`", 2));
    }
    if !options.server
        && let Some(flag) = options.remote.first_flag()
    {
        return Err(Failure::with_code(format!("`{flag}` needs `--server`"), 2));
    }
    let (kind, resource_type) = (options.files.kind.into(), options.resource_type.as_deref());
    let catalogue = catalogue(&options.catalogue)?;
    let partition = options.partition.map(Partition::as_str);
    let target = options.target.into();
    let validation = Validation { target, partition, resource_type, catalogue: &catalogue, ..Validation::default() };
    let (read, unreadable) = read(&options.files.files);
    let found = if options.server {
        remotely(&options.remote, &read, kind, &validation)?
    } else {
        read.iter().map(|(_, text)| validate(text, kind, &validation)).collect()
    };
    let mut checked = Vec::with_capacity(read.len());
    for ((name, text), findings) in read.into_iter().zip(found) {
        if options.json {
            output::print(&findings_to_json(&text, &findings))?;
        } else if !options.sarif {
            output::print(&findings_to_painted_text(&name, &text, &findings, painted))?;
        }
        if kind == PolicyKind::Identity && has_principals(&findings) {
            eprintln!(
                "note: {name} names principals: `--type trust` is for trust policies, `--type resource` for others"
            );
        }
        checked.push((name, findings));
    }
    if options.sarif {
        output::print(&findings_to_sarif(&checked))?;
    }
    if !checked.is_empty() {
        eprintln!("{}", summary(&checked));
    }
    if let Some(failure) = unreadable {
        return Err(failure);
    }
    let fails = |finding: &Finding| finding.code.finding_type <= options.fail_on.into();
    let failed = checked.iter().flat_map(|(_, findings)| findings).any(fails);
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

/// The styles of the parts of a finding.
fn painted(part: TextPart, text: &str) -> String {
    match part {
        TextPart::Severity(FindingType::Error) => styled(output::BAD, text),
        TextPart::Severity(FindingType::SecurityWarning | FindingType::Warning) => styled(output::NOTABLE, text),
        TextPart::Severity(FindingType::Suggestion) | TextPart::Gutter => styled(output::ASIDE, text),
        TextPart::Place | TextPart::Code => text.to_owned(),
    }
}

/// Reads the documents with their names. Returns the error of the last unreadable one; earlier errors are printed.
fn read(files: &[PathBuf]) -> (Vec<(String, String)>, Option<Failure>) {
    let (mut read, mut unreadable) = (Vec::new(), None);
    for file in files {
        match files::read(file) {
            Ok(text) => read.push((input::name(file), text)),
            // The other documents are still checked.
            Err(failure) => {
                if let Some(earlier) = unreadable.replace(failure) {
                    eprintln!("bailiwick: {earlier}");
                }
            }
        }
    }
    (read, unreadable)
}

fn remotely(
    server: &Remote,
    documents: &[(String, String)],
    kind: PolicyKind,
    validation: &Validation<'_>,
) -> Result<Vec<Vec<Finding>>, Failure> {
    let found = server.run(async |server| {
        let (progress, mut found) = (Progress::new(), Vec::with_capacity(documents.len()));
        for (name, text) in documents {
            let findings = remote::validate(server, text, kind, validation).await;
            found.push(findings.map_err(|e| Failure::with_code(format!("{name}: {e}"), e.code()))?);
            if documents.len() > 1 {
                progress.at(found.len(), documents.len(), "policy documents");
            }
        }
        if documents.len() > 1 {
            progress.end();
        }
        Ok(found)
    });
    // Exit code 1 means that a finding was severe enough.
    found.map_err(|failure| failure.coded(2))
}

fn catalogue(files: &[PathBuf]) -> Result<Catalogue, Failure> {
    let mut catalogue = Catalogue::builtin().clone();
    for file in files {
        catalogue.merge(read_catalogue(file)?);
    }
    Ok(catalogue)
}

/// The largest accepted catalogue in bytes.
const MAX_CATALOGUE: u64 = 64 * 1024 * 1024;

fn read_catalogue(file: &Path) -> Result<Catalogue, Failure> {
    let text = input::read(file, MAX_CATALOGUE)?;
    Catalogue::parse(&text).map_err(|error| Failure::with_code(format!("{}: {error}", input::name(file)), 2))
}

/// Returns whether a document that was validated as an identity policy names principals.
fn has_principals(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.code.name == "UNSUPPORTED_PRINCIPAL")
}

/// Summarizes the number of documents and of findings of each kind in one line.
fn summary(checked: &[(String, Vec<Finding>)]) -> String {
    let count = |wanted| {
        let all = checked.iter().flat_map(|(_, findings)| findings);
        all.filter(|finding| finding.code.finding_type == wanted).count()
    };
    let counts = [
        (FindingType::Error, "error"),
        (FindingType::SecurityWarning, "security warning"),
        (FindingType::Warning, "warning"),
        (FindingType::Suggestion, "suggestion"),
    ];
    let counts = counts.map(|(kind, name)| (count(kind), name)).into_iter().filter(|(count, _)| *count > 0);
    let counts: Vec<_> = counts.map(|(count, name)| output::counted(count, name)).collect();
    let counts = if counts.is_empty() { "no findings".to_owned() } else { counts.join(", ") };
    format!("{}: {counts}", output::counted(checked.len(), "policy document"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_by_severity() {
        let check = |texts: &[&str], expected: &str| {
            let each = texts.iter().map(|text| validate(text, PolicyKind::Identity, &Validation::default()));
            let checked: Vec<_> = each.map(|findings| ("p.json".to_owned(), findings)).collect();
            assert_eq!(summary(&checked), expected);
        };
        let good =
            r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}"#;
        let pass = r#"{"Statement": {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}}"#;
        check(&[], "0 policy documents: no findings");
        check(&[good], "1 policy document: no findings");
        check(&[good, pass], "2 policy documents: 1 security warning, 1 warning");
        check(&["{", "[", pass, pass], "4 policy documents: 2 errors, 2 security warnings, 2 warnings");
    }
}
