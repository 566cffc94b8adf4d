//! What a check of the store passes to its caller.

use bailiwick_model::AccountId;
use bytes::Bytes;

use crate::{
    AccessKey, InlinePolicy, LoginProfile, MfaDevice, PolicyVersion, Resource, Role, RootPassword, SamlProvider,
    ServerCertificate, ServiceSpecificCredential, TokenSigningKeys,
};

/// The records whose content this crate does not know: policies, sealed secrets, audit records.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each variant is the record of its name")]
pub enum Content {
    Role(Role),
    PolicyVersion(PolicyVersion),
    InlinePolicy(InlinePolicy),
    Resource(Resource),
    AccessKey(AccessKey),
    LoginProfile(LoginProfile),
    RootPassword(AccountId, RootPassword),
    MfaDevice(MfaDevice),
    ServiceSpecificCredential(ServiceSpecificCredential),
    ServerCertificate(ServerCertificate),
    SamlProvider(SamlProvider),
    TokenSigningKeys(AccountId, TokenSigningKeys),
    /// The wrapped keys.
    Keyring(Bytes),
    /// Audit records that wait to be shipped.
    OutboxRow(Bytes),
    /// How far the outbox has been shipped.
    AuditCheckpoint(Bytes),
    /// The keys that sign digests of the audit trail.
    AuditSigningKeys(Bytes),
}
