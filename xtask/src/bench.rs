//! `cargo xtask bench`: the programs in `bench/`, each built optimized in its own target folder and run.

use crate::etcd::ETCD;
use crate::postgres::POSTGRES;
use crate::run;
use crate::store_server::StoreServer;
use anyhow::{Result, bail};
use clap::{Args as ClapArgs, ValueEnum};
use std::path::PathBuf;
use std::process::Command;

/// Without a section: the load of the running server beside baselines, two minutes.
#[derive(ClapArgs)]
#[command(after_help = "Each section is built optimized before it is measured, which takes minutes the first time.")]
pub(crate) struct Args {
    /// Compare the evaluator with other embeddable engines, and with its slow reference on a million random cases:
    /// about ten minutes
    #[arg(long)]
    evaluator: bool,
    /// Measure snapshots of a thousand to a million principals in memory: three minutes and 6 GB; seconds with
    /// --max 10000
    #[arg(long)]
    scale: bool,
    /// Measure the cost of authenticated storage for a commit and a start, compared with none: two minutes. With the name of a
    /// store: three servers on it, beside one with the embedded store and bare commits, two minutes
    #[arg(long, value_enum, num_args = 0..=1, value_name = "NAME")]
    store: Option<Option<Shared>>,
    /// Measure look-up in an audit trail of ten million events: ten minutes and 12 GB of disk
    #[arg(long)]
    trail: bool,
    /// Run every section, the load first
    #[arg(long, conflicts_with_all = ["evaluator", "scale", "store", "trail", "filter"])]
    all: bool,
    /// Print one JSON document per section instead of tables
    #[arg(long)]
    json: bool,
    /// Seconds of each measurement of the load, on each side; the default makes two minutes in total
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Principals of the largest deployment, 10000 to 1000000; the store section uses at most 100000
    #[arg(long, default_value_t = 1_000_000)]
    max: u64,
    /// Run only the measurements of the load or the evaluator whose name contains this
    #[arg(conflicts_with_all = ["scale", "store", "trail"])]
    filter: Option<String>,
}

/// A store that servers share.
#[derive(Clone, Copy, ValueEnum)]
enum Shared {
    /// A PostgreSQL database
    Postgres,
    /// An etcd cluster of one member
    Etcd,
}

/// Builds and runs the requested sections, one after the other.
pub(crate) fn run(args: &Args) -> Result<()> {
    if args.all || !(args.evaluator || args.scale || args.store.is_some() || args.trail) {
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
    if let Some(Some(shared)) = args.store {
        shared_store(args, shared)?;
    }
    if args.all || matches!(args.store, Some(None)) {
        let mut bench = build("store", "bailiwick-bench-store")?;
        bench.args(["--principals", &args.max.min(100_000).to_string()]);
        measure(bench, args.json)?;
    }
    if args.all || args.trail {
        measure(build("trail", "bailiwick-bench-trail")?, args.json)?;
    }
    Ok(())
}

fn load(args: &Args) -> Result<()> {
    let mut bench = build_load()?;
    bench.args(["--seconds", &args.seconds.to_string()]).args(&args.filter);
    measure(bench, args.json)
}

/// Three servers on a store, which syncs its files, as in production.
fn shared_store(args: &Args, shared: Shared) -> Result<()> {
    let (program, script) = match shared {
        Shared::Postgres => (&POSTGRES, "postgres.sh"),
        Shared::Etcd => (&ETCD, "etcd.sh"),
    };
    if !program.ensure().skipped.is_empty() {
        bail!("{} is missing", program.name);
    }
    let mut bench = build_load()?;
    let store = StoreServer::start(script, &[])?;
    let address = match shared {
        Shared::Postgres => format!("postgres://postgres@127.0.0.1:{}/postgres", store.port()),
        Shared::Etcd => format!("etcd://127.0.0.1:{}", store.port()),
    };
    bench.args(["--seconds", &args.seconds.to_string(), "--database", &address]);
    measure(bench, args.json)
}

/// Uses one server for a number of minutes in many ways.
///
/// # Errors
/// If its memory, open files or latency grow, or its store is not sound afterwards.
pub(crate) fn soak(minutes: u32) -> Result<()> {
    let mut bench = build_load()?;
    bench.args(["--soak", &minutes.to_string()]);
    if !bench.status()?.success() {
        bail!("the soak failed");
    }
    Ok(())
}

/// Builds the server and the program that measures it.
fn build_load() -> Result<Command> {
    eprintln!("building the server, optimized; this takes minutes the first time");
    let mut server = run::cargo();
    server.args(["build", "--locked", "--release", "--package", "bailiwick-server"]);
    run::quiet(server)?;
    let mut bench = build("load", "bailiwick-load")?;
    bench.arg("--server").arg(run::target().join("release/bailiwick"));
    Ok(bench)
}

/// Builds the program in a folder of `bench/`, which is a workspace of its own.
fn build(folder: &str, program: &str) -> Result<Command> {
    eprintln!("building bench/{folder}, optimized; this takes minutes the first time");
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
        bail!("the benchmark did not finish");
    }
    Ok(())
}
