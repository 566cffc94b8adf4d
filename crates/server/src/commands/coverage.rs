//! `bailiwick coverage`: the operations and whether they are handled. Hidden: only our own tasks use it.

use bailiwick_service::{Coverage, Route};

/// Prints `service operation handled|not-implemented`, one line each.
pub(crate) fn run() {
    for route in Route::all() {
        let covered = match route.coverage {
            Coverage::Handled => "handled",
            Coverage::NotImplemented => "not-implemented",
        };
        let service = route.path.trim_start_matches('/').split('/').next().unwrap_or_default();
        println!("{service} {} {covered}", route.name);
    }
}
