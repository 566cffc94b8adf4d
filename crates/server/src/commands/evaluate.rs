//! `bailiwick evaluate`: decides requests by the policies given with them, without a server.

mod cases;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, IsTerminal as _};
use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_evaluator::jsonl::FORMAT;
use clap::Args;

use crate::failure::Failure;
use crate::{input, output};
use cases::Reading;

/// Decide requests by the policies given with them, one JSON object per line
///
/// Reads files or standard input and writes one line per case: its id and the decision. A case can also span several
/// lines. A case that cannot be parsed yields an error in its place, and the run continues.
///
/// Exit codes: 0 every case was decided, 1 a case could not be parsed, 2 a file cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick evaluate cases.jsonl more-cases.jsonl
  bailiwick evaluate --explain case.json
  jq -c '.cases[]' cases.json | bailiwick evaluate -
  bailiwick evaluate --format | less")]
pub(crate) struct Options {
    /// Files to read; `-` is standard input, which is also the default
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Accepted for compatibility
    #[arg(long, hide = true)]
    jsonl: bool,
    /// Print the format of cases and answers, with examples, and exit
    #[arg(long, conflicts_with_all = ["jsonl", "explain", "files"])]
    format: bool,
    /// Add an explanation to each decision
    #[arg(long)]
    explain: bool,
}

/// The longest accepted case in bytes.
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
        eprintln!("reading cases from standard input, one per line; Ctrl-D ends");
    }
    for file in files {
        let name = if file.as_os_str() == "-" { None } else { Some(input::name(file)) };
        let reading = Reading { file: name.as_deref(), explain: options.explain, longest: MAX_CASE };
        // Answers are flushed before more input is awaited, for callers that send one case at a time.
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
            // The reader closed the pipe.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(ExitCode::SUCCESS),
            Err(e) => return Err(Failure::with_code(format!("cannot continue: {e}"), 2)),
        }
    }
    if all_read {
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("some cases could not be parsed; `bailiwick evaluate --format` prints the format");
    Ok(ExitCode::from(1))
}

fn is_folder() -> io::Error {
    io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")
}
