//! `bailiwick evaluate`: decide requests that come with their policies, without a server.

use std::io::{self, BufRead, BufWriter, Write};
use std::process::ExitCode;

use bailiwick_evaluator::jsonl::evaluate_line;
use clap::Args;

use crate::failure::Failure;

/// Decide requests that come with all their policies, one JSON object a line
///
/// Reads standard input and writes one line for each line read: its id and the decision. A line that can't be read
/// gives an error in its place and the run goes on; the exit code is then 1.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick evaluate --jsonl < cases.jsonl
  bailiwick evaluate --jsonl --explain < cases.jsonl")]
pub(crate) struct Options {
    /// Read and write one JSON object a line; the only format so far
    #[arg(long, required = true)]
    jsonl: bool,
    /// Say beside each decision how it came about
    #[arg(long)]
    explain: bool,
}

/// The longest line that is read.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// Exit code 0 when every line could be read, 1 otherwise.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let fail = |e: io::Error| Failure::new(format!("cannot go on: {e}"));
    let mut input = io::stdin().lock();
    let mut output = BufWriter::new(io::stdout().lock());
    let (mut line, mut all_read) = (Vec::new(), true);
    loop {
        line.clear();
        let read = io::Read::take(&mut input, MAX_LINE as u64).read_until(b'\n', &mut line).map_err(fail)?;
        if read == 0 {
            break;
        }
        if read == MAX_LINE && line.last() != Some(&b'\n') {
            return Err(Failure::new(format!("a line has more than {MAX_LINE} bytes")));
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        let answer = evaluate_line(&text, options.explain);
        all_read &= answer.decision.is_some();
        writeln!(output, "{}", answer.line).map_err(fail)?;
    }
    output.flush().map_err(fail)?;
    Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
