//! `bailiwick evaluate`: decide requests that come with their policies, without a server.

mod cases;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_evaluator::jsonl::FORMAT;
use clap::Args;

use super::{input, output};
use crate::failure::Failure;
use cases::Reading;

/// Decide requests that come with all their policies, one JSON object a line
///
/// Reads files, or standard input, and writes one line for each case: its id and the decision. A file may as well hold a
/// case, or several, printed over many lines. A case that can't be read gives an error in its place, and the run goes on.
///
/// Exit codes: 0 every case was decided, 1 one could not be read, 2 a file can't be read.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick evaluate cases.jsonl more-cases.jsonl
  bailiwick evaluate --explain case.json
  jq -c .cases[] cases.json | bailiwick evaluate -
  bailiwick evaluate --format | less")]
pub(crate) struct Options {
    /// Files to read; `-` is standard input, which is also read when none is named
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Accepted since it was needed once
    #[arg(long, hide = true)]
    jsonl: bool,
    /// Tell what a case may hold, and what is answered, with examples; then end
    #[arg(long, conflicts_with_all = ["jsonl", "explain", "files"])]
    format: bool,
    /// Say beside each decision how it came about
    #[arg(long)]
    explain: bool,
}

/// The longest case that is read.
const MAX_CASE: usize = 16 * 1024 * 1024;

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    if options.format {
        output::print(FORMAT)?;
        return Ok(ExitCode::SUCCESS);
    }
    let standard_input = [PathBuf::from("-")];
    let files = if options.files.is_empty() { &standard_input[..] } else { &options.files };
    let mut all_read = true;
    if options.files.is_empty() && io::stdin().is_terminal() {
        eprintln!("reading cases from standard input, one a line; Ctrl-D ends");
    }
    for file in files {
        let name = if file.as_os_str() == "-" { None } else { Some(input::name(file)) };
        let reading = Reading { file: name.as_deref(), explain: options.explain, longest: MAX_CASE };
        // Answers are written out before more is waited for, so whoever asks one by one gets answers one by one.
        let out = BufWriter::new(io::stdout().lock());
        let answered = match name {
            None => reading.answer_all(BufReader::with_capacity(1 << 16, io::stdin().lock()), out),
            Some(ref name) => {
                let opened = File::open(file)
                    .and_then(|file| if file.metadata()?.is_dir() { Err(is_folder()) } else { Ok(file) });
                let opened = opened.map_err(|e| Failure::with_code(format!("cannot read {name}: {e}"), 2))?;
                reading.answer_all(BufReader::with_capacity(1 << 16, opened), out)
            }
        };
        match answered {
            Ok(read) => all_read &= read,
            // Whoever reads has seen enough.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            Err(e) => return Err(Failure::with_code(format!("cannot go on: {e}"), 2)),
        }
    }
    if all_read {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("not every case could be read; `bailiwick evaluate --format` tells what a case holds");
    Ok(ExitCode::from(1))
}

fn is_folder() -> io::Error {
    io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")
}
