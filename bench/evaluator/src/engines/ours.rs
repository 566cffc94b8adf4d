//! This project's evaluator.

use anyhow::{Context as _, Result};
use bailiwick_evaluator::{
    Context, ContextSource, ContextValue, Decision, Entity, IndexedPolicies, Policies, Policy, Principal,
    Request as OurRequest, decide,
};
use bailiwick_model::AccountId;
use bailiwick_policy_lang::{Limits, PolicyKind, parse_with};

use super::Engine;
use crate::world::{Request, Statement, World};

pub struct Ours {
    policies: Vec<Policy>,
    /// An index over all policies, in place of the list.
    indexed: Option<IndexedPolicies>,
}

impl Ours {
    pub fn new(world: &World) -> Result<Self> {
        Self::of(&world.document().to_string())
    }

    pub fn of(text: &str) -> Result<Self> {
        Self::of_texts(&[text.to_owned()], false)
    }

    /// The statements of a world, spread over many policies.
    pub fn attached(world: &World, policies: usize, indexed: bool) -> Result<Self> {
        let per_policy = world.statements.len().div_ceil(policies);
        let part = |statements: &[Statement]| World { statements: statements.to_vec(), requests: Vec::new() };
        let texts = world.statements.chunks(per_policy).map(|statements| part(statements).document().to_string());
        Self::of_texts(&texts.collect::<Vec<_>>(), indexed)
    }

    pub fn of_texts(texts: &[String], indexed: bool) -> Result<Self> {
        let policies = texts.iter().map(|text| compile(text)).collect::<Result<Vec<_>>>()?;
        Ok(if indexed {
            Self { policies: Vec::new(), indexed: Some(IndexedPolicies::new(policies)) }
        } else {
            Self { policies, indexed: None }
        })
    }

    pub fn allows_shared(&self, request: &Request) -> bool {
        self.decide(request).is_some_and(|decision| decision.is_allowed())
    }

    pub fn decide(&self, request: &Request) -> Option<Decision> {
        let account = AccountId::parse(request.principal.strip_prefix("arn:aws:iam::")?.get(..12)?).ok()?;
        let keys = [
            ("aws:PrincipalArn", ContextValue::One(&request.principal)),
            ("aws:PrincipalTag/team", ContextValue::One(&request.team)),
            ("aws:SourceIp", ContextValue::One(&request.source_ip)),
            ("aws:CurrentTime", ContextValue::One(&request.time)),
        ];
        let layers: [&dyn ContextSource; 1] = [&keys];
        let asked = OurRequest {
            principal: Principal::User {
                account: account.into(),
                user: Entity { arn: &request.principal, unique_id: None },
            },
            action: &request.action,
            resource: &request.resource,
            resource_account: account.into(),
            context: Context::new(&layers),
        };
        let (identity, indexed) = ([&*self.policies], self.indexed.as_ref());
        Some(decide(&asked, &Policies { identity: &identity, indexed, ..Policies::default() }))
    }
}

/// From text to compiled form.
pub fn compile(text: &str) -> Result<Policy> {
    let limits = Limits { max_bytes: 1 << 30, ..Limits::default() };
    let document = parse_with(text, PolicyKind::Identity, &limits).context("our own policy")?;
    Ok(Policy::compile(&document, PolicyKind::Identity))
}

impl Engine for Ours {
    fn name(&self) -> &'static str {
        "bailiwick"
    }

    fn allows(&mut self, request: &Request) -> bool {
        self.allows_shared(request)
    }
}
