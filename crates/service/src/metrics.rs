//! Metrics for Prometheus. `docs/metrics.md` lists all of them.
//!
//! Calls are counted here. Values of other crates are registered once with [`Metrics::gauge`] or [`Metrics::counter`]
//! and read when the page is rendered. A series without samples is left out. The page is sorted.

mod pulled;

use std::collections::HashMap;
use std::sync::OnceLock;
use std::time::Duration;

use bailiwick_audit::{Recorder, Stats};
use bailiwick_authz::Authz;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricType;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder,
};

use self::pulled::PulledFamily;
pub use self::pulled::Samples;
use crate::Route;
use bailiwick_operation::FairQueue;

/// The upper bounds of the histogram's buckets, in seconds.
const BUCKETS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// The counters of one operation, without a lookup by label.
struct OperationCounters {
    calls: IntCounter,
    seconds: Histogram,
}

/// Counters and gauges since the start.
pub struct Metrics {
    registry: Registry,
    /// By the index of the route; created at the first call of an operation.
    operations: Vec<OnceLock<OperationCounters>>,
    calls: IntCounterVec,
    seconds: HistogramVec,
    failures: IntCounterVec,
    unauthenticated: IntCounterVec,
    throttled: IntCounterVec,
    conflicts: IntCounter,
    panics: IntCounter,
    in_flight: IntGauge,
}

impl Metrics {
    /// # Errors
    /// If two families have the same name, which is a defect.
    fn with_registry(registry: Registry) -> prometheus::Result<Self> {
        let counters = |name, help, labels: &[&str]| IntCounterVec::new(Opts::new(name, help), labels);
        let seconds = HistogramOpts::new(
            "bailiwick_call_duration_seconds",
            "Time from a call's arrival to its answer, by operation.",
        );
        let metrics = Metrics {
            operations: Route::all().iter().map(|_| OnceLock::new()).collect(),
            calls: counters("bailiwick_calls_total", "Calls answered, by operation.", &["operation"])?,
            seconds: HistogramVec::new(seconds.buckets(BUCKETS.to_vec()), &["operation"])?,
            failures: counters(
                "bailiwick_call_failures_total",
                "Calls refused or failed, by operation and error code.",
                &["operation", "code"],
            )?,
            unauthenticated: counters(
                "bailiwick_authentication_failures_total",
                "Calls whose caller could not be authenticated, by error code.",
                &["code"],
            )?,
            throttled: counters(
                "bailiwick_throttled_total",
                "Requests and connections refused because of a limit, by limit.",
                &["limit"],
            )?,
            conflicts: IntCounter::new(
                "bailiwick_commit_conflicts_total",
                "Changes decided and made again because what they had read changed before they committed.",
            )?,
            panics: IntCounter::new("bailiwick_panics_total", "Calls that ended in a panic.")?,
            in_flight: IntGauge::new("bailiwick_calls_in_flight", "Calls that are being answered.")?,
            registry,
        };
        let families: [Box<dyn Collector>; 8] = [
            Box::new(metrics.calls.clone()),
            Box::new(metrics.seconds.clone()),
            Box::new(metrics.failures.clone()),
            Box::new(metrics.unauthenticated.clone()),
            Box::new(metrics.throttled.clone()),
            Box::new(metrics.conflicts.clone()),
            Box::new(metrics.panics.clone()),
            Box::new(metrics.in_flight.clone()),
        ];
        families.into_iter().try_for_each(|family| metrics.registry.register(family))?;
        Ok(metrics)
    }

    pub(crate) fn new() -> Self {
        match Self::with_registry(Registry::new()) {
            Ok(metrics) => metrics,
            // INVARIANT: the names are constants, and a test creates all of them.
            Err(error) => unreachable!("the metrics are not well formed: {error}"),
        }
    }

    /// Registers a family of gauges: `name` with its unit, one sentence of help, the names of the labels, and a function
    /// that adds the samples when the page is rendered.
    pub fn gauge(
        &self,
        name: &str,
        help: &str,
        labels: &'static [&'static str],
        read: impl Fn(&mut Samples<'_>) + Send + Sync + 'static,
    ) {
        self.pull(MetricType::GAUGE, name, help, labels, Box::new(read));
    }

    /// Registers a family of counters in the same way. `name` ends in `_total`.
    pub fn counter(
        &self,
        name: &str,
        help: &str,
        labels: &'static [&'static str],
        read: impl Fn(&mut Samples<'_>) + Send + Sync + 'static,
    ) {
        self.pull(MetricType::COUNTER, name, help, labels, Box::new(read));
    }

    fn pull(
        &self,
        kind: MetricType,
        name: &str,
        help: &str,
        labels: &'static [&'static str],
        read: Box<dyn Fn(&mut Samples<'_>) + Send + Sync>,
    ) {
        let names = labels.iter().map(|&label| label.to_owned()).collect();
        let registered = Desc::new(name.to_owned(), help.to_owned(), names, HashMap::new())
            .and_then(|desc| self.registry.register(Box::new(PulledFamily { kind, desc, labels, read })));
        if let Err(error) = registered {
            tracing::error!(name, %error, "a metric could not be registered, which is a defect of Bailiwick");
        }
    }

    /// The metrics in Prometheus's text format, version 0.0.4, sorted by name and labels.
    ///
    /// # Errors
    /// If a registered metric has a malformed name.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        TextEncoder::new().encode_to_string(&self.registry.gather()).map_err(|_| std::fmt::Error)
    }

    /// Counts a request or connection that a limit refused; `limit` names the limit.
    pub fn throttled(&self, limit: &str) {
        self.throttled.with_label_values(&[limit]).inc();
    }

    /// Registers the length of the queue of calls.
    pub(crate) fn show_waiting(&self, queue: FairQueue) {
        let help = "Calls that wait for their turn, because more came than the processors can work on.";
        self.gauge("bailiwick_calls_waiting", help, &[], move |samples| samples.add(&[], queue.waiting() as f64));
    }

    /// Registers the decision counters that `authz` keeps.
    pub(crate) fn count_decisions_of(&self, authz: &Authz) {
        let decisions = authz.decisions();
        self.counter(
            "bailiwick_decisions_total",
            "Policy decisions, by origin (an own operation or a service), outcome and deciding step.",
            &["asked_by", "outcome", "step"],
            move |samples| {
                for of in decisions.read() {
                    samples.add(&[of.asked_by, of.outcome, of.step], of.count as f64);
                }
            },
        );
    }

    /// Registers the counters of the audit log.
    pub(crate) fn count_records_of(&self, recorder: &Recorder) {
        type Read = fn(&Stats) -> u64;
        let families: [(&str, &str, Read); 3] = [
            ("bailiwick_audit_records_total", "Audit records written to segments.", Stats::written),
            (
                "bailiwick_audit_suppressed_total",
                "Calls that need no permissions, such as refused ones, that were counted instead of recorded one by one.",
                Stats::suppressed,
            ),
            (
                "bailiwick_audit_lost_total",
                "Audit records that were lost because the queue was full: records could not be written, or not fast enough.",
                Stats::lost,
            ),
        ];
        for (name, help, read) in families {
            let stats = recorder.stats();
            self.counter(name, help, &[], move |samples| samples.add(&[], read(&stats) as f64));
        }
        let stats = recorder.stats();
        let help = "Whether audit records can be written: 1, or 0 while they cannot.";
        self.gauge("bailiwick_audit_writable", help, &[], move |samples| {
            samples.add(&[], if stats.is_failing() { 0.0 } else { 1.0 });
        });
        let stats = recorder.stats();
        let help = "Audit records of changes that wait in the store to be moved to segments.";
        self.gauge("bailiwick_audit_outbox_rows", help, &[], move |samples| {
            samples.add(&[], stats.waiting() as f64);
        });
        self.count_store_behind(recorder);
        self.count_unreadable(recorder);
    }

    /// Registers what look-ups could not read.
    fn count_unreadable(&self, recorder: &Recorder) {
        let trail = recorder.look_up().clone();
        let help = "Segments of the audit trail that are known to be unreadable; look-ups do not find their records.";
        self.gauge("bailiwick_audit_unreadable_segments", help, &[], move |samples| {
            samples.add(&[], trail.unreadable_segments() as f64);
        });
        let trail = recorder.look_up().clone();
        let help = "Indexes of the audit trail that were found to be damaged or wrong and are built again.";
        self.counter("bailiwick_audit_wrong_indexes_total", help, &[], move |samples| {
            samples.add(&[], trail.wrong_indexes() as f64);
        });
    }

    /// Registers whether the store was older than the audit segments at the start.
    fn count_store_behind(&self, recorder: &Recorder) {
        let stats = recorder.stats();
        let help = "Whether the audit segments had changes at the start that the store did not have: 1, else 0.";
        self.gauge("bailiwick_audit_store_behind", help, &[], move |samples| {
            samples.add(&[], if stats.is_store_behind() { 1.0 } else { 0.0 });
        });
    }

    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight(self)
    }

    pub(crate) fn answered(&self, route: &Route, failure: Option<&'static str>, took: Duration) {
        let of = self.operations[route.index].get_or_init(|| OperationCounters {
            calls: self.calls.with_label_values(&[route.name]),
            seconds: self.seconds.with_label_values(&[route.name]),
        });
        of.calls.inc();
        of.seconds.observe(took.as_secs_f64());
        if let Some(code) = failure {
            self.failures.with_label_values(&[route.name, code]).inc();
        }
    }

    pub(crate) fn unauthenticated(&self, code: &'static str) {
        self.unauthenticated.with_label_values(&[code]).inc();
    }

    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }

    pub(crate) fn conflict(&self) {
        self.conflicts.inc();
    }
}

/// Counts a call as in flight until it is dropped, also if its client disconnects.
pub(crate) struct InFlight<'a>(&'a Metrics);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

#[cfg(test)]
mod tests;
