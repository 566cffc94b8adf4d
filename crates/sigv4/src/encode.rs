//! Percent-encoding as signatures want it: everything but RFC 3986's unreserved characters, in upper-case hex.

/// A percent sign that no two hex digits follow.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadEscape;

const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// The two lower-case hex digits of each byte.
const HEX_PAIRS: [[u8; 2]; 256] = {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut pairs = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        pairs[byte] = [DIGITS[byte >> 4], DIGITS[byte & 15]];
        byte += 1;
    }
    pairs
};

/// The value of each hex digit, and [`NO_DIGIT`] for upper-case digits and all other bytes.
const LOWER_DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0;
    while value < 16 {
        digits[HEX_PAIRS[value][1] as usize] = value as u8;
        value += 1;
    }
    digits
};

const NO_DIGIT: u8 = 0xff;

pub(crate) const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~')
}

/// Appends `byte`, escaped unless it is unreserved.
pub(crate) fn push_byte(out: &mut Vec<u8>, byte: u8) {
    if is_unreserved(byte) {
        out.push(byte);
    } else {
        push_escaped(out, byte);
    }
}

pub(crate) fn push_escaped(out: &mut Vec<u8>, byte: u8) {
    out.extend_from_slice(&[b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
}

/// Appends `text` escaped: a raw value becomes a query component.
pub(crate) fn push_component(out: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        push_byte(out, byte);
    }
}

/// Appends a path that is escaped again as it stands, so that `%20` becomes `%2520`; slashes stay.
pub(crate) fn push_path_again(out: &mut Vec<u8>, path: &[u8]) {
    for &byte in path {
        if byte == b'/' { out.push(byte) } else { push_byte(out, byte) }
    }
}

/// Appends a path in its normal escaping: needless escapes undone, hex in upper case, `%2F` kept apart from `/`.
pub(crate) fn push_path_once(out: &mut Vec<u8>, path: &[u8]) -> Result<(), BadEscape> {
    let mut rest = path;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'/' => out.push(b'/'),
            b'%' => {
                let (byte, tail) = escape(rest)?;
                rest = tail;
                push_byte(out, byte);
            }
            _ => push_byte(out, byte),
        }
    }
    Ok(())
}

/// Appends a query component as received, `+` read as a space, in its normal escaping.
pub(crate) fn push_query_component(out: &mut Vec<u8>, text: &[u8]) -> Result<(), BadEscape> {
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'+' => out.extend_from_slice(b"%20"),
            b'%' => {
                let (byte, tail) = escape(rest)?;
                rest = tail;
                push_byte(out, byte);
            }
            _ => push_byte(out, byte),
        }
    }
    Ok(())
}

/// Decodes a query component as received, `+` read as a space.
pub(crate) fn decode_query_component(text: &[u8]) -> Result<Vec<u8>, BadEscape> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let (byte, tail) = escape(rest)?;
                rest = tail;
                out.push(byte);
            }
            _ => out.push(byte),
        }
    }
    Ok(out)
}

/// Appends a hash or a signature as lower-case hex.
pub(crate) fn push_hex(out: &mut Vec<u8>, bytes: &[u8; 32]) {
    let mut hex = [[0; 2]; 32];
    for (byte, pair) in bytes.iter().zip(&mut hex) {
        *pair = HEX_PAIRS[usize::from(*byte)];
    }
    out.extend_from_slice(hex.as_flattened());
}

/// Reads 64 lower-case hex digits.
pub(crate) fn parse_hash(text: &[u8]) -> Option<[u8; 32]> {
    let text: &[u8; 64] = text.try_into().ok()?;
    let (mut hash, mut all) = ([0; 32], 0);
    for (i, byte) in hash.iter_mut().enumerate() {
        let (high, low) = (LOWER_DIGITS[usize::from(text[2 * i])], LOWER_DIGITS[usize::from(text[2 * i + 1])]);
        all |= high | low;
        *byte = high << 4 | low;
    }
    // The values of digits have four bits.
    (all < 16).then_some(hash)
}

fn escape(after_percent: &[u8]) -> Result<(u8, &[u8]), BadEscape> {
    let [high, low, tail @ ..] = after_percent else { return Err(BadEscape) };
    match (hex_digit(*high), hex_digit(*low)) {
        (Some(high), Some(low)) => Ok((high << 4 | low, tail)),
        _ => Err(BadEscape),
    }
}

const fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
