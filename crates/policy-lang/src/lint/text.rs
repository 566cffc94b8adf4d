//! Findings as text for people.

use std::fmt;

use super::{Finding, FindingType};

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { code, details, locations } = self;
        if let Some(first) = locations.first() {
            write!(f, "{}: ", first.span.start)?;
            if !first.path.is_empty() {
                write!(f, "in {}: ", first.path)?;
            }
        }
        write!(f, "{} {}: {details}", word(code.finding_type), code.name)
    }
}

/// The findings of one file for people to read: each with its place, what to do, and the line that it is about.
///
/// ```text
/// policy.json:3:46: security warning PASS_ROLE_WITH_STAR_IN_RESOURCE
///   name the roles rather than `*`, or add a condition on `iam:PassedToService`: …
///   3 |   "Statement": {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
///     |                                              ^^^^^^^^^^^^^^
/// ```
#[must_use]
pub fn findings_to_text(file: &str, text: &str, findings: &[Finding]) -> String {
    findings_to_painted_text(file, text, findings, |_, text| text.to_owned())
}

/// A part of what [`findings_to_painted_text`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextPart {
    /// The name of the file with line and column.
    Place,
    /// How grave a finding is, and the marks below what it is about.
    Severity(FindingType),
    /// The code of a check.
    Code,
    /// The number of a line, and the bar beside it.
    Gutter,
}

/// The same as [`findings_to_text`], with parts of it as `paint` has them: with the codes of a terminal's colours.
#[must_use]
pub fn findings_to_painted_text(
    file: &str,
    text: &str,
    findings: &[Finding],
    paint: impl Fn(TextPart, &str) -> String,
) -> String {
    let lines: Vec<&str> = text.split('\n').map(|line| line.trim_end_matches('\r')).collect();
    let mut out = String::new();
    for finding in findings {
        let span = finding.locations.first().map(|location| location.span).unwrap_or_default();
        let (start, end) = (span.start, span.end);
        let severity = TextPart::Severity(finding.code.finding_type);
        let place = paint(TextPart::Place, &format!("{file}:{}:{}:", start.line, start.column));
        let (word, code) = (paint(severity, word(finding.code.finding_type)), paint(TextPart::Code, finding.code.name));
        out.push_str(&format!("{place} {word} {code}\n  {}\n", finding.details));
        let Some(line) = lines.get(start.line as usize - 1).filter(|line| line.chars().count() <= LONGEST) else {
            continue;
        };
        // What goes over several lines is shown by its first.
        let whole = line.chars().count() as u32 + 1;
        let width = if end.line == start.line { end.column } else { whole }.saturating_sub(start.column).max(1);
        let number = start.line.to_string();
        // White space stands under white space of the same width, tabs under tabs.
        let before = line.chars().take(start.column as usize - 1);
        let indent: String = before.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let gutter = paint(TextPart::Gutter, &format!("{} |", " ".repeat(number.len())));
        let (number, marks) =
            (paint(TextPart::Gutter, &format!("{number} |")), paint(severity, &"^".repeat(width as usize)));
        out.push_str(&format!("  {number} {line}\n  {gutter} {indent}{marks}\n"));
    }
    out
}

/// Longer lines are not shown: the mark under them would be out of sight.
const LONGEST: usize = 160;

fn word(finding_type: FindingType) -> &'static str {
    match finding_type {
        FindingType::Error => "error",
        FindingType::SecurityWarning => "security warning",
        FindingType::Warning => "warning",
        FindingType::Suggestion => "suggestion",
    }
}
