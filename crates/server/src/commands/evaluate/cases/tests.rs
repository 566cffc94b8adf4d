use std::cell::Cell;
use std::io::BufWriter;

use super::*;

const GOOD: &str = r#"{"id": "good", "request": {"principal": "*", "action": "s3:GetObject", "resource": "*"}}"#;
const ANSWER: &str = r#"{"decision":"implicitDeny","id":"good"}"#;

fn check_of(file: Option<&str>, input: &[u8], expected: &[&str], all_read: bool) {
    let mut output = Vec::new();
    let reading = Reading { file, explain: false, longest: 256 };
    let read = reading.answer_all(BufReader::with_capacity(16, input), &mut output).unwrap();
    let shown = String::from_utf8_lossy(input);
    assert_eq!(String::from_utf8(output).unwrap().lines().collect::<Vec<_>>(), expected, "{shown}");
    assert_eq!(read, all_read, "{shown}");
}

fn check(input: &[u8], expected: &[&str], all_read: bool) {
    check_of(None, input, expected, all_read);
}

#[test]
fn each_line_is_answered_in_its_place() {
    check(b"", &[], true);
    check(format!("{GOOD}\n{GOOD}").as_bytes(), &[ANSWER, ANSWER], true);
    check(format!("\n{GOOD}\r\n\r\n  \n{GOOD}\r\n").as_bytes(), &[ANSWER, ANSWER], true);
    check(format!("\u{feff}{GOOD}\n").as_bytes(), &[ANSWER], true);
    let long = r#"{"error":"line 2: the line has more than 256 bytes","id":null}"#;
    let line = format!("{GOOD}{}\n", " ".repeat(300));
    check(format!("{GOOD}\n{line}{GOOD}\n").as_bytes(), &[ANSWER, long, ANSWER], false);
    check(line.trim_end_matches('\n').as_bytes(), &[&long.replace("line 2", "line 1")], false);
    let fits = format!("{GOOD}{}\n", " ".repeat(256 - GOOD.len() - 1));
    check(format!("{fits}{GOOD}").as_bytes(), &[ANSWER, ANSWER], true);
    let bytes = [GOOD.as_bytes(), b"\n{\"id\": \"\xff\"}\n", GOOD.as_bytes()].concat();
    check(&bytes, &[ANSWER, r#"{"error":"line 2: not UTF-8 after the first 8 bytes","id":null}"#, ANSWER], false);
}

#[test]
fn cases_may_span_several_lines() {
    let pretty = GOOD.replace(", ", ",\n  ").replace("{\"", "{\n  \"");
    check(pretty.as_bytes(), &[ANSWER], true);
    check(format!("\n\n{pretty}\n{pretty}\n").as_bytes(), &[ANSWER, ANSWER], true);
    check(format!("[\n{GOOD},\n{GOOD}\n]\n").as_bytes(), &[ANSWER, ANSWER], true);
    check(b"[\n]", &[], true);
    check(format!("[{GOOD}, {GOOD}]\n{GOOD}\n").as_bytes(), &[ANSWER, ANSWER, ANSWER], true);
    check(
        b"[1, \"x\"]",
        &[
            r#"{"error":"case 1: found the number `1`, expected an object (column 1)","id":null}"#,
            r#"{"error":"case 2: found the string \"x\", expected an object (column 3)","id":null}"#,
        ],
        false,
    );
    check(
        format!("{}\n", pretty.replace('*', &"x".repeat(300))).as_bytes(),
        &[r#"{"error":"line 1: the case has more than 256 bytes","id":null}"#],
        false,
    );
}

#[test]
fn input_without_cases_is_reported_once() {
    let pretty = GOOD.replace(", ", ",\n  ").replace("\"action\"", "action");
    check(pretty.as_bytes(), &[r#"{"error":"not JSON: key must be a string (line 3, column 3)","id":"good"}"#], false);
    check_of(
        Some("c.json"),
        pretty.as_bytes(),
        &[r#"{"error":"c.json: not JSON: key must be a string (line 3, column 3)","id":"good"}"#],
        false,
    );
    // A truncated line among complete lines.
    check(
        format!("{{\"id\":\n{GOOD}\n").as_bytes(),
        &[r#"{"error":"line 1: the JSON ends too early (column 6)","id":null}"#, ANSWER],
        false,
    );
    check(
        b"hello\n",
        &[r#"{"error":"line 1: not JSON: expected a case, such as {\"id\": …, \"request\": …} (column 1)","id":null}"#],
        false,
    );
    check_of(
        Some("c.jsonl"),
        format!("{GOOD}\nnone\n").as_bytes(),
        &[
            ANSWER,
            r#"{"error":"c.jsonl:2: not JSON: expected a case, such as {\"id\": …, \"request\": …} (column 2)","id":null}"#,
        ],
        false,
    );
    check(
        GOOD.replace("principal", "principle").as_bytes(),
        &["{\"error\":\"line 1: unknown field `principle`, expected one of `principal`, `action`, `resource`, \
         `resourceAccount`, `context`; did you mean `principal`? (column 38)\",\"id\":\"good\"}"],
        false,
    );
}

#[test]
fn answers_are_flushed_before_the_next_line() {
    /// Returns one line at a time, and records how much was written before.
    struct OneByOne<'a>(&'a Cell<usize>, Vec<usize>, usize);
    impl Read for &mut OneByOne<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.1.push(self.0.get());
            self.2 -= 1;
            let line = format!("{GOOD}\n");
            buffer[..line.len()].copy_from_slice(line.as_bytes());
            Ok(if self.2 == 0 { 0 } else { line.len() })
        }
    }
    struct Counted<'a>(&'a Cell<usize>);
    impl Write for Counted<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.set(self.0.get() + bytes.len());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let written = Cell::new(0);
    let mut lines = OneByOne(&written, Vec::new(), 3);
    let reading = Reading { file: None, explain: false, longest: 256 };
    reading.answer_all(BufReader::new(&mut lines), BufWriter::new(Counted(&written))).unwrap();
    let each = ANSWER.len() + 1;
    assert_eq!(lines.1, [0, each, 2 * each]);
}
