//! `bailiwick rotate-master-key`: wraps the data keys under another master key.

use std::process::ExitCode;
use std::sync::Arc;

use bailiwick_model::Region;
use bailiwick_operation::NoIssuerKeys;
use bailiwick_seal::MasterKey;
use clap::Args;
use zeroize::Zeroizing;

use crate::control::{Answer, Connection, Request};
use crate::deployment::{self, Found, Missing};
use crate::failure::Failure;
use crate::logging::{self, LogFilter, LogFormat};
use crate::master_key::{KeyCommand, MasterKeySource};
use crate::options::{DatabaseOptions, ExistingStoreOptions, parse_region};
use crate::rotation::{Held, Rotated, Rotation};
use crate::{data_dir, output, process, shared_store, store};

/// Replace the master key of a store
///
/// Wraps the data keys of the store under a new master key, in one commit: of the running server, which goes on serving, or of
/// the store if the server is stopped. Needs the current master key, as for serve, and the new one. From then on the store
/// opens with the new key only: put it where the settings of the server expect the master key before its next start. What
/// the data keys have sealed stays as it is. The audit trail records it as RotateMasterKey.
///
/// Of servers with one database, name the data folder of any one, with --store if that server is stopped. The others may run:
/// each reads the new key from where its settings expect the master key, without a restart, so put the key there on every
/// machine before this command. A server with BAILIWICK_MASTER_KEY must be started again.
///
/// Exit codes: 0 replaced, 1 the master key was not replaced, or that is not known, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick rotate-master-key --data-dir /var/lib/bailiwick/data \\
    --new-master-key-file /root/new.key
  bailiwick rotate-master-key --master-key-command 'kms-client decrypt old' \\
    --new-master-key-command 'kms-client decrypt new'
  bailiwick rotate-master-key --store postgres://bailiwick@db.example.com/iam \\
    --data-dir /var/lib/bailiwick/data --new-master-key-file /root/new.key")]
pub(crate) struct Options {
    #[command(flatten)]
    store: ExistingStoreOptions,
    #[command(flatten)]
    database: DatabaseOptions,
    /// File of the new master key: 64 hexadecimal digits or base64, as from `openssl rand -hex 32`
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "new_master_key_command",
        conflicts_with = "new_master_key_command"
    )]
    new_master_key_file: Option<std::path::PathBuf>,
    /// Command that prints the new master key
    #[arg(long, value_name = "COMMAND")]
    new_master_key_command: Option<String>,
    /// Region in the audit record if the server is stopped
    #[arg(long, env = "BAILIWICK_REGION", value_parser = parse_region, default_value = "us-east-1")]
    region: Region,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    logging::start(&LogFilter::warnings(), LogFormat::Text)?;
    process::harden();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::new(format!("cannot start: {e}")))?;
    let Rotated { previous, current } = runtime.block_on(rotate(options))?;
    let place = match &options.database.store {
        Some(_) => "The store in the database".to_owned(),
        None => format!("The store of {}", options.store.data_dir.display()),
    };
    output::print(&format!(
        "{place} has the master key {current} from now on; {previous} does not open it any more.\nPut the new key where the settings of the server expect the master key before its next start; on every machine, if servers share a database.\nBackups from before need the key {previous}: keep it for as long as you keep them, or make a new backup now.\n"
    ))?;
    Ok(ExitCode::SUCCESS)
}

impl Options {
    fn new_key(&self) -> Result<MasterKey, Failure> {
        let source = match (&self.new_master_key_file, &self.new_master_key_command) {
            (Some(file), _) => MasterKeySource::File(file.clone()),
            (None, command) => MasterKeySource::Command(KeyCommand::parse(
                "--new-master-key-command",
                command.as_deref().unwrap_or_default(),
            )?),
        };
        source.load()?.ok_or_else(|| Failure::new(format!("{source} does not exist")))
    }
}

async fn rotate(options: &Options) -> Result<Rotated, Failure> {
    let data_dir = &options.store.data_dir;
    let folder = data_dir.display();
    let nothing =
        || Failure::new(format!("no store in {folder}: name its folder with --data-dir, or a database with --store"));
    let connection = Connection::open(data_dir).await?;
    if connection.is_none() && options.database.store.is_none() && !data_dir::has_store(data_dir)? {
        return Err(nothing());
    }
    let (current, next) = (options.store.key_source()?.expect()?, options.new_key()?);
    if let Some(mut connection) = connection {
        let hex = |key: &MasterKey| Zeroizing::new(key.to_hex().expose().to_owned());
        let request = Request::RotateMasterKey { current: hex(&current), next: hex(&next) };
        return match connection.ask(&request).await? {
            Answer::Rotated { previous, current } => Ok(Rotated { previous, current }),
            Answer::Error { message } => Err(Failure::new(message)),
            Answer::Backup { .. } => Err(Failure::new("the server answered another command")),
        };
    }
    let file = match &options.database.store {
        Some(address) => shared_store::open_existing(address, &options.database, data_dir).await?,
        None => store::open_folder(data_dir)?.into(),
    };
    let source = options.store.key_source()?;
    let Found::Used(opened) = deployment::open(data_dir, &source, &current, file, Missing::Refused).await? else {
        return Err(nothing());
    };
    let (open, store) = (opened.open.clone(), opened.store());
    let mut held = Held::new(opened.master.clone());
    let deployment = opened.deployment(options.region.clone(), String::new(), Arc::new(NoIssuerKeys));
    let uid = rustix::process::getuid().as_raw();
    let rotation = Rotation { deployment: &deployment, store: &store, recorder: None, uid };
    let outcome = rotation.run(&mut held, &current, next).await;
    open.close().await;
    outcome.map_err(Failure::new)
}
