//! The account, partition and region of the deployment.

use bailiwick_model::{AccountId, Partition, Region};
use clap::Args;

use super::boolean;
use crate::failure::Failure;

/// The group "Deployment".
#[derive(Args)]
#[command(next_help_heading = "Deployment")]
pub(crate) struct DeploymentOptions {
    /// Create a new store although a master key exists without its store
    ///
    /// For the first start with a key that was generated beforehand, and to start over. Remove it afterwards.
    #[arg(long, env = "BAILIWICK_INIT", value_parser = boolean)]
    pub(crate) init: bool,
    /// Accept the remaining rows of a store in which rows are missing, once
    ///
    /// A store in which rows are missing or outdated, and Bailiwick did not do that, is refused, since policies that
    /// deny may be among them. With this option the server starts, without the denials of missing rows.
    #[arg(long)]
    pub(crate) accept_damaged_store: bool,
    /// Twelve digits of the management account, for the first start [default: random]
    #[arg(long, env = "BAILIWICK_ACCOUNT_ID", value_name = "DIGITS")]
    pub(crate) account_id: Option<AccountId>,
    /// Partition of all ARNs; fixed at the first start
    #[arg(long, env = "BAILIWICK_PARTITION", default_value = "aws", value_parser = parse_partition)]
    pub(crate) partition: Partition,
    /// Region of the deployment
    #[arg(long, env = "BAILIWICK_REGION", value_parser = parse_region, default_value = "us-east-1")]
    pub(crate) region: Region,
}

impl DeploymentOptions {
    /// Refuses contradictory options.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.region.partition() == Some(self.partition) {
            return Ok(());
        }
        let (region, partition) = (&self.region, self.partition);
        Err(Failure::with_code(format!("the region {region} is not in the partition {partition}"), 2))
    }
}

fn parse_partition(text: &str) -> Result<Partition, String> {
    Partition::parse(text).map_err(|e| e.to_string())
}

/// Parses a region.
pub(crate) fn parse_region(text: &str) -> Result<Region, String> {
    Region::parse(text).map_err(|e| e.to_string())
}
