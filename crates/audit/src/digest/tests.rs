use expect_test::expect;

use super::*;

fn digest() -> Digest {
    Digest {
        audit_digest: 0,
        deployment: "00000000-0000-4000-8000-000000000001".into(),
        number: 2,
        time: "2026-01-02T03:04:05Z".into(),
        reason: Reason::Hour,
        previous_sha256: "a".repeat(64),
        first_sequence: 11,
        last_sequence: 20,
        last_sha256: "b".repeat(64),
        segments: vec![Span { name: "audit-00000000000000000001.jsonl".into(), bytes: 12_345, sha256: "c".repeat(64) }],
        removed: Vec::new(),
        key_id: String::new(),
        public_key: String::new(),
    }
}

/// The format, which other programs read.
#[test]
fn the_line_of_a_digest() {
    let key = SigningKey::generate().unwrap();
    let line = digest().sign(&key).unwrap();
    let (signed, signature) = line.rsplit_once(SIGNATURE).unwrap();
    let signed = signed.replace(&key.public().id(), "KEY ID").replace(&STANDARD.encode(key.public().bytes()), "KEY");
    expect![[r#"{"auditDigest":1,"deployment":"00000000-0000-4000-8000-000000000001","number":2,"time":"2026-01-02T03:04:05Z","reason":"hour","previousSha256":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","firstSequence":11,"lastSequence":20,"lastSha256":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","segments":[{"name":"audit-00000000000000000001.jsonl","bytes":12345,"sha256":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"}],"keyId":"KEY ID","publicKey":"KEY""#]].assert_eq(&signed);
    assert_eq!(signature.len(), 88 + 2);
    let read = Signed::parse(line.as_bytes()).unwrap();
    assert!(read.is_genuine());
    assert_eq!((read.key, read.sha256), (key.public(), hash::of(line.as_bytes())));
}

/// Any other line is refused, or its signature is wrong.
#[test]
fn no_byte_of_a_digest_can_be_changed() {
    let line = digest().sign(&SigningKey::generate().unwrap()).unwrap().into_bytes();
    for at in 0..line.len() {
        for bit in [1, 2, 32] {
            let mut changed = line.clone();
            changed[at] ^= bit;
            let read = Signed::parse(&changed);
            assert!(!read.is_ok_and(|read| read.is_genuine()), "byte {at}: {}", String::from_utf8_lossy(&changed));
        }
        assert!(Signed::parse(&line[..at]).is_err(), "the first {at} bytes");
    }
    assert!(Signed::parse(&[&line[..], b" "].concat()).is_err());
}

#[test]
fn public_keys_are_read_and_written_as_pem() {
    let keys = [SigningKey::generate().unwrap().public(), SigningKey::generate().unwrap().public()];
    let text = format!("two keys\n{}\n{}", keys[0].to_pem(), keys[1].to_pem().replace('\n', "\r\n"));
    assert_eq!(PublicKey::parse_pem(&text).unwrap(), keys);
    for (text, expected) in [
        ("", "it has no public key in PEM: expected `-----BEGIN PUBLIC KEY-----`"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA", "`-----END PUBLIC KEY-----` is missing"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "a public key is not an Ed25519 key"),
    ] {
        assert_eq!(PublicKey::parse_pem(text).unwrap_err(), expected);
    }
}
