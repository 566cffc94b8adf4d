//! The content of the server under measurement: a service that requests decisions, and a user that they are about.

use crate::grpc;
use crate::process::{ACCOUNT, Process, REGION};
use crate::query::{once, signed_form};
use anyhow::{Context, Result};
use bailiwick_api::authz::{
    AuthenticateRequest, AuthenticateResponse, AuthorizeRequest, AuthorizeResponse, Caller, Decision, Header,
    HttpRequest, SignedRequest, caller::Who,
};
use bailiwick_api::signin::{CreateTokenRequest, CreateTokenResponse};
use bailiwick_sigv4::{Credentials, PayloadHash, Request, Signing, sign};
use bytes::Bytes;
use http::uri::PathAndQuery;
use std::net::SocketAddr;
use std::sync::Arc;
use tonic::transport::Endpoint;

/// The callers that take part.
pub struct World {
    /// The bearer token of the asking service.
    pub bearer: String,
    /// The bearer token of the root user.
    pub root_bearer: String,
    /// A request that is allowed. Its handle ends after five minutes.
    pub question: AuthorizeRequest,
    /// The key of the caller that the request is about.
    client: Key,
}

/// An access key.
pub struct Key {
    pub id: String,
    pub secret: String,
}

impl Key {
    /// The key in the answer of CreateAccessKey.
    pub fn of(answer: &str) -> Result<Key> {
        let text = |tag: &str| {
            let (_, rest) = answer.split_once(&format!("<{tag}>")).context("an answer without a key")?;
            Ok::<_, anyhow::Error>(rest.split('<').next().unwrap_or_default().to_string())
        };
        Ok(Key { id: text("AccessKeyId")?, secret: text("SecretAccessKey")? })
    }
}

impl World {
    /// Gives the allowed request a new handle.
    pub async fn renew(&mut self, process: &Process) -> Result<()> {
        let who = Who::Handle(handle(process, &self.bearer, &self.client).await?);
        self.question.caller = Some(Caller { who: Some(who) });
        Ok(())
    }

    /// The allowed request, to this server or to its echo.
    pub fn authorize<'a>(&'a self, process: &'a Process) -> grpc::Target<'a, AuthorizeRequest, AuthorizeResponse> {
        let question = self.question.clone();
        grpc::Target {
            process,
            method: "/bailiwick.authz.v1.AuthorizationService/Authorize",
            bearer: Some(&self.bearer),
            next: Arc::new(move |_| question.clone()),
            fine: |answer| answer.decision() == Decision::Allow,
        }
    }
}

/// Creates the users, their policies and keys, and the objects of the requests.
pub async fn make(process: &Process) -> Result<World> {
    let asking = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"bailiwick:*","Resource":"*"}]}"#;
    let asked = concat!(
        r#"{"Version":"2012-10-17","Statement":["#,
        r#"{"Effect":"Allow","Action":["s3:GetObject","s3:ListBucket"],"Resource":["arn:aws:s3:::reports","arn:aws:s3:::reports/*"]},"#,
        r#"{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::reports/${aws:username}/*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}},"#,
        r#"{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::reports/secret/*"}]}"#
    );
    let service = user(process, "service", asking).await?;
    let client = user(process, "client", asked).await?;
    let bearer = token(process, &service).await?;
    let root = Key { id: crate::process::ACCESS_KEY_ID.into(), secret: crate::process::SECRET_ACCESS_KEY.into() };
    let root_bearer = token(process, &root).await?;
    let handle = handle(process, &bearer, &client).await?;
    let question = AuthorizeRequest {
        caller: Some(Caller { who: Some(Who::Handle(handle)) }),
        action: "s3:GetObject".into(),
        resource: "arn:aws:s3:::reports/2026/03/summary.csv".into(),
        resource_account: Some(ACCOUNT.into()),
        ..Default::default()
    };
    Ok(World { bearer, root_bearer, question, client })
}

/// The handle of a caller, for the asking service.
async fn handle(process: &Process, bearer: &str, client: &Key) -> Result<Bytes> {
    let request = AuthenticateRequest { signed_request: Some(signed_request(client)?), ..Default::default() };
    let target = grpc::Target::<AuthenticateRequest, AuthenticateResponse> {
        process,
        method: "/bailiwick.authz.v1.AuthorizationService/Authenticate",
        bearer: Some(bearer),
        next: Arc::new(move |_| request.clone()),
        fine: |_| true,
    };
    Ok(target.workers(1, 0).await?.remove(0).ask().await.context("Authenticate")?.handle)
}

/// Calls IAM as root.
pub async fn iam(process: &Process, action: &str, members: &[(&str, &str)]) -> Result<String> {
    iam_at(process.address, action, members).await
}

/// Calls IAM of the server at this address as root.
pub async fn iam_at(server: SocketAddr, action: &str, members: &[(&str, &str)]) -> Result<String> {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("Action", action)
        .append_pair("Version", "2010-05-08")
        .extend_pairs(members)
        .finish();
    once(server, signed_form(server, "iam", &form)?).await
}

/// Creates a user with an inline policy and an access key.
pub async fn user(process: &Process, name: &str, policy: &str) -> Result<Key> {
    let user = ("UserName", name);
    iam(process, "CreateUser", &[user]).await?;
    iam(process, "PutUserPolicy", &[user, ("PolicyName", "own"), ("PolicyDocument", policy)]).await?;
    Key::of(&iam(process, "CreateAccessKey", &[user]).await?)
}

/// Creates a bearer token with a signed call.
pub async fn token(process: &Process, key: &Key) -> Result<String> {
    let path = "/bailiwick.signin.v1.TokenService/CreateToken";
    let host = process.address.to_string();
    let headers: &[(&str, &[u8])] = &[("host", host.as_bytes())];
    let credentials = Credentials::new(&key.id, &key.secret);
    let unsigned = Request { method: "POST", path, query: "", headers };
    let signing = Signing::new(&credentials, REGION, "bailiwick", jiff::Timestamp::now()).unsigned_payload();
    let added = sign(&unsigned, &signing, &PayloadHash::of(b""))?;
    let mut request = tonic::Request::new(CreateTokenRequest { duration_seconds: Some(43_200) });
    for (name, value) in &added {
        let name: tonic::metadata::MetadataKey<tonic::metadata::Ascii> = name.parse()?;
        request.metadata_mut().insert(name, value.parse()?);
    }
    let channel = Endpoint::from_shared(format!("http://{host}"))?.connect().await?;
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await?;
    let codec = tonic_prost::ProstCodec::<CreateTokenRequest, CreateTokenResponse>::default();
    let answer =
        client.unary(request, PathAndQuery::from_static("/bailiwick.signin.v1.TokenService/CreateToken"), codec);
    Ok(answer.await.context("CreateToken")?.into_inner().token)
}

/// A request as a service would have received it from the client.
fn signed_request(key: &Key) -> Result<SignedRequest> {
    let (host, path) = ("s3.example.com", "/reports/2026/03/summary.csv");
    let headers: &[(&str, &[u8])] = &[("host", host.as_bytes())];
    let credentials = Credentials::new(&key.id, &key.secret);
    let unsigned = Request { method: "GET", path, query: "", headers };
    let signing = Signing::new(&credentials, REGION, "s3", jiff::Timestamp::now()).declare_payload();
    let added = sign(&unsigned, &signing, &PayloadHash::of(b""))?;
    let header = |name: &str, value: &str| Header { name: name.into(), value: value.into() };
    let mut headers = vec![header("host", host)];
    headers.extend(added.iter().map(|(name, value)| header(name, value)));
    let http_request = HttpRequest { method: "GET".into(), target: path.into(), headers, ..Default::default() };
    Ok(SignedRequest { http_request: Some(http_request), service: "s3".into(), ..Default::default() })
}
