//! What a request asks, whatever page of the answer it asks for.

use bytes::{Buf, Bytes};
use prost::Message;
use prost::encoding::{DecodeContext, decode_key, skip_field};

use crate::Operation;

/// Returns a request of an operation with pages as bytes, without its marker and page size. Two requests have the same
/// bytes if their answers differ by the page only. Empty for operations without pages.
#[must_use]
pub fn question<O: Operation>(request: &O::Request) -> Bytes {
    let page = O::INFO.page;
    if page.is_empty() {
        return Bytes::new();
    }
    without(page, &request.encode_to_vec())
}

/// The message without these fields.
fn without(page: &[u32], message: &[u8]) -> Bytes {
    let mut question = Vec::with_capacity(message.len());
    let mut rest = message;
    while rest.has_remaining() {
        let field = rest;
        // prost has encoded the message, so that neither fails.
        let Ok((number, wire_type)) = decode_key(&mut rest) else { break };
        if skip_field(wire_type, number, &mut rest, DecodeContext::default()).is_err() {
            break;
        }
        if !page.contains(&number) {
            question.extend_from_slice(&field[..field.len() - rest.len()]);
        }
    }
    question.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{iam, op};

    #[test]
    fn only_the_page_is_left_out() {
        let of = |prefix: &str, marker: &str, max_items| {
            question::<op::ListUsers>(&iam::ListUsersRequest {
                path_prefix: Some(prefix.into()),
                marker: Some(marker.into()),
                max_items,
            })
        };
        assert!(!of("/a/", "m", None).is_empty());
        assert_eq!(of("/a/", "m", Some(1)), of("/a/", "n", None));
        assert_ne!(of("/a/", "m", None), of("/b/", "m", None));
        assert!(question::<op::GetUser>(&iam::GetUserRequest { user_name: Some("bob".into()) }).is_empty());
    }
}
