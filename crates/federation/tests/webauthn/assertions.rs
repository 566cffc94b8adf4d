//! Assertions.

use bailiwick_federation::{Assertion, Ceremony, StoredCredential, VerifiedAssertion, WebauthnError, verify_assertion};

use crate::authenticator::{
    ATTESTED, Authenticator, BACKUP_ELIGIBLE, BACKUP_STATE, EXTENSIONS, USER_PRESENT, USER_VERIFIED,
};
use crate::{Answer, CHALLENGE, Change, HANDLE, RELYING_PARTY, authenticators, ceremony, origins};

/// A signed assertion, and what it is verified against.
struct Signed {
    id: Vec<u8>,
    client_data: Vec<u8>,
    data: Vec<u8>,
    signature: Vec<u8>,
    handle: Option<Vec<u8>>,
    stored_id: Vec<u8>,
    stored_key: Vec<u8>,
    stored_counter: u32,
    challenge: Vec<u8>,
}

fn answer() -> Answer {
    Answer::new("webauthn.get", USER_PRESENT | USER_VERIFIED)
}

fn sign(authenticator: &Authenticator, answer: &Answer) -> Signed {
    let (client_data, data) = (answer.client_data().into_bytes(), answer.data.encode());
    Signed {
        id: authenticator.id.clone(),
        signature: authenticator.sign(&data, &client_data),
        client_data,
        data,
        handle: Some(HANDLE.to_vec()),
        stored_id: authenticator.id.clone(),
        stored_key: authenticator.cose_key(),
        stored_counter: 4,
        challenge: CHALLENGE.to_vec(),
    }
}

fn verify(signed: &Signed, user_verification: bool) -> Result<VerifiedAssertion, WebauthnError> {
    let origins = origins();
    let assertion = Assertion {
        credential_id: &signed.id,
        client_data: &signed.client_data,
        authenticator_data: &signed.data,
        signature: &signed.signature,
        user_handle: signed.handle.as_deref(),
    };
    let stored = StoredCredential {
        id: &signed.stored_id,
        user_handle: HANDLE,
        public_key: &signed.stored_key,
        counter: signed.stored_counter,
        backup_eligible: false,
    };
    let ceremony = Ceremony { challenge: &signed.challenge, ..ceremony(&origins, user_verification) };
    verify_assertion(assertion, &stored, &ceremony)
}

#[test]
fn assertions_of_every_algorithm_are_accepted() {
    for (name, authenticator) in authenticators() {
        let signed = sign(&authenticator, &answer());
        assert_eq!(verify(&signed, true), Ok(VerifiedAssertion { counter: 5, user_verified: true }), "{name}");
        let mut answer = answer();
        answer.data.flags = USER_PRESENT;
        let signed = Signed { handle: None, ..sign(&authenticator, &answer) };
        assert_eq!(verify(&signed, false), Ok(VerifiedAssertion { counter: 5, user_verified: false }), "{name}");
    }
}

#[test]
fn counters() {
    let authenticator = Authenticator::eddsa();
    for (stored, counter, is_accepted) in [
        (0, 0, true),
        (0, 1, true),
        (4, 5, true),
        (4, u32::MAX, true),
        (4, 4, false),
        (4, 3, false),
        (4, 0, false),
        (u32::MAX, u32::MAX, false),
        (u32::MAX, 0, false),
    ] {
        let mut answer = answer();
        answer.data.counter = counter;
        let signed = Signed { stored_counter: stored, ..sign(&authenticator, &answer) };
        let expected = match is_accepted {
            true => Ok(VerifiedAssertion { counter, user_verified: true }),
            false => Err(WebauthnError::Counter),
        };
        assert_eq!(verify(&signed, true), expected, "{stored} -> {counter}");
    }
}

#[test]
fn refused_answers() {
    use WebauthnError as E;
    let cases: [(&str, Change, WebauthnError); 16] = [
        ("a registration", |a| a.kind = "webauthn.create", E::Type("webauthn.get")),
        ("another challenge", |a| a.challenge = vec![8; 32], E::Challenge),
        ("another site", |a| a.origin = "https://evil.example".to_owned(), E::Origin),
        ("a page within another", |a| a.edit = |text| text.replace("false", "true"), E::CrossOrigin),
        ("another relying party", |a| a.data.relying_party = "evil.example".to_owned(), E::RelyingParty),
        ("the relying party in upper case", |a| a.data.relying_party = RELYING_PARTY.to_uppercase(), E::RelyingParty),
        ("no user present", |a| a.data.flags &= !USER_PRESENT, E::UserPresence),
        ("no user verified", |a| a.data.flags &= !USER_VERIFIED, E::UserVerification),
        ("no flags", |a| a.data.flags = 0, E::UserPresence),
        ("a reserved bit", |a| a.data.flags |= 0x20, E::Flags("a reserved bit is set")),
        (
            "a credential that became copyable",
            |a| a.data.flags |= BACKUP_ELIGIBLE,
            E::Flags("whether the credential can be backed up has changed"),
        ),
        (
            "a copied credential that cannot be copied",
            |a| a.data.flags |= BACKUP_STATE,
            E::Flags("a credential that cannot be backed up is backed up"),
        ),
        (
            "a new credential",
            |a| {
                a.data.flags |= ATTESTED;
                a.data.credential = Some((vec![1; 32], vec![0xa0]));
            },
            E::Flags("an assertion has a new credential"),
        ),
        ("a byte at the end", |a| a.data.after = vec![0], E::TrailingBytes),
        (
            "a byte after extensions",
            |a| {
                a.data.flags |= EXTENSIONS;
                a.data.after = vec![0xa0, 0];
            },
            E::TrailingBytes,
        ),
        ("8 KiB", |a| a.data.after = vec![0; 8192], E::TooLarge("authenticator data")),
    ];
    let authenticator = Authenticator::es256();
    for (name, change, expected) in cases {
        let mut answer = answer();
        change(&mut answer);
        assert_eq!(verify(&sign(&authenticator, &answer), true), Err(expected), "{name}");
    }
}

#[test]
fn refused_signatures() {
    use WebauthnError as E;
    type Change = fn(&mut Signed);
    let cases: [(&str, Change, WebauthnError); 19] = [
        ("another credential", |s| s.id = vec![1; 32], E::CredentialId),
        ("a longer id", |s| s.id.push(0), E::CredentialId),
        ("no id", |s| s.id.clear(), E::CredentialId),
        ("the handle of another user", |s| s.handle = Some(b"another user".to_vec()), E::UserHandle),
        ("an empty handle", |s| s.handle = Some(Vec::new()), E::UserHandle),
        ("a part of the handle", |s| s.handle = Some(HANDLE[..4].to_vec()), E::UserHandle),
        ("no signature", |s| s.signature.clear(), E::Signature),
        ("zeros", |s| s.signature = vec![0; 70], E::Signature),
        ("a changed signature", |s| *s.signature.last_mut().unwrap() ^= 1, E::Signature),
        ("a byte after the signature", |s| s.signature.push(0), E::Signature),
        ("a cut signature", |s| s.signature.truncate(64), E::Signature),
        ("a large signature", |s| s.signature = vec![0; 513], E::TooLarge("signature")),
        ("a raised counter", |s| s.data[36] += 1, E::Signature),
        ("client data with a space more", |s| s.client_data.push(b' '), E::Signature),
        (
            "extensions that are not signed",
            |s| {
                s.data[32] |= EXTENSIONS;
                s.data.push(0xa0);
            },
            E::Signature,
        ),
        ("the key of another authenticator", |s| s.stored_key = Authenticator::es256().cose_key(), E::Signature),
        ("an RSA key for an ECDSA signature", |s| s.stored_key = Authenticator::rs256().cose_key(), E::Signature),
        ("an Ed25519 key for it", |s| s.stored_key = Authenticator::eddsa().cose_key(), E::Signature),
        ("no challenge was issued", |s| s.challenge.clear(), E::Challenge),
    ];
    let authenticator = Authenticator::es256();
    for (name, change, expected) in cases {
        let mut signed = sign(&authenticator, &answer());
        change(&mut signed);
        assert_eq!(verify(&signed, true), Err(expected), "{name}");
    }
}

/// ECDSA as two numbers of fixed size, and the zeros that once verified under some libraries.
#[test]
fn signatures_in_another_form_are_refused() {
    let authenticator = Authenticator::es256();
    let mut signed = sign(&authenticator, &answer());
    for signature in
        [vec![0; 64], b"\x30\x06\x02\x01\x00\x02\x01\x00".to_vec(), b"\x30\x06\x02\x01\x01\x02\x01\x01".to_vec()]
    {
        signed.signature = signature;
        assert_eq!(verify(&signed, true), Err(WebauthnError::Signature));
    }
}
