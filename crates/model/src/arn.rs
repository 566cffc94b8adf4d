//! Amazon Resource Names.

use std::fmt::{self, Write as _};

use crate::{AccountId, Partition};

/// A text is not an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ArnError {
    /// Longer than the 2,048 characters that an ARN may have.
    #[error("an ARN has at most 2048 characters")]
    TooLong,
    /// Does not begin with `arn:`.
    #[error("an ARN begins with `arn:`")]
    Prefix,
    /// Fewer than six parts, or an empty partition, service or resource.
    #[error("an ARN has six parts: arn:partition:service:region:account:resource")]
    Parts,
    /// A character that ARNs cannot contain.
    #[error("an ARN holds no white space and no control characters")]
    Character,
}

/// An Amazon Resource Name, `arn:partition:service:region:account:resource`. Region and account may be empty.
///
/// Comparison is case-sensitive. The resource is everything after the fifth colon, including colons and slashes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Arn {
    text: Box<str>,
    // Where the parts two to six begin; the text is at most 2,048 bytes.
    service: u16,
    region: u16,
    account: u16,
    resource: u16,
}

impl Arn {
    /// # Errors
    /// Returned for a text that is not an ARN.
    pub fn parse(text: &str) -> Result<Self, ArnError> {
        if text.len() > 2048 {
            return Err(ArnError::TooLong);
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(ArnError::Character);
        }
        let rest = text.strip_prefix("arn:").ok_or(ArnError::Prefix)?;
        let mut starts = [0u16; 4];
        let mut at = 4;
        let mut parts = rest.splitn(5, ':');
        for start in &mut starts {
            at += parts.next().ok_or(ArnError::Parts)?.len() + 1;
            *start = at as u16;
        }
        let [service, region, account, resource] = starts;
        if parts.next().is_none_or(str::is_empty) {
            return Err(ArnError::Parts);
        }
        let arn = Arn { text: text.into(), service, region, account, resource };
        if arn.partition().is_empty() || arn.service().is_empty() {
            return Err(ArnError::Parts);
        }
        Ok(arn)
    }

    /// The ARN of a thing of the IAM service, which has no region: `iam(p, a, "user/Bob")`.
    pub fn iam(partition: Partition, account: AccountId, resource: fmt::Arguments<'_>) -> Self {
        Self::of(partition, "iam", account, resource)
    }

    /// The ARN of a thing of the STS service: sessions are named by it.
    pub fn sts(partition: Partition, account: AccountId, resource: fmt::Arguments<'_>) -> Self {
        Self::of(partition, "sts", account, resource)
    }

    /// The ARN of a thing of a service without regions. [`AccountId::NONE`] is written `aws`, as AWS's own
    /// managed policies have it.
    pub fn of(partition: Partition, service: &str, account: AccountId, resource: fmt::Arguments<'_>) -> Self {
        let digits = account.digits();
        let owner = if account == AccountId::NONE { "aws" } else { std::str::from_utf8(&digits).unwrap_or_default() };
        // Most ARNs are this short.
        let mut text = String::with_capacity(64);
        for part in ["arn:", partition.as_str(), ":", service, "::", owner, ":"] {
            text.push_str(part);
        }
        // Writing to a string can't fail.
        let _ = text.write_fmt(resource);
        let service_at = 4 + partition.as_str().len() + 1;
        let region_at = service_at + service.len() + 1;
        let account_at = region_at + 1;
        let resource_at = account_at + owner.len() + 1;
        Arn {
            text: text.into(),
            service: service_at as u16,
            region: region_at as u16,
            account: account_at as u16,
            resource: resource_at as u16,
        }
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The second part.
    pub fn partition(&self) -> &str {
        &self.text[4..usize::from(self.service) - 1]
    }

    /// The third part.
    pub fn service(&self) -> &str {
        &self.text[usize::from(self.service)..usize::from(self.region) - 1]
    }

    /// The fourth part; empty for services without regions.
    pub fn region(&self) -> &str {
        &self.text[usize::from(self.region)..usize::from(self.account) - 1]
    }

    /// The fifth part as text; empty, an account id, or `aws`.
    pub fn account(&self) -> &str {
        &self.text[usize::from(self.account)..usize::from(self.resource) - 1]
    }

    /// The fifth part as an account id, if it is one.
    pub fn account_id(&self) -> Option<AccountId> {
        AccountId::parse(self.account()).ok()
    }

    /// Everything after the fifth colon.
    pub fn resource(&self) -> &str {
        &self.text[usize::from(self.resource)..]
    }

    /// The resource split at its type: `user/div/Bob` is `("user", "/div/", "Bob")`.
    ///
    /// Returns `None` for a resource without a slash, such as `root`.
    pub fn typed_resource(&self) -> Option<(&str, &str, &str)> {
        let resource = self.resource();
        let first = resource.find('/')?;
        let last = resource.rfind('/')?;
        Some((&resource[..first], &resource[first..=last], &resource[last + 1..]))
    }
}

impl fmt::Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for Arn {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_preserved() {
        let arn = Arn::parse("arn:aws:s3:eu-west-1:111122223333:bucket/a:b/c").unwrap();
        assert_eq!(
            (arn.partition(), arn.service(), arn.region(), arn.account(), arn.resource()),
            ("aws", "s3", "eu-west-1", "111122223333", "bucket/a:b/c")
        );
        let arn = Arn::parse("arn:aws:s3:::b").unwrap();
        assert_eq!((arn.region(), arn.account(), arn.account_id(), arn.resource()), ("", "", None, "b"));
    }

    #[test]
    fn constructed_arns_equal_parsed_ones() {
        let account = AccountId::parse("111122223333").unwrap();
        for arn in [
            Arn::iam(Partition::Aws, account, format_args!("user/div/Bob")),
            Arn::sts(Partition::AwsCn, account, format_args!("assumed-role/R/s")),
            Arn::iam(Partition::AwsUsGov, AccountId::NONE, format_args!("policy/ReadOnlyAccess")),
        ] {
            assert_eq!(Arn::parse(arn.as_str()).unwrap(), arn);
        }
        let arn = Arn::iam(Partition::Aws, account, format_args!("user/div/sub/Bob"));
        assert_eq!(arn.typed_resource(), Some(("user", "/div/sub/", "Bob")));
    }

    #[test]
    fn invalid_arns_are_refused() {
        for (bad, error) in [
            ("", ArnError::Prefix),
            ("ARN:aws:iam::1:x", ArnError::Prefix),
            ("arn:aws:iam", ArnError::Parts),
            ("arn:aws:iam::111122223333:", ArnError::Parts),
            ("arn::iam::111122223333:x", ArnError::Parts),
            ("arn:aws:::111122223333:x", ArnError::Parts),
            ("arn:aws:iam::1:a b", ArnError::Character),
            ("arn:aws:iam::1:a\u{0}", ArnError::Character),
        ] {
            assert_eq!(Arn::parse(bad), Err(error), "{bad:?}");
        }
        assert_eq!(Arn::parse(&format!("arn:aws:iam::1:{}", "x".repeat(2048))), Err(ArnError::TooLong));
    }
}
