//! Rotation of the master key: the data keys are wrapped under another one, in one commit.
//!
//! The commit replaces one row, so that a crash leaves the data keys wrapped under exactly one of the two master keys, and
//! the row names it. Nothing that the data keys sealed changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bailiwick_api::admin;
use bailiwick_audit::{Event, EventKind, Recorder};
use bailiwick_operation::{Deployment, RequestInfo, uuid};
use bailiwick_seal::{Keyring, MasterKey, SealError, WrappedKeyring};
use bailiwick_storage::{At, CommitError, Store, Tx};
use prost::Message as _;
use tokio::sync::{Mutex, MutexGuard};

use crate::master_key::MasterKeySource;

/// How often a rotation is tried while token keys are replaced at the same time.
const ATTEMPTS: usize = 10;

/// The master key of a running server. Everything that wraps the keyring holds it for as long as that takes.
pub(crate) struct MasterKeys {
    held: Mutex<Held>,
    source: Arc<MasterKeySource>,
    /// Whether the stored keyring is wrapped under a key that this server does not have.
    is_outdated: AtomicBool,
}

/// The key that the stored keyring is wrapped under.
pub(crate) struct Held {
    current: MasterKey,
    /// The key of a rotation whose outcome is unknown.
    possible: Option<MasterKey>,
}

impl MasterKeys {
    /// Holds the key that came from `source`.
    pub(crate) fn new(current: MasterKey, source: MasterKeySource) -> Self {
        MasterKeys {
            held: Mutex::new(Held::new(current)),
            source: Arc::new(source),
            is_outdated: AtomicBool::new(false),
        }
    }

    /// Whether the stored keyring was wrapped under a key that this server does not have, when it was last read.
    pub(crate) fn is_outdated(&self) -> bool {
        self.is_outdated.load(Ordering::Relaxed)
    }

    /// Waits until nothing else wraps the keyring.
    pub(crate) async fn hold(&self) -> MutexGuard<'_, Held> {
        self.held.lock().await
    }

    /// Opens the stored keyring. If it is wrapped under another master key, since that was replaced through another server,
    /// reads the key again from where the settings expect it.
    pub(crate) async fn open(&self, held: &mut Held, wrapped: &WrappedKeyring) -> Result<Keyring, String> {
        let opened = held.open(wrapped);
        let is_replaced = matches!(opened, Err(SealError::WrongMasterKey));
        let opened = if is_replaced { self.open_again(held, wrapped).await } else { opened.map_err(|e| e.to_string()) };
        self.is_outdated.store(is_replaced && opened.is_err(), Ordering::Relaxed);
        opened
    }

    async fn open_again(&self, held: &mut Held, wrapped: &WrappedKeyring) -> Result<Keyring, String> {
        let wrong = SealError::WrongMasterKey;
        let source = Arc::clone(&self.source);
        let loaded = tokio::task::spawn_blocking(move || source.load()).await.map_err(|e| e.to_string())?;
        let loaded = loaded.map_err(|failure| format!("{wrong}: {failure}"))?;
        let next = loaded.ok_or_else(|| format!("{wrong}: {} is missing", self.source))?;
        let keyring = wrapped.unwrap_with(&next).map_err(|e| self.source.refused(&next, wrapped, e).to_string())?;
        *held = Held::new(next);
        tracing::warn!("the master key was replaced through another server, and read again from {}", self.source);
        Ok(keyring)
    }
}

impl Held {
    pub(crate) fn new(current: MasterKey) -> Self {
        Held { current, possible: None }
    }

    /// Opens the stored keyring, and finds out which key it is wrapped under if that is unknown.
    pub(crate) fn open(&mut self, wrapped: &WrappedKeyring) -> Result<Keyring, SealError> {
        match (wrapped.unwrap_with(&self.current), self.possible.take()) {
            (Err(SealError::WrongMasterKey), Some(possible)) => {
                let opened = wrapped.unwrap_with(&possible);
                if opened.is_ok() {
                    self.current = possible
                } else {
                    self.possible = Some(possible)
                }
                opened
            }
            (opened, possible) => {
                // An unknown outcome is known now.
                if opened.is_err() {
                    self.possible = possible;
                }
                opened
            }
        }
    }

    /// Wraps a keyring under the current key.
    pub(crate) fn wrap(&self, keyring: &Keyring) -> Result<WrappedKeyring, SealError> {
        WrappedKeyring::wrap(keyring, &self.current)
    }
}

/// The identifiers of two master keys.
pub(crate) struct Rotated {
    pub(crate) previous: String,
    pub(crate) current: String,
}

/// What rotation works on.
pub(crate) struct Rotation<'a> {
    pub(crate) deployment: &'a Deployment,
    pub(crate) store: &'a Arc<dyn Store>,
    /// None on the store of a stopped server.
    pub(crate) recorder: Option<&'a Recorder>,
    /// The user of the host who asked for it.
    pub(crate) uid: u32,
}

impl Rotation<'_> {
    /// Wraps the keyring, which `held` opens, under `next`.
    ///
    /// # Errors
    /// A message that says whether something was changed.
    pub(crate) async fn run(&self, held: &mut Held, given: &MasterKey, next: MasterKey) -> Result<Rotated, String> {
        let ids = |e: SealError| format!("nothing was changed: {e}");
        for _ in 0..ATTEMPTS {
            let begun = Tx::begin(Arc::clone(self.store), Arc::clone(&self.deployment.quotas), At::Latest).await;
            let mut tx = begun.map_err(|e| format!("nothing was changed: {e}"))?;
            let wrapped = tx.keyring().await.map_err(|e| format!("nothing was changed: {e}"))?;
            let wrapped = WrappedKeyring::from_bytes(wrapped.unwrap_or_default().to_vec());
            let keyring = held.open(&wrapped).map_err(ids)?;
            if !given.is(&held.current) {
                let (given, needed) = (given.id().map_err(ids)?, held.current.id().map_err(ids)?);
                return Err(format!(
                    "nothing was changed: the given current master key is {given}, and the store has {needed}"
                ));
            }
            let rotated = Rotated { previous: held.current.id().map_err(ids)?, current: next.id().map_err(ids)? };
            if next.is(&held.current) {
                return Err(format!("nothing was changed: the store already has the master key {}", rotated.current));
            }
            let wrapped = WrappedKeyring::wrap(&keyring, &next).map_err(ids)?;
            let put = tx.put_keyring(wrapped.as_bytes().to_vec().into()).await;
            put.map_err(|e| format!("nothing was changed: {e}"))?;
            self.record(&mut tx, &rotated).await.map_err(|e| format!("nothing was changed: {e}"))?;
            match tx.commit().await {
                Ok(_) => {
                    *held = Held::new(next);
                    return Ok(rotated);
                }
                Err(CommitError::Conflict) => {}
                Err(CommitError::Failed(error)) => {
                    held.possible = Some(next);
                    return Err(format!(
                        "it is not known whether the master key was replaced ({error}): keep both keys. The next start with the wrong one names the right one: {} or {}",
                        rotated.previous, rotated.current
                    ));
                }
            }
        }
        Err("nothing was changed: the keys of the store were changed at the same time; try again".to_owned())
    }

    async fn record(&self, tx: &mut Tx, rotated: &Rotated) -> bailiwick_model::Result<()> {
        let parameters = admin::RotateMasterKeyRequest { previous_key_id: rotated.previous.clone() };
        let response = admin::RotateMasterKeyResponse { key_id: rotated.current.clone() };
        let messages = (parameters.encode_to_vec(), response.encode_to_vec());
        record(
            self.deployment,
            tx,
            self.recorder,
            Command { name: "RotateMasterKey", program: "rotate-master-key", uid: self.uid },
            messages,
        )
        .await
    }
}

/// A command that changes the store without a caller.
pub(crate) struct Command {
    /// By the name that its messages have.
    pub(crate) name: &'static str,
    /// By the name that its users give it.
    pub(crate) program: &'static str,
    /// The user of the host who runs it.
    pub(crate) uid: u32,
}

/// Adds the audit record of a command to its change; `messages` are the encoded parameters and response.
pub(crate) async fn record(
    deployment: &Deployment,
    tx: &mut Tx,
    recorder: Option<&Recorder>,
    command: Command,
    messages: (Vec<u8>, Vec<u8>),
) -> bailiwick_model::Result<()> {
    let mut ids = [[0; 16]; 2];
    deployment.random.fill(ids.as_flattened_mut());
    let [request_id, id] = ids;
    let Command { name, program, uid } = command;
    let request = Arc::new(RequestInfo {
        id: uuid(request_id),
        source_ip: None,
        secure_transport: false,
        user_agent: Some(format!("bailiwick/{} {program} (uid {uid})", env!("CARGO_PKG_VERSION"))),
        region: Some(deployment.region.clone()),
    });
    let event = Event {
        id,
        request_id,
        kind: EventKind::Command(name),
        time: deployment.clock.now(),
        request: &request,
        caller: None,
        unsigned: None,
        partition: deployment.partition,
        resource: None,
        parameters: &messages.0,
        response: &messages.1,
        changes_nothing: false,
        error: None,
        decision: None,
        authorization: None,
        documents: &[],
        suppressed: 0,
    };
    match recorder {
        Some(recorder) => recorder.write_into(tx, &event).await,
        None => Recorder::write_offline(tx, &event, deployment.random.as_ref()).await,
    }
}

/// Stores the audit record of a command that changes nothing else.
pub(crate) async fn record_alone(
    deployment: &Deployment,
    store: &Arc<dyn Store>,
    recorder: &Recorder,
    command: Command,
    messages: (Vec<u8>, Vec<u8>),
) -> bailiwick_model::Result<()> {
    let mut tx = Tx::begin(Arc::clone(store), Arc::clone(&deployment.quotas), At::Latest).await?;
    record(deployment, &mut tx, Some(recorder), command, messages).await?;
    tx.commit().await.map(drop).map_err(bailiwick_model::IamError::internal)
}

#[cfg(test)]
mod tests;
