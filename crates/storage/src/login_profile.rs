//! Login profiles: the passwords of users.

use bailiwick_model::{AccountId, ErrorCode, IamError, Result, UniqueId, UserName};
use bytes::Bytes;
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind},
    reference::IdentityKind,
    tx::Tx,
    user::User,
};

/// The passwords of a user, as sealed hashes.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginProfile {
    /// The account of the user.
    pub account: AccountId,
    /// The user.
    pub user: UniqueId,
    /// When the user got their first password.
    pub created: Timestamp,
    /// When the password last changed. Its age counts from here.
    pub changed: Timestamp,
    /// Whether the user must change the password when they sign in.
    pub reset_required: bool,
    /// The maximum duration of a session of the user after signing in, in seconds.
    pub max_signin_session_seconds: Option<u32>,
    /// The hashes of the current and the former passwords, the newest first, sealed.
    pub sealed_hashes: Bytes,
    /// The end of the password that was warned of last.
    pub warned_of: Option<Timestamp>,
}

impl std::fmt::Debug for LoginProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoginProfile")
            .field("account", &self.account)
            .field("user", &self.user)
            .field("created", &self.created)
            .field("changed", &self.changed)
            .field("reset_required", &self.reset_required)
            .field("max_signin_session_seconds", &self.max_signin_session_seconds)
            .finish_non_exhaustive()
    }
}

impl LoginProfile {
    /// `NoSuchEntity` for a user without a login profile, in AWS's words.
    pub fn missing(user: &UserName) -> IamError {
        IamError::new(ErrorCode::NoSuchEntity, format!("Login Profile for User {user} cannot be found."))
    }
}

impl Tx {
    /// Makes the login profile of a user.
    ///
    /// # Errors
    /// `EntityAlreadyExists` if the user has one; `NoSuchEntity` if the user does not exist.
    pub async fn create_login_profile(&mut self, user: &User, profile: &LoginProfile) -> Result<()> {
        let (account, id) = (profile.account, &profile.user);
        let owner = keys::identity(account, IdentityKind::User, id);
        self.require(owner, || IamError::no_such("user", &user.name)).await?;
        let key = keys::login_profile(account, id);
        if self.read_key(key.clone()).await?.is_some() {
            let message = format!("Login Profile for user {} already exists.", user.name);
            return Err(IamError::new(ErrorCode::EntityAlreadyExists, message));
        }
        self.add(keys::counter(account, CounterKind::LoginProfiles, id.as_bytes()), 1);
        self.put_record(key, profile);
        Ok(())
    }

    /// Returns the login profile of a user, or `None`.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_login_profile(&mut self, account: AccountId, user: &UniqueId) -> Result<Option<LoginProfile>> {
        self.read(keys::login_profile(account, user)).await
    }

    /// Replaces the login profile of a user.
    ///
    /// # Errors
    /// `NoSuchEntity` if the user has none.
    pub async fn update_login_profile(&mut self, user: &User, profile: &LoginProfile) -> Result<()> {
        let key = keys::login_profile(profile.account, &profile.user);
        self.require(key.clone(), || LoginProfile::missing(&user.name)).await?;
        self.put_record(key, profile);
        Ok(())
    }

    /// Deletes the login profile of a user.
    ///
    /// # Errors
    /// `NoSuchEntity` if the user has none.
    pub async fn delete_login_profile(&mut self, user: &User) -> Result<()> {
        let key = keys::login_profile(user.account, &user.id);
        self.require(key.clone(), || LoginProfile::missing(&user.name)).await?;
        self.delete_key(key);
        self.add(keys::counter(user.account, CounterKind::LoginProfiles, user.id.as_bytes()), -1);
        Ok(())
    }
}

impl AsMessage for LoginProfile {
    type Message = pb::LoginProfile;
    const NAME: &'static str = "login profile";

    fn to_message(&self) -> pb::LoginProfile {
        pb::LoginProfile {
            account: codec::account_number(self.account),
            user: self.user.to_string(),
            created: self.created.as_microsecond(),
            changed: self.changed.as_microsecond(),
            reset_required: self.reset_required,
            max_signin_session_seconds: self.max_signin_session_seconds,
            sealed_hashes: self.sealed_hashes.to_vec(),
            warned_of: self.warned_of.map(Timestamp::as_microsecond),
        }
    }

    fn from_message(message: pb::LoginProfile) -> Result<Self, Malformed> {
        Ok(LoginProfile {
            account: codec::account(message.account)?,
            user: codec::id(&message.user)?,
            created: codec::time(message.created)?,
            changed: codec::time(message.changed)?,
            reset_required: message.reset_required,
            max_signin_session_seconds: message.max_signin_session_seconds,
            sealed_hashes: message.sealed_hashes.into(),
            warned_of: codec::maybe_time(message.warned_of)?,
        })
    }
}
