use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::*;

/// Whether a token has a valid signature by a key.
fn verifies(key: &SigningKey, token: &str) -> bool {
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    match &key.pair {
        Pair::Rsa(pair) => UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .is_ok(),
        Pair::Ecdsa(pair) => UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, pair.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .is_ok(),
    }
}

#[test]
fn a_stored_key_signs_like_the_one_that_was_made() {
    for algorithm in SigningAlgorithm::ALL {
        let made = SigningKey::generate(algorithm).unwrap();
        let read = SigningKey::from_pkcs8(algorithm, &made.to_pkcs8().unwrap()).unwrap();
        assert_eq!((read.id(), read.algorithm()), (made.id(), algorithm));
        assert_eq!(read.to_jwk().unwrap(), made.to_jwk().unwrap());
        let token = read.sign(r#"{"sub":"heron"}"#).unwrap();
        assert!(verifies(&made, &token));
        let [header, claims, _] = *token.split('.').collect::<Vec<_>>() else { panic!("three parts") };
        let decoded = |part: &str| String::from_utf8(BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap();
        assert_eq!(decoded(claims), r#"{"sub":"heron"}"#);
        let expected = format!(r#"{{"alg":"{}","kid":"{}","typ":"JWT"}}"#, algorithm.as_str(), made.id());
        assert_eq!(decoded(header), expected);
        let other = SigningKey::generate(algorithm).unwrap();
        assert_ne!(other.id(), made.id());
        assert!(!verifies(&other, &token));
        let altered = token.replace(claims, &BASE64URL_NOPAD.encode(br#"{"sub":"egret"}"#));
        assert!(!verifies(&made, &altered));
    }
}

#[test]
fn a_key_of_another_algorithm_is_refused() {
    let [ecdsa, rsa] =
        SigningAlgorithm::ALL.map(|algorithm| SigningKey::generate(algorithm).unwrap().to_pkcs8().unwrap());
    for (algorithm, pkcs8) in [
        (SigningAlgorithm::Rs256, ecdsa.as_slice()),
        (SigningAlgorithm::Es384, rsa.as_slice()),
        (SigningAlgorithm::Es384, b"x"),
    ] {
        assert!(SigningKey::from_pkcs8(algorithm, pkcs8).is_err());
    }
    for name in ["none", "HS256", "es384", "RS512", ""] {
        assert_eq!(SigningAlgorithm::parse(name), None, "{name}");
    }
}

#[test]
fn a_published_key_has_the_public_members_only() {
    for (algorithm, members) in [
        (SigningAlgorithm::Es384, ["kid", "use", "alg", "crv", "kty", "x", "y"].as_slice()),
        (SigningAlgorithm::Rs256, &["kid", "use", "alg", "e", "kty", "n"]),
    ] {
        let jwk = SigningKey::generate(algorithm).unwrap().to_jwk().unwrap();
        let names: Vec<&str> =
            jwk.trim_matches(['{', '}']).split(',').map(|one| one.split('"').nth(1).unwrap()).collect();
        assert_eq!(names, members);
    }
}
