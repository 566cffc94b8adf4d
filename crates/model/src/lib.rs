//! Value types of identity and access management: account ids, ARNs, names, paths, tags, unique ids, limits and error
//! codes.
//!
//! Every type is validated text or a number: immutable, cheap to compare, and spelled as AWS spells it. The crate has
//! no I/O, clock or randomness; the caller supplies the random bytes of a new unique id.
//!
//! Start at [`Arn`] and [`ErrorCode`].

mod account;
mod arn;
mod error;
mod id;
pub mod limits;
pub mod mask;
mod name;
mod partition;
mod path;
mod source;
mod tag;

pub use account::{AccountAlias, AccountId};
pub use arn::{Arn, ArnError};
pub use error::{ErrorCode, ErrorKind, Fault, IamError, Result};
pub use id::{AccessKeyId, AccessKeyKind, IdKind, UniqueId};
pub use name::{GroupName, InstanceProfileName, NameError, PolicyName, RoleName, SessionName, UserName};
pub use partition::{Partition, Region};
pub use path::Path;
pub use source::SourceNetwork;
pub use tag::{Tag, Tags};
