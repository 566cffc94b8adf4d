//! A request, prepared for matching.

use crate::bits::RequestBits;
use crate::hash;
use crate::request::Request;

/// A request, prepared once for all policies.
#[derive(Clone, Copy)]
pub(crate) struct PreparedRequest<'a> {
    pub(crate) request: &'a Request<'a>,
    /// The action in lower case.
    pub(crate) action: &'a [u8],
    /// Hash of the action in lower case.
    pub(crate) action_hash: u64,
    pub(crate) marks: RequestBits<'a>,
    /// Whether the caller has a permissions boundary. `NotPrincipal` with Deny then applies to them in any case.
    pub(crate) has_boundary: bool,
    /// Whether Deny statements are ignored, to find the missing Allows.
    pub(crate) without_denies: bool,
}

impl<'a> PreparedRequest<'a> {
    /// Prepares a request. The action in lower case is stored in `short`, or in `long` if it is longer than any known
    /// action.
    #[inline]
    pub(crate) fn new(
        request: &'a Request<'a>,
        has_boundary: bool,
        short: &'a mut [u8; 128],
        long: &'a mut Vec<u8>,
    ) -> Self {
        let text = request.action.as_bytes();
        let (action, action_hash) = match hash::lower_into(text, short) {
            Some(short) => short,
            None => {
                *long = text.to_ascii_lowercase();
                (&**long, hash::of(long))
            }
        };
        let marks = RequestBits::new(action, action_hash, request.resource.as_bytes());
        Self { request, action, action_hash, marks, has_boundary, without_denies: false }
    }

    /// Whether the action has no resource, so that only `*` matches.
    pub(crate) fn without_resource(&self) -> bool {
        self.request.resource == "*"
    }
}
