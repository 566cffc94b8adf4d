//! `cargo xtask cluster`: three servers on one store, on this machine, until Ctrl-C.

use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Result, bail};
use clap::{Args as ClapArgs, ValueEnum};

use crate::etcd::ETCD;
use crate::postgres::POSTGRES;
use crate::run;

/// Needs the store's program, which is installed as `cargo xtask test` does it.
#[derive(ClapArgs)]
pub(crate) struct Args {
    /// What the servers share
    #[arg(long, value_enum, default_value = "postgres")]
    store: Shared,
}

/// A store for several servers.
#[derive(Clone, Copy, ValueEnum)]
enum Shared {
    /// A PostgreSQL database, without fsync
    Postgres,
    /// An etcd cluster of one member
    Etcd,
}

/// Builds the server, and becomes the script that runs the servers.
pub(crate) fn run(args: &Args) -> Result<()> {
    let (program, script, options, address) = match args.store {
        Shared::Postgres => {
            (&POSTGRES, "postgres.sh", &["fsync=off"][..], "postgres://postgres@127.0.0.1:{port}/postgres")
        }
        Shared::Etcd => (&ETCD, "etcd.sh", &[][..], "etcd://127.0.0.1:{port}/bailiwick"),
    };
    let done = program.ensure();
    if !done.skipped.is_empty() {
        bail!("{} is missing", program.name);
    }
    let mut build = run::cargo();
    build.args(["build", "--locked", "--package", "bailiwick-server"]);
    run::quiet(build)?;
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let mut cluster = Command::new(run::root().join("tests/stores/cluster.sh"));
    cluster.arg(run::target().join("debug/bailiwick")).args([script, &port, &address.replace("{port}", &port)]);
    cluster.args(options);
    // Signals reach the script at once.
    Err(cluster.exec().into())
}
