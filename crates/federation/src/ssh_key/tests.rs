use super::*;

const LINE: &str = include_str!("keys/rsa.pub");
const PEM: &str = include_str!("keys/rsa.pem");

/// The keys of `keys` were made by ssh-keygen and openssl, which also named the fingerprint and the digest.
#[test]
fn a_key_is_the_same_in_every_encoding() {
    let pkcs1 = include_str!("keys/pkcs1.pem");
    let line = LINE.trim_end().trim_end_matches(" bob@example.com");
    for (text, encoding) in [
        (LINE, KeyEncoding::Ssh),
        (line, KeyEncoding::Ssh),
        (PEM, KeyEncoding::Pem),
        (pkcs1, KeyEncoding::Pem),
        (&PEM.replace('\n', "\r\n"), KeyEncoding::Pem),
        (&format!("\n {LINE}\n\n"), KeyEncoding::Ssh),
    ] {
        let (key, found) = SshPublicKey::parse(text).unwrap();
        assert_eq!(found, encoding, "{text}");
        assert_eq!(key.fingerprint(), "9f:ee:78:25:69:b2:36:aa:04:c3:bf:d9:2a:9c:09:d3");
        assert_eq!(key.digest(), "487f34998ee38ce68ae2ae2e6e03cb89a2baf23a1951d31b17b9451aac2aa6b8");
        assert_eq!(key.to_text(KeyEncoding::Ssh).unwrap(), line);
        assert_eq!(key.to_text(KeyEncoding::Pem).unwrap(), PEM);
        assert_eq!(SshPublicKey::from_der(key.der()).unwrap(), key);
    }
}

#[test]
fn other_texts_are_refused() {
    use PublicKeyError::{Malformed, Size, UnknownEncoding};
    let (head, tail) = LINE.split_at(100);
    let private = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----";
    // The algorithm inside of the base64 is another one than in front of it.
    let ed25519 = include_str!("keys/ed25519.pub");
    let mismatch = ed25519.replacen("ssh-ed25519", "ssh-rsa", 1);
    for (text, expected) in [
        ("", UnknownEncoding),
        ("x", UnknownEncoding),
        ("ssh-rsa", UnknownEncoding),
        (ed25519, UnknownEncoding),
        (private, UnknownEncoding),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", UnknownEncoding),
        ("ssh-rsa x", Malformed),
        ("ssh-rsa not-base64!", Malformed),
        (&mismatch, Malformed),
        (head, Malformed),
        (&format!("{head}\n{tail}"), Malformed),
        (&format!("{head}A{tail}"), Malformed),
        (&format!("{LINE}{LINE}"), Malformed),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", Malformed),
        ("-----BEGIN PUBLIC KEY-----", Malformed),
        ("-----BEGIN RSA PUBLIC KEY-----\n\n-----END RSA PUBLIC KEY-----", Malformed),
        (&PEM.replace("END PUBLIC", "END RSA PUBLIC"), Malformed),
        (&format!("{PEM}{PEM}"), Malformed),
        (include_str!("keys/ec.pem"), Malformed),
        (include_str!("keys/small.pub"), Size),
    ] {
        assert_eq!(SshPublicKey::parse(text), Err(expected), "{text}");
    }
}

#[test]
fn numbers_of_another_form_are_refused() {
    let key = |modulus: &[u8], exponent: &[u8]| {
        let number = |bytes| Uint::new(bytes).unwrap();
        SshPublicKey::from_rsa(RsaPublicKey { modulus: number(modulus), public_exponent: number(exponent) })
            .map(|key| key.to_text(KeyEncoding::Ssh).unwrap().len())
    };
    let odd = |bytes: usize| [&[0x80][..], &vec![1; bytes - 1]].concat();
    let even = [odd(255), vec![2]].concat();
    assert_eq!(key(&odd(256), &[1, 0, 1]), Ok(380));
    assert!(key(&odd(2_048), &[3]).is_ok());
    assert_eq!(key(&odd(2_049), &[3]), Err(PublicKeyError::Size));
    assert_eq!(key(&[&[0x7f][..], &vec![1; 255]].concat(), &[3]), Err(PublicKeyError::Size));
    assert_eq!(key(&[], &[3]), Err(PublicKeyError::Size));
    for (modulus, exponent) in
        [(&even, &[3][..]), (&odd(256), &[1]), (&odd(256), &[]), (&odd(256), &[2]), (&odd(256), &[3; 9])]
    {
        assert_eq!(key(modulus, exponent), Err(PublicKeyError::Malformed), "{exponent:?}");
    }
}
