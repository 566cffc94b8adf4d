//! The front end of AWS's JSON protocols: AWS JSON 1.1, as CloudTrail speaks it, and REST-JSON, as the IAM toolbox does.
//!
//! One generic codec over the descriptors converts requests to messages and messages to JSON. There is no code per
//! operation: an option of its service has the prefix of `X-Amz-Target`, or an option of its own has method and path. A
//! request is read strictly. A member that the service does not have is refused, although AWS ignores it: it may be a
//! filter, without which the answer would have more than the client asked for.
//!
//! The crate deliberately does not know storage or what any operation means.
//!
//! Start reading at [`Front::handle`], then [`codec`].

pub mod codec;
mod front;
mod target;

pub use front::Front;
pub use target::Protocol;
