//! The bits of a request that statements are filtered by.

/// The bits and the resource of a request.
#[derive(Clone, Copy)]
pub(crate) struct RequestBits<'a> {
    /// One bit in each half.
    pub(crate) action: u64,
    /// At least eight bytes.
    pub(crate) resource: &'a [u8],
    /// The offset of its last eight bytes.
    pub(crate) last: u32,
}

impl<'a> RequestBits<'a> {
    pub(crate) fn new(action: &[u8], action_hash: u64, resource: &'a [u8]) -> Self {
        // A shorter resource cannot match a filter of eight bytes.
        let resource = if resource.len() < 8 { &[0; 8] } else { resource };
        let last = u32::try_from(resource.len() - 8).unwrap_or(u32::MAX);
        Self { action: head_bit(action) | name_bit(action_hash), resource, last }
    }
}

/// The bits of every whole action.
pub(crate) const ALL_NAMES: u64 = !0 << 32;

pub(crate) fn name_bit(hash: u64) -> u64 {
    1 << (32 + (hash & 31))
}

/// A bit for the first two characters, chosen so that most service prefixes have different bits. A shorter action has
/// no bit and matches no filter.
pub(crate) fn head_bit(action: &[u8]) -> u64 {
    match action {
        [first, second, ..] => 1 << (((u64::from(*first) * 7) ^ (u64::from(*second) * 23)) & 31),
        _ => 0,
    }
}
