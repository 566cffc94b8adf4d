//! The table of operations.

use std::collections::HashMap;
use std::sync::LazyLock;

use bailiwick_api::{Operation, for_each_operation, op};

use crate::handlers::NOT_IMPLEMENTED;

/// An operation, as front ends find it.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The operation's name in AWS's spelling.
    pub name: &'static str,
    /// The prefix of its action: `iam`, `sts`, `bailiwick`.
    pub service: &'static str,
    /// Its path in gRPC.
    pub path: &'static str,
    /// Whether it has a handler.
    pub coverage: Coverage,
    /// Whether a request may have more than 1 MiB: whether a member may.
    pub takes_large_requests: bool,
    /// Its index in the table, for counters.
    pub(crate) index: usize,
}

/// Whether an operation has a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// It has a handler.
    Handled,
    /// It is refused with `NotImplemented`.
    NotImplemented,
}

impl Route {
    /// Finds the operation with this gRPC path.
    pub fn find(path: &str) -> Option<&'static Route> {
        TABLE.by_path.get(path).map(|index| &TABLE.rows[*index])
    }

    /// All operations, in the order of the proto files.
    pub fn all() -> &'static [Route] {
        &TABLE.rows
    }
}

struct Table {
    rows: Vec<Route>,
    by_path: HashMap<&'static str, usize>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let rows = rows();
    let by_path = rows.iter().map(|row| (row.path, row.index)).collect();
    Table { rows, by_path }
});

macro_rules! table {
    ($(($module:ident $service:ident $operation:ident))*) => {
        fn rows() -> Vec<Route> {
            let mut rows = Vec::new();
            $(
                let index = rows.len();
                rows.push(Route {
                    name: <op::$operation as Operation>::NAME,
                    service: <op::$operation as Operation>::SERVICE,
                    path: <op::$operation as Operation>::PATH,
                    coverage: coverage(<op::$operation as Operation>::NAME),
                    takes_large_requests: LARGE.contains(&<op::$operation as Operation>::NAME),
                    index,
                });
            )*
            rows
        }
    };
}

for_each_operation!(table);

/// The operations with a member that may have more than 1 MiB.
const LARGE: [&str; 3] = ["CreateSAMLProvider", "UpdateSAMLProvider", "UploadServerCertificate"];

fn coverage(name: &str) -> Coverage {
    if NOT_IMPLEMENTED.contains(&name) { Coverage::NotImplemented } else { Coverage::Handled }
}
