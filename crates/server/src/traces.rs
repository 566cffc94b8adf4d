//! Traces for OpenTelemetry: which requests are traced, and the export to a collector (OTLP over HTTP or gRPC).
//!
//! No request waits for the collector. Finished traces wait in a bounded queue; what finds no room, or can't be delivered, is
//! counted and dropped.

mod collector;
mod message;
mod parent;

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bailiwick_operation::trace::Trace;
use bailiwick_operation::{Clock, Random};
use bailiwick_service::{Metrics, Service};
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use prost::Message;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::collector::Collector;
pub(crate) use self::collector::TraceProtocol;
use self::message::{ExportResponse, Finished};
use self::parent::Parent;
use crate::signals::stopped;
use crate::sinks::Endpoint;

/// The number of finished traces that may wait.
const QUEUE: usize = 2_048;
/// The maximum number of traces in one request to the collector.
const BATCH: usize = 256;
/// How long a batch is collected.
const COLLECT: Duration = Duration::from_secs(1);
/// The time for one request to the collector.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The pauses before further attempts to deliver a batch.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];
/// How long the last traces may take when the server stops.
const GRACE: Duration = Duration::from_secs(2);

/// Where traces go, and how many requests are traced.
#[derive(Clone, Debug)]
pub(crate) struct TraceSettings {
    pub(crate) endpoint: Endpoint,
    pub(crate) protocol: TraceProtocol,
    /// Of how many requests, but for those whose authenticated callers sent a `traceparent`: from 0 to 1.
    pub(crate) ratio: f64,
}

/// Begins and finishes traces.
pub(crate) struct Tracer {
    queue: mpsc::Sender<Finished>,
    ratio: f64,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    exported: AtomicU64,
    dropped: AtomicU64,
}

impl Tracer {
    /// Starts the export.
    ///
    /// # Errors
    /// If a file that the endpoint names can't be used.
    pub(crate) fn start(
        settings: TraceSettings,
        service: &Service,
        stop: watch::Receiver<bool>,
    ) -> Result<(Arc<Tracer>, JoinHandle<()>), String> {
        let client = Collector::new(settings.endpoint, settings.protocol)?;
        let (queue, waiting) = mpsc::channel(QUEUE);
        let counts = Arc::<Counts>::default();
        measure(service.metrics(), &counts);
        let export = tokio::spawn(Export { client, waiting, counts: Arc::clone(&counts) }.run(stop));
        let deployment = &service.parts().deployment;
        let (clock, random) = (Arc::clone(&deployment.clock), Arc::clone(&deployment.random));
        Ok((Arc::new(Tracer { queue, ratio: settings.ratio, clock, random, counts }), export))
    }

    /// Answers a request, in a trace if an authenticated client records one, or else for a part of the requests.
    ///
    /// Whether the client is authenticated is known afterwards only. What others send in `traceparent` counts for nothing:
    /// they could fill the queue, hide, or add spans to the traces of others.
    pub(crate) async fn answer<B, A, F: Future<Output = Response<A>>>(
        &self,
        request: Request<B>,
        front: &'static str,
        answer: impl FnOnce(Request<B>) -> F,
    ) -> Response<A> {
        let Some(candidate) = self.candidate(request.headers()) else { return answer(request).await };
        let begun = self.clock.now();
        let steps = Arc::new(Trace::new());
        let span = steps.span(front);
        if let Some(span) = &span {
            // Neither the path nor the query: both may hold secrets.
            span.note("http.request.method", method(request.method()));
        }
        let response = Box::pin(steps.run(answer(request))).await;
        if let Some(span) = span {
            span.note(message::STATUS_CODE, response.status().as_str());
        }
        let Some((trace, parent)) = candidate.chosen(steps.is_authenticated()) else { return response };
        let finished = Finished { trace, parent, first: candidate.first, begun, spans: steps.spans() };
        if self.queue.try_send(finished).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
        response
    }

    /// A trace of this request; none if the request is traced for no caller.
    fn candidate(&self, headers: &HeaderMap) -> Option<Candidate> {
        let parent = Parent::of(headers);
        let mut bits = [0; 24];
        self.random.fill(&mut bits);
        let (id, first) = bits.split_at(16);
        let (id, first) = (id.try_into().ok()?, u64::from_be_bytes(first.try_into().ok()?));
        let is_chosen = is_chosen(first, self.ratio);
        (is_chosen || parent.is_some_and(|parent| parent.sampled)).then_some(Candidate { parent, id, first, is_chosen })
    }
}

/// A trace that may be exported.
struct Candidate {
    parent: Option<Parent>,
    /// Its id, if it is not that of the client's.
    id: [u8; 16],
    /// The id of the first span.
    first: u64,
    /// Whether the request is in the part that is traced.
    is_chosen: bool,
}

impl Candidate {
    /// The id of the trace and the span of the client; none if the trace is not exported.
    fn chosen(&self, is_authenticated: bool) -> Option<([u8; 16], Option<[u8; 8]>)> {
        match self.parent {
            Some(parent) if is_authenticated => parent.sampled.then_some((parent.trace, Some(parent.span))),
            _ => self.is_chosen.then_some((self.id, None)),
        }
    }
}

/// A method, as OpenTelemetry's conventions have it: one that is not known is not the client's text.
fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 9] = ["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("_OTHER")
}

/// Whether a random number is in the part of the requests that is traced.
fn is_chosen(random: u64, ratio: f64) -> bool {
    // The 53 upper bits are exact as a float, and below 1.
    ((random >> 11) as f64 / (1_u64 << 53) as f64) < ratio
}

fn measure(metrics: &Metrics, counts: &Arc<Counts>) {
    let of = Arc::clone(counts);
    let help = "Traces that the collector has accepted.";
    metrics.counter("bailiwick_traces_exported_total", help, &[], move |samples| {
        samples.add(&[], of.exported.load(Ordering::Relaxed) as f64);
    });
    let of = Arc::clone(counts);
    let help = "Traces that were dropped because the queue was full or the collector did not accept them.";
    metrics.counter("bailiwick_traces_dropped_total", help, &[], move |samples| {
        samples.add(&[], of.dropped.load(Ordering::Relaxed) as f64);
    });
}

/// Delivers finished traces.
struct Export {
    client: Collector,
    waiting: mpsc::Receiver<Finished>,
    counts: Arc<Counts>,
}

impl Export {
    async fn run(mut self, mut stop: watch::Receiver<bool>) {
        loop {
            let mut batch = Vec::new();
            let collected = tokio::select! {
                () = stopped(&mut stop) => break,
                count = self.waiting.recv_many(&mut batch, BATCH) => count,
            };
            if collected == 0 {
                return;
            }
            // A lone trace waits for others.
            let more = async { while batch.len() < BATCH && self.waiting.recv_many(&mut batch, BATCH).await > 0 {} };
            let _ = tokio::time::timeout(COLLECT, more).await;
            tokio::select! {
                () = stopped(&mut stop) => {
                    let _ = tokio::time::timeout(GRACE, self.deliver(batch, &[])).await;
                    break;
                }
                () = Self::deliver_with(&mut self.client, &self.counts, &batch, &PAUSES) => {}
            }
        }
        let mut rest = Vec::new();
        while let Ok(finished) = self.waiting.try_recv() {
            rest.push(finished);
        }
        if !rest.is_empty() {
            let _ = tokio::time::timeout(GRACE, self.deliver(rest, &[])).await;
        }
    }

    async fn deliver(&mut self, batch: Vec<Finished>, pauses: &[Duration]) {
        Self::deliver_with(&mut self.client, &self.counts, &batch, pauses).await;
    }

    /// Delivers a batch, or counts it as dropped after the attempts.
    async fn deliver_with(client: &mut Collector, counts: &Counts, batch: &[Finished], pauses: &[Duration]) {
        let body = Bytes::from(message::request(batch).encode_to_vec());
        let mut pauses = pauses.iter();
        loop {
            let sent = tokio::time::timeout(TIMEOUT, client.send(body.clone())).await;
            let why = match sent {
                Ok(Ok(answer)) => {
                    counts.exported.fetch_add(batch.len() as u64, Ordering::Relaxed);
                    report_rejected(&answer);
                    return;
                }
                Ok(Err(error)) => error.message,
                Err(_) => format!("no answer within {} seconds", TIMEOUT.as_secs()),
            };
            match pauses.next() {
                Some(pause) => tokio::time::sleep(*pause).await,
                None => {
                    counts.dropped.fetch_add(batch.len() as u64, Ordering::Relaxed);
                    tracing::warn!(why, traces = batch.len(), "traces were dropped: the collector did not accept them");
                    return;
                }
            }
        }
    }
}

/// Logs that a collector rejected some of the spans. The specification forbids to send them again.
fn report_rejected(answer: &[u8]) {
    let partial = ExportResponse::decode(answer).ok().and_then(|answer| answer.partial_success);
    if let Some(partial) = partial.filter(|partial| partial.rejected_spans > 0) {
        tracing::warn!(spans = partial.rejected_spans, why = partial.error_message, "a collector rejected spans");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_chooses_its_part() {
        for random in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(is_chosen(random, 1.0) && !is_chosen(random, 0.0));
        }
        assert!(is_chosen(u64::MAX / 4 - 1, 0.25) && !is_chosen(u64::MAX / 4 + (1 << 12), 0.25));
    }
    #[test]
    fn only_authenticated_callers_decide_whether_they_are_traced() {
        let parent = |sampled| Some(Parent { trace: [1; 16], span: [2; 8], sampled });
        let continued = Some(([1; 16], Some([2; 8])));
        let own = Some(([9; 16], None));
        for (parent, is_chosen, authenticated, stranger) in [
            (None, true, own, own),
            (None, false, None, None),
            (parent(true), true, continued, own),
            (parent(true), false, continued, None),
            (parent(false), true, None, own),
            (parent(false), false, None, None),
        ] {
            let candidate = Candidate { parent, id: [9; 16], first: 3, is_chosen };
            assert_eq!(
                (candidate.chosen(true), candidate.chosen(false)),
                (authenticated, stranger),
                "{parent:?} {is_chosen}"
            );
        }
    }

    #[test]
    fn unknown_methods_have_one_name() {
        let named = |text: &str| method(&Method::from_bytes(text.as_bytes()).unwrap());
        assert_eq!(["GET", "POST", "get", "SECRET"].map(named), ["GET", "POST", "_OTHER", "_OTHER"]);
    }
}
