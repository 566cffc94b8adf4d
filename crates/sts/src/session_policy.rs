//! Session policies, which limit a session.

use bailiwick_api::sts::PolicyDescriptorType;
use bailiwick_model::limits::{SESSION_POLICY_ARNS, SESSION_POLICY_SIZE};
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Partition, PolicyName, Result};
use bailiwick_operation::SessionPolicyRef;
use bailiwick_policy_lang::{PolicyKind, SaveRules, parse_strict, to_json};
use bailiwick_storage::{Policy, Tx};

/// The session policies of a request.
#[derive(Debug, PartialEq)]
pub(crate) struct SessionPolicies {
    /// The inline policy without insignificant white space.
    pub(crate) inline: Option<String>,
    arns: Vec<Arn>,
}

impl SessionPolicies {
    /// # Errors
    /// `ValidationError` for a policy that is too long, too many ARNs or an invalid ARN; `MalformedPolicyDocument`.
    pub(crate) fn read(inline: Option<&str>, arns: &[PolicyDescriptorType], partition: Partition) -> Result<Self> {
        let inline = inline.map(|text| read_inline(text, partition)).transpose()?;
        if arns.len() > SESSION_POLICY_ARNS {
            return Err(constraint("policyArns", SESSION_POLICY_ARNS));
        }
        let arns = arns.iter().map(|descriptor| {
            let text = descriptor.arn.as_deref().unwrap_or("");
            Arn::parse(text)
                .map_err(|_| IamError::validation(format!("{text} is invalid")).field("PolicyArns", "an ARN"))
        });
        Ok(Self { inline, arns: arns.collect::<Result<_>>()? })
    }

    /// Looks up the managed policies, which may be of the role's account or the deployment's.
    ///
    /// # Errors
    /// `ValidationError` for a missing one.
    pub(crate) async fn managed(
        &self,
        tx: &mut Tx,
        role: AccountId,
        partition: Partition,
    ) -> Result<Vec<SessionPolicyRef>> {
        let mut found = Vec::with_capacity(self.arns.len());
        for arn in &self.arns {
            let stored = find(tx, arn, role, partition).await?;
            found.push(stored.ok_or_else(|| {
                IamError::no_policy(ErrorCode::ValidationError, arn, format!("Policy {arn} was not found."))
            })?);
        }
        Ok(found)
    }

    /// The number of bytes that they take in a token.
    pub(crate) fn packed_len(&self) -> usize {
        let texts = self.inline.iter().map(String::len).chain(self.arns.iter().map(|arn| arn.as_str().len()));
        texts.sum()
    }
}

fn read_inline(text: &str, partition: Partition) -> Result<String> {
    if text.chars().count() > SESSION_POLICY_SIZE {
        return Err(constraint("policy", SESSION_POLICY_SIZE));
    }
    let rules = SaveRules { partition: Some(partition.as_str()), ..SaveRules::default() };
    let document = parse_strict(text, PolicyKind::Session, &rules).map_err(|error| {
        IamError::new(ErrorCode::MalformedPolicyDocument, error.aws_message()).field("Policy", error.to_string())
    })?;
    Ok(to_json(&document))
}

async fn find(tx: &mut Tx, arn: &Arn, role: AccountId, partition: Partition) -> Result<Option<SessionPolicyRef>> {
    let account = match arn.account() {
        "aws" => AccountId::NONE,
        _ if arn.account_id() == Some(role) => role,
        _ => return Ok(None),
    };
    let Some(("policy", _, name)) = arn.typed_resource() else { return Ok(None) };
    let Ok(name) = PolicyName::parse(name) else { return Ok(None) };
    let Some(policy) = tx.find::<Policy>(account, &name).await? else { return Ok(None) };
    let stored = Arn::iam(partition, account, format_args!("policy{}{}", policy.path, policy.name));
    let is_it = stored.as_str().eq_ignore_ascii_case(arn.as_str());
    Ok(is_it.then_some(SessionPolicyRef { arn: stored, policy: policy.reference() }))
}

fn constraint(member: &str, limit: usize) -> IamError {
    IamError::validation(format!(
        "1 validation error detected: Value at '{member}' failed to satisfy constraint: Member must have length less \
         than or equal to {limit}"
    ))
}

#[cfg(test)]
mod tests;
