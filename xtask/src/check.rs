//! `cargo xtask test`: the steps that every change must pass, cheapest first. It stops at the first failure.
//!
//! A check that needs a tool which is not installed is never skipped silently: the end of the run names it, and
//! `--no-skips` makes it a failure.

use crate::browser::BROWSER;
use crate::etcd::{self, ETCD};
use crate::faketime::FAKETIME;
use crate::postgres::{self, POSTGRES};
use crate::run::{self, Tally};
use crate::{licences, packages, python, stubs, tidy, wire_check};
use anyhow::{Result, bail};
use clap::{Args as ClapArgs, ValueEnum};
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Run only the checks without clients: formatting, clippy, wasm, packages, Rust tests, docs, tidy, licences
    #[arg(long, conflicts_with = "clients")]
    rust: bool,
    /// Run only the client tests: boto3, the AWS CLI and grpcio against the built server
    #[arg(long)]
    clients: bool,
    /// Run only tests whose name contains this text, and no other checks
    filter: Option<String>,
    /// Print the output of each tool as it is written
    #[arg(long, short)]
    verbose: bool,
    /// Leave out the tests that need one of these, separated by commas; the summary names what was left out
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PROGRAM")]
    without: Vec<Optional>,
    /// Fail if a check was skipped because a tool is not installed
    #[arg(long, env = "XTASK_NO_SKIPS", value_parser = clap::builder::BoolishValueParser::new())]
    no_skips: bool,
}

/// What the tests use and install where they can, and a caller can do without.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Optional {
    /// Chromium, for the console
    Browser,
    /// PostgreSQL, for the store on it
    Postgres,
    /// etcd, for the store on it
    Etcd,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let mut steps = Steps::begin();
    steps.loud = args.verbose;
    steps.no_skips = args.no_skips;
    let loud = args.verbose;
    let everything = args.filter.is_none();
    if !args.clients && everything {
        steps.step("format", || plain(with(run::cargo(), &["fmt", "--all", "--check"])));
        steps.step("tidy", || tidy::run(false).map(printed));
        steps.step("licences", || licences::run().map(printed));
        steps.partial_step("advisories", advisories);
        steps.step("clippy", || {
            let clippy = &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"];
            watched(with(run::cargo(), clippy), loud)
        });
        steps.partial_step("wasm", || wasm(loud));
        steps.step("packages", || packages::check(false));
        steps.partial_step("semver", packages::compatible);
    }
    let has_postgres = !args.without.contains(&Optional::Postgres);
    if everything {
        steps.partial_step("postgres", || {
            Ok(if has_postgres { POSTGRES.ensure() } else { POSTGRES.left_out("postgres") })
        });
    }
    let has_postgres = has_postgres && (POSTGRES.is_installed)();
    let has_etcd = !args.without.contains(&Optional::Etcd);
    if everything {
        steps.partial_step("etcd", || Ok(if has_etcd { ETCD.ensure() } else { ETCD.left_out("etcd") }));
    }
    let has_etcd = has_etcd && (ETCD.is_installed)();
    if everything && (has_postgres || has_etcd) {
        steps.partial_step("faketime", || Ok(FAKETIME.ensure()));
    }
    if !args.clients {
        steps.step("rust tests", || rust_tests(args.filter.as_deref(), has_postgres, has_etcd, loud));
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
            // The build of the Rust tests makes the program that is compared.
            let compare = if args.clients { wire_check::run } else { wire_check::run_built };
            steps.step("wire", || compare(&wire_check::Args::DEFAULT).map(printed));
        }
        // The Rust tests have built the binary of the server, with the features of the whole workspace.
        if args.clients || !everything {
            steps.step("server", || {
                watched(with(run::cargo(), &["build", "--locked", "--package", "bailiwick-server"]), loud)
            });
        }
        if args.filter.as_deref().is_none_or(|filter| filter.contains("ansible")) {
            steps.partial_step("ansible", || match python::ansible() {
                Ok(_) => Ok(Tally::ONE.into()),
                Err(error) => Ok(Done::skipped(&format!("Ansible ({error})"))),
            });
        }
        let has_browser = !args.without.contains(&Optional::Browser);
        if everything {
            steps.partial_step("browser", || {
                Ok(if has_browser { BROWSER.ensure() } else { BROWSER.left_out("browser") })
            });
        }
        let without = [(!has_browser, "browser"), (!has_postgres, "stores"), (!has_etcd, "etcd")];
        let without: Vec<&str> =
            without.iter().filter(|(is_left_out, _)| *is_left_out).map(|(_, folder)| *folder).collect();
        steps.partial_step("clients", || clients(args.filter.as_deref(), &without, loud));
    }
    steps.end()
}

/// The result of a step of which a part may be skipped because a tool is not installed.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) tally: Tally,
    pub(crate) skipped: Vec<String>,
}

impl Done {
    /// A step that was skipped as a whole.
    pub(crate) fn skipped(what: &str) -> Done {
        println!("      skipped: {what}");
        Done { tally: Tally::default(), skipped: vec![what.to_owned()] }
    }
}

impl From<Tally> for Done {
    fn from(tally: Tally) -> Done {
        Done { tally, skipped: Vec::new() }
    }
}

/// The steps of one run: prints each with its time, stops after the first failure, counts the passed checks.
pub(crate) struct Steps {
    begun: Instant,
    tally: Tally,
    stopped: bool,
    loud: bool,
    /// Whether a skipped check makes the run fail.
    no_skips: bool,
    /// The checks that were skipped, each with the reason.
    skipped: Vec<String>,
}

impl Steps {
    pub(crate) fn begin() -> Steps {
        Steps {
            begun: Instant::now(),
            tally: Tally::default(),
            stopped: false,
            loud: false,
            no_skips: false,
            skipped: Vec::new(),
        }
    }

    /// Runs a step, unless an earlier one failed.
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

    /// Runs a step of which a part may be skipped.
    pub(crate) fn partial_step(&mut self, name: &str, run: impl FnOnce() -> Result<Done>) {
        let mut skipped = Vec::new();
        self.step(name, || {
            let done = run()?;
            skipped = done.skipped;
            Ok(done.tally)
        });
        self.skipped.extend(skipped);
    }

    /// Prints the skipped checks and the totals.
    pub(crate) fn end(self) -> ExitCode {
        let seconds = self.begun.elapsed().as_secs();
        println!("{}", self.summary(seconds));
        if self.tally.failed > 0 {
            return ExitCode::FAILURE;
        }
        if self.no_skips && !self.skipped.is_empty() {
            eprintln!("error: checks were skipped, and --no-skips (XTASK_NO_SKIPS) refuses that");
            return ExitCode::FAILURE;
        }
        ExitCode::SUCCESS
    }

    fn summary(&self, seconds: u64) -> String {
        let mut summary: String = self.skipped.iter().map(|what| format!("not checked: {what}\n")).collect();
        summary += &format!("{} passed, {} failed", self.tally.passed, self.tally.failed);
        if !self.skipped.is_empty() {
            summary += &format!(", {} not checked", self.skipped.len());
        }
        summary + &format!(" ({} min {} s)", seconds / 60, seconds % 60)
    }
}

/// A tool that failed, with its output.
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

fn printed(line: String) -> Tally {
    println!("      {line}");
    Tally::ONE
}

/// Runs a tool that counts as one check.
pub(crate) fn plain(command: Command) -> Result<Tally> {
    watched(command, false)
}

fn watched(command: Command, loud: bool) -> Result<Tally> {
    let output = run::capture(command, loud)?;
    if !output.success {
        return Err(Failed { tally: Tally::FAILED, text: output.text }.into());
    }
    Ok(Tally::ONE)
}

/// Runs a test runner and counts the tests that it reports.
pub(crate) fn counted(command: Command) -> Result<Tally> {
    counted_loud(command, false)
}

fn counted_loud(command: Command, loud: bool) -> Result<Tally> {
    Ok(counted_with_text(command, loud)?.0)
}

fn counted_with_text(command: Command, loud: bool) -> Result<(Tally, String)> {
    let output = run::capture(command, loud)?;
    let tally = count(&output.text);
    if !output.success {
        let tally = if tally.failed == 0 { Tally { failed: 1, ..tally } } else { tally };
        return Err(Failed { tally, text: output.text }.into());
    }
    Ok((tally, output.text))
}

/// The same for pytest with `-rs`, which names the tests that are skipped.
pub(crate) fn counted_with_skips(command: Command) -> Result<Done> {
    let (tally, text) = counted_with_text(command, false)?;
    Ok(Done { tally, skipped: skipped(&text) })
}

/// Runs the Rust tests; without PostgreSQL or etcd, all but those of the store on it.
fn rust_tests(filter: Option<&str>, has_postgres: bool, has_etcd: bool, loud: bool) -> Result<Tally> {
    let postgres = has_postgres.then(postgres::start).transpose()?;
    let etcd = has_etcd.then(etcd::start).transpose()?;
    let mut command = run::cargo();
    if run::installed("cargo-nextest", &["nextest", "--version"]) {
        command.args(["nextest", "run", "--workspace", "--locked", "--no-tests=pass"]);
        command.args(["--status-level=fail", "--final-status-level=fail", "--cargo-quiet", "--show-progress=none"]);
    } else {
        command.args(["test", "--workspace", "--locked", "--lib", "--bins", "--tests"]);
    }
    for (server, variable, package) in [
        (&postgres, postgres::VARIABLE, "bailiwick-storage-postgres"),
        (&etcd, etcd::VARIABLE, "bailiwick-storage-etcd"),
    ] {
        match server {
            Some(server) => command.env(variable, server.port().to_string()),
            None => command.args(["--exclude", package]),
        };
    }
    command.args(filter);
    counted_loud(command, loud)
}

/// Runs the client tests, but for those in the folders `without`.
fn clients(filter: Option<&str>, without: &[&str], loud: bool) -> Result<Done> {
    let mut command = python::pytest(&python::environment()?);
    let at_once = std::thread::available_parallelism().map_or(2, |n| n.get().clamp(2, 8));
    command.args(["-q", "-rs", "--tb=short", "--numprocesses", &at_once.to_string(), "--dist=loadfile"]);
    // `conftest.py` orders the files: those that take longest come first.
    command.arg("--no-loadscope-reorder");
    command.args(without.iter().map(|folder| format!("--ignore={folder}")));
    if let Some(filter) = filter {
        command.args(["-k", filter]);
    }
    match counted_with_text(command, loud) {
        Ok((tally, _)) if tally.passed == 0 && filter.is_none() => bail!("pytest ran nothing"),
        Ok((tally, text)) => Ok(Done { tally, skipped: skipped(&text) }),
        // The filter may match Rust tests only.
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

/// The files in which pytest skipped tests, with the reason, from `SKIPPED [1] test_x.py:12: x is not installed`.
fn skipped(text: &str) -> Vec<String> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("SKIPPED [")?.split_once("] ")?.1.split_once(": "));
    lines.map(|(place, why)| format!("{} ({why})", place.split(':').next().unwrap_or(place))).collect()
}

fn nothing_ran(text: &str) -> bool {
    text.contains("no tests ran")
}

/// Compiles the crates that can be embedded in a web page for WebAssembly, if that target is installed.
fn wasm(loud: bool) -> Result<Done> {
    const TARGET: &str = "wasm32-unknown-unknown";
    let mut libraries = with(Command::new("rustc"), &["--print", "target-libdir", "--target", TARGET]);
    let libraries = run::output(libraries.current_dir(run::root()))?;
    if !Path::new(libraries.trim()).is_dir() {
        return Ok(Done::skipped(&format!("policy-lang and evaluator for {TARGET} (the target is not installed)")));
    }
    let crates = ["--package", "bailiwick-evaluator", "--package", "bailiwick-policy-lang"];
    let mut command = with(run::cargo(), &["check", "--locked", "--target", TARGET]);
    command.args(crates);
    Ok(watched(command, loud)?.into())
}

/// Looks up known vulnerabilities with `cargo deny`, if it is installed and can fetch its database.
fn advisories() -> Result<Done> {
    if !run::installed("cargo-deny", &["--version"]) {
        return Ok(Done::skipped("known vulnerabilities of dependencies (cargo deny is not installed)"));
    }
    let fetched = run::capture(with(run::cargo(), &["deny", "fetch", "db"]), false)?;
    if !fetched.success {
        return Ok(Done::skipped("known vulnerabilities of dependencies (cargo deny cannot fetch its database)"));
    }
    Ok(plain(with(run::cargo(), &["deny", "--workspace", "check", "--hide-inclusion-graph"]))?.into())
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
    fn the_summary_names_what_was_not_checked() {
        let mut steps = Steps::begin();
        steps.step("one", || Ok(Tally::ONE));
        assert_eq!(steps.summary(61), "1 passed, 0 failed (1 min 1 s)");
        steps.partial_step("two", || Ok(Done::skipped("a thing (its tool is not installed)")));
        assert_eq!(
            steps.summary(61),
            "not checked: a thing (its tool is not installed)\n1 passed, 0 failed, 1 not checked (1 min 1 s)"
        );
    }

    #[test]
    fn a_skipped_check_fails_the_run_only_with_no_skips() {
        let ended = |no_skips, skipped: &[&str]| {
            let mut steps = Steps::begin();
            steps.no_skips = no_skips;
            skipped.iter().for_each(|what| steps.partial_step("step", || Ok(Done::skipped(what))));
            steps.end()
        };
        assert_eq!(ended(false, &["a"]), ExitCode::SUCCESS);
        assert_eq!(ended(true, &[]), ExitCode::SUCCESS);
        assert_eq!(ended(true, &["a"]), ExitCode::FAILURE);
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
