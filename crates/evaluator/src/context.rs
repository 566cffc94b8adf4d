//! What a request says of itself: context keys and their values.

use std::net::IpAddr;

mod key;
mod render;

pub(crate) use render::Rendered;

pub use key::{ContextKey, GlobalKey};

/// The value of a context key.
///
/// Typed forms spare rendering what is mostly compared as what it is; as text they read as documented.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ContextValue<'a> {
    /// One value.
    One(&'a str),
    /// A multi-valued key, however many values it has this time.
    Many(&'a [&'a str]),
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A time that reads as `2026-01-31T10:20:30Z`.
    Time(Moment),
    /// A time that reads as seconds since 1970.
    Epoch(Moment),
    /// An address.
    Ip(IpAddr),
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

/// One place that context keys come from: the caller, his session, the asking service, the clock.
///
/// A slice of pairs is one; its keys are compared without case.
pub trait ContextSource {
    /// The value under `key`, when this source has it.
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

/// All context keys of a request: sources in layers, of which the first that has a key speaks for it.
///
/// So who puts the principal's and session's keys before those of the asking service cannot have them overridden.
#[derive(Clone, Copy, Default)]
pub struct Context<'a> {
    layers: &'a [&'a dyn ContextSource],
}

impl<'a> Context<'a> {
    /// Puts layers over one another, the first on top.
    #[must_use]
    pub fn new(layers: &'a [&'a dyn ContextSource]) -> Self {
        Self { layers }
    }

    /// The value of a key.
    #[must_use]
    pub fn value(&self, key: &ContextKey) -> Option<ContextValue<'a>> {
        self.layers.iter().find_map(|layer| layer.value(key))
    }

    /// The value of a key, looking for it counted.
    pub(crate) fn look_up(&self, key: &ContextKey, steps: &mut u64) -> Option<ContextValue<'a>> {
        *steps += key.weight();
        self.value(key)
    }
}
