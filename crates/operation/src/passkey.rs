//! Passkeys of users and root: challenges, registrations and assertions, verified against the stored passkeys.
//!
//! A challenge is sealed and not stored: it contains its end and is bound to the kind of ceremony, the relying party and
//! the person, so any server of the deployment recognizes its own, also after a restart. Its use is stored until it has
//! expired, so it works once. Wrong assertions use up the same budget as wrong codes ([`mfa`](crate::mfa)).

use aws_lc_rs::digest::{SHA256, digest};
use bailiwick_federation::{
    Assertion, Ceremony, Registration, StoredCredential, WebauthnError, challenge_of, verify_assertion,
    verify_registration,
};
use bailiwick_model::{AccountId, ErrorCode, IamError, MfaDeviceName, Result, UniqueId};
use bailiwick_seal::KeyPurpose;
use bailiwick_storage::{KeyOwner, Passkey, Tx};
use data_encoding::BASE32_NOPAD;
use jiff::{SignedDuration, Timestamp};

use crate::Cx;
use crate::mfa::{admitted, count_wrong};

/// For how long a challenge is valid.
pub const CHALLENGE_LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// The site that passkeys are for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// Its id: the host of the public URL.
    pub id: String,
    /// The origin of its pages.
    pub origin: String,
}

/// What a challenge is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new passkey.
    Registration,
    /// A proof by an existing one.
    Assertion,
}

impl RelyingParty {
    /// The relying party of the deployment.
    ///
    /// # Errors
    /// `FeatureDisabled` if the public URL has none: browsers accept passkeys only for domains with `https`, and for
    /// `localhost`.
    pub fn of<C>(cx: &Cx<C>) -> Result<Self> {
        Self::of_url(&cx.deployment().public_url).ok_or_else(|| {
            let message = "passkeys need a domain: start the server with `--public-url`, `https` and a host name";
            IamError::new(ErrorCode::FeatureDisabled, message)
        })
    }

    /// The relying party of a URL.
    fn of_url(url: &str) -> Option<Self> {
        let url = url.to_ascii_lowercase();
        let (scheme, rest) = url.split_once("://")?;
        let authority = rest.split(['/', '?', '#']).next()?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
            None => (authority, None),
        };
        let is_label = |label: &str| {
            let is_character = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
            (1..=63).contains(&label.len()) && label.bytes().all(is_character)
        };
        // A host whose last label begins with a digit is an address, or none.
        let last = host.rsplit('.').next()?;
        if !host.split('.').all(is_label) || last.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let default_port = match scheme {
            "https" => 443,
            "http" if host == "localhost" => 80,
            _ => return None,
        };
        let port = port.filter(|port| *port != default_port).map(|port| format!(":{port}")).unwrap_or_default();
        Some(RelyingParty { id: host.to_owned(), origin: format!("{scheme}://{host}{port}") })
    }
}

/// The handle by which authenticators know a user or root. It never changes.
pub fn user_handle(account: AccountId, owner: &KeyOwner) -> Vec<u8> {
    format!("{account}/{}", name_of(owner)).into_bytes()
}

fn name_of(owner: &KeyOwner) -> &str {
    owner.user().map_or("root", UniqueId::as_str)
}

/// Makes a challenge for a user or root.
///
/// # Errors
/// `ServiceFailure` if sealing fails.
pub fn challenge<C>(
    cx: &Cx<C>,
    purpose: Purpose,
    relying_party: &RelyingParty,
    account: AccountId,
    owner: &KeyOwner,
) -> Result<Vec<u8>> {
    let expires = cx.now().saturating_add(CHALLENGE_LIFETIME).unwrap_or(cx.now());
    let digits = account.digits();
    let aad = aad(purpose, relying_party, &digits, owner);
    let plain = expires.as_microsecond().to_be_bytes();
    cx.deployment().sealer.seal(KeyPurpose::PasskeyChallenge, &aad, &plain).map_err(IamError::internal)
}

/// `purpose | relying party | account | owner`.
fn aad<'a>(
    purpose: Purpose,
    relying_party: &'a RelyingParty,
    account: &'a [u8; 12],
    owner: &'a KeyOwner,
) -> [&'a [u8]; 4] {
    let purpose: &[u8] = match purpose {
        Purpose::Registration => b"registration",
        Purpose::Assertion => b"assertion",
    };
    [purpose, relying_party.id.as_bytes(), account, name_of(owner).as_bytes()]
}

/// Uses up the challenge that an answer names, if it is one for this person that has not expired.
async fn use_challenge<C>(
    cx: &Cx<C>,
    tx: &mut Tx,
    purpose: Purpose,
    relying_party: &RelyingParty,
    account: AccountId,
    owner: &KeyOwner,
    client_data: &[u8],
) -> Result<Option<Vec<u8>>> {
    let Ok(challenge) = challenge_of(client_data) else { return Ok(None) };
    let digits = account.digits();
    let aad = aad(purpose, relying_party, &digits, owner);
    let Ok(plain) = cx.deployment().sealer.open(KeyPurpose::PasskeyChallenge, &aad, &challenge) else {
        return Ok(None);
    };
    let expires = plain.as_slice().try_into().ok().map(i64::from_be_bytes);
    let Some(expires) = expires.and_then(|micros| Timestamp::from_microsecond(micros).ok()) else { return Ok(None) };
    if expires <= cx.now() {
        return Ok(None);
    }
    let is_first = tx.use_passkey_challenge(&sha256(&challenge), expires, cx.now()).await?;
    Ok(is_first.then_some(challenge))
}

/// Registers a passkey of a user or root, which a browser made.
///
/// # Errors
/// `InvalidInput` with what is not accepted; `EntityAlreadyExists` if a user of any account has the credential;
/// `LimitExceeded`; `NoSuchEntity` for the user; `FeatureDisabled`.
pub async fn register<C>(
    cx: &Cx<C>,
    tx: &mut Tx,
    account: AccountId,
    owner: KeyOwner,
    label: MfaDeviceName,
    registration: Registration<'_>,
) -> Result<Passkey> {
    let relying_party = RelyingParty::of(cx)?;
    let purpose = Purpose::Registration;
    let challenge = use_challenge(cx, tx, purpose, &relying_party, account, &owner, registration.client_data).await?;
    let origins = [relying_party.origin];
    let ceremony = Ceremony {
        relying_party: &relying_party.id,
        origins: &origins,
        // No answer has an empty challenge.
        challenge: challenge.as_deref().unwrap_or_default(),
        user_verification: false,
    };
    let registered = verify_registration(registration, &ceremony)
        .map_err(|error| IamError::new(ErrorCode::InvalidInput, format!("the passkey is not accepted: {error}")))?;
    let passkey = Passkey {
        account,
        owner,
        id: BASE32_NOPAD.encode(&cx.random::<16>()),
        label,
        enabled: cx.date(),
        relying_party: relying_party.id,
        credential_id: registered.id.into(),
        public_key: registered.public_key.into(),
        counter: registered.counter,
        user_verified: registered.user_verified,
        backup_eligible: registered.backup_eligible,
        aaguid: registered.aaguid,
    };
    tx.create_passkey(&passkey, &sha256(&passkey.credential_id)).await?;
    Ok(passkey)
}

/// Removes a passkey that this transaction read.
pub fn remove(tx: &mut Tx, passkey: &Passkey) {
    tx.delete_passkey(passkey, &sha256(&passkey.credential_id));
}

/// Verifies an assertion by a passkey of a user or root. Its challenge is used up, and a wrong one is counted, even though
/// the operation then ends in the error: the caller must run in the pipeline, and in an operation that may write.
///
/// # Errors
/// `InvalidAuthenticationCode`; `Throttling` after too many wrong codes and assertions; `FeatureDisabled`.
pub async fn verify<C>(
    cx: &Cx<C>,
    tx: &mut Tx,
    account: AccountId,
    owner: &KeyOwner,
    assertion: Assertion<'_>,
) -> Result<()> {
    let relying_party = RelyingParty::of(cx)?;
    let failures = admitted(cx, tx, account, owner).await?;
    match verified(cx, tx, account, owner, assertion, relying_party).await? {
        Ok(passkey) => {
            tx.update_passkey(&passkey);
            Ok(())
        }
        Err(error) => {
            count_wrong(cx, tx, account, owner, failures);
            let message = format!("the passkey is not accepted: {error}");
            Err(IamError::new(ErrorCode::InvalidAuthenticationCode, message))
        }
    }
}

/// The passkey of an assertion, with its new counter.
async fn verified<C>(
    cx: &Cx<C>,
    tx: &mut Tx,
    account: AccountId,
    owner: &KeyOwner,
    assertion: Assertion<'_>,
    relying_party: RelyingParty,
) -> Result<Result<Passkey, WebauthnError>> {
    let purpose = Purpose::Assertion;
    let challenge = use_challenge(cx, tx, purpose, &relying_party, account, owner, assertion.client_data).await?;
    let id = tx.list_passkeys(account, owner).await?.into_iter().find_map(|passkey| {
        let is_meant = passkey.credential_id == assertion.credential_id && passkey.relying_party == relying_party.id;
        is_meant.then_some(passkey.id)
    });
    let Some(id) = id else { return Ok(Err(WebauthnError::CredentialId)) };
    // The commit depends on the record, so that two assertions at the same time have two counters.
    let Some(passkey) = tx.find_passkey(account, owner, &id).await? else {
        return Ok(Err(WebauthnError::CredentialId));
    };
    let origins = [relying_party.origin];
    let ceremony = Ceremony {
        relying_party: &relying_party.id,
        origins: &origins,
        challenge: challenge.as_deref().unwrap_or_default(),
        user_verification: passkey.user_verified,
    };
    let stored = StoredCredential {
        id: &passkey.credential_id,
        user_handle: &user_handle(account, owner),
        public_key: &passkey.public_key,
        counter: passkey.counter,
        backup_eligible: passkey.backup_eligible,
    };
    let proved = match verify_assertion(assertion, &stored, &ceremony) {
        Ok(proved) => proved,
        Err(error) => return Ok(Err(error)),
    };
    Ok(Ok(Passkey { counter: proved.counter, ..passkey }))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relying_party_is_the_domain_of_the_public_url() {
        for (url, expected) in [
            ("https://iam.example.com", Some(("iam.example.com", "https://iam.example.com"))),
            ("https://IAM.Example.com:443/iam", Some(("iam.example.com", "https://iam.example.com"))),
            ("https://iam.example.com:7470", Some(("iam.example.com", "https://iam.example.com:7470"))),
            ("https://iam:7470", Some(("iam", "https://iam:7470"))),
            ("http://localhost:7470", Some(("localhost", "http://localhost:7470"))),
            ("http://localhost:80", Some(("localhost", "http://localhost"))),
            ("https://localhost", Some(("localhost", "https://localhost"))),
            ("http://iam.example.com", None),
            ("http://localhost.example.com", None),
            ("http://127.0.0.1:7470", None),
            ("https://127.0.0.1:7470", None),
            ("https://[::1]:7470", None),
            ("https://[::1]", None),
            ("https://127.1", None),
            ("https://0x7f.0x1", None),
            ("https://iam..example.com", None),
            ("https://iam.example.com.", None),
            ("https://iam_example.com", None),
            ("https://iam.example.com:99999", None),
            ("https://user@iam.example.com", None),
            ("ftp://iam.example.com", None),
            ("https://", None),
            ("iam.example.com", None),
        ] {
            let expected = expected.map(|(id, origin)| RelyingParty { id: id.into(), origin: origin.into() });
            assert_eq!(RelyingParty::of_url(url), expected, "{url}");
        }
    }
}
