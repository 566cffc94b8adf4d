//! What Bailiwick refuses to save, as errors: so a document without errors can be saved.

use super::{Cx, Finding, FindingType, structure};
use crate::document::Version;
use crate::kind::PolicyKind;
use crate::parse::locate;
use crate::save::{self, SaveRules};

pub(super) fn check(cx: &mut Cx<'_>) {
    // A permissions boundary is a managed policy, and those are of the current version.
    let min_version = if cx.kind == PolicyKind::Boundary { Version::V2012 } else { Version::V2008 };
    let rules = SaveRules { partition: cx.validation.partition, min_version, limits: cx.validation.limits };
    let problems = save::problems(cx.document(), cx.kind, &rules);
    for error in locate(cx.tree, cx.kind, problems) {
        let found = structure::finding(&error);
        let place = |finding: &Finding| finding.locations.first().map(|location| location.span);
        let is_there = |finding: &Finding| place(finding) == Some(error.span);
        let mut findings = cx.findings.iter();
        if findings.any(|finding| is_there(finding) && finding.code.finding_type == FindingType::Error) {
            continue;
        }
        // The error takes the place of advice on the same thing.
        cx.findings.retain(|finding| !(is_there(finding) && finding.code.name == found.code.name));
        cx.findings.push(Finding { code: found.code.graded(FindingType::Error), ..found });
    }
}
