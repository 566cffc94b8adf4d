//! `bailiwick audit public-key`: the keys that verify digests.

use std::process::ExitCode;

use clap::Args;

use super::{anchor, block_on};
use crate::failure::Failure;
use crate::logging::{self, LogFilter, LogFormat};
use crate::options::StoreOptions;
use crate::{output, process};

/// Print the public keys that verify the digests of the audit trail
///
/// Prints each key as PEM, the newest last. Keep the output on another machine: `bailiwick audit verify --public-key`
/// then also finds a trail that was written again and signed with another key. Works on the store of a stopped server, with the master
/// key.
///
/// Exit codes: 0 printed, 1 there is no key yet or the store cannot be opened, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick audit public-key > audit-key.pem
  bailiwick audit public-key --data-dir /var/lib/bailiwick/data")]
pub(crate) struct Options {
    #[command(flatten)]
    store: StoreOptions,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    logging::start(&LogFilter::warnings(), LogFormat::Text)?;
    process::harden();
    let anchor = block_on(anchor(&options.store))?;
    if anchor.keys().is_empty() {
        return Err(Failure::new("there is no key yet: the server makes it with the first digest"));
    }
    for key in anchor.keys() {
        output::print(&key.to_pem())?;
    }
    Ok(ExitCode::SUCCESS)
}
