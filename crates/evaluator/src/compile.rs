//! Sharing of texts and keys while a document is compiled.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use crate::context::ContextKey;
use crate::hash;

/// Keeps one copy of each text and key of a document.
#[derive(Default)]
pub(crate) struct Interner {
    texts: Map<Arc<str>, ()>,
    keys: Map<Box<str>, Arc<ContextKey>>,
    heap_bytes: usize,
}

impl Interner {
    pub(crate) fn text(&mut self, text: &str) -> Arc<str> {
        if let Some((known, ())) = self.texts.get_key_value(text) {
            return known.clone();
        }
        let new: Arc<str> = text.into();
        self.texts.insert(new.clone(), ());
        self.heap_bytes += text.len() + 2 * size_of::<usize>();
        new
    }

    pub(crate) fn key(&mut self, name: &str) -> Arc<ContextKey> {
        if let Some(known) = self.keys.get(name) {
            return known.clone();
        }
        let key = Arc::new(ContextKey::new(name));
        self.heap_bytes += size_of::<ContextKey>() + 2 * key.as_str().len() + 2 * size_of::<usize>();
        self.keys.insert(name.into(), key.clone());
        key
    }

    /// The memory of all texts and keys.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }
}

/// A map with the hash of this crate.
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<TextHasher>>;

/// [`hash::of`] as a [`Hasher`].
#[derive(Default)]
pub(crate) struct TextHasher(u64);

impl Hasher for TextHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash::mix(self.0, hash::of(bytes));
    }

    fn write_u8(&mut self, byte: u8) {
        // The terminator that strings add; the hash contains their length already.
        self.0 = self.0.wrapping_add(u64::from(byte));
    }

    fn write_u32(&mut self, number: u32) {
        self.0 = hash::mix(self.0, u64::from(number));
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = hash::mix(self.0, number);
    }

    fn write_usize(&mut self, number: usize) {
        self.0 = hash::mix(self.0, number as u64);
    }

    fn finish(&self) -> u64 {
        // hashbrown takes the top seven bits and the low ones.
        self.0 ^ (self.0 >> 29)
    }
}
