//! What is counted of calls, for Prometheus.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::Route;

/// Seconds that separate quick answers from slow ones.
const BUCKETS: [f64; 12] = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];

/// Which calls failed, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failed {
    operation: &'static str,
    code: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    operation: &'static str,
}

/// Counters of one operation, at hand without a look-up.
struct OfOperation {
    calls: Counter,
    seconds: Histogram,
}

/// What is counted since the start.
pub struct Metrics {
    registry: Registry,
    operations: Vec<OfOperation>,
    failures: Family<Failed, Counter>,
    conflicts: Counter,
    panics: Counter,
    in_flight: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut registry = Registry::with_prefix("bailiwick");
        let calls = Family::<Named, Counter>::default();
        let seconds = Family::<Named, Histogram, fn() -> Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        let failures = Family::<Failed, Counter>::default();
        let (conflicts, panics, in_flight) =
            (Counter::<u64, AtomicU64>::default(), Counter::default(), Gauge::default());
        registry.register("calls", "Calls answered, by operation", calls.clone());
        registry.register("call_seconds", "Time from a call's arrival to its answer", seconds.clone());
        registry.register("failures", "Calls refused or failed, by operation and code", failures.clone());
        registry.register(
            "conflicts",
            "Changes decided and done again, since what they read had changed",
            conflicts.clone(),
        );
        registry.register("panics", "Calls that ended in a panic", panics.clone());
        registry.register("calls_in_flight", "Calls that are being answered", in_flight.clone());
        let of = |route: &Route| {
            let label = Named { operation: route.name };
            OfOperation { calls: calls.get_or_create_owned(&label), seconds: seconds.get_or_create_owned(&label) }
        };
        let operations = Route::all().iter().map(of).collect();
        Metrics { registry, operations, failures, conflicts, panics, in_flight }
    }

    /// The metrics in the text form that Prometheus reads.
    ///
    /// # Errors
    /// When formatting fails.
    pub fn render(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &self.registry)?;
        Ok(text)
    }

    pub(crate) fn begin(&self) -> InFlight<'_> {
        self.in_flight.inc();
        InFlight(self)
    }

    pub(crate) fn answered(&self, route: &Route, failure: Option<&'static str>, took: Duration) {
        let of = &self.operations[route.index];
        of.calls.inc();
        of.seconds.observe(took.as_secs_f64());
        if let Some(code) = failure {
            self.failures.get_or_create(&Failed { operation: route.name, code }).inc();
        }
    }

    pub(crate) fn panicked(&self) {
        self.panics.inc();
    }

    pub(crate) fn conflict(&self) {
        self.conflicts.inc();
    }
}

/// Counts a call as in flight until it is dropped, also when its client goes away.
pub(crate) struct InFlight<'a>(&'a Metrics);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}
