//! The context keys of a check of Bailiwick's own operations, other than those of the principal.

use std::borrow::Cow;

use bailiwick_evaluator::{ContextKey, ContextSource, ContextValue, GlobalKey};
use bailiwick_model::Region;
use bailiwick_operation::{self as operation, RequestInfo};

/// The keys of the network and the region of a call.
pub(crate) struct PipelineKeys<'a> {
    pub(crate) request: &'a RequestInfo,
    /// The region of the deployment, for a call that names none.
    pub(crate) region: &'a str,
}

impl ContextSource for PipelineKeys<'_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        match key.global()? {
            GlobalKey::SourceIp => self.request.source_ip.map(ContextValue::Ip),
            GlobalKey::SecureTransport => Some(ContextValue::Bool(self.request.secure_transport)),
            GlobalKey::UserAgent => self.request.user_agent.as_deref().map(ContextValue::One),
            GlobalKey::RequestedRegion => {
                let region = self.request.region.as_ref().map(Region::as_str);
                Some(ContextValue::One(region.unwrap_or(self.region)))
            }
            GlobalKey::ViaAwsService => Some(ContextValue::Bool(false)),
            _ => None,
        }
    }
}

/// The keys that a check names.
pub(crate) struct CheckKeys<'a> {
    keys: &'a [(Cow<'static, str>, operation::ContextValue)],
    /// The values of keys that have several, in the order of `keys`.
    many: Vec<Vec<&'a str>>,
}

impl<'a> CheckKeys<'a> {
    pub(crate) fn new(keys: &'a [(Cow<'static, str>, operation::ContextValue)]) -> Self {
        let several = keys.iter().filter_map(|(_, value)| match value {
            operation::ContextValue::One(_) => None,
            operation::ContextValue::Many(values) => Some(values.iter().map(String::as_str).collect()),
        });
        CheckKeys { keys, many: several.collect() }
    }
}

impl ContextSource for CheckKeys<'_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        let mut lists = self.many.iter();
        for (name, value) in self.keys {
            let value = match value {
                operation::ContextValue::One(value) => ContextValue::One(value),
                operation::ContextValue::Many(_) => ContextValue::Many(lists.next()?),
            };
            if key.matches(name) {
                return Some(value);
            }
        }
        None
    }
}
