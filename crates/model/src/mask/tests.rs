use super::*;

fn check(text: &str, expected: &str) {
    assert_eq!(masked(text), expected, "{text}");
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

#[test]
fn private_keys_are_hidden_however_they_are_written() {
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
        ];
        for form in forms {
            let shown = masked(&form).into_owned();
            let left = lines.iter().find(|line| line.len() > 30 && shown.contains(*line));
            assert_eq!(left, None, "{name} in {form}");
            let around = masked(&format!("before <{form}> after")).into_owned();
            assert!(around.starts_with("before <[masked]"), "{name}: {around}");
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
fn what_is_public_stays() {
    for (name, pem) in PUBLIC {
        assert_eq!(masked(pem), pem, "{name}");
        assert_eq!(masked(&body(pem).concat()), body(pem).concat(), "{name}");
    }
    check("the private key of a certificate is not shown", "the private key of a certificate is not shown");
}

#[test]
fn secret_access_keys_are_hidden_between_other_words() {
    let key = "9Rk2cFqLw+7YbN0tXhUe/3vGzSdA5mJpQ8oKiH1B";
    assert_eq!(key.len(), 40);
    for around in [
        "",
        "'KEY'",
        "Credential=KEY/20260101/eu-west-1/iam/aws4_request",
        "secret_access_key=KEY&x",
        "aws_secret KEY\n",
        "/KEY/",
    ] {
        let text = around.replace("KEY", key);
        assert!(!masked(&text).contains(key), "{text}");
    }
    check(&format!("User {key} is not"), "User [masked] is not");
    check(&format!("{key} and {key}"), "[masked] and [masked]");
    // One letter more or less is no key.
    check(&format!("{key}x"), &format!("{key}x"));
    check(&key[1..], &key[1..]);
}

#[test]
fn tokens_are_hidden() {
    let token = "AQ2cFqLw-7YbN0tXhUe_3vGzSdA5mJpQ8oKiH1B9Rk".repeat(4);
    check(&format!("Bearer {token}"), "Bearer [masked]");
    check(&format!("X-Amz-Security-Token={token}&X-Amz-Date"), "X-Amz-Security-Token=[masked]&X-Amz-Date");
}

#[test]
fn names_and_identifiers_stay() {
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

/// Of keys drawn at random nearly all are found: a fixed sequence, so that the count does not change.
#[test]
fn hardly_a_random_key_looks_like_a_name() {
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
