//! `bailiwick agent`: a server on loopback from which AWS's SDKs take credentials, and which renews them.
//!
//! It answers two protocols that every SDK speaks. The endpoint of container credentials ([`container`]) needs an
//! authorization token, which is in a file that only its owner can read. The instance metadata service, version 2
//! ([`metadata`]), has no secret of its own, so every process on the machine can use it; it is off unless asked for.
//!
//! A request is looked at in this order: [`guard`] refuses what a browser or a proxy sent, then the protocol checks
//! its token, then [`renewal`] has the credentials. It does not know how credentials are obtained.

mod answer;
mod container;
mod guard;
mod metadata;
mod renewal;
mod reply;
mod session;
mod token_file;

pub(crate) use answer::{Agent, Surroundings};
pub(crate) use container::PATH as CONTAINER_PATH;
pub(crate) use metadata::MetadataTokens;
pub(crate) use renewal::{Obtain, Renewal, Sessions};
pub(crate) use session::{Session, due};
pub(crate) use token_file::TokenFile;
