//! What an assertion may be for: AWS's sign-in endpoints, with which identity providers offer AWS, and this deployment's own.

use bailiwick_model::Partition;

/// The path of a sign-in endpoint. In that of one provider, `/acs/` and its id follow.
const PATH: &str = "/saml";

/// The audiences and recipients that the assertions of a provider may name.
pub(super) struct Endpoints<'a> {
    pub(super) partition: Partition,
    /// The URL of this deployment, without a slash at the end.
    pub(super) public_url: &'a str,
    /// The id of the provider.
    pub(super) provider_id: Option<&'a str>,
}

impl Endpoints<'_> {
    /// Whether a URL is a sign-in endpoint of AWS in the partition, global or of a region, or of this deployment: for all
    /// providers, or for this one. Every character counts.
    pub(super) fn is_recipient(&self, url: &str) -> bool {
        let path = url.strip_prefix(self.public_url).or_else(|| self.path_at_aws(url));
        let Some(rest) = path.and_then(|path| path.strip_prefix(PATH)) else { return false };
        rest.is_empty() || self.provider_id.is_some_and(|id| rest.strip_prefix("/acs/") == Some(id))
    }

    /// Whether an audience is AWS in the partition, or a sign-in endpoint.
    pub(super) fn is_audience(&self, name: &str) -> bool {
        let aws = match self.partition {
            Partition::AwsCn => "urn:amazon:webservices:cn-north-1",
            Partition::AwsUsGov => "urn:amazon:webservices:govcloud",
            _ => "urn:amazon:webservices",
        };
        name == aws || self.is_recipient(name)
    }

    /// The path of a URL of AWS's sign-in in the partition.
    fn path_at_aws<'u>(&self, url: &'u str) -> Option<&'u str> {
        let sign_in = match self.partition {
            Partition::AwsCn => "signin.amazonaws.cn",
            Partition::AwsUsGov => "signin.amazonaws-us-gov.com",
            _ => "signin.aws.amazon.com",
        };
        let rest = url.strip_prefix("https://")?;
        let (host, path) = rest.split_at(rest.find('/')?);
        let region = host.strip_suffix(sign_in)?;
        let is_region = |region: &str| Partition::of_region(region) == Some(self.partition);
        (region.is_empty() || region.strip_suffix('.').is_some_and(is_region)).then_some(path)
    }
}

#[cfg(test)]
mod tests;
