//! Managed policies.

use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::{Arn, PolicyRef, Tags};

/// A managed policy: its default version, compiled.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    /// The default version, compiled.
    pub policy: Policy,
    pub(super) metadata: Arc<PolicyMetadata>,
}

/// The properties of a managed policy that decisions do not need.
#[derive(Clone, Debug)]
pub(super) struct PolicyMetadata {
    pub(super) reference: PolicyRef,
    pub(super) arn: Option<Arn>,
    pub(super) tags: Tags,
    pub(super) default_version: u32,
    /// The documents of all versions, because any of them can become the default.
    pub(super) versions: Vec<(u32, Arc<str>)>,
}

impl ManagedPolicy {
    /// The owner and unique id.
    pub fn reference(&self) -> PolicyRef {
        self.metadata.reference
    }

    /// The number of the default version.
    pub fn default_version(&self) -> u32 {
        self.metadata.default_version
    }

    /// The document of the default version; `None` if the policy is missing.
    pub fn document(&self) -> Option<&Arc<str>> {
        let default = self.metadata.default_version;
        self.metadata.versions.iter().find(|(version, _)| *version == default).map(|(_, document)| document)
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
