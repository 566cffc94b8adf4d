//! The table of operations and their handlers, and the list of operations that have no handler yet.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::LazyLock;

use bailiwick_api::op;
use bailiwick_api::{Operation, for_each_operation};
use bailiwick_directory::absent_operations;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, Handle, Planned};
use bailiwick_storage::Tx;

use crate::{Answer, Incoming, Service, pipeline};

type Run = for<'a> fn(&'a Service, Incoming<'a>) -> Pin<Box<dyn Future<Output = Answer> + Send + 'a>>;

/// An operation with its handler.
#[derive(Clone, Copy)]
pub struct Route {
    /// The operation's name in AWS's spelling.
    pub name: &'static str,
    /// The prefix of its action: `iam`, `sts`, `bailiwick`.
    pub service: &'static str,
    /// Its path in gRPC.
    pub path: &'static str,
    /// Whether it changes nothing.
    pub read_only: bool,
    /// Whether it has a handler.
    pub coverage: Coverage,
    /// Its index in the table, for counters.
    pub(crate) index: usize,
    pub(crate) run: Run,
}

/// Whether an operation has a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It has a handler.
    Handled,
    /// It is answered as AWS answers if no such object exists, because such objects cannot be created yet.
    Absent,
    /// It is refused with `NotImplemented`.
    NotImplemented,
}

impl Route {
    /// Finds the operation with this gRPC path.
    pub fn find(path: &str) -> Option<&'static Route> {
        TABLE.by_path.get(path).map(|index| &TABLE.rows[*index])
    }

    /// All operations, in the order of the proto files.
    pub fn all() -> &'static [Route] {
        &TABLE.rows
    }
}

struct Table {
    rows: Vec<Route>,
    by_path: HashMap<&'static str, usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let rows = rows();
    let by_path = rows.iter().map(|row| (row.path, row.index)).collect();
    Table { rows, by_path }
});

/// The handler of operations that have no other handler yet.
pub(crate) struct Unimplemented;

fn unimplemented(operation: &str) -> IamError {
    IamError::new(ErrorCode::NotImplemented, format!("{operation} is not implemented by this version of Bailiwick"))
}

/// Lists the operations that have no handler yet, and maps every other service of the API to the part of [`Service`] that
/// handles it.
macro_rules! not_implemented {
    ($($operation:ident)*) => { not_implemented! { @with ($) $($operation)* } };
    (@with ($d:tt) $($operation:ident)*) => {
        $(
            impl Handle<op::$operation> for Unimplemented {
                type Plan = Infallible;

                async fn plan(
                    &self,
                    _: &Cx,
                    _: &mut Tx,
                    _: <op::$operation as Operation>::Request,
                ) -> Result<Planned<Infallible>> {
                    Err(unimplemented(<op::$operation as Operation>::NAME))
                }
                async fn handle(
                    &self,
                    _: &Cx,
                    _: &mut Tx,
                    plan: Infallible,
                ) -> Result<<op::$operation as Operation>::Response> {
                    match plan {}
                }
            }
        )*
        macro_rules! home {
            $(($d me:ident $operation $d service:ident) => { &$d me.unimplemented };)*
            ($d me:ident $d operation:ident AssumeRoleService) => { &$d me.parts.sts };
            ($d me:ident $d operation:ident CallerIdentityService) => { &$d me.parts.sts };
            ($d me:ident $d operation:ident TokenService) => { &$d me.parts.sts };
            ($d me:ident $d operation:ident AuthorizationService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident PolicyValidationService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident ServiceRegistryService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident ResourcePolicyService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident SimulationService) => { &$d me.parts.authz };
            ($d me:ident $d operation:ident $d service:ident) => { &$d me.parts.directory };
        }
        macro_rules! coverage {
            $(($operation) => { Coverage::NotImplemented };)*
            ($d operation:ident) => { Coverage::Handled };
        }
    };
}

not_implemented! {
    AcquireRole
    AssumeRoleWithSAML
    AssumeRoleWithWebIdentity
    AssumeRoot
    CreateDelegationRequest
    CreateInstanceProfile
    CreateLoginProfile
    CreateOpenIDConnectProvider
    CreateSAMLProvider
    CreateServiceLinkedRole
    CreateServiceSpecificCredential
    CreateVirtualMFADevice
    DecodeAuthorizationMessage
    EnableMFADevice
    EnableOrganizationsRootCredentialsManagement
    EnableOrganizationsRootSessions
    EnableOutboundWebIdentityFederation
    GenerateCredentialReport
    GenerateOrganizationsAccessReport
    GenerateServiceLastAccessedDetails
    GetAccessKeyInfo
    GetDelegatedAccessToken
    GetFederationToken
    GetScopedCredentials
    GetSessionToken
    GetWebIdentityToken
    ListPoliciesGrantingServiceAccess
    PutAccountProperties
    SetSecurityTokenServicePreferences
    UpdateAccountPasswordPolicy
    UploadSSHPublicKey
    UploadServerCertificate
    UploadSigningCertificate
}

macro_rules! table {
    ($(($module:ident $service:ident $operation:ident))*) => {
        fn rows() -> Vec<Route> {
            let mut rows = Vec::new();
            $(
                rows.push(Route {
                    name: <op::$operation as Operation>::NAME,
                    service: <op::$operation as Operation>::SERVICE,
                    path: <op::$operation as Operation>::PATH,
                    read_only: <op::$operation as Operation>::READ_ONLY,
                    coverage: covered(<op::$operation as Operation>::NAME, coverage!($operation)),
                    index: rows.len(),
                    run: |service, incoming| {
                        Box::pin(pipeline::run::<op::$operation, _>(service, home!(service $operation $service), incoming))
                    },
                });
            )*
            rows
        }
    };
}

for_each_operation!(table);

fn covered(name: &str, coverage: Coverage) -> Coverage {
    if absent_operations().any(|absent| absent == name) { Coverage::Absent } else { coverage }
}
