//! Settings of an account: at most one record of each kind.

use bailiwick_model::{AccountId, IamError, Result};

use crate::{
    codec::Record,
    keys::{self, Kind},
    tx::Tx,
};

/// A record of which an account has at most one.
pub trait AccountSetting: Record + Send + Sync {
    /// The kind of its key.
    #[doc(hidden)]
    const KIND: Kind;
}

impl Tx {
    /// Returns a setting of an account, or `None` if it was never made or was deleted.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn account_setting<S: AccountSetting>(&mut self, account: AccountId) -> Result<Option<S>> {
        self.read(keys::account_setting(account, S::KIND)).await
    }

    /// Creates or replaces a setting of an account. Concurrent replacements conflict.
    ///
    /// # Errors
    /// `NoSuchEntity` if the account does not exist.
    pub async fn put_account_setting<S: AccountSetting>(&mut self, account: AccountId, setting: &S) -> Result<()> {
        self.require(keys::account(account), || IamError::no_such("account", account)).await?;
        let key = keys::account_setting(account, S::KIND);
        self.guard(key.clone()).await?;
        self.put_record(key, setting);
        Ok(())
    }

    /// Deletes a setting of an account. Returns whether there was one.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn delete_account_setting<S: AccountSetting>(&mut self, account: AccountId) -> Result<bool> {
        let key = keys::account_setting(account, S::KIND);
        let existed = self.read_key(key.clone()).await?.is_some();
        if existed {
            self.delete_key(key);
        }
        Ok(existed)
    }
}
