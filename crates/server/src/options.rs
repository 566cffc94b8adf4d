//! The settings of the server and the agent, one file per group of its `--help`.
//!
//! Each setting is an option and an environment variable. A group parses its own options and checks their combination;
//! nothing here opens or creates anything.

mod address;
mod audit;
mod beside;
mod boolean;
mod clients;
mod console;
mod deployment;
mod issuers;
mod listening;
mod logging;
mod master_key;
mod process;
mod shared_store;
mod store;
mod store_place;
mod tls;
mod traces;

pub(crate) use address::{ListenAddress, OptionalListenAddress};
pub(crate) use audit::AuditOptions;
pub(crate) use beside::beside;
pub(crate) use boolean::boolean;
pub(crate) use clients::ClientOptions;
pub(crate) use console::ConsoleOptions;
pub(crate) use deployment::{DeploymentOptions, parse_region};
pub(crate) use issuers::IssuerOptions;
pub(crate) use listening::{ListeningOptions, bind};
pub(crate) use logging::LoggingOptions;
pub(crate) use master_key::MasterKeyOptions;
pub(crate) use process::ProcessOptions;
pub(crate) use shared_store::{DatabaseOptions, MAX_STALENESS, SharedStoreOptions};
pub(crate) use store::{ExistingStoreOptions, StoreOptions};
pub(crate) use store_place::StorePlace;
pub(crate) use tls::TlsOptions;
pub(crate) use traces::TraceOptions;
