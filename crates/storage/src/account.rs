//! Accounts, their aliases and states.

use bailiwick_model::{AccountAlias, AccountId, AccountState, ErrorCode, IamError, Result, RoleName};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    tx::{Page, Tx},
};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its twelve digits.
    pub id: AccountId,
    /// The display name.
    pub name: String,
    /// The e-mail address of the owner; unique in the deployment.
    pub email: String,
    /// Which operations the account permits.
    pub state: AccountState,
    /// When the account was created.
    pub created: Timestamp,
    /// Whether this is the management account.
    pub management: bool,
    /// Its alias.
    pub alias: Option<AccountAlias>,
    /// The role that was created with the account and trusts the management account.
    pub role_name: Option<RoleName>,
    /// When the state last changed.
    pub state_changed: Option<Timestamp>,
    /// All sessions of the account issued before this time are revoked.
    pub sessions_valid_after: Option<Timestamp>,
}

impl Tx {
    /// Makes an account.
    ///
    /// # Errors
    /// `EntityAlreadyExists` for an id, an address or an alias that is or was in use, `LimitExceeded`.
    pub async fn create_account(&mut self, account: &Account) -> Result<()> {
        if account.id == AccountId::NONE {
            return Err(IamError::internal("an account without a number"));
        }
        let key = keys::account(account.id);
        if self.read_key(key.clone()).await?.is_some() {
            return Err(IamError::already_exists("Account", account.id));
        }
        let quota = self.quotas().accounts;
        let count = keys::counter(AccountId::NONE, CounterKind::Accounts, &[]);
        self.add_within(count, 1, quota, || IamError::quota("Accounts", quota)).await?;
        self.take_email(account).await?;
        if let Some(alias) = &account.alias {
            self.take_alias(alias, account.id).await?;
        }
        self.put_record(key, account);
        Ok(())
    }

    /// Replaces the record of an account: state, alias, name, e-mail address. `old` is the record that this transaction
    /// read. Closing an account releases its e-mail address.
    ///
    /// # Errors
    /// `EntityAlreadyExists` if another account has the e-mail address or the alias.
    pub async fn update_account(&mut self, old: &Account, new: &Account) -> Result<()> {
        self.require(keys::account(old.id), || IamError::no_such("account", old.id)).await?;
        if old.alias != new.alias {
            if let Some(alias) = &old.alias {
                self.delete_key(keys::alias(alias));
            }
            if let Some(alias) = &new.alias {
                self.take_alias(alias, new.id).await?;
            }
        }
        let held = |account: &Account| (account.state != AccountState::Closed).then(|| account.email.to_lowercase());
        if held(old) != held(new) {
            if held(old).is_some() {
                self.delete_key(keys::account_email(&old.email));
            }
            if held(new).is_some() {
                self.take_email(new).await?;
            }
        }
        self.put_record(keys::account(new.id), new);
        Ok(())
    }

    /// Returns the account with this id, closed or not, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_account(&mut self, id: AccountId) -> Result<Option<Account>> {
        self.read(keys::account(id)).await
    }

    /// Returns the account with this alias, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_account_by_alias(&mut self, alias: &AccountAlias) -> Result<Option<Account>> {
        let found = self.read_key(keys::alias(alias)).await?;
        match found.and_then(|value| Some(keys::take_account(&value)?.0)) {
            Some(id) => self.find_account(id).await,
            None => Ok(None),
        }
    }

    /// Lists all accounts, closed ones included, ordered by id; `after` is an account id.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_accounts(&self, after: Option<AccountId>, limit: usize) -> Result<Page<Account>> {
        let prefix = keys::kind(AccountId::NONE, Kind::Account);
        // Account numbers in keys are binary; positions in lists are text.
        let last = after.map(keys::account);
        let rows = self.scan(&prefix, last.as_deref(), limit.saturating_add(1)).await?;
        let mut items = Vec::with_capacity(rows.len());
        for (_, value) in &rows {
            items.push(<Account as crate::codec::Record>::decode(value)?);
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|account| account.id.to_string());
        Ok(Page { items, next })
    }

    async fn take_alias(&mut self, alias: &AccountAlias, account: AccountId) -> Result<()> {
        let key = keys::alias(alias);
        if self.read_key(key.clone()).await?.is_some() {
            let message = format!("The account alias {alias} already exists.");
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, message));
        }
        self.put(key, Bytes::copy_from_slice(&keys::account_bytes(account)));
        Ok(())
    }

    async fn take_email(&mut self, account: &Account) -> Result<()> {
        let key = keys::account_email(&account.email);
        if self.read_key(key.clone()).await?.is_some() {
            let message = "an account with this e-mail address already exists";
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, message));
        }
        self.put(key, Bytes::copy_from_slice(&keys::account_bytes(account.id)));
        Ok(())
    }
}

impl AsMessage for Account {
    type Message = pb::Account;
    const NAME: &'static str = "account";

    fn to_message(&self) -> pb::Account {
        let state = match self.state {
            AccountState::Active => pb::account::State::Active,
            AccountState::Suspended => pb::account::State::Suspended,
            AccountState::Closed => pb::account::State::Closed,
        };
        pb::Account {
            id: codec::account_number(self.id),
            name: self.name.clone(),
            email: self.email.clone(),
            state: state.into(),
            created: self.created.as_microsecond(),
            management: self.management,
            alias: self.alias.as_ref().map(AccountAlias::to_string),
            role_name: self.role_name.as_ref().map(RoleName::to_string),
            state_changed: self.state_changed.map(Timestamp::as_microsecond),
            sessions_valid_after: self.sessions_valid_after.map(Timestamp::as_microsecond),
        }
    }

    fn from_message(message: pb::Account) -> Result<Self, Malformed> {
        let state = match message.state() {
            pb::account::State::Active => AccountState::Active,
            pb::account::State::Suspended => AccountState::Suspended,
            pb::account::State::Closed => AccountState::Closed,
            pb::account::State::Unspecified => return Err(Malformed::new("unknown state")),
        };
        Ok(Account {
            id: codec::account(message.id)?,
            name: message.name,
            email: message.email,
            state,
            created: codec::time(message.created)?,
            management: message.management,
            alias: message.alias.as_deref().map(AccountAlias::parse).transpose()?,
            role_name: message.role_name.as_deref().map(RoleName::parse).transpose()?,
            state_changed: codec::maybe_time(message.state_changed)?,
            sessions_valid_after: codec::maybe_time(message.sessions_valid_after)?,
        })
    }
}
