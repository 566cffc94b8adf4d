//! What every handler is made of: the operation it answers, the context it runs in, the checks it names, pages.
//!
//! An operation is one request, one response and one handler ([`Handle`]). The handler says in `checks` everything
//! that must be allowed, and in `handle` what is done; the pipeline in `service` authenticates the caller before it,
//! asks for the decision between the two, and commits and records after it.
//!
//! The crate deliberately does not know any noun (users, roles, …) beyond whom a policy may name, any protocol, nor
//! how a decision is made.
//!
//! Start reading at [`Handle`], then [`Cx`] and [`Check`].

mod caller;
mod check;
mod cx;
mod paging;
mod principals;
mod revision;
mod secrets;

pub use caller::{Caller, Credential, Principal, Session, SessionPolicyRef};
pub use check::{Check, ContextValue, Policy};
pub use cx::{Clock, Cx, Deployment, Random, RequestInfo, uuid};
pub use paging::Paging;
pub use principals::{bind_principals, entity_arn, find_entity, malformed, show_principals};
pub use revision::RevisionScope;
pub use secrets::SecretOwner;

use std::future::Future;

use bailiwick_api::Operation;
use bailiwick_model::Result;
use bailiwick_storage::Tx;

/// The answer to one operation.
///
/// A handler may run twice, when what it read has changed by the time it commits; so all it touches is `cx`, `tx`
/// and `req`.
pub trait Handle<O: Operation>: Send + Sync + 'static {
    /// The revision that the request wants to be answered at or after, as an earlier answer carried it. The pipeline
    /// waits for it before the caller is proved.
    fn min_revision<'r>(&self, req: &'r O::Request) -> Option<&'r str> {
        let _ = req;
        None
    }

    /// The id of an access key that the request takes out of use. The pipeline refuses to take the last one with which
    /// anyone could administer the deployment, unless the call says to.
    fn retires<'r>(&self, req: &'r O::Request) -> Option<&'r str> {
        let _ = req;
        None
    }

    /// Names everything that must be allowed before [`handle`](Self::handle) runs. Reads, but changes nothing.
    ///
    /// A thing that doesn't exist is named by the ARN that it would have, so that nobody learns of its absence who
    /// may not know; `NoSuchEntity` comes from `handle`.
    ///
    /// # Errors
    /// When the request can't be understood well enough to say what it needs.
    fn checks(&self, cx: &Cx, tx: &mut Tx, req: &O::Request) -> impl Future<Output = Result<Vec<Check>>> + Send;

    /// Does what was asked, within `tx`, and says what came of it.
    ///
    /// # Errors
    /// Whatever the operation's documentation lists; nothing has changed then.
    fn handle(&self, cx: &Cx, tx: &mut Tx, req: O::Request) -> impl Future<Output = Result<O::Response>> + Send;
}
