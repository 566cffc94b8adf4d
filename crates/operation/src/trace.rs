//! The spans of one request, for OpenTelemetry. Without a trace, which is the default, a span costs one look at the task.
//!
//! The server begins a trace and runs the request in it; the steps of the request begin spans where they are. The steps
//! follow one another, so the newest open span is the parent of the next one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The maximum number of spans in a trace; further ones are left out.
const MAX_SPANS: usize = 256;

tokio::task_local! {
    static CURRENT: Arc<Trace>;
}

/// A request that is traced.
#[derive(Debug)]
pub struct Trace {
    begun: Instant,
    spans: Mutex<Spans>,
    is_authenticated: AtomicBool,
}

#[derive(Debug, Default)]
struct Spans {
    all: Vec<TracedSpan>,
    /// The positions of those that have not ended, the newest last.
    open: Vec<usize>,
}

/// A step of a request.
#[derive(Clone, Debug)]
pub struct TracedSpan {
    /// What it is.
    pub name: &'static str,
    /// The position of the span that it is part of; none for the first.
    pub parent: Option<usize>,
    /// When it began, since the beginning of the trace.
    pub begin: Duration,
    /// When it ended; none if it did not.
    pub end: Option<Duration>,
    /// What is known about it. Never a secret, and nothing of the content of requests.
    pub attributes: Vec<(&'static str, String)>,
    /// Whether it failed by a fault of the server.
    pub failed: bool,
}

impl Trace {
    /// Begins a trace.
    #[expect(clippy::new_without_default, reason = "it begins now")]
    pub fn new() -> Self {
        Trace { begun: Instant::now(), spans: Mutex::default(), is_authenticated: AtomicBool::new(false) }
    }

    /// Runs a request, whose steps become spans of the trace.
    pub async fn run<F: Future>(self: &Arc<Self>, request: F) -> F::Output {
        CURRENT.scope(Arc::clone(self), request).await
    }

    /// The spans so far, in the order of their beginnings.
    pub fn spans(&self) -> Vec<TracedSpan> {
        self.lock().all.clone()
    }

    /// Whether the caller of the request was authenticated.
    pub fn is_authenticated(&self) -> bool {
        self.is_authenticated.load(Ordering::Relaxed)
    }

    /// Begins a span of this trace; none if it has too many.
    pub fn span(self: &Arc<Self>, name: &'static str) -> Option<SpanGuard> {
        let begin = self.begun.elapsed();
        let mut spans = self.lock();
        let at = spans.all.len();
        if at == MAX_SPANS {
            return None;
        }
        let parent = spans.open.last().copied();
        spans.all.push(TracedSpan { name, parent, begin, end: None, attributes: Vec::new(), failed: false });
        spans.open.push(at);
        drop(spans);
        Some(SpanGuard { trace: Arc::clone(self), at })
    }

    fn lock(&self) -> MutexGuard<'_, Spans> {
        self.spans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Begins a span of the request that is traced, if one is. It ends when the guard is dropped.
pub fn span(name: &'static str) -> Option<SpanGuard> {
    CURRENT.try_with(|trace| trace.span(name)).ok().flatten()
}

/// Notes that the caller of the request that is traced, if one is, was authenticated.
pub fn note_authenticated() {
    let _ = CURRENT.try_with(|trace| trace.is_authenticated.store(true, Ordering::Relaxed));
}

/// A span that has not ended.
#[derive(Debug)]
#[must_use = "the span ends when this is dropped"]
pub struct SpanGuard {
    trace: Arc<Trace>,
    at: usize,
}

impl SpanGuard {
    /// Adds what is known about the span.
    pub fn note(&self, key: &'static str, value: impl Into<String>) {
        if let Some(span) = self.trace.lock().all.get_mut(self.at) {
            span.attributes.push((key, value.into()));
        }
    }

    /// Notes an error: its code, and whether it is a fault of the server.
    pub fn note_error(&self, error: &bailiwick_model::IamError) {
        self.note("error.type", error.code().wire());
        if error.code().http_status() >= 500
            && let Some(span) = self.trace.lock().all.get_mut(self.at)
        {
            span.failed = true;
        }
    }
}

impl Drop for SpanGuard {
    fn drop(&mut self) {
        let end = self.trace.begun.elapsed();
        let mut spans = self.trace.lock();
        spans.open.retain(|open| *open != self.at);
        if let Some(span) = spans.all.get_mut(self.at) {
            span.end = Some(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn steps_become_spans_of_the_step_that_they_are_part_of() {
        assert!(span("nothing").is_none());
        note_authenticated();
        let trace = Arc::new(Trace::new());
        trace
            .run(async {
                let request = span("request").unwrap();
                {
                    let decide = span("decide").unwrap();
                    decide.note("action", "iam:GetUser");
                    drop(span("policies"));
                }
                tokio::task::yield_now().await;
                drop(span("commit"));
                request.note_error(&bailiwick_model::IamError::internal("x"));
            })
            .await;
        assert!(!trace.is_authenticated());
        trace.run(async { note_authenticated() }).await;
        assert!(trace.is_authenticated());
        let spans = trace.spans();
        let shown: Vec<_> = spans.iter().map(|span| (span.name, span.parent, span.failed)).collect();
        let expected = [
            ("request", None, true),
            ("decide", Some(0), false),
            ("policies", Some(1), false),
            ("commit", Some(0), false),
        ];
        assert_eq!(shown, expected);
        assert_eq!(spans[1].attributes, [("action", "iam:GetUser".to_owned())]);
        assert!(spans.iter().all(|span| span.end.is_some_and(|end| end >= span.begin)));
    }

    #[tokio::test]
    async fn a_trace_has_a_bounded_number_of_spans() {
        let trace = Arc::new(Trace::new());
        trace.run(async { (0..2 * MAX_SPANS).for_each(|_| drop(span("step"))) }).await;
        assert_eq!(trace.spans().len(), MAX_SPANS);
    }
}
