//! The context keys that policies use, which a simulation may need.

use std::collections::HashSet;

use bailiwick_api::iam::{
    GetContextKeysForCustomPolicyRequest, GetContextKeysForCustomPolicyResponse,
    GetContextKeysForPrincipalPolicyRequest, GetContextKeysForPrincipalPolicyResponse,
};
use bailiwick_api::op;
use bailiwick_evaluator::{Policy, PolicyKind};
use bailiwick_model::Result;
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::Tx;

use super::exclusions::Exclusions;
use super::source::{self, SourceArn};
use crate::{Authz, snapshot};

/// Lists the condition keys that given policies use, in conditions and as variables; each once, without regard to case,
/// in order of appearance. Accepts identity, resource and trust policies.
///
/// # Errors
/// `InvalidInput` for an invalid policy.
impl Handle<op::GetContextKeysForCustomPolicy> for Authz {
    /// The policies, as text.
    type Plan = Vec<String>;

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        req: GetContextKeysForCustomPolicyRequest,
    ) -> Result<Planned<Vec<String>>> {
        let check = Check::without_resource("iam:GetContextKeysForCustomPolicy", cx.account());
        Ok(Planned::new(req.policy_input_list).check(check))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, inputs: Vec<String>) -> Result<GetContextKeysForCustomPolicyResponse> {
        let read = |(at, text): (usize, &String)| {
            let read =
                |kind| source::input("PolicyInputList", at, text, kind, cx.partition()).map(|(policy, _)| policy);
            read(PolicyKind::Identity)
                .or_else(|error| read(PolicyKind::Resource).or_else(|_| read(PolicyKind::Trust)).map_err(|_| error))
        };
        let policies: Vec<Policy> = inputs.iter().enumerate().map(read).collect::<Result<_>>()?;
        Ok(GetContextKeysForCustomPolicyResponse { context_key_names: names(&policies) })
    }
}

/// Lists the condition keys that an identity's policies use, including those of its groups, its boundary and given ones.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` for an invalid policy, or an ARN that is not of a user, group or role.
impl Handle<op::GetContextKeysForPrincipalPolicy> for Authz {
    /// The identity, and policies to add, as text.
    type Plan = (SourceArn, Vec<String>);

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        req: GetContextKeysForPrincipalPolicyRequest,
    ) -> Result<Planned<Self::Plan>> {
        let source = SourceArn::read(req.policy_source_arn.as_deref())?;
        let check = source.check(&*snapshot(cx)?, "iam:GetContextKeysForPrincipalPolicy");
        Ok(Planned::new((source, req.policy_input_list)).check(check))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (arn, inputs): Self::Plan,
    ) -> Result<GetContextKeysForPrincipalPolicyResponse> {
        let snapshot = snapshot(cx)?;
        let mut source = arn.policies(&snapshot, tx, &Exclusions::default()).await?;
        source.add_inputs(&snapshot, &inputs, &[])?;
        let policies: Vec<Policy> = source.policies().cloned().collect();
        Ok(GetContextKeysForPrincipalPolicyResponse { context_key_names: names(&policies) })
    }
}

fn names(policies: &[Policy]) -> Vec<String> {
    let mut seen = HashSet::new();
    let keys = policies.iter().flat_map(Policy::context_keys).filter(|key| seen.insert(*key));
    keys.map(|key| key.as_written().to_owned()).collect()
}
