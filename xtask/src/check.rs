//! `cargo xtask test`: the steps that every change must pass, cheapest first, stopping at the first that fails.

use crate::run::{self, Tally};
use crate::{licences, packages, python, stubs, tidy, wire_check};
use anyhow::{Result, bail};
use clap::Args as ClapArgs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Only what needs no client: formatting, clippy, wasm, packages, Rust tests, docs, tidy, licences
    #[arg(long, conflicts_with = "clients")]
    rust: bool,
    /// Only the real binary, driven by boto3, the AWS CLI and grpcio
    #[arg(long)]
    clients: bool,
    /// Only tests whose name contains this, and nothing but tests
    filter: Option<String>,
    /// Show what the tools say as they say it
    #[arg(long, short)]
    verbose: bool,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let mut steps = Steps::begin();
    steps.loud = args.verbose;
    let loud = args.verbose;
    let everything = args.filter.is_none();
    if !args.clients && everything {
        steps.step("format", || plain(with(run::cargo(), &["fmt", "--all", "--check"])));
        steps.step("tidy", || tidy::run(false).map(said));
        steps.step("licences", || licences::run().map(said));
        steps.step("advisories", advisories);
        steps.step("clippy", || {
            let clippy = &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
            watched(with(run::cargo(), clippy), loud)
        });
        steps.step("wasm", || wasm(loud));
        steps.step("packages", || packages::check(false));
    }
    if !args.clients {
        steps.step("rust tests", || rust_tests(args.filter.as_deref(), loud));
    }
    if !args.clients && everything {
        steps.step("doc tests", || {
            counted_loud(with(run::cargo(), &["test", "--doc", "--workspace", "--locked"]), loud)
        });
        steps.step("docs", || {
            let mut command = with(run::cargo(), &["doc", "--no-deps", "--workspace", "--locked"]);
            command.env("RUSTDOCFLAGS", "-D warnings");
            watched(command, loud)
        });
    }
    if !args.rust {
        steps.step("python", || python::environment().map(|_| Tally::ONE));
        if everything {
            steps.partial_step("stubs", stubs::run);
            steps.step("wire", || wire_check::run(&wire_check::Args::default()).map(said));
        }
        steps.step("server", || {
            watched(with(run::cargo(), &["build", "--locked", "--package", "bailiwick-server"]), loud)
        });
        steps.partial_step("clients", || clients(args.filter.as_deref(), loud));
    }
    steps.end()
}

/// What a step did, and what it left out because something is not installed.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) tally: Tally,
    pub(crate) skipped: Vec<String>,
}

/// The steps of one run: prints each with its time, stops after the first that fails, counts what passed.
pub(crate) struct Steps {
    begun: Instant,
    tally: Tally,
    stopped: bool,
    loud: bool,
    /// What was not checked, because something is not installed.
    skipped: Vec<String>,
}

impl Steps {
    pub(crate) fn begin() -> Steps {
        Steps { begun: Instant::now(), tally: Tally::default(), stopped: false, loud: false, skipped: Vec::new() }
    }

    pub(crate) fn step(&mut self, name: &str, run: impl FnOnce() -> Result<Tally>) {
        if self.stopped {
            return;
        }
        println!("==> {name}");
        std::io::stdout().flush().ok();
        let begun = Instant::now();
        let done = run();
        let seconds = begun.elapsed().as_secs_f32();
        match done {
            Ok(tally) => {
                self.tally.add(tally);
                let count = if tally == Tally::ONE { String::new() } else { format!("{} passed, ", tally.passed) };
                println!("    {name}: {count}{seconds:.1} s");
            }
            Err(error) => {
                self.stopped = true;
                let failed = error.downcast_ref::<Failed>();
                self.tally.add(failed.map_or(Tally::FAILED, |failed| failed.tally));
                match failed {
                    Some(_) if self.loud => {}
                    _ => eprintln!("{error:#}"),
                }
                eprintln!("    {name}: FAILED, {seconds:.1} s");
            }
        }
    }

    /// Prints the closing line.
    /// A step of which the rest can be left out.
    fn partial_step(&mut self, name: &str, run: impl FnOnce() -> Result<Done>) {
        let mut skipped = Vec::new();
        self.step(name, || {
            let done = run()?;
            skipped = done.skipped;
            Ok(done.tally)
        });
        self.skipped.extend(skipped);
    }

    pub(crate) fn end(self) -> ExitCode {
        let seconds = self.begun.elapsed().as_secs();
        for what in &self.skipped {
            println!("not checked: {what}");
        }
        println!(
            "{} passed, {} failed ({} min {} s)",
            self.tally.passed,
            self.tally.failed,
            seconds / 60,
            seconds % 60
        );
        if self.tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// A tool that was not content, with all that it said.
#[derive(Debug)]
struct Failed {
    tally: Tally,
    text: String,
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.text.trim_end())
    }
}

impl std::error::Error for Failed {}

fn with(mut command: Command, args: &[&str]) -> Command {
    command.args(args);
    command
}

fn said(line: String) -> Tally {
    println!("      {line}");
    Tally::ONE
}

/// Runs a tool that is one check.
pub(crate) fn plain(command: Command) -> Result<Tally> {
    watched(command, false)
}

fn watched(command: Command, loud: bool) -> Result<Tally> {
    let said = run::capture(command, loud)?;
    if !said.success {
        return Err(Failed { tally: Tally::FAILED, text: said.text }.into());
    }
    Ok(Tally::ONE)
}

/// Runs a test runner and counts what it reports.
pub(crate) fn counted(command: Command) -> Result<Tally> {
    counted_loud(command, false)
}

fn counted_loud(command: Command, loud: bool) -> Result<Tally> {
    Ok(counted_with_text(command, loud)?.0)
}

fn counted_with_text(command: Command, loud: bool) -> Result<(Tally, String)> {
    let said = run::capture(command, loud)?;
    let tally = count(&said.text);
    if !said.success {
        let tally = if tally.failed == 0 { Tally { failed: 1, ..tally } } else { tally };
        return Err(Failed { tally, text: said.text }.into());
    }
    Ok((tally, said.text))
}

fn rust_tests(filter: Option<&str>, loud: bool) -> Result<Tally> {
    let mut command = run::cargo();
    if run::installed("cargo-nextest", &["nextest", "--version"]) {
        command.args(["nextest", "run", "--workspace", "--locked", "--no-tests=pass"]);
        command.args(["--status-level=fail", "--final-status-level=fail", "--cargo-quiet", "--show-progress=none"]);
    } else {
        command.args(["test", "--workspace", "--locked", "--lib", "--bins", "--tests"]);
    }
    command.args(filter);
    counted_loud(command, loud)
}

fn clients(filter: Option<&str>, loud: bool) -> Result<Done> {
    let mut command = python::pytest(&python::environment()?);
    let at_once = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8));
    command.args(["-q", "-rs", "--tb=short", "--numprocesses", &at_once.to_string(), "--dist=loadfile"]);
    if let Some(filter) = filter {
        command.args(["-k", filter]);
    }
    match counted_with_text(command, loud) {
        Ok((tally, _)) if tally.passed == 0 && filter.is_none() => bail!("pytest ran nothing"),
        Ok((tally, text)) => Ok(Done { tally, skipped: skipped(&text) }),
        // With a filter, it may be that only Rust tests were meant.
        Err(error) => match error.downcast_ref::<Failed>() {
            Some(failed)
                if filter.is_some() && count(&failed.text) == Tally::default() && nothing_ran(&failed.text) =>
            {
                Ok(Done::default())
            }
            _ => Err(error),
        },
    }
}

/// The files that pytest skipped tests of, and why: from `SKIPPED [1] test_x.py:12: x is not installed`.
fn skipped(text: &str) -> Vec<String> {
    let told = text.lines().filter_map(|line| line.strip_prefix("SKIPPED [")?.split_once("] ")?.1.split_once(": "));
    told.map(|(place, why)| format!("{} ({why})", place.split(':').next().unwrap_or(place))).collect()
}

fn nothing_ran(text: &str) -> bool {
    text.contains("no tests ran")
}

/// The crates that one may embed in a web page compile for it, where that target is installed.
fn wasm(loud: bool) -> Result<Tally> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let mut libraries = with(Command::new("rustc"), &["--print", "target-libdir", "--target", TARGET]);
    let libraries = run::output(libraries.current_dir(run::root()))?;
    if !Path::new(libraries.trim()).is_dir() {
        println!("      {TARGET} is not installed: policy-lang and evaluator were not checked for it");
        return Ok(Tally::default());
    }
    let crates = ["--package", "bailiwick-evaluator", "--package", "bailiwick-policy-lang"];
    let mut command = with(run::cargo(), &["check", "--locked", "--target", TARGET]);
    command.args(crates);
    watched(command, loud)
}

/// `cargo deny`, when it is installed and its database is in reach: this machine may have neither.
fn advisories() -> Result<Tally> {
    if !run::installed("cargo-deny", &["--version"]) {
        println!("      cargo deny is not installed: known vulnerabilities were not looked up");
        return Ok(Tally::default());
    }
    let fetched = run::capture(with(run::cargo(), &["deny", "fetch", "db"]), false)?;
    if !fetched.success {
        println!("      the advisory database is out of reach: known vulnerabilities were not looked up");
        return Ok(Tally::default());
    }
    plain(with(run::cargo(), &["deny", "--workspace", "check", "--hide-inclusion-graph"]))
}

/// Adds up the summary lines of cargo test, nextest and pytest.
fn count(text: &str) -> Tally {
    let mut tally = Tally::default();
    // Nextest shows what a failing test printed, the summary of its own process included.
    let by_nextest = text.lines().any(|line| line.trim().starts_with("Summary ["));
    for line in text.lines() {
        let line = line.trim().trim_matches('=').trim();
        let nextest = line.starts_with("Summary [").then_some(line);
        if by_nextest && nextest.is_none() {
            continue;
        }
        let cargo = line.strip_prefix("test result:");
        let pytest = (line.contains(" in ") && (line.ends_with('s') || line.ends_with(')')))
            .then_some(line)
            .filter(|_| cargo.is_none());
        let Some(summary) = cargo.or(nextest).or(pytest) else { continue };
        let words: Vec<&str> = summary.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        for pair in words.windows(2) {
            let Ok(number) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed" => tally.passed += number,
                "failed" | "error" | "errors" => tally.failed += number,
                _ => {}
            }
        }
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, passed: u64, failed: u64) {
        assert_eq!(count(text), Tally { passed, failed }, "{text}");
    }

    #[test]
    fn skipped_tests_are_named_with_their_reason() {
        let text = "....s\nSKIPPED [1] test_tools.py:12: a tool is not installed\n1 skipped, 4 passed in 2.10s";
        assert_eq!(skipped(text), ["test_tools.py (a tool is not installed)"]);
        assert_eq!(count(text).passed, 4);
    }

    #[test]
    fn summaries_are_added_up() {
        check("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s", 12, 0);
        check("test result: FAILED. 1 passed; 2 failed; 0 ignored\ntest result: ok. 3 passed; 0 failed;", 4, 2);
        check("     Summary [   1.204s] 31 tests run: 30 passed, 1 failed, 0 skipped", 30, 1);
        check(
            "    test result: FAILED. 0 passed; 1 failed; finished in 1.0s\n Summary [1s] 2 tests run: 1 passed, 1 failed",
            1,
            1,
        );
        check("===== 2 failed, 97 passed, 1 warning in 12.30s =====", 97, 2);
        check("97 passed, 3 errors in 12.30s", 97, 3);
        check("715 passed in 123.45s (0:02:03)", 715, 0);
        check("no tests ran in 0.01s", 0, 0);
        check("it has 3 passed through", 0, 0);
    }
}
