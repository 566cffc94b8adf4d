//! New names and paths of users and groups.

use bailiwick_model::{IamError, Path, Result};
use bailiwick_operation::{Cx, Planned};
use bailiwick_storage::FoldedName as _;

use crate::address::{IdentityRecord, Target, check_stored};

/// A stored record and what replaces it, or the reason why it cannot be replaced.
pub(super) type Update<N> = Result<(N, N)>;

/// Plans to give `target` another name or path. `renamed` makes the new record.
///
/// The caller needs the permission on both the old and the new ARN. If the target is missing or the new name is not
/// valid, the plan carries the error.
pub(super) fn plan_rename<N: IdentityRecord>(
    cx: &Cx,
    target: Target<N>,
    action: &'static str,
    renamed: impl FnOnce(&N) -> Result<N>,
) -> Planned<Update<N>> {
    let check = target.check(cx, action);
    let update = target.get().and_then(|old| Ok((renamed(&old)?, old))).map(|(new, old)| (old, new));
    let moved = |(old, new): &&(N, N)| new.arn(cx.partition()) != old.arn(cx.partition());
    let second = update.as_ref().ok().filter(moved).map(|(_, new)| check_stored(cx, new, action));
    Planned::new(update).check(check).checks(second)
}

/// The name that an identity is to have; its own if the request has none.
///
/// # Errors
/// `EntityAlreadyExists` for its own name in another case, as in AWS: the identity itself has the name.
pub(super) fn new_name<N>(old: &N, label: &str, text: &Option<String>) -> Result<N::Name>
where
    N: IdentityRecord<Name: Clone>,
{
    let Some(text) = text else { return Ok(old.name().clone()) };
    let name = N::parse_name(text)?;
    if name.folded() == old.name().folded() && name.to_string() != old.name().to_string() {
        return Err(IamError::already_exists(label, name));
    }
    Ok(name)
}

/// The path that an identity is to have; its own if the request has none.
pub(super) fn new_path<N: IdentityRecord>(old: &N, text: &Option<String>) -> Result<Path> {
    Ok(match text {
        Some(text) => Path::parse(text)?,
        None => old.path().clone(),
    })
}
