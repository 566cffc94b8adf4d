//! Identity providers. A session that came through one is valid only while the view has it.

use std::sync::Arc;

use bailiwick_model::{AccountId, Arn};
use jiff::Timestamp;

use super::{View, ViewBuilder};

/// An identity provider of an account.
#[derive(Debug)]
pub(super) struct Provider {
    account: AccountId,
    /// What follows the account in its ARN, as in `oidc-provider/idp.example.com`.
    name: Box<str>,
    created: Timestamp,
}

impl Provider {
    fn is(&self, account: AccountId, name: &str) -> bool {
        self.account == account && *self.name == *name
    }
}

impl View {
    /// Returns whether the provider with this ARN exists, and existed at a time: one that was deleted and created again is
    /// another one.
    pub fn has_provider_since(&self, arn: &str, time: Timestamp) -> bool {
        let Ok(arn) = Arn::parse(arn) else { return false };
        let Some(account) = arn.account_id() else { return false };
        let name = arn.resource();
        let found = self.providers.get(self.hash((account, name)), |provider| provider.is(account, name));
        found.is_some_and(|provider| provider.created <= time)
    }
}

impl ViewBuilder {
    /// Inserts or replaces an identity provider. `name` is what follows the account in its ARN.
    pub fn set_provider(&mut self, account: AccountId, name: &str, created: Timestamp) {
        let hash = self.next.hash((account, name));
        let provider = Provider { account, name: name.into(), created };
        self.next.providers.insert(hash, Arc::new(provider), |old| old.is(account, name));
    }

    /// Removes an identity provider. Sessions that came through it end.
    pub fn remove_provider(&mut self, account: AccountId, name: &str) {
        self.next.providers.remove(self.next.hash((account, name)), |old| old.is(account, name));
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_model::Partition;

    use super::*;

    #[test]
    fn a_provider_is_the_one_that_existed_at_the_time() {
        let account = |number| AccountId::from_number(number).unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let arn = |number: u64, name: &str| format!("arn:aws:iam::{}:{name}", account(number));
        let mut builder = ViewBuilder::new(Partition::Aws);
        builder.set_provider(account(1), "oidc-provider/idp.example.com/x", at(10));
        builder.set_provider(account(1), "saml-provider/idp", at(10));
        let view = builder.publish(1);
        for (arn, second, expected) in [
            (arn(1, "oidc-provider/idp.example.com/x"), 10, true),
            (arn(1, "oidc-provider/idp.example.com/x"), 9, false),
            (arn(1, "oidc-provider/IDP.example.com/x"), 10, false),
            (arn(1, "oidc-provider/idp.example.com"), 10, false),
            (arn(2, "oidc-provider/idp.example.com/x"), 10, false),
            (arn(1, "saml-provider/idp"), 11, true),
            (arn(1, "oidc-provider/idp"), 11, false),
            ("idp.example.com".to_owned(), 11, false),
        ] {
            assert_eq!(view.has_provider_since(&arn, at(second)), expected, "{arn} at {second}");
        }
        builder.remove_provider(account(1), "saml-provider/idp");
        assert!(!builder.publish(2).has_provider_since(&arn(1, "saml-provider/idp"), at(11)));
    }
}
