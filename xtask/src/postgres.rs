//! PostgreSQL for the tests of the store on it: Debian's `postgresql`, in a temporary folder.

use std::path::Path;

use anyhow::Result;

use crate::debian::Program;
use crate::run;
use crate::store_server::StoreServer;

pub(crate) const POSTGRES: Program = Program {
    checks: "the store on PostgreSQL",
    name: "PostgreSQL",
    packages: &["postgresql"],
    is_installed: || {
        let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        run::installed("initdb", &["--version"]) || versions.into_iter().any(|version| has_server(&version.path()))
    },
};

fn has_server(version: &Path) -> bool {
    version.join("bin/initdb").is_file()
}

/// The variable that names the port of the server to the tests.
pub(crate) const VARIABLE: &str = "BAILIWICK_TEST_POSTGRES";

/// Starts a server without `fsync`, since its folder is removed at its end.
pub(crate) fn start() -> Result<StoreServer> {
    StoreServer::start("postgres.sh", &["fsync=off"])
}
