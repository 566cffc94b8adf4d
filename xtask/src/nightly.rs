//! Checks that take too long for every change: the same tests with more rounds.

use crate::check::{self, Steps};
use crate::etcd::ETCD;
use crate::faketime::FAKETIME;
use crate::postgres::POSTGRES;
use crate::run::Tally;
use crate::{bench, fuzz, packages, python, run};
use clap::Args as ClapArgs;
use std::hash::{BuildHasher, RandomState};
use std::process::{Command, ExitCode};

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Rounds of the crash test: each starts the server, writes, kills it and checks every acknowledged write
    #[arg(long, default_value_t = 200)]
    crash_rounds: u32,
    /// Cases of each property test
    #[arg(long, default_value_t = 20_000)]
    cases: u32,
    /// Random policies and requests that are decided by the evaluator and by its slow reference
    #[arg(long, default_value_t = 1_000_000)]
    oracle_cases: u64,
    /// Seed of these cases; random by default
    #[arg(long)]
    seed: Option<u64>,
    /// Mutations per fuzz target of the evaluator
    #[arg(long, default_value_t = 5_000_000)]
    fuzz_rounds: u64,
    /// Seconds of each coverage-guided fuzz target
    #[arg(long, default_value_t = 300)]
    fuzz_seconds: u32,
    /// Random modifications of a store's file
    #[arg(long, default_value_t = 5_000)]
    damage_rounds: u32,
    /// Random edits of a store's rows
    #[arg(long, default_value_t = 10_000)]
    edit_rounds: u32,
    /// Factor for the size of the attacks: connections, streams, endless messages, slow requests, refused calls,
    /// guesses; the objects that they create must fit in an account's quotas
    #[arg(long, default_value_t = 5)]
    attack_rounds: u32,
    /// Random faults of servers and of each database, each of some seconds, under concurrent clients whose history is checked
    #[arg(long, default_value_t = 200)]
    fault_rounds: u32,
    /// Minutes of mixed use of one server, whose memory, open files and latency must not grow; at least 3, or 0 for none
    #[arg(long, default_value_t = 120)]
    soak_minutes: u32,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let seed = args.seed.unwrap_or_else(|| RandomState::new().hash_one(std::process::id()));
    println!("cargo xtask nightly --seed {seed}");
    let mut steps = Steps::begin();
    steps.step("properties", || {
        let mut command = run::cargo();
        command.env("PROPTEST_CASES", args.cases.to_string()).args(["test", "--workspace", "--locked", "--release"]);
        check::counted(command)
    });
    steps.step("packages", || packages::check(true));
    steps.step("oracle", || {
        let mut command = evaluator("oracle");
        command.env("BAILIWICK_ORACLE_SEED", seed.to_string());
        command.env("BAILIWICK_ORACLE_CASES", args.oracle_cases.to_string());
        check::counted(command)
    });
    steps.step("fuzz", || {
        let mut command = evaluator("fuzz");
        command.env("BAILIWICK_FUZZ_ROUNDS", args.fuzz_rounds.to_string());
        check::counted(command)
    });
    steps.partial_step("fuzz targets", || fuzz::targets(args.fuzz_seconds, None));
    steps.step("damage", || {
        let mut command = run::cargo();
        command.env("BAILIWICK_DAMAGE_ROUNDS", args.damage_rounds.to_string());
        command.args(["test", "--workspace", "--locked", "--release", "--test", "damage"]);
        check::counted(command)
    });
    steps.step("edited rows", || {
        let mut command = run::cargo();
        command.env("BAILIWICK_EDIT_ROUNDS", args.edit_rounds.to_string());
        command.args(["test", "--package", "bailiwick-storage-redb", "--locked", "--release", "--test", "row_edits"]);
        check::counted(command)
    });
    let denied: &[&str] = &["--", "-D", "warnings"];
    for (folder, tool, lints) in [
        ("load", "clippy", denied),
        ("evaluator", "check", &[]),
        ("scale", "check", &[]),
        ("store", "check", &[]),
        ("trail", "check", &[]),
    ] {
        steps.step(&format!("bench/{folder} compiles"), || {
            let mut command = run::cargo();
            command.current_dir(run::root().join("bench").join(folder));
            command.env("CARGO_TARGET_DIR", run::target().join(folder));
            command.args([tool, "--locked", "--release"]).args(lints);
            check::plain(command)
        });
    }
    steps.step("server", || {
        let mut command = run::cargo();
        command.args(["build", "--locked", "--package", "bailiwick-server"]);
        check::plain(command)
    });
    steps.step("attacks", || {
        let mut command = python::pytest(&python::environment()?);
        command.env("BAILIWICK_ATTACK_ROUNDS", args.attack_rounds.to_string()).args(["-q", "--tb=short", "attacks"]);
        check::counted(command)
    });
    steps.step("vectors", || {
        let mut command = python::pytest(&python::environment()?);
        command.env("BAILIWICK_VECTORS_EVERY", "1").args(["-q", "--tb=short", "test_vectors_live.py"]);
        check::counted(command)
    });
    steps.step("crashes", || {
        let mut command = python::pytest(&python::environment()?);
        command.env("BAILIWICK_CRASH_ROUNDS", args.crash_rounds.to_string()).args(["-q", "test_durability.py"]);
        check::counted(command)
    });
    steps.partial_step("faketime", || Ok(FAKETIME.ensure()));
    for (store, program, folder) in [("PostgreSQL", &POSTGRES, "stores"), ("etcd", &ETCD, "etcd")] {
        steps.partial_step(&format!("faults on {store}"), || {
            let installed = program.ensure();
            if !installed.skipped.is_empty() {
                return Ok(installed);
            }
            let mut command = python::pytest(&python::environment()?);
            command.env("BAILIWICK_FAULT_ROUNDS", args.fault_rounds.to_string());
            command.env("BAILIWICK_FAULT_SEED", seed.to_string()).args(["-q", "-rs", "--tb=short"]);
            command.args(["test_faults.py", "test_full_database.py"].map(|file| format!("{folder}/{file}")));
            check::counted_with_skips(command)
        });
    }
    if args.soak_minutes > 0 {
        steps.step("soak", || {
            println!("      {} minutes", args.soak_minutes);
            bench::soak(args.soak_minutes).map(|()| Tally::ONE)
        });
    }
    steps.end()
}

/// Returns the command for one of the evaluator's test programs, with the features that the previous step built.
fn evaluator(test: &str) -> Command {
    let mut command = run::cargo();
    command.args(["test", "--workspace", "--locked", "--release", "--test", test]);
    command
}
