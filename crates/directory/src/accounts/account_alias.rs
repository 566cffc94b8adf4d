//! The alias of an account: one at most, unique in the deployment.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccountAlias, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{Account, Tx};

use crate::Directory;
use crate::pages::Pages;
use crate::request::required;

/// Gives the account an alias, in the place of the one that it has.
///
/// # Errors
/// `EntityAlreadyExists` when any account has it already.
impl Checked<op::CreateAccountAlias> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, _: &pb::CreateAccountAliasRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::without_resource("iam:CreateAccountAlias", cx.account())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::CreateAccountAliasRequest,
    ) -> Result<pb::CreateAccountAliasResponse> {
        let alias = AccountAlias::parse(required(&req.account_alias, "accountAlias")?)?;
        if tx.find_account_by_alias(&alias).await?.is_some() {
            let message = format!("The account alias {alias} already exists.");
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, message));
        }
        let account = own(cx, tx).await?;
        tx.update_account(&account, &Account { alias: Some(alias), ..account.clone() }).await?;
        Ok(pb::CreateAccountAliasResponse {})
    }
}

/// Lists the account's aliases: none or one.
impl Checked<op::ListAccountAliases> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, _: &pb::ListAccountAliasesRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::without_resource("iam:ListAccountAliases", cx.account())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::ListAccountAliasesRequest,
    ) -> Result<pb::ListAccountAliasesResponse> {
        let pages = Pages::open(cx, "ListAccountAliases", &req.marker, req.max_items)?;
        let aliases: Vec<String> = own(cx, tx).await?.alias.iter().map(|alias| alias.to_string()).collect();
        let page = pages.cut(aliases, String::clone)?;
        Ok(pb::ListAccountAliasesResponse {
            account_aliases: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Takes the alias away.
///
/// # Errors
/// `NoSuchEntity` when it is not the account's.
impl Checked<op::DeleteAccountAlias> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, _: &pb::DeleteAccountAliasRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::without_resource("iam:DeleteAccountAlias", cx.account())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::DeleteAccountAliasRequest,
    ) -> Result<pb::DeleteAccountAliasResponse> {
        let alias = AccountAlias::parse(required(&req.account_alias, "accountAlias")?)?;
        let account = own(cx, tx).await?;
        if account.alias.as_ref() != Some(&alias) {
            return Err(IamError::no_such("account alias", alias));
        }
        tx.update_account(&account, &Account { alias: None, ..account.clone() }).await?;
        Ok(pb::DeleteAccountAliasResponse {})
    }
}

/// The caller's account. Who could call has one.
async fn own(cx: &Cx, tx: &mut Tx) -> Result<Account> {
    tx.find_account(cx.account()).await?.ok_or_else(|| IamError::internal("the caller's account is not stored"))
}

#[cfg(test)]
mod tests;
