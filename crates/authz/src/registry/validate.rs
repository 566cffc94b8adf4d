//! Validation of policy documents against the names that this deployment knows.

use bailiwick_api::authz::{
    PolicyLocation, PolicyPathElement, PolicyPosition, PolicySpan, PolicySubstring, ValidatePolicyFinding,
    ValidatePolicyRequest, ValidatePolicyResponse, policy_path_element::Element,
};
use bailiwick_api::op;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_policy_lang::{
    Catalogue, Finding, Location, PathElement, PolicyKind, Position, Target, Validation, kind_of_policy_type,
    validate_within,
};
use bailiwick_storage::Tx;

use crate::{Authz, snapshot};

/// Checks a policy document.
///
/// # Errors
/// `ValidationError` for an unknown type of resource or one of another type of policy, and for a token that this
/// operation did not return; `LimitExceeded` for a document that takes too long to compare with the registered names. A
/// document that is not a policy is a finding.
impl Handle<op::ValidatePolicy> for Authz {
    /// The request: no check depends on any of it.
    type Plan = ValidatePolicyRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: ValidatePolicyRequest) -> Result<Planned<ValidatePolicyRequest>> {
        Ok(Planned::new(req).check(Check::without_resource("bailiwick:ValidatePolicy", cx.account())))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, req: ValidatePolicyRequest) -> Result<ValidatePolicyResponse> {
        let snapshot = snapshot(cx)?;
        let catalogue = snapshot.catalogue();
        let (kind, resource_type) = used_as(&req, catalogue)?;
        let paging = bailiwick_operation::Paging::new(cx, "ValidatePolicy");
        let start = match paging.after(req.next_token.as_deref())? {
            None => 0,
            Some(next) => next.parse().map_err(|_| IamError::validation("Invalid Marker."))?,
        };
        let target = if req.target.as_deref() == Some("AWS") { Target::Aws } else { Target::Bailiwick };
        let partition = Some(cx.partition().as_str());
        let validation = Validation { target, partition, resource_type, catalogue, ..Validation::default() };
        let text = req.policy_document.as_deref().unwrap_or_default();
        let findings = validate_within(text, kind, &validation, MAX_STEPS).ok_or_else(too_large)?;
        let end = findings.len().min(usize::saturating_add(start, paging.limit(req.max_results)));
        let next_token = (end < findings.len()).then(|| paging.marker(&end.to_string())).transpose()?;
        let (page, lines) = (findings.get(start..end).unwrap_or_default(), Lines::of(text));
        Ok(ValidatePolicyResponse { findings: page.iter().map(|each| lines.finding(each)).collect(), next_token })
    }
}

/// The maximum number of steps of comparing a document with the names of services. A step takes some nanoseconds and
/// blocks the thread.
pub(crate) const MAX_STEPS: u64 = 60_000_000;

fn too_large() -> IamError {
    let why = "Comparing the document with the names of the services that are registered takes too long";
    let what = "name actions and resources with fewer wildcards, or validate fewer statements at once";
    IamError::new(ErrorCode::LimitExceeded, format!("{why}: {what}."))
}

/// The types of resources that AWS's policy validation knows.
const RESOURCE_TYPES: [&str; 6] = [
    "AWS::S3::Bucket",
    "AWS::S3::AccessPoint",
    "AWS::S3::MultiRegionAccessPoint",
    "AWS::S3ObjectLambda::AccessPoint",
    "AWS::IAM::AssumeRolePolicyDocument",
    "AWS::DynamoDB::Table",
];

/// The kind of policy that the document is, and the type of the resource that it is attached to.
fn used_as<'r>(req: &'r ValidatePolicyRequest, catalogue: &Catalogue) -> Result<(PolicyKind, Option<&'r str>)> {
    let refuse = |field: &str, why: String| Err(IamError::validation(format!("`{field}` {why}")).field(field, why));
    let (policy_type, resource_type) =
        (req.policy_type.as_deref().unwrap_or_default(), req.validate_policy_resource_type.as_deref());
    if let Some(name) = resource_type.filter(|name| !RESOURCE_TYPES.contains(name)) {
        let parts = name.split_once(':');
        if parts.and_then(|(prefix, name)| catalogue.service(prefix)?.resource(name)).is_none() {
            let known = RESOURCE_TYPES.join(", ");
            let why = format!(
                "must be one of {known}, or `service:type` of a service that is registered, such as `photos:album`"
            );
            return refuse("validatePolicyResourceType", why);
        }
    }
    let kind = match (policy_type, resource_type) {
        ("TRUST_POLICY", None) => PolicyKind::Trust,
        ("PERMISSIONS_BOUNDARY", None) => PolicyKind::Boundary,
        ("SESSION_POLICY", None) => PolicyKind::Session,
        ("ENDPOINT_POLICY", None) => PolicyKind::Endpoint,
        _ => match kind_of_policy_type(policy_type, resource_type) {
            Some(kind) => kind,
            None => return refuse("validatePolicyResourceType", "goes with `RESOURCE_POLICY` alone".into()),
        },
    };
    Ok((kind, resource_type))
}

/// The number of characters before each line of a text.
struct Lines(Vec<u32>);

impl Lines {
    fn of(text: &str) -> Self {
        let mut before = 0_u32;
        let lines = text.split('\n').map(|line| {
            let length = u32::try_from(line.chars().count()).unwrap_or(u32::MAX);
            let after = before.saturating_add(length).saturating_add(1);
            std::mem::replace(&mut before, after)
        });
        Lines(lines.collect())
    }

    fn finding(&self, finding: &Finding) -> ValidatePolicyFinding {
        ValidatePolicyFinding {
            finding_details: finding.details.clone(),
            finding_type: finding.code.finding_type.as_str().into(),
            issue_code: finding.code.name.into(),
            learn_more_link: finding.code.learn_more(),
            locations: finding.locations.iter().map(|location| self.location(location)).collect(),
        }
    }

    fn location(&self, location: &Location) -> PolicyLocation {
        let path = location.path.elements.iter().map(|element| PolicyPathElement { element: Some(step(element)) });
        let (start, end) = (self.position(location.span.start), self.position(location.span.end));
        PolicyLocation { path: path.collect(), span: Some(PolicySpan { start: Some(start), end: Some(end) }) }
    }

    /// Lines count from 1, columns and offsets from 0.
    fn position(&self, at: Position) -> PolicyPosition {
        let line = usize::try_from(at.line).unwrap_or(usize::MAX).saturating_sub(1);
        let before = self.0.get(line).copied().unwrap_or_default();
        let (column, offset) = (at.aws_column(), before.saturating_add(at.aws_column()));
        PolicyPosition { line: Some(at.line), column: Some(column), offset: Some(offset) }
    }
}

fn step(element: &PathElement) -> Element {
    match element {
        PathElement::Index(index) => Element::Index(*index),
        PathElement::Key(key) => Element::Key(key.to_string()),
        PathElement::Value(key) => Element::Value(key.to_string()),
        PathElement::Substring { start, length } => {
            Element::Substring(PolicySubstring { start: Some(*start), length: Some(*length) })
        }
    }
}
