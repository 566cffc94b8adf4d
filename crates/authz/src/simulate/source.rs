//! The policies to simulate, and their names in the response.

use std::sync::Arc;

use bailiwick_evaluator::{Policy, PolicyKind};
use bailiwick_model::{AccountId, Arn, GroupName, IamError, Partition, Result};
use bailiwick_operation::Check;
use bailiwick_policy_lang::{Document, PolicyError, SaveRules, parse, parse_strict};
use bailiwick_snapshot::{Entity, Holder, Snapshot};
use bailiwick_storage::{Group, Identity, Tx};

use super::exclusions::Exclusions;
use super::invalid;

/// The ARN of a user, group or role.
pub struct SourceArn {
    arn: Arn,
    account: AccountId,
}

/// The policies of a simulation and the identity that has them.
pub(super) struct Source {
    pub(super) identity: Vec<Policy>,
    /// The name of each: AWS's `SourcePolicyId`.
    pub(super) ids: Vec<String>,
    pub(super) boundary: Option<(Policy, String)>,
    /// The user or role that has the policies.
    pub(super) entity: Option<Arc<Entity>>,
    /// The account that has the policies.
    pub(super) account: AccountId,
}

impl SourceArn {
    /// Parses `PolicySourceArn`.
    ///
    /// # Errors
    /// `InvalidInput` for an ARN that is not of a user, group or role.
    pub(super) fn read(text: Option<&str>) -> Result<Self> {
        let text = text.unwrap_or_default();
        let unclear = || {
            invalid(
                "PolicySourceArn",
                format!("Invalid Entity Arn: {text} does not clearly define entity type and name."),
            )
        };
        let arn = Arn::parse(text).map_err(|_| unclear())?;
        let account = arn.account_id().filter(|_| arn.service() == "iam").ok_or_else(unclear)?;
        match arn.typed_resource() {
            Some(("user" | "group" | "role", _, name)) if !name.is_empty() => Ok(SourceArn { arn, account }),
            _ => Err(unclear()),
        }
    }

    /// The check of an action on the identity.
    pub(super) fn check(&self, snapshot: &Snapshot, action: &'static str) -> Check {
        let check = Check::new(action, &self.arn);
        match snapshot.entity_by_arn(&self.arn) {
            Some(entity) => check.resource_tags(entity.tags()),
            None => check,
        }
    }

    /// Returns the policies of the identity that are not excluded.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) async fn policies(&self, snapshot: &Snapshot, tx: &mut Tx, exclusions: &Exclusions) -> Result<Source> {
        let (kind, _, name) = self.arn.typed_resource().unwrap_or_default();
        let missing = || IamError::no_such(kind, name);
        if kind == "group" {
            return self.policies_of_group(snapshot, tx, name, exclusions).await?.ok_or_else(missing);
        }
        let entity = snapshot.entity_by_arn(&self.arn).ok_or_else(missing)?;
        let entity = snapshot.entity_arc(&entity.id).ok_or_else(missing)?;
        let effective_policies = snapshot.effective_policies(&entity.id).ok_or_else(missing)?;
        let mut source = Source { entity: Some(entity.clone()), ..Source::without_entity(self.account) };
        for (at, policy) in effective_policies.identity().enumerate() {
            let (kind, holder) = match effective_policies.holder(snapshot, at) {
                Holder::Own => (if entity.is_role() { "role" } else { "user" }, &*entity.name),
                Holder::Group(group) => ("group", &*group.name),
            };
            if !exclusions.leave_out(policy, kind, holder) {
                source.add(policy.clone(), stored_id(policy, kind, holder));
            }
        }
        let boundary = effective_policies.boundary().filter(|_| !exclusions.leave_out_boundary());
        source.boundary = boundary.map(|policy| (policy.clone(), stored_id(policy, "none", "")));
        Ok(source)
    }

    /// Reads the policies of a group from the store: the snapshot has groups only as parts of their members.
    async fn policies_of_group(
        &self,
        snapshot: &Snapshot,
        tx: &mut Tx,
        name: &str,
        exclusions: &Exclusions,
    ) -> Result<Option<Source>> {
        let Ok(name) = GroupName::parse(name) else { return Ok(None) };
        let Some(group) = tx.find::<Group>(self.account, &name).await? else { return Ok(None) };
        let own = Arn::iam(snapshot.partition(), self.account, format_args!("group{}{}", group.path, group.name));
        if own != self.arn {
            return Ok(None);
        }
        let mut source = Source::without_entity(self.account);
        let identity = Identity::from(&group);
        for inline in tx.list_inline_policies(&identity, None, usize::MAX).await?.items {
            let document = parse(&inline.document, PolicyKind::Identity).map_err(IamError::internal)?;
            let policy = Policy::compile_named(&document, PolicyKind::Identity, Some(inline.name.as_str()));
            if !exclusions.leave_out(&policy, "group", group.name.as_str()) {
                let id = stored_id(&policy, "group", group.name.as_str());
                source.add(policy, id);
            }
        }
        for attached in tx.list_attached(&identity, "/", None, usize::MAX).await?.items {
            let managed = snapshot.managed_policy_by_ref(attached.reference());
            let policy = managed.map(|managed| managed.policy.clone());
            let policy = policy.ok_or_else(|| IamError::internal("an attached policy is not in the snapshot"))?;
            if !exclusions.leave_out(&policy, "group", group.name.as_str()) {
                let id = stored_id(&policy, "group", group.name.as_str());
                source.add(policy, id);
            }
        }
        Ok(Some(source))
    }
}

impl Source {
    /// No policies and no identity.
    pub(super) fn without_entity(account: AccountId) -> Self {
        Source { identity: Vec::new(), ids: Vec::new(), boundary: None, entity: None, account }
    }

    fn add(&mut self, policy: Policy, id: String) {
        self.identity.push(policy);
        self.ids.push(id);
    }

    /// Adds the policies of the request. A boundary among them replaces the stored one.
    ///
    /// # Errors
    /// `InvalidInput` for a document that could not be saved as such a policy, and for more than one boundary.
    pub(super) fn add_inputs(&mut self, snapshot: &Snapshot, policies: &[String], boundaries: &[String]) -> Result<()> {
        let partition = snapshot.partition();
        for (at, text) in policies.iter().enumerate() {
            let (policy, id) = input("PolicyInputList", at, text, PolicyKind::Identity, partition)?;
            self.add(policy, id);
        }
        let name = "PermissionsBoundaryPolicyInputList";
        match boundaries {
            [] => Ok(()),
            [text] => {
                self.boundary = Some(input(name, 0, text, PolicyKind::Boundary, partition)?);
                Ok(())
            }
            _ => Err(invalid(name, "The list of Permissions Boundary policies cannot exceed 1 items.")),
        }
    }

    /// Every policy, the boundary last.
    pub(super) fn policies(&self) -> impl Iterator<Item = &Policy> {
        self.identity.iter().chain(self.boundary.iter().map(|(policy, _)| policy))
    }
}

/// Compiles a policy in a list of the request; `at` counts from 0, its name from 1.
///
/// # Errors
/// `InvalidInput` with the place and what was expected there.
pub(super) fn input(
    list: &str,
    at: usize,
    text: &str,
    kind: PolicyKind,
    partition: Partition,
) -> Result<(Policy, String)> {
    let id = format!("{list}.{}", at + 1);
    let policy = compile(list, &id, text, kind, partition)?;
    Ok((policy, id))
}

/// Compiles a policy in `member` of the request, under a name.
///
/// # Errors
/// `InvalidInput` with the place and what was expected there.
pub(super) fn compile(member: &str, name: &str, text: &str, kind: PolicyKind, partition: Partition) -> Result<Policy> {
    let document = read(member, name, text, kind, partition)?;
    Ok(Policy::compile_named(&document, kind, Some(name)))
}

/// Parses a policy in `member` of the request, under a name.
///
/// # Errors
/// As [`compile`].
pub(super) fn read(member: &str, name: &str, text: &str, kind: PolicyKind, partition: Partition) -> Result<Document> {
    let rules = SaveRules { partition: Some(partition.as_str()), ..SaveRules::default() };
    let refused = |error: PolicyError| invalid(member, format!("{name}: {error}")).caused_by(error);
    parse_strict(text, kind, &rules).map_err(refused)
}

/// The name of a stored policy. A managed policy is compiled under its ARN, an inline one under its name.
fn stored_id(policy: &Policy, holder_kind: &str, holder: &str) -> String {
    let name = policy.name().unwrap_or_default();
    match Arn::parse(name) {
        Ok(arn) => arn.typed_resource().map_or(arn.resource(), |(_, _, name)| name).to_owned(),
        Err(_) => format!("{holder_kind}_{holder}_{name}"),
    }
}
