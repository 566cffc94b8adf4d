//! From what a request names to the stored object, and to the ARN that the decision is made on.
//!
//! Users, groups and roles are named by name, managed policies by ARN. The decision is made on the stored object's own
//! ARN, in its own case. A missing object has the ARN that it would have with the path `/`.

mod arn;
mod identity;
mod policy;

use std::future::Future;

use bailiwick_model::{IamError, Result};
use bailiwick_operation::{Check, Cx, Planned};
use bailiwick_storage::Tx;

pub(crate) use arn::iam_arn;
pub(crate) use identity::{IdentityRecord, arn_of, check_stored};
pub(crate) use policy::{PolicyArn, arn_of_policy, policy_arn};

/// An object that a request names by one member.
pub trait Addressed: Sized + Send + Sync {
    /// The member, parsed.
    type Address: Send + Sync;

    /// Parses the member.
    ///
    /// # Errors
    /// `ValidationError` or `InvalidInput`.
    fn parse(cx: &Cx, member: &Option<String>) -> Result<Self::Address>;

    /// Returns the stored object, if it exists and the caller's account may name it.
    fn find(cx: &Cx, tx: &mut Tx, address: &Self::Address) -> impl Future<Output = Result<Option<Self>>> + Send;

    /// The check of an action on the object, whether it exists or not.
    fn check(cx: &Cx, address: &Self::Address, stored: Option<&Self>, action: &'static str) -> Check;

    /// `NoSuchEntity` for a missing object, in AWS's words.
    fn no_such(address: &Self::Address) -> IamError;
}

/// The result of looking up what a request names, which may be missing.
///
/// A plan looks up its target and names the check. Only `handle` may ask for the object with [`get`](Self::get), since
/// a caller who is not authorized must not learn whether it exists.
pub struct Target<T: Addressed> {
    address: T::Address,
    stored: Option<T>,
}

impl<T: Addressed> Target<T> {
    /// Parses the member that names the object, and looks the object up.
    ///
    /// # Errors
    /// As [`Addressed::parse`]. A missing object is not an error.
    pub(crate) async fn look_up(cx: &Cx, tx: &mut Tx, member: &Option<String>) -> Result<Self> {
        Self::at(cx, tx, T::parse(cx, member)?).await
    }

    /// Looks up the object at a parsed address.
    pub(crate) async fn at(cx: &Cx, tx: &mut Tx, address: T::Address) -> Result<Self> {
        let stored = T::find(cx, tx, &address).await?;
        Ok(Target { address, stored })
    }

    /// Looks up the object and names the check of an action on it.
    ///
    /// # Errors
    /// As [`look_up`](Self::look_up).
    pub(crate) async fn plan(
        cx: &Cx,
        tx: &mut Tx,
        member: &Option<String>,
        action: &'static str,
    ) -> Result<Planned<Self>> {
        let target = Self::look_up(cx, tx, member).await?;
        let check = target.check(cx, action);
        Ok(Planned::new(target).check(check))
    }

    /// The check of an action on the object, with its ARN and tags.
    pub(crate) fn check(&self, cx: &Cx, action: &'static str) -> Check {
        T::check(cx, &self.address, self.stored.as_ref(), action)
    }

    /// The object, if it exists. Only for a plan, which must not reveal the answer.
    pub(crate) fn stored(&self) -> Option<&T> {
        self.stored.as_ref()
    }

    /// The object.
    ///
    /// # Errors
    /// `NoSuchEntity` if it is missing.
    pub(crate) fn get(self) -> Result<T> {
        self.stored.ok_or_else(|| T::no_such(&self.address))
    }
}
