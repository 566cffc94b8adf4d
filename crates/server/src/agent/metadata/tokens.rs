//! Session tokens of the instance metadata service. None is stored: each proves itself.

use std::ops::RangeInclusive;

use aws_lc_rs::hmac;
use bailiwick_operation::Random;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use zeroize::Zeroizing;

/// The lifetimes that a client may ask for, in seconds.
pub(super) const LIFETIMES: RangeInclusive<u32> = 1..=21_600;
/// Bytes before the authentication code: expiration and a random number.
const SIGNED: usize = 24;

/// The key of the tokens of one run of the agent.
pub(crate) struct MetadataTokens {
    key: hmac::Key,
    random: Box<dyn Random>,
}

impl MetadataTokens {
    /// Makes a key.
    pub(crate) fn new(random: Box<dyn Random>) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        random.fill(key.as_mut_slice());
        MetadataTokens { key: hmac::Key::new(hmac::HMAC_SHA256, key.as_slice()), random }
    }

    /// Makes a token that is valid for some seconds.
    pub(super) fn issue(&self, seconds: u32, now: Timestamp) -> String {
        let mut token = Vec::with_capacity(SIGNED + 32);
        let expiration = now.as_millisecond().saturating_add(i64::from(seconds) * 1_000);
        token.extend(expiration.to_be_bytes());
        token.extend([0; SIGNED - 8]);
        self.random.fill(&mut token[8..]);
        let code = hmac::sign(&self.key, &token);
        token.extend(code.as_ref());
        URL_SAFE_NO_PAD.encode(token)
    }

    /// Whether a token is one of this run and has not expired.
    pub(super) fn verify(&self, token: &str, now: Timestamp) -> bool {
        let Ok(token) = URL_SAFE_NO_PAD.decode(token) else { return false };
        let Some((signed, code)) = token.split_at_checked(SIGNED) else { return false };
        if hmac::verify(&self.key, signed, code).is_err() {
            return false;
        }
        let expiration = signed.first_chunk().map(|bytes| i64::from_be_bytes(*bytes));
        expiration.is_some_and(|expiration| now.as_millisecond() < expiration)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::SystemRandomness;

    #[test]
    fn tokens_are_valid_for_their_time_and_unchanged() {
        let tokens = MetadataTokens::new(Box::new(SystemRandomness::default()));
        let at = |seconds: i64| Timestamp::from_second(1_800_000_000 + seconds).unwrap();
        let token = tokens.issue(60, at(0));
        assert!(tokens.verify(&token, at(0)) && tokens.verify(&token, at(59)));
        assert!(!tokens.verify(&token, at(60)));
        assert_ne!(token, tokens.issue(60, at(0)));
        let other = MetadataTokens::new(Box::new(SystemRandomness::default()));
        assert!(!other.verify(&token, at(0)), "of another run");
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            assert!(!tokens.verify(std::str::from_utf8(&changed).unwrap(), at(0)), "{place}");
        }
        for wrong in
            ["", "AAAA", &token[1..], &token[..token.len() - 1], &format!("{token}="), &format!("{token}AAAA"), "é"]
        {
            assert!(!tokens.verify(wrong, at(0)), "{wrong}");
        }
    }
}
