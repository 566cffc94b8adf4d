//! The request context: context keys and their values.

use std::net::IpAddr;

mod key;
mod render;

pub(crate) use render::Rendered;

pub use key::{ContextKey, GlobalKey};

/// The value of a context key.
///
/// Typed values avoid formatting and parsing. String operators see them as the text that each variant documents.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ContextValue<'a> {
    /// One value.
    One(&'a str),
    /// A multi-valued key, with any number of values.
    Many(&'a [&'a str]),
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A time, as text `2026-01-31T10:20:30Z`.
    Time(Moment),
    /// A time, as text in seconds since 1970.
    Epoch(Moment),
    /// An IP address.
    Ip(IpAddr),
}

impl ContextValue<'_> {
    /// The values as text: one for a key with a single value.
    #[must_use]
    pub fn texts(&self) -> Vec<String> {
        match self {
            Self::Many(values) => values.iter().map(|value| (*value).to_owned()).collect(),
            value => value.rendered().map(|text| text.as_str().to_owned()).into_iter().collect(),
        }
    }
}

/// A point in time: seconds since 1970, and nanoseconds (below 1,000,000,000) after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    pub seconds: i64,
    /// Nanoseconds after that second.
    pub nanos: u32,
}

impl Moment {
    /// A whole second.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self { seconds, nanos: 0 }
    }
}

/// A source of context keys: the caller, the session, the calling service, the clock.
///
/// Slices of pairs are sources; their keys are compared without case.
pub trait ContextSource {
    /// Returns the value of `key`, if this source has it.
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>>;
}

impl ContextSource for [(&str, ContextValue<'_>)] {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        self.iter().find(|(name, _)| key.matches(name)).map(|(_, value)| *value)
    }
}

impl<const N: usize> ContextSource for [(&str, ContextValue<'_>); N] {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        self.as_slice().value(key)
    }
}

impl ContextSource for Vec<(&str, ContextValue<'_>)> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        self.as_slice().value(key)
    }
}

/// All context keys of a request, as layers of sources. The first layer with a key supplies its value.
///
/// Put the keys of the principal and the session before those of the calling service, so that the service cannot
/// override them.
#[derive(Clone, Copy, Default)]
pub struct Context<'a> {
    layers: &'a [&'a dyn ContextSource],
}

impl<'a> Context<'a> {
    /// Creates a context from layers, in order of precedence.
    #[must_use]
    pub fn new(layers: &'a [&'a dyn ContextSource]) -> Self {
        Self { layers }
    }

    /// The value of a key.
    #[must_use]
    pub fn value(&self, key: &ContextKey) -> Option<ContextValue<'a>> {
        self.layers.iter().find_map(|layer| layer.value(key))
    }

    /// Returns the value of a key and counts the steps.
    pub(crate) fn look_up(&self, key: &ContextKey, steps: &mut u64) -> Option<ContextValue<'a>> {
        *steps += key.weight();
        self.value(key)
    }
}
