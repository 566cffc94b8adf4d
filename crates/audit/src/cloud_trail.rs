//! The audit trail as CloudTrail shows it: handles `cloudtrail.v1`.
//!
//! Every account has one trail, which records in all regions and cannot be stopped. Its events are in segments of the
//! server, not in a bucket.

mod look_up_events;
mod status;
mod trail_name;
mod trails;

use std::sync::Arc;

use jiff::Timestamp;
use prost_types::Timestamp as Time;

use crate::{LookUp, Stats};

/// The trail that a [`Recorder`](crate::Recorder) writes; the handler of `cloudtrail.v1`.
pub struct CloudTrail {
    look_up: LookUp,
    stats: Arc<Stats>,
    /// When this server began to record.
    since: Timestamp,
}

impl CloudTrail {
    pub(crate) fn new(look_up: LookUp, stats: Arc<Stats>, since: Timestamp) -> Self {
        CloudTrail { look_up, stats, since }
    }
}

/// A time in whole seconds, as CloudTrail shows times.
fn time(time: Timestamp) -> Time {
    Time { seconds: time.as_second(), nanos: 0 }
}

#[cfg(test)]
mod tests;
