//! Members of two clusters at one address.

use std::{convert::Infallible, future::ready};

use futures_util::stream;
use http_body_util::StreamBody;
use hyper::{
    Request as HttpRequest, Response,
    body::{Body, Frame, Incoming},
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
    server::conn::http2,
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::bytes::{BufMut as _, Bytes, BytesMut};
use tokio::net::TcpListener;

use super::*;
use crate::api::{self, ResponseHeader};

/// A member whose answers are of these clusters: the ones to reads, and those of a watch, one after the other.
#[derive(Clone, Copy)]
struct Member {
    read: u64,
    watch: &'static [u64],
}

impl Member {
    /// Starts it, and returns a client.
    async fn client(self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = service_fn(move |request| ready(Ok::<_, Infallible>(self.answer(&request))));
                tokio::spawn(http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service));
            }
        });
        let address = Address::parse(&format!("etcd://127.0.0.1:{port}/iam"), None).expect("an address");
        Client::new(&address).expect("a client")
    }

    fn answer(self, request: &HttpRequest<Incoming>) -> Response<impl Body<Data = Bytes, Error = Infallible> + use<>> {
        let header = |cluster_id| Some(ResponseHeader { cluster_id, ..ResponseHeader::default() });
        let messages = match request.uri().path() {
            "/etcdserverpb.KV/Range" => {
                vec![framed(&RangeResponse { header: header(self.read), ..RangeResponse::default() })]
            }
            "/etcdserverpb.Watch/Watch" => {
                let answer = |&id| framed(&WatchResponse { header: header(id), ..WatchResponse::default() });
                self.watch.iter().map(answer).collect()
            }
            other => panic!("{other}"),
        };
        let end = HeaderMap::from_iter([("grpc-status".parse().expect("a name"), HeaderValue::from_static("0"))]);
        let frames = messages.into_iter().map(Frame::data).chain([Frame::trailers(end)]).map(Ok);
        let mut response = Response::new(StreamBody::new(stream::iter(frames)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        response
    }
}

/// A message as gRPC sends it.
fn framed(message: &impl Message) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(message.encoded_len() as u32);
    message.encode(&mut frame).expect("room");
    frame.freeze()
}

fn is_of_another(fault: Option<Fault>) -> bool {
    matches!(fault, Some(Fault::Unreachable(why)) if why.contains("another cluster"))
}

/// A member of another cluster has other changes under the same keys, and a watch goes on while its connection does.
#[tokio::test]
async fn changes_of_another_cluster_are_refused() {
    let client = Member { read: 7, watch: &[7, 7, 8] }.client().await;
    client.range(&api::get(Bytes::from("key"))).await.expect("an answer");
    let mut watch = client.watch(WatchCreateRequest::default()).await.expect("a watch");
    for _ in 0..2 {
        assert!(watch.next().await.expect("an answer of the cluster").is_some());
    }
    assert!(is_of_another(watch.next().await.err()));
    assert!(watch.next().await.expect("the end").is_none());
}

#[tokio::test]
async fn a_watch_that_another_cluster_answers_is_refused_from_its_first_answer() {
    // 0: the answer does not say it.
    for watch in [&[8, 7], &[0, 7]] {
        let client = Member { read: 7, watch }.client().await;
        client.range(&api::get(Bytes::from("key"))).await.expect("an answer");
        let mut watch = client.watch(WatchCreateRequest::default()).await.expect("a watch");
        assert!(is_of_another(watch.next().await.err()));
    }
}

#[tokio::test]
async fn reads_of_another_cluster_than_that_of_the_watch_are_refused() {
    let client = Member { read: 8, watch: &[7] }.client().await;
    let mut watch = client.watch(WatchCreateRequest::default()).await.expect("a watch");
    assert!(watch.next().await.expect("an answer of the first cluster").is_some());
    let asked = client.ask_member(0, MEMBER, "/etcdserverpb.KV/Range", &api::get(Bytes::from("key")), None).await;
    assert!(is_of_another(asked.map(|_: RangeResponse| ()).err()));
}
