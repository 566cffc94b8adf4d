//! Quotas of accounts: `account.v1`, for the management account alone.

use bailiwick_api::{account as pb, op};
use bailiwick_model::Result;
use bailiwick_model::limits::Quotas;
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_storage::{AccountQuotas, Tx};

use super::account::AccountTarget;
use crate::{Directory, view};

/// Sets the quotas of an account. What the request leaves out returns to the deployment's quota. A quota may be lower than
/// what the account has: then nothing more is created.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::PutAccountQuotas> for Directory {
    type Plan = (AccountTarget, AccountQuotas);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::PutAccountQuotasRequest) -> Result<Planned<Self::Plan>> {
        let quotas = req.quotas.unwrap_or_default();
        // Validation has refused negative numbers.
        let number = |member: Option<i32>| member.and_then(|number| u64::try_from(number).ok());
        let quotas = AccountQuotas {
            users: number(quotas.users),
            groups: number(quotas.groups),
            roles: number(quotas.roles),
            policies: number(quotas.policies),
            groups_per_user: number(quotas.groups_per_user),
            attached_per_user: number(quotas.attached_policies_per_user),
            attached_per_group: number(quotas.attached_policies_per_group),
            attached_per_role: number(quotas.attached_policies_per_role),
            instance_profiles: number(quotas.instance_profiles),
            oidc_providers: number(quotas.open_id_connect_providers),
            saml_providers: number(quotas.saml_providers),
            server_certificates: number(quotas.server_certificates),
        };
        Ok(AccountTarget::plan(cx, tx, &req.account_id, "bailiwick:PutAccountQuotas").await?.with(quotas))
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, (account, quotas): Self::Plan) -> Result<pb::PutAccountQuotasResponse> {
        let account = account.get()?;
        tx.put_account_setting(account.id, &quotas).await?;
        Ok(pb::PutAccountQuotasResponse { quotas: Some(shown(&tx.quotas_of(account.id).await?)) })
    }
}

/// Shows the quotas that are in effect in an account.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::GetAccountQuotas> for Directory {
    type Plan = AccountTarget;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetAccountQuotasRequest) -> Result<Planned<AccountTarget>> {
        AccountTarget::plan(cx, tx, &req.account_id, "bailiwick:GetAccountQuotas").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, account: AccountTarget) -> Result<pb::GetAccountQuotasResponse> {
        let account = account.get()?;
        Ok(pb::GetAccountQuotasResponse { quotas: Some(shown(&tx.quotas_of(account.id).await?)) })
    }
}

fn shown(quotas: &Quotas) -> pb::AccountQuotas {
    pb::AccountQuotas {
        users: Some(view::count(quotas.users)),
        groups: Some(view::count(quotas.groups)),
        roles: Some(view::count(quotas.roles)),
        policies: Some(view::count(quotas.policies)),
        groups_per_user: Some(view::count(quotas.groups_per_user)),
        attached_policies_per_user: Some(view::count(quotas.attached_per_user)),
        attached_policies_per_group: Some(view::count(quotas.attached_per_group)),
        attached_policies_per_role: Some(view::count(quotas.attached_per_role)),
        instance_profiles: Some(view::count(quotas.instance_profiles)),
        open_id_connect_providers: Some(view::count(quotas.oidc_providers)),
        saml_providers: Some(view::count(quotas.saml_providers)),
        server_certificates: Some(view::count(quotas.server_certificates)),
    }
}

#[cfg(test)]
mod tests;
