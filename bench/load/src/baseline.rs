//! The other sides of the ratios: the least that a server of the same kind can do with the same bytes.

use anyhow::{Context as _, Result};
use axum::Router;
use axum::routing::post;
use axum::serve::ListenerExt as _;
use bailiwick_api::authz::{AuthorizeRequest, AuthorizeResponse};
use bytes::Bytes;
use prost::Message;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use tonic::body::Body;
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic_prost::ProstCodec;

/// A tonic server that reads a question of `Authorize` and returns a recorded answer of the real server.
pub async fn grpc(listen: SocketAddr, answer: &Path) -> Result<()> {
    let answer = AuthorizeResponse::decode(std::fs::read(answer).context("cannot read the answer")?.as_slice())?;
    tonic::transport::Server::builder().tcp_nodelay(true).add_service(Echo { answer }).serve(listen).await?;
    Ok(())
}

#[derive(Clone)]
struct Echo {
    answer: AuthorizeResponse,
}

impl NamedService for Echo {
    const NAME: &'static str = "bailiwick.authz.v1.AuthorizationService";
}

impl tonic::codegen::Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let handler = self.clone();
        Box::pin(async move { Ok(Grpc::new(ProstCodec::default()).unary(handler, request).await) })
    }
}

impl UnaryService<AuthorizeRequest> for Echo {
    type Response = AuthorizeResponse;
    type Future = Ready<Result<tonic::Response<AuthorizeResponse>, tonic::Status>>;

    fn call(&mut self, _: tonic::Request<AuthorizeRequest>) -> Self::Future {
        ready(Ok(tonic::Response::new(self.answer.clone())))
    }
}

/// An axum handler that reads a form and writes it again.
pub async fn form(listen: SocketAddr) -> Result<()> {
    async fn echo(body: Bytes) -> Vec<u8> {
        let fields: Vec<(String, String)> = form_urlencoded::parse(&body).into_owned().collect();
        form_urlencoded::Serializer::new(String::with_capacity(body.len())).extend_pairs(fields).finish().into_bytes()
    }
    // A connection that refuses the option is only slower.
    let listener = tokio::net::TcpListener::bind(listen).await?.tap_io(|stream| drop(stream.set_nodelay(true)));
    axum::serve(listener, Router::new().route("/", post(echo))).await?;
    Ok(())
}
