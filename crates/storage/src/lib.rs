//! The storage layer: a key space with revisions, transactions over it, and Bailiwick's records.
//!
//! [`Store`] is the interface of a backend: a small ordered key space with revisions, compare-and-commit batches and a
//! change log. All other code uses [`Tx`], a transaction with a consistent view that includes its own writes. It reads
//! and writes users, groups, roles, policies, access keys, accounts, registered services and their resources, maintains
//! their indexes and quotas, and commits only if what it read has not changed.
//!
//! [`Authenticator`] encodes and authenticates the rows that backends store, and [`StoreState`] records which rows
//! exist: changes that were not made by Bailiwick are detected.
//!
//! The crate deliberately does not know API messages, protocols, callers and their permissions, clocks or randomness:
//! the caller supplies times and ids. It does not know the content of sealed bytes.
//!
//! Start reading at [`Tx`]. `keys` defines the key layout, `proto/` the records.

mod access_job;
mod access_key;
mod account;
mod account_features;
mod account_quotas;
mod account_setting;
mod attachment;
mod authenticator;
mod batch;
mod change;
mod check;
mod codec;
mod consistency;
mod credential_report;
mod credential_rules;
mod delegation_request;
mod deletion_task;
mod error;
mod expiring;
mod feed;
mod group;
mod identity;
mod inline;
mod instance_profile;
pub mod keys;
mod lifecycle;
mod log_entry;
mod login_profile;
mod memory;
mod mfa_device;
mod mfa_failures;
mod no_rows;
mod noun;
mod oidc_provider;
mod outage;
mod outbox;
mod passkey;
mod password_policy;
mod policy;
mod reference;
mod resource;
mod revision;
mod role;
mod root_password;
mod saml_assertion_use;
mod saml_provider;
mod server_certificate;
mod server_id;
mod service;
mod service_specific_credential;
mod service_use;
mod session_revocation;
mod settings;
mod sign_in_failures;
mod sign_in_session;
mod signing_certificate;
mod single_use;
mod ssh_public_key;
mod standing;
mod store;
mod store_copy;
mod store_state;
mod token_issuer;
mod tx;
mod user;

pub use bailiwick_model::{AccountState, PolicyRef};

pub use access_job::{AccessJob, AccessSubject};
pub use access_key::{AccessKey, AccessKeyLastUsed, KeyOwner};
pub use account::Account;
pub use account_features::{AccountProperties, GlobalTokenVersion, OrganizationFeatures, OutboundFederation};
pub use account_quotas::AccountQuotas;
pub use account_setting::AccountSetting;
pub use attachment::{Holder, HolderFilter};
pub use authenticator::{Authenticator, OpenedRow};
pub use batch::{Add, Batch, Expect, MAX_KEY, MAX_VALUE, Versioned, counter_value};
pub use change::{Change, ChangeSet, Changes};
pub use check::{Findings, check};
pub use codec::{FORMAT, Record};
pub use consistency::{Content, Fault, FaultKind, Inspector, inspect};
pub use credential_report::{CredentialReport, ReportChunk};
pub use credential_rules::CredentialRules;
pub use delegation_request::{
    DelegationApproval, DelegationParameter, DelegationParty, DelegationRequest, DelegationState,
};
pub use deletion_task::DeletionTask;
pub use error::{Cause, StoreError};
pub use expiring::{Expiring, ExpiringSpec};
pub use feed::{Feed, newer_than};
pub use group::Group;
pub use identity::Identity;
pub use inline::InlinePolicy;
pub use instance_profile::InstanceProfile;
pub use lifecycle::IdentityNoun;
pub use log_entry::{decode_log_entry, encode_log_entry};
pub use login_profile::LoginProfile;
pub use memory::MemoryStore;
pub use mfa_device::{MfaAssignment, MfaDevice};
pub use mfa_failures::MfaFailures;
pub use noun::{FoldedName, Noun};
pub use oidc_provider::OidcProvider;
pub use outage::{Outage, OutageReason};
pub use outbox::OutboxRow;
pub use passkey::Passkey;
pub use password_policy::PasswordPolicy;
pub use policy::{Policy, PolicyVersion, Usage};
pub use reference::IdentityKind;
pub use resource::{Resource, ResourcePolicy};
pub use revision::Revision;
pub use role::{Role, RoleLastUsed, TrustPolicy};
pub use root_password::RootPassword;
pub use saml_provider::{SamlMetadataChunk, SamlPrivateKey, SamlProvider};
pub use server_certificate::ServerCertificate;
pub use server_id::ServerId;
pub use service::{Service, ServiceActor};
pub use service_specific_credential::ServiceSpecificCredential;
pub use service_use::{ServiceUse, ServiceUser};
pub use session_revocation::SessionRevocation;
pub use settings::Meta;
pub use sign_in_failures::{SIGN_IN_FINGERPRINT, SignInFailures};
pub use sign_in_session::SignInSession;
pub use signing_certificate::SigningCertificate;
pub use ssh_public_key::SshPublicKey;
pub use standing::Standing;
pub use store::{At, Entry, Health, Inspected, Scan, Store, View};
pub use store_copy::{StoreCopy, StoredRow};
pub use store_state::{RowSetDigest, StoreState, Tally};
pub use token_issuer::{TokenSigningKey, TokenSigningKeys};
pub use tx::{CommitError, Page, Tx};
pub use user::User;
