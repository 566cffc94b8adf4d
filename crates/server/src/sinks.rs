//! The sinks of the audit trail: how batches get to their receivers. `bailiwick_audit::Sink` reads the trail, repeats
//! what failed, and remembers what was delivered.

mod endpoint;
mod file;
mod grpc;
mod http;
mod metrics;
mod otlp;
mod settings;
mod signature;
mod stdout;
mod syslog;
mod webhook;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_audit::Deliver;
use bailiwick_operation::Clock;
use bailiwick_service::Service;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::grpc::GrpcClient;
pub(crate) use self::http::HttpClient;
use self::settings::SinkKind;
pub(crate) use self::settings::SinkOption;
use crate::failure::Failure;

/// How long sinks have to deliver the last records when the server stops. The next start delivers the rest.
const GRACE: Duration = Duration::from_secs(3);

/// What delivers, and is ready to.
pub(crate) struct Prepared(Vec<(SinkOption, Box<dyn Deliver>)>);

/// The sinks that run.
pub(crate) struct Sinks {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Prepared {
    /// Checks the settings, then reads the files that they name.
    ///
    /// # Errors
    /// Exit code 2 if two sinks have the same name; otherwise if a file can't be used.
    pub(crate) fn new(options: &[SinkOption], clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        let (mut names, mut prepared) = (BTreeSet::new(), Vec::new());
        // Before anything is opened: a file sink creates its file.
        for option in options {
            if !names.insert(option.name.to_ascii_lowercase()) {
                let name = &option.name;
                let why = format!("--audit-sink: two sinks have the name `{name}`: give each one with `name=`");
                return Err(Failure::with_code(why, 2));
            }
        }
        for option in options {
            let of = |why: String| Failure::new(format!("--audit-sink: the sink `{}`: {why}", option.name));
            let deliver: Box<dyn Deliver> = match &option.kind {
                SinkKind::File(settings) => Box::new(file::FileSink::new(settings.clone()).map_err(of)?),
                SinkKind::Stdout => Box::new(stdout::StdoutSink::new().map_err(of)?),
                SinkKind::Otlp(endpoint) => Box::new(otlp::Otlp::new(endpoint.clone(), Arc::clone(clock)).map_err(of)?),
                SinkKind::Syslog(settings) => Box::new(syslog::Syslog::new(settings.clone()).map_err(of)?),
                SinkKind::Webhook(settings) => {
                    Box::new(webhook::Webhook::new(settings.clone(), Arc::clone(clock)).map_err(of)?)
                }
            };
            prepared.push((option.clone(), deliver));
        }
        Ok(Prepared(prepared))
    }

    /// Starts the sinks of a server.
    ///
    /// # Errors
    /// If the file of a sink can't be read or written.
    pub(crate) fn start(self, service: &Arc<Service>) -> Result<Sinks, Failure> {
        let parts = service.parts();
        let (stop, stopping) = watch::channel(false);
        let (mut tasks, mut statuses) = (Vec::new(), Vec::new());
        let names: BTreeSet<&str> = self.0.iter().map(|(option, _)| &*option.name).collect();
        parts.recorder.retire_other_sinks(&names);
        for (option, deliver) in self.0 {
            let sink = parts.recorder.sink(&parts.deployment, option.settings(), deliver);
            let sink = sink.map_err(|error| {
                Failure::new(format!("cannot read or store how far the sink `{}` has delivered: {error}", option.name))
            })?;
            statuses.push(sink.status());
            tasks.push(tokio::spawn(sink.run(stopping.clone())));
        }
        if !statuses.is_empty() {
            metrics::measure(service.metrics(), &parts.deployment.clock, statuses);
        }
        Ok(Sinks { stop, tasks })
    }
}

impl Sinks {
    /// Delivers the last records, for a few seconds at most. To be called after the recorder has ended.
    pub(crate) async fn end(self) {
        // An error means that no sink runs.
        let _ = self.stop.send(true);
        let until = tokio::time::Instant::now() + GRACE;
        for mut task in self.tasks {
            if tokio::time::timeout_at(until, &mut task).await.is_err() {
                task.abort();
            }
        }
    }
}
