//! Policy validation, with the checks of AWS's policy validation.
//!
//! There is one family of checks per file, and [`FAMILIES`] registers them. A family gets the parsed part of the
//! document, its JSON, and the catalogue; it reports findings. Checks that need the names of a service do not apply to
//! services that are not in the catalogue.

mod action;
mod arn;
pub(crate) mod code;
mod condition_key;
mod condition_value;
mod document;
mod ip;
mod pass_role;
mod pitfall;
mod principal;
mod redundant;
mod report;
mod resource;
mod saving;
mod scp;
mod set;
mod structure;
mod tag;
mod text;
mod trust;
mod variable;
mod wildcard;

use std::cell::OnceCell;

use crate::catalogue::Catalogue;
use crate::document::{Condition, Document, Effect, Statement};
use crate::error::{PolicyError, did_you_mean};
use crate::glob::Steps;
use crate::grammar::{self, Outline};
use crate::json::{Paths, Tree};
use crate::kind::PolicyKind;
use crate::parse::{Limits, locate, read_tree};
use crate::path::{Path, PathElement};
use crate::span::Span;
use crate::suggest;
pub use code::{ALL_CODES, FindingType, IssueCode};
pub use report::{findings_to_json, findings_to_sarif};
pub use text::{TextPart, findings_to_painted_text, findings_to_text};

/// A finding of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check, and the severity of its findings.
    pub code: IssueCode,
    /// A sentence that says what to do.
    pub details: String,
    /// The locations. The first has the problem; further ones are what it conflicts with.
    pub locations: Vec<Location>,
}

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// As keys and indexes.
    pub path: Path,
    /// As a stretch of the text.
    pub span: Span,
}

/// The rules by which a document is validated.
///
/// AWS's policy validation knows that requests come from public addresses and which services there are. Neither holds
/// where the network and the services are the user's own. The module [`validation`](crate::validation) lists every
/// difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Bailiwick: what cannot be saved there is an error, and what holds on AWS alone is not reported.
    #[default]
    Bailiwick,
    /// AWS: exactly the checks of its policy validation.
    Aws,
}

/// The settings of a validation.
#[derive(Clone, Copy, Debug)]
pub struct Validation<'a> {
    /// The rules.
    pub target: Target,
    /// The partition of the deployment that the document is for; without it, each partition is taken. AWS's rules do
    /// not ask for it.
    pub partition: Option<&'a str>,
    /// The type of resource that a resource-based policy is attached to: `AWS::S3::Bucket` and the like, or a type of
    /// the catalogue as `service:type`.
    pub resource_type: Option<&'a str>,
    /// The known services.
    pub catalogue: &'a Catalogue,
    /// Whether service control policies are held to the smaller language of before September 2025.
    pub small_scp: bool,
    /// Bounds on the text.
    pub limits: Limits,
}

impl Default for Validation<'_> {
    fn default() -> Self {
        Self {
            target: Target::default(),
            partition: None,
            resource_type: None,
            catalogue: Catalogue::builtin(),
            small_scp: false,
            limits: Limits::default(),
        }
    }
}

/// The families of checks, in the order in which they are asked.
const FAMILIES: &[fn(&mut Cx<'_>)] = &[
    document::check,
    action::check,
    resource::check,
    redundant::check,
    variable::check,
    principal::check,
    trust::check,
    scp::check,
    set::check,
    condition_key::check,
    condition_value::check,
    ip::check,
    wildcard::check,
    pitfall::check,
    tag::check,
    pass_role::check,
];

/// The kind of document that AWS's policy validation means by a policy type and a resource type.
///
/// ```
/// # use bailiwick_policy_lang::{PolicyKind, kind_of_policy_type};
/// assert_eq!(kind_of_policy_type("IDENTITY_POLICY", None), Some(PolicyKind::Identity));
/// let trust = Some("AWS::IAM::AssumeRolePolicyDocument");
/// assert_eq!(kind_of_policy_type("RESOURCE_POLICY", trust), Some(PolicyKind::Trust));
/// ```
#[must_use]
pub fn kind_of_policy_type(policy_type: &str, resource_type: Option<&str>) -> Option<PolicyKind> {
    Some(match (policy_type, resource_type) {
        ("IDENTITY_POLICY", None) => PolicyKind::Identity,
        ("RESOURCE_POLICY", Some("AWS::IAM::AssumeRolePolicyDocument")) => PolicyKind::Trust,
        ("RESOURCE_POLICY", _) => PolicyKind::Resource,
        ("SERVICE_CONTROL_POLICY", None) => PolicyKind::Scp,
        ("RESOURCE_CONTROL_POLICY", None) => PolicyKind::Rcp,
        _ => return None,
    })
}

/// Validates a document. Returns the findings in the order of the text.
///
/// ```
/// # use bailiwick_policy_lang::{PolicyKind, Validation, validate};
/// let text = r#"{"Statement": {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}}"#;
/// let findings = validate(text, PolicyKind::Identity, &Validation::default());
/// let codes: Vec<_> = findings.iter().map(|finding| finding.code.name).collect();
/// assert_eq!(codes, ["MISSING_VERSION", "PASS_ROLE_WITH_STAR_IN_RESOURCE"]);
/// ```
#[must_use]
pub fn validate(text: &str, kind: PolicyKind, validation: &Validation<'_>) -> Vec<Finding> {
    checked(text, kind, validation, &Steps::new(u64::MAX))
}

/// Validates a document within a budget of steps for comparisons with the names of the catalogue. A step takes a few
/// nanoseconds. Returns `None` if the budget is exceeded. With the built-in catalogue few documents take sixty million
/// steps.
#[must_use]
pub fn validate_within(text: &str, kind: PolicyKind, validation: &Validation<'_>, steps: u64) -> Option<Vec<Finding>> {
    let steps = Steps::new(steps);
    let findings = checked(text, kind, validation, &steps);
    (!steps.are_spent()).then_some(findings)
}

fn checked(text: &str, kind: PolicyKind, validation: &Validation<'_>, steps: &Steps) -> Vec<Finding> {
    let tree = match read_tree(text, kind, &validation.limits) {
        Ok(tree) => tree,
        Err(error) => return vec![structure::finding(&error)],
    };
    let (outline, mut problems) = grammar::read(&tree, kind);
    problems.extend(tree.duplicates.iter().cloned());
    let errors = locate(&tree, kind, problems);
    let paths = Paths::new(&tree);
    let mut cx = Cx {
        text,
        tree: &tree,
        paths: &paths,
        kind,
        validation,
        outline: &outline,
        findings: Vec::new(),
        steps,
        names: Steps::new(suggest::MOST_NAMES),
        service: OnceCell::new(),
    };
    structure::check(&mut cx, &errors);
    for family in FAMILIES {
        family(&mut cx);
    }
    if !cx.is_for_aws() {
        saving::check(&mut cx);
    }
    let mut findings = cx.findings;
    let place = |finding: &Finding| finding.locations.first().map(|location| location.span);
    findings.sort_by(|a, b| (place(a), a.code.name).cmp(&(place(b), b.code.name)));
    findings.dedup();
    findings
}

/// The input of a family, and its findings.
struct Cx<'a> {
    text: &'a str,
    tree: &'a Tree<'a>,
    paths: &'a Paths<'a, 'a>,
    kind: PolicyKind,
    validation: &'a Validation<'a>,
    outline: &'a Outline,
    findings: Vec<Finding>,
    /// For what compares names of the document with those of the catalogue. When they are spent, nothing is reported.
    steps: &'a Steps,
    /// Names that misspelt ones may still be compared with.
    names: Steps,
    /// The prefix of the service whose resource the policy is attached to, once asked for.
    service: OnceCell<Option<String>>,
}

impl<'a> Cx<'a> {
    fn document(&self) -> &'a Document {
        &self.outline.document
    }

    fn catalogue(&self) -> &'a Catalogue {
        self.validation.catalogue
    }

    fn is_for_aws(&self) -> bool {
        self.validation.target == Target::Aws
    }

    /// The end of a message about an unknown name: `find` says which known name was probably meant.
    fn did_you_mean(&self, found: &str, find: impl FnOnce(&'a Catalogue) -> Option<String>) -> String {
        let affordable = self.names.take(self.catalogue().names_like(found));
        let meant = affordable.then(|| find(self.catalogue())).flatten();
        did_you_mean(meant.as_deref(), found)
    }

    /// The statements whose effect could be read, with it.
    fn effective(&self) -> impl Iterator<Item = (&'a Statement, Effect)> + use<'a> {
        let statements = self.outline.document.statements.iter().zip(&self.outline.parts);
        statements.filter(|(_, parts)| parts.effect).map(|(statement, _)| (statement, statement.effect))
    }

    /// The statements that allow, and whose actions could be read.
    fn allowing(&self) -> impl Iterator<Item = &'a Statement> + use<'a> {
        let statements = self.outline.document.statements.iter().zip(&self.outline.parts);
        let whole = statements.filter(|(_, parts)| parts.effect && parts.action);
        whole.map(|(statement, _)| statement).filter(|statement| statement.effect == Effect::Allow)
    }

    fn conditions(&self) -> impl Iterator<Item = (&'a Statement, &'a Condition)> + use<'a> {
        let statements = self.outline.document.statements.iter();
        statements.flat_map(|statement| statement.conditions.iter().map(move |condition| (statement, condition)))
    }

    /// Reports a finding at one place.
    fn report(&mut self, code: IssueCode, span: Span, details: impl Into<String>) {
        self.report_at(code, &[span], details);
    }

    /// Reports a finding that takes several places to show.
    fn report_at(&mut self, code: IssueCode, spans: &[Span], details: impl Into<String>) {
        let locations = spans.iter().map(|&span| self.location(span)).collect();
        self.findings.push(Finding { code, details: details.into(), locations });
    }

    /// Reports a finding about a part of a string, given in characters of its value.
    fn report_part(&mut self, code: IssueCode, span: Span, start: usize, length: usize, details: impl Into<String>) {
        let mut location = self.location(span);
        location.path.elements.push(PathElement::Substring { start: start as u32, length: length as u32 });
        self.findings.push(Finding { code, details: details.into(), locations: vec![location] });
    }

    fn location(&self, span: Span) -> Location {
        Location { path: self.paths.at(span.start.offset), span }
    }

    /// The service prefix of the resource type that the policy is attached to, where that is known.
    fn resource_service(&self) -> Option<&str> {
        let service = self.service.get_or_init(|| {
            let name = self.validation.resource_type?;
            match name.strip_prefix("AWS::") {
                Some(rest) => Some(match rest.split("::").next()? {
                    "S3ObjectLambda" => "s3-object-lambda".to_owned(),
                    "S3Express" => "s3express".to_owned(),
                    "S3Tables" => "s3tables".to_owned(),
                    service => service.to_ascii_lowercase(),
                }),
                None => Some(name.split_once(':')?.0.to_ascii_lowercase()),
            }
        });
        service.as_deref()
    }
}

/// Whether a policy of this kind is attached to identities, or bounds what they may do.
fn speaks_of_identities(kind: PolicyKind) -> bool {
    matches!(kind, PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session | PolicyKind::Scp)
}

/// Returns errors as findings, without further checks.
#[must_use]
pub fn errors_to_findings(errors: &[PolicyError]) -> Vec<Finding> {
    errors.iter().map(structure::finding).collect()
}
