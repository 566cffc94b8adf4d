//! Comparison of values by the reference implementation, in the simplest way.

use std::cmp::Ordering;
use std::net::IpAddr;

/// A pattern, character by character.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Mark {
    Char(char),
    /// `*`, and whether it may match colons.
    Star(bool),
    /// `?`, and whether it may match a colon.
    Question(bool),
}

/// Whether a text is what the marks say: a table of all prefixes against all prefixes.
pub(crate) fn matches(marks: &[Mark], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    let mut table = vec![vec![false; text.len() + 1]; marks.len() + 1];
    table[0][0] = true;
    for (i, mark) in marks.iter().enumerate() {
        for j in 0..=text.len() {
            let before = j > 0;
            table[i + 1][j] = match mark {
                Mark::Char(c) => before && table[i][j - 1] && text[j - 1] == *c,
                Mark::Question(colon) => before && table[i][j - 1] && (*colon || text[j - 1] != ':'),
                Mark::Star(colons) => table[i][j] || before && table[i + 1][j - 1] && (*colons || text[j - 1] != ':'),
            };
        }
    }
    table[marks.len()][text.len()]
}

/// Marks that may stand for anything, colons included.
pub(crate) fn freely(marks: &[Mark]) -> Vec<Mark> {
    marks
        .iter()
        .map(|mark| match mark {
            Mark::Star(_) => Mark::Star(true),
            Mark::Question(_) => Mark::Question(true),
            char => *char,
        })
        .collect()
}

/// Numbers as sign, whole digits and fraction digits.
pub(crate) fn number(text: &str) -> Option<(bool, String, String)> {
    let negative = text.starts_with('-');
    let rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (rest, exponent) = match rest.split_once(['e', 'E']) {
        None => (rest, 0),
        Some((rest, exponent)) => (rest, exponent.parse::<i64>().ok()?),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() + fraction.len() == 0 {
        return None;
    }
    // The point moves one digit at a time.
    let (mut whole, mut fraction) = (whole.to_owned(), fraction.to_owned());
    for _ in 0..exponent {
        whole.push(if fraction.is_empty() { '0' } else { fraction.remove(0) });
    }
    for _ in exponent..0 {
        fraction.insert(0, whole.pop().unwrap_or('0'));
    }
    Some((negative, whole, fraction))
}

pub(crate) fn compare_numbers(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (number(a)?, number(b)?);
    let whole = a.1.len().max(b.1.len());
    let fraction = a.2.len().max(b.2.len());
    let digits = |n: &(bool, String, String)| format!("{:0>whole$}{:0<fraction$}", n.1, n.2);
    let (x, y) = (digits(&a), digits(&b));
    let zero = |digits: &str| digits.chars().all(|c| c == '0');
    let negative = (a.0 && !zero(&x), b.0 && !zero(&y));
    Some(match negative {
        (false, false) => x.cmp(&y),
        (true, true) => y.cmp(&x),
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
    })
}

/// A date as seconds since 1970 and a fraction's digits.
pub(crate) fn date(text: &str) -> Option<(i64, String)> {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    // Seconds, unless it is a year: below zero the fraction counts upwards from the second before.
    let (negative, unsigned) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    if digits(whole) && digits(fraction) && !(text.len() == 4 && digits(text)) {
        let seconds: i64 = whole.parse().ok()?;
        let fraction = fraction.trim_end_matches('0');
        if !negative || fraction.is_empty() {
            return Some((if negative { -seconds } else { seconds }, fraction.to_owned()));
        }
        // The complement to the next second: nine minus each digit, and one more at the end.
        let mut rest: Vec<u8> = fraction.bytes().map(|digit| b'9' - digit + b'0').collect();
        *rest.last_mut()? += 1;
        return Some((-seconds - 1, String::from_utf8(rest).ok()?));
    }
    let text = &*text.to_ascii_uppercase();
    if let Some(year) = text.strip_suffix('T')
        && digits(year)
        && year.len() <= 4
    {
        return date(&format!("{year:0>4}"));
    }
    let (day, time) = match text.split_once('T') {
        None => (text, None),
        Some((day, time)) => (day, Some(time)),
    };
    let fields: Vec<&str> = day.split('-').collect();
    let widths = [4, 2, 2];
    if fields.len() > 3 || !fields.iter().zip(widths).all(|(field, width)| digits(field) && field.len() == width) {
        return None;
    }
    let field = |n: usize| fields.get(n).map_or(1, |field| field.parse::<i64>().unwrap_or(0));
    let (year, month, date) = (field(0), field(1), field(2));
    let leap = |year: i64| year % 4 == 0 && year % 100 != 0 || year % 400 == 0;
    let months = [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    if !(1..=12).contains(&month) || !(1..=months[month as usize - 1]).contains(&date) {
        return None;
    }
    let years: i64 = if year >= 1970 {
        (1970..year).map(|y| if leap(y) { 366 } else { 365 }).sum()
    } else {
        -(year..1970).map(|y| if leap(y) { 366 } else { 365 }).sum::<i64>()
    };
    let days = years + months[..month as usize - 1].iter().sum::<i64>() + date - 1;
    let Some(time) = time else { return Some((days * 86_400, String::new())) };
    if fields.len() < 3 {
        return None;
    }
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let ahead = match zone {
        "" | "Z" => 0,
        zone => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            // Read too without the colon, or without minutes.
            let (hours, minutes) = match zone[1..].split_once(':') {
                Some(parts) => parts,
                None if zone.len() == 3 => (&zone[1..], "00"),
                None => zone[1..].split_at_checked(2)?,
            };
            if !digits(hours) || !digits(minutes) || hours.len() != 2 || minutes.len() != 2 {
                return None;
            }
            let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            sign * (hours * 60 + minutes) * 60
        }
    };
    let (clock, fraction) = match clock.split_once('.') {
        None => (clock, ""),
        Some((clock, fraction)) if digits(fraction) => (clock, fraction),
        Some(_) => return None,
    };
    let fields: Vec<&str> = clock.split(':').collect();
    let is_short = |(at, field): (usize, &&str)| field.len() == 2 || at == 0 && field.len() == 1;
    if !(2..=3).contains(&fields.len())
        || !fields.iter().enumerate().all(|(at, field)| is_short((at, field)) && digits(field))
    {
        return None;
    }
    if fields.len() == 2 && !fraction.is_empty() {
        return None;
    }
    let field = |n: usize| fields.get(n).map_or(0, |field| field.parse::<i64>().unwrap_or(0));
    if field(0) > 23 || field(1) > 59 || field(2) > 59 {
        return None;
    }
    let seconds = days * 86_400 + field(0) * 3600 + field(1) * 60 + field(2) - ahead;
    Some((seconds, fraction.trim_end_matches('0').to_owned()))
}

pub(crate) fn bytes(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let data = text.trim_end_matches('=');
    if !text.len().is_multiple_of(4) || text.len() - data.len() > 2 {
        return None;
    }
    let mut bits = String::new();
    for c in data.chars() {
        bits += &format!("{:06b}", ALPHABET.find(c)?);
    }
    let whole = bits.len() / 8 * 8;
    let byte = |bits: &[u8]| bits.iter().fold(0u8, |byte, bit| byte << 1 | (bit - b'0'));
    Some(bits.as_bytes()[..whole].chunks(8).map(byte).collect())
}

/// The bits of an address; of an IPv6 address that stands for an IPv4 one, of that.
fn bits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => v4.octets().iter().map(|byte| format!("{byte:08b}")).collect(),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => bits(IpAddr::V4(v4)),
            None => v6.octets().iter().map(|byte| format!("{byte:08b}")).collect(),
        },
    }
}

pub(crate) fn in_network(address: &str, network: &str) -> bool {
    let (base, prefix) = network.split_once('/').map_or((network, None), |(base, prefix)| (base, Some(prefix)));
    let (Ok(address), Ok(base)) = (address.parse::<IpAddr>(), base.parse::<IpAddr>()) else { return false };
    let (address, base_bits) = (bits(address), bits(base));
    let mut prefix: usize = match prefix {
        None => base_bits.len(),
        Some(prefix) => match prefix.parse() {
            Ok(prefix) => prefix,
            Err(_) => return false,
        },
    };
    if base.is_ipv6() && base_bits.len() == 32 && network.contains('/') {
        // A range of IPv6 that stands for IPv4.
        if prefix < 96 {
            // More than that: the range that it says, of addresses that stand for themselves.
            let IpAddr::V6(base) = base else { return false };
            let base_bits: String = base.octets().iter().map(|byte| format!("{byte:08b}")).collect();
            return address.len() == 128 && address[..prefix] == base_bits[..prefix];
        }
        prefix -= 96;
    }
    address.len() == base_bits.len() && prefix <= address.len() && address[..prefix] == base_bits[..prefix]
}
