//! `bailiwick audit verify`: finds records and digests that were altered, removed, moved or invented.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_audit::{Expected, PublicKey, Report, Trust};
use clap::Args;

use super::{anchor, block_on};
use crate::failure::Failure;
use crate::logging::{self, LogFilter, LogFormat};
use crate::options::StoreOptions;
use crate::output::{self, BAD, GOOD, NOTABLE, styled};
use crate::process;
use crate::progress::Progress;

/// The exit code for a trail with faults.
const FAULTS: u8 = 1;
/// The exit code if the trail could not be verified.
const UNVERIFIED: u8 = 2;
const MIB: u64 = 1024 * 1024;

/// Verify the audit trail
///
/// Checks the form, the number and the hash chain of every record, the chain and the signature of every digest, and that
/// each digest is right about the records. On the store of a stopped server, with the master key, it also compares the
/// end of the trail with the store. If the server runs, or with --folder, the folder alone is verified: a note says
/// what cannot be known then. The output lists every fault with its file and record.
///
/// Exit codes: 0 the trail is intact, 1 it has faults, 2 it could not be verified.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick audit verify
  bailiwick audit verify --data-dir /var/lib/bailiwick/data --public-key audit-key.pem
  bailiwick audit verify --folder backup/audit --public-key audit-key.pem --json")]
pub(crate) struct Options {
    /// Folder of the audit trail alone, such as a copy; the data folder is not read then
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
    /// File with the trusted public keys as PEM, as `bailiwick audit public-key` printed them [default: those of the store,
    /// or else the one that the digests name]
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreOptions,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    logging::start(&LogFilter::warnings(), LogFormat::Text)?;
    process::harden();
    let report = verified(options).map_err(|failure| failure.coded(UNVERIFIED))?;
    if options.json {
        let fail = |e: serde_json::Error| Failure::with_code(format!("cannot write the report: {e}"), UNVERIFIED);
        output::print(&format!("{}\n", serde_json::to_string_pretty(&report).map_err(fail)?))?;
    } else {
        output::print(&shown(&report))?;
    }
    Ok(if report.intact { ExitCode::SUCCESS } else { ExitCode::from(FAULTS) })
}

fn verified(options: &Options) -> Result<Report, Failure> {
    let keys = options.public_key.as_ref().map(|file| {
        let fail =
            |e: &dyn std::fmt::Display| Failure::new(format!("cannot read the public key {}: {e}", file.display()));
        let text = fs::read_to_string(file).map_err(|e| fail(&e))?;
        PublicKey::parse_pem(&text).map_err(|e| fail(&e))
    });
    let mut expected = Expected { keys: keys.transpose()?.unwrap_or_default(), anchor: None };
    let mut note = None;
    let folder = match &options.folder {
        Some(folder) => folder.clone(),
        None => {
            match block_on(anchor(&options.store)) {
                Ok(anchor) => expected.anchor = Some(anchor),
                Err(failure) => note = Some(format!("the trail was not compared with the store: {failure}")),
            }
            options.store.data_dir.join("audit")
        }
    };
    let progress = Progress::new();
    let mut show = |done: u64, all: u64| progress.at((done / MIB) as usize, (all / MIB) as usize, "MiB verified");
    let report = bailiwick_audit::verify(&folder, &expected, &mut show);
    progress.end();
    let mut report =
        report.map_err(|e| Failure::new(format!("cannot verify the audit trail in {}: {e}", folder.display())))?;
    report.notes.extend(note);
    Ok(report)
}

/// The report as text.
fn shown(report: &Report) -> String {
    let mut text = String::new();
    for fault in &report.faults {
        let fault = crate::escapes::lines(&fault.to_string()).into_owned();
        text.push_str(&format!("{} {fault}\n", styled(BAD, "fault:")));
    }
    let listed = report.faults.len() as u64;
    if report.fault_count > listed {
        text.push_str(&format!(
            "{} {}\n",
            styled(BAD, "fault:"),
            output::counted(report.fault_count - listed, "further fault")
        ));
    }
    for note in &report.notes {
        text.push_str(&format!("{} {}\n", styled(NOTABLE, "note:"), crate::escapes::lines(note)));
    }
    let outcome = if report.intact { styled(GOOD, "intact:") } else { styled(BAD, "not intact:") };
    let trust = match report.trust {
        Trust::Given => "the key of --public-key",
        Trust::Store => "the key of the store",
        Trust::Digests => "the key that the digests name",
    };
    text.push_str(&format!(
        "{outcome} {} in {}, {}; {} up to record {}, with {trust}",
        output::counted(report.records, "record"),
        output::counted(report.segments, "segment"),
        match (report.first_sequence, report.last_sequence) {
            (first, last) if first == last => format!("number {first}"),
            (first, last) => format!("{first} to {last}"),
        },
        output::counted(report.digests, "digest"),
        report.signed_sequence
    ));
    if !report.key_ids.is_empty() {
        text.push_str(&format!(" ({})", report.key_ids.join(", ")));
    }
    text.push('\n');
    text
}
