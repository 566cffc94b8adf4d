//! The facts about each operation: at compile time by its type, at run time by its row.

use std::fmt::Debug;

use prost::Message;
use prost_reflect::{MessageDescriptor, MethodDescriptor};

use crate::options::{Audit, Authentication};
use crate::{OPERATIONS, Redact, Validate};

/// The facts about an operation at compile time.
pub trait Operation: Send + Sync + 'static {
    /// Its request message.
    type Request: Message + Default + Clone + Validate + Redact + Debug + Send + Sync + 'static;
    /// Its response message.
    type Response: Message + Default + Clone + Redact + Debug + Send + Sync + 'static;
    /// Its name, as AWS spells it: `CreateUser`.
    const NAME: &'static str;
    /// The prefix of its action in policies, and the service that a signature is scoped to: `iam`, `sts`, `cloudtrail`, `bailiwick`.
    const SERVICE: &'static str;
    /// Its path in gRPC: `/bailiwick.iam.v1.UserService/CreateUser`.
    const PATH: &'static str;
    /// Whether it changes nothing. An operation that issues credentials is not a read.
    const READ_ONLY: bool;
    /// The same, as a row.
    const INFO: &'static OperationInfo;
    /// How a call is recorded.
    const AUDIT: Audit;
    /// How the caller is authenticated.
    const AUTHENTICATION: Authentication;
    /// [`Self::AUTHENTICATION`] as a type: [`SignedCall`] if the caller is authenticated, otherwise [`UnsignedCall`].
    type Call: CallKind;
    /// The fields of the request that name the resource, as in the proto; empty if that is the account.
    const RESOURCE: &'static [&'static str];
}

/// How the calls of an operation are authenticated, as a type. Code that is generic over operations selects by it at
/// compile time, so that an operation without an authenticated caller cannot use one.
pub trait CallKind: Send + Sync + 'static {
    /// The first type for signed calls, the second for unsigned ones.
    type Select<Signed, Unsigned>;
}

/// Calls whose caller is authenticated, by a signature or a bearer token.
#[derive(Clone, Copy, Debug)]
pub enum SignedCall {}

/// Calls without a signature: the proof is within the request, or there is none.
#[derive(Clone, Copy, Debug)]
pub enum UnsignedCall {}

impl CallKind for SignedCall {
    type Select<Signed, Unsigned> = Signed;
}

impl CallKind for UnsignedCall {
    type Select<Signed, Unsigned> = Unsigned;
}

/// The facts about an operation at run time; a row of [`OPERATIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OperationInfo {
    /// Its name, as AWS spells it: `CreateUser`.
    pub name: &'static str,
    /// The prefix of its action in policies: `iam`, `sts`, `cloudtrail`, `bailiwick`.
    pub service: &'static str,
    /// The module of its messages: `iam`, `iamtoolbox`, `sts`, `cloudtrail`, `account`, `admin`, `audit`, `authz`, `signin`.
    pub module: &'static str,
    /// Its path in gRPC: `/bailiwick.iam.v1.UserService/CreateUser`.
    pub path: &'static str,
    /// The full name of its request message.
    pub request: &'static str,
    /// The full name of its response message.
    pub response: &'static str,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// How a call is recorded.
    pub audit: Audit,
    /// How the caller is authenticated.
    pub authentication: Authentication,
    /// The fields of the request that name the resource, as in the proto; empty if that is the account.
    pub resource: &'static [&'static str],
    /// The numbers of the request's fields that ask for a page: its marker and its size. Empty without pages.
    pub page: &'static [u32],
}

impl OperationInfo {
    /// The descriptor of its method, with its options.
    pub fn method(&self) -> Option<MethodDescriptor> {
        let (service, name) = self.path.strip_prefix('/')?.split_once('/')?;
        let service = crate::pool().get_service_by_name(service)?;
        service.methods().find(|m| m.name() == name)
    }

    /// Returns the path of a member of its request as in `BadRequest`: `tags[1].key` for `tags.1.member.key` or
    /// `Tags.1.Key`. None when the request has no such member.
    pub fn field_path(&self, member: &str) -> Option<String> {
        crate::field::field_path(&self.request_descriptor()?, member)
    }

    /// The descriptor of its request message.
    pub fn request_descriptor(&self) -> Option<MessageDescriptor> {
        crate::pool().get_message_by_name(self.request)
    }

    /// The descriptor of its response message.
    pub fn response_descriptor(&self) -> Option<MessageDescriptor> {
        crate::pool().get_message_by_name(self.response)
    }
}

/// Returns the operation of that name.
pub fn find_operation(name: &str) -> Option<&'static OperationInfo> {
    OPERATIONS.binary_search_by(|row| row.name.cmp(name)).ok().map(|index| &OPERATIONS[index])
}
