//! Checks of each file: it has module documentation, is short, contains no unfinished work, and is in plain English.

use crate::run;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// Lines beyond which a file is listed as long. A long file is not an error.
const LONG: usize = 500;

/// Words that mark unfinished work, each with what to do instead.
const WORDS: &[(&str, &str)] = &[
    ("TODO", "do it, or open an issue about it"),
    ("FIXME", "fix it, or open an issue about it"),
    ("XXX:", "open an issue about it"),
    ("todo!(", "no stubs"),
    ("unimplemented!(", "no stubs; `service` lists the operations without a handler"),
    ("#[ignore", "assert today's behaviour, with a comment that it is wrong"),
    ("#[should_panic", "assert the error instead"),
    ("pytest.mark.skip(", "assert today's behaviour, with a comment that it is wrong"),
    ("pytest.mark.xfail", "assert today's behaviour, with a comment that it is wrong"),
];

/// Words that plain prose avoids, each with what to write instead.
const COINED: &[(&str, &str)] = &[
    ("whoever", "name the party: the caller, the user, the service"),
    ("somebody", "name the party: the caller, the user, the service"),
    ("someone", "name the party: the caller, the user, the service"),
    ("anybody", "name the party: the caller, the user, the service"),
    ("anyone", "name the party: the caller, the user, the service"),
    ("everybody", "name the party: all users, all principals"),
    ("nobody", "name the party: no user, no principal"),
    ("enemy", "the attacker"),
    ("stranger", "a caller of another account, an unknown caller"),
    ("he", "they, the caller, the user"),
    ("him", "them, the caller, the user"),
    ("his", "their, of the caller, of the user"),
    ("himself", "themselves"),
    ("she", "they, the caller, the user"),
    ("her", "their, of the caller, of the user"),
    ("told", "returned, reported, named"),
    ("tells", "returns, reports, shows"),
    ("is no", "is not a"),
    ("are no", "are not"),
    ("anew", "again"),
    ("unawares", "without notice"),
    ("its turn", "say what happens"),
    ("one s turn", "say what happens"),
    ("what is wrong with", "the error of, the reason"),
];

/// Calls that read the environment. Only the server may make them.
const ENVIRONMENT: &[&str] = &["env::var(", "env::var_os(", "env::vars("];

pub(crate) struct Read {
    pub(crate) files: usize,
    pub(crate) wrong: Vec<String>,
    pub(crate) long: Vec<(String, usize)>,
}

pub(crate) fn check() -> Result<Read> {
    let root = run::root();
    let mut files = Vec::new();
    for folder in ["crates", "xtask", "proto", "bench", "tests", "fuzz", "docs"] {
        walk(&root.join(folder), &mut files)?;
    }
    for entry in fs::read_dir(&root)? {
        files.extend(Some(entry?.path()).filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    files.sort();
    let mut read = Read { files: 0, wrong: Vec::new(), long: Vec::new() };
    for file in files {
        let path = file.strip_prefix(&root).unwrap_or(&file).to_string_lossy().replace('\\', "/");
        let extension = file.extension().and_then(|e| e.to_str()).unwrap_or_default();
        if !["rs", "proto", "py", "md"].contains(&extension) {
            continue;
        }
        let text = fs::read_to_string(&file).with_context(|| format!("cannot read {path}"))?;
        // This file contains the words itself.
        if path != "xtask/src/prose.rs" {
            read.wrong.extend(coined(&path, &text));
        }
        if extension == "md" {
            continue;
        }
        read.files += 1;
        read.wrong.extend(check_file(&path, &text));
        let lines = text.lines().count();
        if lines > LONG {
            read.long.push((path, lines));
        }
    }
    Ok(read)
}

fn check_file(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if wants_docs(path) && !has_docs(path, text) {
        wrong.push(format!("{path}: has no documentation; begin it with `//!`"));
    }
    // This file contains the words itself.
    if path != "xtask/src/prose.rs" {
        for (number, line) in text.lines().enumerate() {
            for (word, instead) in WORDS.iter().filter(|(word, _)| line.contains(word)) {
                wrong.push(format!("{path}:{}: `{word}`: {instead}", number + 1));
            }
            let library = path.starts_with("crates/") && path.contains("/src/") && !path.starts_with("crates/server/");
            if library && !is_test(path) && ENVIRONMENT.iter().any(|word| line.contains(word)) {
                wrong.push(format!("{path}:{}: only the server reads the environment", number + 1));
            }
        }
    }
    wrong
}

/// The coined words of a file: in Markdown everywhere, in code in comments, docstrings and names of functions.
fn coined(path: &str, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut in_docstring = false;
    for (number, line) in text.lines().enumerate() {
        let prose = if path.ends_with(".md") {
            line
        } else if path.ends_with(".py") {
            let (was_in, quotes) = (in_docstring, line.matches("\"\"\"").count());
            in_docstring ^= quotes % 2 == 1;
            if was_in || quotes > 0 { line } else { after(line, &["#", "def test_"]) }
        } else {
            after(line, &["//", "fn "])
        };
        let prose = prose.to_lowercase();
        let words: Vec<&str> = prose.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        for (phrase, instead) in COINED {
            let phrase: Vec<&str> = phrase.split(' ').collect();
            let found = words.windows(phrase.len()).enumerate().any(|(at, window)| {
                // "There is no", "is no longer".
                let is_idiom = phrase[phrase.len() - 1] == "no"
                    && (at > 0 && words[at - 1] == "there" || words.get(at + 2) == Some(&"longer"));
                window == phrase && !is_idiom
            });
            if found {
                wrong.push(format!("{path}:{}: `{}`: write instead: {instead}", number + 1, phrase.join(" ")));
            }
        }
    }
    wrong
}

/// The rest of a line from the first of some marks on; empty without one.
fn after<'a>(line: &'a str, marks: &[&str]) -> &'a str {
    let first = marks.iter().filter_map(|mark| line.find(mark)).min();
    first.map_or("", |at| &line[at..])
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/") || path.ends_with("_test.rs")
}

fn wants_docs(path: &str) -> bool {
    let source = path.ends_with(".rs") && path.contains("/src/") && !is_test(path);
    source || (path.ends_with(".py") && path.starts_with("tests/"))
}

fn has_docs(path: &str, text: &str) -> bool {
    if text.trim_start().starts_with("#![doc = include_str!(") {
        return true;
    }
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("#!"));
    let opening = if path.ends_with(".py") { "\"\"\"" } else { "//!" };
    first.is_some_and(|line| line.starts_with(opening) && line.len() > opening.len() + 4)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name();
        let path = entry.path();
        if path.is_dir() {
            if !["target", "__pycache__", ".pytest_cache", "corpus"].iter().any(|skipped| name == *skipped) {
                walk(&path, files)?;
            }
        } else {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(check_file(path, text), expected, "{path}");
    }

    #[test]
    fn modules_have_documentation() {
        check("crates/x/src/lib.rs", "//! What it is for, in words.\nuse a;\n", &[]);
        check("crates/x/src/a.rs", "\n//! What it is for, in words.\n", &[]);
        check("crates/x/src/a/tests.rs", "use super::*;\n", &[]);
        check("crates/x/tests/a.rs", "use x::*;\n", &[]);
        check("crates/x/src/a.rs", "use a;\n", &["crates/x/src/a.rs: has no documentation; begin it with `//!`"]);
        check("crates/x/src/a.rs", "//! a\n", &["crates/x/src/a.rs: has no documentation; begin it with `//!`"]);
    }

    #[test]
    fn unfinished_work_is_refused() {
        check("crates/x/tests/a.rs", "fn f() {\n    todo!()\n}\n", &["crates/x/tests/a.rs:2: `todo!(`: no stubs"]);
    }

    #[test]
    fn plain_prose_has_no_coined_words() {
        let found = |text: &str| coined("crates/model/src/a.rs", text).len();
        assert_eq!(found("/// Whoever asks is told.\nlet told = 1; // what is no user"), 3);
        assert_eq!(found("/// There is no user, and the name is no longer used. This is the caller's."), 0);
        assert_eq!(found("fn nobody_is_denied() {}"), 1);
        assert_eq!(coined("docs/a.md", "He asks.").len(), 1);
        let python = "\"\"\"Whoever\nis told.\"\"\"\ntold = 1  # told\ndef test_nobody():\n    nobody = 1\n";
        assert_eq!(coined("tests/clients/a.py", python).len(), 4);
    }

    #[test]
    fn only_the_server_reads_the_environment() {
        let text = "//! What it is for, in words.\nfn f() { std::env::var(\"A\").ok(); }\n";
        check("crates/x/src/a.rs", text, &["crates/x/src/a.rs:2: only the server reads the environment"]);
        check("crates/server/src/a.rs", text, &[]);
    }
}
