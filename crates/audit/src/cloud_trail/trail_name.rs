//! Names and ARNs of trails.

use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Result};
use bailiwick_operation::Cx;

/// The name of the trail that every account has.
pub(super) const NAME: &str = "bailiwick";

/// The ARN of the trail of the caller's account.
pub(super) fn own(cx: &Cx) -> String {
    arn(cx, NAME)
}

fn arn(cx: &Cx, name: &str) -> String {
    let (partition, region, account) = (cx.partition().as_str(), &cx.deployment().region, cx.account());
    format!("arn:{partition}:cloudtrail:{region}:{account}:trail/{name}")
}

/// Parses a name or an ARN to the ARN that the trail has, if it exists.
///
/// # Errors
/// `InvalidTrailNameException`, `CloudTrailARNInvalidException`.
pub(super) fn parse(cx: &Cx, text: &str) -> Result<Arn> {
    if text.starts_with("arn:") {
        return Arn::parse(text).ok().filter(is_of_trail).ok_or_else(|| {
            let message = format!(
                "The trail ARN is not valid: it has the form arn:{}:cloudtrail:REGION:ACCOUNT:trail/NAME.",
                cx.partition().as_str()
            );
            IamError::new(ErrorCode::CloudTrailArnInvalid, message)
        });
    }
    if !is_name(text) {
        let message = "Trail name must have 3 to 128 characters: letters, digits, periods, underscores and hyphens. \
                       It must start and end with a letter or digit.";
        return Err(IamError::new(ErrorCode::InvalidTrailName, message));
    }
    Arn::parse(&arn(cx, text)).map_err(IamError::internal)
}

/// `TrailNotFoundException` in AWS's words.
pub(super) fn unknown(arn: &Arn, account: AccountId) -> IamError {
    IamError::new(ErrorCode::TrailNotFound, format!("Unknown trail: {arn} for the user: {account}"))
}

fn is_of_trail(arn: &Arn) -> bool {
    let name = arn.resource().strip_prefix("trail/");
    arn.service() == "cloudtrail" && !arn.region().is_empty() && arn.account_id().is_some() && name.is_some_and(is_name)
}

fn is_name(text: &str) -> bool {
    let ends_well = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    (3..=128).contains(&bytes.len())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
        && ends_well(bytes.first())
        && ends_well(bytes.last())
}
