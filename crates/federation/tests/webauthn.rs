//! Registrations and assertions of passkeys that are valid, and many that are not.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

#[path = "../../testing/src/authenticator.rs"]
#[expect(unreachable_pub, reason = "a public module of the crate that it belongs to")]
mod authenticator;

mod webauthn {
    mod assertions;
    mod registrations;
}

use authenticator::{AuthData, Authenticator, client_data};
use bailiwick_federation::Ceremony;

const RELYING_PARTY: &str = "iam.example.com";
const ORIGIN: &str = "https://iam.example.com:7470";
const CHALLENGE: &[u8] = &[7; 32];
const HANDLE: &[u8] = b"user handle";

fn origins() -> Vec<String> {
    vec![ORIGIN.to_owned(), "https://console.example.com".to_owned()]
}

fn ceremony(origins: &[String], user_verification: bool) -> Ceremony<'_> {
    Ceremony { relying_party: RELYING_PARTY, origins, challenge: CHALLENGE, user_verification }
}

/// Changes an answer.
type Change = fn(&mut Answer);
/// Changes client data as text.
type Edit = fn(String) -> String;

/// The parts of an answer, before they are encoded and signed.
struct Answer {
    kind: &'static str,
    challenge: Vec<u8>,
    origin: String,
    data: AuthData,
    /// Changes the client's data as text.
    edit: Edit,
}

impl Answer {
    fn new(kind: &'static str, flags: u8) -> Self {
        Answer {
            kind,
            challenge: CHALLENGE.to_vec(),
            origin: ORIGIN.to_owned(),
            data: AuthData {
                relying_party: RELYING_PARTY.to_owned(),
                flags,
                counter: 5,
                credential: None,
                after: Vec::new(),
            },
            edit: |text| text,
        }
    }

    fn client_data(&self) -> String {
        (self.edit)(client_data(self.kind, &self.challenge, &self.origin))
    }
}

fn authenticators() -> [(&'static str, Authenticator); 3] {
    [("ES256", Authenticator::es256()), ("EdDSA", Authenticator::eddsa()), ("RS256", Authenticator::rs256())]
}
