#![doc = include_str!("../README.md")]

mod account;
#[cfg(feature = "service")]
mod account_state;
mod arn;
#[cfg(feature = "service")]
mod error;
mod id;
#[cfg(feature = "service")]
mod issue;
#[cfg(feature = "limits")]
pub mod limits;
#[cfg(feature = "service")]
pub mod mask;
mod name;
mod partition;
mod path;
#[cfg(feature = "service")]
mod plain;
#[cfg(feature = "service")]
mod policy_ref;
#[cfg(feature = "service")]
mod source;
#[cfg(feature = "service")]
mod tag;
mod text;

pub use account::{AccountAlias, AccountId};
#[cfg(feature = "service")]
pub use account_state::AccountState;
pub use arn::{Arn, ArnError};
#[cfg(feature = "service")]
pub use error::{ErrorCode, ErrorKind, Fault, IamError, Result, add_authorization_id};
pub use id::{AccessKeyId, AccessKeyKind, IdKind, UniqueId};
#[cfg(feature = "service")]
pub use issue::{Issue, Revocation, StorePosition, revocation_subject};
pub use name::{
    GroupName, InstanceProfileName, MfaDeviceName, NameError, PolicyName, RoleName, ServerCertificateName, SessionName,
    UserName,
};
pub use partition::{Partition, Region};
pub use path::Path;
#[cfg(feature = "service")]
pub use plain::plain_prefix;
#[cfg(feature = "service")]
pub use policy_ref::PolicyRef;
#[cfg(feature = "service")]
pub use source::SourceNetwork;
#[cfg(feature = "service")]
pub use tag::{KeyCase, Tag, Tags};
