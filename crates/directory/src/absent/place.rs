//! Where an object would be if there were one: the resource of the check, and the user that must exist.

use bailiwick_model::{Arn, Result};
use bailiwick_operation::{Check, Cx};
use bailiwick_storage::Tx;

use crate::address::iam_arn;
use crate::request::required;
use crate::user_or_root::UserOrCaller;

/// The place of an object that cannot exist yet.
pub(super) enum Place<'a> {
    /// In the account; the action has no resource.
    Account,
    /// With a user, or with the caller if the request names none.
    User(&'a Option<String>),
    /// With each of the account's users.
    EveryUser,
    /// In the account under a name: the type in its ARN, the member of the request, and its text.
    Named(&'static str, &'static str, &'a Option<String>),
    /// Under an ARN of this type.
    Arn(&'static str, &'a Option<String>),
}

/// The user that would have the object.
pub enum Owner {
    /// The object would belong to the account.
    Account,
    /// A user, who may be missing.
    User(UserOrCaller),
}

impl Place<'_> {
    /// Looks up the user, and names the check of an action there.
    ///
    /// # Errors
    /// `ValidationError` and `InvalidInput` for a member that names no such place.
    pub(super) async fn look_up(&self, cx: &Cx, tx: &mut Tx, action: &'static str) -> Result<(Check, Owner)> {
        let own = |resource: String| Arn::iam(cx.partition(), cx.account(), format_args!("{resource}"));
        let check = match self {
            Place::User(name) => {
                let user = UserOrCaller::look_up(cx, tx, name).await?;
                return Ok((user.check(cx, action), Owner::User(user)));
            }
            Place::Account => Check::without_resource(action, cx.account()),
            Place::EveryUser => Check::new(action, &own("user/*".into())),
            Place::Named(kind, member, name) => Check::new(action, &own(format!("{kind}/{}", required(name, member)?))),
            Place::Arn(kind, arn) => Check::new(action, &iam_arn(cx, kind, arn.as_deref().unwrap_or_default())?),
        };
        Ok((check, Owner::Account))
    }
}

impl Owner {
    /// Checks that the user exists.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn get(self) -> Result<()> {
        match self {
            Owner::Account => Ok(()),
            Owner::User(user) => user.get().map(drop),
        }
    }
}
