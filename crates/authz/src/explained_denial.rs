//! The explanation of a denial, and where the documents of its policies are.

use std::sync::Arc;

use bailiwick_evaluator as evaluator;
use bailiwick_model::{AccountId, UniqueId};
use bailiwick_operation::AuthorizationDetails;

/// The details of a denial, and where the documents of its policies are.
#[derive(Debug, Default)]
pub struct ExplainedDenial {
    /// The details. No policy has a digest yet.
    pub details: AuthorizationDetails,
    /// Where the document of each policy is, in the order of `details.policies`.
    pub documents: Vec<DocumentPlace>,
    /// The user or role whose policies took part.
    pub principal: Option<UniqueId>,
}

/// Where the document of a policy is.
#[derive(Clone, Debug)]
pub enum DocumentPlace {
    /// Here.
    Here(Arc<str>),
    /// In the store: an inline policy of a user, role or group.
    Inline {
        /// The account of the identity.
        account: AccountId,
        /// The identity.
        owner: UniqueId,
        /// The name of the policy.
        name: String,
        /// The policy that took part.
        compiled: evaluator::Policy,
    },
    /// In the store: the policy of a resource of another service.
    Resource {
        /// The account of the resource.
        account: AccountId,
        /// Its ARN.
        arn: String,
        /// The policy that took part.
        compiled: evaluator::Policy,
    },
    /// In the store: the trust policy of a role.
    Trust {
        /// The account of the role.
        account: AccountId,
        /// The role.
        role: UniqueId,
        /// The policy that took part.
        compiled: evaluator::Policy,
    },
    /// It has none that can be shown.
    Nowhere,
}
