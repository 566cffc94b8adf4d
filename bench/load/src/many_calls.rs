//! `Authorize` while one principal makes more calls of IAM than the processors can work on.

use crate::beside::{self, PACED};
use crate::drive::Call as _;
use crate::measure::{GET_USER, started};
use crate::query::{Repeat, signed_form};
use crate::report::Row;
use crate::world;
use anyhow::Result;
use std::path::Path;

/// Connections, each with one call at a time: fewer than the memory that one source may hold allows.
const CONNECTIONS: usize = 500;

/// The 99th percentile and the median of `Authorize`'s times during the calls, against those without.
pub async fn all(server: &Path, folder: &Path, seconds: u32) -> Result<Vec<Row>> {
    let process = started(server, &folder.join("many-calls")).await?;
    let world = world::make(&process).await?;
    let mut others = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut other = Repeat::connect(&process, signed_form(process.address, "iam", GET_USER)?).await?;
        // The server keeps few connections of one source that are not authenticated.
        other.call().await?;
        others.push(other);
    }
    let (times, _) = beside::measure(&process, &world, PACED, others, seconds).await?;
    Ok(vec![
        times.row("authorize beside 500 callers of IAM: 99th percentile", "calls of IAM", 0.99),
        times.row("authorize beside 500 callers of IAM: median", "calls of IAM", 0.5),
    ])
}
