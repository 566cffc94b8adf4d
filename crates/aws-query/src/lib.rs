//! The AWS Query front end: parameters in, XML out, as used by the AWS CLI, SDKs and tools for IAM and STS.
//!
//! One generic codec over the descriptors converts parameters to messages and messages to XML. There is no code per
//! operation. STS responses are JSON if the client accepts it, as on AWS. Requests for other AWS services are refused
//! in the protocol of that service.
//!
//! The crate deliberately does not know storage or what any operation means. No other crate uses XML.
//!
//! Start reading at [`Front::handle`], then [`codec`].

pub mod codec;
mod exchange;
mod federation;
pub mod form;
mod front;
mod unserved;

pub use front::Front;
