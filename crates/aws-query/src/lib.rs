//! The AWS Query front end: parameters in, XML out, as AWS's command line, SDKs and tools speak to IAM and STS.
//!
//! One generic codec over the descriptors turns parameters into messages and messages into XML; there is no code per
//! operation. Whoever asks for JSON gets it from STS, as AWS has it. Requests for services that are not served here are
//! refused in the protocol of their service.
//!
//! The crate deliberately does not know storage, nor what any operation means; nobody else knows XML.
//!
//! Start reading at [`Front::handle`], then [`codec`].

pub mod codec;
pub mod form;
mod front;
mod unserved;

pub use front::Front;
