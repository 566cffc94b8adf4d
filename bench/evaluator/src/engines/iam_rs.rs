//! iam-rs: the same JSON document.

use anyhow::Result;
use iam_rs::{Arn, Context, Decision, IAMPolicy, IAMRequest, PolicyEvaluator, Principal, PrincipalId};

use super::Engine;
use crate::world::{Request, World};

pub struct IamRs {
    evaluator: PolicyEvaluator,
}

impl IamRs {
    pub fn new(world: &World) -> Result<Self> {
        let policy: IAMPolicy = serde_json::from_value(world.document())?;
        Ok(Self { evaluator: PolicyEvaluator::with_policies(vec![policy]) })
    }
}

impl Engine for IamRs {
    fn name(&self) -> &'static str {
        "iam-rs"
    }

    fn allows(&mut self, request: &Request) -> bool {
        let Ok(resource) = Arn::parse(&request.resource) else { return false };
        let context = Context::new()
            .with_string("aws:PrincipalTag/team", &request.team)
            .with_string("aws:SourceIp", &request.source_ip)
            .with_string("aws:CurrentTime", &request.time);
        let principal = Principal::Aws(PrincipalId::String(request.principal.clone()));
        let asked = IAMRequest::new_with_context(principal, &request.action, resource, context);
        self.evaluator.evaluate(&asked).is_ok_and(|result| result.decision == Decision::Allow)
    }
}
