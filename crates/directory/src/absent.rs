//! Operations on things that this version of Bailiwick cannot create: lists are empty, and a single thing is not found.
//!
//! Clients that clean up ask for everything that a user or role might have, and read "none" as success but
//! `NotImplemented` as a failure. So each operation asks for its own permission, looks up the user or role that it names,
//! and answers what is true today. There is one file per noun; whoever builds a noun replaces its file, and its creating
//! operations stay among those that are not implemented until then.

mod account_property;
mod credential_report;
mod delegation_request;
mod instance_profile;
mod login_profile;
mod mfa_device;
mod open_id_connect_provider;
mod organizations;
mod outbound_federation;
mod password_policy;
mod place;
mod role_template;
mod saml_provider;
mod server_certificate;
mod service_last_accessed;
mod service_linked_role;
mod service_specific_credential;
mod signing_certificate;
mod ssh_public_key;

use bailiwick_model::{ErrorCode, IamError};

use place::Place;

/// The operations of this module, each with its name as AWS spells it.
pub fn absent_operations() -> impl Iterator<Item = &'static str> {
    [
        account_property::OPERATIONS,
        credential_report::OPERATIONS,
        delegation_request::OPERATIONS,
        instance_profile::OPERATIONS,
        login_profile::OPERATIONS,
        mfa_device::OPERATIONS,
        open_id_connect_provider::OPERATIONS,
        organizations::OPERATIONS,
        outbound_federation::OPERATIONS,
        password_policy::OPERATIONS,
        role_template::OPERATIONS,
        saml_provider::OPERATIONS,
        server_certificate::OPERATIONS,
        service_last_accessed::OPERATIONS,
        service_linked_role::OPERATIONS,
        service_specific_credential::OPERATIONS,
        signing_certificate::OPERATIONS,
        ssh_public_key::OPERATIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// `NoSuchEntity`.
fn missing(message: String) -> IamError {
    IamError::new(ErrorCode::NoSuchEntity, message)
}

/// Writes the handlers of a file. Each row names operations, the place that the permission is asked on, and the answer:
/// - `list`: an empty page; a marker is refused, since none was given out;
/// - `all`: a list without pages, empty;
/// - `get`: an error, mostly `NoSuchEntity`;
/// - `tag` and `untag`: the same, where the tags of the request are condition keys of the permission.
macro_rules! absent {
    ($($kind:ident $($op:ident)+ |$req:ident| $place:expr $(=> $answer:expr)?;)*) => {
        pub(super) const OPERATIONS: &[&str] = &[$($(stringify!($op)),+),*];
        $(absent! { @row $kind [$($op)+] $req ($place) ($($answer)?) })*
    };
    (@row $kind:ident [$($op:ident)+] $req:ident $place:tt $answer:tt) => {
        $(
            impl bailiwick_operation::Checked<bailiwick_api::op::$op> for crate::Directory {
                async fn checks(
                    &self,
                    cx: &bailiwick_operation::Cx,
                    tx: &mut bailiwick_storage::Tx,
                    $req: &<bailiwick_api::op::$op as bailiwick_api::Operation>::Request,
                ) -> bailiwick_model::Result<Vec<bailiwick_operation::Check>> {
                    let _ = $req;
                    let check = $place.check(cx, tx, concat!("iam:", stringify!($op))).await?;
                    Ok(vec![absent!(@check $kind check $req)])
                }

                async fn handle(
                    &self,
                    cx: &bailiwick_operation::Cx,
                    tx: &mut bailiwick_storage::Tx,
                    req: <bailiwick_api::op::$op as bailiwick_api::Operation>::Request,
                ) -> bailiwick_model::Result<<bailiwick_api::op::$op as bailiwick_api::Operation>::Response> {
                    let $req = &req;
                    let _ = $req;
                    $place.look_up(cx, tx).await?;
                    absent!(@answer $kind $op cx $req $answer)
                }
            }
        )+
    };
    (@check tag $check:ident $req:ident) => { $check.request_tags(&crate::request::tags(&$req.tags)?) };
    (@check untag $check:ident $req:ident) => { $check.tag_keys(&$req.tag_keys) };
    (@check $kind:ident $check:ident $req:ident) => { $check };
    (@answer list $op:ident $cx:ident $req:ident ()) => {{
        crate::pages::Pages::open($cx, stringify!($op), &$req.marker, $req.max_items)?;
        type Response = <bailiwick_api::op::$op as bailiwick_api::Operation>::Response;
        Ok(Response { is_truncated: Some(false), ..Response::default() })
    }};
    (@answer all $op:ident $cx:ident $req:ident ()) => { Ok(Default::default()) };
    (@answer $kind:ident $op:ident $cx:ident $req:ident ($answer:expr)) => {{
        type Request = <bailiwick_api::op::$op as bailiwick_api::Operation>::Request;
        let answer: fn(&bailiwick_operation::Cx, &Request) -> bailiwick_model::IamError = $answer;
        Err(answer($cx, $req))
    }};
}
use absent;

/// What a member says; nothing where it is absent, which validation has refused.
fn text(member: &Option<String>) -> &str {
    member.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests;
