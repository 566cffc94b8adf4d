//! The operation that imports managed policies.

use std::collections::HashSet;

use bailiwick_api::{admin as pb, op};
use bailiwick_model::{ErrorCode, IamError, IdKind, Path, PolicyName, Result, UniqueId};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::Tx;
use jiff::Timestamp;

use super::import::{ManagedPolicy, Outcome, import};
use crate::Directory;
use crate::request::required;
use crate::view::count;

/// Managed policies to import.
pub struct Import {
    policies: Result<Vec<ManagedPolicy>>,
    /// Whether policies that come with Bailiwick are replaced.
    replace_built_in: bool,
}

/// Stores managed policies, all or none, and returns what it did with each.
///
/// They belong to the management account: callers of other accounts are denied, whatever their own policies say.
///
/// # Errors
/// `MalformedPolicyDocument`; `InvalidInput` for a duplicate name or an invalid date.
impl Handle<op::ImportManagedPolicies> for Directory {
    type Plan = Import;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ImportManagedPoliciesRequest) -> Result<Planned<Import>> {
        let check = Check::without_resource("bailiwick:ImportManagedPolicies", cx.deployment().management_account);
        let replace_built_in = req.replace_built_in.unwrap_or(false);
        Ok(Planned::new(Import { policies: parse(cx, req.policies), replace_built_in }).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: Import) -> Result<pb::ImportManagedPoliciesResponse> {
        let policies = plan.policies?;
        let outcomes = import(tx, &policies, plan.replace_built_in, cx.date(), &*cx.deployment().random).await?;
        let count = |outcome| count(outcomes.iter().filter(|found| **found == outcome).count() as u64);
        let imported = policies.iter().zip(&outcomes).map(|(policy, outcome)| pb::ImportedManagedPolicy {
            policy_arn: policy.arn(cx.partition()).to_string(),
            outcome: shown(*outcome).into(),
        });
        Ok(pb::ImportManagedPoliciesResponse {
            created: count(Outcome::Created),
            updated: count(Outcome::Updated),
            unchanged: count(Outcome::Unchanged),
            kept_built_in: count(Outcome::KeptBuiltIn),
            policies: imported.collect(),
        })
    }
}

fn shown(outcome: Outcome) -> pb::ManagedPolicyOutcome {
    match outcome {
        Outcome::Created => pb::ManagedPolicyOutcome::Created,
        Outcome::Updated => pb::ManagedPolicyOutcome::Updated,
        Outcome::Unchanged => pb::ManagedPolicyOutcome::Unchanged,
        Outcome::KeptBuiltIn => pb::ManagedPolicyOutcome::KeptBuiltIn,
    }
}

/// Parses the policies, without their documents.
fn parse(cx: &Cx, given: Vec<pb::ManagedPolicy>) -> Result<Vec<ManagedPolicy>> {
    let mut names = HashSet::new();
    let mut policies = Vec::with_capacity(given.len());
    for given in given {
        let policy = parse_one(cx, given)?;
        if !names.insert(policy.name.key()) {
            return Err(invalid(format!("the policy `{}` is listed twice", policy.name)));
        }
        policies.push(policy);
    }
    Ok(policies)
}

fn parse_one(cx: &Cx, given: pb::ManagedPolicy) -> Result<ManagedPolicy> {
    let date = |date: Option<prost_types::Timestamp>| match date {
        Some(date) => Timestamp::new(date.seconds, 0).map_err(|_| invalid("a date is out of range".into())),
        None => Ok(cx.date()),
    };
    let id = given.policy_id.as_deref().map(UniqueId::parse).transpose()?;
    let version = given.version.and_then(|version| u32::try_from(version).ok()).filter(|version| *version > 0);
    Ok(ManagedPolicy {
        name: PolicyName::parse(required(&given.policy_name, "policyName")?)?,
        path: Path::parse(given.path.as_deref().unwrap_or("/"))?,
        id: id.filter(|id| id.kind() == IdKind::Policy),
        description: given.description.clone().filter(|text| !text.is_empty()),
        created: date(given.create_date)?,
        updated: date(given.update_date)?,
        version: version.ok_or_else(|| invalid("a version has a number from 1 on".into()))?,
        document: required(&given.policy_document, "policyDocument")?.to_owned(),
    })
}

fn invalid(message: String) -> IamError {
    IamError::new(ErrorCode::InvalidInput, message)
}

/// What a client sends to import a policy that it read from a file.
impl From<ManagedPolicy> for pb::ManagedPolicy {
    fn from(policy: ManagedPolicy) -> Self {
        let date = |time: Timestamp| Some(prost_types::Timestamp { seconds: time.as_second(), nanos: 0 });
        pb::ManagedPolicy {
            policy_name: Some(policy.name.to_string()),
            path: Some(policy.path.to_string()),
            policy_id: policy.id.map(|id| id.to_string()),
            description: policy.description,
            version: i32::try_from(policy.version).ok(),
            policy_document: Some(policy.document),
            create_date: date(policy.created),
            update_date: date(policy.updated),
        }
    }
}
