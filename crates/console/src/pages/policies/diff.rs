//! What two versions of a managed policy differ in.

use askama::Template;
use bailiwick_api::iam::{GetPolicyVersionRequest, ListPolicyVersionsRequest};
use bailiwick_api::op;

use crate::pages::document;
use crate::person::{Page, Person};
use crate::request::Called;
use crate::view::{Chrome, name_of, url};

/// The most comparisons of lines. Larger documents are shown as removed and added.
const MAX_CELLS: usize = 4_000_000;

/// Answers `/console/policies/diff`, whose address has the policy and two of its versions.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    let query = person.query();
    let (arn, from, to) = (query.typed("arn"), query.typed("from"), query.typed("to"));
    let asked = ListPolicyVersionsRequest { policy_arn: Some(arn.clone()), ..Default::default() };
    let versions = person.call::<op::ListPolicyVersions>(asked).await?.versions;
    let (old, new) = (read(person, &arn, &from).await?, read(person, &arn, &to).await?);
    let lines = compare(&old.lines().collect::<Vec<_>>(), &new.lines().collect::<Vec<_>>());
    person.page(&DiffPage {
        chrome: person.chrome(format!("{from} and {to} of {}", name_of(&arn))),
        back: (url("policies/policy", &[("arn", &arn)]), name_of(&arn).to_owned()),
        versions: versions.into_iter().filter_map(|version| version.version_id).collect(),
        is_same: lines.iter().all(|line| line.kind == Kind::Same),
        arn,
        from,
        to,
        lines,
    })
}

async fn read(person: &Person<'_>, arn: &str, version: &str) -> Called<String> {
    let asked = GetPolicyVersionRequest { policy_arn: Some(arn.to_owned()), version_id: Some(version.to_owned()) };
    let found = person.call::<op::GetPolicyVersion>(asked).await?.policy_version;
    Ok(document::indent(&found.and_then(|version| version.document).unwrap_or_default()))
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Same,
    Removed,
    Added,
}

struct Line {
    kind: Kind,
    text: String,
}

impl Line {
    fn new(kind: Kind, text: &str) -> Self {
        Line { kind, text: text.to_owned() }
    }
}

/// The lines of both, with those that only one of them has, by their longest common subsequence.
fn compare(old: &[&str], new: &[&str]) -> Vec<Line> {
    let before = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old[before..], &new[before..]);
    let after = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(a, b)| a == b).count();
    let (old_rest, new_rest) = (&old_rest[..old_rest.len() - after], &new_rest[..new_rest.len() - after]);
    let mut lines: Vec<_> = old[..before].iter().map(|text| Line::new(Kind::Same, text)).collect();
    lines.extend(middle(old_rest, new_rest));
    lines.extend(old[old.len() - after..].iter().map(|text| Line::new(Kind::Same, text)));
    lines
}

fn middle(old: &[&str], new: &[&str]) -> Vec<Line> {
    let width = new.len() + 1;
    if (old.len() + 1).saturating_mul(width) > MAX_CELLS {
        let removed = old.iter().map(|text| Line::new(Kind::Removed, text));
        return removed.chain(new.iter().map(|text| Line::new(Kind::Added, text))).collect();
    }
    // `common[i * width + j]` is the length of the longest common subsequence of what follows `i` and `j`.
    let mut common = vec![0_u32; (old.len() + 1) * width];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i * width + j] = if old[i] == new[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j) = (0, 0);
    let mut lines = Vec::new();
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push(Line::new(Kind::Same, old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]) {
            lines.push(Line::new(Kind::Removed, old[i]));
            i += 1;
        } else {
            lines.push(Line::new(Kind::Added, new[j]));
            j += 1;
        }
    }
    lines
}

#[derive(Template)]
#[template(path = "diff.html")]
struct DiffPage {
    chrome: Chrome,
    back: (String, String),
    arn: String,
    from: String,
    to: String,
    versions: Vec<String>,
    is_same: bool,
    lines: Vec<Line>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, expected: &str) {
        let (old, new): (Vec<_>, Vec<_>) = (old.split_whitespace().collect(), new.split_whitespace().collect());
        let sign = |kind| match kind {
            Kind::Same => "",
            Kind::Removed => "-",
            Kind::Added => "+",
        };
        let lines: Vec<_> =
            compare(&old, &new).iter().map(|line| format!("{}{}", sign(line.kind), line.text)).collect();
        assert_eq!(lines.join(" "), expected);
    }

    #[test]
    fn lines_that_one_has_are_marked() {
        check("", "", "");
        check("a b c", "a b c", "a b c");
        check("a b c", "a x c", "a -b +x c");
        check("a a a", "a a", "a a -a");
        check("", "a b", "+a +b");
        check("a b", "", "-a -b");
        check("a b c d e", "b x d e f", "-a b -c +x d e +f");
    }

    #[test]
    fn large_documents_are_compared_in_bounded_memory() {
        let (old, new): (Vec<_>, Vec<_>) =
            ((0..3000).map(|n| n.to_string()).collect(), (3000..6000).map(|n| n.to_string()).collect());
        let refer =
            |lines: &[String]| lines.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>().join(" ");
        let (old, new) = (refer(&old), refer(&new));
        let lines = compare(&old.split(' ').collect::<Vec<_>>(), &new.split(' ').collect::<Vec<_>>());
        assert_eq!(lines.len(), 6000);
    }
}
