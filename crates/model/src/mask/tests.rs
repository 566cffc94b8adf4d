use super::*;

fn check(text: &str, expected: &str) {
    assert_eq!(masked(text), expected, "{text}");
    // The short way agrees with the long one.
    assert!(!is_harmless(text.as_bytes()) || spans(text.as_bytes(), DEPTH).is_empty(), "{text}");
}

/// Each kind of private key, as the tools write them.
const PRIVATE: [(&str, &str); 7] = [
    ("PKCS #1", include_str!("private/rsa-pkcs1.pem")),
    ("PKCS #8", include_str!("private/rsa-pkcs8.pem")),
    ("encrypted PKCS #8", include_str!("private/rsa-encrypted.pem")),
    ("SEC 1", include_str!("private/ec-sec1.pem")),
    ("PKCS #8 of a curve", include_str!("private/ec-pkcs8.pem")),
    ("PKCS #8 of Ed25519", include_str!("private/ed25519-pkcs8.pem")),
    ("OpenSSH", include_str!("private/openssh")),
];

const PUBLIC: [(&str, &str); 4] = [
    ("certificate", include_str!("public/certificate.pem")),
    ("public key", include_str!("public/ec.pem")),
    ("SSH key of Ed25519", include_str!("public/ssh-ed25519")),
    ("SSH key of RSA", include_str!("public/ssh-rsa")),
];

/// The Base64 between the lines that say what it is.
fn body(pem: &str) -> Vec<&str> {
    pem.lines().filter(|line| !line.starts_with("-----")).collect()
}

/// As a JSON string has it, with an escape that is rarely needed.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('\n', "\\n").replace('"', "\\\"").replace('/', "\\/").replace(' ', "\\u0020")
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'-' | b'_' => char::from(byte).to_string(),
            _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// The lines that `base64` writes.
fn base64(text: &str) -> Vec<String> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let bits = (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(*three.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at)) as usize & 63];
            out.push(if at <= three.len() { char::from(letter) } else { '=' });
        }
    }
    out.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line).into_owned()).collect()
}

#[test]
fn private_keys_are_masked_in_every_encoding() {
    for (name, pem) in PRIVATE {
        let lines = body(pem);
        let forms = [
            pem.to_owned(),
            pem.replace('\n', "\r\n"),
            pem.replace('\n', "\\n"),
            pem.replace('\n', " "),
            pem.replace(' ', "%20"),
            pem.replace("PRIVATE KEY", "private key"),
            pem.split("-----END").next().unwrap().to_owned(),
            lines.join("\n"),
            lines.join("\\n"),
            lines.concat(),
            lines
                .concat()
                .as_bytes()
                .chunks(32)
                .map(|line| String::from_utf8_lossy(line))
                .collect::<Vec<_>>()
                .join("\n"),
            escaped(pem),
            escaped(&escaped(pem)),
            percent(pem),
            percent(&percent(pem)),
            percent(&lines.join("\n")),
            base64(pem).concat(),
            base64(pem).join("\n"),
            base64(pem).join("\\n"),
            base64(&base64(pem).join("\n")).join("\r\n"),
        ];
        for form in forms {
            let shown = masked(&form).into_owned();
            for lines in [&lines, &base64(pem).iter().map(String::as_str).collect()] {
                let parts = lines.iter().filter(|line| line.len() > 30).flat_map(|line| [&line[..15], &line[15..30]]);
                let left = parts.into_iter().find(|part| shown.contains(part));
                assert_eq!(left, None, "{name} in {form}");
            }
            let around = masked(&format!("before <{form}> after")).into_owned();
            assert!(around.starts_with("before <[masked]"), "{name}: {around}");
            let path = masked(&format!("GET /a/{form}")).into_owned();
            assert!(path.starts_with("GET /a/[masked]"), "{name}: {path}");
        }
    }
    check("a\n-----BEGIN PGP PRIVATE KEY BLOCK-----\nx\n-----END PGP PRIVATE KEY BLOCK-----\nb", "a\n[masked]\nb");
    check("a PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none", "a [masked]");
    check(
        r#"{"kty":"EC","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","d" : "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#,
        r#"{"kty":"EC","x":"gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0","d" : "[masked]"}"#,
    );
}

#[test]
fn a_private_key_in_hexadecimal_or_in_a_json_string_is_hidden() {
    let der = "302e020100300506032b657004220420c8bb77a942b53f6c52504e71ea323ba996a50d9c3fd87893d010f9b234a83999";
    check(&format!("key {der} end"), "key [masked] end");
    check(&der.to_uppercase(), MASK);
    let jwk = r#"{"kty":"OKP","d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}"#;
    for form in [escaped(jwk), escaped(&escaped(jwk)), percent(jwk), base64(jwk).concat()] {
        assert!(!masked(&form).contains("jpsQnnGQmL") && !masked(&form).contains("ImpwcVFubkdRbUw"), "{form}");
    }
}

#[test]
fn what_is_escaped_or_encoded_and_no_secret_stays() {
    for text in [
        r"C:\\users\\new \u00e9 100% %zz %4 \\u12 \",
        "%E2%82%AC is a euro, and %",
        &percent("arn:aws:iam::111122223333:role/application/Möbel"),
        &base64("a text that is long enough to be looked at, in which there is nothing to hide").join("\n"),
        &base64(PUBLIC[0].1).join("\n"),
        &escaped(PUBLIC[0].1),
        &percent(PUBLIC[3].1),
    ] {
        check(text, text);
    }
}

/// What is decoded is decoded once, however long the text is.
#[test]
fn long_texts_are_read_in_linear_time() {
    let line = base64("there is nothing to hide in this line, of 57 characters!")[0].clone();
    let texts = [line.clone(), format!("{line}AAAA"), percent(&line), "\\\\".repeat(20), "private key ".repeat(5)];
    for text in texts {
        let text = (text + "\n").repeat(2_000);
        assert_eq!(masked(&text), text);
    }
    // One line, in which something may begin everywhere.
    for part in ["/", "/////w", &format!("/{line}gA"), "/QUFB"] {
        masked(&part.repeat(100_000 / part.len()));
    }
}

#[test]
fn public_keys_and_certificates_are_kept() {
    for (name, pem) in PUBLIC {
        assert_eq!(masked(pem), pem, "{name}");
        assert_eq!(masked(&body(pem).concat()), body(pem).concat(), "{name}");
    }
    check("the private key of a certificate is not shown", "the private key of a certificate is not shown");
}

#[test]
fn secret_access_keys_are_masked_within_text() {
    let key = "9Rk2cFqLw+7YbN0tXhUe/3vGzSdA5mJpQ8oKiH1B";
    assert_eq!(key.len(), 40);
    for around in [
        "",
        "'KEY'",
        "Credential=KEY/20260101/eu-west-1/iam/aws4_request",
        "secret_access_key=KEY&x",
        "aws_secret KEY\n",
        "/KEY/",
        r#"{"a":"KEY"}"#,
    ] {
        let text = format!("{around} KEY").replace("KEY", key);
        let basic = base64(&format!("AKIAIOSFODNN7EXAMPLE:{text}")).concat();
        for text in [percent(&text), percent(&percent(&text)), escaped(&text), basic, text] {
            let shown = masked(&text);
            assert!(!shown.contains("9Rk2cFqLw") && !shown.contains("3vGzSdA5m"), "{text}: {shown}");
            assert!(shown.contains(MASK), "{text}");
        }
    }
    check(&format!("User {key} is not"), "User [masked] is not");
    check(&format!("{key} and {key}"), "[masked] and [masked]");
    // With one letter more or fewer it is not a key.
    check(&format!("{key}x"), &format!("{key}x"));
    check(&key[1..], &key[1..]);
}

#[test]
fn tokens_are_masked() {
    let token = "AQ2cFqLw-7YbN0tXhUe_3vGzSdA5mJpQ8oKiH1B9Rk".repeat(4);
    check(&format!("Bearer {token}"), "Bearer [masked]");
    check(&format!("X-Amz-Security-Token={token}&X-Amz-Date"), "X-Amz-Security-Token=[masked]&X-Amz-Date");
}

#[test]
fn names_and_identifiers_are_kept() {
    for text in [
        "",
        "User: arn:aws:iam::111122223333:user/division/team/Bob is not authorized to perform: iam:CreateUser",
        "arn:aws:iam::aws:policy/aws-service-role/AmazonEC2ContainerServiceforEC2Role",
        "arn:aws:iam::111122223333:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_DynamoDBTable",
        "AIDAQ2CFQLW7YBN0TXHUE and AKIAIOSFODNN7EXAMPLE",
        "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "1b4e28ba-2fa1-11d2-883f-0016d3cca427",
        "Cannot exceed quota for ManagedPoliciesPerUserAndPermissionsBoundaries: 10",
        "TheApplicationLoadBalancerControllerRole",
        "/a/very/long/path/of/many/small/words/that/goes/on/and/on/until/it/is/longer/than/a/hundred/characters/in/all/",
        "Ünïcode stays ünchanged, 値も",
    ] {
        check(text, text);
    }
}

#[test]
fn short_and_common_texts_are_harmless() {
    let check = |text: &str, expected: bool| assert_eq!(is_harmless(text.as_bytes()), expected, "{text}");
    check("arn:aws:iam::111122223333:user/dev/Eva", true);
    check("aws-cli/2.31.0 Python/3.13.7 Linux/6.1.0", true);
    check("approved", false);
    check("Private", false);
    check("PuTTY", false);
    check("a%20b", false);
    check("a\\u0062", false);
    check(&"a".repeat(LINE - 1), true);
    check(&"a".repeat(LINE), false);
}

/// Pieces are looked at as their bytes are, wherever in a text something begins.
#[test]
fn what_is_not_harmless_is_found_at_every_place() {
    let long = "a/B+c-D_".repeat(5);
    for suspicious in ["pr", "PU", "%", "\\", &long[..LINE], &long] {
        for (before, after) in (0..40).flat_map(|before| [0, 1, 15, 16, 17, 40].map(|after| (before, after))) {
            for filler in [".", "é", "p.", "a:"] {
                let text = format!("{}.{suspicious}{}", filler.repeat(before), filler.repeat(after));
                assert!(!is_harmless(text.as_bytes()), "{text}");
            }
        }
    }
    for byte in 0..=127 {
        for at in 0..40 {
            let mut text = [b'.'; 40];
            text[at] = byte;
            assert_eq!(is_harmless(&text), is_harmless_by_byte(&text), "{byte} at {at}");
            text[..at].fill(b'x');
            text[at + 1..].fill(b'x');
            assert_eq!(is_harmless(&text), is_harmless_by_byte(&text), "{byte} in a run at {at}");
        }
    }
    for length in 0..80 {
        let run = "x".repeat(length);
        assert_eq!(is_harmless(run.as_bytes()), length < LINE, "{length}");
    }
}

/// Of keys drawn at random nearly all are found: a fixed sequence, so that the count does not change.
#[test]
fn almost_every_random_key_is_masked() {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 1u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(LETTERS[(state >> 58) as usize])
    };
    let keys = (0..20_000).map(|_| (0..SECRET_KEY).map(|_| letter()).collect::<String>());
    let missed = keys.filter(|key| masked(key).contains(key)).count();
    assert!(missed <= 20, "{missed}");
}
