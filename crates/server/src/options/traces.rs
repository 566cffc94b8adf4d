//! Traces for OpenTelemetry.

use std::path::PathBuf;

use clap::Args;

use crate::failure::Failure;
use crate::sinks::Endpoint;
use crate::traces::{TraceProtocol, TraceSettings};

/// The group "Traces".
#[derive(Args)]
#[command(next_help_heading = "Traces")]
pub(crate) struct TraceOptions {
    /// URL of a collector, as in `https://collector.lan:4318/v1/traces`, or `https://collector.lan:4317` for gRPC; without
    /// it, nothing is traced
    #[arg(long, env = "BAILIWICK_TRACE_URL", value_name = "URL", hide_env_values = true)]
    trace_url: Option<String>,
    /// How the collector takes traces
    #[arg(long, env = "BAILIWICK_TRACE_PROTOCOL", value_name = "PROTOCOL", value_enum, default_value_t = TraceProtocol::Http)]
    trace_protocol: TraceProtocol,
    /// Part of the requests that is traced, from 0 to 1. A request of an authenticated caller with a `traceparent` is traced
    /// if the caller records the trace
    #[arg(long, env = "BAILIWICK_TRACE_RATIO", value_name = "RATIO", default_value_t = 1.0, value_parser = ratio)]
    trace_ratio: f64,
    /// File with headers for the collector, one a line, such as a token
    #[arg(long, env = "BAILIWICK_TRACE_HEADERS_FILE", value_name = "FILE")]
    trace_headers_file: Option<PathBuf>,
    /// File with the certificate authority of the collector
    #[arg(long, env = "BAILIWICK_TRACE_CA_FILE", value_name = "FILE")]
    trace_ca_file: Option<PathBuf>,
}

impl TraceOptions {
    /// The settings, if requests are traced.
    pub(crate) fn settings(&self) -> Result<Option<TraceSettings>, Failure> {
        let Some(url) = &self.trace_url else { return Ok(None) };
        let wrong = |why| Failure::with_code(format!("--trace-url: {why}"), 2);
        let endpoint =
            Endpoint::new(url, self.trace_ca_file.clone(), self.trace_headers_file.clone()).map_err(wrong)?;
        if self.trace_protocol == TraceProtocol::Grpc {
            endpoint.expect_no_path().map_err(wrong)?;
        }
        Ok(Some(TraceSettings { endpoint, protocol: self.trace_protocol, ratio: self.trace_ratio }))
    }
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "expected a number from 0 to 1".to_owned())
}
