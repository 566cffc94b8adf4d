//! The bits of a request that statements and policies are filtered by.

/// The bits and the resource of a request.
#[derive(Clone, Copy)]
pub(crate) struct RequestBits<'a> {
    /// One bit in each half.
    pub(crate) action: u64,
    /// The bits by which whole policies are excluded.
    pub(crate) head: u64,
    pub(crate) name: u64,
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
        Self {
            action: head_bit(action) | name_bit(action_hash),
            head: policy_head_bit(action),
            name: policy_name_bit(action_hash),
            resource,
            last,
        }
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

/// The bit of the first three characters of an action or of its literal prefix; all bits if it is shorter.
pub(crate) fn policy_head_bit(action: &[u8]) -> u64 {
    match action {
        [first, second, third, ..] => {
            let characters = u32::from_le_bytes([*first, *second, *third, 0]);
            1 << (characters.wrapping_mul(0x9E37_79B1) >> 26)
        }
        _ => u64::MAX,
    }
}

/// The bit of a whole action with this hash.
pub(crate) fn policy_name_bit(hash: u64) -> u64 {
    1 << ((hash >> 40) & 63)
}
