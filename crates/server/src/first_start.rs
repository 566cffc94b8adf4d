//! The first start of a store: its identity, its keys, the management account and its root access key.
//!
//! The next start completes an interrupted first start. The empty store is created first: from then on, files next to
//! it do not count as those of an earlier store. The master key and the file of root credentials follow, each written
//! atomically. The last step commits the content of the store at once. A new root key is shown before that commit, so
//! that the store never contains a key that was not shown.

use std::io::IsTerminal as _;
use std::sync::Arc;

use bailiwick_directory::{BootstrapOptions, Bootstrapped, FirstKey, bootstrap};
use bailiwick_model::IamError;
use bailiwick_operation::{Clock, Random};
use bailiwick_seal::{Keyring, Sealer, SecretString, WrappedKeyring};
use bailiwick_signin::{LINK_LIFETIME, Link};
use bailiwick_storage::{At, Meta, Tx};
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::deployment::{self, Found, Missing, Opened};
use crate::failure::Failure;
use crate::master_key::MasterKeySource;
use crate::open_store::StoreFile;
use crate::options::{DeploymentOptions, StoreOptions};
use crate::output;
use crate::root_credentials::{ID_VARIABLE, SECRET_VARIABLE};
use crate::system::{SystemClock, SystemRandomness};
use crate::{master_key, root_credentials, store};

/// Opens the keys of a store and starts it, as [`deployment::read`]. Initializes an empty store with the options.
pub(crate) async fn open(
    files: &StoreOptions,
    options: &DeploymentOptions,
    file: impl Into<StoreFile>,
    endpoint: &str,
    public_url: &str,
) -> Result<Opened, Failure> {
    let missing = if options.accept_damaged_store { Missing::Accepted } else { Missing::Refused };
    match deployment::read(files, file, missing).await? {
        Found::Used(opened) => {
            check_fixed(options, &opened.meta)?;
            Ok(*opened)
        }
        Found::Unused(file) => {
            let (clock, random) = (&SystemClock, &SystemRandomness::default());
            FirstStart { files, options, endpoint, public_url, clock, random }.run(file).await
        }
    }
}

/// The input of a first start.
struct FirstStart<'a> {
    files: &'a StoreOptions,
    options: &'a DeploymentOptions,
    endpoint: &'a str,
    public_url: &'a str,
    clock: &'a dyn Clock,
    random: &'a dyn Random,
}

impl FirstStart<'_> {
    /// Creates everything in one commit, and shows root's key if it was generated.
    async fn run(&self, file: StoreFile) -> Result<Opened, Failure> {
        let root_key = given_root_key()?;
        let source = self.files.key_source()?;
        let master = match (source.load()?, &source) {
            (Some(key), _) => key,
            (None, MasterKeySource::File(file)) => master_key::make(file)?,
            (None, source) => return Err(Failure::new(format!("{source} is missing"))),
        };
        let now = self.clock.now();
        let date = Timestamp::from_second(now.as_second()).unwrap_or(now);
        let fail = |e: &dyn std::fmt::Debug| Failure::new(format!("the first start failed: {e:?}"));
        let keyring = Keyring::generate(now.as_second()).map_err(|e| fail(&e))?;
        let wrapped = WrappedKeyring::wrap(&keyring, &master).map_err(|e| fail(&e))?;
        let sealer = Sealer::new(keyring.clone());
        let open = file.start(store::authenticator(&keyring)?).map_err(|e| Failure::new(e.to_string()))?;
        let mut tx = Tx::begin(open.store(), Arc::default(), At::Latest).await.map_err(|e| fail(&e))?;
        let account = self.options.account_id;
        let start = BootstrapOptions { account, root_key, now: date, random: self.random, sealer: &sealer };
        let bootstrapped = bootstrap(&mut tx, start).await.map_err(|e: IamError| fail(&e))?;
        let mut store_id = [0; 16];
        self.random.fill(&mut store_id);
        let (management_account, partition) = (bootstrapped.account, self.options.partition);
        let meta = Meta { store_id, epoch: 1, restore_id: 0, created: date, management_account, partition };
        tx.put_meta(&meta).await.map_err(|e| fail(&e))?;
        tx.put_keyring(wrapped.as_bytes().to_vec().into()).await.map_err(|e| fail(&e))?;
        if bootstrapped.generated {
            let (account, key) = (bootstrapped.account, &bootstrapped.root_key.id);
            let link = Link::issue(&sealer, account, key, now).map_err(|e| fail(&e))?;
            self.show(&bootstrapped, &Zeroizing::new(link))?;
        }
        tx.commit().await.map_err(|e| fail(&e))?;
        Ok(Opened { open, meta, keyring, master })
    }

    fn show(&self, bootstrapped: &Bootstrapped, link: &str) -> Result<(), Failure> {
        let file = self.files.credentials_file();
        root_credentials::remove_unused(&file)?;
        let (account, key) = (bootstrapped.account, &bootstrapped.root_key);
        let exports = root_credentials::exports(key, &self.options.region, Some(self.endpoint));
        let on_terminal = std::io::stdout().is_terminal();
        let minutes = LINK_LIFETIME.as_mins();
        let address = Zeroizing::new(format!("{}/console/first?link={link}", self.public_url.trim_end_matches('/')));
        if !on_terminal {
            // The output may be kept in a log, where the address must not be.
            let note = format!("# Signs root in to the console, once, within {minutes} minutes: {}\n", *address);
            let lines = Zeroizing::new(format!("{}{}", *exports, *Zeroizing::new(note)));
            root_credentials::write(&lines, &file)?;
        }
        let access_key = if on_terminal {
            "this access key, which is shown only once"
        } else {
            "an access key, which is in this file"
        };
        output::print(&format!("Account {account} was created. Its root user has {access_key}:\n\n"))?;
        root_credentials::show(&exports, &file, on_terminal)?;
        let first = if on_terminal { "these lines".to_owned() } else { format!("`source {}`", file.display()) };
        output::print(&format!(
            "Try it in another terminal, with {first} first:\n\n  aws sts get-caller-identity\n  aws iam list-users\n\n"
        ))?;
        let place =
            if on_terminal { format!("\n\n  {}\n\n", *address) } else { " at the end of that file.\n\n".to_owned() };
        output::print(&Zeroizing::new(format!(
            "Or open the console in a browser, signed in as root, once within {minutes} minutes, with the address{}{}",
            if on_terminal { ":" } else { "" },
            *Zeroizing::new(place)
        )))
    }
}

/// Refuses unusable input of a first start before anything is created.
pub(crate) fn check(files: &StoreOptions) -> Result<(), Failure> {
    given_root_key()?;
    files.key_source()?.load()?;
    Ok(())
}

/// Refuses settings that differ from those fixed at the first start; warns about variables without effect.
fn check_fixed(options: &DeploymentOptions, meta: &Meta) -> Result<(), Failure> {
    let partition = options.partition;
    if partition != meta.partition {
        let of = meta.partition;
        let why =
            format!("the store has the partition {of}, not {partition}: the partition is fixed at the first start");
        return Err(Failure::with_code(why, 2));
    }
    if let Some(given) = options.account_id.filter(|id| *id != meta.management_account) {
        tracing::warn!(%given, is = %meta.management_account, "the management account is fixed at the first start: --account-id and BAILIWICK_ACCOUNT_ID have no effect");
    }
    if std::env::var_os(ID_VARIABLE).is_some() || std::env::var_os(SECRET_VARIABLE).is_some() {
        tracing::warn!("{ID_VARIABLE} and {SECRET_VARIABLE} are for the first start and have no effect now");
    }
    Ok(())
}

/// Returns the root access key of the environment, if any.
fn given_root_key() -> Result<Option<FirstKey>, Failure> {
    let read = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let wrong = |why: String| Failure::with_code(why, 2);
    let half = |set, missing| wrong(format!("{set} is set and {missing} is not: set both or neither"));
    match (read(ID_VARIABLE), read(SECRET_VARIABLE).map(SecretString::from)) {
        (Some(id), Some(secret)) => FirstKey::parse(&id, secret)
            .map(Some)
            .map_err(|e| wrong(format!("{ID_VARIABLE} and {SECRET_VARIABLE} are not accepted: {e}"))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(half(ID_VARIABLE, SECRET_VARIABLE)),
        (None, Some(_)) => Err(half(SECRET_VARIABLE, ID_VARIABLE)),
    }
}
