//! The simulated caller.

use bailiwick_decision::Subject;
use bailiwick_model::{Arn, Result};
use bailiwick_snapshot::Snapshot;

use super::invalid;
use super::source::Source;

/// Returns the caller that `CallerArn` names; without it, the user or role whose policies are simulated.
///
/// A user whose policies are not the simulated ones has neither tags nor a unique id, because permission to simulate does
/// not include them. Without a user or role, only the account is known.
///
/// # Errors
/// `InvalidInput` for an ARN that is not of a user.
pub(super) fn caller(snapshot: &Snapshot, source: &Source, arn: Option<&str>) -> Result<Subject> {
    let partition = snapshot.partition();
    let Some(text) = arn else {
        let entity = source.entity.as_ref();
        return Ok(entity
            .map_or_else(|| Subject::unknown_user(source.account), |entity| Subject::simulated(entity, partition)));
    };
    let not_a_user = || invalid("CallerArn", format!("Invalid CallerArn `{text}`: it must be the ARN of an IAM user"));
    let arn = Arn::parse(text).map_err(|_| not_a_user())?;
    let account = arn.account_id().filter(|_| arn.service() == "iam").ok_or_else(not_a_user)?;
    if !matches!(arn.typed_resource(), Some(("user", _, name)) if !name.is_empty()) {
        return Err(not_a_user());
    }
    Ok(match source.entity.as_ref().filter(|entity| entity.arn(partition) == arn) {
        Some(entity) => Subject::simulated(entity, partition),
        None => Subject::simulated_user(&arn, account),
    })
}
