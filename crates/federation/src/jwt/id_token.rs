//! A verified token.

use jiff::Timestamp;

use super::claims::{ClaimValue, Claims, SessionClaims};

/// A token whose signature, issuer, audience and times were verified. Nothing else of the token can be read.
#[derive(Clone, Debug)]
pub struct IdToken {
    issuer: String,
    subject: String,
    audience: String,
    expires: Timestamp,
    keys: Vec<(String, ClaimValue)>,
    session: SessionClaims,
}

impl IdToken {
    /// Returns the token, if it is for one of the accepted audiences.
    ///
    /// As in AWS, the authorized party (`azp`) is the audience if the token names one. Otherwise it is the first of the
    /// token's audiences that is accepted.
    pub(super) fn of(claims: Claims, accepted: &[String]) -> Option<Self> {
        let is_accepted = |name: &&String| accepted.contains(name);
        let audience = match &claims.authorized_party {
            Some(party) => Some(party).filter(is_accepted),
            None => claims.audiences.iter().find(is_accepted),
        }?
        .clone();
        let one = |name: &str, value: &str| (name.to_owned(), ClaimValue::One(value.to_owned()));
        let mut keys = vec![one("sub", &claims.subject), one("aud", &audience)];
        if let Some(party) = &claims.authorized_party {
            keys.push(one("azp", party));
            keys.push(match claims.audiences.as_slice() {
                [audience] => one("oaud", audience),
                audiences => ("oaud".to_owned(), ClaimValue::Many(audiences.to_vec())),
            });
        }
        keys.extend(claims.others);
        Some(IdToken {
            issuer: claims.issuer,
            subject: claims.subject,
            audience,
            expires: Timestamp::from_second(claims.expires).ok()?,
            keys,
            session: claims.session,
        })
    }

    /// The issuer: the registered one.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The subject at the issuer, at most 255 characters, none of them a control character.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The accepted audience that the token is for.
    pub fn audience(&self) -> &str {
        &self.audience
    }

    /// When the token expires.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// The claims that can be condition keys, by the name that follows the provider: `sub`; `aud`, the accepted audience;
    /// `azp` and, with it, `oaud`, the audiences in the token; every other claim that is a string, number, boolean or flat
    /// array. No two names are equal without regard to case.
    pub fn keys(&self) -> &[(String, ClaimValue)] {
        &self.keys
    }

    /// Session tags and source identity.
    pub fn session(&self) -> &SessionClaims {
        &self.session
    }
}
