//! The quotas of an account, where they differ from those of the deployment.

use bailiwick_model::{AccountId, Result, limits::Quotas};

use crate::{
    account_setting::AccountSetting,
    codec::{AsMessage, Malformed, pb},
    keys::Kind,
    tx::Tx,
};

/// The quotas of one account: those that are set replace the deployment's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountQuotas {
    /// Users in the account.
    pub users: Option<u64>,
    /// Groups in the account.
    pub groups: Option<u64>,
    /// Roles in the account.
    pub roles: Option<u64>,
    /// Customer managed policies in the account.
    pub policies: Option<u64>,
    /// Groups that one user is in.
    pub groups_per_user: Option<u64>,
    /// Managed policies attached to one user.
    pub attached_per_user: Option<u64>,
    /// Managed policies attached to one group.
    pub attached_per_group: Option<u64>,
    /// Managed policies attached to one role.
    pub attached_per_role: Option<u64>,
    /// Instance profiles in the account.
    pub instance_profiles: Option<u64>,
    /// OpenID Connect providers in the account.
    pub oidc_providers: Option<u64>,
    /// SAML providers in the account.
    pub saml_providers: Option<u64>,
    /// Server certificates in the account.
    pub server_certificates: Option<u64>,
}

impl AccountQuotas {
    /// The quotas in effect, where `default` are those of the deployment.
    pub fn over(&self, default: &Quotas) -> Quotas {
        Quotas {
            users: self.users.unwrap_or(default.users),
            groups: self.groups.unwrap_or(default.groups),
            roles: self.roles.unwrap_or(default.roles),
            policies: self.policies.unwrap_or(default.policies),
            groups_per_user: self.groups_per_user.unwrap_or(default.groups_per_user),
            attached_per_user: self.attached_per_user.unwrap_or(default.attached_per_user),
            attached_per_group: self.attached_per_group.unwrap_or(default.attached_per_group),
            attached_per_role: self.attached_per_role.unwrap_or(default.attached_per_role),
            instance_profiles: self.instance_profiles.unwrap_or(default.instance_profiles),
            oidc_providers: self.oidc_providers.unwrap_or(default.oidc_providers),
            saml_providers: self.saml_providers.unwrap_or(default.saml_providers),
            server_certificates: self.server_certificates.unwrap_or(default.server_certificates),
            accounts: default.accounts,
        }
    }
}

impl AccountSetting for AccountQuotas {
    const KIND: Kind = Kind::AccountQuotas;
}

impl Tx {
    /// The quotas that creations in an account are checked against. Objects beyond a lowered quota stay.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn quotas_of(&mut self, account: AccountId) -> Result<Quotas> {
        let own = self.account_setting::<AccountQuotas>(account).await?.unwrap_or_default();
        Ok(own.over(self.quotas()))
    }
}

impl AsMessage for AccountQuotas {
    type Message = pb::AccountQuotas;
    const NAME: &'static str = "account quotas";

    fn to_message(&self) -> pb::AccountQuotas {
        pb::AccountQuotas {
            users: self.users,
            groups: self.groups,
            roles: self.roles,
            policies: self.policies,
            groups_per_user: self.groups_per_user,
            attached_per_user: self.attached_per_user,
            attached_per_group: self.attached_per_group,
            attached_per_role: self.attached_per_role,
            instance_profiles: self.instance_profiles,
            oidc_providers: self.oidc_providers,
            saml_providers: self.saml_providers,
            server_certificates: self.server_certificates,
        }
    }

    fn from_message(message: pb::AccountQuotas) -> Result<Self, Malformed> {
        Ok(AccountQuotas {
            users: message.users,
            groups: message.groups,
            roles: message.roles,
            policies: message.policies,
            groups_per_user: message.groups_per_user,
            attached_per_user: message.attached_per_user,
            attached_per_group: message.attached_per_group,
            attached_per_role: message.attached_per_role,
            instance_profiles: message.instance_profiles,
            oidc_providers: message.oidc_providers,
            saml_providers: message.saml_providers,
            server_certificates: message.server_certificates,
        })
    }
}
