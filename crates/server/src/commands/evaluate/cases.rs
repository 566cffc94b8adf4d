//! The cases of one input, answered in order.

use std::io::{self, BufRead, BufReader, Read, Write};

use bailiwick_evaluator::jsonl::{Answer, evaluate_bytes, evaluate_line};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// How an input is read.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    /// The name of the input in messages, unless it is standard input.
    pub(super) file: Option<&'a str>,
    /// Whether to explain each decision.
    pub(super) explain: bool,
    /// The longest case, in bytes.
    pub(super) longest: usize,
}

impl Reading<'_> {
    /// Answers case by case; returns whether every case could be parsed.
    ///
    /// Flushes the output before it waits for more input.
    pub(super) fn answer_all<R: Read>(&self, mut input: BufReader<R>, mut output: impl Write) -> io::Result<bool> {
        let (mut line, mut number, mut all_read) = (Vec::new(), 0, true);
        let mut first = true;
        loop {
            if input.buffer().is_empty() {
                output.flush()?;
            }
            line.clear();
            let read = (&mut input).take(self.longest as u64 + 1).read_until(b'\n', &mut line)?;
            if read == 0 {
                break;
            }
            number += 1;
            let too_long = read > self.longest && line.last() != Some(&b'\n');
            let text = if number == 1 { without_mark(&line) } else { &line };
            if !too_long && text.trim_ascii().is_empty() {
                continue;
            }
            if !too_long && text.trim_ascii_start().starts_with(b"[") && !is_begun(text) {
                first = false;
                all_read &= self.whole(text, number, &mut output)?;
                continue;
            }
            if first && !too_long && is_begun(text) {
                // A case that spans several lines, or a truncated line.
                let mut rest = text.to_vec();
                (&mut input)
                    .take((self.longest as u64 + 1).saturating_sub(rest.len() as u64))
                    .read_to_end(&mut rest)?;
                if rest.len() <= self.longest {
                    all_read &= self.whole(&rest, number, &mut output)?;
                    break;
                }
                let message = format!("the case has more than {} bytes", self.longest);
                self.write(Answer::error(None, &message), number, &mut output)?;
                output.flush()?;
                return Ok(false);
            }
            first = false;
            let answer = if too_long {
                input.skip_until(b'\n')?;
                Answer::error(None, &format!("the line has more than {} bytes", self.longest))
            } else {
                evaluate_bytes(text.trim_ascii_end(), self.explain)
            };
            all_read &= self.write(answer, number, &mut output)?;
        }
        output.flush()?;
        Ok(all_read)
    }

    /// Answers cases that may span several lines.
    fn whole(&self, text: &[u8], first_line: usize, output: &mut impl Write) -> io::Result<bool> {
        let values = std::str::from_utf8(text).ok().and_then(cases);
        if let Some(cases) = values {
            let mut all_read = true;
            for (at, case) in cases.iter().enumerate() {
                let answer = evaluate_line(case.get(), self.explain);
                let answer = if cases.len() > 1 { answer.at(&format!("case {}", at + 1)) } else { answer };
                all_read &= self.write(answer, 0, output)?;
            }
            return Ok(all_read);
        }
        // If one line is a complete case, each line is meant to be one.
        let lines = || text.split(|byte| *byte == b'\n');
        let is_case =
            |line: &[u8]| serde_json::from_slice::<IgnoredAny>(line).is_ok() && line.trim_ascii().starts_with(b"{\"");
        if !lines().any(is_case) {
            return self.write(evaluate_bytes(text, self.explain), 0, output);
        }
        let mut all_read = true;
        for (number, line) in lines().enumerate().filter(|(_, line)| !line.trim_ascii().is_empty()) {
            let answer = evaluate_bytes(line.trim_ascii_end(), self.explain);
            all_read &= self.write(answer, first_line + number, output)?;
        }
        Ok(all_read)
    }

    /// Writes an answer; returns whether the case could be parsed. Line 0 stands for the whole input.
    fn write(&self, answer: Answer, line: usize, output: &mut impl Write) -> io::Result<bool> {
        let answer = match (self.file, line) {
            (None, 0) => answer,
            (None, line) => answer.at(&format!("line {line}")),
            (Some(file), 0) => answer.at(file),
            (Some(file), line) => answer.at(&format!("{file}:{line}")),
        };
        writeln!(output, "{}", answer.line)?;
        Ok(answer.decision.is_some())
    }
}

/// The byte order mark that some editors write.
fn without_mark(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line)
}

/// Returns whether a line is an incomplete JSON object or array.
fn is_begun(line: &[u8]) -> bool {
    let begins = line.trim_ascii_start().starts_with(b"{") || line.trim_ascii_start().starts_with(b"[");
    begins && serde_json::from_slice::<IgnoredAny>(line).is_err_and(|error| error.is_eof())
}

/// Iterates over the objects of a text, which are in sequence or in an array.
fn cases(text: &str) -> Option<Vec<&RawValue>> {
    let values: Result<Vec<&RawValue>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    let mut cases = Vec::new();
    for value in values.ok()? {
        if value.get().starts_with('[') {
            cases.extend(serde_json::from_str::<Vec<&RawValue>>(value.get()).ok()?);
        } else {
            cases.push(value);
        }
    }
    Some(cases)
}

#[cfg(test)]
mod tests;
