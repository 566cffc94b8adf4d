//! The handler of each operation, and the list of operations that have no handler yet.

#![allow(unused_imports, dead_code, reason = "the list may be empty")]

use std::convert::Infallible;

use bailiwick_api::{Operation, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{CxOf, Handle, Planned};
use bailiwick_storage::Tx;

/// The handler of operations that have no other handler yet.
pub(crate) struct Unimplemented;

fn unimplemented(operation: &str) -> IamError {
    IamError::new(ErrorCode::NotImplemented, format!("{operation} is not implemented by this version of Bailiwick"))
}

/// Lists the operations that have no handler yet, and makes the macro `handler!`: the handler of an operation, by the
/// service of the API that the operation belongs to, from the parts in [`crate::shared::Shared`].
macro_rules! not_implemented {
    ($($operation:ident)*) => { not_implemented! { @with ($) $($operation)* } };
    (@with ($d:tt) $($operation:ident)*) => {
        $(
            impl Handle<op::$operation> for Unimplemented {
                type Plan = Infallible;

                async fn plan(
                    &self,
                    _: &CxOf<op::$operation>,
                    _: &mut Tx,
                    _: <op::$operation as Operation>::Request,
                ) -> Result<Planned<Infallible>> {
                    Err(unimplemented(<op::$operation as Operation>::NAME))
                }
                async fn handle(
                    &self,
                    _: &CxOf<op::$operation>,
                    _: &mut Tx,
                    plan: Infallible,
                ) -> Result<<op::$operation as Operation>::Response> {
                    match plan {}
                }
            }
        )*
        macro_rules! handler {
            $(($d me:ident $operation $d service:ident) => { &$crate::handlers::Unimplemented };)*
            ($d me:ident $d operation:ident AssumeRoleService) => { &$d me.parts.sts };
            ($d me:ident $d operation:ident AuthorizationMessageService) => { &$d me.parts.sts };
            ($d me:ident $d operation:ident SessionTokenService) => { &$d me.parts.sts };
            ($d me:ident $d operation:ident CallerIdentityService) => { &$d me.parts.sts };
            ($d me:ident $d operation:ident TokenService) => { &$d me.parts.sts };
            ($d me:ident $d operation:ident SignInService) => { &$d me.parts.sign_in };
            ($d me:ident $d operation:ident AuditTrailService) => { $d me.parts.recorder.look_up() };
            ($d me:ident $d operation:ident PolicyGenerationService) => { $d me.parts.recorder.look_up() };
            ($d me:ident $d operation:ident ReplayService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident AccessReviewService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident AuthorizationService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident DenialService) => { $d me.parts.recorder.denials() };
            ($d me:ident $d operation:ident RequestAuthorizationService) => { $d me.parts.recorder.denials() };
            ($d me:ident $d operation:ident PolicyValidationService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident ServiceRegistryService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident ResourcePolicyService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident SimulationService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident EventService) => { $d me.parts.recorder.cloud_trail() };
            ($d me:ident $d operation:ident TrailService) => { $d me.parts.recorder.cloud_trail() };
            ($d me:ident $d operation:ident $d service:ident) => { &$d me.parts.directory };
        }
        /// The names of the operations that have no handler yet.
        pub(crate) const NOT_IMPLEMENTED: &[&str] = &[$(<op::$operation as Operation>::NAME),*];
    };
}

not_implemented! {}

#[expect(clippy::single_component_path_imports, reason = "makes the macro an item of this module")]
pub(crate) use handler;
