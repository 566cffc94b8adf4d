//! What the deployment is: its account, its partition, its region.

use bailiwick_model::{AccountId, Partition, Region};
use clap::Args;

use super::boolean;
use crate::failure::Failure;

/// The group "Deployment".
#[derive(Args)]
#[command(next_help_heading = "Deployment")]
pub(crate) struct DeploymentOptions {
    /// Make a new store although a master key is there already, whose store is missing
    ///
    /// For the first start under a key that was made beforehand, and for a new beginning. Leave it out afterwards.
    #[arg(long, env = "BAILIWICK_INIT", value_parser = boolean)]
    pub(crate) init: bool,
    /// Take what is left of a store in which rows are missing for the whole of it, once
    ///
    /// A store from which something other than Bailiwick has taken rows, or has put older ones into it, is refused: what
    /// they denied is not known. With this it starts, and what they denied is denied no more.
    #[arg(long)]
    pub(crate) accept_damaged_store: bool,
    /// Twelve digits of the management account, for the first start [default: random]
    #[arg(long, env = "BAILIWICK_ACCOUNT_ID", value_name = "DIGITS")]
    pub(crate) account_id: Option<AccountId>,
    /// Partition of all ARNs; fixed at the first start
    #[arg(long, env = "BAILIWICK_PARTITION", default_value = "aws", value_parser = parse_partition)]
    pub(crate) partition: Partition,
    /// Region that the deployment says it is in
    #[arg(long, env = "BAILIWICK_REGION", value_parser = parse_region, default_value = "us-east-1")]
    pub(crate) region: Region,
}

impl DeploymentOptions {
    /// Refuses what does not go together.
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
