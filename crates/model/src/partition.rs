//! Partitions and regions.

use std::fmt;

use crate::NameError;

/// A partition of AWS, the first part of ARNs. It is a setting of the deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Partition {
    /// `aws`
    #[default]
    Aws,
    /// `aws-cn`
    AwsCn,
    /// `aws-us-gov`
    AwsUsGov,
    /// `aws-iso`
    AwsIso,
    /// `aws-iso-b`
    AwsIsoB,
    /// `aws-iso-e`
    AwsIsoE,
    /// `aws-iso-f`
    AwsIsoF,
    /// `aws-eusc`
    AwsEusc,
}

impl Partition {
    /// Every partition.
    pub const ALL: &'static [Partition] = &[
        Partition::Aws,
        Partition::AwsCn,
        Partition::AwsUsGov,
        Partition::AwsIso,
        Partition::AwsIsoB,
        Partition::AwsIsoE,
        Partition::AwsIsoF,
        Partition::AwsEusc,
    ];

    /// The name, as the second part of an ARN has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Partition::Aws => "aws",
            Partition::AwsCn => "aws-cn",
            Partition::AwsUsGov => "aws-us-gov",
            Partition::AwsIso => "aws-iso",
            Partition::AwsIsoB => "aws-iso-b",
            Partition::AwsIsoE => "aws-iso-e",
            Partition::AwsIsoF => "aws-iso-f",
            Partition::AwsEusc => "aws-eusc",
        }
    }

    /// # Errors
    /// Returned for an unknown partition.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        Self::ALL
            .iter()
            .copied()
            .find(|p| p.as_str() == text)
            .ok_or(NameError::new("partition", "the name of an AWS partition, such as aws, aws-cn or aws-us-gov"))
    }

    /// Returns the partition of a region, from the prefix that the regions of a partition share. Returns `None` unless
    /// the name is two or more words and a number, as in `eu-central-1`.
    pub fn of_region(region: &str) -> Option<Self> {
        const PREFIXES: [(&str, Partition); 9] = [
            ("cn-", Partition::AwsCn),
            ("us-gov-", Partition::AwsUsGov),
            ("us-iso-", Partition::AwsIso),
            ("us-isob-", Partition::AwsIsoB),
            ("eu-isoe-", Partition::AwsIsoE),
            ("us-isof-", Partition::AwsIsoF),
            ("eu-isof-", Partition::AwsIsoF),
            ("eusc-", Partition::AwsEusc),
            ("", Partition::Aws),
        ];
        let (words, number) = region.rsplit_once('-')?;
        let is_word = |word: &str| word.len() >= 2 && word.bytes().all(|b| b.is_ascii_lowercase());
        let shaped = words.split('-').count() >= 2
            && words.split('-').all(is_word)
            && (1..=2).contains(&number.len())
            && number.bytes().all(|b| b.is_ascii_digit());
        if !shaped {
            return None;
        }
        PREFIXES.into_iter().find(|(prefix, _)| region.starts_with(prefix)).map(|(_, partition)| partition)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The name of a region: lower-case letters, digits and hyphens, as in `eu-central-1`.
///
/// There is no list of existing regions: a deployment accepts any region of its own partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Region(Box<str>);

impl Region {
    /// # Errors
    /// Returned for a text that is empty, longer than 32 characters, or has anything but `a-z`, `0-9` and `-`.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let ok = (1..=32).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
            && text.starts_with(|c: char| c.is_ascii_lowercase());
        if ok {
            Ok(Region(text.into()))
        } else {
            Err(NameError::new("region", "lower-case letters, digits and hyphens, such as eu-central-1"))
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition of the region, if the name has the form of a region.
    pub fn partition(&self) -> Option<Partition> {
        Partition::of_region(&self.0)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_a_partition() {
        for (region, partition) in [
            ("eu-central-1", "aws"),
            ("us-east-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            let region = Region::parse(region).unwrap();
            assert_eq!(region.partition().map(Partition::as_str), Some(partition), "{region}");
        }
        for other in ["nowhere", "us-east", "us-east-one", "aws-global", "us-1", "useast-1", "us-east-123", "a-b-1"] {
            assert_eq!(Region::parse(other).unwrap().partition(), None, "{other}");
        }
        for bad in ["", "EU-central-1", "eu central", "-x", "é"] {
            assert!(Region::parse(bad).is_err(), "{bad}");
        }
    }
}
