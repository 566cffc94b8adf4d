//! One simulation: the caller, actions, resources, policies and context, and the decisions on them.

use std::collections::HashSet;

use bailiwick_api::iam::{ContextEntry, EvaluationResult, OrderedOrganizationPolicyType};
use bailiwick_decision::{DecisionInput, ResourcePolicy, Subject, SubjectKind, Trust};
use bailiwick_evaluator::{self as evaluator, Explanation, Policies, Policy, PolicyKind, Principal, Request};
use bailiwick_model::{AccountId, Arn, IamError, Partition, Result};
use bailiwick_policy_lang::Document;
use bailiwick_policy_lang::catalogue::ServiceRules;
use bailiwick_snapshot::Snapshot;

use super::caller::caller;
use super::keys::GivenKeys;
use super::outcome::{self, Outcome};
use super::source::{self, Source};
use super::{handling, invalid};
use crate::decide::target::service_prefix;
use crate::work_budget::{WorkBudget, yield_now};

/// The number of bytes of compiled policies, or of text, that count as one unit of cost. Evaluating them takes about as
/// long as a small statement.
const UNIT_BYTES: usize = 256;

/// The maximum cost of one decision, which blocks the thread.
const MAX_DECISION_COST: usize = 50_000;

/// The maximum cost of one action, whose resources all belong to one result.
const MAX_ACTION_COST: usize = 1_000_000;

/// The cost after which the task yields.
const YIELD_COST: usize = 1_000;

/// The members of a request, without the policies of identities.
pub(super) struct SimulationInput<'a> {
    pub(super) actions: &'a [String],
    pub(super) resources: &'a [String],
    pub(super) resource_policy: Option<&'a str>,
    pub(super) resource_owner: Option<&'a str>,
    pub(super) caller: Option<&'a str>,
    pub(super) context: &'a [ContextEntry],
    pub(super) handling: Option<&'a str>,
    /// The levels of an organization, the root first.
    pub(super) organization: &'a [OrderedOrganizationPolicyType],
}

/// A simulation, parsed.
pub(super) struct Simulation<'a> {
    source: &'a Source,
    caller: Subject,
    actions: &'a [String],
    resources: Vec<&'a str>,
    given: GivenKeys<'a>,
    resource_policy: Option<Policy>,
    /// The service control policies of each level of an organization. No level: no organization.
    organization: Vec<Vec<Policy>>,
    /// The cost of one decision: units of policies, times units of the text that they are compared with.
    decision_cost: usize,
    /// The trust policy of a role if none is given: it trusts the caller's account.
    trust: Policy,
    owner: AccountId,
    snapshot: &'a Snapshot,
}

impl<'a> Simulation<'a> {
    /// Parses a request.
    ///
    /// # Errors
    /// `InvalidInput`.
    pub(super) fn read(snapshot: &'a Snapshot, source: &'a Source, input: &SimulationInput<'a>) -> Result<Self> {
        for action in input.actions {
            if !action.contains(':') {
                return Err(invalid("ActionNames", "The action is invalid since it is missing names"));
            }
            let why = "an action is a service prefix, a colon and a name, without wildcards";
            service_prefix(action).map_err(|_| invalid("ActionNames", format!("Invalid action `{action}`: {why}")))?;
        }
        let mut resources: Vec<&str> = input.resources.iter().map(String::as_str).collect();
        if let Some(bad) = resources.iter().find(|resource| !is_resource(resource)) {
            let message = format!("ResourceNames are not in a valid ARN format: {bad}.");
            return Err(invalid("ResourceArns", message));
        }
        if resources.is_empty() {
            resources.push("*");
        }
        if let Some(option) = input.handling {
            handling::check(option, input.resources)?;
        }
        let caller = caller(snapshot, source, input.caller)?;
        if input.resource_policy.is_some() && caller.kind() != SubjectKind::User {
            return Err(invalid("CallerArn", "CallerArn must name an IAM user when a ResourcePolicy is given"));
        }
        let account = caller.account().unwrap_or(source.account);
        let owner = match input.resource_owner {
            Some(text) => owner(text)?,
            None => account,
        };
        let trusting = format!(
            r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":{{"AWS":"{}"}},"Action":"sts:*"}}}}"#,
            account
        );
        let resource_policy = input
            .resource_policy
            .map(|text| resource_policy(text, input.actions, &resources, snapshot.partition()))
            .transpose()?;
        let organization = organization(input.organization, snapshot.partition())?;
        let given = GivenKeys::read(input.context)?;
        let units = |bytes: usize| 1 + bytes / UNIT_BYTES;
        let policies = units(
            source
                .policies()
                .chain(&resource_policy)
                .chain(organization.iter().flatten())
                .map(Policy::heap_bytes)
                .sum(),
        );
        let longest = resources.iter().map(|resource| resource.len()).max().unwrap_or_default();
        let decision_cost = policies.saturating_mul(units(longest + given.bytes()));
        if decision_cost > MAX_DECISION_COST || decision_cost.saturating_mul(resources.len()) > MAX_ACTION_COST {
            return Err(too_large());
        }
        Ok(Simulation {
            resource_policy,
            organization,
            decision_cost,
            trust: source::compile(
                "ResourcePolicy",
                "ResourcePolicy",
                &trusting,
                PolicyKind::Trust,
                snapshot.partition(),
            )?,
            source,
            caller,
            actions: input.actions,
            resources,
            given,
            owner,
            snapshot,
        })
    }

    /// The actions, each of which has one result.
    pub(super) fn actions(&self) -> &'a [String] {
        self.actions
    }

    /// The cost of one result.
    pub(super) fn cost(&self) -> usize {
        self.decision_cost.saturating_mul(self.resources.len())
    }

    /// Decides an action on all resources. Yields in between.
    ///
    /// # Errors
    /// `InvalidInput` for a decision that would take too long.
    pub(super) async fn result(&self, action: &str) -> Result<EvaluationResult> {
        let mut outcomes = Vec::with_capacity(self.resources.len());
        let mut cost = 0;
        for resource in &self.resources {
            let mut work = WorkBudget::new();
            outcomes.push(self.decide(action, resource, &mut work)?);
            work.yield_if_due().await;
            cost += self.decision_cost;
            if cost >= YIELD_COST {
                cost = 0;
                yield_now().await;
            }
        }
        Ok(outcome::result(self.snapshot.catalogue(), action, &self.resources, outcomes))
    }

    /// Decides one request, by the code that decides live ones.
    fn decide(&self, action: &str, resource: &str, work: &mut WorkBudget) -> Result<Outcome> {
        let boundary = self.source.boundary.as_ref().map(|(policy, _)| policy);
        let caller = self.caller.resolve_with(self.snapshot, &self.source.identity, boundary);
        let account_in_arn = resource.split(':').nth(4).and_then(|account| AccountId::parse(account).ok());
        let owner = account_in_arn.unwrap_or(self.owner);
        let given = |kind| self.resource_policy.as_ref().filter(|policy| policy.kind() == kind);
        let has_policy = self.resource_policy.is_some();
        let input = DecisionInput {
            resource_account: Some(owner),
            simulated_keys: Some(&self.given),
            resource_policy: given(PolicyKind::Resource).map_or(ResourcePolicy::Unknown, ResourcePolicy::Policy),
            trust: match given(PolicyKind::Trust) {
                Some(trust) => Trust::Policy(trust),
                None if !has_policy && ServiceRules::is_decided_by_trust_policy(action) => Trust::Policy(&self.trust),
                None => Trust::None,
            },
            ..DecisionInput::new(&caller, action, resource)
        };
        let scps: Vec<&[Policy]> = self.organization.iter().map(Vec::as_slice).collect();
        input.with(|request, policies| {
            // The management account is simulated as a member: otherwise the given policies would have no effect.
            let principal = if scps.is_empty() { request.principal } else { as_member(request.principal) };
            let (request, policies) = (&Request { principal, ..*request }, &Policies { scps: &scps, ..*policies });
            let explanation = work.spend(|budget| evaluator::trace_within(request, policies, budget));
            let explanation: Explanation<'_> = explanation.map_err(|_| too_large())?;
            // As in AWS: of every statement, whatever its action and resource, and only if no statement decides.
            let is_undecided = explanation.decision.outcome == evaluator::Outcome::ImplicitDeny;
            let policies = self.source.policies().chain(&self.resource_policy);
            let mut seen = HashSet::new();
            let keys = policies.filter(|_| is_undecided).flat_map(Policy::context_keys);
            let missing = keys.filter(|key| seen.insert(*key) && request.context.value(key).is_none());
            let missing = missing.map(|key| key.as_written().to_owned());
            let is_cross_account = self.caller.account() != Some(owner);
            Ok(Outcome::of(&explanation, self.source, is_cross_account, has_policy, missing, self.resources.len()))
        })
    }
}

/// The same principal in an account that service control policies apply to.
fn as_member(mut principal: Principal<'_>) -> Principal<'_> {
    match &mut principal {
        Principal::Root { account, .. }
        | Principal::User { account, .. }
        | Principal::RoleSession { account, .. }
        | Principal::FederatedUser { account, .. } => account.is_management = false,
        Principal::Service { .. } | Principal::IdentityProvider { .. } | Principal::Anonymous => {}
    }
    principal
}

/// Compiles the service control policies of an organization, level by level.
///
/// # Errors
/// `InvalidInput` for a document that is not a service control policy, and for a level without one, which would allow
/// nothing.
fn organization(levels: &[OrderedOrganizationPolicyType], partition: Partition) -> Result<Vec<Vec<Policy>>> {
    const NAME: &str = "OrderedOrganizationPolicyInputList";
    let compile = |(at, level): (usize, &OrderedOrganizationPolicyType)| {
        let policies = &level.service_control_policy_input_list;
        let level = format!("{NAME}.{}", at + 1);
        if policies.is_empty() {
            return Err(invalid(NAME, format!("{level}: each level needs at least one service control policy")));
        }
        let named = |(at, text): (usize, &String)| {
            source::compile(NAME, &format!("{level}.{}", at + 1), text, PolicyKind::Scp, partition)
        };
        policies.iter().enumerate().map(named).collect()
    };
    levels.iter().enumerate().map(compile).collect()
}

/// Returns the error for a simulation that costs too much.
fn too_large() -> IamError {
    let why = "the policies are too large to be decided on so much at once: name fewer resources or fewer values";
    invalid("PolicyInputList", why)
}

fn is_resource(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let is_arn = parts.next() == Some("arn")
        && parts.next().is_some_and(|partition| !partition.is_empty())
        && parts.next().is_some_and(|service| !service.is_empty())
        && parts.nth(2).is_some_and(|resource| !resource.is_empty());
    text == "*" || is_arn && !text.chars().any(char::is_control)
}

/// The account that `ResourceOwner` names: by the ARN of its root user, or by its id.
fn owner(text: &str) -> Result<AccountId> {
    let arn = Arn::parse(text).ok();
    let of_arn = arn.filter(|arn| arn.service() == "iam" && arn.resource() == "root").and_then(|arn| arn.account_id());
    of_arn.or_else(|| AccountId::parse(text).ok()).ok_or_else(|| {
        invalid(
            "ResourceOwner",
            format!("Invalid ResourceOwner `{text}`: it must be the ARN of an account's root, `arn:aws:iam::ID:root`"),
        )
    })
}

/// Returns the policy of the resource. It is the trust policy of a role if trust policies decide all actions.
///
/// # Errors
/// `InvalidInput`, also for a policy that cannot be that of every resource.
fn resource_policy(text: &str, actions: &[String], resources: &[&str], partition: Partition) -> Result<Policy> {
    const NAME: &str = "ResourcePolicy";
    let is_trust = actions.iter().all(|action| ServiceRules::is_decided_by_trust_policy(action));
    let kind = if is_trust { PolicyKind::Trust } else { PolicyKind::Resource };
    let document = source::read(NAME, NAME, text, kind, partition)?;
    match resources.iter().find(|resource| !may_apply_to(&document, resource)) {
        Some(other) => Err(invalid(NAME, format!("{NAME} names no resource of the service that `{other}` is of"))),
        None => Ok(Policy::compile_named(&document, kind, Some(NAME))),
    }
}

/// Returns whether a statement of the document can apply to a resource, judged by its service.
fn may_apply_to(document: &Document, resource: &str) -> bool {
    let service = |arn: &str| arn.split(':').nth(2).map(str::to_owned);
    let of = service(resource);
    of.is_none()
        || document.statements.iter().any(|statement| match &statement.resource {
            Some(element) if !element.negated => element
                .patterns
                .iter()
                .any(|pattern| service(&pattern.value).is_none_or(|identity| Some(identity) == of)),
            _ => true,
        })
}
