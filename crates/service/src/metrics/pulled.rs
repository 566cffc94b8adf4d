//! Metrics whose values are read from their owner when the page is rendered.

use std::fmt;

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};

type Read = dyn Fn(&mut Samples<'_>) + Send + Sync;

/// Collects the samples of one family.
pub struct Samples<'a> {
    kind: MetricType,
    labels: &'a [&'static str],
    metrics: Vec<Metric>,
}

impl Samples<'_> {
    /// Adds a sample: a value for each label of the family, in order, and the number.
    pub fn add(&mut self, labels: &[&str], value: f64) {
        let pair = |(name, value): (&&'static str, &&str)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value((*value).to_owned());
            pair
        };
        let mut metric = Metric::from_label(self.labels.iter().zip(labels).map(pair).collect());
        if self.kind == MetricType::COUNTER {
            let mut counter = Counter::default();
            counter.set_value(value);
            metric.set_counter(counter);
        } else {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        }
        self.metrics.push(metric);
    }
}

/// A family of metrics whose values are read when the page is rendered.
pub(super) struct PulledFamily {
    pub(super) kind: MetricType,
    pub(super) desc: Desc,
    pub(super) labels: &'static [&'static str],
    pub(super) read: Box<Read>,
}

impl Collector for PulledFamily {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut samples = Samples { kind: self.kind, labels: self.labels, metrics: Vec::new() };
        (self.read)(&mut samples);
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(self.kind);
        family.set_metric(samples.metrics);
        vec![family]
    }
}

impl fmt::Debug for PulledFamily {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pulled").field("desc", &self.desc).finish_non_exhaustive()
    }
}
