//! The control socket of a running server: a Unix socket in the data folder, for commands of the same machine that no
//! client of the API may give.
//!
//! The data folder is its owner's alone, and so is the socket; the peer's user id is compared as well. A request is one
//! line of JSON and so is the answer; bytes may follow it. What a request changes is authorized by knowledge of the master
//! key, since a process of the same user may be without it.

use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bailiwick_api::admin;
use bailiwick_seal::MasterKey;
use bailiwick_service::Service;
use prost::Message as _;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, watch};
use zeroize::Zeroizing;

use crate::backup::{self, Manifest};
use crate::failure::Failure;
use crate::rotation::{self, Command, MasterKeys, Rotation};
use crate::signals::stopped;

/// The name of the socket in the data folder.
const NAME: &str = "control";
/// The most bytes of a request or of an answer's line.
const MAX_LINE: u64 = 4096;
/// The time for a request to arrive.
const ARRIVAL: Duration = Duration::from_secs(10);
/// How many requests are answered at once.
const AT_ONCE: usize = 4;

/// A request.
#[derive(Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Request {
    /// Wraps the data keys under another master key. Both are in hexadecimal.
    RotateMasterKey { current: Zeroizing<String>, next: Zeroizing<String> },
    /// Sends a backup.
    Backup,
}

/// The line of an answer.
#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// Refused or failed.
    Error { message: String },
    /// The identifiers of the master keys.
    Rotated { previous: String, current: String },
    /// The backup follows.
    Backup { manifest: Manifest },
}

/// The socket of this server.
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

/// What requests work on.
pub(crate) struct Controlled {
    pub(crate) service: Arc<Service>,
    pub(crate) master_keys: Arc<MasterKeys>,
}

impl Control {
    /// Creates the socket. The caller has locked the folder, so that a socket that is there belongs to a server that has ended.
    pub(crate) fn bind(data_dir: &Path) -> Result<Self, Failure> {
        let path = data_dir.join(NAME);
        let failed = |e: io::Error| Failure::new(format!("cannot create the control socket {}: {e}", path.display()));
        match std::fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_socket() => std::fs::remove_file(&path).map_err(failed)?,
            Ok(_) => return Err(failed(io::Error::other("something else has this name"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let listener = through_folder(data_dir, |path| UnixListener::bind(path)).map_err(failed)?;
        Ok(Control { listener, path })
    }

    /// Answers requests until `stop` is set, then removes the socket.
    pub(crate) async fn serve(self, controlled: Controlled, mut stop: watch::Receiver<bool>) {
        let (controlled, places) = (Arc::new(controlled), Arc::new(Semaphore::new(AT_ONCE)));
        loop {
            let accepted = tokio::select! {
                () = stopped(&mut stop) => break,
                accepted = self.listener.accept() => accepted,
            };
            let Ok((stream, _)) = accepted else {
                // Such as too many open files.
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            };
            let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
            let controlled = Arc::clone(&controlled);
            tokio::spawn(async move {
                if let Err(error) = answer(&controlled, stream).await {
                    tracing::warn!(%error, "a command on the control socket was not answered");
                }
                drop(place);
            });
        }
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "the control socket was not removed");
        }
    }
}

/// Answers requests until `stop` is set. A server without a socket, such as on a file system that has none, serves all the
/// same.
pub(crate) async fn run(control: Result<Control, Failure>, controlled: Controlled, stop: watch::Receiver<bool>) {
    match control {
        Ok(control) => control.serve(controlled, stop).await,
        Err(error) => {
            tracing::warn!(%error, "backup and rotate-master-key cannot reach this server");
        }
    }
}

/// Calls with a path of the socket that is short enough: the system limits it to about 100 bytes.
fn through_folder<T>(data_dir: &Path, call: impl FnOnce(PathBuf) -> io::Result<T>) -> io::Result<T> {
    use std::os::fd::AsRawFd as _;
    use std::os::unix::ffi::OsStrExt as _;
    let path = data_dir.join(NAME);
    if path.as_os_str().as_bytes().len() < 100 {
        return call(path);
    }
    let folder = std::fs::File::open(data_dir)?;
    call(PathBuf::from(format!("/proc/self/fd/{}/{NAME}", folder.as_raw_fd())))
}

async fn answer(controlled: &Controlled, stream: UnixStream) -> io::Result<()> {
    let uid = stream.peer_cred()?.uid();
    let own = rustix::process::getuid().as_raw();
    if uid != own && uid != 0 {
        return Err(io::Error::other(format!("user {uid} may not use the control socket")));
    }
    let (read, mut write) = stream.into_split();
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE as usize));
    let mut read = BufReader::new(read.take(MAX_LINE));
    let arrived = tokio::time::timeout(ARRIVAL, read.read_until(b'\n', &mut line)).await;
    arrived.map_err(|_| io::ErrorKind::TimedOut)??;
    let answer = match serde_json::from_slice::<Request>(&line) {
        Ok(Request::Backup) => return back_up(controlled, &mut write, uid).await,
        Ok(Request::RotateMasterKey { current, next }) => rotate(controlled, &current, &next, uid).await,
        // The error could repeat a key.
        Err(_) => Answer::Error { message: "this server does not know the command: it has another version".to_owned() },
    };
    write_line(&mut write, &answer).await
}

async fn write_line(to: &mut (impl tokio::io::AsyncWrite + Unpin), answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    to.write_all(&line).await?;
    to.flush().await
}

/// Sends a backup after its record is stored.
async fn back_up(
    controlled: &Controlled,
    write: &mut (impl tokio::io::AsyncWrite + Unpin),
    uid: u32,
) -> io::Result<()> {
    let refused = |message: String| Answer::Error { message: format!("no backup was made: {message}") };
    let source = match backup::Source::of(Arc::clone(&controlled.service.parts().store)).await {
        Ok(source) => source,
        Err(error) => return write_line(write, &refused(error.to_string())).await,
    };
    let parts = controlled.service.parts();
    let recorded = rotation::record_alone(
        &parts.deployment,
        &parts.store,
        &parts.recorder,
        Command { name: "CreateBackup", program: "backup", uid },
        (
            admin::CreateBackupRequest::default().encode_to_vec(),
            admin::CreateBackupResponse { revision: source.manifest().revision as i64 }.encode_to_vec(),
        ),
    );
    if let Err(error) = recorded.await {
        return write_line(write, &refused(error.to_string())).await;
    }
    let manifest = source.manifest().clone();
    tracing::info!(revision = manifest.revision, rows = manifest.rows, "a backup is being made");
    write_line(write, &Answer::Backup { manifest }).await?;
    backup::write(&source, write).await.map_err(|error| io::Error::other(format!("the backup ended early: {error}")))
}

async fn rotate(controlled: &Controlled, current: &str, next: &str, uid: u32) -> Answer {
    let (Ok(given), Ok(next)) = (MasterKey::parse(current.as_bytes()), MasterKey::parse(next.as_bytes())) else {
        return Answer::Error { message: "a key is not a master key".to_owned() };
    };
    let parts = controlled.service.parts();
    let (deployment, store, recorder) = (&parts.deployment, &parts.store, Some(&parts.recorder));
    let mut held = controlled.master_keys.hold().await;
    match (Rotation { deployment, store, recorder, uid }).run(&mut held, &given, next).await {
        Ok(rotated) => {
            let (previous, current) = (rotated.previous, rotated.current);
            tracing::warn!(previous, current, "the master key was replaced: the next start needs the new one");
            Answer::Rotated { previous, current }
        }
        Err(message) => {
            tracing::error!(message, "the master key was not replaced");
            Answer::Error { message }
        }
    }
}

/// A connection of a command to the server that has the store.
pub(crate) struct Connection(BufReader<UnixStream>);

impl Connection {
    /// Connects; none if no server runs.
    pub(crate) async fn open(data_dir: &Path) -> Result<Option<Self>, Failure> {
        // The socket must exist in a folder that is there; otherwise no server runs.
        let connected = match through_folder(data_dir, std::os::unix::net::UnixStream::connect) {
            Ok(connected) => connected,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::ConnectionRefused
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(broken(&error)),
        };
        connected.set_nonblocking(true).map_err(|e| broken(&e))?;
        let stream = UnixStream::from_std(connected).map_err(|e| broken(&e))?;
        Ok(Some(Connection(BufReader::new(stream))))
    }

    /// What follows the answer's line.
    pub(crate) fn rest(self) -> impl tokio::io::AsyncRead + Unpin {
        self.0
    }

    /// Sends a request and returns the answer's line.
    pub(crate) async fn ask(&mut self, request: &Request) -> Result<Answer, Failure> {
        let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE as usize));
        serde_json::to_writer(&mut *line, request).map_err(|e| broken(&e.into()))?;
        line.push(b'\n');
        self.0.get_mut().write_all(&line).await.map_err(|e| broken(&e))?;
        let mut answer = Vec::new();
        let read = (&mut self.0).take(MAX_LINE).read_until(b'\n', &mut answer).await;
        read.map_err(|e| broken(&e))?;
        serde_json::from_slice(&answer).map_err(|_| {
            Failure::new("the server has not answered: its log may say why, and whether something was changed")
        })
    }
}

/// Whether a server has a control socket in the data folder.
pub(crate) fn answers(data_dir: &Path) -> bool {
    through_folder(data_dir, std::os::unix::net::UnixStream::connect).is_ok()
}

fn broken(error: &io::Error) -> Failure {
    Failure::new(format!("cannot talk to the server on its control socket: {error}"))
}
