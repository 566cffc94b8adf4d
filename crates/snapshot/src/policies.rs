//! Managed policies.

use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::{Arn, Tags};
use bailiwick_storage::PolicyRef;
use bytes::Bytes;

/// A managed policy: its default version, compiled.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    /// The default version, compiled.
    pub policy: Policy,
    pub(crate) metadata: Arc<PolicyMetadata>,
}

/// The properties of a managed policy that decisions do not need.
#[derive(Clone, Debug)]
pub(crate) struct PolicyMetadata {
    pub(crate) reference: PolicyRef,
    pub(crate) arn: Option<Arn>,
    pub(crate) tags: Tags,
    pub(crate) default_version: u32,
    /// The stored records of all versions, because any of them can become the default.
    pub(crate) versions: Vec<(u32, Bytes)>,
}

impl ManagedPolicy {
    /// The owner and unique id.
    pub fn reference(&self) -> PolicyRef {
        self.metadata.reference
    }

    /// The tags.
    pub fn tags(&self) -> &Tags {
        &self.metadata.tags
    }

    /// The ARN; `None` if the policy is missing, which denies everything to its holders.
    pub fn arn(&self) -> Option<&Arn> {
        self.metadata.arn.as_ref()
    }
}
