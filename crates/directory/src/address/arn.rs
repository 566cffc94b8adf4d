//! ARNs by which requests name objects other than policies.

use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::Cx;

/// Parses the ARN of an object of this type in this partition, of any account.
///
/// # Errors
/// `ValidationError` if it is not an ARN, `InvalidInput` if it is another.
pub(crate) fn iam_arn(cx: &Cx, kind: &str, text: &str) -> Result<Arn> {
    let arn = Arn::parse(text)
        .map_err(|error| IamError::validation("Invalid ARN:  Could not be parsed!").field("Arn", error.to_string()))?;
    let is_one = arn.service() == "iam"
        && arn.region().is_empty()
        && arn.partition() == cx.partition().as_str()
        && arn.account_id().is_some()
        && arn.resource().strip_prefix(kind).is_some_and(|rest| rest.len() > 1 && rest.starts_with('/'));
    if is_one { Ok(arn) } else { Err(IamError::new(ErrorCode::InvalidInput, format!("ARN {text} is not valid."))) }
}
