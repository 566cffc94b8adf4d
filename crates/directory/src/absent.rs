//! Operations on objects that this version of Bailiwick cannot create: lists are empty, and a single object is missing.
//!
//! Clients that clean up ask for everything that a user or role might have. They read an empty list as success, but
//! `NotImplemented` as a failure. So each operation checks its own permission and returns what is true today. There is
//! one file per noun. When a noun is implemented its file goes away; until then, its creating operations stay in the
//! list of those that are not implemented.

mod place;
mod server_certificate;

use bailiwick_model::{ErrorCode, IamError};

use place::Place;

/// The operations of this module, each with its name as AWS spells it.
pub fn absent_operations() -> impl Iterator<Item = &'static str> {
    [server_certificate::OPERATIONS].into_iter().flatten().copied()
}

/// `NoSuchEntity`.
fn missing(message: String) -> IamError {
    IamError::new(ErrorCode::NoSuchEntity, message)
}

/// Writes the handlers of a file. Each row names operations, the place that is the resource of the check, and the
/// response:
/// - `list`: an empty page; every marker is refused;
/// - `all`: an empty list without pages;
/// - `get`: an error, mostly `NoSuchEntity`;
/// - `tag` and `untag`: the same, where the tags of the request are condition keys of the check.
macro_rules! absent {
    ($($kind:ident $($op:ident)+ |$req:ident| $place:expr $(=> $answer:expr)?;)*) => {
        pub(super) const OPERATIONS: &[&str] = &[$($(stringify!($op)),+),*];
        $(absent! { @row $kind [$($op)+] $req ($place) ($($answer)?) })*
    };
    (@row $kind:ident [$($op:ident)+] $req:ident $place:tt $answer:tt) => {
        $(
            impl bailiwick_operation::Handle<bailiwick_api::op::$op> for crate::Directory {
                type Plan = <bailiwick_api::op::$op as bailiwick_api::Operation>::Request;

                async fn plan(
                    &self,
                    cx: &bailiwick_operation::Cx,
                    _: &mut bailiwick_storage::Tx,
                    req: <bailiwick_api::op::$op as bailiwick_api::Operation>::Request,
                ) -> bailiwick_model::Result<bailiwick_operation::Planned<Self::Plan>> {
                    let $req = &req;
                    let _ = $req;
                    let check = $place.check(cx, concat!("iam:", stringify!($op)))?;
                    let check = absent!(@check $kind check $req);
                    Ok(bailiwick_operation::Planned::new(req).check(check))
                }

                async fn handle(
                    &self,
                    cx: &bailiwick_operation::Cx,
                    _: &mut bailiwick_storage::Tx,
                    req: Self::Plan,
                ) -> bailiwick_model::Result<<bailiwick_api::op::$op as bailiwick_api::Operation>::Response> {
                    absent!(@answer $kind $op cx req $answer)
                }
            }
        )+
    };
    (@check tag $check:ident $req:ident) => { $check.request_tags(&crate::request::tags(&$req.tags)?) };
    (@check untag $check:ident $req:ident) => { $check.tag_keys(&$req.tag_keys) };
    (@check $kind:ident $check:ident $req:ident) => { $check };
    (@answer list $op:ident $cx:ident $req:ident ()) => {{
        bailiwick_operation::PageRequest::new($req.marker, $req.max_items).open($cx, stringify!($op))?;
        type Response = <bailiwick_api::op::$op as bailiwick_api::Operation>::Response;
        Ok(Response { is_truncated: Some(false), ..Response::default() })
    }};
    (@answer all $op:ident $cx:ident $req:ident ()) => {{
        let _ = ($cx, $req);
        Ok(Default::default())
    }};
    (@answer $kind:ident $op:ident $cx:ident $req:ident ($answer:expr)) => {{
        type Request = <bailiwick_api::op::$op as bailiwick_api::Operation>::Request;
        let answer: fn(&bailiwick_operation::Cx, &Request) -> bailiwick_model::IamError = $answer;
        Err(answer($cx, &$req))
    }};
}
use absent;

/// The text of a member; empty if it is missing, which validation refuses.
fn text(member: &Option<String>) -> &str {
    member.as_deref().unwrap_or_default()
}

#[cfg(test)]
mod tests;
