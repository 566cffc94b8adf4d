//! What context keys hold and policies compare them with.

use serde_json::{Value, json};

use super::super::random::Random;

/// Keys with values that operators of one family can read, and some that they can't.
pub(super) const KEYS: &[(&str, &str, &[&str])] = &[
    (
        "String",
        "aws:PrincipalTag/team",
        &["red", "Red", "green", "r*d", "", "a:b", "${aws:username}", "ÉCOLE", "école", "日本", "\u{212a}", "a}b"],
    ),
    ("String", "s3:prefix", &["home/bob/", "home/*", "home/bob", "red"]),
    ("String", "aws:username", &["bob", "Bob", "alice"]),
    ("String", "aws:RequestTag/a/b:c", &["red", "K", "k", "?ed"]),
    (
        "Numeric",
        "s3:max-keys",
        &[
            "10",
            "10.0",
            "9.99",
            "-1",
            "0",
            "007",
            "x",
            "9007199254740993",
            "9007199254740992",
            "+10",
            "1e1",
            "1E+1",
            "100e-1",
            ".5",
            "5.",
            "-0.0",
            "0x0A",
            " 10",
            "1_0",
            "1,000",
            "e1",
            "\u{0661}",
            "",
        ],
    ),
    (
        "Date",
        "aws:CurrentTime",
        &[
            "2024-06-15T12:30:00Z",
            "2024-06-15",
            "2024",
            "1718454600",
            "2024-06-15T14:30:00+02:00",
            "2024-06-15T12:30:00.5Z",
            "2024-06-15T12:30Z",
            "2024-06-15T12:30",
            "1718454600.5",
            "1718454600000",
            "-62135596800",
            "0001-01-01",
            "9999-12-31T23:59:59-23:59",
            "2024-02-29",
            "2023-02-29",
            "2024-13",
            "2024-06-15T24:00:00Z",
            "2024-06-15T12:30:60Z",
            "2024-06-15t12:30:00Z",
            "2024-06-15T12:30:00z",
            "2024-06-15 12:30:00Z",
            "2024-06-15T12Z",
            "20240615",
            "+1718454600",
            "soon",
            "",
        ],
    ),
    ("Bool", "aws:SecureTransport", &["true", "false", "TRUE", "no", "1", ""]),
    (
        "Binary",
        "app:Digest",
        &["aGVsbG8=", "aGVsbG9=", "aGVsbG8", "AQID", "AQ-_", "AQ+/", "aGVs bG8=", "", "=", "===="],
    ),
    (
        "Ip",
        "aws:SourceIp",
        &[
            "203.0.113.7",
            "203.0.113.128",
            "::ffff:203.0.113.7",
            "::FFFF:cb00:7107",
            "2001:db8::9",
            "2001:DB8:0:0:0:0:0:9",
            "10.0.0.1",
            "010.0.0.1",
            "10.0.0.1/32",
            "255.255.255.255",
            "::",
            "::10.0.0.1",
            "fe80::1%eth0",
            "nowhere",
        ],
    ),
    (
        "Arn",
        "aws:SourceArn",
        &[
            "arn:aws:s3:::corp",
            "arn:aws:sns:eu-west-1:111122223333:t",
            "arn:aws:sns:eu-west-1:111122223333:t:u",
            "arn:aws-cn:s3:::corp/é:x",
            "ARN:aws:s3:::corp",
            "arn:aws:s3:::",
            "arn:::::",
            "arn:aws:sns",
            "corp",
        ],
    ),
    ("String", "aws:TagKeys", &["red", "cost", "Cost", ""]),
    ("Numeric", "app:Ports", &["22", "80", "8080", "x"]),
    ("Ip", "app:Peers", &["10.0.0.1", "203.0.113.7", "2001:db8::9"]),
    ("Date", "app:Days", &["2024-06-15", "1718409600", "soon"]),
    ("Arn", "app:Vpcs", &["arn:aws:s3:::corp", "corp"]),
];

pub(super) const MULTI: &[&str] = &["aws:TagKeys", "app:Ports", "app:Peers", "app:Days", "app:Vpcs"];

/// Values of policies, by family, that request values are near to.
fn near(random: &mut Random, family: &str) -> &'static str {
    random.pick(match family {
        "String" => &[
            "r?d",
            "*",
            "?",
            "??",
            "?cole",
            "*é*",
            "${aws:PrincipalTag/team}",
            "home/${aws:username}/*",
            "${s3:prefix, 'red'}",
            "${AWS:USERNAME}",
            "${aws:username}${aws:username}",
            "${*}",
            "${$}{aws:username}",
            "${aws:nobody}",
            "${aws:nobody,'r*d'}",
            "${aws:nobody , 'a}b'}",
            "${aws:nobody, ''}",
            "${aws:TagKeys}",
            "${aws:TagKeys, 'red'}",
            "${aws:requesttag/A/B:C}",
            "r${?}d",
            "${?}ed",
            "r${*}*",
        ],
        "Numeric" => &["10.00", "1000", "-0", "0.5", "${s3:max-keys}", "1e-400", "-1e400", "10e0"],
        "Date" => &[
            "2024-06",
            "2025",
            "1718454599",
            "2024-06-15T12:30:00.500Z",
            "1970",
            "${aws:CurrentTime}",
            "2024-06-15T12:30:00.499999999999-00:00",
        ],
        "Bool" => &["true", "false", "True", "${aws:SecureTransport}", "${aws:nobody, 'TRUE'}"],
        "Binary" => &["aGVsbG8=", "AQIE", "AQIDBA==", "${app:Digest}"],
        "Ip" => &[
            "203.0.113.0/24",
            "203.0.113.0/25",
            "203.0.113.7/24",
            "10.0.0.0/8",
            "2001:db8::/32",
            "2001:db8::8/127",
            "::/0",
            "0.0.0.0/0",
            "128.0.0.0/1",
            "203.0.113.7/33",
            "203.0.113.7/",
            "203.0.113.0/255.255.255.0",
            "10.*",
            "::ffff:203.0.113.0/120",
            "::ffff:0:0/96",
            "::ffff:0:0/95",
            "${aws:SourceIp}",
        ],
        _ => &[
            "*",
            "arn:aws:s3:::*",
            "arn:aws*:s3:::co?p*",
            "arn:aws:s3:::corp${*}",
            "arn:aws:sns:*:*:t",
            "arn:aws:sns:*:t",
            "arn:aws:sns:*:*:t:*",
            "arn:aws:sns:eu-*:1111????3333:*",
            "arn:aws:sns:eu?west?1:*:?",
            "arn:aws:*",
            "arn:*:*:*:*:*",
            "*:*:*:*:*:*",
            "arn:aws:s3:::${s3:prefix}",
            "arn:aws:s3:::${aws:nobody, 'corp'}",
            "arn:aws:s3:::${aws:nobody, 'co*'}",
            "arn:aws:s3:::${aws:nobody}",
            "arn:aws:sns:${aws:PrincipalTag/team}:*:*",
            "arn:aws:s3::${aws:nobody, ':'}corp",
        ],
    })
}

/// A value for a policy to compare a key with; often the request's own.
pub(super) fn listed(random: &mut Random, family: &str, values: &[&str], own: Option<&String>) -> Value {
    let text = match own {
        Some(own) if random.chance(60) => own.clone(),
        _ if random.chance(50) => random.pick(values).to_owned(),
        _ => near(random, family).to_owned(),
    };
    let text = mutated(random, text);
    // Now and then as what it is.
    let plain = matches!((family, text.as_str()), ("Bool", "true" | "false") | ("Numeric", "10" | "-1" | "0" | "1e1"));
    if plain && random.chance(30) {
        return serde_json::from_str(&text).unwrap();
    }
    json!(text)
}

/// The text with something wrong in it, now and then.
pub(super) fn mutated(random: &mut Random, text: String) -> String {
    if text.contains("${") || text.is_empty() || !random.chance(8) {
        return text;
    }
    let mut chars: Vec<char> = text.chars().collect();
    let at = random.below(chars.len());
    // The reference implementation moves the point one digit at a time, so exponents are small.
    let far = chars.len() - at > 5;
    let other = *random.of(&['0', '1', '9', '-', '+', ':', '.', 'T', 'Z', 'e', '/', '=', '*', '?', '}', ' ', 'a', 'é']);
    match random.below(4) {
        0 | 1 if other == 'e' && far => {}
        0 => chars[at] = other,
        1 => chars.insert(at, other),
        2 => drop(chars.remove(at)),
        _ => chars.truncate(at),
    }
    chars.into_iter().collect()
}

/// A variable that a policy of today may not hold.
pub(super) fn is_broken(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        rest = &rest[at + 2..];
        let known = ["aws:", "AWS:", "s3:", "app:", "*}", "?}", "$}"];
        if !known.iter().any(|known| rest.starts_with(known)) {
            return true;
        }
    }
    false
}
