//! The parts of ARNs that stand in documents, with wildcards and variables in them.

use bailiwick_model::{Partition, Region};

use super::Target;
use super::code::*;
use crate::arn_pattern::arn_parts;

/// An ARN pattern in its parts; the last is the rest.
pub(super) struct ArnParts<'a> {
    pub(super) partition: &'a str,
    pub(super) service: &'a str,
    pub(super) region: &'a str,
    pub(super) account: &'a str,
    pub(super) resource: &'a str,
}

impl<'a> ArnParts<'a> {
    /// Six parts, the first of them `arn`.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let ["arn", partition, service, region, account, resource] = arn_parts(text)[..] else { return None };
        Some(Self { partition, service, region, account, resource })
    }
}

/// Whether a part may stand for more than itself, so that nothing can be said of it.
pub(super) fn is_open(part: &str) -> bool {
    part.contains(['*', '?']) || part.contains("${")
}

pub(super) fn is_partition(part: &str) -> bool {
    Partition::ALL.iter().any(|partition| partition.as_str() == part)
}

pub(super) fn is_account(part: &str) -> bool {
    // AWS's own policies, foundations and contexts have words there.
    matches!(part, "" | "aws" | "aws-managed" | "cloudfront" | "third-party" | "aws-marketplace")
        || part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// What the names of regions begin with.
const AREAS: [&str; 16] = [
    "af", "ap", "ca", "cn", "eu", "eu-isoe", "eusc-de", "il", "me", "mx", "sa", "us", "us-gov", "us-iso", "us-isob",
    "us-isof",
];
const DIRECTIONS: [&str; 9] =
    ["central", "east", "north", "northeast", "northwest", "south", "southeast", "southwest", "west"];

/// Whether a text is made like the name of a region: on AWS `eu-west-1`, `us-gov-east-1`, `ap-southeast-5`; elsewhere
/// whatever a deployment may call one.
pub(super) fn is_region(text: &str, target: Target) -> bool {
    if target == Target::Bailiwick {
        return Region::parse(text).is_ok();
    }
    let mut parts = text.rsplitn(3, '-');
    let (number, direction, area) = (parts.next(), parts.next(), parts.next());
    number.is_some_and(|number| matches!(number.as_bytes(), [b'1'..=b'9']))
        && direction.is_some_and(|direction| DIRECTIONS.contains(&direction))
        && area.is_some_and(|area| AREAS.contains(&area))
}

/// The error of an ARN that should name a principal.
pub(super) fn first_flaw(text: &str) -> Option<IssueCode> {
    if !text.starts_with("arn:") {
        return None;
    }
    let Some(parts) = ArnParts::parse(text) else { return Some(MISSING_ARN_FIELD) };
    Some(match parts {
        ArnParts { partition, .. } if !is_partition(partition) => INVALID_PARTITION,
        ArnParts { service, .. } if service.contains(|c: char| c.is_ascii_uppercase()) => INVALID_ARN_SERVICE_CASE,
        ArnParts { region, .. } if !region.is_empty() => ARN_REGION_NOT_ALLOWED,
        ArnParts { account, .. } if account.is_empty() || !is_account(account) => INVALID_ARN_ACCOUNT,
        _ => INVALID_ARN_RESOURCE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_by_their_form() {
        for good in ["eu-west-1", "us-gov-east-1", "ap-southeast-5", "us-isob-east-1", "eusc-de-east-1", "cn-north-1"] {
            assert!(is_region(good, Target::Aws), "{good}");
            assert!(is_region(good, Target::Bailiwick), "{good}");
        }
        for bad in [
            "",
            "eu",
            "eu-west",
            "west-1",
            "EU-WEST-1",
            "eu-west-1a",
            "eu_west_1",
            "eu--1",
            "e-w-1",
            "mars-north-1",
            "us-west-99",
            "us-weast-1",
            "west-1",
            "eu-west-0",
        ] {
            assert!(!is_region(bad, Target::Aws), "{bad}");
        }
        for (text, expected) in
            [("cellar", true), ("mars-north-1", true), ("", false), ("EU-WEST-1", false), ("a_b", false)]
        {
            assert_eq!(is_region(text, Target::Bailiwick), expected, "{text}");
        }
    }
}
