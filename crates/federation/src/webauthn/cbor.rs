//! CBOR in the canonical form of CTAP2, and nothing else.

use thiserror::Error;

/// The maximum depth of arrays and maps within each other, as in CTAP2.
const MAX_DEPTH: u32 = 4;
/// The maximum number of values in one document.
const MAX_VALUES: u32 = 256;

/// Why bytes are not accepted as CBOR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CborError {
    /// The bytes end within a value.
    #[error("it ends early")]
    Truncated,
    /// There are bytes after the value.
    #[error("there are bytes after it")]
    TrailingBytes,
    /// A length is indefinite.
    #[error("a length is indefinite")]
    Indefinite,
    /// A number or a length has a longer encoding than it needs.
    #[error("a number is not in its shortest form")]
    NotShortest,
    /// A text is not UTF-8.
    #[error("a text is not UTF-8")]
    NotUtf8,
    /// A tag, a float, `undefined` or another simple value.
    #[error("a value has a type that is not supported")]
    Type,
    /// Arrays and maps are nested too deeply.
    #[error("values are nested too deeply")]
    TooDeep,
    /// There are too many values.
    #[error("there are too many values")]
    TooMany,
    /// A key of a map is neither a number nor a text.
    #[error("a key of a map is neither a number nor a text")]
    KeyType,
    /// A key occurs twice in one map.
    #[error("a key occurs twice in one map")]
    DuplicateKey,
    /// The keys of a map are not in the canonical order.
    #[error("the keys of a map are not in order")]
    KeyOrder,
}

/// A value, which borrows its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// A number, from -2^64 to 2^64 - 1.
    Integer(i128),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Value<'a>>),
    Map(Map<'a>),
    Bool(bool),
    Null,
}

/// The members of a map, in canonical order. No key occurs twice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Map<'a>(pub(super) Vec<(Value<'a>, Value<'a>)>);

impl<'a> Map<'a> {
    /// The value under a number.
    pub(super) fn number(&self, key: i128) -> Option<&Value<'a>> {
        self.get(&Value::Integer(key))
    }

    /// The value under a text.
    pub(super) fn text(&self, key: &str) -> Option<&Value<'a>> {
        self.0.iter().find(|(own, _)| matches!(own, Value::Text(text) if *text == key)).map(|(_, value)| value)
    }

    fn get(&self, key: &Value<'_>) -> Option<&Value<'a>> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }
}

/// Reads bytes that are one value and nothing after it.
///
/// # Errors
/// [`CborError`].
pub(super) fn parse(bytes: &[u8]) -> Result<Value<'_>, CborError> {
    match parse_prefix(bytes)? {
        (value, []) => Ok(value),
        _ => Err(CborError::TrailingBytes),
    }
}

/// Reads one value at the start of the bytes. Returns it with what follows.
///
/// # Errors
/// [`CborError`].
pub(super) fn parse_prefix(bytes: &[u8]) -> Result<(Value<'_>, &[u8]), CborError> {
    let mut reader = Reader { rest: bytes, values: 0 };
    let value = reader.value(0)?;
    Ok((value, reader.rest))
}

struct Reader<'a> {
    rest: &'a [u8],
    values: u32,
}

impl<'a> Reader<'a> {
    fn value(&mut self, depth: u32) -> Result<Value<'a>, CborError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(CborError::TooMany);
        }
        let first = self.take(1)?[0];
        let (major, info) = (first >> 5, first & 0x1f);
        if major == 7 {
            return match info {
                20 => Ok(Value::Bool(false)),
                21 => Ok(Value::Bool(true)),
                22 => Ok(Value::Null),
                31 => Err(CborError::Indefinite),
                _ => Err(CborError::Type),
            };
        }
        if major == 6 {
            return Err(CborError::Type);
        }
        let number = self.number(info)?;
        match major {
            0 => Ok(Value::Integer(number.into())),
            1 => Ok(Value::Integer(-1 - i128::from(number))),
            2 => Ok(Value::Bytes(self.take(number)?)),
            3 => Ok(Value::Text(std::str::from_utf8(self.take(number)?).map_err(|_| CborError::NotUtf8)?)),
            _ if depth >= MAX_DEPTH => Err(CborError::TooDeep),
            4 => {
                let mut values = Vec::new();
                for _ in 0..self.length(number)? {
                    values.push(self.value(depth + 1)?);
                }
                Ok(Value::Array(values))
            }
            _ => self.map(number, depth),
        }
    }

    fn map(&mut self, length: u64, depth: u32) -> Result<Value<'a>, CborError> {
        let mut members = Vec::new();
        let mut last: Option<&[u8]> = None;
        for _ in 0..self.length(length)? {
            let before = self.rest;
            let key = self.value(depth + 1)?;
            if !matches!(key, Value::Integer(_) | Value::Text(_)) {
                return Err(CborError::KeyType);
            }
            let encoded = &before[..before.len() - self.rest.len()];
            match last.map(|last| order(last).cmp(&order(encoded))) {
                None | Some(std::cmp::Ordering::Less) => {}
                Some(std::cmp::Ordering::Equal) => return Err(CborError::DuplicateKey),
                Some(std::cmp::Ordering::Greater) => return Err(CborError::KeyOrder),
            }
            last = Some(encoded);
            members.push((key, self.value(depth + 1)?));
        }
        Ok(Value::Map(Map(members)))
    }

    /// The number after the first byte, in its shortest form.
    fn number(&mut self, info: u8) -> Result<u64, CborError> {
        let (size, smallest) = match info {
            0..24 => return Ok(info.into()),
            24 => (1, 24),
            25 => (2, 1 << 8),
            26 => (4, 1 << 16),
            27 => (8, 1 << 32),
            31 => return Err(CborError::Indefinite),
            _ => return Err(CborError::Type),
        };
        let number = self.take(size)?.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        if number < smallest { Err(CborError::NotShortest) } else { Ok(number) }
    }

    /// The number of elements, each of which has at least one byte.
    fn length(&self, number: u64) -> Result<usize, CborError> {
        usize::try_from(number).ok().filter(|number| *number <= self.rest.len()).ok_or(CborError::Truncated)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], CborError> {
        let length = usize::try_from(length).map_err(|_| CborError::Truncated)?;
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(CborError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }
}

/// What orders an encoded key: its type, its length, its bytes.
fn order(key: &[u8]) -> (u8, usize, &[u8]) {
    (key.first().map_or(0, |first| first >> 5), key.len(), key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hex: &str, expected: Result<Value<'_>, CborError>) {
        let bytes = data_encoding::HEXLOWER.decode(hex.replace(' ', "").as_bytes()).unwrap();
        assert_eq!(parse(&bytes), expected, "{hex}");
    }

    #[test]
    fn values() {
        use Value::*;
        check("00", Ok(Integer(0)));
        check("17", Ok(Integer(23)));
        check("18 18", Ok(Integer(24)));
        check("19 0100", Ok(Integer(256)));
        check("1a 00010000", Ok(Integer(65_536)));
        check("1b ffffffffffffffff", Ok(Integer(u64::MAX.into())));
        check("20", Ok(Integer(-1)));
        check("39 0100", Ok(Integer(-257)));
        check("3b ffffffffffffffff", Ok(Integer(-1 - i128::from(u64::MAX))));
        check("40", Ok(Bytes(b"")));
        check("42 0102", Ok(Bytes(&[1, 2])));
        check("63 666d74", Ok(Text("fmt")));
        check("82 01 f5", Ok(Array(vec![Integer(1), Bool(true)])));
        check("82 f4 f6", Ok(Array(vec![Bool(false), Null])));
        check("a0", Ok(Map(super::Map::default())));
        let members = vec![(Integer(1), Integer(2)), (Integer(-1), Integer(0)), (Text("a"), Integer(0))];
        check("a3 01 02 20 00 61 61 00", Ok(Map(super::Map(members))));
        check("81 81 81 81 00", Ok(Array(vec![Array(vec![Array(vec![Array(vec![Integer(0)])])])])));
    }

    #[test]
    fn refusals() {
        for (what, hex, expected) in [
            ("nothing", "", CborError::Truncated),
            ("a number that ends early", "19 01", CborError::Truncated),
            ("bytes that end early", "43 0102", CborError::Truncated),
            ("an array that ends early", "82 01", CborError::Truncated),
            ("a map without its last value", "a1 01", CborError::Truncated),
            ("a length of 2^64 - 1", "5b ffffffffffffffff", CborError::Truncated),
            ("an array of 2^64 - 1 values", "9b ffffffffffffffff 00", CborError::Truncated),
            ("a map of 2^32 members", "bb 0000000100000000 00", CborError::Truncated),
            ("a byte too many", "00 00", CborError::TrailingBytes),
            ("bytes of indefinite length", "5f 41 00 ff", CborError::Indefinite),
            ("a text of indefinite length", "7f 61 61 ff", CborError::Indefinite),
            ("an array of indefinite length", "9f 00 ff", CborError::Indefinite),
            ("a map of indefinite length", "bf 00 00 ff", CborError::Indefinite),
            ("a break", "ff", CborError::Indefinite),
            ("23 in two bytes", "18 17", CborError::NotShortest),
            ("255 in three bytes", "19 00ff", CborError::NotShortest),
            ("65535 in five bytes", "1a 0000ffff", CborError::NotShortest),
            ("2^32 - 1 in nine bytes", "1b 00000000ffffffff", CborError::NotShortest),
            ("a length in two bytes", "58 01 00", CborError::NotShortest),
            ("a length of a map in two bytes", "b8 01 01 00", CborError::NotShortest),
            ("a text that is not UTF-8", "61 ff", CborError::NotUtf8),
            ("half of a surrogate pair", "63 eda080", CborError::NotUtf8),
            ("a tag", "c0 00", CborError::Type),
            ("a half float", "f9 0000", CborError::Type),
            ("a double", "fb 0000000000000000", CborError::Type),
            ("undefined", "f7", CborError::Type),
            ("a simple value", "f0", CborError::Type),
            ("false in two bytes", "f8 14", CborError::Type),
            ("a reserved length", "1c", CborError::Type),
            ("five arrays", "81 81 81 81 81 00", CborError::TooDeep),
            ("bytes as a key", "a1 40 00", CborError::KeyType),
            ("true as a key", "a1 f5 00", CborError::KeyType),
            ("an array as a key", "a1 80 00", CborError::KeyType),
            ("a number twice", "a2 01 00 01 01", CborError::DuplicateKey),
            ("a text twice", "a2 61 61 00 61 61 00", CborError::DuplicateKey),
            ("a number twice in an inner map", "a1 00 a2 01 00 01 01", CborError::DuplicateKey),
            ("2 before 1", "a2 02 00 01 00", CborError::KeyOrder),
            ("-1 before 1", "a2 20 00 01 00", CborError::KeyOrder),
            ("a text before a number", "a2 61 61 00 01 00", CborError::KeyOrder),
            ("a long text before a short one", "a2 62 6161 00 61 62 00", CborError::KeyOrder),
        ] {
            let bytes = data_encoding::HEXLOWER.decode(hex.replace(' ', "").as_bytes()).unwrap();
            assert_eq!(parse(&bytes), Err(expected), "{what}");
        }
        let many = [&[0x99, 1, 0][..], &[0; 256]].concat();
        assert_eq!(parse(&many), Err(CborError::TooMany));
    }
}
