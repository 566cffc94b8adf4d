//! The accounts of the deployment: `account.v1`, for the management account alone.
//!
//! Every resource here belongs to the management account and has no resource policy, so callers of other accounts are
//! denied, whatever their own policies say.

use bailiwick_api::{account as pb, op};
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, IdKind, Path, PolicyName, Result, RoleName};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{Account, AccountState, Identity, Policy, Role, Tx};

use crate::address::IdentityRecord as _;
use crate::identities::role;
use crate::request::required;
use crate::view::date;
use crate::{Directory, trust};

/// The role with which the management account administers a new account, unless the request names another.
const ROLE: &str = "OrganizationAccountAccessRole";
/// The policy attached to that role.
const ROLE_POLICY: &str = "AdministratorAccess";

/// An account to create.
pub struct NewAccount {
    name: String,
    email: String,
    role_name: RoleName,
}

/// Creates an account, with a role in it that the management account may assume. It has no root credentials.
///
/// # Errors
/// `EntityAlreadyExists` if another account has the e-mail address, `LimitExceeded`.
impl Handle<op::CreateAccount> for Directory {
    type Plan = NewAccount;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::CreateAccountRequest) -> Result<Planned<NewAccount>> {
        let account = NewAccount {
            name: required(&req.account_name, "accountName")?.to_owned(),
            email: required(&req.email, "email")?.to_owned(),
            role_name: RoleName::parse(req.role_name.as_deref().unwrap_or(ROLE))?,
        };
        Ok(Planned::new(account).check(check_all(cx, "bailiwick:CreateAccount")))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewAccount) -> Result<pb::CreateAccountResponse> {
        let account = Account {
            id: unused_id(cx, tx).await?,
            name: new.name,
            email: new.email,
            state: AccountState::Active,
            created: cx.date(),
            management: false,
            alias: None,
            role_name: Some(new.role_name.clone()),
            state_changed: None,
            sessions_valid_after: None,
        };
        tx.create_account(&account).await?;
        let role = administrator_role(cx, tx, account.id, new.role_name).await?;
        Ok(pb::CreateAccountResponse {
            account: Some(view(cx, &account)),
            role_arn: role.arn(cx.partition()).to_string(),
        })
    }
}

/// An account that a request names, which may be missing.
pub struct AccountTarget {
    id: AccountId,
    stored: Option<Account>,
}

impl AccountTarget {
    /// Looks up the account and names the check of an action on it. The management account owns every account.
    pub(super) async fn plan(
        cx: &Cx,
        tx: &mut Tx,
        id: &Option<String>,
        action: &'static str,
    ) -> Result<Planned<AccountTarget>> {
        let id = AccountId::parse(required(id, "accountId")?)?;
        let stored = tx.find_account(id).await?;
        Ok(Planned::new(AccountTarget { id, stored }).check(Check::new(action, &arn(cx, id))))
    }

    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn get(self) -> Result<Account> {
        let id = self.id;
        let message = || format!("The account with id {id} cannot be found.");
        self.stored.ok_or_else(|| IamError::new(ErrorCode::NoSuchEntity, message()))
    }
}

/// Shows an account.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::DescribeAccount> for Directory {
    type Plan = AccountTarget;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DescribeAccountRequest) -> Result<Planned<AccountTarget>> {
        AccountTarget::plan(cx, tx, &req.account_id, "bailiwick:DescribeAccount").await
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, account: AccountTarget) -> Result<pb::DescribeAccountResponse> {
        Ok(pb::DescribeAccountResponse { account: Some(view(cx, &account.get()?)) })
    }
}

/// Lists all accounts by id.
impl Handle<op::ListAccounts> for Directory {
    type Plan = PageRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListAccountsRequest) -> Result<Planned<PageRequest>> {
        let page = PageRequest::new(req.marker, req.max_items);
        Ok(Planned::new(page).check(check_all(cx, "bailiwick:ListAccounts")))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, page: PageRequest) -> Result<pb::ListAccountsResponse> {
        let pages = page.open(cx, "ListAccounts")?;
        let after = pages.after().map(AccountId::parse).transpose().map_err(IamError::internal)?;
        let page = pages.answer(tx.list_accounts(after, pages.limit()).await?)?;
        Ok(pb::ListAccountsResponse {
            accounts: page.items.iter().map(|account| view(cx, account)).collect(),
            is_truncated: page.marker.is_some(),
            marker: page.marker,
        })
    }
}

/// Moves an account to another state.
///
/// # Errors
/// `NoSuchEntity`; `UnmodifiableEntity` for the management account, or if the state has no such transition.
async fn change(cx: &Cx, tx: &mut Tx, account: AccountTarget, to: AccountState) -> Result<pb::Account> {
    let old = account.get()?;
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
        // Another account may take the alias.
        new.alias = None;
    }
    tx.update_account(&old, &new).await?;
    Ok(view(cx, &new))
}

macro_rules! state_changes {
    ($($(#[$doc:meta])* $op:ident $request:ident $response:ident => $state:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// # Errors
        /// `NoSuchEntity`; `UnmodifiableEntity` for the management account, or if the state has no such transition.
        impl Handle<op::$op> for Directory {
            type Plan = AccountTarget;

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$request) -> Result<Planned<AccountTarget>> {
                AccountTarget::plan(cx, tx, &req.account_id, concat!("bailiwick:", stringify!($op))).await
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, account: AccountTarget) -> Result<pb::$response> {
                let account = change(cx, tx, account, AccountState::$state).await?;
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

/// The check of an action on the deployment's accounts as a whole, which the management account owns.
fn check_all(cx: &Cx, action: &'static str) -> Check {
    Check::without_resource(action, cx.deployment().management_account)
}

/// An id that no account has or had: closed accounts stay stored.
async fn unused_id(cx: &Cx, tx: &mut Tx) -> Result<AccountId> {
    loop {
        let id = random_account_id(cx.random());
        if tx.find_account(id).await?.is_none() {
            return Ok(id);
        }
    }
}

/// Makes an account id of twelve digits, the first of which is not zero.
pub(crate) fn random_account_id(random: [u8; 8]) -> AccountId {
    const LEAST: u64 = 100_000_000_000;
    let number = LEAST + u64::from_be_bytes(random) % (9 * LEAST);
    // The sum has twelve digits.
    AccountId::from_number(number).unwrap_or(AccountId::NONE)
}

/// Creates the role with which the management account administers an account.
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

/// An account as responses show it.
fn view(cx: &Cx, account: &Account) -> pb::Account {
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
        create_date: date(account.created),
        status_date: date(account.state_changed.unwrap_or(account.created)),
    }
}

#[cfg(test)]
mod tests;
