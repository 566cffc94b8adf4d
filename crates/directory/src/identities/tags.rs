//! Tags of everything that has tags, generic over the noun.

use std::future::Future;

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, IamError, KeyCase, Result, Tags};
use bailiwick_operation::{Cx, Handle, ListPage, PageRequest, Pages, Planned};
use bailiwick_storage::{
    InstanceProfile, MfaDevice, OidcProvider, Policy, Role, SamlProvider, ServerCertificate, Tx, User,
};

use crate::address::{Addressed, Target};
use crate::{Directory, request, view};

/// How AWS refuses requests about no tags of certificates and providers.
pub(crate) const NO_TAG_MAP: &str = "The provided tag map must not be null/empty.";
/// See [`NO_TAG_MAP`].
pub(crate) const NO_TAG_KEYS: &str = "The provided tag keys must not be null/empty.";

/// An object that has tags.
pub(crate) trait Tagged: Addressed {
    /// How the keys of its tags are compared.
    const KEY_CASE: KeyCase = KeyCase::Sensitive;
    /// How AWS refuses a request to add no tags.
    const NO_TAGS: &str = "Error occurred while validating input. ";
    /// How AWS refuses a request to remove no tags, if it does.
    const NO_KEYS: Option<&str> = None;

    /// Its tags.
    fn tags(&self) -> &Tags;
    /// The stored object, if its tags may be changed.
    fn get_for_change(cx: &Cx, target: Target<Self>) -> Result<Self>;
    /// Stores it with other tags.
    fn retag(&self, tx: &mut Tx, tags: Tags) -> impl Future<Output = Result<()>> + Send;
}

impl Tagged for User {
    const KEY_CASE: KeyCase = KeyCase::Insensitive;
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn get_for_change(_: &Cx, target: Target<User>) -> Result<User> {
        target.get_modifiable()
    }
    async fn retag(&self, tx: &mut Tx, tags: Tags) -> Result<()> {
        tx.update(self, &User { tags, ..self.clone() }).await
    }
}

impl Tagged for Role {
    const KEY_CASE: KeyCase = KeyCase::Insensitive;
    fn tags(&self) -> &Tags {
        &self.tags
    }
    /// The tags of a role that is linked to a service are the account's.
    fn get_for_change(_: &Cx, target: Target<Role>) -> Result<Role> {
        target.get()
    }
    async fn retag(&self, tx: &mut Tx, tags: Tags) -> Result<()> {
        tx.update(self, &Role { tags, ..self.clone() }).await
    }
}

impl Tagged for Policy {
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn get_for_change(cx: &Cx, target: Target<Policy>) -> Result<Policy> {
        target.get_own(cx)
    }
    async fn retag(&self, tx: &mut Tx, tags: Tags) -> Result<()> {
        tx.update_policy(self, &Policy { tags, ..self.clone() }).await
    }
}

/// Plans to add tags, which are condition keys of the check.
async fn plan_tag<T: Tagged>(
    cx: &Cx,
    tx: &mut Tx,
    member: &Option<String>,
    tags: &[pb::Tag],
    action: &'static str,
) -> Result<Planned<(Target<T>, Tags)>> {
    let tags = request::tags(T::KEY_CASE, tags)?;
    let target = Target::<T>::look_up(cx, tx, member).await?;
    let check = target.check(cx, action).request_tags(&tags);
    Ok(Planned::new((target, tags)).check(check))
}

async fn tag<T: Tagged>(cx: &Cx, tx: &mut Tx, target: Target<T>, tags: Tags) -> Result<()> {
    if tags.is_empty() {
        return Err(IamError::new(ErrorCode::InvalidInput, T::NO_TAGS).field("Tags", "expected at least one tag"));
    }
    let stored = T::get_for_change(cx, target)?;
    let mut merged = stored.tags().clone();
    merged.merge_as(T::KEY_CASE, tags)?;
    stored.retag(tx, merged).await
}

/// Plans to remove tags, whose keys are condition keys of the check.
async fn plan_untag<T: Tagged>(
    cx: &Cx,
    tx: &mut Tx,
    member: &Option<String>,
    keys: Vec<String>,
    action: &'static str,
) -> Result<Planned<(Target<T>, Vec<String>)>> {
    let target = Target::<T>::look_up(cx, tx, member).await?;
    let check = target.check(cx, action).tag_keys(&keys);
    Ok(Planned::new((target, keys)).check(check))
}

async fn untag<T: Tagged>(cx: &Cx, tx: &mut Tx, target: Target<T>, keys: &[String]) -> Result<()> {
    if let Some(message) = T::NO_KEYS.filter(|_| keys.is_empty()) {
        return Err(IamError::new(ErrorCode::InvalidInput, message).field("TagKeys", "expected at least one key"));
    }
    let stored = T::get_for_change(cx, target)?;
    let mut left = stored.tags().clone();
    left.remove_as(T::KEY_CASE, keys);
    stored.retag(tx, left).await
}

fn list<T: Tagged>(target: Target<T>, pages: &Pages<'_>) -> Result<ListPage<pb::Tag>> {
    let stored = target.get()?;
    let placed = positions::<T>(stored.tags()).into_iter().zip(view::tags(stored.tags())).collect();
    let page = pages.cut(placed, |(position, _): &(String, pb::Tag)| position.clone())?;
    Ok(ListPage {
        items: page.items.into_iter().map(|(_, tag)| tag).collect(),
        is_truncated: page.is_truncated,
        marker: page.marker,
    })
}

/// The position of each tag in the list. Keys may be longer than a marker, so a position is the beginning of the key
/// and a number that distinguishes keys with the same beginning.
fn positions<T: Tagged>(tags: &Tags) -> Vec<String> {
    let mut positions: Vec<String> = Vec::with_capacity(tags.len());
    let (mut last, mut same) = (String::new(), 0);
    for tag in tags {
        let (length, key) = T::KEY_CASE.sort_key(&tag.key);
        let start: String = format!("{length:03}").chars().chain(key.chars().take(30)).collect();
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
        /// Adds tags. An existing key gets the new value.
        ///
        /// # Errors
        /// `NoSuchEntity`, `InvalidInput`, `LimitExceeded`.
        impl Handle<op::$tag> for Directory {
            type Plan = (Target<$noun>, Tags);

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$tag_request) -> Result<Planned<Self::Plan>> {
                plan_tag(cx, tx, &req.$address, &req.tags, concat!("iam:", stringify!($tag))).await
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, (target, tags): Self::Plan) -> Result<pb::$tag_response> {
                tag(cx, tx, target, tags).await?;
                Ok(pb::$tag_response {})
            }
        }

        /// Removes tags. A missing key is not an error.
        ///
        /// # Errors
        /// `NoSuchEntity`.
        impl Handle<op::$untag> for Directory {
            type Plan = (Target<$noun>, Vec<String>);

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$untag_request) -> Result<Planned<Self::Plan>> {
                plan_untag(cx, tx, &req.$address, req.tag_keys, concat!("iam:", stringify!($untag))).await
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, (target, keys): Self::Plan) -> Result<pb::$untag_response> {
                untag(cx, tx, target, &keys).await?;
                Ok(pb::$untag_response {})
            }
        }

        /// Lists the tags by key.
        ///
        /// # Errors
        /// `NoSuchEntity`.
        impl Handle<op::$list> for Directory {
            type Plan = (Target<$noun>, PageRequest);

            async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::$list_request) -> Result<Planned<Self::Plan>> {
                let planned = Target::plan(cx, tx, &req.$address, concat!("iam:", stringify!($list))).await?;
                Ok(planned.with(PageRequest::new(req.marker, req.max_items)))
            }

            async fn handle(&self, cx: &Cx, _: &mut Tx, (target, page): Self::Plan) -> Result<pb::$list_response> {
                let page = list(target, &page.open(cx, stringify!($list))?)?;
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
    MfaDevice serial_number: TagMFADevice TagMfaDeviceRequest TagMfaDeviceResponse,
        UntagMFADevice UntagMfaDeviceRequest UntagMfaDeviceResponse,
        ListMFADeviceTags ListMfaDeviceTagsRequest ListMfaDeviceTagsResponse;
    InstanceProfile instance_profile_name: TagInstanceProfile TagInstanceProfileRequest TagInstanceProfileResponse,
        UntagInstanceProfile UntagInstanceProfileRequest UntagInstanceProfileResponse,
        ListInstanceProfileTags ListInstanceProfileTagsRequest ListInstanceProfileTagsResponse;
    ServerCertificate server_certificate_name:
        TagServerCertificate TagServerCertificateRequest TagServerCertificateResponse,
        UntagServerCertificate UntagServerCertificateRequest UntagServerCertificateResponse,
        ListServerCertificateTags ListServerCertificateTagsRequest ListServerCertificateTagsResponse;
    OidcProvider open_id_connect_provider_arn:
        TagOpenIDConnectProvider TagOpenIdConnectProviderRequest TagOpenIdConnectProviderResponse,
        UntagOpenIDConnectProvider UntagOpenIdConnectProviderRequest UntagOpenIdConnectProviderResponse,
        ListOpenIDConnectProviderTags ListOpenIdConnectProviderTagsRequest ListOpenIdConnectProviderTagsResponse;
    SamlProvider saml_provider_arn: TagSAMLProvider TagSamlProviderRequest TagSamlProviderResponse,
        UntagSAMLProvider UntagSamlProviderRequest UntagSamlProviderResponse,
        ListSAMLProviderTags ListSamlProviderTagsRequest ListSamlProviderTagsResponse;
}

#[cfg(test)]
mod tests;
