//! `cargo xtask bench`: the load of `bench/load` against a release build of the server.

use crate::run;
use anyhow::{Result, bail};
use clap::Args as ClapArgs;
use std::process::Command;

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Seconds that each measurement takes
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Only the measurements whose name contains this
    filter: Option<String>,
}

/// Builds server and load with all optimizations, then measures.
pub(crate) fn run(args: &Args) -> Result<()> {
    let root = run::root();
    let load = root.join("bench/load");
    eprintln!("building the server and the load, optimized; minutes the first time");
    let mut server = run::cargo();
    server.args(["build", "--locked", "--release", "--package", "bailiwick-server"]);
    run::quiet(server)?;
    let mut build = run::cargo();
    let own_target = run::target().join("load");
    build.current_dir(&load).env("CARGO_TARGET_DIR", &own_target).args(["build", "--locked", "--release"]);
    run::quiet(build)?;
    let mut bench = Command::new(own_target.join("release/bailiwick-load"));
    bench.arg("--server").arg(run::target().join("release/bailiwick"));
    bench.args(["--seconds", &args.seconds.to_string()]);
    if args.json {
        bench.arg("--json");
    }
    bench.args(&args.filter);
    if !bench.status()?.success() {
        bail!("the bench did not finish");
    }
    Ok(())
}
