//! Trying policies without acting: SimulateCustomPolicy and SimulatePrincipalPolicy.
//!
//! A simulated request is decided by what decides live ones; only where its parts come from differs. `scenario` is
//! what is asked, `source` whose policies it is asked of, `keys` the context, `outcome` the answer in AWS's words.

mod context_keys;
mod handling;
mod keys;
mod outcome;
mod scenario;
mod source;

use bailiwick_api::iam::{
    EvaluationResult, SimulateCustomPolicyRequest, SimulateCustomPolicyResponse, SimulatePrincipalPolicyRequest,
    SimulatePrincipalPolicyResponse,
};
use bailiwick_api::op;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_sigv4::PayloadHash;
use bailiwick_storage::Tx;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use prost::Message;

use crate::Authz;
use crate::decide::snapshot;
use scenario::{Asked, Scenario};
use source::{Source, SourceArn};

/// Tells what given policies would decide. Nothing that is stored takes part.
///
/// # Errors
/// `InvalidInput` for a policy, action, resource, caller or context entry that is none, and for scenarios that lack a
/// resource or a caller that they need; `ValidationError` for a marker that this operation did not give.
impl Handle<op::SimulateCustomPolicy> for Authz {
    /// The request: no check depends on any of it.
    type Plan = SimulateCustomPolicyRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: SimulateCustomPolicyRequest) -> Result<Planned<Self::Plan>> {
        Ok(Planned::new(req).check(Check::without_resource("iam:SimulateCustomPolicy", cx.account())))
    }

    async fn handle(
        &self,
        cx: &Cx,
        _: &mut Tx,
        mut req: SimulateCustomPolicyRequest,
    ) -> Result<SimulateCustomPolicyResponse> {
        unsupported("OrderedOrganizationPolicyInputList", req.ordered_organization_policy_input_list.is_empty())?;
        let (marker, max_items) = (req.marker.take(), req.max_items.take());
        let snapshot = snapshot(cx)?;
        let mut source = Source::nobody(cx.account());
        source.add_inputs(&snapshot, &req.policy_input_list, &req.permissions_boundary_policy_input_list)?;
        let scenario = Scenario::read(
            &snapshot,
            &source,
            &Asked {
                actions: &req.action_names,
                resources: &req.resource_arns,
                resource_policy: req.resource_policy.as_deref(),
                resource_owner: req.resource_owner.as_deref(),
                caller: req.caller_arn.as_deref(),
                context: &req.context_entries,
                handling: req.resource_handling_option.as_deref(),
            },
        )?;
        let page = page(cx, "SimulateCustomPolicy", &scenario, &req, (marker.as_deref(), max_items)).await?;
        Ok(SimulateCustomPolicyResponse {
            evaluation_results: page.results,
            is_truncated: Some(page.marker.is_some()),
            marker: page.marker,
        })
    }
}

/// Tells what an identity's policies, with given ones added, would decide.
///
/// A user brings the policies of his groups; a boundary that is given takes the place of the identity's own. The
/// principal's own context keys (ARN, account, name, id, tags) are filled in where the request does not bring them.
///
/// # Errors
/// As SimulateCustomPolicy; `NoSuchEntity`.
impl Handle<op::SimulatePrincipalPolicy> for Authz {
    /// The identity whose policies are simulated, and the request.
    type Plan = (SourceArn, SimulatePrincipalPolicyRequest);

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: SimulatePrincipalPolicyRequest) -> Result<Planned<Self::Plan>> {
        let source = SourceArn::read(req.policy_source_arn.as_deref())?;
        let check = source.check(&*snapshot(cx)?, "iam:SimulatePrincipalPolicy");
        Ok(Planned::new((source, req)).check(check))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (arn, mut req): Self::Plan,
    ) -> Result<SimulatePrincipalPolicyResponse> {
        unsupported("PolicyExclusionList", req.policy_exclusion_list.is_empty())?;
        let (marker, max_items) = (req.marker.take(), req.max_items.take());
        let snapshot = snapshot(cx)?;
        let mut source = arn.policies(&snapshot, tx).await?;
        source.add_inputs(&snapshot, &req.policy_input_list, &req.permissions_boundary_policy_input_list)?;
        let scenario = Scenario::read(
            &snapshot,
            &source,
            &Asked {
                actions: &req.action_names,
                resources: &req.resource_arns,
                resource_policy: req.resource_policy.as_deref(),
                resource_owner: req.resource_owner.as_deref(),
                caller: req.caller_arn.as_deref(),
                context: &req.context_entries,
                handling: req.resource_handling_option.as_deref(),
            },
        )?;
        let page = page(cx, "SimulatePrincipalPolicy", &scenario, &req, (marker.as_deref(), max_items)).await?;
        Ok(SimulatePrincipalPolicyResponse {
            evaluation_results: page.results,
            is_truncated: Some(page.marker.is_some()),
            marker: page.marker,
        })
    }
}

struct Page {
    results: Vec<EvaluationResult>,
    marker: Option<String>,
}

/// A page ends where this much has been looked at, however many results were asked for: see [`Scenario::cost`].
const LOOKS: usize = 50_000;

/// Nor does it go on beyond this many bytes.
const BYTES: usize = 1024 * 1024;

/// One page of results, which are one for each action, in the order in which these were given.
///
/// A marker is good for the same question only: `request`, without its marker and size of pages.
async fn page(
    cx: &Cx,
    operation: &'static str,
    scenario: &Scenario<'_>,
    request: &impl Message,
    asked: (Option<&str>, Option<i32>),
) -> Result<Page> {
    let (marker, max_items) = asked;
    let paging = cx.paging(operation);
    let question = BASE64.encode(PayloadHash::of(&request.encode_to_vec()).0);
    let start = match paging.after(marker)? {
        None => 0,
        Some(next) => {
            let (next, of) = next.split_once(' ').unwrap_or_default();
            let next = next.parse().ok().filter(|_| of == question);
            next.ok_or_else(|| IamError::validation("Invalid Marker.").field("Marker", "not of this simulation"))?
        }
    };
    let actions = scenario.actions();
    let length = paging.limit(max_items).min(LOOKS / scenario.cost()).max(1);
    let mut end = start;
    let (mut results, mut bytes) = (Vec::new(), 0);
    for action in actions.iter().skip(start).take(length) {
        let result = scenario.result(action).await?;
        end += 1;
        bytes += result.encoded_len();
        results.push(result);
        if bytes > BYTES {
            break;
        }
    }
    let marker = (end < actions.len()).then(|| paging.marker(&format!("{end} {question}"))).transpose()?;
    Ok(Page { results, marker })
}

/// Refuses a member that this version does not simulate, rather than leave it out of the decision.
fn unsupported(member: &str, absent: bool) -> Result<()> {
    if absent {
        Ok(())
    } else {
        Err(invalid(member, format!("{member} is not supported by this version of Bailiwick")))
    }
}

fn invalid(member: &str, message: impl Into<String>) -> IamError {
    let message = message.into();
    IamError::new(ErrorCode::InvalidInput, message.clone()).field(member, message)
}
