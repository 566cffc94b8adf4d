//! Import of managed policies from the output of the AWS CLI.
//!
//! Accepts the output of `get-account-authorization-details --filter AWSManagedPolicy`, and an array of pairs of the
//! outputs of `get-policy` and `get-policy-version`: `[{"Policy": {…}, "PolicyVersion": {…}}, …]`. Documents may be
//! objects or strings, percent-encoded or plain. Any other input is refused as a whole.

use std::collections::HashSet;
use std::fmt;

use bailiwick_model::{AccountId, Arn, Partition, Path, PolicyName, Result, Tags, UniqueId};
use bailiwick_model::{IdKind, limits};
use bailiwick_operation::Random;
use bailiwick_policy_lang::{Document, PolicyKind, parse, to_json};
use bailiwick_storage::{Policy, Tx};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::document;
use crate::policies::policy_version::number;

/// How many problems an [`ImportError`] names.
const MOST_PROBLEMS: usize = 20;

/// A managed policy to be stored, with the document of its default version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// Its name.
    pub name: PolicyName,
    /// The path before its name.
    pub path: Path,
    /// The unique id to keep, if any. It gets a new one if that is taken.
    pub id: Option<UniqueId>,
    /// Its description.
    pub description: Option<String>,
    /// When it was created.
    pub created: Timestamp,
    /// When its default version was created.
    pub updated: Timestamp,
    /// The number of its default version.
    pub version: u32,
    /// The document of its default version.
    pub document: String,
}

impl ManagedPolicy {
    /// Its ARN.
    pub fn arn(&self, partition: Partition) -> Arn {
        Arn::iam(partition, AccountId::NONE, format_args!("policy{}{}", self.path, self.name))
    }
}

/// Why a file of managed policies is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportError {
    problems: Vec<String>,
    more: usize,
}

impl ImportError {
    fn new(problem: impl fmt::Display) -> Self {
        ImportError { problems: vec![problem.to_string()], more: 0 }
    }
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problems.join("\n"))?;
        if self.more > 0 { write!(f, "\nand {} more", self.more) } else { Ok(()) }
    }
}

impl std::error::Error for ImportError {}

/// What an import did to a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was created.
    Created,
    /// It got a new default version.
    Updated,
    /// It had the same document already.
    Unchanged,
    /// It comes with Bailiwick and keeps its document, since the request did not say to replace it.
    KeptBuiltIn,
}

/// Parses the output of the AWS CLI.
///
/// # Errors
/// Names up to twenty problems, each with the policy concerned.
pub fn parse_import(text: &str, partition: Partition) -> Result<Vec<ManagedPolicy>, ImportError> {
    let given = match text.trim_start().as_bytes().first() {
        Some(b'[') => serde_json::from_str::<Vec<Pair>>(text)
            .map_err(|error| ImportError::new(plainly(&error)))?
            .into_iter()
            .map(|pair| (pair.policy, pair.policy_version))
            .collect(),
        Some(b'{') => {
            serde_json::from_str::<Details>(text).map_err(|error| ImportError::new(plainly(&error)))?.pairs()?
        }
        _ => {
            let expected = "what `aws iam get-account-authorization-details --filter AWSManagedPolicy` prints";
            return Err(ImportError::new(format!("neither a JSON array nor a JSON object; expected {expected}")));
        }
    };
    let (mut policies, mut problems, mut names) = (Vec::with_capacity(given.len()), Vec::new(), HashSet::new());
    for (policy, version) in given {
        let arn = policy.arn.clone();
        match read(policy, version, partition) {
            Ok(policy) if !names.insert(policy.name.clone()) => problems.push(format!("{arn}: is listed twice")),
            Ok(policy) => policies.push(policy),
            Err(problem) => problems.push(format!("{arn}: {problem}")),
        }
    }
    if problems.is_empty() {
        return Ok(policies);
    }
    let more = problems.len().saturating_sub(MOST_PROBLEMS);
    problems.truncate(MOST_PROBLEMS);
    Err(ImportError { problems, more })
}

/// The message of the JSON parser, in terms of JSON.
fn plainly(error: &serde_json::Error) -> String {
    let said = error.to_string().replace("invalid type: ", "found ");
    said.replace("found sequence", "found an array").replace("found map", "found an object")
}

/// Stores managed policies in one transaction: new ones, and new default versions of those whose document differs.
/// Those that come with Bailiwick keep their documents unless `replace_built_in`.
///
/// # Errors
/// `MalformedPolicyDocument`; the transaction must not be committed then.
pub(crate) async fn import(
    tx: &mut Tx,
    policies: &[ManagedPolicy],
    replace_built_in: bool,
    now: Timestamp,
    random: &dyn Random,
) -> Result<Vec<Outcome>> {
    let mut outcomes = Vec::with_capacity(policies.len());
    for given in policies {
        let new = parse(&given.document, PolicyKind::Identity).map_err(document::malformed)?;
        outcomes.push(match tx.find::<Policy>(AccountId::NONE, &given.name).await? {
            None => {
                create(tx, given, random).await?;
                Outcome::Created
            }
            Some(old) if old.path == given.path && is_same(&tx.default_version(&old).await?.document, &new) => {
                Outcome::Unchanged
            }
            Some(_) if !replace_built_in && super::is_built_in(&given.name) => Outcome::KeptBuiltIn,
            Some(old) => {
                replace(tx, old, given, now).await?;
                Outcome::Updated
            }
        });
    }
    Ok(outcomes)
}

/// Whether two documents are the same, apart from white space and the order of elements.
fn is_same(stored: &str, new: &Document) -> bool {
    parse(stored, PolicyKind::Identity).is_ok_and(|stored| to_json(&stored) == to_json(new))
}

/// Stores a new managed policy with its default version.
pub(super) async fn create(tx: &mut Tx, given: &ManagedPolicy, random: &dyn Random) -> Result<()> {
    let id = match given.id {
        Some(id) if tx.find_by_id::<Policy>(AccountId::NONE, &id).await?.is_none() => id,
        _ => super::new_id(random),
    };
    let policy = Policy {
        account: AccountId::NONE,
        id,
        name: given.name.clone(),
        path: given.path.clone(),
        created: given.created,
        updated: given.updated,
        description: given.description.clone(),
        tags: Tags::new(),
        default_version: given.version,
        latest_version: given.version,
    };
    tx.create_policy(&policy, given.document.clone()).await.map(drop)
}

async fn replace(tx: &mut Tx, old: Policy, given: &ManagedPolicy, now: Timestamp) -> Result<()> {
    let versions = tx.list_policy_versions(old.reference()).await?;
    if versions.len() >= limits::VERSIONS_PER_POLICY
        && let Some(oldest) = versions.iter().rev().find(|version| version.version != old.default_version)
    {
        tx.delete_policy_version(&old, oldest.version).await?;
    }
    let mut next = Policy {
        path: given.path.clone(),
        description: given.description.clone().or_else(|| old.description.clone()),
        ..old
    };
    // AWS's number, unless it was used already.
    next.latest_version = next.latest_version.max(given.version.saturating_sub(1));
    tx.create_policy_version(&next, given.document.clone(), true, now).await.map(drop)
}

fn read(policy: PolicyRow, version: VersionRow, partition: Partition) -> Result<ManagedPolicy, String> {
    let name = PolicyName::parse(&policy.policy_name).map_err(|error| error.to_string())?;
    let path = Path::parse(policy.path.as_deref().unwrap_or("/")).map_err(|error| error.to_string())?;
    let expected = Arn::iam(partition, AccountId::NONE, format_args!("policy{path}{name}"));
    if expected.as_str() != policy.arn {
        return Err(format!("its ARN should be {expected}"));
    }
    if policy.default_version_id.as_deref().is_some_and(|default| default != version.version_id) {
        return Err(format!("{} is not its default version", version.version_id));
    }
    if policy.is_attachable == Some(false) {
        return Err("it is not attachable".into());
    }
    let number = number(&version.version_id).ok_or_else(|| format!("`{}` is not a version id", version.version_id))?;
    let document = document_text(&version.document)?;
    parse(&document, PolicyKind::Identity).map_err(|error| error.to_string())?;
    let id = policy.policy_id.as_deref().and_then(|id| UniqueId::parse(id).ok());
    Ok(ManagedPolicy {
        name,
        path,
        id: id.filter(|id| id.kind() == IdKind::Policy),
        description: policy.description.filter(|text| !text.is_empty()),
        created: policy.create_date,
        updated: version.create_date.or(policy.update_date).unwrap_or(policy.create_date),
        version: number,
        document,
    })
}

/// The document's text: of an object what it says without the white space that the CLI put in, a string with what
/// encodes it taken off.
fn document_text(raw: &RawValue) -> Result<String, String> {
    if raw.get().starts_with('{') {
        return Ok(without_white_space(raw.get()));
    }
    let text: String = serde_json::from_str(raw.get()).map_err(|_| "its document is neither an object nor a string")?;
    if text.trim_start().starts_with('{') {
        return Ok(text);
    }
    let decoded = percent_decode_str(&text).decode_utf8().map_err(|_| "its document is not UTF-8 when decoded")?;
    Ok(decoded.into_owned())
}

/// JSON without the white space outside of its strings.
fn without_white_space(json: &str) -> String {
    let (mut text, mut quoted, mut escaped) = (String::with_capacity(json.len()), false, false);
    for character in json.chars() {
        if !quoted && character.is_ascii_whitespace() {
            continue;
        }
        quoted ^= character == '"' && !escaped;
        escaped = quoted && character == '\\' && !escaped;
        text.push(character);
    }
    text
}

/// What `get-account-authorization-details` prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, expecting = "an object with `Policies`")]
struct Details {
    policies: Vec<DetailRow>,
    #[serde(default)]
    user_detail_list: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    group_detail_list: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    role_detail_list: Vec<serde::de::IgnoredAny>,
    #[serde(default)]
    is_truncated: bool,
    #[serde(default)]
    marker: Option<String>,
}

impl Details {
    fn pairs(self) -> Result<Vec<(PolicyRow, VersionRow)>, ImportError> {
        if self.is_truncated || self.marker.is_some() {
            return Err(ImportError::new("the output is truncated: import every page, or let the CLI fetch all"));
        }
        if self.user_detail_list.len() + self.group_detail_list.len() + self.role_detail_list.len() > 0 {
            return Err(ImportError::new("the output holds users, groups or roles: use `--filter AWSManagedPolicy`"));
        }
        self.policies.into_iter().map(DetailRow::pair).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, expecting = "an object that describes a policy")]
struct DetailRow {
    policy_name: String,
    policy_id: Option<String>,
    arn: String,
    path: Option<String>,
    default_version_id: String,
    #[serde(rename = "AttachmentCount", default)]
    _attachment_count: serde::de::IgnoredAny,
    #[serde(rename = "PermissionsBoundaryUsageCount", default)]
    _boundary_usage_count: serde::de::IgnoredAny,
    is_attachable: Option<bool>,
    description: Option<String>,
    create_date: Timestamp,
    update_date: Option<Timestamp>,
    policy_version_list: Vec<VersionRow>,
}

impl DetailRow {
    fn pair(self) -> Result<(PolicyRow, VersionRow), ImportError> {
        let default = self.policy_version_list.into_iter().find(|row| row.version_id == self.default_version_id);
        let version = default.ok_or_else(|| ImportError::new(format!("{}: without its default version", self.arn)))?;
        let policy = PolicyRow {
            policy_name: self.policy_name,
            policy_id: self.policy_id,
            arn: self.arn,
            path: self.path,
            default_version_id: Some(self.default_version_id),
            _attachment_count: serde::de::IgnoredAny,
            _boundary_usage_count: serde::de::IgnoredAny,
            is_attachable: self.is_attachable,
            description: self.description,
            create_date: self.create_date,
            update_date: self.update_date,
            _tags: serde::de::IgnoredAny,
        };
        Ok((policy, version))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, expecting = "an object with `Policy` and `PolicyVersion`")]
struct Pair {
    policy: PolicyRow,
    policy_version: VersionRow,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, expecting = "an object that describes a policy")]
struct PolicyRow {
    policy_name: String,
    policy_id: Option<String>,
    arn: String,
    path: Option<String>,
    default_version_id: Option<String>,
    #[serde(rename = "AttachmentCount", default)]
    _attachment_count: serde::de::IgnoredAny,
    #[serde(rename = "PermissionsBoundaryUsageCount", default)]
    _boundary_usage_count: serde::de::IgnoredAny,
    is_attachable: Option<bool>,
    description: Option<String>,
    create_date: Timestamp,
    update_date: Option<Timestamp>,
    #[serde(rename = "Tags", default)]
    _tags: serde::de::IgnoredAny,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields, expecting = "an object that describes a version of a policy")]
struct VersionRow {
    document: Box<RawValue>,
    version_id: String,
    #[serde(rename = "IsDefaultVersion", default)]
    _is_default_version: serde::de::IgnoredAny,
    create_date: Option<Timestamp>,
}

#[cfg(test)]
mod tests;
