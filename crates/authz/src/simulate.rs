//! Simulation of policies: SimulateCustomPolicy and SimulatePrincipalPolicy.
//!
//! A simulated request is decided by the same code as a live one, with other input: `source` has the policies, `caller` the
//! principal, `keys` the context. `simulation` decides, and `outcome` makes the response in AWS's words.

mod caller;
mod context_keys;
mod exclusions;
mod handling;
mod keys;
mod outcome;
mod resource_name;
mod simulation;
mod source;
#[cfg(test)]
mod tests;

use bailiwick_api::iam::{
    EvaluationResult, SimulateCustomPolicyRequest, SimulateCustomPolicyResponse, SimulatePrincipalPolicyRequest,
    SimulatePrincipalPolicyResponse,
};
use bailiwick_api::op;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::Tx;
use prost::Message;

use crate::{Authz, snapshot};
use exclusions::Exclusions;
use simulation::{Simulation, SimulationInput};
use source::{Source, SourceArn};

/// Simulates decisions with given policies, also with service control policies of each level of an organization. Stored
/// policies take no part.
///
/// # Errors
/// `InvalidInput` for an invalid policy, action, resource, caller or context entry, and for scenarios that lack a
/// resource or a caller that they need, and for a marker that this operation did not return.
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
        req: SimulateCustomPolicyRequest,
    ) -> Result<SimulateCustomPolicyResponse> {
        let snapshot = snapshot(cx)?;
        let mut source = Source::without_entity(cx.account());
        source.add_inputs(&snapshot, &req.policy_input_list, &req.permissions_boundary_policy_input_list)?;
        let simulation = Simulation::read(
            &snapshot,
            &source,
            &SimulationInput {
                actions: &req.action_names,
                resources: &req.resource_arns,
                resource_policy: req.resource_policy.as_deref(),
                resource_owner: req.resource_owner.as_deref(),
                caller: req.caller_arn.as_deref(),
                context: &req.context_entries,
                handling: req.resource_handling_option.as_deref(),
                organization: &req.ordered_organization_policy_input_list,
            },
        )?;
        let page = page(cx, "SimulateCustomPolicy", &simulation, req.marker.as_deref(), req.max_items).await?;
        Ok(SimulateCustomPolicyResponse {
            evaluation_results: page.results,
            is_truncated: Some(page.marker.is_some()),
            marker: page.marker,
        })
    }
}

/// Simulates decisions with an identity's policies and given ones.
///
/// A user's policies include those of its groups; excluded policies take no part. A given boundary replaces the identity's own. The principal's own
/// context keys (ARN, account, name, id, tags) are added if the request does not have them.
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

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (arn, req): Self::Plan) -> Result<SimulatePrincipalPolicyResponse> {
        let snapshot = snapshot(cx)?;
        let exclusions = Exclusions::read(&req.policy_exclusion_list, snapshot.partition())?;
        let mut source = arn.policies(&snapshot, tx, &exclusions).await?;
        source.add_inputs(&snapshot, &req.policy_input_list, &req.permissions_boundary_policy_input_list)?;
        let simulation = Simulation::read(
            &snapshot,
            &source,
            &SimulationInput {
                actions: &req.action_names,
                resources: &req.resource_arns,
                resource_policy: req.resource_policy.as_deref(),
                resource_owner: req.resource_owner.as_deref(),
                caller: req.caller_arn.as_deref(),
                context: &req.context_entries,
                handling: req.resource_handling_option.as_deref(),
                organization: &[],
            },
        )?;
        let page = page(cx, "SimulatePrincipalPolicy", &simulation, req.marker.as_deref(), req.max_items).await?;
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

/// The maximum cost of a page, whatever its requested size: see [`Simulation::cost`].
const MAX_PAGE_COST: usize = 50_000;

/// The size in bytes beyond which a page has no further results.
const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// Makes one page of results, one for each action in the order of the request.
async fn page(
    cx: &Cx,
    operation: &'static str,
    simulation: &Simulation<'_>,
    marker: Option<&str>,
    max_items: Option<i32>,
) -> Result<Page> {
    let paging = bailiwick_operation::Paging::new(cx, operation);
    let other = || {
        let message = "Invalid marker for pagination.";
        IamError::new(ErrorCode::InvalidInput, message).field("Marker", "not of this simulation")
    };
    let after = paging.after(marker).map_err(|error| match error.code() {
        ErrorCode::ValidationError => other().caused_by(error),
        _ => error,
    })?;
    let start: usize = after.map_or(Ok(0), |next| next.parse().map_err(|_| other()))?;
    let actions = simulation.actions();
    let length = paging.limit(max_items).min(MAX_PAGE_COST / simulation.cost()).max(1);
    let mut end = start;
    let (mut results, mut bytes) = (Vec::new(), 0);
    for action in actions.iter().skip(start).take(length) {
        let result = simulation.result(action).await?;
        end += 1;
        bytes += result.encoded_len();
        results.push(result);
        if bytes > MAX_PAGE_BYTES {
            break;
        }
    }
    let marker = (end < actions.len()).then(|| paging.marker(&end.to_string())).transpose()?;
    Ok(Page { results, marker })
}

fn invalid(member: &str, message: impl Into<String>) -> IamError {
    let message = message.into();
    IamError::new(ErrorCode::InvalidInput, message.clone()).field(member, message)
}
