//! What Bailiwick refuses to save, as errors: so a document without errors can be saved.

use std::collections::{HashMap, HashSet};

use super::{Cx, Finding, FindingType, structure};
use crate::document::Version;
use crate::kind::PolicyKind;
use crate::parse::locate;
use crate::save::{self, SaveRules};
use crate::span::Span;

pub(super) fn check(cx: &mut Cx<'_>) {
    // A permissions boundary is a managed policy, and those are of the current version.
    let min_version = if cx.kind == PolicyKind::Boundary { Version::V2012 } else { Version::V2008 };
    let rules = SaveRules { partition: cx.validation.partition, min_version, limits: cx.validation.limits };
    let problems = save::problems(cx.document(), cx.kind, &rules);
    if problems.is_empty() {
        return;
    }
    let is_error = |finding: &&Finding| finding.code.finding_type == FindingType::Error;
    let known: HashSet<Span> = cx.findings.iter().filter(is_error).filter_map(place).collect();
    let mut errors = HashMap::new();
    for error in locate(cx.tree, cx.kind, problems) {
        if !known.contains(&error.span) {
            let found = structure::finding(&error);
            let code = found.code.graded(FindingType::Error);
            errors.entry((error.span, code.name)).or_insert(Finding { code, ..found });
        }
    }
    // An error takes the place of advice on the same thing.
    let is_advice = |finding: &Finding| place(finding).is_some_and(|at| errors.contains_key(&(at, finding.code.name)));
    cx.findings.retain(|finding| !is_advice(finding));
    cx.findings.extend(errors.into_values());
}

fn place(finding: &Finding) -> Option<Span> {
    finding.locations.first().map(|location| location.span)
}
