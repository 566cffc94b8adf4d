//! The metrics of sinks.

use std::sync::Arc;

use bailiwick_audit::SinkStatus;
use bailiwick_operation::Clock;
use bailiwick_service::Metrics;

/// Registers them.
pub(super) fn measure(metrics: &Metrics, clock: &Arc<dyn Clock>, statuses: Vec<Arc<SinkStatus>>) {
    type Read = fn(&SinkStatus) -> u64;
    let statuses: Arc<[Arc<SinkStatus>]> = statuses.into();
    let counters: [(&str, &str, Read); 3] = [
        (
            "bailiwick_audit_sink_delivered_total",
            "Records that the receiver of a sink has acknowledged.",
            SinkStatus::delivered,
        ),
        ("bailiwick_audit_sink_failures_total", "Failed attempts of a sink to deliver records.", SinkStatus::failures),
        (
            "bailiwick_audit_sink_missing_total",
            "Records that a sink could not deliver because they were removed or damaged before.",
            SinkStatus::missing,
        ),
    ];
    for (name, help, read) in counters {
        let statuses = Arc::clone(&statuses);
        metrics.counter(name, help, &["sink"], move |samples| {
            statuses.iter().for_each(|of| samples.add(&[of.name()], read(of) as f64));
        });
    }
    let of = Arc::clone(&statuses);
    let help = "Records of the audit trail that a sink has not come to.";
    metrics.gauge("bailiwick_audit_sink_lag_records", help, &["sink"], move |samples| {
        of.iter().for_each(|of| samples.add(&[of.name()], of.lag() as f64));
    });
    let clock = Arc::clone(clock);
    let help = "Age of the oldest record that waits to be delivered by a sink; 0 if none waits.";
    metrics.gauge("bailiwick_audit_sink_lag_seconds", help, &["sink"], move |samples| {
        for of in statuses.iter() {
            let age = of.waits_since().map_or(0.0, |since| clock.now().duration_since(since).as_secs_f64());
            samples.add(&[of.name()], age.max(0.0));
        }
    });
}
