//! The accounts of the deployment: `account.v1`, for the management account alone.
//!
//! Every resource here belongs to the management account, and nothing has a policy of its own: callers of other
//! accounts are denied, whatever their own policies say.

use bailiwick_api::{account as pb, op};
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, IdKind, Path, PolicyName, Result, RoleName};
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{Account, AccountState, Identity, Policy, Role, Tx};

use crate::address::IdentityRecord as _;
use crate::identities::role;
use crate::pages::Pages;
use crate::request::required;
use crate::{Directory, trust, view};

/// The role that the management account administers a new account with, unless the request names another.
const ROLE: &str = "OrganizationAccountAccessRole";
/// What that role may do.
const ROLE_POLICY: &str = "AdministratorAccess";

/// Creates an account, with a role in it that the management account may assume. It has no root credentials.
///
/// # Errors
/// `EntityAlreadyExists` for an e-mail address that another account has, `LimitExceeded`.
impl Checked<op::CreateAccount> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, _: &pb::CreateAccountRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::without_resource("bailiwick:CreateAccount", cx.deployment().management_account)])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::CreateAccountRequest) -> Result<pb::CreateAccountResponse> {
        let role_name = RoleName::parse(req.role_name.as_deref().unwrap_or(ROLE))?;
        let account = Account {
            id: unused_id(cx, tx).await?,
            name: required(&req.account_name, "accountName")?.to_owned(),
            email: required(&req.email, "email")?.to_owned(),
            state: AccountState::Active,
            created: cx.date(),
            management: false,
            alias: None,
            role_name: Some(role_name.clone()),
            state_changed: None,
            sessions_valid_after: None,
        };
        tx.create_account(&account).await?;
        let role = administrator_role(cx, tx, account.id, role_name).await?;
        Ok(pb::CreateAccountResponse {
            account: Some(shown(cx, &account)),
            role_arn: role.arn(cx.partition()).to_string(),
        })
    }
}

/// Shows an account.
///
/// # Errors
/// `NoSuchEntity`.
impl Checked<op::DescribeAccount> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, req: &pb::DescribeAccountRequest) -> Result<Vec<Check>> {
        Ok(vec![check(cx, &req.account_id, "bailiwick:DescribeAccount")?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::DescribeAccountRequest,
    ) -> Result<pb::DescribeAccountResponse> {
        let account = get(tx, &req.account_id).await?;
        Ok(pb::DescribeAccountResponse { account: Some(shown(cx, &account)) })
    }
}

/// Lists all accounts by id.
impl Checked<op::ListAccounts> for Directory {
    async fn checks(&self, cx: &Cx, _: &mut Tx, _: &pb::ListAccountsRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::without_resource("bailiwick:ListAccounts", cx.deployment().management_account)])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::ListAccountsRequest) -> Result<pb::ListAccountsResponse> {
        let pages = Pages::open(cx, "ListAccounts", &req.marker, req.max_items)?;
        let after = pages.after().map(AccountId::parse).transpose().map_err(IamError::internal)?;
        let page = pages.answer(tx.list_accounts(after, pages.limit()).await?)?;
        Ok(pb::ListAccountsResponse {
            accounts: page.items.iter().map(|account| shown(cx, account)).collect(),
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        })
    }
}

/// The account, and whether a state may become another: what the three changes share.
async fn change(cx: &Cx, tx: &mut Tx, id: &Option<String>, to: AccountState) -> Result<pb::Account> {
    let old = get(tx, id).await?;
    let refuse = |why: &str| Err(IamError::new(ErrorCode::UnmodifiableEntity, format!("account {} {why}", old.id)));
    match (old.state, to) {
        _ if old.management => return refuse("is the management account"),
        (AccountState::Closed, _) => return refuse("is closed"),
        (AccountState::Active, AccountState::Active) => return refuse("is not suspended"),
        (AccountState::Suspended, AccountState::Suspended) => return refuse("is suspended already"),
        _ => {}
    }
    let mut new = Account { state: to, state_changed: Some(cx.date()), ..old.clone() };
    if to == AccountState::Closed {
        // Others may have the name that nobody uses any more.
        new.alias = None;
    }
    tx.update_account(&old, &new).await?;
    Ok(shown(cx, &new))
}

macro_rules! state_changes {
    ($($(#[$doc:meta])* $op:ident $request:ident $response:ident => $state:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// `NoSuchEntity`; `UnmodifiableEntity` for the management account, or in a state from which it can't be.
        impl Checked<op::$op> for Directory {
            async fn checks(&self, cx: &Cx, _: &mut Tx, req: &pb::$request) -> Result<Vec<Check>> {
                Ok(vec![check(cx, &req.account_id, concat!("bailiwick:", stringify!($op)))?])
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$request) -> Result<pb::$response> {
                let account = change(cx, tx, &req.account_id, AccountState::$state).await?;
                Ok(pb::$response { account: Some(account) })
            }
        }
    )*};
}

state_changes! {
    /// Suspends an account: none of its credentials works until it is resumed.
    SuspendAccount SuspendAccountRequest SuspendAccountResponse => Suspended;
    /// Ends a suspension.
    ResumeAccount ResumeAccountRequest ResumeAccountResponse => Active;
    /// Closes an account for good.
    CloseAccount CloseAccountRequest CloseAccountResponse => Closed;
}

/// A check on an account, which the management account owns like all of them.
fn check(cx: &Cx, id: &Option<String>, action: &'static str) -> Result<Check> {
    let id = AccountId::parse(required(id, "accountId")?)?;
    Ok(Check::new(action, &arn(cx, id)))
}

async fn get(tx: &mut Tx, id: &Option<String>) -> Result<Account> {
    let id = AccountId::parse(required(id, "accountId")?)?;
    let found = tx.find_account(id).await?;
    found.ok_or_else(|| IamError::new(ErrorCode::NoSuchEntity, format!("The account with id {id} cannot be found.")))
}

/// An id that no account has or had: accounts stay stored when they are closed.
async fn unused_id(cx: &Cx, tx: &mut Tx) -> Result<AccountId> {
    loop {
        let id = random_account_id(cx.random());
        if tx.find_account(id).await?.is_none() {
            return Ok(id);
        }
    }
}

/// Twelve digits, of which the first is not zero.
pub(crate) fn random_account_id(random: [u8; 8]) -> AccountId {
    const LEAST: u64 = 100_000_000_000;
    let number = LEAST + u64::from_be_bytes(random) % (9 * LEAST);
    // The sum has twelve digits.
    AccountId::from_number(number).unwrap_or(AccountId::NONE)
}

/// Makes the role that the management account administers an account with.
async fn administrator_role(cx: &Cx, tx: &mut Tx, account: AccountId, name: RoleName) -> Result<Role> {
    let root = Arn::iam(cx.partition(), cx.deployment().management_account, format_args!("root"));
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{root}"}},"Action":"sts:AssumeRole"}}]}}"#
    );
    let trust_policy = trust::bind(cx, tx, &document, account).await?;
    let id = cx.new_id(IdKind::Role);
    let role = Role { account, id, ..role::new_role(cx, name, Path::root(), trust_policy) };
    tx.create(&role).await?;
    let policy = tx.find::<Policy>(AccountId::NONE, &PolicyName::parse(ROLE_POLICY)?).await?;
    let policy = policy.ok_or_else(|| IamError::internal("the policy of administrators is missing"))?;
    tx.attach_policy(&Identity::from(&role), &policy).await?;
    Ok(role)
}

fn arn(cx: &Cx, id: AccountId) -> Arn {
    Arn::of(cx.partition(), "bailiwick", cx.deployment().management_account, format_args!("account/{id}"))
}

fn shown(cx: &Cx, account: &Account) -> pb::Account {
    let status = match account.state {
        AccountState::Active => pb::AccountStatus::Active,
        AccountState::Suspended => pb::AccountStatus::Suspended,
        AccountState::Closed => pb::AccountStatus::Closed,
    };
    pb::Account {
        account_id: account.id.to_string(),
        arn: arn(cx, account.id).to_string(),
        account_name: account.name.clone(),
        email: account.email.clone(),
        status: status.into(),
        management: account.management,
        create_date: view::date(account.created),
        status_date: view::date(account.state_changed.unwrap_or(account.created)),
    }
}

#[cfg(test)]
mod tests;
