//! A token as it was received, and its verification.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;

use super::claims::Claims;
use super::error::{JwtError, MAX_TOKEN_BYTES};
use super::id_token::IdToken;
use super::keys::KeySet;
use crate::json::Object;

/// How much the clocks of the issuer and the verifier may differ, in seconds, as in AWS.
pub const MAX_CLOCK_SKEW_SECONDS: i64 = 300;

/// The algorithms that a key can fix. There is neither `none` nor an algorithm with a shared secret.
const ALGORITHMS: [&str; 10] =
    ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
/// Members of a header that change what the rest means.
const REFUSED_MEMBERS: [&str; 5] = ["crit", "b64", "zip", "enc", "cty"];

/// What a token must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The issuer, exactly as its tokens name it.
    pub issuer: &'a str,
    /// The client ids, one of which the token must be issued for.
    pub audiences: &'a [String],
}

/// A token that was read but not verified.
#[derive(Debug)]
pub struct Jwt<'t> {
    /// Header and claims as they were signed.
    message: &'t [u8],
    signature: Vec<u8>,
    algorithm: &'static str,
    key_id: Option<String>,
    claims: Claims,
}

impl<'t> Jwt<'t> {
    /// Reads a token.
    ///
    /// # Errors
    /// [`JwtError`] for what no key could make acceptable.
    pub fn parse(token: &'t str) -> Result<Self, JwtError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(JwtError::TooLarge);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(JwtError::NotThreeParts);
        };
        let message = &token.as_bytes()[..header.len() + 1 + claims.len()];
        let signature = decode("signature", signature)?;
        let header = object("header", header)?;
        if let Some(member) = REFUSED_MEMBERS.into_iter().find(|member| header.get(member).is_some()) {
            return Err(JwtError::HeaderMember(member));
        }
        match header.text("typ") {
            Ok(None) => {}
            Ok(Some(kind)) if kind.eq_ignore_ascii_case("JWT") => {}
            _ => return Err(JwtError::Type),
        }
        let named = header.text("alg").ok().flatten().ok_or(JwtError::Algorithm)?;
        let algorithm = ALGORITHMS.into_iter().find(|name| *name == named).ok_or(JwtError::Algorithm)?;
        let key_id = header.text("kid").map_err(|()| JwtError::KeyId)?.map(ToOwned::to_owned);
        let claims = Claims::read(object("claims", claims)?)?;
        Ok(Jwt { message, signature, algorithm, key_id, claims })
    }

    /// The issuer that the token names. Not verified: only for finding the registered issuer.
    pub fn unverified_issuer(&self) -> &str {
        &self.claims.issuer
    }

    /// The key id that the token names. Not verified: only for finding out whether the issuer has a newer key set.
    pub fn unverified_key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// Verifies the token with the keys of the expected issuer, at a time.
    ///
    /// # Errors
    /// [`JwtError`] for the first rule that does not hold. The signature is checked first, so that the other errors say
    /// something about tokens of the issuer only.
    pub fn verify(self, keys: &KeySet, expected: Expected<'_>, now: Timestamp) -> Result<IdToken, JwtError> {
        let key_id = self.key_id.as_deref();
        let verified = keys.verify(key_id, self.algorithm, self.message, &self.signature).ok_or(JwtError::NoKey)?;
        if !verified {
            return Err(JwtError::Signature);
        }
        let claims = self.claims;
        if claims.issuer != expected.issuer {
            return Err(JwtError::Issuer);
        }
        let now = now.as_second();
        if now >= claims.expires.saturating_add(MAX_CLOCK_SKEW_SECONDS) {
            return Err(JwtError::Expired { now, expires: claims.expires });
        }
        let latest = now.saturating_add(MAX_CLOCK_SKEW_SECONDS);
        if claims.issued > latest || claims.not_before.is_some_and(|time| time > latest) {
            return Err(JwtError::NotYetValid);
        }
        IdToken::of(claims, expected.audiences).ok_or(JwtError::Audience)
    }
}

fn decode(part: &'static str, text: &str) -> Result<Vec<u8>, JwtError> {
    BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| JwtError::NotBase64(part))
}

fn object(part: &'static str, text: &str) -> Result<Object, JwtError> {
    Object::parse(&decode(part, text)?).map_err(|error| JwtError::Json(part, error))
}
