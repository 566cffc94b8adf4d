//! `bailiwick serve`: the server.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bailiwick_audit::Recorder;
use bailiwick_authz::Authz;
use bailiwick_directory::{Directory, put_builtin_policies};
use bailiwick_grpc::Front;
use bailiwick_model::{AccountId, Partition, Region};
use bailiwick_operation::{Clock, Deployment, Random, RevisionScope, uuid};
use bailiwick_seal::{MasterKey, Sealer, WrappedKeyring};
use bailiwick_service::{Parts, Service};
use bailiwick_snapshot::Snapshots;
use bailiwick_storage::{At, Store, Tx};
use bailiwick_storage_redb::{Options as Settings, RedbStore};
use bailiwick_sts::Sts;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;
use crate::first_start::{self, FirstStart};
use crate::logging::{self, LogFormat};
use crate::router::{self, Router};
use crate::sources::{SystemClock, SystemRandomness};
use crate::{listen, master_key, tls, upkeep};

/// Bytes of the store's pages that are kept in memory.
const STORE_CACHE: usize = 64 * 1024 * 1024;

/// Start the server
///
/// The first start makes the management account with its root user and an access key for it, and says how to use
/// them. With BAILIWICK_ROOT_ACCESS_KEY_ID, BAILIWICK_ROOT_SECRET_ACCESS_KEY and BAILIWICK_ACCOUNT_ID in the
/// environment it takes those instead and shows no secret.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick serve
  bailiwick serve --listen 127.0.0.1:8000 --data-dir /var/lib/bailiwick/data
  bailiwick serve --listen 0.0.0.0:7470 --tls-cert server.pem --tls-key server.key")]
pub(crate) struct Options {
    /// Address and port for gRPC, gRPC-Web and the AWS Query protocol
    #[arg(long, env = "BAILIWICK_LISTEN", default_value = "127.0.0.1:7470", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Address and port for Prometheus; `none` for no such port
    #[arg(long, env = "BAILIWICK_METRICS_LISTEN", default_value = "127.0.0.1:7471", value_name = "ADDRESS")]
    metrics_listen: MetricsListen,
    /// Folder of the embedded store; made at the first start
    #[arg(long, env = "BAILIWICK_DATA_DIR", default_value = "./bailiwick-data", value_name = "FOLDER")]
    data_dir: PathBuf,
    /// File of the master key [default: the data folder's name with .key behind it]
    #[arg(long, env = "BAILIWICK_MASTER_KEY_FILE", value_name = "FILE")]
    master_key_file: Option<PathBuf>,
    /// Twelve digits of the management account, for the first start [default: random]
    #[arg(long, env = "BAILIWICK_ACCOUNT_ID", value_name = "DIGITS")]
    account_id: Option<AccountId>,
    /// Partition of all ARNs; fixed at the first start
    #[arg(long, env = "BAILIWICK_PARTITION", default_value = "aws", value_parser = parse_partition)]
    partition: Partition,
    /// Region that the deployment says it is in
    #[arg(long, env = "BAILIWICK_REGION", value_parser = parse_region, default_value = "us-east-1")]
    region: Region,
    /// Certificate chain in PEM form
    #[arg(long, env = "BAILIWICK_TLS_CERT", value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Key of the certificate in PEM form
    #[arg(long, env = "BAILIWICK_TLS_KEY", value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// Listen beyond loopback without TLS: whoever can read the network can read the secrets
    #[arg(long, env = "BAILIWICK_INSECURE_ALLOW_CLEAR")]
    insecure_allow_clear: bool,
    /// Don't serve gRPC reflection
    #[arg(long, env = "BAILIWICK_NO_REFLECTION")]
    no_reflection: bool,
    /// Least important lines that are logged: error, warn, info, debug
    #[arg(long, env = "BAILIWICK_LOG", default_value = "info", value_name = "LEVEL")]
    log: String,
    /// How lines of the log look
    #[arg(long, env = "BAILIWICK_LOG_FORMAT", value_enum, default_value = "text")]
    log_format: LogFormat,
}

/// Where metrics are served, if anywhere.
#[derive(Clone, Copy)]
struct MetricsListen(Option<SocketAddr>);

impl std::str::FromStr for MetricsListen {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "none" {
            return Ok(MetricsListen(None));
        }
        text.parse().map(|a| MetricsListen(Some(a))).map_err(|_| "expected address:port, or none".to_owned())
    }
}

fn parse_partition(text: &str) -> Result<Partition, String> {
    Partition::parse(text).map_err(|e| e.to_string())
}

fn parse_region(text: &str) -> Result<Region, String> {
    Region::parse(text).map_err(|e| e.to_string())
}

/// Runs until Ctrl-C or SIGTERM.
pub(crate) fn run(options: Options) -> Result<ExitCode, Failure> {
    logging::start(&options.log, options.log_format)?;
    harden();
    refuse_clear_text(&options)?;
    if options.region.partition() != Some(options.partition) {
        let (region, partition) = (&options.region, options.partition);
        return Err(Failure::with_code(format!("the region {region} is not in the partition {partition}"), 2));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot start threads: {e}")))?;
    runtime.block_on(serve(options))?;
    Ok(ExitCode::SUCCESS)
}

/// What is written is for its owner alone, and memory is not dumped where secrets could be read.
fn harden() {
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "core dumps could not be switched off");
    }
}

fn refuse_clear_text(options: &Options) -> Result<(), Failure> {
    let open = |ip: IpAddr| !ip.is_loopback();
    if open(options.listen.ip()) && options.tls_cert.is_none() && !options.insecure_allow_clear {
        return Err(Failure::new(format!(
            "refusing to listen on {} without TLS, since signatures and secrets would travel in the clear: give --tls-cert and --tls-key, or say --insecure-allow-clear",
            options.listen
        )));
    }
    Ok(())
}

async fn serve(options: Options) -> Result<(), Failure> {
    let tls = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => Some(tls::acceptor(certificate, key)?),
        (None, None) => None,
        (Some(_), None) => return Err(Failure::with_code("--tls-cert needs --tls-key beside it", 2)),
        (None, Some(_)) => return Err(Failure::with_code("--tls-key needs --tls-cert beside it", 2)),
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let listener = bind(options.listen).await?;
    let metrics_listener = match options.metrics_listen.0 {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let address = listener.local_addr().map_err(|e| Failure::new(format!("cannot listen: {e}")))?;
    let settings = Settings { cache_bytes: STORE_CACHE, ..Settings::default() };
    let redb = RedbStore::open(&options.data_dir, &settings);
    let folder = options.data_dir.display();
    let redb = Arc::new(redb.map_err(|e| Failure::new(format!("cannot open the store in {folder}: {e}")))?);
    let store: Arc<dyn Store> = Arc::<RedbStore>::clone(&redb);
    let endpoint = format!("{scheme}://{address}");
    let (deployment, master) = open_deployment(&options, &store, &endpoint).await?;
    add_new_managed_policies(&deployment, &store).await?;
    let service = assemble(&deployment, &store).await?;

    let (stop, stopping) = watch::channel(false);
    let upkeep = tokio::spawn(upkeep::run(Arc::clone(&service), master, stopping.clone()));
    let front = Front::new(Arc::clone(&service), !options.no_reflection)
        .await
        .map_err(|e| Failure::new(format!("cannot set up gRPC: {e}")))?;
    let router = Arc::new(Router::new(front, Arc::clone(&service)));
    let answer = move |request, peer| {
        let router = Arc::clone(&router);
        async move { router.route(request, peer).await }
    };
    let metrics = metrics_listener.map(|listener| {
        let service = Arc::clone(&service);
        let page = move |request, _| {
            let service = Arc::clone(&service);
            async move { router::metrics_page(&service, &request) }
        };
        tokio::spawn(listen::serve(listener, None, page, stopping.clone()))
    });
    let signals = Signals::new()?;
    let listening = tokio::spawn(listen::serve(listener, tls, answer, stopping));
    println!("bailiwick is listening on {endpoint}");
    tracing::info!(%endpoint, "listening");

    signals.wait().await;
    tracing::info!("stopping: requests in flight are finished first");
    // The receivers are gone only when nobody is left to stop.
    let _ = stop.send(true);
    let _ = listening.await;
    if let Some(metrics) = metrics {
        let _ = metrics.await;
    }
    let _ = upkeep.await;
    service.close().await;
    redb.close().await;
    tracing::info!("stopped");
    Ok(())
}

async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|e| {
        let hint = if e.kind() == std::io::ErrorKind::AddrInUse { ": is another server running?" } else { "" };
        Failure::new(format!("cannot listen on {address}: {e}{hint}"))
    })
}

/// Reads what the store is, or makes it at the first start, and opens its keys.
async fn open_deployment(
    options: &Options,
    store: &Arc<dyn Store>,
    endpoint: &str,
) -> Result<(Arc<Deployment>, MasterKey), Failure> {
    let key_file = options.master_key_file.clone().unwrap_or_else(|| default_key_file(&options.data_dir));
    let read = |e| Failure::new(format!("cannot read the store: {e:?}"));
    let mut tx = Tx::begin(Arc::clone(store), Arc::default(), At::Latest).await.map_err(read)?;
    let meta = tx.meta().await.map_err(read)?;
    // What the first start is given is looked at before anything is made.
    let root_key = if meta.is_none() { first_start::given_root_key()? } else { None };
    let master = master_key::load(&key_file, meta.is_none())?;
    let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) =
        (Arc::new(SystemClock), Arc::new(SystemRandomness::default()));
    let (meta, keyring) = match meta {
        Some(meta) => {
            let wrapped = tx.keyring().await.map_err(read)?;
            let wrapped = wrapped.ok_or_else(|| Failure::new("the store is damaged: it has no keys"))?;
            let keyring = WrappedKeyring::from_bytes(wrapped.to_vec()).unwrap_with(&master.key).map_err(|e| {
                Failure::new(format!("the master key {} does not open this store: {e}", key_file.display()))
            })?;
            first_start::hold_to(options.account_id, options.partition, &meta)?;
            (meta, keyring)
        }
        None => {
            let first = FirstStart {
                account_id: options.account_id,
                partition: options.partition,
                region: &options.region,
                data_dir: &options.data_dir,
                endpoint,
                clock: &clock,
                random: &random,
                master: &master.key,
            };
            let made = first.run(store, root_key).await?;
            if master.made {
                tracing::warn!(file = %key_file.display(), "the master key was made: without it the data can't be read; in production keep it elsewhere");
            }
            made
        }
    };
    let store_id = uuid(meta.store_id);
    let deployment = Arc::new(Deployment {
        partition: options.partition,
        region: options.region.clone(),
        cluster_id: store_id.clone(),
        revisions: RevisionScope { store_id, epoch: meta.epoch },
        management_account: meta.management_account,
        quotas: Arc::default(),
        clock,
        random,
        sealer: Arc::new(Sealer::new(keyring)),
    });
    Ok((deployment, master.key))
}

/// A newer version of Bailiwick may bring managed policies that an older one hadn't.
async fn add_new_managed_policies(deployment: &Deployment, store: &Arc<dyn Store>) -> Result<(), Failure> {
    let fail = |e: &dyn std::fmt::Debug| Failure::new(format!("cannot store the managed policies: {e:?}"));
    let begun = Tx::begin(Arc::clone(store), Arc::clone(&deployment.quotas), At::Latest).await;
    let mut tx = begun.map_err(|e| fail(&e))?;
    let now = deployment.clock.now();
    let added = put_builtin_policies(&mut tx, now, deployment.random.as_ref()).await.map_err(|e| fail(&e))?;
    if added > 0 {
        tx.commit().await.map_err(|e| fail(&e))?;
        tracing::info!(added, "managed policies of this version were added");
    }
    Ok(())
}

fn default_key_file(data_dir: &Path) -> PathBuf {
    first_start::beside(data_dir, ".key")
}

async fn assemble(deployment: &Arc<Deployment>, store: &Arc<dyn Store>) -> Result<Arc<Service>, Failure> {
    let snapshots = Snapshots::start(Arc::clone(store), deployment.partition)
        .await
        .map_err(|e| Failure::new(format!("cannot read the store: {e:?}")))?;
    let snapshots = Arc::new(snapshots);
    let recorder = Recorder::start(Arc::clone(store), Arc::clone(&deployment.random));
    Ok(Arc::new(Service::new(Parts {
        deployment: Arc::clone(deployment),
        store: Arc::clone(store),
        snapshots: Arc::clone(&snapshots),
        authz: Authz::new(Arc::clone(deployment), snapshots),
        directory: Directory,
        sts: Sts,
        recorder,
    })))
}

/// Ctrl-C and SIGTERM, listened for from the moment that this is made.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|e| Failure::new(format!("cannot listen for signals: {e}")));
        Ok(Signals { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
