//! Identity providers: whether they exist, and since when.

use std::sync::Arc;

use bailiwick_model::{AccountId, Arn};
use jiff::Timestamp;

use super::{View, ViewBuilder};

/// A SAML or OpenID Connect provider.
#[derive(Debug)]
pub(super) struct Provider {
    account: AccountId,
    /// As in `saml-provider/NAME`.
    resource: Box<str>,
    created: Timestamp,
}

impl Provider {
    fn is(&self, account: AccountId, resource: &str) -> bool {
        self.account == account && *self.resource == *resource
    }
}

impl View {
    /// Returns when the identity provider with this ARN was created; `None` if it does not exist.
    pub fn provider_created(&self, arn: &Arn) -> Option<Timestamp> {
        let (account, resource) = (arn.account_id()?, arn.resource());
        let found = self.providers.get(self.hash((account, resource)), |provider| provider.is(account, resource));
        found.map(|provider| provider.created)
    }
}

impl ViewBuilder {
    /// Sets when an identity provider was created; `None` removes it. `resource` is that of its ARN, as in
    /// `saml-provider/NAME`.
    pub fn set_provider(&mut self, account: AccountId, resource: &str, created: Option<Timestamp>) {
        let hash = self.next.hash((account, resource));
        let is_same = |old: &Arc<Provider>| old.is(account, resource);
        match created {
            None => {
                self.next.providers.remove(hash, is_same);
            }
            Some(created) => {
                let new = Provider { account, resource: resource.into(), created };
                self.next.providers.insert(hash, Arc::new(new), is_same);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::Partition;

    use super::*;

    #[test]
    fn a_provider_exists_in_its_account_under_its_name() {
        let account = AccountId::from_number(111_122_223_333).unwrap();
        let mut builder = ViewBuilder::new(Partition::Aws);
        builder.set_provider(account, "saml-provider/idp", Some(Timestamp::UNIX_EPOCH));
        let view = builder.publish(1);
        for (arn, exists) in [
            ("arn:aws:iam::111122223333:saml-provider/idp", true),
            ("arn:aws:iam::111122223333:saml-provider/Idp", false),
            ("arn:aws:iam::111122223333:oidc-provider/idp", false),
            ("arn:aws:iam::444455556666:saml-provider/idp", false),
        ] {
            assert_eq!(view.provider_created(&Arn::parse(arn).unwrap()).is_some(), exists, "{arn}");
        }
        builder.set_provider(account, "saml-provider/idp", None);
        let arn = Arn::parse("arn:aws:iam::111122223333:saml-provider/idp").unwrap();
        assert!(builder.publish(2).provider_created(&arn).is_none() && view.provider_created(&arn).is_some());
    }
}
