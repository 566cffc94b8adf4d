//! Findings as JSON, in the shape of AWS's policy validation, and as SARIF for code review tools.

use super::{ALL_CODES, Finding, FindingType, IssueCode, Location};
use crate::path::PathElement;
use crate::print::Writer;
use crate::span::Position;

/// The findings of one text as `{"findings": [{"findingType": …, "issueCode": …, …}]}`: members, columns and offsets as
/// AWS has them, columns and offsets in characters from 0.
#[must_use]
pub fn findings_to_json(text: &str, findings: &[Finding]) -> String {
    let offsets = Offsets::new(text);
    let mut out = Writer::pretty();
    out.object(|out| {
        out.member("findings", |out| {
            out.array(findings, |out, finding| {
                out.object(|out| {
                    out.member("findingDetails", |out| out.string(&finding.details));
                    out.member("findingType", |out| out.string(finding.code.finding_type.as_str()));
                    out.member("issueCode", |out| out.string(finding.code.name));
                    out.member("learnMoreLink", |out| out.string(&finding.code.learn_more()));
                    out.member("locations", |out| {
                        out.array(&finding.locations, |out, each| location(out, each, &offsets));
                    });
                });
            });
        });
    });
    let mut text = out.finish();
    text.push('\n');
    text
}

/// Offsets in characters, by where each line begins.
struct Offsets(Vec<u32>);

impl Offsets {
    fn new(text: &str) -> Self {
        let lines = text.split('\n').scan(0, |begin, line| {
            let this = *begin;
            *begin += line.chars().count() as u32 + 1;
            Some(this)
        });
        Self(lines.collect())
    }

    fn of(&self, position: Position) -> u32 {
        let line = position.line.saturating_sub(1) as usize;
        self.0.get(line).copied().unwrap_or(0) + position.aws_column()
    }
}

fn location(out: &mut Writer, location: &Location, offsets: &Offsets) {
    out.object(|out| {
        out.member("path", |out| out.array(&location.path.elements, element));
        out.member("span", |out| {
            out.object(|out| {
                out.member("start", |out| position(out, location.span.start, offsets));
                out.member("end", |out| position(out, location.span.end, offsets));
            });
        });
    });
}

fn element(out: &mut Writer, element: &PathElement) {
    out.object(|out| match element {
        PathElement::Index(index) => out.member("index", |out| out.number(*index)),
        PathElement::Value(value) => out.member("value", |out| out.string(value)),
        PathElement::Key(key) => out.member("key", |out| out.string(key)),
        PathElement::Substring { start, length } => out.member("substring", |out| {
            out.object(|out| {
                out.member("start", |out| out.number(*start));
                out.member("length", |out| out.number(*length));
            });
        }),
    });
}

fn position(out: &mut Writer, position: Position, offsets: &Offsets) {
    out.object(|out| {
        out.member("line", |out| out.number(position.line));
        out.member("column", |out| out.number(position.aws_column()));
        out.member("offset", |out| out.number(offsets.of(position)));
    });
}

/// Findings of several files as one SARIF 2.1.0 log: each file under its name, relative to where the tool ran.
#[must_use]
pub fn findings_to_sarif(files: &[(String, Vec<Finding>)]) -> String {
    let used = |code: &&IssueCode| {
        files.iter().flat_map(|(_, findings)| findings).any(|finding| finding.code.name == code.name)
    };
    let rules: Vec<_> = ALL_CODES.iter().filter(used).collect();
    let results: Vec<_> =
        files.iter().flat_map(|(file, findings)| findings.iter().map(move |finding| (file, finding))).collect();
    let mut out = Writer::pretty();
    out.object(|out| {
        out.member("$schema", |out| out.string("https://json.schemastore.org/sarif-2.1.0.json"));
        out.member("version", |out| out.string("2.1.0"));
        out.member("runs", |out| {
            out.array(&[()], |out, ()| {
                out.object(|out| {
                    out.member("tool", |out| driver(out, &rules));
                    out.member("columnKind", |out| out.string("unicodeCodePoints"));
                    out.member("results", |out| {
                        out.array(&results, |out, (file, finding)| result(out, file, finding, &rules))
                    });
                });
            });
        });
    });
    let mut text = out.finish();
    text.push('\n');
    text
}

fn driver(out: &mut Writer, rules: &[&IssueCode]) {
    out.object(|out| {
        out.member("driver", |out| {
            out.object(|out| {
                out.member("name", |out| out.string("bailiwick"));
                out.member("version", |out| out.string(env!("CARGO_PKG_VERSION")));
                out.member("rules", |out| {
                    out.array(rules, |out, rule| {
                        out.object(|out| {
                            out.member("id", |out| out.string(rule.name));
                            out.member("helpUri", |out| out.string(&rule.learn_more()));
                            out.member("defaultConfiguration", |out| {
                                out.object(|out| out.member("level", |out| out.string(level(rule.finding_type))));
                            });
                        });
                    });
                });
            });
        });
    });
}

fn result(out: &mut Writer, file: &str, finding: &Finding, rules: &[&IssueCode]) {
    out.object(|out| {
        out.member("ruleId", |out| out.string(finding.code.name));
        if let Some(index) = rules.iter().position(|rule| rule.name == finding.code.name) {
            out.member("ruleIndex", |out| out.number(index as u64));
        }
        out.member("level", |out| out.string(level(finding.code.finding_type)));
        out.member("message", |out| out.object(|out| out.member("text", |out| out.string(&finding.details))));
        out.member("locations", |out| {
            let first = finding.locations.get(..1).unwrap_or_default();
            out.array(first, |out, location| sarif_location(out, file, location));
        });
        if let Some(others @ [_, ..]) = finding.locations.get(1..) {
            out.member("relatedLocations", |out| {
                out.array(others, |out, location| sarif_location(out, file, location))
            });
        }
    });
}

fn sarif_location(out: &mut Writer, file: &str, location: &Location) {
    let span = location.span;
    out.object(|out| {
        out.member("physicalLocation", |out| {
            out.object(|out| {
                out.member("artifactLocation", |out| out.object(|out| out.member("uri", |out| out.string(&uri(file)))));
                out.member("region", |out| {
                    out.object(|out| {
                        out.member("startLine", |out| out.number(span.start.line));
                        out.member("startColumn", |out| out.number(span.start.column));
                        out.member("endLine", |out| out.number(span.end.line));
                        out.member("endColumn", |out| out.number(span.end.column));
                        out.member("byteOffset", |out| out.number(span.start.offset));
                        out.member("byteLength", |out| out.number(span.end.offset.saturating_sub(span.start.offset)));
                    });
                });
            });
        });
        if !location.path.is_empty() {
            out.member("logicalLocations", |out| {
                out.array(&[location.path.to_string()], |out, path| {
                    out.object(|out| out.member("fullyQualifiedName", |out| out.string(path)));
                });
            });
        }
    });
}

/// A file's name as a relative URI.
fn uri(file: &str) -> String {
    let mut uri = String::with_capacity(file.len());
    for byte in file.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => uri.push(char::from(byte)),
            b'\\' => uri.push('/'),
            other => uri.push_str(&format!("%{other:02X}")),
        }
    }
    uri
}

fn level(finding_type: FindingType) -> &'static str {
    match finding_type {
        FindingType::Error => "error",
        FindingType::SecurityWarning | FindingType::Warning => "warning",
        FindingType::Suggestion => "note",
    }
}
