//! The builder of what the evaluator decides: one request, and the policies that apply to it.

use bailiwick_evaluator::{Context, ContextSource, Policies, Policy, Request, ResourceAccount};
use bailiwick_model::AccountId;
use bailiwick_policy_lang::catalogue::ServiceRules;
use jiff::Timestamp;
use smallvec::SmallVec;

use crate::keys::{SystemKeys, provider_values};
use crate::{ObservedKeys, ResolvedSubject, StoredResource, Trust};

/// One request to decide: a principal, an action, a resource, and their circumstances.
///
/// Every decision of Bailiwick is built here: of its own operations, of other services, and of simulations. See the
/// [crate](crate) for an example.
///
/// # Context
/// The keys of the principal, the session, the time and the resource's account come from Bailiwick, then the tags of the
/// stored resource, then the keys of the request. The first source that has a key wins, so a request cannot override
/// what Bailiwick knows. Only in simulations do [given keys](Self::simulated_keys) win.
pub struct DecisionInput<'a, 's> {
    /// The principal, on the view that the decision is made on.
    pub subject: &'a ResolvedSubject<'s>,
    /// The action, such as `s3:GetObject`.
    pub action: &'a str,
    /// The ARN of the resource, or `*`.
    pub resource: &'a str,
    /// The account that owns the resource.
    pub resource_account: Option<AccountId>,
    /// The time of the decision. Without one, no condition on the time is met.
    pub now: Option<Timestamp>,
    /// When the caller authenticated with a second factor within the request itself. It counts before that of the session.
    pub second_factor: Option<Timestamp>,
    /// What the view has of the resource, for its tags. Its policy takes part only as [`Self::resource_policy`].
    pub stored: Option<&'a StoredResource<'a>>,
    /// The keys of the request, in order of precedence.
    pub keys: &'a [&'a dyn ContextSource],
    /// In a simulation, the keys that win over all others.
    pub simulated_keys: Option<&'a dyn ContextSource>,
    /// Where the context keys are recorded that the evaluator looks at.
    pub observed: Option<&'a ObservedKeys>,
    /// The policy of the resource.
    pub resource_policy: ResourcePolicy<'a>,
    /// The trust policy that takes part.
    pub trust: Trust<'a>,
}

/// The policy of a resource.
#[derive(Clone, Copy, Default)]
pub enum ResourcePolicy<'a> {
    /// The resource has none. If its service says that the [resource policy must
    /// allow](ServiceRules::resource_policy_must_allow), nothing is allowed.
    #[default]
    None,
    /// This one.
    Policy(&'a Policy),
    /// In a simulation: it is not known, and the decision is that of the other policies.
    Unknown,
}

impl<'a> From<Option<&'a Policy>> for ResourcePolicy<'a> {
    fn from(policy: Option<&'a Policy>) -> Self {
        policy.map_or(ResourcePolicy::None, ResourcePolicy::Policy)
    }
}

impl<'a, 's> DecisionInput<'a, 's> {
    /// Returns a request without context keys, resource policy and trust policy.
    pub fn new(subject: &'a ResolvedSubject<'s>, action: &'a str, resource: &'a str) -> Self {
        DecisionInput {
            subject,
            action,
            resource,
            resource_account: None,
            now: None,
            second_factor: None,
            stored: None,
            keys: &[],
            simulated_keys: None,
            observed: None,
            resource_policy: ResourcePolicy::None,
            trust: Trust::None,
        }
    }

    /// Calls `then` with the request and the policies, as the evaluator takes them.
    pub fn with<R>(&self, then: impl FnOnce(&Request<'_>, &Policies<'_>) -> R) -> R {
        let digits = self.resource_account.map(AccountId::digits);
        let resource_account = digits.as_ref().and_then(|digits| std::str::from_utf8(digits).ok());
        let provider_values = &provider_values(self.subject);
        let system = SystemKeys {
            subject: self.subject,
            now: self.now,
            second_factor: self.second_factor,
            resource_account,
            provider_values,
        };
        let mut layers: SmallVec<[&dyn ContextSource; 6]> = SmallVec::new();
        layers.extend(self.observed.map(|observed| observed as &dyn ContextSource));
        layers.extend(self.simulated_keys);
        layers.push(&system);
        layers.extend(self.stored.map(|stored| stored as &dyn ContextSource));
        layers.extend_from_slice(self.keys);
        let management = self.subject.view.management_account();
        let request = Request {
            principal: self.subject.principal(),
            action: self.action,
            resource: self.resource,
            resource_account: ResourceAccount {
                id: self.resource_account,
                is_management: self.resource_account == Some(management),
            },
            context: Context::new(&layers),
        };
        let (resource, is_known) = match self.resource_policy {
            ResourcePolicy::None => (None, true),
            ResourcePolicy::Policy(policy) => (Some(policy), true),
            ResourcePolicy::Unknown => (None, false),
        };
        let policies = Policies {
            resource,
            resource_must_allow: is_known && ServiceRules::of_action(self.action).resource_policy_must_allow,
            trust: self.trust.policy(),
            ..self.subject.policies()
        };
        then(&request, &policies)
    }
}
