//! `bailiwick audit`: the audit trail.

mod filter;
mod generate_policy;
mod public_key;
mod search;
pub(super) mod since;
mod sinks;
mod table;
mod tail;
pub(super) mod unreadable;
mod verify;

use std::process::ExitCode;

use bailiwick_audit::Anchor;
use bailiwick_operation::uuid;
use bailiwick_storage_redb::{OpenError, RedbFile};
use clap::Subcommand;

use crate::deployment::{Found, Missing};
use crate::failure::Failure;
use crate::options::StoreOptions;
use crate::{data_dir, deployment, store};

/// Search, follow and verify the audit trail, show its sinks, and generate policies from it
///
/// The audit trail is in the folder `audit` of the data folder: records in segments, and signed digests of them.
#[derive(Subcommand)]
pub(crate) enum Command {
    Search(Box<search::Options>),
    Tail(Box<tail::Options>),
    GeneratePolicy(Box<generate_policy::Options>),
    Verify(verify::Options),
    PublicKey(public_key::Options),
    Sinks(sinks::Options),
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Search(options) => search::run(&options),
        Command::Tail(options) => tail::run(&options),
        Command::GeneratePolicy(options) => generate_policy::run(&options),
        Command::Verify(options) => verify::run(&options),
        Command::PublicKey(options) => public_key::run(&options),
        Command::Sinks(options) => sinks::run(&options),
    }
}

/// Runs a command that reads the store of a stopped server.
fn block_on<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Failure::new(format!("cannot start: {e}")))?.block_on(future)
}

/// What the store of a stopped server knows of the trail. The store is not changed.
async fn anchor(options: &StoreOptions) -> Result<Anchor, Failure> {
    let folder = options.data_dir.display();
    let nothing = || Failure::new(format!("no store in {folder}: name its folder with --data-dir"));
    if !data_dir::has_store(&options.data_dir)? {
        return Err(nothing());
    }
    let file = RedbFile::open_unchanged(&options.data_dir, &store::settings()).map_err(|error| match error {
        OpenError::InUse(_) => {
            Failure::new(format!("the store in {folder} is in use: stop the server that holds it first"))
        }
        error => Failure::new(format!("cannot open the store in {folder}: {error}")),
    })?;
    let Found::Used(opened) = deployment::read(options, file, Missing::Refused).await? else {
        return Err(nothing());
    };
    let (open, deployment) = (opened.open.clone(), uuid(opened.meta.store_id));
    let read = Anchor::read(opened.store(), deployment).await;
    open.close().await;
    read.map_err(|e| Failure::new(format!("cannot read the store in {folder}: {e}")))
}
