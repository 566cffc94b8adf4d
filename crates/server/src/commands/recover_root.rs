//! `bailiwick recover-root`: new root credentials in the store of a stopped server, or in a database.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;

use bailiwick_api::admin;
use bailiwick_directory::{Recovered, Recovery, recover_root};
use bailiwick_model::{AccountId, IamError, Region};
use bailiwick_operation::{Deployment, NoIssuerKeys};
use bailiwick_storage::{AccountState, At, CommitError, Store, Tx};
use clap::Args;
use jiff::Timestamp;
use prost::Message as _;

use crate::deployment::{Found, Missing};
use crate::failure::Failure;
use crate::logging::{self, LogFilter, LogFormat};
use crate::options::{DatabaseOptions, StoreOptions, parse_region};
use crate::output;
use crate::{data_dir, deployment, process, root_credentials, rotation, shared_store, store};

/// Replace the root credentials of an account
///
/// For an account without a usable credential: the last access key was deleted, or its secret is lost. Deletes every
/// access key of the account's root user and creates a new one, which is shown once. Works on the store of a stopped
/// server, with the master key. The audit trail records it as RecoverRoot.
///
/// With --store, the server of the data folder must be stopped, and the others may run: they know the new key within a
/// second, and refuse the old ones.
///
/// Exit codes: 0 replaced, 1 the store cannot be opened or changed, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick recover-root
  bailiwick recover-root --data-dir /var/lib/bailiwick/data --account 111122223333
  bailiwick recover-root --store postgres://bailiwick@db.example.com/iam \\
    --data-dir /var/lib/bailiwick/data")]
pub(crate) struct Options {
    #[command(flatten)]
    store: StoreOptions,
    #[command(flatten)]
    database: DatabaseOptions,
    /// Twelve digits of the account [default: the management account]
    #[arg(long, value_name = "DIGITS")]
    account: Option<AccountId>,
    /// Region in the printed credentials
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
    runtime.block_on(recover(options))?;
    Ok(ExitCode::SUCCESS)
}

async fn recover(options: &Options) -> Result<(), Failure> {
    let folder = options.store.data_dir.display();
    let nothing =
        || Failure::new(format!("no store in {folder}: name its folder with --data-dir, or a database with --store"));
    let file = match &options.database.store {
        Some(address) => shared_store::open_existing(address, &options.database, &options.store.data_dir).await?,
        None if data_dir::has_store(&options.store.data_dir)? => store::open(&options.store)?.into(),
        None => return Err(nothing()),
    };
    let Found::Used(opened) = deployment::read(&options.store, file, Missing::Refused).await? else {
        return Err(nothing());
    };
    let (open, store) = (opened.open.clone(), opened.store());
    let deployment = opened.deployment(options.region.clone(), String::new(), Arc::new(NoIssuerKeys));
    let account = options.account.unwrap_or(deployment.management_account);
    let outcome = replace(options, &deployment, &store, account).await;
    open.close().await;
    outcome
}

async fn replace(
    options: &Options,
    deployment: &Deployment,
    store: &Arc<dyn Store>,
    account: AccountId,
) -> Result<(), Failure> {
    let refused = |e: IamError| Failure::new(format!("nothing was changed: {e}"));
    let now = deployment.clock.now();
    let date = Timestamp::from_second(now.as_second()).unwrap_or(now);
    let (random, sealer) = (deployment.random.as_ref(), deployment.sealer.as_ref());
    let begun = Tx::begin(Arc::clone(store), Arc::clone(&deployment.quotas), At::Latest).await;
    let mut tx = begun.map_err(refused)?;
    let recovery = Recovery { account, now: date, random, sealer };
    let recovered = recover_root(&mut tx, recovery).await.map_err(refused)?;
    record(deployment, &mut tx, &recovered).await.map_err(refused)?;

    let exports = root_credentials::exports(&recovered.root_key, &options.region, None);
    let file = options.store.credentials_file();
    let on_terminal = std::io::stdout().is_terminal();
    if !on_terminal {
        // The key is written before it is stored, or it might be lost.
        root_credentials::write(&exports, &file)?;
    }
    match tx.commit().await {
        Ok(_) => {}
        Err(CommitError::Conflict) => {
            if !on_terminal {
                root_credentials::remove_unused(&file)?;
            }
            return Err(Failure::new(
                "nothing was changed: root's access keys were changed at the same time; try again",
            ));
        }
        Err(CommitError::Failed(e)) => return Err(Failure::new(format!("the store may not have been changed: {e:?}"))),
    }
    output::print(&format!("{}\n\n", summary(&recovered)))?;
    root_credentials::show(&exports, &file, on_terminal)?;
    let start = match &options.database.store {
        Some(_) => "Start the server of this data folder again, which writes the audit record",
        None => "Start the server again",
    };
    output::print(&format!(
        "{start}, and set AWS_ENDPOINT_URL_IAM and AWS_ENDPOINT_URL_STS to its address, in addition to the key.\n"
    ))
}

/// Adds the audit record of the recovery to the change. It has no caller; it names the host's user that runs the
/// command.
async fn record(deployment: &Deployment, tx: &mut Tx, recovered: &Recovered) -> Result<(), IamError> {
    let parameters = admin::RecoverRootRequest { account_id: recovered.account.id.to_string() };
    let response = admin::RecoverRootResponse {
        access_key_id: recovered.root_key.id.to_string(),
        deleted_access_key_ids: recovered.deleted.clone(),
        resumed: recovered.resumed,
    };
    let uid = rustix::process::getuid().as_raw();
    let command = rotation::Command { name: "RecoverRoot", program: "recover-root", uid };
    rotation::record(deployment, tx, None, command, (parameters.encode_to_vec(), response.encode_to_vec())).await
}

fn summary(recovered: &Recovered) -> String {
    let account = &recovered.account;
    let deleted = match recovered.deleted.len() {
        0 => "There were no other keys".to_owned(),
        1 => "The previous key was deleted".to_owned(),
        count => format!("The {count} previous keys were deleted"),
    };
    let state = match account.state {
        AccountState::Active if recovered.resumed => " The account was suspended and is active again.",
        AccountState::Active => "",
        AccountState::Suspended | AccountState::Closed => {
            " The account is suspended: the key works after the management account resumes it."
        }
    };
    format!("The root user of account {} has a new access key, which is shown only once. {deleted}.{state}", account.id)
}

#[cfg(test)]
mod tests;
