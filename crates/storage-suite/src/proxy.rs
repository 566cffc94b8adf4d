//! A proxy between a store and the machine of its data: it cuts connections and holds back what passes.

use std::{net::SocketAddr, sync::Arc};

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

/// A proxy on a port of its own.
pub struct Proxy {
    /// Its port on 127.0.0.1.
    pub port: u16,
    mode: Arc<watch::Sender<Mode>>,
}

impl Proxy {
    /// Starts a proxy to a port on 127.0.0.1.
    pub async fn start(to: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let own = listener.local_addr().expect("an address").port();
        let mode = Arc::new(watch::Sender::new(Mode::Open));
        let modes = mode.clone();
        tokio::spawn(async move {
            while let Ok((inner, _)) = listener.accept().await {
                let mode = modes.subscribe();
                if *mode.borrow() == Mode::Cut {
                    continue;
                }
                let outer = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], to))).await.expect("the store");
                let ((inner_read, inner_write), (outer_read, outer_write)) = (inner.into_split(), outer.into_split());
                tokio::spawn(pass(inner_read, outer_write, modes.subscribe(), false));
                tokio::spawn(pass(outer_read, inner_write, mode, true));
            }
        });
        Proxy { port: own, mode }
    }

    /// Changes what happens to connections.
    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut mode: watch::Receiver<Mode>, are_answers: bool) {
    let mut part = vec![0; 16 * 1024];
    loop {
        let read = tokio::select! {
            read = from.read(&mut part) => read.unwrap_or(0),
            _ = mode.wait_for(|mode| *mode == Mode::Cut) => 0,
        };
        if are_answers && mode.wait_for(|mode| *mode != Mode::NoAnswers).await.is_err() {
            return;
        }
        if read == 0 || *mode.borrow() == Mode::Cut || to.write_all(&part[..read]).await.is_err() {
            return;
        }
    }
}
