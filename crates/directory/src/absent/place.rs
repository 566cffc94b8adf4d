//! Where an object would be if there were one: the resource of the check.

use bailiwick_model::{Arn, Result};
use bailiwick_operation::{Check, Cx};

use crate::request::required;

/// The place of an object that cannot exist yet.
pub(super) enum Place<'a> {
    /// In the account; the action has no resource.
    Account,
    /// In the account under a name: the type in its ARN, the member of the request, and its text.
    Named(&'static str, &'static str, &'a Option<String>),
}

impl Place<'_> {
    /// The check of an action there.
    ///
    /// # Errors
    /// `ValidationError` and `InvalidInput` for a member that names no such place.
    pub(super) fn check(&self, cx: &Cx, action: &'static str) -> Result<Check> {
        let own = |resource: String| Arn::iam(cx.partition(), cx.account(), format_args!("{resource}"));
        Ok(match self {
            Place::Account => Check::without_resource(action, cx.account()),
            Place::Named(kind, member, name) => Check::new(action, &own(format!("{kind}/{}", required(name, member)?))),
        })
    }
}
