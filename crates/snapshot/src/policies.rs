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

/// What decisions need not know of a managed policy.
#[derive(Clone, Debug)]
pub(crate) struct PolicyMetadata {
    pub(crate) reference: PolicyRef,
    pub(crate) arn: Option<Arn>,
    pub(crate) tags: Tags,
    pub(crate) default_version: u32,
    /// The stored records of all versions, so that another one can become the default.
    pub(crate) versions: Vec<(u32, Bytes)>,
}

impl ManagedPolicy {
    /// Owner and unique id.
    pub fn reference(&self) -> PolicyRef {
        self.metadata.reference
    }

    /// The tags.
    pub fn tags(&self) -> &Tags {
        &self.metadata.tags
    }

    /// The ARN; none if there is no such policy, which then denies everything to who holds it.
    pub fn arn(&self) -> Option<&Arn> {
        self.metadata.arn.as_ref()
    }
}
