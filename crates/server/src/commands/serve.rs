//! `bailiwick serve`: the server.

use std::process::ExitCode;
use std::sync::Arc;

use bailiwick_audit::{Recorder, Settings};
use bailiwick_authz::Authz;
use bailiwick_directory::Directory;
use bailiwick_grpc::Front;
use bailiwick_operation::{Clock, Deployment};
use bailiwick_service::{Parts, Service};
use bailiwick_signin::SignIn;
use bailiwick_storage::Store;
use bailiwick_sts::Sts;
use clap::{Args, CommandFactory as _};
use tokio::sync::watch;

use crate::control::{Control, Controlled};
use crate::data_dir::Expected;
use crate::failure::Failure;
use crate::issuers::CachedIssuerKeys;
use crate::net::listen::{self, Listener};
use crate::net::{self, Connections, Memory, Seconds, Shares};
use crate::open_store::StoreFile;
use crate::options::{
    AuditOptions, ClientOptions, ConsoleOptions, DeploymentOptions, IssuerOptions, ListeningOptions, LoggingOptions,
    ProcessOptions, SharedStoreOptions, StoreOptions, TlsOptions, TraceOptions,
};
use crate::readiness::Readiness;
use crate::rotation::MasterKeys;
use crate::router::{MetricsPage, Router};
use crate::signals::{Hangup, Termination};
use crate::sinks::Prepared;
use crate::system::SystemClock;
use crate::tls::Certificates;
use crate::traces::Tracer;
use crate::{
    control, data_dir, deployment, environment, first_start, maintenance, process, shared_store, store, token_keys,
};
use crate::{output, version};

/// Connections to the metrics listener.
const METRICS_CONNECTIONS: usize = 64;

/// Start the server
///
/// The first start creates the management account, its root user and an access key, and prints how to use them. With
/// BAILIWICK_ROOT_ACCESS_KEY_ID, BAILIWICK_ROOT_SECRET_ACCESS_KEY and BAILIWICK_ACCOUNT_ID in the environment it uses
/// these instead and prints no secret.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick serve
  bailiwick serve --listen 127.0.0.1:8000 --data-dir /var/lib/bailiwick/data
  bailiwick serve --listen 0.0.0.0:7470 --tls-cert server.pem --tls-key server.key
  bailiwick serve --store postgres://bailiwick@db.example.com/iam --data-dir /var/lib/bailiwick/data
  bailiwick serve --store etcd://a.example.com,b.example.com --data-dir /var/lib/bailiwick/data")]
pub(crate) struct Options {
    #[command(flatten)]
    listening: ListeningOptions,
    #[command(flatten)]
    clients: ClientOptions,
    #[command(flatten)]
    console: ConsoleOptions,
    #[command(flatten)]
    tls: TlsOptions,
    #[command(flatten)]
    issuers: IssuerOptions,
    #[command(flatten)]
    store: StoreOptions,
    #[command(flatten)]
    shared_store: SharedStoreOptions,
    #[command(flatten)]
    audit: AuditOptions,
    #[command(flatten)]
    traces: TraceOptions,
    #[command(flatten)]
    deployment: DeploymentOptions,
    #[command(flatten)]
    process: ProcessOptions,
    #[command(flatten)]
    logging: LoggingOptions,
}

/// Runs until Ctrl-C or SIGTERM.
pub(crate) fn run(options: Options) -> Result<ExitCode, Failure> {
    options.logging.start()?;
    let is_json = options.logging.is_json();
    let outcome = prepared(options);
    match outcome {
        Err(failure) if is_json => {
            tracing::error!(error = %failure, "the server ends");
            Ok(ExitCode::from(failure.code()))
        }
        outcome => outcome,
    }
}

fn prepared(options: Options) -> Result<ExitCode, Failure> {
    environment::warn_of_unknown_variables(&crate::Cli::command());
    process::harden();
    let unlocked = options.process.memory_lock.apply();
    options.listening.check()?;
    options.deployment.check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot start threads: {e}")))?;
    if let Some(unlocked) = unlocked {
        runtime.spawn(unlocked.follow());
    }
    runtime.block_on(serve(options))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(options: Options) -> Result<(), Failure> {
    let proxies = Arc::new(options.clients.proxies()?);
    let issuer_keys = Arc::new(CachedIssuerKeys::new(options.issuers.settings())?);
    let traces = options.traces.settings()?;
    let sinks = Prepared::new(options.audit.sinks(), &(Arc::new(SystemClock) as Arc<dyn Clock>))?;
    let hangup = Hangup::new()?;
    let clients = options.tls.client_files()?;
    let certificates = options.tls.files()?.map(|files| Certificates::load(files, clients)).transpose()?;
    let tls = certificates.as_ref().map(Certificates::client_acceptor).transpose()?;
    let metrics_tls = certificates.as_ref().map(Certificates::acceptor).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let listener = options.listening.bind(tls.is_some()).await?;
    let metrics_listener = options.listening.bind_metrics(tls.is_some()).await?;
    let address = listener.local_addr().map_err(|e| Failure::new(format!("cannot listen: {e}")))?;
    let file = open(&options).await?;
    let endpoint = format!("{scheme}://{address}");
    let public_url = options.listening.public_url(&endpoint);
    let opened = first_start::open(&options.store, &options.deployment, file, &endpoint, &public_url).await?;
    let (open, store) = (opened.open.clone(), opened.store());
    let master_keys = Arc::new(MasterKeys::new(opened.master.clone(), options.store.key_source()?));
    let control = Control::bind(&options.store.data_dir);
    let deployment = opened.deployment(options.deployment.region.clone(), public_url, issuer_keys);
    deployment::add_new_managed_policies(&deployment, &store).await;
    let audit = options.audit.settings(&options.store.data_dir);
    let service = assemble(&deployment, &store, &options.clients, audit).await?;
    let sinks = sinks.start(&service)?;
    process::measure(service.metrics());
    store::measure(&options.store, &open, &service);
    if let Some(certificates) = &certificates {
        certificates.measure(service.metrics());
    }

    token_keys::begin(&service);
    maintenance::complete_keys(&service, &master_keys).await;
    let (stop, stopping) = watch::channel(false);
    let maintenance = tokio::spawn(maintenance::run(Arc::clone(&service), Arc::clone(&master_keys), stopping.clone()));
    let keys = tokio::spawn(token_keys::follow(Arc::clone(&service), Arc::clone(&master_keys), stopping.clone()));
    let readiness = Readiness { service: Arc::clone(&service), master_keys: Arc::clone(&master_keys) };
    let controlled = Controlled { service: Arc::clone(&service), master_keys };
    let control = control::run(control, controlled, stopping.clone());
    let control = tokio::spawn(control);
    let reports = tokio::spawn(maintenance::write_reports(Arc::clone(&service), stopping.clone()));
    let credentials = tokio::spawn(maintenance::apply_credential_rules(Arc::clone(&service), stopping.clone()));
    let front = Front::new(Arc::clone(&service), !options.listening.no_reflection)
        .await
        .map_err(|e| Failure::new(format!("cannot set up gRPC: {e}")))?;
    let traced = match traces {
        Some(settings) => {
            let started = Tracer::start(settings, &service, stopping.clone());
            Some(started.map_err(|why| Failure::new(format!("--trace-url: {why}")))?)
        }
        None => None,
    };
    let tracer = traced.as_ref().map(|(tracer, _)| Arc::clone(tracer));
    let router = Router::new(front, readiness.clone(), options.console.limits(), tracer);
    let clock = Seconds::new();
    let memory = Memory::new(Arc::clone(&clock));
    let metrics = metrics_listener.map(|(socket, is_open)| {
        let listener = Listener {
            socket,
            // Beyond loopback the metrics use TLS if there is a certificate.
            tls: metrics_tls.filter(|_| is_open),
            connections: Connections::new(Shares::of(METRICS_CONNECTIONS), Arc::clone(&clock)),
            memory: Arc::clone(&memory),
            proxies: Arc::default(),
            proxy_protocol: false,
        };
        tokio::spawn(listen::serve(listener, MetricsPage(readiness), stopping.clone()))
    });
    if let Some(certificates) = &certificates {
        tokio::spawn(Arc::clone(certificates).follow(stopping.clone()));
    }
    let termination = Termination::new()?;
    let connections = Connections::new(Shares::of(net::raise_limit()), clock);
    net::measure(service.metrics(), &connections, &memory);
    let listener = Listener {
        socket: listener,
        tls,
        connections,
        memory,
        proxies,
        proxy_protocol: options.clients.proxy_protocol,
    };
    let listening = tokio::spawn(listen::serve(listener, router, stopping));
    // A failing standard output does not stop the server.
    let _ = output::print(&format!("bailiwick is listening on {endpoint}\n"));
    let data_dir = std::path::absolute(&options.store.data_dir).unwrap_or_default();
    let (version, account) = (version::line(), deployment.management_account);
    tracing::info!(%endpoint, data_dir = %data_dir.display(), %account, version, "listening");

    termination.wait(hangup, || reload(certificates.as_deref())).await;
    tracing::info!("stopping: requests in flight are finished first");
    // An error means that no receiver is left to stop.
    let _ = stop.send(true);
    service.parts().recorder.look_up().stop_waiting();
    let _ = listening.await;
    if let Some(metrics) = metrics {
        let _ = metrics.await;
    }
    let _ = maintenance.await;
    let _ = keys.await;
    let _ = control.await;
    let _ = reports.await;
    let _ = credentials.await;
    service.close().await;
    sinks.end().await;
    if let Some((_, export)) = traced {
        let _ = export.await;
    }
    open.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Opens the store, and refuses to make a new one where another is expected.
async fn open(options: &Options) -> Result<StoreFile, Failure> {
    let (files, init) = (&options.store, options.deployment.init);
    let shared = &options.shared_store;
    if let Some(address) = &shared.database.store {
        let staleness = Some(shared.max_staleness());
        let file = shared_store::open(address, &shared.database, staleness, &files.data_dir).await?;
        let is_unused = file.is_unused().map_err(|error| Failure::new(error.to_string()))?;
        if data_dir::expect(files, "in the database", !is_unused, init)? == Expected::New {
            first_start::check(files)?;
        }
        return Ok(file);
    }
    if data_dir::expect_store(files, init)? == Expected::New {
        first_start::check(files)?;
    }
    store::open(files).map(StoreFile::from)
}

/// Handles SIGHUP.
fn reload(certificates: Option<&Certificates>) {
    match certificates {
        Some(certificates) => certificates.reload(),
        None => tracing::info!("SIGHUP: no TLS certificate to reload"),
    }
}

async fn assemble(
    deployment: &Arc<Deployment>,
    store: &Arc<dyn Store>,
    clients: &ClientOptions,
    audit: Settings,
) -> Result<Arc<Service>, Failure> {
    let snapshots = store::snapshots(store, deployment.partition).await?;
    let folder = audit.folder.clone();
    let recorder = Recorder::start(Arc::clone(store), deployment, audit)
        .await
        .map_err(|e| Failure::new(format!("cannot write the audit trail in {}: {e}", folder.display())))?;
    let mut authz = Authz::new(Arc::clone(deployment), Arc::clone(&snapshots)).with_trail(recorder.look_up().clone());
    if let Some(log) = recorder.decision_log() {
        authz = authz.with_decision_log(log, Arc::clone(store));
    }
    let service = Service::new(Parts {
        deployment: Arc::clone(deployment),
        store: Arc::clone(store),
        snapshots,
        authz,
        directory: Directory,
        sts: Sts,
        sign_in: SignIn,
        recorder,
    });
    Ok(Arc::new(clients.limit(service)))
}
