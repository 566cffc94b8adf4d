//! Limits that AWS documents and that do not depend on the quotas of a deployment.
//!
//! Source: "IAM and AWS STS quotas" in the IAM User Guide. Sizes of policies are counted in characters, white space
//! outside of strings left out, except where said.

/// Tags on one user, role, policy or session.
pub const MAX_TAGS: usize = 50;
/// Access keys of one user, root included.
pub const ACCESS_KEYS_PER_USER: u64 = 2;
/// Signing certificates of one user, root included.
pub const SIGNING_CERTIFICATES_PER_USER: u64 = 2;
/// MFA devices that are enabled for one user, root included.
pub const MFA_DEVICES_PER_USER: u64 = 8;
/// Characters of the serial number of an MFA device.
pub const MFA_SERIAL_SIZE: usize = 256;
/// SSH public keys of one user.
pub const SSH_PUBLIC_KEYS_PER_USER: u64 = 5;
/// Service-specific credentials of one user for one service.
pub const CREDENTIALS_PER_SERVICE: u64 = 2;
/// Client ids of one OpenID Connect provider.
pub const CLIENT_IDS_PER_PROVIDER: usize = 100;
/// Private keys of one SAML provider.
pub const PRIVATE_KEYS_PER_PROVIDER: usize = 2;
/// Certificate thumbprints of one OpenID Connect provider.
pub const THUMBPRINTS_PER_PROVIDER: usize = 5;
/// Stored versions of one managed policy.
pub const VERSIONS_PER_POLICY: usize = 5;
/// Characters of one managed policy.
pub const MANAGED_POLICY_SIZE: usize = 6_144;
/// Characters of all inline policies of one user together.
pub const USER_INLINE_SIZE: usize = 2_048;
/// Characters of all inline policies of one group together.
pub const GROUP_INLINE_SIZE: usize = 5_120;
/// Characters of all inline policies of one role together.
pub const ROLE_INLINE_SIZE: usize = 10_240;
/// Characters of one trust policy.
pub const TRUST_POLICY_SIZE: usize = 2_048;
/// Characters of one stored resource policy.
pub const RESOURCE_POLICY_SIZE: usize = 20_480;
/// Bytes of the ARN of a resource whose policy or tags are stored.
pub const RESOURCE_ARN_SIZE: usize = 500;
/// Resources of one account whose policy or tags are stored.
pub const RESOURCES_PER_ACCOUNT: u64 = 100_000;
/// Services that one deployment registers.
pub const SERVICES: u64 = 1_000;
/// Characters of one inline session policy, white space counted.
pub const SESSION_POLICY_SIZE: usize = 2_048;
/// Managed policies that one session may name.
pub const SESSION_POLICY_ARNS: usize = 10;
/// Items on a page by default.
pub const DEFAULT_PAGE: usize = 100;
/// Items on a page, at most.
pub const MAX_PAGE: usize = 1_000;
/// The most items that a filter drops on one page. Then the page ends, shorter than requested, and has a marker: AWS
/// documents that a page may have fewer items although there are more.
pub const DROPPED_PER_PAGE: usize = 2_000;
/// Seconds that a session lasts by default.
pub const DEFAULT_SESSION_SECONDS: i64 = 3_600;
/// Seconds that a session lasts at least.
pub const MIN_SESSION_SECONDS: i64 = 900;
/// Seconds that a session of a role assumed from another role lasts at most.
pub const CHAINED_SESSION_SECONDS: i64 = 3_600;
/// Seconds that any role session lasts at most.
pub const MAX_SESSION_SECONDS: i64 = 43_200;

/// AWS's default quotas for an account or an entity. A deployment may change them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// Users in an account.
    pub users: u64,
    /// Groups in an account.
    pub groups: u64,
    /// Roles in an account.
    pub roles: u64,
    /// Customer managed policies in an account.
    pub policies: u64,
    /// Groups that one user is in.
    pub groups_per_user: u64,
    /// Managed policies attached to one user.
    pub attached_per_user: u64,
    /// Managed policies attached to one group.
    pub attached_per_group: u64,
    /// Managed policies attached to one role.
    pub attached_per_role: u64,
    /// Instance profiles in an account.
    pub instance_profiles: u64,
    /// OpenID Connect providers in an account.
    pub oidc_providers: u64,
    /// SAML providers in an account.
    pub saml_providers: u64,
    /// Server certificates in an account.
    pub server_certificates: u64,
    /// Accounts in the deployment.
    pub accounts: u64,
}

impl Default for Quotas {
    fn default() -> Self {
        Quotas {
            users: 5_000,
            groups: 300,
            roles: 1_000,
            policies: 1_500,
            groups_per_user: 10,
            attached_per_user: 10,
            attached_per_group: 10,
            attached_per_role: 10,
            instance_profiles: 1_000,
            oidc_providers: 100,
            saml_providers: 100,
            server_certificates: 20,
            accounts: 10_000,
        }
    }
}
