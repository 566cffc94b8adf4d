//! Masking of text that looks like a credential.
//!
//! Members that hold secrets are redacted by their descriptors. This module covers all other text, so that a secret in
//! the wrong place of a request does not appear in an error, a log or the audit trail. It prefers masking a name that
//! looks like a key to showing a key.

use std::borrow::Cow;
use std::ops::Range;

mod layer;
use layer::Layer;
/// The replacement for masked text.
pub const MASK: &str = "[masked]";

/// Characters of an AWS secret access key.
const SECRET_KEY: usize = 40;
/// The shortest lines that private keys are broken into.
const LINE: usize = 32;
/// Session tokens, our own and AWS's, are longer than this.
const TOKEN: usize = 100;
/// How often a text is taken out of its Base64, and out of its escapes.
const DEPTH: usize = 3;
/// How many bytes of a text are looked at together. Each run of [`LINE`] bytes contains such a piece, wherever it begins.
const PIECE: usize = LINE / 2;
/// How often neighbours in a random secret key are of different kinds: 25 times on average, this often nearly always.
const CHANGES: usize = 15;

/// Returns the text with private keys, secret access keys and session tokens replaced by [`MASK`].
///
/// Private keys are found by their armour (any PEM label with `PRIVATE KEY`, OpenSSH, PGP, PuTTY), as members of a JSON
/// web key, and as the Base64 or hexadecimal of their DER or OpenSSH form. Secret access keys and tokens are found by
/// their length and mixture of letters and digits. Each is found as well where it is percent-encoded or stands in a JSON
/// string, also several times over, and in the Base64 of a text. Certificates and public keys stay.
pub fn masked(text: &str) -> Cow<'_, str> {
    if is_harmless(text.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let spans = spans(text.as_bytes(), DEPTH);
    if spans.is_empty() {
        return Cow::Borrowed(text);
    }
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for span in spans {
        if span.end > from {
            out.push_str(&text[from..span.start.max(from)]);
            if span.start >= from {
                out.push_str(MASK);
            }
            from = span.end;
        }
    }
    out.push_str(&text[from..]);
    Cow::Owned(out)
}

/// Whether a look at each byte suffices to tell that a text holds no secret, as for most texts: no long run of Base64,
/// no escape, and nothing that `private` or `PuTTY` begins with.
fn is_harmless(text: &[u8]) -> bool {
    let pieces = text.windows(PIECE + 1).step_by(PIECE);
    let rest = &text[pieces.len() * PIECE..];
    let are_harmless = pieces.filter_map(<[u8]>::first_chunk).all(is_piece_harmless);
    (are_harmless && is_harmless_by_byte(rest)) || is_harmless_by_byte(text)
}

/// Whether neither a run of Base64 nor anything else that may be a secret is in a piece; a look at all bytes at once. The last
/// byte belongs to the next piece.
fn is_piece_harmless(piece: &[u8; PIECE + 1]) -> bool {
    let (mut other, mut suspicious) = (0, 0);
    for pair in piece.windows(2) {
        let (byte, lower, next) = (pair[0], pair[0] | 0x20, pair[1] | 0x20);
        let is_letter = lower.wrapping_sub(b'a') < 26;
        let is_digit = byte.wrapping_sub(b'0') < 10;
        let is_mark = (byte == b'+') | (byte == b'/') | (byte == b'_') | (byte == b'-');
        other |= u8::from(!(is_letter | is_digit | is_mark));
        let after_p = (lower == b'p') & ((next == b'r') | (next == b'u'));
        suspicious |= u8::from(after_p | (byte == b'%') | (byte == b'\\'));
    }
    other != 0 && suspicious == 0
}

fn is_harmless_by_byte(text: &[u8]) -> bool {
    let (mut run, mut before) = (0, 0);
    for &byte in text {
        let after_p = before == b'p' && matches!(byte | 0x20, b'r' | b'u');
        run = if is_base64(byte) { run + 1 } else { 0 };
        if run >= LINE || after_p || layer::is_escape(byte) {
            return false;
        }
        before = byte | 0x20;
    }
    true
}

/// The ranges to mask, in order; they may overlap.
fn spans(text: &[u8], depth: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    armoured(text, &mut found);
    encoded(text, depth, &mut found);
    let mut layer = Layer::unescaped(text);
    for _ in 0..DEPTH {
        let Some(inner) = layer else { break };
        let mut inside = Vec::new();
        armoured(inner.text(), &mut inside);
        encoded(inner.text(), depth, &mut inside);
        found.extend(inside.into_iter().map(|span| inner.outside(span)));
        layer = inner.unescape();
    }
    found.sort_by_key(|span| span.start);
    found
}

/// Private keys between lines that say so, to the end of the text where the closing line is missing.
fn armoured(bytes: &[u8], found: &mut Vec<Range<usize>>) {
    const PUTTY: &[u8] = b"PuTTY-User-Key-File";
    let mut from = 0;
    while let Some((label, after)) = private_key(bytes, from) {
        let before = bytes[label.saturating_sub(64)..label].to_ascii_lowercase();
        from = after;
        if let Some(begin) = before.windows(5).rposition(|word| word == b"begin") {
            let mut start = label - before.len() + begin;
            while start > 0 && matches!(bytes[start - 1], b'-' | b' ') {
                start -= 1;
            }
            let mut end = private_key(bytes, after).map_or(bytes.len(), |(_, end)| end);
            while bytes[end..].starts_with(b"-") || bytes[end..].starts_with(b" BLOCK") {
                end += if bytes[end] == b'-' { 1 } else { 6 };
            }
            found.push(start..end);
            from = end;
        }
    }
    found.extend(bytes.windows(PUTTY.len()).position(|word| word == PUTTY).map(|start| start..bytes.len()));
}

/// Where the next `PRIVATE KEY` begins and ends, in any case, also when it is percent-encoded.
fn private_key(bytes: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut at = from;
    loop {
        at += bytes[at..].windows(7).position(|word| word.eq_ignore_ascii_case(b"private"))?;
        for gap in [&b" "[..], b"+", b"_", b"%20"] {
            let key = at + 7 + gap.len();
            let is_key = bytes.get(key..key + 3).is_some_and(|word| word.eq_ignore_ascii_case(b"key"));
            if is_key && bytes[at + 7..].starts_with(gap) {
                return Some((at, key + 3));
            }
        }
        at += 7;
    }
}

/// Secrets that are recognized by their own characters.
fn encoded(bytes: &[u8], depth: usize, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while at < bytes.len() {
        if !is_base64(bytes[at]) {
            at += 1;
            continue;
        }
        let end = end_of_run(bytes, at);
        let run = &bytes[at..end];
        if run.len() >= SECRET_KEY && !is_private_key(run) && is_public(run) {
            at = end_of_lines(bytes, end);
            continue;
        }
        let (hidden, after) = keys_in_run(bytes, at..end, depth);
        found.extend(hidden);
        if after > at {
            at = after;
            continue;
        }
        if run.len() >= SECRET_KEY {
            if is_token(run) {
                found.push(at..end);
            } else {
                found.extend(secret_keys(run).map(|start| at + start..at + start + SECRET_KEY));
            }
        }
        if run.len() >= LINE && is_private_member(&bytes[..at]) {
            found.push(at..end);
        }
        at = end;
    }
}

/// A private key that begins in a run, or a text in Base64 that holds a secret; and the end of what was understood,
/// which is the beginning where nothing was.
fn keys_in_run(bytes: &[u8], run: Range<usize>, depth: usize) -> (Option<Range<usize>>, usize) {
    let mut after = run.start;
    for start in parts(&bytes[run.clone()]).map(|start| run.start + start) {
        if start < after {
            continue;
        }
        if is_private_key(&bytes[start..run.end]) {
            let end = end_of_lines(bytes, run.end);
            return (Some(start..end), end);
        }
        let Some((text, end)) = (if depth > 0 { text_of(bytes, start) } else { None }) else { continue };
        if !spans(&text, depth - 1).is_empty() {
            let end = end_of_lines(bytes, end.max(run.end));
            return (Some(start..end), end);
        }
        after = end;
    }
    (None, if after > run.start { after.max(run.end) } else { after })
}

fn is_base64(byte: u8) -> bool {
    const BASE64: [bool; 256] = {
        let mut table = [false; 256];
        let mut byte = 0u8;
        while byte < 128 {
            table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-');
            byte += 1;
        }
        table
    };
    BASE64[usize::from(byte)]
}

/// Where a line of Base64 may begin in a run: at its start and, as in a path, behind each slash.
fn parts(run: &[u8]) -> impl Iterator<Item = usize> {
    let starts = (0..=run.len().saturating_sub(LINE)).filter(|_| run.len() >= LINE);
    starts.filter(|at| *at == 0 || run[at - 1] == b'/')
}

/// What stands between lines of Base64.
fn is_gap(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r' | b' ' | b'\t')
}

fn end_of_run(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| !is_base64(*byte)).map_or(bytes.len(), |length| at + length)
}

/// The end of Base64 that goes on in further lines. Words are shorter than lines, and have no padding.
fn end_of_lines(bytes: &[u8], mut end: usize) -> usize {
    loop {
        let gap = bytes[end..].iter().take_while(|byte| is_gap(**byte)).count();
        let start = end + gap;
        let next = end_of_run(bytes, start);
        let padding = bytes[next..].iter().take_while(|byte| **byte == b'=').count();
        let is_line = next - start >= 16 || padding > 0 && (next - start + padding) % 4 == 0;
        if gap == 0 || next == start || !is_line {
            return end + bytes[end..].iter().take_while(|byte| **byte == b'=').count();
        }
        end = next;
    }
}

/// Whether this is the Base64 of a private key: PKCS #1, #8 and #12, SEC 1, OpenSSH.
fn is_private_key(run: &[u8]) -> bool {
    if run.starts_with(b"b3BlbnNzaC1rZXktdjE") {
        return true;
    }
    is_private_der(&decoded(run)) || hexadecimal(run).is_some_and(|der| is_private_der(&der))
}

fn is_private_der(der: &[u8]) -> bool {
    let Some(inside) = sequence(der) else { return false };
    match inside {
        // A version, which neither a certificate nor a public key begins with.
        [2, 1, 0..=3, ..] => true,
        // An algorithm that encrypts: PBES2 and its kin, PKCS #12's.
        [0x30, rest @ ..] => [&[0x86, 0xf7, 0x0d, 1, 5][..], &[0x86, 0xf7, 0x0d, 1, 12]]
            .iter()
            .any(|oid| rest.windows(oid.len()).any(|part| part == *oid)),
        _ => false,
    }
}

/// The first bytes of a DER sequence's content.
fn sequence(der: &[u8]) -> Option<&[u8]> {
    let (&[0x30, length], rest) = der.split_first_chunk::<2>()? else { return None };
    match length {
        0x81..=0x84 => rest.get(usize::from(length - 0x80)..),
        _ => Some(rest),
    }
}

/// The first 24 bytes that Base64 stands for.
fn decoded(run: &[u8]) -> Vec<u8> {
    let value = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        _ => 63,
    };
    let mut bytes = Vec::with_capacity(24);
    for four in run.chunks_exact(4).take(8) {
        let bits = four.iter().fold(0u32, |bits, byte| bits << 6 | u32::from(value(*byte)));
        bytes.extend_from_slice(&bits.to_be_bytes()[1..]);
    }
    bytes
}

/// The first 24 bytes that hexadecimal digits stand for.
fn hexadecimal(run: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    run.get(..48)?.chunks_exact(2).map(|two| Some(digit(two[0])? << 4 | digit(two[1])?)).collect()
}

/// The text that Base64 stands for, as far as it is one, and the end of it; none where it begins with other bytes.
fn text_of(bytes: &[u8], at: usize) -> Option<(Vec<u8>, usize)> {
    let is_text = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | b'\n' | b'\r');
    let (mut text, mut four, mut next) = (Vec::new(), Vec::with_capacity(4), at);
    while let Some(byte) = bytes.get(next).filter(|byte| is_base64(**byte) || is_gap(**byte)) {
        next += 1;
        if is_gap(*byte) {
            continue;
        }
        four.push(*byte);
        if four.len() == 4 {
            let three = decoded(&four);
            if !three.iter().all(is_text) {
                break;
            }
            text.extend(three);
            four.clear();
        }
    }
    if let [_, _, rest @ ..] = four.as_slice()
        && rest.len() < 2
    {
        let length = 1 + rest.len();
        four.resize(4, b'A');
        text.extend(decoded(&four).into_iter().take(length).filter(is_text));
    }
    (text.len() >= SECRET_KEY * 3 / 4).then_some((text, next))
}

/// Whether this is the Base64 of a certificate or public key.
fn is_public(run: &[u8]) -> bool {
    run.starts_with(b"AAAA") || sequence(&decoded(run)).is_some_and(|inside| inside.starts_with(&[0x30]))
}

/// Whether this may be a session token: long and random.
fn is_token(run: &[u8]) -> bool {
    run.len() >= TOKEN && is_random(run, run.len() * 3 / 10)
}

/// Where secret access keys may begin: 40 random characters, delimited.
fn secret_keys(run: &[u8]) -> impl Iterator<Item = usize> {
    let delimits = |at: usize| !run[at].is_ascii_alphanumeric();
    let starts = 0..=run.len() - SECRET_KEY;
    let mut after = 0;
    starts.filter(move |start| {
        let (start, end) = (*start, start + SECRET_KEY);
        let alone = (start == 0 || delimits(start - 1)) && (end == run.len() || delimits(end));
        let is_key = start >= after && alone && is_random(&run[start..end], CHANGES);
        after = if is_key { end } else { after };
        is_key
    })
}

/// Whether characters look drawn at random: large and small letters with digits or signs among them, changing often.
fn is_random(run: &[u8], changes: usize) -> bool {
    let kind = |byte: &u8| match byte {
        b'A'..=b'Z' => 0,
        b'a'..=b'z' => 1,
        b'0'..=b'9' => 2,
        _ => 3,
    };
    let has = |wanted: u8| run.iter().any(|byte| kind(byte) == wanted);
    let changed = run.windows(2).filter(|pair| kind(&pair[0]) != kind(&pair[1])).count();
    has(0) && has(1) && (has(2) || has(3)) && changed >= changes
}

/// Whether what follows is the private member of a JSON web key.
fn is_private_member(before: &[u8]) -> bool {
    let text = before.trim_ascii_end();
    let Some(text) = text.strip_suffix(b"\"").map(|text| text.trim_ascii_end()) else { return false };
    let Some(text) = text.strip_suffix(b":").map(|text| text.trim_ascii_end()) else { return false };
    text.ends_with(b"\"d\"") || text.ends_with(b"\"k\"")
}

#[cfg(test)]
mod tests;
