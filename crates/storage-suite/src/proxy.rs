//! A proxy between a store and the machine of its data: it cuts connections and holds back what passes.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
};

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They pass.
    Open,
    /// Requests pass, and answers are held back.
    NoAnswers,
    /// They are ended, and new ones as well.
    Cut,
}

/// A request that is held back.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Hold {
    None,
    /// The next one that contains these bytes.
    Next(Vec<u8>),
    Held,
    Released,
}

/// What happens to requests.
#[derive(Clone)]
struct Requests {
    mode: Arc<watch::Sender<Mode>>,
    hold: Arc<watch::Sender<Hold>>,
    lost: Arc<watch::Sender<Option<Vec<u8>>>>,
}

/// A proxy on a port of its own.
pub struct Proxy {
    /// Its port on 127.0.0.1.
    pub port: u16,
    mode: Arc<watch::Sender<Mode>>,
    hold: Arc<watch::Sender<Hold>>,
    /// After a request that contains these bytes, answers are held back.
    lost: Arc<watch::Sender<Option<Vec<u8>>>>,
    /// How many times all connections were ended.
    ended: Arc<watch::Sender<u64>>,
    to: Arc<AtomicU16>,
}

impl Proxy {
    /// Starts a proxy to a port on 127.0.0.1.
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let mode = Arc::new(watch::Sender::new(Mode::Open));
        let (hold, to) = (Arc::new(watch::Sender::new(Hold::None)), Arc::new(AtomicU16::new(to)));
        let (lost, ended) = (Arc::new(watch::Sender::new(None)), Arc::new(watch::Sender::new(0)));
        let requests = Requests { mode: mode.clone(), hold: hold.clone(), lost: lost.clone() };
        let (modes, ends, port) = (mode.clone(), ended.clone(), to.clone());
        tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                let mode = modes.subscribe();
                if *mode.borrow() == Mode::Cut {
                    continue;
                }
                let to = SocketAddr::from(([127, 0, 0, 1], port.load(Ordering::SeqCst)));
                let outer = TcpStream::connect(to).await.expect("the store");
                let ((inner_read, inner_write), (outer_read, outer_write)) = (inner.into_split(), outer.into_split());
                let requests = pass(inner_read, outer_write, modes.subscribe(), Some(requests.clone()));
                tokio::spawn(until_ended(requests, ends.subscribe()));
                tokio::spawn(until_ended(pass(outer_read, inner_write, mode, None), ends.subscribe()));
            }
        });
        Proxy { port: own, mode, hold, lost, ended, to }
    }

    /// Holds answers back as soon as a request has passed that contains these bytes.
    pub fn lose_answer(&self, text: &[u8]) {
        self.lost.send_replace(Some(text.to_vec()));
    }

    /// Ends all connections, and what is held back on them; new ones are as before.
    pub fn end(&self) {
        self.ended.send_modify(|ended| *ended += 1);
    }

    /// Leads new connections to another port on 127.0.0.1.
    pub fn redirect(&self, to: u16) {
        self.to.store(to, Ordering::SeqCst);
    }

    /// Holds the next request back that contains these bytes, and what follows it on its connection.
    pub fn hold(&self, text: &[u8]) {
        self.hold.send_replace(Hold::Next(text.to_vec()));
    }

    /// Whether a request is held back.
    pub fn holds(&self) -> bool {
        *self.hold.borrow() == Hold::Held
    }

    /// Lets the request pass that is held back, even if who sent it has given up. Returns whether there is one.
    pub fn release(&self) -> bool {
        self.hold.send_replace(Hold::Released) == Hold::Held
    }

    /// Changes what happens to connections.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn until_ended(passing: impl Future<Output = ()>, mut ended: watch::Receiver<u64>) {
    tokio::select! {
        // Nothing that was held back passes afterwards.
        biased;
        _ = ended.changed() => {}
        () = passing => {}
    }
}

/// How long a connection stays open whose request was held back.
const ANSWERED: Duration = Duration::from_secs(10);

/// Passes what comes; requests may be held back, and answers.
async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<Mode>,
    requests: Option<Requests>,
) {
    let mut part = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut part) => read.unwrap_or(0),
            _ = mode.wait_for(|mode| *mode == Mode::Cut) => 0,
        };
        if requests.is_none() && mode.wait_for(|mode| *mode != Mode::NoAnswers).await.is_err() {
            return;
        }
        if let Some(requests) = &requests {
            let request = &part[..read];
            if is_held(&requests.hold, request) {
                let _ = requests.hold.subscribe().wait_for(|hold| *hold == Hold::Released).await;
                let _ = to.write_all(request).await;
                // The store would not answer a request whose connection ends.
                return tokio::time::sleep(ANSWERED).await;
            }
            if requests.lost.borrow().as_ref().is_some_and(|text| contains(request, text)) {
                requests.lost.send_replace(None);
                requests.mode.send_replace(Mode::NoAnswers);
            }
        }
        if read == 0 || *mode.borrow() == Mode::Cut || to.write_all(&part[..read]).await.is_err() {
            return;
        }
    }
}

/// Whether this is the request that is held back from now on.
fn is_held(hold: &watch::Sender<Hold>, request: &[u8]) -> bool {
    hold.send_if_modified(|hold| {
        let is_next = matches!(hold, Hold::Next(text) if contains(request, text));
        if is_next {
            *hold = Hold::Held;
        }
        is_next
    })
}

fn contains(request: &[u8], text: &[u8]) -> bool {
    request.windows(text.len()).any(|part| part == text)
}
