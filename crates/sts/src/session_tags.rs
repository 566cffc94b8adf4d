//! Tags and source identity of a session: from the request, and inherited from the caller's session.

use bailiwick_api::sts::Tag;
use bailiwick_model::{ErrorCode, IamError, Result, Tags};
use bailiwick_operation::Session;

/// The tags of a new session.
#[derive(Debug, PartialEq)]
pub(crate) struct SessionTags {
    /// The tags in the request.
    pub(crate) requested: Tags,
    /// The tags in the request and the inherited ones.
    pub(crate) all: Tags,
    /// The transitive keys in the request.
    pub(crate) requested_transitive: Vec<String>,
    /// The keys of the transitive tags, inherited ones included.
    pub(crate) transitive: Vec<String>,
    /// Whether any tags are inherited, which alone requires `sts:TagSession`.
    pub(crate) inherited: bool,
}

impl SessionTags {
    /// # Errors
    /// `InvalidParameterValue` for a duplicate tag, a transitive key without a tag, or a tag that is inherited and
    /// therefore cannot be set.
    pub(crate) fn read(tags: &[Tag], transitive: &[String], caller: Option<&Session>) -> Result<Self> {
        let pairs = tags.iter().map(|tag| (tag.key.as_deref().unwrap_or(""), tag.value.as_deref().unwrap_or("")));
        let requested = Tags::parse(pairs).map_err(|error| match error.code() {
            ErrorCode::InvalidInput | ErrorCode::LimitExceeded => invalid(error.message()),
            _ => error,
        })?;
        if transitive.iter().any(|key| requested.get(key).is_none()) {
            return Err(invalid("The specified transitive tag key must be included in the requested tags."));
        }
        let inherited = caller.into_iter().flat_map(|session| chosen(&session.tags, &session.transitive_tag_keys));
        let inherited = Tags::parse(inherited)?;
        if inherited.iter().any(|tag| requested.get(&tag.key).is_some()) {
            return Err(invalid(
                "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag \
                 key from the calling session.",
            ));
        }
        let passed_on =
            inherited.iter().map(|tag| tag.key.as_str()).chain(chosen(&requested, transitive).map(|tag| tag.0));
        let requested_transitive = transitive.to_vec();
        let (transitive, inherits) = (passed_on.map(str::to_owned).collect(), !inherited.is_empty());
        let mut all = inherited;
        all.merge(requested.clone()).map_err(|error| invalid(error.message()))?;
        Ok(Self { requested, all, requested_transitive, transitive, inherited: inherits })
    }
}

/// The tags with these keys, once each, with the keys as the tags spell them.
fn chosen<'a>(tags: &'a Tags, keys: &[String]) -> impl Iterator<Item = (&'a str, &'a str)> {
    let keys: Vec<_> = keys.iter().map(|key| key.to_lowercase()).collect();
    let chosen = tags.iter().filter(move |tag| keys.contains(&tag.key.to_lowercase()));
    chosen.map(|tag| (tag.key.as_str(), tag.value.as_str()))
}

/// The source identity of a new session. Once set, it cannot change.
///
/// # Errors
/// `AccessDenied` if the request has another one than the caller's session.
pub(crate) fn source_identity(requested: Option<&str>, caller: Option<&Session>) -> Result<Option<String>> {
    match (requested, caller.and_then(|session| session.source_identity.as_deref())) {
        (Some(requested), Some(set)) if requested != set => Err(IamError::new(
            ErrorCode::AccessDenied,
            "the source identity of a session can not be changed by a session that it assumes",
        )),
        (requested, set) => Ok(set.or(requested).map(str::to_owned)),
    }
}

fn invalid(message: &str) -> IamError {
    IamError::new(ErrorCode::InvalidParameterValue, message)
}

#[cfg(test)]
mod tests;
