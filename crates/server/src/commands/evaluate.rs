//! `bailiwick evaluate`: decide requests that come with their policies, without a server.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::process::ExitCode;

use bailiwick_evaluator::jsonl::{Answer, FORMAT, evaluate_bytes};
use clap::Args;

use crate::failure::Failure;

/// Decide requests that come with all their policies, one JSON object a line
///
/// Reads standard input and writes one line for each line read: its id and the decision. A line that can't be read
/// gives an error in its place and the run goes on; the exit code is then 1.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick evaluate --jsonl < cases.jsonl
  bailiwick evaluate --jsonl --explain < cases.jsonl
  bailiwick evaluate --format | less")]
pub(crate) struct Options {
    /// Read and write one JSON object a line; the only format so far
    #[arg(long, required_unless_present = "format")]
    jsonl: bool,
    /// Tell what a line may hold, and what is answered, with examples; then end
    #[arg(long, conflicts_with_all = ["jsonl", "explain"])]
    format: bool,
    /// Say beside each decision how it came about
    #[arg(long)]
    explain: bool,
}

/// The longest line that is read.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// Exit code 0 when every line could be read, 1 otherwise.
pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    if options.format {
        let told = io::stdout().lock().write_all(FORMAT.as_bytes());
        return told.map(|()| ExitCode::SUCCESS).map_err(|error| Failure::new(format!("cannot go on: {error}")));
    }
    let input = BufReader::with_capacity(1 << 16, io::stdin().lock());
    let output = BufWriter::new(io::stdout().lock());
    match answer_all(input, output, options.explain, MAX_LINE) {
        Ok(true) => Ok(ExitCode::SUCCESS),
        Ok(false) => Ok(ExitCode::from(1)),
        Err(error) => Err(Failure::new(format!("cannot go on: {error}"))),
    }
}

/// Answers line by line; whether every line could be read.
///
/// What is known is written out before more input is waited for, so that who asks one by one gets his answers.
fn answer_all<R: Read>(
    mut input: BufReader<R>,
    mut output: impl Write,
    explain: bool,
    max_line: usize,
) -> io::Result<bool> {
    let (mut line, mut all_read) = (Vec::new(), true);
    let mut first = true;
    loop {
        if input.buffer().is_empty() {
            output.flush()?;
        }
        line.clear();
        let read = (&mut input).take(max_line as u64 + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let answer = if read > max_line && line.last() != Some(&b'\n') {
            line.clear();
            input.skip_until(b'\n')?;
            Answer::error(None, &format!("the line has more than {max_line} bytes"))
        } else {
            // Some editors begin a file with a mark.
            let text = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| first).unwrap_or(&line);
            let text = text.trim_ascii_end();
            if text.is_empty() {
                continue;
            }
            evaluate_bytes(text, explain)
        };
        first = false;
        all_read &= answer.decision.is_some();
        writeln!(output, "{}", answer.line)?;
    }
    output.flush()?;
    Ok(all_read)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"id": "good", "request": {"principal": "*", "action": "s3:GetObject", "resource": "*"}}"#;
    const ANSWER: &str = r#"{"decision":"implicitDeny","id":"good"}"#;

    fn check(input: &[u8], expected: &[&str], all_read: bool) {
        let mut output = Vec::new();
        let read = answer_all(BufReader::with_capacity(16, input), &mut output, false, 256).unwrap();
        assert_eq!(String::from_utf8(output).unwrap().lines().collect::<Vec<_>>(), expected);
        assert_eq!(read, all_read);
    }

    #[test]
    fn each_line_is_answered_in_its_place() {
        check(b"", &[], true);
        check(format!("{GOOD}\n{GOOD}").as_bytes(), &[ANSWER, ANSWER], true);
        check(format!("\n{GOOD}\r\n\r\n  \n{GOOD}\r\n").as_bytes(), &[ANSWER, ANSWER], true);
        check(format!("\u{feff}{GOOD}\n").as_bytes(), &[ANSWER], true);
        let long = r#"{"error":"the line has more than 256 bytes","id":null}"#;
        let line = format!("{GOOD}{}\n", " ".repeat(300));
        check(format!("{GOOD}\n{line}{GOOD}\n").as_bytes(), &[ANSWER, long, ANSWER], false);
        check(line.trim_end_matches('\n').as_bytes(), &[long], false);
        let fits = format!("{GOOD}{}\n", " ".repeat(256 - GOOD.len() - 1));
        check(format!("{fits}{GOOD}").as_bytes(), &[ANSWER, ANSWER], true);
        let bytes = [GOOD.as_bytes(), b"\n{\"id\": \"\xff\"}\n", GOOD.as_bytes()].concat();
        check(&bytes, &[ANSWER, r#"{"error":"no UTF-8 behind the first 8 bytes","id":null}"#, ANSWER], false);
    }

    #[test]
    fn answers_do_not_wait_for_the_next_line() {
        /// Hands out a line at a time, and says how much had been written by then.
        struct OneByOne<'a>(&'a std::cell::Cell<usize>, Vec<usize>, usize);
        impl Read for &mut OneByOne<'_> {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.1.push(self.0.get());
                self.2 -= 1;
                let line = format!("{GOOD}\n");
                buffer[..line.len()].copy_from_slice(line.as_bytes());
                Ok(if self.2 == 0 { 0 } else { line.len() })
            }
        }
        struct Counted<'a>(&'a std::cell::Cell<usize>);
        impl Write for Counted<'_> {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.set(self.0.get() + bytes.len());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let written = std::cell::Cell::new(0);
        let mut lines = OneByOne(&written, Vec::new(), 3);
        answer_all(BufReader::new(&mut lines), BufWriter::new(Counted(&written)), false, 256).unwrap();
        let each = ANSWER.len() + 1;
        assert_eq!(lines.1, [0, each, 2 * each]);
    }
}
