//! AWS Query calls: the same signed bytes repeatedly on persistent connections.

use crate::drive::Call;
use crate::process::{ACCESS_KEY_ID, Process, REGION, SECRET_ACCESS_KEY};
use anyhow::{Context, Result, bail};
use bailiwick_sigv4::{Credentials, PayloadHash, Request, Signing, sign};
use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::net::TcpStream;

pub const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// A connection and what is sent over it.
pub struct Repeat {
    sender: SendRequest<Full<Bytes>>,
    request: http::Request<Full<Bytes>>,
}

/// A form for `service`, signed by root for the address of the real server.
pub fn signed_form(server: SocketAddr, service: &str, body: &str) -> Result<http::Request<Full<Bytes>>> {
    signed_form_by(ACCESS_KEY_ID, SECRET_ACCESS_KEY, server, service, body)
}

/// A signed form.
pub fn signed_form_by(
    access_key_id: &str,
    secret: &str,
    server: SocketAddr,
    service: &str,
    body: &str,
) -> Result<http::Request<Full<Bytes>>> {
    let host = server.to_string();
    let headers: &[(&str, &[u8])] = &[("host", host.as_bytes()), ("content-type", FORM.as_bytes())];
    let credentials = Credentials::new(access_key_id, secret);
    let unsigned = Request { method: "POST", path: "/", query: "", headers };
    let signing = Signing::new(&credentials, REGION, service, jiff::Timestamp::now());
    let added = sign(&unsigned, &signing, &PayloadHash::of(body.as_bytes()))?;
    let mut request = http::Request::post("/").header("host", &host).header("content-type", FORM);
    for (name, value) in added {
        request = request.header(name, value);
    }
    Ok(request.body(Full::new(Bytes::copy_from_slice(body.as_bytes())))?)
}

impl Repeat {
    pub async fn connect(process: &Process, request: http::Request<Full<Bytes>>) -> Result<Repeat> {
        Self::connect_to(process.address, request).await
    }

    pub async fn connect_to(server: SocketAddr, request: http::Request<Full<Bytes>>) -> Result<Repeat> {
        let stream = TcpStream::connect(server).await.context("cannot connect")?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Repeat { sender, request })
    }

    /// Sends the request once and reads the whole answer.
    pub async fn ask(&mut self) -> Result<(StatusCode, Bytes)> {
        self.sender.ready().await?;
        let answer = self.sender.send_request(self.request.clone()).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }
}

impl Call for Repeat {
    async fn call(&mut self) -> Result<()> {
        let (status, body) = self.ask().await?;
        if status != StatusCode::OK {
            bail!("{status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(())
    }
}

/// Sends one form and returns the text of the answer.
pub async fn once(server: SocketAddr, request: http::Request<Full<Bytes>>) -> Result<String> {
    let (status, body) = Repeat::connect_to(server, request).await?.ask().await?;
    let text = String::from_utf8_lossy(&body).into_owned();
    if status != StatusCode::OK {
        bail!("{status}: {text}");
    }
    Ok(text)
}
