//! Registrations.

use bailiwick_federation::{
    CborError, KeyAlgorithm, KeyError, RegisteredCredential, Registration, WebauthnError, verify_registration,
};

use crate::authenticator::{
    ATTESTED, Authenticator, BACKUP_ELIGIBLE, BACKUP_STATE, EXTENSIONS, USER_PRESENT, USER_VERIFIED,
    attestation_object, byte_string, es256_key, rs256_key,
};
use crate::{Answer, Change, Edit, ORIGIN, authenticators, ceremony, origins};

fn answer(authenticator: &Authenticator) -> Answer {
    let mut answer = Answer::new("webauthn.create", USER_PRESENT | USER_VERIFIED | ATTESTED);
    answer.data.credential = Some((authenticator.id.clone(), authenticator.cose_key()));
    answer
}

fn verify(answer: &Answer) -> Result<RegisteredCredential, WebauthnError> {
    verify_object(answer, &attestation_object(&answer.data.encode()), true)
}

fn verify_object(answer: &Answer, object: &[u8], verification: bool) -> Result<RegisteredCredential, WebauthnError> {
    let (client_data, origins) = (answer.client_data(), origins());
    let registration = Registration { client_data: client_data.as_bytes(), attestation_object: object };
    verify_registration(registration, &ceremony(&origins, verification))
}

#[test]
fn registrations_of_every_algorithm_are_accepted() {
    let algorithms = [KeyAlgorithm::Es256, KeyAlgorithm::EdDsa, KeyAlgorithm::Rs256];
    for ((name, authenticator), algorithm) in authenticators().into_iter().zip(algorithms) {
        let expected = RegisteredCredential {
            id: authenticator.id.clone(),
            public_key: authenticator.cose_key(),
            algorithm,
            counter: 5,
            aaguid: [0; 16],
            user_verified: true,
            backup_eligible: false,
        };
        assert_eq!(verify(&answer(&authenticator)), Ok(expected), "{name}");
    }
}

#[test]
fn what_may_differ_is_accepted() {
    let cases: [(&str, Change); 9] = [
        ("another origin of ours", |a| a.origin = "https://console.example.com".to_owned()),
        ("no counter", |a| a.data.counter = 0),
        ("a credential that is backed up", |a| a.data.flags |= BACKUP_ELIGIBLE | BACKUP_STATE),
        ("a short id", |a| a.data.credential.as_mut().unwrap().0 = vec![1; 16]),
        ("a long id", |a| a.data.credential.as_mut().unwrap().0 = vec![1; 1023]),
        ("extensions", |a| {
            a.data.flags |= EXTENSIONS;
            a.data.after = b"\xa1\x6bcredProtect\x02".to_vec();
        }),
        ("no crossOrigin", |a| a.edit = |text| text.replace(r#","crossOrigin":false"#, "")),
        ("an unknown member", |a| a.edit = |text| text.replacen('{', r#"{"other":{"a":[1,null]},"#, 1)),
        ("white space", |a| {
            a.edit = |text| text.replace(':', " : ").replace("https : //iam.example.com : 7470", ORIGIN)
        }),
    ];
    let authenticator = Authenticator::es256();
    for (name, change) in cases {
        let mut answer = answer(&authenticator);
        change(&mut answer);
        verify(&answer).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let mut answer = answer(&authenticator);
    answer.data.flags &= !USER_VERIFIED;
    let registered = verify_object(&answer, &attestation_object(&answer.data.encode()), false).unwrap();
    assert!(!registered.user_verified);
}

#[test]
fn refused_answers() {
    use WebauthnError as E;
    let cbor = |error| E::Cbor("extension data", error);
    let cases: [(&str, Change, WebauthnError); 36] = [
        ("8 KiB of client data", |a| a.edit = |text| format!("{text}{}", " ".repeat(8192)), E::TooLarge("client data")),
        ("no type", |a| a.edit = |text| text.replace("type", "kind"), E::ClientData("type")),
        ("a type that is a number", |a| a.edit = |t| t.replace(r#""webauthn.create""#, "1"), E::ClientData("type")),
        ("an assertion", |a| a.kind = "webauthn.get", E::Type("webauthn.create")),
        ("a payment", |a| a.kind = "payment.get", E::Type("webauthn.create")),
        ("another case of the type", |a| a.kind = "WebAuthn.create", E::Type("webauthn.create")),
        ("no challenge", |a| a.edit = |text| text.replace("challenge", "other"), E::ClientData("challenge")),
        ("another challenge", |a| a.challenge = vec![8; 32], E::Challenge),
        ("an empty challenge", |a| a.challenge = Vec::new(), E::Challenge),
        ("a part of the challenge", |a| a.challenge.truncate(31), E::Challenge),
        ("a longer challenge", |a| a.challenge.push(0), E::Challenge),
        ("a challenge with padding", |a| a.edit = |t| t.replace(r#"","origin"#, r#"=","origin"#), E::Challenge),
        ("no origin", |a| a.edit = |text| text.replace("origin", "page"), E::ClientData("origin")),
        ("another site", |a| a.origin = "https://evil.example".to_owned(), E::Origin),
        ("a subdomain", |a| a.origin = "https://a.iam.example.com:7470".to_owned(), E::Origin),
        ("another port", |a| a.origin = "https://iam.example.com".to_owned(), E::Origin),
        ("clear text", |a| a.origin = "http://iam.example.com:7470".to_owned(), E::Origin),
        ("a longer origin", |a| a.origin = format!("{ORIGIN}.evil.example"), E::Origin),
        ("a slash at the end", |a| a.origin = format!("{ORIGIN}/"), E::Origin),
        ("upper case", |a| a.origin = ORIGIN.to_uppercase(), E::Origin),
        ("no site", |a| a.origin = "null".to_owned(), E::Origin),
        ("a page within another", |a| a.edit = |text| text.replace("false", "true"), E::CrossOrigin),
        ("crossOrigin as text", |a| a.edit = |t| t.replace("false", r#""false""#), E::ClientData("crossOrigin")),
        (
            "the site around the page",
            |a| a.edit = |text| text.replacen('{', r#"{"topOrigin":"https://evil.example","#, 1),
            E::CrossOrigin,
        ),
        ("another relying party", |a| a.data.relying_party = "evil.example".to_owned(), E::RelyingParty),
        ("the parent of the relying party", |a| a.data.relying_party = "example.com".to_owned(), E::RelyingParty),
        ("no user present", |a| a.data.flags &= !USER_PRESENT, E::UserPresence),
        ("no user verified", |a| a.data.flags &= !USER_VERIFIED, E::UserVerification),
        ("a reserved bit", |a| a.data.flags |= 0x02, E::Flags("a reserved bit is set")),
        (
            "backed up without being eligible",
            |a| a.data.flags |= BACKUP_STATE,
            E::Flags("a credential that cannot be backed up is backed up"),
        ),
        ("a credential without its flag", |a| a.data.flags &= !ATTESTED, E::TrailingBytes),
        (
            "no credential",
            |a| {
                a.data.flags &= !ATTESTED;
                a.data.credential = None;
            },
            E::NoCredential,
        ),
        ("the flag of a credential without one", |a| a.data.credential = None, E::Truncated),
        ("a byte at the end", |a| a.data.after = vec![0], E::TrailingBytes),
        ("the flag of extensions without any", |a| a.data.flags |= EXTENSIONS, cbor(CborError::Truncated)),
        (
            "extensions that are not a map",
            |a| {
                a.data.flags |= EXTENSIONS;
                a.data.after = vec![0];
            },
            E::Flags("the extension data are not a map"),
        ),
    ];
    let authenticator = Authenticator::es256();
    for (name, change, expected) in cases {
        let mut answer = answer(&authenticator);
        change(&mut answer);
        assert_eq!(verify(&answer), Err(expected), "{name}");
    }
}

#[test]
fn client_data_with_more_than_one_reading_are_refused() {
    let cases: [(&str, Edit); 8] = [
        ("nothing", |_| String::new()),
        ("not JSON", |_| "x".to_owned()),
        ("an array", |text| format!("[{text}]")),
        ("a second document", |text| format!("{text}{{}}")),
        ("a byte order mark", |text| format!("\u{feff}{text}")),
        ("a challenge twice", |text| text.replacen('{', r#"{"challenge":"AAAA","#, 1)),
        ("a type twice", |text| text.replacen('{', r#"{"type":"webauthn.get","#, 1)),
        ("an origin twice, once with an escape", |text| {
            text.replacen('{', r#"{"\u006frigin":"https://a.example","#, 1)
        }),
    ];
    let authenticator = Authenticator::es256();
    for (name, edit) in cases {
        let found = verify(&Answer { edit, ..answer(&authenticator) });
        assert!(matches!(found, Err(WebauthnError::Json(_))), "{name}: {found:?}");
    }
}

#[test]
fn refused_credentials() {
    let (x, y) = ([0x11; 32], [0x22; 32]);
    let es256 = Authenticator::es256().cose_key();
    let eddsa = Authenticator::eddsa().cose_key();
    let rs256 = Authenticator::rs256().cose_key();
    let edit = |key: &[u8], at: usize, byte: u8| {
        let mut key = key.to_vec();
        key[at] = byte;
        key
    };
    let cases = [
        ("a point that is not on the curve", es256_key(&x, &y), KeyError::Invalid),
        ("the point of zeros", es256_key(&[0; 32], &[0; 32]), KeyError::Invalid),
        ("a short coordinate", es256_key(&x[..31], &y), KeyError::Number),
        ("a coordinate with a leading zero", es256_key(&[0; 33], &y), KeyError::Number),
        ("the sign of y in place of y", [&es256[..43], &[0xf5]].concat(), KeyError::Members),
        ("P-384", edit(&es256, 6, 2), KeyError::Type),
        ("ES256 with a type of octets", edit(&es256, 2, 1), KeyError::Type),
        ("ES256 with an RSA type", edit(&es256, 2, 3), KeyError::Type),
        ("ES256K", [&[0xa5, 1, 2, 3, 0x38, 46][..], &es256[5..]].concat(), KeyError::Algorithm),
        ("ES384 on P-256", [&[0xa5, 1, 2, 3, 0x38, 34][..], &es256[5..]].concat(), KeyError::Algorithm),
        ("RS256 with the numbers of ES256", [&[0xa5, 1, 2, 3, 0x39, 1, 0][..], &es256[5..]].concat(), KeyError::Type),
        ("EdDSA with the numbers of ES256", edit(&es256, 4, 0x27), KeyError::Type),
        ("HS256, a shared secret", edit(&es256, 4, 5), KeyError::Algorithm),
        ("the algorithm as a text", [&[0xa5, 1, 2, 3, 0x65][..], b"ES256", &es256[5..]].concat(), KeyError::Members),
        ("no algorithm", [&[0xa4, 1, 2][..], &es256[5..]].concat(), KeyError::Members),
        ("no y", [&[0xa4][..], &es256[1..42]].concat(), KeyError::Members),
        ("an id of the key", [&[0xa6, 1, 2, 2, 0x41, 0][..], &es256[3..]].concat(), KeyError::Members),
        ("a private key", [&[0xa6][..], &es256[1..], &[0x23], &byte_string(&x)].concat(), KeyError::Members),
        ("Ed448", edit(&eddsa, 6, 7), KeyError::Type),
        ("an Ed25519 key with y", [&[0xa5][..], &eddsa[1..], &[0x22, 0x40]].concat(), KeyError::Members),
        ("no number as x", [&eddsa[..8], &[0x00]].concat(), KeyError::Members),
        ("RS1", [&[0xa4, 1, 3, 3, 0x39, 0xff, 0xfe][..], &rs256[7..]].concat(), KeyError::Algorithm),
        ("PS256", [&[0xa4, 1, 3, 3, 0x38, 36][..], &rs256[7..]].concat(), KeyError::Algorithm),
        ("1024 bits", rs256_key(&[0xff; 128], &[1, 0, 1]), KeyError::Number),
        ("4104 bits", rs256_key(&[0xff; 513], &[1, 0, 1]), KeyError::Number),
        ("an even modulus", rs256_key(&[0xfe; 256], &[1, 0, 1]), KeyError::Number),
        ("a modulus with a leading zero", rs256_key(&[&[0][..], &[0xff; 256]].concat(), &[1, 0, 1]), KeyError::Number),
        ("an empty modulus", rs256_key(&[], &[1, 0, 1]), KeyError::Number),
        ("the exponent 1", rs256_key(&[0xff; 256], &[1]), KeyError::Number),
        ("an even exponent", rs256_key(&[0xff; 256], &[2]), KeyError::Number),
        ("an exponent of 40 bits", rs256_key(&[0xff; 256], &[1, 0, 0, 0, 1]), KeyError::Number),
        ("an array", vec![0x80], KeyError::NotMap),
        ("a number", vec![0x00], KeyError::NotMap),
        ("an empty map", vec![0xa0], KeyError::Members),
    ];
    let authenticator = Authenticator::es256();
    let mut answer = answer(&authenticator);
    for (name, key, expected) in cases {
        answer.data.credential = Some((authenticator.id.clone(), key));
        assert_eq!(verify(&answer), Err(WebauthnError::Key(expected)), "{name}");
    }
    // Keys that are not canonical.
    let cases = [
        ("a duplicate member", [&[0xa6, 1, 2][..], &es256[1..]].concat(), CborError::DuplicateKey),
        ("other order", [&[0xa5, 3, 0x26, 1, 2][..], &es256[5..]].concat(), CborError::KeyOrder),
        ("a long number", [&[0xa5, 1, 0x18, 2][..], &es256[3..]].concat(), CborError::NotShortest),
        ("indefinite", [&[0xbf][..], &es256[1..], &[0xff]].concat(), CborError::Indefinite),
        ("a tag", [&[0xc0][..], &es256].concat(), CborError::Type),
        ("cut off", es256[..es256.len() - 1].to_vec(), CborError::Truncated),
    ];
    for (name, key, expected) in cases {
        answer.data.credential = Some((authenticator.id.clone(), key));
        assert_eq!(verify(&answer), Err(WebauthnError::Cbor("public key", expected)), "{name}");
    }
    for (name, id) in [("an empty id", 0), ("a short id", 15), ("a long id", 1024), ("a longer id", 65_535)] {
        answer.data.credential = Some((vec![1; id], es256.clone()));
        let expected =
            if id < 15_000 { WebauthnError::CredentialId } else { WebauthnError::TooLarge("attestation object") };
        let found = match id {
            65_535 => verify_object(&answer, &vec![0; 16 * 1024 + 1], true),
            _ => verify(&answer),
        };
        assert_eq!(found, Err(expected), "{name}");
    }
}

#[test]
fn refused_attestations() {
    use WebauthnError as E;
    let answer = answer(&Authenticator::es256());
    let data = answer.data.encode();
    let member = [&b"\x68authData"[..], &byte_string(&data)].concat();
    let object = |head: &[u8]| [head, member.as_slice()].concat();
    let cbor = |error| E::Cbor("attestation object", error);
    let cases = [
        ("packed", object(b"\xa3\x63fmt\x66packed\x67attStmt\xa0"), E::AttestationFormat),
        ("fido-u2f", object(b"\xa3\x63fmt\x68fido-u2f\x67attStmt\xa0"), E::AttestationFormat),
        ("None", object(b"\xa3\x63fmt\x64None\x67attStmt\xa0"), E::AttestationFormat),
        ("none with a statement", object(b"\xa3\x63fmt\x64none\x67attStmt\xa1\x63alg\x26"), E::AttestationStatement),
        ("a statement that is an array", object(b"\xa3\x63fmt\x64none\x67attStmt\x80"), E::AttestationObject),
        ("a format that is bytes", object(b"\xa3\x63fmt\x44none\x67attStmt\xa0"), E::AttestationObject),
        ("no statement", object(b"\xa2\x63fmt\x64none"), E::AttestationObject),
        ("no format", object(b"\xa2\x67attStmt\xa0"), E::AttestationObject),
        ("another member", object(b"\xa4\x61a\x00\x63fmt\x64none\x67attStmt\xa0"), E::AttestationObject),
        ("no data", b"\xa2\x63fmt\x64none\x67attStmt\xa0".to_vec(), E::AttestationObject),
        ("an array", vec![0x80], E::AttestationObject),
        ("nothing", Vec::new(), cbor(CborError::Truncated)),
        ("a format twice", object(b"\xa4\x63fmt\x64none\x63fmt\x64none\x67attStmt\xa0"), cbor(CborError::DuplicateKey)),
        ("other order", object(b"\xa3\x67attStmt\xa0\x63fmt\x64none"), cbor(CborError::KeyOrder)),
        ("a byte at the end", [&attestation_object(&data)[..], &[0]].concat(), cbor(CborError::TrailingBytes)),
        ("cut off", attestation_object(&data)[..100].to_vec(), cbor(CborError::Truncated)),
        ("16 KiB", vec![0; 16 * 1024 + 1], E::TooLarge("attestation object")),
        ("data of 36 bytes", attestation_object(&data[..36]), E::Truncated),
        ("data without their key", attestation_object(&data[..87]), E::Cbor("public key", CborError::Truncated)),
        ("data that end in the id", attestation_object(&data[..60]), E::Truncated),
    ];
    for (name, object, expected) in cases {
        assert_eq!(verify_object(&answer, &object, true), Err(expected), "{name}");
    }
}
