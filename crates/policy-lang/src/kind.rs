//! The kinds of policies, which determine the permitted elements.

use std::fmt;

/// The kind of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PolicyKind {
    /// Identity policy of a user, group or role: inline or managed.
    Identity,
    /// Policy of a resource.
    Resource,
    /// Trust policy of a role.
    Trust,
    /// Permissions boundary of a user or role.
    Boundary,
    /// Session policy, given with a request for temporary credentials.
    Session,
    /// Service control policy.
    Scp,
    /// Resource control policy.
    Rcp,
    /// Policy of a VPC endpoint.
    Endpoint,
}

impl PolicyKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Identity,
        Self::Resource,
        Self::Trust,
        Self::Boundary,
        Self::Session,
        Self::Scp,
        Self::Rcp,
        Self::Endpoint,
    ];

    /// Whether statements of this kind must have principals.
    #[must_use]
    pub fn has_principal(self) -> bool {
        matches!(self, Self::Resource | Self::Trust | Self::Rcp | Self::Endpoint)
    }

    /// Whether a statement of this kind names resources.
    #[must_use]
    pub fn has_resource(self) -> bool {
        self != Self::Trust
    }

    /// Whether its text is bound to tab, line breaks and the characters U+0020 to U+00FF, as IAM's own policies are.
    #[must_use]
    pub fn is_latin(self) -> bool {
        matches!(self, Self::Identity | Self::Trust | Self::Boundary | Self::Session)
    }

    /// Whether a `Sid` may hold letters and digits only.
    #[must_use]
    pub fn has_plain_sids(self) -> bool {
        !matches!(self, Self::Resource | Self::Endpoint)
    }

    /// Whether an ARN with fewer than six parts stands for all that begin with them. AWS completes ARNs in
    /// identity-based policies, and refuses incomplete ones in session policies.
    #[must_use]
    pub fn completes_arns(self) -> bool {
        matches!(self, Self::Identity | Self::Boundary)
    }

    /// The kind in words, for messages.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Identity => "identity-based policy",
            Self::Resource => "resource-based policy",
            Self::Trust => "trust policy",
            Self::Boundary => "permissions boundary",
            Self::Session => "session policy",
            Self::Scp => "service control policy",
            Self::Rcp => "resource control policy",
            Self::Endpoint => "endpoint policy",
        }
    }
}

impl fmt::Display for PolicyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}
