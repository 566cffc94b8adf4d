//! Whom a request is about that may leave out the user: the caller, then.

use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Principal};
use bailiwick_storage::{KeyOwner, Tx, User};

use crate::address::{Addressed, check_stored};

/// Root, or a user.
pub(crate) enum UserOrRoot {
    /// The root user of the caller's account.
    Root,
    /// A user of the caller's account.
    User(Box<User>),
}

impl UserOrRoot {
    /// # Errors
    /// `NoSuchEntity` when the user isn't there; `ValidationError` when no user is named and the caller is none.
    pub(crate) async fn get(cx: &Cx, tx: &mut Tx, name: &Option<String>) -> Result<UserOrRoot> {
        if name.is_some() {
            return Ok(UserOrRoot::User(Box::new(User::get(cx, tx, name).await?)));
        }
        match &cx.caller().principal {
            Principal::Root { .. } => Ok(UserOrRoot::Root),
            Principal::User { account, id, name, .. } => match tx.find_by_id(*account, id).await? {
                Some(user) => Ok(UserOrRoot::User(Box::new(user))),
                None => Err(IamError::no_such("user", name)),
            },
            Principal::RoleSession { .. } => Err(user_name_required()),
        }
    }

    /// The check of an action on whom the request is about.
    pub(crate) async fn check(cx: &Cx, tx: &mut Tx, name: &Option<String>, action: &'static str) -> Result<Check> {
        if name.is_some() {
            return User::check(cx, tx, name, action).await;
        }
        match &cx.caller().principal {
            Principal::Root { account } => {
                Ok(Check::new(action, &Arn::iam(cx.partition(), *account, format_args!("root"))))
            }
            Principal::User { account, id, .. } => match tx.find_by_id::<User>(*account, id).await? {
                Some(user) => Ok(check_stored(cx, &user, action)),
                None => Ok(Check::new(action, &cx.caller().principal.arn(cx.partition()))),
            },
            Principal::RoleSession { .. } => Err(user_name_required()),
        }
    }

    /// Whose access keys those are.
    pub(crate) fn key_owner(&self) -> KeyOwner {
        match self {
            UserOrRoot::Root => KeyOwner::Root,
            UserOrRoot::User(user) => KeyOwner::User(user.id),
        }
    }

    /// The name that an answer shows; root has none.
    pub(crate) fn name(&self) -> Option<String> {
        match self {
            UserOrRoot::Root => None,
            UserOrRoot::User(user) => Some(user.name.to_string()),
        }
    }
}

fn user_name_required() -> IamError {
    IamError::new(ErrorCode::ValidationError, "Must specify userName when calling with non-User credentials")
}
