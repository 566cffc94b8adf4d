//! A request as statements look at it.

use crate::hash;
use crate::request::Request;

/// A request, prepared once for all policies.
pub(crate) struct Subject<'a> {
    pub(crate) request: &'a Request<'a>,
    action: Lower,
    /// Hash of the action in lower case.
    pub(crate) action_hash: u64,
    /// Hash of the action's service in lower case.
    pub(crate) service_hash: u64,
    /// Whether the caller has a permissions boundary, which keeps `NotPrincipal` from sparing him.
    pub(crate) has_boundary: bool,
    /// Whether Deny statements are passed over, to learn what is wanting besides.
    pub(crate) without_denies: bool,
}

/// A text in lower case, on the stack unless it is longer than any action there is.
enum Lower {
    Short([u8; 128], usize),
    Long(Vec<u8>),
}

impl<'a> Subject<'a> {
    pub(crate) fn new(request: &'a Request<'a>, has_boundary: bool) -> Self {
        let text = request.action.as_bytes();
        let mut buffer = [0; 128];
        let action = match buffer.get_mut(..text.len()) {
            Some(short) => {
                short.copy_from_slice(text);
                short.make_ascii_lowercase();
                Lower::Short(buffer, text.len())
            }
            None => Lower::Long(text.to_ascii_lowercase()),
        };
        let lower = action.as_bytes();
        let service = lower.iter().position(|byte| *byte == b':').map_or(lower, |colon| &lower[..colon]);
        let (action_hash, service_hash) = (hash::of(lower), hash::of(service));
        Self { request, action_hash, service_hash, action, has_boundary, without_denies: false }
    }

    /// The action in lower case.
    pub(crate) fn action(&self) -> &[u8] {
        self.action.as_bytes()
    }

    /// Whether the action knows no resource, so that only `*` matches it.
    pub(crate) fn without_resource(&self) -> bool {
        self.request.resource == "*"
    }
}

impl Lower {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short(buffer, len) => &buffer[..*len],
            Self::Long(text) => text,
        }
    }
}
