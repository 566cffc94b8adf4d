//! The claims of a token: those that verification reads, those for the session, and those for condition keys.

use super::error::JwtError;
use crate::json::{Json, Object};

/// The maximum length of the subject in characters, as AWS shows it.
const MAX_SUBJECT: usize = 255;
/// The maximum length of an issuer or an audience in characters.
const MAX_NAME: usize = 512;
/// The maximum number of audiences.
const MAX_AUDIENCES: usize = 100;
/// The largest integer up to which every integer is a number of its own in floating point.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
/// The claim with session tags: an object, or a prefix of claims with one tag each.
const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

/// The value of a claim as a condition key has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimValue {
    /// A string, number or boolean, as text.
    One(String),
    /// A flat array of these.
    Many(Vec<String>),
}

/// The claims that say what the session has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionClaims {
    /// Session tags in their order.
    pub tags: Vec<(String, String)>,
    /// The keys of the tags that are passed on to chained sessions.
    pub transitive_tag_keys: Vec<String>,
    /// The source identity.
    pub source_identity: Option<String>,
}

/// The claims of a token that is not verified yet.
#[derive(Debug)]
pub(super) struct Claims {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) audiences: Vec<String>,
    pub(super) authorized_party: Option<String>,
    /// In seconds since 1970, rounded down.
    pub(super) expires: i64,
    pub(super) issued: i64,
    pub(super) not_before: Option<i64>,
    pub(super) session: SessionClaims,
    /// Every claim that can be a condition key, but for those above that have a rule of their own.
    pub(super) others: Vec<(String, ClaimValue)>,
}

impl Claims {
    pub(super) fn read(claims: Object) -> Result<Self, JwtError> {
        let mut folded = std::collections::HashSet::new();
        if !claims.0.iter().all(|(name, _)| folded.insert(name.to_lowercase())) {
            return Err(JwtError::AmbiguousClaims);
        }
        let issuer = required(&claims, "iss", MAX_NAME)?;
        let subject = required(&claims, "sub", MAX_SUBJECT)?;
        let audiences = match claims.get("aud").ok_or(JwtError::MissingClaim("aud"))? {
            Json::Array(values) if (1..=MAX_AUDIENCES).contains(&values.len()) => {
                values.iter().map(|value| name("aud", value, MAX_NAME)).collect::<Result<_, _>>()?
            }
            value => vec![name("aud", value, MAX_NAME)?],
        };
        let authorized_party = claims.get("azp").map(|value| name("azp", value, MAX_NAME)).transpose()?;
        let expires = time(&claims, "exp")?.ok_or(JwtError::MissingClaim("exp"))?;
        let issued = time(&claims, "iat")?.ok_or(JwtError::MissingClaim("iat"))?;
        let not_before = time(&claims, "nbf")?;
        let session = SessionClaims::read(&claims)?;
        let others = claims.0.iter().filter_map(|(name, value)| {
            let has_own_rule = ["sub", "aud", "oaud", "azp"].contains(&name.to_ascii_lowercase().as_str());
            // A condition key is printable ASCII.
            let can_be_key = !has_own_rule && name.len() <= 256 && name.bytes().all(|byte| byte.is_ascii_graphic());
            can_be_key.then(|| Some((name.clone(), ClaimValue::of(value)?))).flatten()
        });
        let others = others.collect();
        Ok(Claims { issuer, subject, audiences, authorized_party, expires, issued, not_before, session, others })
    }
}

impl ClaimValue {
    /// The value, unless it is null, an object, an array of anything but scalars, or a number that others are equal to.
    fn of(value: &Json) -> Option<Self> {
        match value {
            Json::Array(values) => Some(ClaimValue::Many(values.iter().map(scalar).collect::<Option<_>>()?)),
            value => scalar(value).map(ClaimValue::One),
        }
    }
}

fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Integer(value) => Some(value.to_string()),
        Json::Float(value) => (value.abs() < MAX_EXACT).then(|| value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

impl SessionClaims {
    fn read(claims: &Object) -> Result<Self, JwtError> {
        let mut session = SessionClaims::default();
        let malformed = JwtError::Claim(TAGS);
        match claims.get(TAGS) {
            None => {}
            Some(Json::Object(tags)) => {
                for (name, value) in &tags.0 {
                    match (name.as_str(), value) {
                        ("principal_tags", Json::Object(tags)) => {
                            for (key, value) in &tags.0 {
                                session.tags.push((key.clone(), tag(value)?));
                            }
                        }
                        ("transitive_tag_keys", value) => session.transitive_tag_keys = texts(value)?,
                        _ => return Err(malformed),
                    }
                }
            }
            Some(_) => return Err(malformed),
        }
        for (name, value) in &claims.0 {
            let Some(rest) = name.strip_prefix(TAGS).and_then(|rest| rest.strip_prefix('/')) else { continue };
            if claims.get(TAGS).is_some() {
                // Two forms in one token would be two sets of tags.
                return Err(malformed);
            }
            match rest.strip_prefix("principal_tags/") {
                Some(key) => session.tags.push((key.to_owned(), tag(value)?)),
                None if rest == "transitive_tag_keys" => session.transitive_tag_keys = texts(value)?,
                None => return Err(malformed),
            }
        }
        session.source_identity = match claims.text(SOURCE_IDENTITY) {
            Ok(text) => text.map(ToOwned::to_owned),
            Err(()) => return Err(JwtError::Claim(SOURCE_IDENTITY)),
        };
        Ok(session)
    }
}

/// The value of a session tag: a string, or an array of one, as AWS documents it.
fn tag(value: &Json) -> Result<String, JwtError> {
    match value {
        Json::String(text) => Ok(text.clone()),
        Json::Array(values) => match values.as_slice() {
            [Json::String(text)] => Ok(text.clone()),
            _ => Err(JwtError::Claim(TAGS)),
        },
        _ => Err(JwtError::Claim(TAGS)),
    }
}

fn texts(value: &Json) -> Result<Vec<String>, JwtError> {
    let text = |value: &Json| match value {
        Json::String(text) => Ok(text.clone()),
        _ => Err(JwtError::Claim(TAGS)),
    };
    match value {
        Json::Array(values) => values.iter().map(text).collect(),
        value => Ok(vec![text(value)?]),
    }
}

fn required(claims: &Object, claim: &'static str, max: usize) -> Result<String, JwtError> {
    name(claim, claims.get(claim).ok_or(JwtError::MissingClaim(claim))?, max)
}

/// A string of bounded length without control characters.
fn name(claim: &'static str, value: &Json, max: usize) -> Result<String, JwtError> {
    match value {
        Json::String(text)
            if !text.is_empty() && text.chars().count() <= max && !text.chars().any(char::is_control) =>
        {
            Ok(text.clone())
        }
        _ => Err(JwtError::Claim(claim)),
    }
}

/// A time in seconds since 1970, rounded down.
fn time(claims: &Object, claim: &'static str) -> Result<Option<i64>, JwtError> {
    /// The year 9999, the last that a timestamp can have.
    const LAST: i64 = 253_402_207_200;
    let seconds = match claims.get(claim) {
        None => return Ok(None),
        Some(Json::Integer(value)) => i64::try_from(*value).map_err(|_| JwtError::Claim(claim))?,
        #[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
        Some(Json::Float(value)) if value.abs() < MAX_EXACT => value.floor() as i64,
        Some(_) => return Err(JwtError::Claim(claim)),
    };
    if (0..=LAST).contains(&seconds) { Ok(Some(seconds)) } else { Err(JwtError::Claim(claim)) }
}
