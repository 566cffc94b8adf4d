//! What every handler is made of: the trait it implements, the context it runs in, the checks it names, pages.
//!
//! An operation is one request, one response and one handler ([`Handle`]). The handler's `plan` parses the request and
//! names everything that must be allowed; its `handle` carries the plan out. The pipeline in `service` authenticates
//! the caller before `plan`, has the checks decided between the two, and commits and records after `handle`. Computations
//! with passwords run between two transactions, on a bounded [`PasswordPool`], and keys of issuers are fetched before the
//! first one ([`IssuerKeys`]).
//!
//! The crate deliberately does not know any noun (users, roles, …) beyond the principals that a policy may name, any
//! protocol, nor how a decision is made.
//!
//! Start reading at [`Handle`], then [`Cx`] and [`Check`].

mod authorization;
pub mod background;
mod check;
mod cx;
mod decision_log;
mod decision_record;
mod documented;
mod fair_queue;
mod handle;
mod issuer_keys;
pub mod mfa;
mod pages;
mod paging;
pub mod passkey;
mod password;
mod principals;
mod recent_uses;
mod revision;
mod saml_metadata;
mod secrets;
mod standing;
pub mod trace;

pub use authorization::{
    AuthorizationDetails, ContextText, DeniedPrincipal, EvaluatedPolicy, Evaluation, LayerCheck, MatchedPolicy,
    MatchedStatement, MissedStatement,
};
pub use bailiwick_decision::{
    Caller, Credential, Delegation, FederatedPrincipal, Federation, FederationIssuer, Person, Principal, Session,
    SessionKind, SessionPolicyRef, UnsignedCaller,
};
pub use check::{Check, ContextValue, Policy};
pub use cx::{Clock, Cx, CxOf, Deployment, NoCaller, Random, RequestInfo, counted_as, uuid};
pub use decision_log::{DecisionLog, RecordedDenial};
pub use decision_record::{CheckRecord, ContextRecord, DecidingStatement, DecisionRecord, SessionRecord};
pub use fair_queue::{FairQueue, FairQueueLimits, Overloaded, Permit};
pub use handle::{Handle, Planned, WaitFor};
pub use issuer_keys::{IssuerKeys, IssuerKeysError, IssuerKeysOutcome, NoIssuerKeys, WantedKeys};
pub use pages::{ListPage, PageRequest, Pages, PathPage};
pub use paging::Paging;
pub use password::{
    DelayRules, PasswordFailures, PasswordOutcome, PasswordPool, PasswordPurpose, PasswordResult, PasswordWork,
};
pub use principals::{bind_principals, entity_arn, find_entity, malformed, show_principals, show_trust_policy};
pub use recent_uses::{RecentServiceUse, RecentServiceUses, RecentUse, RecentUses};
pub use revision::RevisionScope;
pub use saml_metadata::SamlMetadataCache;
pub use secrets::{PasswordOwner, SecretOwner, SecretPlace};
pub use standing::standing;
