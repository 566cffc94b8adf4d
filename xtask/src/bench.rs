//! `cargo xtask bench`: the programs in `bench/`, each built optimized in a target folder of its own, then run.

use crate::run;
use anyhow::{Result, bail};
use clap::Args as ClapArgs;
use std::path::PathBuf;
use std::process::Command;

/// Without a section: the load of the running server beside baselines, two minutes.
#[derive(ClapArgs)]
#[command(after_help = "Each section is built optimized before it is measured: minutes the first time.")]
pub(crate) struct Args {
    /// The evaluator beside the engines that one could embed instead, and a million random cases beside the slow one
    /// of its tests: some ten minutes
    #[arg(long)]
    evaluator: bool,
    /// Worlds of a thousand to a million principals, in memory: three minutes and 6 GB; seconds with
    /// --max 10000
    #[arg(long)]
    scale: bool,
    /// What authenticated storage costs: a commit and a start, beside the same without; two minutes
    #[arg(long)]
    store: bool,
    /// Every section, the load first
    #[arg(long, conflicts_with_all = ["evaluator", "scale", "store", "filter"])]
    all: bool,
    /// Print JSON instead of tables, one document for each section
    #[arg(long)]
    json: bool,
    /// Seconds that each measurement of the load takes on each side; with these, two minutes in all
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Principals of the largest world, 10000 to 1000000; of the store that is started at most 100000
    #[arg(long, default_value_t = 1_000_000)]
    max: u64,
    /// Only the measurements whose name contains this, of the load or of the evaluator
    #[arg(conflicts_with_all = ["scale", "store"])]
    filter: Option<String>,
}

/// Builds the sections that are asked for, one after the other, and measures.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.all || !(args.evaluator || args.scale || args.store) {
        load(args)?;
    }
    if args.all || args.evaluator {
        let mut bench = build("evaluator", "bailiwick-bench-evaluator")?;
        bench.args(&args.filter);
        measure(bench, args.json)?;
    }
    if args.all || args.scale {
        let mut bench = build("scale", "bailiwick-scale")?;
        bench.args(["--max", &args.max.to_string()]);
        measure(bench, args.json)?;
    }
    if args.all || args.store {
        let mut bench = build("store", "bailiwick-bench-store")?;
        bench.args(["--principals", &args.max.min(100_000).to_string()]);
        measure(bench, args.json)?;
    }
    Ok(())
}

fn load(args: &Args) -> Result<()> {
    eprintln!("building the server, optimized; minutes the first time");
    let mut server = run::cargo();
    server.args(["build", "--locked", "--release", "--package", "bailiwick-server"]);
    run::quiet(server)?;
    let mut bench = build("load", "bailiwick-load")?;
    bench.arg("--server").arg(run::target().join("release/bailiwick"));
    bench.args(["--seconds", &args.seconds.to_string()]).args(&args.filter);
    measure(bench, args.json)
}

/// The program of a folder of `bench/`, which is a workspace of its own.
fn build(folder: &str, program: &str) -> Result<Command> {
    eprintln!("building bench/{folder}, optimized; minutes the first time");
    let target: PathBuf = run::target().join(folder);
    let mut build = run::cargo();
    build.current_dir(run::root().join("bench").join(folder)).env("CARGO_TARGET_DIR", &target);
    build.args(["build", "--locked", "--release"]);
    run::quiet(build)?;
    Ok(Command::new(target.join("release").join(program)))
}

fn measure(mut bench: Command, json: bool) -> Result<()> {
    if json {
        bench.arg("--json");
    }
    if !bench.status()?.success() {
        bail!("the bench did not finish");
    }
    Ok(())
}
