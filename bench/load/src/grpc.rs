//! gRPC calls: one client for both sides, a few connections shared by all workers.

use crate::drive::Call;
use crate::process::Process;
use anyhow::{Context, Result, bail};
use http::uri::PathAndQuery;
use prost::Message;
use std::sync::Arc;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic_prost::ProstCodec;

/// More workers than this share connections, as the calls of a real service do.
const CONNECTIONS: usize = 4;

/// Calls one method repeatedly with the same message; an answer that `fine` refuses is an error.
pub struct Unary<Request, Response> {
    client: Grpc<Channel>,
    path: PathAndQuery,
    bearer: Option<MetadataValue<Ascii>>,
    next: Arc<dyn Fn(u64) -> Request + Send + Sync>,
    fine: fn(&Response) -> bool,
    count: u64,
    step: u64,
}

/// What to call.
pub struct Target<'a, Request, Response> {
    pub process: &'a Process,
    pub method: &'static str,
    pub bearer: Option<&'a str>,
    /// The message of a call, by its number.
    pub next: Arc<dyn Fn(u64) -> Request + Send + Sync>,
    pub fine: fn(&Response) -> bool,
}

impl<Request, Response> Target<'_, Request, Response> {
    /// Makes a worker for each call in flight; `from` is the number of the first call.
    pub async fn workers(&self, in_flight: usize, from: u64) -> Result<Vec<Unary<Request, Response>>> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.process.address))?.tcp_nodelay(true);
        let mut channels = Vec::new();
        for _ in 0..in_flight.min(CONNECTIONS) {
            channels.push(endpoint.connect().await.context("cannot connect")?);
        }
        let bearer = self.bearer.map(|token| format!("Bearer {token}").parse()).transpose()?;
        let workers = (0..in_flight).map(|number| Unary {
            client: Grpc::new(channels[number % channels.len()].clone()),
            path: PathAndQuery::from_static(self.method),
            bearer: bearer.clone(),
            next: self.next.clone(),
            fine: self.fine,
            count: from + number as u64,
            step: in_flight as u64,
        });
        Ok(workers.collect())
    }
}

impl<Request, Response> Unary<Request, Response>
where
    Request: Message + 'static,
    Response: Message + Default + 'static,
{
    pub async fn ask(&mut self) -> Result<Response> {
        self.client.ready().await?;
        let mut request = tonic::Request::new((self.next)(self.count));
        self.count += self.step;
        if let Some(bearer) = &self.bearer {
            request.metadata_mut().insert("authorization", bearer.clone());
        }
        let codec = ProstCodec::<Request, Response>::default();
        Ok(self.client.unary(request, self.path.clone(), codec).await?.into_inner())
    }
}

impl<Request, Response> Call for Unary<Request, Response>
where
    Request: Message + 'static,
    Response: Message + Default + 'static,
{
    async fn call(&mut self) -> Result<()> {
        let answer = self.ask().await?;
        if !(self.fine)(&answer) {
            bail!("{}: an answer that is not the expected one", self.path);
        }
        Ok(())
    }
}
