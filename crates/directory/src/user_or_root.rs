//! The user of operations that may leave the user out: then it is the caller, who may be root.

use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Planned, Principal};
use bailiwick_storage::{KeyOwner, Tx, User};

use crate::address::{Target, check_stored};

/// Root, or a user.
pub enum UserOrRoot {
    /// The root user of the caller's account.
    Root,
    /// A user of the caller's account.
    User(Box<User>),
}

/// The user that a request names, or the caller.
pub enum UserOrCaller {
    /// The request names a user, who may be missing.
    Named(Box<Target<User>>),
    /// The request names no user.
    Caller(UserOrRoot),
}

impl UserOrCaller {
    /// Looks up the named user, or the caller if the request names none.
    ///
    /// # Errors
    /// `ValidationError` if no user is named and the caller is a session of a role or a federated user. A missing user is not an
    /// error.
    pub(crate) async fn look_up(cx: &Cx, tx: &mut Tx, name: &Option<String>) -> Result<Self> {
        if name.is_some() {
            return Ok(UserOrCaller::Named(Box::new(Target::look_up(cx, tx, name).await?)));
        }
        Ok(UserOrCaller::Caller(match &cx.caller().principal {
            Principal::Root { .. } => UserOrRoot::Root,
            Principal::User { account, id, name, .. } => match tx.find_by_id(*account, id).await? {
                Some(user) => UserOrRoot::User(Box::new(user)),
                // The caller was deleted after they were authenticated.
                None => return Err(IamError::no_such("user", name)),
            },
            Principal::RoleSession { .. } | Principal::FederatedUser { .. } => return Err(user_name_required()),
        }))
    }

    /// Looks up the user and names the check of an action on it.
    ///
    /// # Errors
    /// `ValidationError` if no user is named and the caller is a session of a role or a federated user.
    pub async fn plan(cx: &Cx, tx: &mut Tx, name: &Option<String>, action: &'static str) -> Result<Planned<Self>> {
        let user = Self::look_up(cx, tx, name).await?;
        let check = user.check(cx, action);
        Ok(Planned::new(user).check(check))
    }

    /// The check of an action on the user or root.
    pub(crate) fn check(&self, cx: &Cx, action: &'static str) -> Check {
        match self {
            UserOrCaller::Named(user) => user.check(cx, action),
            UserOrCaller::Caller(UserOrRoot::User(user)) => check_stored(cx, &**user, action),
            UserOrCaller::Caller(UserOrRoot::Root) => {
                Check::new(action, &Arn::iam(cx.partition(), cx.account(), format_args!("root")))
            }
        }
    }

    /// The user, if they exist. Only for a plan, which must not reveal the answer.
    pub(crate) fn user(&self) -> Option<&User> {
        match self {
            UserOrCaller::Named(user) => user.stored(),
            UserOrCaller::Caller(UserOrRoot::User(user)) => Some(user),
            UserOrCaller::Caller(UserOrRoot::Root) => None,
        }
    }

    /// The owner of what the user has, if they exist. Only for a plan, which must not reveal the answer.
    pub(crate) fn key_owner(&self) -> Option<KeyOwner> {
        match self {
            UserOrCaller::Caller(caller) => Some(caller.key_owner()),
            UserOrCaller::Named(user) => user.stored().map(|user| KeyOwner::User(user.id)),
        }
    }

    /// The user or root.
    ///
    /// # Errors
    /// `NoSuchEntity` if the named user is missing.
    pub fn get(self) -> Result<UserOrRoot> {
        match self {
            UserOrCaller::Named(user) => Ok(UserOrRoot::User(Box::new(user.get()?))),
            UserOrCaller::Caller(caller) => Ok(caller),
        }
    }
}

impl UserOrRoot {
    /// The owner of its access keys.
    pub fn key_owner(&self) -> KeyOwner {
        match self {
            UserOrRoot::Root => KeyOwner::Root,
            UserOrRoot::User(user) => KeyOwner::User(user.id),
        }
    }

    /// The name that a response shows; root has none.
    pub(crate) fn name(&self) -> Option<String> {
        match self {
            UserOrRoot::Root => None,
            UserOrRoot::User(user) => Some(user.name.to_string()),
        }
    }
}

/// `ValidationError` for a request without a user from a caller that is not one.
pub(crate) fn user_name_required() -> IamError {
    IamError::new(ErrorCode::ValidationError, "Must specify userName when calling with non-User credentials")
}
