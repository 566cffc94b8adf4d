//! Decisions without a store or a server: from a proven [`Caller`], an action and a resource to what the evaluator decides.
//!
//! A [`ViewBuilder`] receives typed changes (users, groups, roles, policies, access keys, services, resources) and
//! publishes [views](View). A view is immutable; the next one shares everything that did not change, so publishing costs
//! the same whatever its size. Each policy is compiled once, and its holders refer to it. What is missing or does not
//! compile denies everything to the principals that depend on it.
//!
//! A [`Subject`] is the principal of a decision; [resolved](Subject::resolve) on a view, it has its policies, tags and names.
//! A [`DecisionInput`] adds the action, the resource and the context, and builds the evaluator's request and policies. Live
//! decisions, explanations and simulations are all built there.
//!
//! ```
//! use bailiwick_decision::{Account, DecisionInput, Principal, Subject, ViewBuilder, change, evaluator};
//! use bailiwick_model::{AccountId, AccountState, IdKind, Partition, Path, PolicyName, UniqueId, UserName};
//!
//! let account = AccountId::parse("111122223333")?;
//! let (id, name) = (UniqueId::new(IdKind::User, [1; 17]), UserName::parse("Ana")?);
//! let mut builder = ViewBuilder::new(Partition::Aws);
//! builder.set_account(Account { id: account, state: AccountState::Active, management: true, sessions_valid_after: None });
//! builder.set_user(change::User::new(account, id, name.clone()));
//! let policy = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
//!     "Condition": {"StringEquals": {"aws:username": "Ana"}}}}"#;
//! builder.set_inline_policy(&id, &PolicyName::parse("reading")?, policy);
//! let view = builder.publish(1);
//!
//! let ana = Principal::User { account, id, name, path: Path::root() };
//! let subject = Subject::of_principal(&ana, view.partition()).ok_or("not a user")?;
//! let subject = subject.resolve(&view).ok_or("no such user")?;
//! let decide = |action| {
//!     let input = DecisionInput {
//!         resource_account: Some(account),
//!         ..DecisionInput::new(&subject, action, "arn:aws:s3:::pictures/pond.png")
//!     };
//!     input.with(evaluator::decide)
//! };
//! assert!(decide("s3:GetObject").is_allowed());
//! assert!(!decide("s3:PutObject").is_allowed());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The crate deliberately does not know the records of a store, the messages of the API, nor any protocol, and does not
//! verify credentials. `snapshot` feeds the server's view from its store; `authz` proves callers and asks for decisions.
//!
//! Start reading at [`DecisionInput`], then [`Subject`], [`View`] and [`EffectivePolicies`].

mod caller;
mod input;
mod keys;
mod observed_keys;
mod stored_resource;
mod subject;
mod trust;
mod unsigned;
mod view;

pub use bailiwick_evaluator as evaluator;
pub use caller::{
    Caller, ClientCertificate, Credential, Delegation, FederationIssuer, Principal, Session, SessionKind,
    SessionPolicyRef,
};
pub use input::{DecisionInput, ResourcePolicy};
pub use keys::KeySource;
pub use observed_keys::ObservedKeys;
pub use stored_resource::StoredResource;
pub use subject::{ResolvedSubject, Subject, SubjectKind, compile_session_policy};
pub use trust::{Trust, assumed_role};
pub use unsigned::{FederatedPrincipal, Federation, Person, UnsignedCaller};
pub use view::{
    AccessKey, Account, EffectivePolicies, Entity, Group, Holder, KeyAge, ManagedPolicy, Resource, Role, Service, View,
    ViewBuilder, change,
};
