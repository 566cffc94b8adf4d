//! Rows of the store, and of the audit outbox.

use bailiwick_storage::{Record, keys};

/// The kinds of records, each with a function that decodes it and encodes it again.
type Recode = fn(&[u8]) -> Option<bytes::Bytes>;

fn recode<R: Record>(bytes: &[u8]) -> Option<bytes::Bytes> {
    Some(R::decode(bytes).ok()?.encode())
}

const RECORDS: &[Recode] = &[
    recode::<bailiwick_storage::AccessJob>,
    recode::<bailiwick_storage::AccessKey>,
    recode::<bailiwick_storage::AccessKeyLastUsed>,
    recode::<bailiwick_storage::Account>,
    recode::<bailiwick_storage::CredentialReport>,
    recode::<bailiwick_storage::DelegationRequest>,
    recode::<bailiwick_storage::DeletionTask>,
    recode::<bailiwick_storage::Group>,
    recode::<bailiwick_storage::InlinePolicy>,
    recode::<bailiwick_storage::InstanceProfile>,
    recode::<bailiwick_storage::Meta>,
    recode::<bailiwick_storage::MfaDevice>,
    recode::<bailiwick_storage::MfaFailures>,
    recode::<bailiwick_storage::OidcProvider>,
    recode::<bailiwick_storage::Passkey>,
    recode::<bailiwick_storage::Policy>,
    recode::<bailiwick_storage::PolicyVersion>,
    recode::<bailiwick_storage::ReportChunk>,
    recode::<bailiwick_storage::Resource>,
    recode::<bailiwick_storage::Role>,
    recode::<bailiwick_storage::RoleLastUsed>,
    recode::<bailiwick_storage::RootPassword>,
    recode::<bailiwick_storage::SamlMetadataChunk>,
    recode::<bailiwick_storage::SamlProvider>,
    recode::<bailiwick_storage::ServerCertificate>,
    recode::<bailiwick_storage::Service>,
    recode::<bailiwick_storage::ServiceSpecificCredential>,
    recode::<bailiwick_storage::SigningCertificate>,
    recode::<bailiwick_storage::SignInFailures>,
    recode::<bailiwick_storage::SessionRevocation>,
    recode::<bailiwick_storage::SshPublicKey>,
    recode::<bailiwick_storage::ServiceUse>,
    recode::<bailiwick_storage::User>,
];

/// Any value is a record of a kind, or is reported as damaged. What was decoded and encoded decodes to the same.
///
/// # Panics
/// If the property does not hold.
pub fn storage_row(bytes: &[u8]) {
    for recode in RECORDS {
        if let Some(encoded) = recode(bytes) {
            assert_eq!(recode(&encoded), Some(encoded));
        }
    }
}

/// A key is cut into its parts, or it is none.
///
/// # Panics
/// If the property does not hold.
pub fn storage_key(bytes: &[u8]) {
    let _ = (keys::is_decisive(bytes), keys::take_id(bytes), keys::take_policy(bytes));
    if let Some((account, rest)) = keys::take_account(bytes) {
        assert_eq!([&keys::account_bytes(account)[..], rest].concat(), bytes);
    }
    if let Some((account, kind, rest)) = keys::parse(bytes) {
        assert_eq!([&keys::kind(account, kind)[..], rest].concat(), bytes);
    }
}

/// A row of the audit outbox is a list of records, or is reported as damaged.
pub fn audit_row(bytes: &[u8]) {
    let _ = bailiwick_audit::Record::decode_row(bytes);
}
