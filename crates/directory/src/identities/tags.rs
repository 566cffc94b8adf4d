//! Tags of users, roles and managed policies: written once, for every noun that has them.

use std::future::Future;

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{Result, Tags};
use bailiwick_operation::{Check, Checked, Cx};
use bailiwick_storage::{Policy, Role, Tx, User};

use crate::address::{Addressed, IdentityRecord as _, own_policy};
use crate::pages::{Answer, Pages};
use crate::{Directory, request, view};

/// Something that has tags.
pub(crate) trait Tagged: Addressed {
    /// Its tags.
    fn tags(&self) -> &Tags;
    /// The stored thing, if its tags may be changed.
    fn get_for_change(cx: &Cx, tx: &mut Tx, address: &Option<String>) -> impl Future<Output = Result<Self>> + Send;
    /// Stores it with other tags.
    fn retag(&self, tx: &mut Tx, tags: Tags) -> impl Future<Output = Result<()>> + Send;
}

impl Tagged for User {
    fn tags(&self) -> &Tags {
        &self.tags
    }
    async fn get_for_change(cx: &Cx, tx: &mut Tx, address: &Option<String>) -> Result<User> {
        User::get(cx, tx, address).await
    }
    async fn retag(&self, tx: &mut Tx, tags: Tags) -> Result<()> {
        tx.update(self, &User { tags, ..self.clone() }).await
    }
}

impl Tagged for Role {
    fn tags(&self) -> &Tags {
        &self.tags
    }
    async fn get_for_change(cx: &Cx, tx: &mut Tx, address: &Option<String>) -> Result<Role> {
        let role = Role::get(cx, tx, address).await?;
        role.modifiable()?;
        Ok(role)
    }
    async fn retag(&self, tx: &mut Tx, tags: Tags) -> Result<()> {
        tx.update(self, &Role { tags, ..self.clone() }).await
    }
}

impl Tagged for Policy {
    fn tags(&self) -> &Tags {
        &self.tags
    }
    async fn get_for_change(cx: &Cx, tx: &mut Tx, address: &Option<String>) -> Result<Policy> {
        own_policy(cx, tx, address).await
    }
    async fn retag(&self, tx: &mut Tx, tags: Tags) -> Result<()> {
        tx.update_policy(self, &Policy { tags, ..self.clone() }).await
    }
}

async fn tag<T: Tagged>(cx: &Cx, tx: &mut Tx, address: &Option<String>, tags: &[pb::Tag]) -> Result<()> {
    let thing = T::get_for_change(cx, tx, address).await?;
    let mut merged = thing.tags().clone();
    merged.merge(request::tags(tags)?)?;
    thing.retag(tx, merged).await
}

async fn untag<T: Tagged>(cx: &Cx, tx: &mut Tx, address: &Option<String>, keys: &[String]) -> Result<()> {
    let thing = T::get_for_change(cx, tx, address).await?;
    let mut left = thing.tags().clone();
    left.remove(keys);
    thing.retag(tx, left).await
}

async fn list<T: Tagged>(cx: &Cx, tx: &mut Tx, address: &Option<String>, pages: &Pages<'_>) -> Result<Answer<pb::Tag>> {
    let thing = T::get(cx, tx, address).await?;
    let placed = positions(thing.tags()).into_iter().zip(view::tags(thing.tags())).collect();
    let page = pages.cut(placed, |(position, _): &(String, pb::Tag)| position.clone())?;
    Ok(Answer {
        items: page.items.into_iter().map(|(_, tag)| tag).collect(),
        is_truncated: page.is_truncated,
        marker: page.marker,
    })
}

/// Where each tag stands in the list. Keys may be longer than a marker; where their beginnings agree, a number tells
/// them apart.
fn positions(tags: &Tags) -> Vec<String> {
    let mut positions: Vec<String> = Vec::with_capacity(tags.len());
    let (mut last, mut same) = (String::new(), 0);
    for tag in tags {
        let start: String = tag.key.to_lowercase().chars().take(30).collect();
        same = if start == last { same + 1 } else { 0 };
        positions.push(format!("{start}\u{0}{same:02}"));
        last = start;
    }
    positions
}

macro_rules! tag_operations {
    ($($noun:ident $address:ident: $tag:ident $tag_request:ident $tag_response:ident,
       $untag:ident $untag_request:ident $untag_response:ident,
       $list:ident $list_request:ident $list_response:ident;)*) => {$(
        /// Adds tags; a key that is there gets the new value.
        ///
        /// # Errors
        /// `NoSuchEntity`, `InvalidInput`, `LimitExceeded`.
        impl Checked<op::$tag> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$tag_request) -> Result<Vec<Check>> {
                let tags = request::tags(&req.tags)?;
                let check = $noun::check(cx, tx, &req.$address, concat!("iam:", stringify!($tag))).await?;
                Ok(vec![check.request_tags(&tags)])
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$tag_request) -> Result<pb::$tag_response> {
                tag::<$noun>(cx, tx, &req.$address, &req.tags).await?;
                Ok(pb::$tag_response {})
            }
        }

        /// Takes tags away; a key that isn't there is no error.
        ///
        /// # Errors
        /// `NoSuchEntity`.
        impl Checked<op::$untag> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$untag_request) -> Result<Vec<Check>> {
                let check = $noun::check(cx, tx, &req.$address, concat!("iam:", stringify!($untag))).await?;
                Ok(vec![check.tag_keys(&req.tag_keys)])
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$untag_request) -> Result<pb::$untag_response> {
                untag::<$noun>(cx, tx, &req.$address, &req.tag_keys).await?;
                Ok(pb::$untag_response {})
            }
        }

        /// Lists the tags by key.
        ///
        /// # Errors
        /// `NoSuchEntity`.
        impl Checked<op::$list> for Directory {
            async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::$list_request) -> Result<Vec<Check>> {
                Ok(vec![$noun::check(cx, tx, &req.$address, concat!("iam:", stringify!($list))).await?])
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::$list_request) -> Result<pb::$list_response> {
                let pages = Pages::open(cx, stringify!($list), &req.marker, req.max_items)?;
                let page = list::<$noun>(cx, tx, &req.$address, &pages).await?;
                Ok(pb::$list_response { tags: page.items, is_truncated: page.is_truncated, marker: page.marker })
            }
        }
    )*};
}

tag_operations! {
    User user_name: TagUser TagUserRequest TagUserResponse, UntagUser UntagUserRequest UntagUserResponse,
        ListUserTags ListUserTagsRequest ListUserTagsResponse;
    Role role_name: TagRole TagRoleRequest TagRoleResponse, UntagRole UntagRoleRequest UntagRoleResponse,
        ListRoleTags ListRoleTagsRequest ListRoleTagsResponse;
    Policy policy_arn: TagPolicy TagPolicyRequest TagPolicyResponse,
        UntagPolicy UntagPolicyRequest UntagPolicyResponse,
        ListPolicyTags ListPolicyTagsRequest ListPolicyTagsResponse;
}

#[cfg(test)]
mod tests;
