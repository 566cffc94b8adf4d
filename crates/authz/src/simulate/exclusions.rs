//! PolicyExclusionList: stored policies that take no part in a simulation.

use bailiwick_api::iam::PolicyIdentifier;
use bailiwick_evaluator::Policy;
use bailiwick_model::{Arn, Partition, Result};

use super::invalid;

const MEMBER: &str = "PolicyExclusionList";

/// The policies to leave out.
#[derive(Default)]
pub(super) struct Exclusions(Vec<Exclusion>);

enum Exclusion {
    /// All policies of a type, in AWS's word for it.
    Type(String),
    /// Managed policies whose ARN matches.
    Arn(String),
    /// An inline policy, and the kind and name of its identity.
    Inline { name: String, kind: String, holder: String },
}

impl Exclusions {
    /// Parses the list. A policy that is not attached may be named, without effect.
    ///
    /// # Errors
    /// `InvalidInput` for an identifier that names a policy in no way or in several, and for an ARN that is not of a
    /// managed policy, has a wildcard before its name, or has more than one `*`.
    pub(super) fn read(list: &[PolicyIdentifier], partition: Partition) -> Result<Self> {
        let read = |(at, identifier): (usize, &PolicyIdentifier)| {
            let place = format!("{MEMBER}.{}", at + 1);
            match (&identifier.policy_type, &identifier.policy_arn, &identifier.inline_policy_identifier) {
                (Some(kind), None, None) => Ok(Exclusion::Type(kind.clone())),
                (None, Some(arn), None) if is_pattern(arn, partition) => Ok(Exclusion::Arn(arn.clone())),
                (None, Some(arn), None) => {
                    let expected = "the ARN of a managed policy, with at most one `*`, and wildcards in its name only";
                    Err(invalid(MEMBER, format!("{place}: `{arn}` is not valid: expected {expected}")))
                }
                (None, None, Some(inline)) => Ok(Exclusion::Inline {
                    name: inline.policy_name.clone().unwrap_or_default(),
                    kind: inline.attachment_type.clone().unwrap_or_default(),
                    holder: inline.attachment_name.clone().unwrap_or_default(),
                }),
                _ => {
                    let why = "give exactly one of PolicyType, PolicyArn and InlinePolicyIdentifier";
                    Err(invalid(MEMBER, format!("{place}: {why}")))
                }
            }
        };
        Ok(Exclusions(list.iter().enumerate().map(read).collect::<Result<_>>()?))
    }

    /// Whether a policy of an identity is left out. A managed policy is compiled under its ARN, an inline one under its
    /// name.
    pub(super) fn leave_out(&self, policy: &Policy, holder_kind: &str, holder: &str) -> bool {
        let named = policy.name().unwrap_or_default();
        let managed = Arn::parse(named).ok();
        let word = match &managed {
            None => "inline",
            Some(arn) if arn.account_id().is_none() => "aws-managed",
            Some(_) => "user-managed",
        };
        self.0.iter().any(|exclusion| match exclusion {
            Exclusion::Type(kind) => kind == word,
            Exclusion::Arn(pattern) => managed.is_some() && matches(pattern, named),
            Exclusion::Inline { name, kind, holder: of } => {
                managed.is_none()
                    && kind == holder_kind
                    && of.eq_ignore_ascii_case(holder)
                    && name.eq_ignore_ascii_case(named)
            }
        })
    }

    /// Whether the stored permissions boundary is left out.
    pub(super) fn leave_out_boundary(&self) -> bool {
        self.0.iter().any(|exclusion| matches!(exclusion, Exclusion::Type(kind) if kind == "permission-boundary"))
    }
}

fn is_pattern(text: &str, partition: Partition) -> bool {
    let start = format!("arn:{}:iam::", partition.as_str());
    let Some((account, name)) = text.strip_prefix(&start).and_then(|rest| rest.split_once(":policy/")) else {
        return false;
    };
    let is_account = account == "aws" || account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit());
    is_account && !name.is_empty() && name.matches('*').count() <= 1
}

/// Compares with a pattern of at most one `*`; `?` is any one character.
fn matches(pattern: &str, text: &str) -> bool {
    let same = |pattern: &[u8], text: &[u8]| {
        pattern.len() == text.len() && pattern.iter().zip(text).all(|(p, t)| *p == b'?' || p == t)
    };
    let text = text.as_bytes();
    match pattern.split_once('*') {
        None => same(pattern.as_bytes(), text),
        Some((head, tail)) => {
            let fits = head.len() + tail.len() <= text.len();
            fits && same(head.as_bytes(), &text[..head.len()])
                && same(tail.as_bytes(), &text[text.len() - tail.len()..])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_arns() {
        let read = "arn:aws:iam::aws:policy/ReadOnlyAccess";
        for (pattern, expected) in [
            (read, true),
            ("arn:aws:iam::aws:policy/*", true),
            ("arn:aws:iam::aws:policy/Read*Access", true),
            ("arn:aws:iam::aws:policy/Read?nlyAccess", true),
            ("arn:aws:iam::aws:policy/ReadOnlyAccess*", true),
            ("arn:aws:iam::aws:policy/ReadOnly", false),
            ("arn:aws:iam::aws:policy/ReadOnlyAccessReadOnlyAccess*", false),
            ("arn:aws:iam::111122223333:policy/*", false),
        ] {
            assert_eq!(matches(pattern, read), expected, "{pattern}");
        }
    }

    #[test]
    fn only_arns_of_policies_are_patterns() {
        for (text, expected) in [
            ("arn:aws:iam::aws:policy/a?b*", true),
            ("arn:aws:iam::111122223333:policy/x/y", true),
            ("arn:aws:iam::aws:policy/*a*", false),
            ("arn:aws:iam::*:policy/a", false),
            ("arn:aws:iam::aws:policy/", false),
            ("arn:aws-cn:iam::aws:policy/a", false),
            ("arn:aws:iam::111122223333:role/a", false),
            ("x", false),
        ] {
            assert_eq!(is_pattern(text, Partition::Aws), expected, "{text}");
        }
    }
}
