//! etcd for the tests of the store on it: Debian's `etcd-server`, in a temporary folder.

use anyhow::Result;

use crate::debian::Program;
use crate::run;
use crate::store_server::StoreServer;

pub(crate) const ETCD: Program = Program {
    checks: "the store on etcd",
    name: "etcd",
    packages: &["etcd-server"],
    is_installed: || run::installed("etcd", &["--version"]),
};

/// The variable that names the port of the server to the tests.
pub(crate) const VARIABLE: &str = "BAILIWICK_TEST_ETCD";

/// Starts a cluster of one member.
pub(crate) fn start() -> Result<StoreServer> {
    StoreServer::start("etcd.sh", &[])
}
