//! ID tokens of OpenID Connect providers, and the key sets that verify them.

use std::sync::LazyLock;

use bailiwick_federation::{Expected, Jwt, KeySet, MAX_KEYS, MAX_TOKEN_BYTES};
use jiff::Timestamp;

/// The key set in the corpus of [`jwks`] that verifies the tokens in the corpus of [`jwt`].
static KEYS: LazyLock<Option<KeySet>> =
    LazyLock::new(|| KeySet::parse(include_bytes!("../../../../fuzz/corpus/jwks/elliptic")).ok());

const ISSUER: &str = "https://idp.example.com";

/// A text is an ID token, or it is not. One that verifies is for the expected issuer and audience, and no name of its
/// claims is ambiguous. One that does not verify stays refused with white space around it.
///
/// # Panics
/// If the property does not hold.
pub fn jwt(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(token) = Jwt::parse(text) else { return };
    assert!(text.len() <= MAX_TOKEN_BYTES && text.split('.').count() == 3);
    assert!(!token.unverified_issuer().is_empty());
    assert!(Jwt::parse(&format!("{text}\n")).is_err() && Jwt::parse(&format!(" {text}")).is_err());
    let Some(keys) = &*KEYS else { panic!("the key set of the corpus cannot be read") };
    let audiences = ["sts.amazonaws.com".to_owned()];
    let expected = Expected { issuer: ISSUER, audiences: &audiences };
    let now = Timestamp::from_second(1_900_000_000).unwrap_or_default();
    let Ok(verified) = token.verify(keys, expected, now) else { return };
    assert_eq!((verified.issuer(), verified.audience()), (ISSUER, "sts.amazonaws.com"));
    assert!(verified.expires() > now - std::time::Duration::from_secs(300));
    let mut names: Vec<String> = verified.keys().iter().map(|(name, _)| name.to_lowercase()).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "two claims have one name");
}

/// Bytes are a key set, or they are not. A set that is accepted has at least one key and not too many.
///
/// # Panics
/// If the property does not hold.
pub fn jwks(bytes: &[u8]) {
    let Ok(keys) = KeySet::parse(bytes) else { return };
    assert!((1..=MAX_KEYS).contains(&keys.len()) && !keys.is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tokens_of_the_corpus_verify() {
        let audiences = ["sts.amazonaws.com".to_owned()];
        let verify = |text: &str| {
            let now = Timestamp::from_second(1_900_000_000).unwrap();
            let expected = Expected { issuer: ISSUER, audiences: &audiences };
            Jwt::parse(text).unwrap().verify(KEYS.as_ref().unwrap(), expected, now)
        };
        assert!(verify(include_str!("../../../../fuzz/corpus/jwt/plain")).is_ok());
        assert!(verify(include_str!("../../../../fuzz/corpus/jwt/claims")).is_ok());
        assert!(verify(include_str!("../../../../fuzz/corpus/jwt/expired")).is_err());
    }
}
