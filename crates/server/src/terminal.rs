//! Questions on the terminal. Standard input and output stay free for data.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use crate::escapes;
use crate::failure::Failure;

/// The longest accepted answer in bytes.
const MAX_ANSWER: usize = 1024;
/// The exit code after Ctrl-C, as shells report it.
const INTERRUPTED: u8 = 130;

/// Asks on the process's terminal and reads a line, which is not shown.
///
/// # Errors
/// Exit code 2 when the process has no terminal; 130 after Ctrl-C.
pub(crate) fn ask(question: &str) -> Result<Zeroizing<String>, Failure> {
    answered(question, true)
}

/// The same for an answer that is shown, without the white space around it.
///
/// # Errors
/// Exit code 2 when the process has no terminal.
pub(crate) fn ask_openly(question: &str) -> Result<String, Failure> {
    Ok(answered(question, false)?.trim().to_owned())
}

/// Shows a text on the process's terminal.
///
/// # Errors
/// Exit code 2 when the process has no terminal.
pub(crate) fn show(text: &str) -> Result<(), Failure> {
    let tty = open().map_err(|_| Failure::with_code("there is no terminal", 2))?;
    (&tty).write_all(escapes::lines(text).as_bytes()).map_err(broken)
}

fn answered(question: &str, is_hidden: bool) -> Result<Zeroizing<String>, Failure> {
    let tty = open().map_err(|_| {
        Failure::with_code(format!("`{}` must be answered on a terminal, and there is none", question.trim()), 2)
    })?;
    let hidden = if is_hidden { Some(Hidden::new(&tty).map_err(broken)?) } else { None };
    (&tty).write_all(escapes::lines(question).as_bytes()).map_err(broken)?;
    let answer = read_line(&tty);
    if hidden.is_some() {
        // The answer counts, even if the end of the line cannot be shown.
        let _ = (&tty).write_all(b"\n");
    }
    drop(hidden);
    match answer.map_err(broken)? {
        Answer::Line(line) => Ok(line),
        Answer::Ended => Err(Failure::with_code(format!("`{}` was not answered", question.trim()), 2)),
        Answer::Interrupted => Err(Failure::with_code("interrupted", INTERRUPTED)),
    }
}

fn open() -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open("/dev/tty")
}

fn broken(error: io::Error) -> Failure {
    Failure::new(format!("cannot ask on the terminal: {error}"))
}

/// A terminal that shows nothing of what is typed, until this is dropped.
///
/// It sends no signals either: a process that Ctrl-C ends here would leave the terminal as it is.
struct Hidden<'a> {
    tty: &'a File,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn new(tty: &'a File) -> io::Result<Self> {
        let before = tcgetattr(tty)?;
        let mut hidden = before.clone();
        hidden.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        hidden.special_codes[SpecialCodeIndex::VMIN] = 1;
        hidden.special_codes[SpecialCodeIndex::VTIME] = 0;
        // What was typed before the question does not answer it.
        tcsetattr(tty, OptionalActions::Flush, &hidden)?;
        Ok(Hidden { tty, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        let _ = tcsetattr(self.tty, OptionalActions::Now, &self.before);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Line(Zeroizing<String>),
    /// Ctrl-D, or the terminal is closed.
    Ended,
    /// Ctrl-C.
    Interrupted,
}

/// Reads a line byte by byte, with the editing keys of terminals.
fn read_line(mut from: impl Read) -> io::Result<Answer> {
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
    let mut byte = Zeroizing::new([0]);
    loop {
        match from.read(byte.as_mut_slice()) {
            Ok(0) => return Ok(Answer::Ended),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        match byte[0] {
            b'\r' | b'\n' => break,
            0x03 => return Ok(Answer::Interrupted),
            0x04 if line.is_empty() => return Ok(Answer::Ended),
            // Ctrl-U
            0x15 => line.clear(),
            // Backspace removes a character, which has one byte that does not continue another.
            0x08 | 0x7f => while line.pop().is_some_and(|removed| removed & 0xc0 == 0x80) {},
            other if line.len() < MAX_ANSWER => line.push(other),
            _ => return Err(invalid("the answer is too long")),
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| invalid("the answer is not UTF-8"))?;
    Ok(Answer::Line(Zeroizing::new(text.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_edited_as_on_a_terminal() {
        let line = |text: &str| Ok(Answer::Line(Zeroizing::new(text.to_owned())));
        let long = "x".repeat(MAX_ANSWER);
        for (typed, expected) in [
            ("123456\n", line("123456")),
            ("123456\r", line("123456")),
            ("\n", line("")),
            ("a b é漢 \nrest", line("a b é漢 ")),
            ("1é\u{7f}2漢\u{8}3\n", line("123")),
            ("\u{7f}\u{7f}a\n", line("a")),
            ("wrong\u{15}right\n", line("right")),
            ("a\u{4}b\n", line("a\u{4}b")),
            ("\u{4}", Ok(Answer::Ended)),
            ("half", Ok(Answer::Ended)),
            ("sec\u{3}ret\n", Ok(Answer::Interrupted)),
            (&format!("{long}\n"), line(&long)),
            (&format!("{long}x\n"), Err("the answer is too long".to_owned())),
        ] {
            assert_eq!(read_line(typed.as_bytes()).map_err(|e| e.to_string()), expected, "{typed:?}");
        }
        assert_eq!(read_line(&b"\xff\n"[..]).unwrap_err().to_string(), "the answer is not UTF-8");
    }
}
