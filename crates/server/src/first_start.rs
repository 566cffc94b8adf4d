//! The first start of a store: its identity, its keys, the management account and its root access key.

use std::fs::OpenOptions;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use bailiwick_directory::{FirstKey, Founded, Start, found};
use bailiwick_model::{AccountId, IamError, Partition, Region};
use bailiwick_operation::{Clock, Random};
use bailiwick_seal::{Keyring, MasterKey, Sealer, SecretString, WrappedKeyring};
use bailiwick_storage::{At, Meta, Store, Tx};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::data_dir::beside;
use crate::failure::Failure;

const ID_VARIABLE: &str = "BAILIWICK_ROOT_ACCESS_KEY_ID";
const SECRET_VARIABLE: &str = "BAILIWICK_ROOT_SECRET_ACCESS_KEY";

/// What a first start is told.
pub(crate) struct FirstStart<'a> {
    pub(crate) account_id: Option<AccountId>,
    pub(crate) partition: Partition,
    pub(crate) region: &'a Region,
    pub(crate) data_dir: &'a Path,
    pub(crate) endpoint: &'a str,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) random: &'a Arc<dyn Random>,
    pub(crate) master: &'a MasterKey,
}

impl FirstStart<'_> {
    /// Makes everything in one commit, and shows root's key if it was made here.
    pub(crate) async fn run(
        &self,
        store: &Arc<dyn Store>,
        root_key: Option<FirstKey>,
    ) -> Result<(Meta, Keyring), Failure> {
        let now = self.clock.now();
        let date = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let fail = |e: &dyn std::fmt::Debug| Failure::new(format!("the first start failed: {e:?}"));
        let keyring = Keyring::generate(now.as_second()).map_err(|e| fail(&e))?;
        let wrapped = WrappedKeyring::wrap(&keyring, self.master).map_err(|e| fail(&e))?;
        let sealer = Sealer::new(keyring.clone());
        let mut tx = Tx::begin(Arc::clone(store), Arc::default(), At::Latest).await.map_err(|e| fail(&e))?;
        let start =
            Start { account: self.account_id, root_key, now: date, random: self.random.as_ref(), sealer: &sealer };
        let founded = found(&mut tx, start).await.map_err(|e: IamError| fail(&e))?;
        let mut store_id = [0; 16];
        self.random.fill(&mut store_id);
        let meta =
            Meta { store_id, epoch: 1, created: date, management_account: founded.account, partition: self.partition };
        tx.put_meta(&meta).await.map_err(|e| fail(&e))?;
        tx.put_keyring(wrapped.as_bytes().to_vec().into()).await.map_err(|e| fail(&e))?;
        // A key that nobody was shown would be lost with its only copy: it is out before it is in.
        if founded.generated {
            self.show(&founded)?;
        }
        tx.commit().await.map_err(|e| fail(&e))?;
        Ok((meta, keyring))
    }

    /// Shows root's access key once: on a terminal, or in a file that only its owner reads.
    fn show(&self, founded: &Founded) -> Result<(), Failure> {
        let exports = Zeroizing::new(format!(
            "export AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\nexport AWS_DEFAULT_REGION={}\nexport AWS_ENDPOINT_URL={}\n",
            founded.root_key.id,
            founded.root_key.secret.expose(),
            self.region,
            self.endpoint,
        ));
        println!("Account {} is made. Its root user has this access key, shown only once:\n", founded.account);
        if std::io::stdout().is_terminal() {
            println!("{}", *exports);
            println!("Try it in another terminal, with these four lines first:\n");
        } else {
            let file = beside(self.data_dir, ".root-credentials");
            write_for_owner(&file, exports.as_bytes())
                .map_err(|e| Failure::new(format!("cannot write root's access key to {}: {e}", file.display())))?;
            println!("  {}\n", file.display());
            println!("Try it in another terminal, with `source {}` first:\n", file.display());
        }
        println!("  aws sts get-caller-identity\n  aws iam create-user --user-name alice\n");
        Ok(())
    }
}

/// Refuses settings that were fixed at the first start and are others now; warns of variables that do nothing.
pub(crate) fn hold_to(account_id: Option<AccountId>, partition: Partition, meta: &Meta) -> Result<(), Failure> {
    if partition != meta.partition {
        return Err(Failure::new(format!(
            "the store is of the partition {}, not {partition}: the partition is fixed at the first start",
            meta.partition
        )));
    }
    if let Some(given) = account_id.filter(|id| *id != meta.management_account) {
        tracing::warn!(%given, is = %meta.management_account, "the management account is fixed at the first start: --account-id and BAILIWICK_ACCOUNT_ID do nothing now");
    }
    if std::env::var_os(ID_VARIABLE).is_some() || std::env::var_os(SECRET_VARIABLE).is_some() {
        tracing::warn!("{ID_VARIABLE} and {SECRET_VARIABLE} are for the first start and do nothing now");
    }
    Ok(())
}

/// The root access key that the environment brings, if it brings one.
pub(crate) fn given_root_key() -> Result<Option<FirstKey>, Failure> {
    let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let half = |set, missing| Failure::new(format!("{set} is set and {missing} is not: set both or neither"));
    match (read(ID_VARIABLE), read(SECRET_VARIABLE).map(SecretString::from)) {
        (Some(id), Some(secret)) => FirstKey::parse(&id, secret)
            .map(Some)
            .map_err(|e| Failure::new(format!("{ID_VARIABLE} and {SECRET_VARIABLE} are not taken: {e}"))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(half(ID_VARIABLE, SECRET_VARIABLE)),
        (None, Some(_)) => Err(half(SECRET_VARIABLE, ID_VARIABLE)),
    }
}

fn write_for_owner(file: &Path, content: &[u8]) -> std::io::Result<()> {
    // One that is left from a start that failed half-way holds a key that never came to be.
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
    out.write_all(content)?;
    out.sync_all()
}
