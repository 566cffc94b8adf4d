//! Where an object would be if there were one: the resource of the check, and the user or role that must exist.

use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx};
use bailiwick_storage::{Role, Tx};

use crate::address::Target;
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
    /// With a role.
    Role(&'a Option<String>),
    /// In the account under a name: the type in its ARN, the member of the request, and its text.
    Named(&'static str, &'static str, &'a Option<String>),
    /// Under an ARN of this type.
    Arn(&'static str, &'a Option<String>),
}

/// The user or role that would have the object.
pub enum Owner {
    /// The object would belong to the account.
    Account,
    /// A user, who may be missing.
    User(UserOrCaller),
    /// A role, which may be missing.
    Role(Box<Target<Role>>),
}

impl Place<'_> {
    /// Looks up the user or role, and names the check of an action there.
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
            Place::Role(name) => {
                let role = Target::<Role>::look_up(cx, tx, name).await?;
                return Ok((role.check(cx, action), Owner::Role(Box::new(role))));
            }
            Place::Account => Check::without_resource(action, cx.account()),
            Place::EveryUser => Check::new(action, &own("user/*".into())),
            Place::Named(kind, member, name) => Check::new(action, &own(format!("{kind}/{}", required(name, member)?))),
            Place::Arn(kind, arn) => Check::new(action, &parse(cx, kind, arn.as_deref().unwrap_or_default())?),
        };
        Ok((check, Owner::Account))
    }
}

impl Owner {
    /// Checks that the user or role exists.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn get(self) -> Result<()> {
        match self {
            Owner::Account => Ok(()),
            Owner::User(user) => user.get().map(drop),
            Owner::Role(role) => role.get().map(drop),
        }
    }
}

/// Parses the ARN of an object of this type in this partition.
fn parse(cx: &Cx, kind: &str, text: &str) -> Result<Arn> {
    let arn = Arn::parse(text)
        .map_err(|error| IamError::validation("Invalid ARN:  Could not be parsed!").field("Arn", error.to_string()))?;
    let is_one = arn.service() == "iam"
        && arn.region().is_empty()
        && arn.partition() == cx.partition().as_str()
        && arn.account_id().is_some()
        && arn.resource().strip_prefix(kind).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'));
    if is_one { Ok(arn) } else { Err(IamError::new(ErrorCode::InvalidInput, format!("ARN {text} is not valid."))) }
}
