//! The alias of an account: one at most, unique in the deployment.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccountAlias, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{Account, Tx};

use crate::Directory;
use crate::request::required;

/// Plans a change of the alias. A malformed alias is reported to authorized callers only.
fn plan(cx: &Cx, alias: &Option<String>, action: &'static str) -> Result<Planned<Result<AccountAlias>>> {
    let alias = AccountAlias::parse(required(alias, "accountAlias")?).map_err(IamError::from);
    Ok(Planned::new(alias).check(Check::without_resource(action, cx.account())))
}

/// Sets the alias of the account, in place of an existing one.
///
/// # Errors
/// `EntityAlreadyExists` if any account has the alias already.
impl Handle<op::CreateAccountAlias> for Directory {
    type Plan = Result<AccountAlias>;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::CreateAccountAliasRequest) -> Result<Planned<Self::Plan>> {
        plan(cx, &req.account_alias, "iam:CreateAccountAlias")
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, alias: Self::Plan) -> Result<pb::CreateAccountAliasResponse> {
        let alias = alias?;
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
impl Handle<op::ListAccountAliases> for Directory {
    type Plan = PageRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListAccountAliasesRequest) -> Result<Planned<PageRequest>> {
        let page = PageRequest::new(req.marker, req.max_items);
        Ok(Planned::new(page).check(Check::without_resource("iam:ListAccountAliases", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, page: PageRequest) -> Result<pb::ListAccountAliasesResponse> {
        let pages = page.open(cx, "ListAccountAliases")?;
        let aliases: Vec<String> = own(cx, tx).await?.alias.iter().map(|alias| alias.to_string()).collect();
        let page = pages.cut(aliases, String::clone)?;
        Ok(pb::ListAccountAliasesResponse {
            account_aliases: page.items,
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Removes the alias.
///
/// # Errors
/// `NoSuchEntity` if the account has another alias or none.
impl Handle<op::DeleteAccountAlias> for Directory {
    type Plan = Result<AccountAlias>;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::DeleteAccountAliasRequest) -> Result<Planned<Self::Plan>> {
        plan(cx, &req.account_alias, "iam:DeleteAccountAlias")
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, alias: Self::Plan) -> Result<pb::DeleteAccountAliasResponse> {
        let alias = alias?;
        let account = own(cx, tx).await?;
        if account.alias.as_ref() != Some(&alias) {
            return Err(IamError::no_such("account alias", alias));
        }
        tx.update_account(&account, &Account { alias: None, ..account.clone() }).await?;
        Ok(pb::DeleteAccountAliasResponse {})
    }
}

/// The caller's account.
async fn own(cx: &Cx, tx: &mut Tx) -> Result<Account> {
    tx.find_account(cx.account()).await?.ok_or_else(|| IamError::internal("the caller's account is not stored"))
}

#[cfg(test)]
mod tests;
