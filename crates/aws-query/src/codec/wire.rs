//! The subset of protobuf's wire format that the API's messages use.

use std::fmt;

/// Bytes that are not a message of the API. Only a defect of ours causes this.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct WireError(pub(super) &'static str);

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// An encoded field value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
}

impl<'a> Raw<'a> {
    pub(super) fn bytes(self) -> Result<&'a [u8], WireError> {
        match self {
            Raw::Bytes(bytes) => Ok(bytes),
            Raw::Varint(_) => Err(WireError("a number where bytes belong")),
        }
    }

    pub(super) fn text(self) -> Result<&'a str, WireError> {
        std::str::from_utf8(self.bytes()?).map_err(|_| WireError("text that is not UTF-8"))
    }

    pub(super) fn number(self) -> Result<i64, WireError> {
        match self {
            Raw::Varint(value) => Ok(value.cast_signed()),
            Raw::Bytes(_) => Err(WireError("bytes where a number belongs")),
        }
    }
}

/// Reads fields in sequence.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Reader { rest: bytes }
    }

    pub(super) fn next(&mut self) -> Result<Option<(u32, Raw<'a>)>, WireError> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let number = u32::try_from(key >> 3).map_err(|_| WireError("a field number out of range"))?;
        match key & 7 {
            0 => Ok(Some((number, Raw::Varint(self.varint()?)))),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| WireError("a length out of range"))?;
                let (value, rest) = self.rest.split_at_checked(length).ok_or(WireError("a message cut short"))?;
                self.rest = rest;
                Ok(Some((number, Raw::Bytes(value))))
            }
            _ => Err(WireError("a wire type that no field has")),
        }
    }

    fn varint(&mut self) -> Result<u64, WireError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.rest.split_first().ok_or(WireError("a message cut short"))?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(WireError("a number of more than 64 bits"))
    }
}

pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub(super) fn put_number(out: &mut Vec<u8>, number: u32, value: i64) {
    put_varint(out, u64::from(number) << 3);
    put_varint(out, value.cast_unsigned());
}

pub(super) fn put_bytes(out: &mut Vec<u8>, number: u32, value: &[u8]) {
    put_varint(out, u64::from(number) << 3 | 2);
    put_varint(out, value.len() as u64);
    out.extend_from_slice(value);
}
