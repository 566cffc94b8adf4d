//! One call of an import, and the call that takes it back.

use bailiwick_api::{Operation, Validate as _, iam as pb, op};
use bailiwick_grpc::client::ClientError;

use crate::commands::remote::Connection;

/// A call with its words in the report.
#[derive(Debug)]
pub(super) struct Step {
    /// What it does: `attach arn:aws:iam::aws:policy/ReadOnlyAccess`.
    pub(super) what: String,
    /// The call.
    pub(super) call: Call,
    /// The calls that take it back, in order.
    pub(super) undo: Vec<Call>,
}

impl Step {
    pub(super) fn new(what: impl Into<String>, call: Call, undo: impl IntoIterator<Item = Call>) -> Self {
        Step { what: what.into(), call, undo: undo.into_iter().collect() }
    }

    /// Makes the call, and returns what takes it back.
    pub(super) async fn run(&self, server: &Connection) -> Result<Vec<Call>, ClientError> {
        let new_version = self.call.send(server).await?;
        let mut undo = self.undo.clone();
        if let (Call::CreatePolicyVersion(request), Some(version)) = (&self.call, new_version) {
            let (policy_arn, version_id) = (request.policy_arn.clone(), Some(version));
            undo.push(Call::DeletePolicyVersion(pb::DeletePolicyVersionRequest { policy_arn, version_id }));
        }
        Ok(undo)
    }
}

/// The operations that an import calls.
macro_rules! calls {
    ($($name:ident)*) => {
        /// A request of any of the operations that an import calls.
        #[derive(Clone, Debug)]
        pub(super) enum Call {
            $($name(<op::$name as Operation>::Request)),*
        }

        impl Call {
            /// Makes the call. Returns the id of a new policy version.
            pub(super) async fn send(&self, server: &Connection) -> Result<Option<String>, ClientError> {
                if let Call::CreatePolicyVersion(request) = self {
                    let answer = server.call::<op::CreatePolicyVersion>(request).await?;
                    return Ok(answer.policy_version.and_then(|version| version.version_id));
                }
                match self {
                    $(Call::$name(request) => server.call::<op::$name>(request).await.map(|_| None)),*
                }
            }

            /// The name of the operation.
            pub(super) fn name(&self) -> &'static str {
                match self {
                    $(Call::$name(_) => op::$name::NAME),*
                }
            }

            /// What the server will refuse in the request by itself.
            pub(super) fn violations(&self) -> Option<String> {
                let violations = match self {
                    $(Call::$name(request) => request.validate()),*
                };
                (!violations.is_empty()).then(|| violations.to_string())
            }
        }
    };
}

calls! {
    CreatePolicy DeletePolicy CreatePolicyVersion DeletePolicyVersion SetDefaultPolicyVersion
    CreateGroup DeleteGroup UpdateGroup PutGroupPolicy DeleteGroupPolicy AttachGroupPolicy DetachGroupPolicy
    CreateUser DeleteUser UpdateUser PutUserPolicy DeleteUserPolicy AttachUserPolicy DetachUserPolicy
    TagUser UntagUser PutUserPermissionsBoundary DeleteUserPermissionsBoundary AddUserToGroup RemoveUserFromGroup
    CreateRole DeleteRole PutRolePolicy DeleteRolePolicy AttachRolePolicy DetachRolePolicy
    TagRole UntagRole PutRolePermissionsBoundary DeleteRolePermissionsBoundary UpdateAssumeRolePolicy
    CreateServiceLinkedRole DeleteServiceLinkedRole
    CreateInstanceProfile DeleteInstanceProfile AddRoleToInstanceProfile RemoveRoleFromInstanceProfile
}
