//! The switches of an account: properties, the version of session tokens, outbound federation, and features of the
//! organization.

use std::collections::BTreeMap;

use crate::{
    account_setting::AccountSetting,
    codec::{AsMessage, Malformed, pb},
    keys::Kind,
};

/// The properties of an account, by key in the form `Namespace/PropertyName`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountProperties(pub BTreeMap<String, String>);

/// The version of the session tokens that the global endpoint of STS issues for an account: 1 or 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GlobalTokenVersion(pub u32);

/// Whether principals of an account may get tokens for services outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundFederation {
    /// Whether it is enabled.
    pub enabled: bool,
    /// The random part of the account's issuer, which stays when the feature is disabled and enabled again.
    pub issuer: String,
}

/// Which features of centralized root access are enabled. A setting of the management account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrganizationFeatures {
    /// The management account manages the root credentials of member accounts.
    pub root_credentials_management: bool,
    /// The management account performs tasks as root of member accounts.
    pub root_sessions: bool,
}

impl AccountSetting for AccountProperties {
    const KIND: Kind = Kind::AccountProperties;
}

impl AccountSetting for GlobalTokenVersion {
    const KIND: Kind = Kind::GlobalTokenVersion;
}

impl AccountSetting for OutboundFederation {
    const KIND: Kind = Kind::OutboundFederation;
}

impl AccountSetting for OrganizationFeatures {
    const KIND: Kind = Kind::OrganizationFeatures;
}

impl AsMessage for AccountProperties {
    type Message = pb::AccountProperties;
    const NAME: &'static str = "account properties";

    fn to_message(&self) -> pb::AccountProperties {
        let property =
            |(key, value): (&String, &String)| pb::AccountProperty { key: key.clone(), value: value.clone() };
        pb::AccountProperties { properties: self.0.iter().map(property).collect() }
    }

    fn from_message(message: pb::AccountProperties) -> Result<Self, Malformed> {
        Ok(AccountProperties(message.properties.into_iter().map(|property| (property.key, property.value)).collect()))
    }
}

impl AsMessage for GlobalTokenVersion {
    type Message = pb::GlobalTokenVersion;
    const NAME: &'static str = "global token version";

    fn to_message(&self) -> pb::GlobalTokenVersion {
        pb::GlobalTokenVersion { version: self.0 }
    }

    fn from_message(message: pb::GlobalTokenVersion) -> Result<Self, Malformed> {
        match message.version {
            1 | 2 => Ok(GlobalTokenVersion(message.version)),
            _ => Err(Malformed::new("a token version is 1 or 2")),
        }
    }
}

impl AsMessage for OutboundFederation {
    type Message = pb::OutboundFederation;
    const NAME: &'static str = "outbound federation";

    fn to_message(&self) -> pb::OutboundFederation {
        pb::OutboundFederation { enabled: self.enabled, issuer: self.issuer.clone() }
    }

    fn from_message(message: pb::OutboundFederation) -> Result<Self, Malformed> {
        Ok(OutboundFederation { enabled: message.enabled, issuer: message.issuer })
    }
}

impl AsMessage for OrganizationFeatures {
    type Message = pb::OrganizationFeatures;
    const NAME: &'static str = "organization features";

    fn to_message(&self) -> pb::OrganizationFeatures {
        pb::OrganizationFeatures {
            root_credentials_management: self.root_credentials_management,
            root_sessions: self.root_sessions,
        }
    }

    fn from_message(message: pb::OrganizationFeatures) -> Result<Self, Malformed> {
        Ok(OrganizationFeatures {
            root_credentials_management: message.root_credentials_management,
            root_sessions: message.root_sessions,
        })
    }
}
