//! Managed policies that belong to no account: the set that comes with Bailiwick, and those that are imported.
//!
//! The set bears AWS's names and ARNs, so that scripts and habits work; the documents are our own and say what the
//! names promise, no more. Who wants AWS's documents imports them from what AWS's own CLI prints.

mod import;
mod operation;

use bailiwick_model::{AccountId, IamError, IdKind, Path, PolicyName, Result, Tags, UniqueId};
use bailiwick_operation::Random;
use bailiwick_storage::{Policy, Tx};
use jiff::Timestamp;

pub use import::{ImportError, ManagedPolicy, parse_import};

/// A policy that comes with Bailiwick.
#[derive(Clone, Copy, Debug)]
pub struct BuiltinPolicy {
    /// The path before its name, as in AWS.
    pub path: &'static str,
    /// Its name, as in AWS.
    pub name: &'static str,
    /// What it is for.
    pub description: &'static str,
    /// The document.
    pub document: &'static str,
}

macro_rules! builtin {
    ($path:literal, $name:literal, $description:literal) => {
        BuiltinPolicy {
            path: $path,
            name: $name,
            description: $description,
            document: include_str!(concat!("managed/policies/", $name, ".json")),
        }
    };
}

/// The policies that come with Bailiwick, by name.
pub const BUILTIN_POLICIES: &[BuiltinPolicy] = &[
    builtin!("/", "AdministratorAccess", "Allows everything in the account."),
    builtin!("/", "AmazonDynamoDBFullAccess", "Allows everything in key-value tables."),
    builtin!("/", "AmazonDynamoDBReadOnlyAccess", "Allows reading everything in key-value tables."),
    builtin!("/", "AmazonEC2FullAccess", "Allows everything in virtual servers."),
    builtin!("/", "AmazonEC2ReadOnlyAccess", "Allows reading everything in virtual servers."),
    builtin!("/", "AmazonRDSFullAccess", "Allows everything in relational databases."),
    builtin!("/", "AmazonRDSReadOnlyAccess", "Allows reading everything in relational databases."),
    builtin!("/", "AmazonS3FullAccess", "Allows everything in object storage."),
    builtin!("/", "AmazonS3ReadOnlyAccess", "Allows reading everything in object storage."),
    builtin!("/", "AmazonSNSFullAccess", "Allows everything in notifications."),
    builtin!("/", "AmazonSNSReadOnlyAccess", "Allows reading everything in notifications."),
    builtin!("/", "AmazonSQSFullAccess", "Allows everything in queues."),
    builtin!("/", "AmazonSQSReadOnlyAccess", "Allows reading everything in queues."),
    builtin!("/", "AmazonSSMManagedInstanceCore", "Allows a server to be managed by Systems Manager."),
    builtin!("/", "AmazonVPCReadOnlyAccess", "Allows reading everything in private networks."),
    builtin!("/", "AWSCloudTrail_ReadOnlyAccess", "Allows reading the audit trail."),
    builtin!("/", "AWSKeyManagementServicePowerUser", "Allows making and seeing keys, but not using or deleting them."),
    builtin!("/", "AWSLambda_FullAccess", "Allows everything with functions, and giving them roles."),
    builtin!("/", "AWSLambda_ReadOnlyAccess", "Allows reading functions."),
    builtin!("/service-role/", "AWSLambdaBasicExecutionRole", "Allows a function to write its logs."),
    builtin!("/", "AWSOrganizationsFullAccess", "Allows administering accounts and their organization."),
    builtin!("/", "AWSOrganizationsReadOnlyAccess", "Allows reading accounts and their organization."),
    builtin!("/job-function/", "Billing", "Allows reading and paying what the account costs."),
    builtin!("/", "CloudWatchFullAccess", "Allows everything in metrics, alarms and logs."),
    builtin!("/", "CloudWatchLogsFullAccess", "Allows everything with logs."),
    builtin!("/", "CloudWatchLogsReadOnlyAccess", "Allows reading logs."),
    builtin!("/", "CloudWatchReadOnlyAccess", "Allows reading everything in metrics, alarms and logs."),
    builtin!("/job-function/", "DatabaseAdministrator", "Allows running databases and caches."),
    builtin!("/job-function/", "DataScientist", "Allows working with data: queries, clusters, notebooks, models."),
    builtin!("/", "IAMAccessAdvisorReadOnly", "Allows reading which services were used, by whom and when."),
    builtin!("/", "IAMFullAccess", "Allows everything in identity and access management."),
    builtin!("/", "IAMReadOnlyAccess", "Allows reading identities and policies."),
    builtin!(
        "/",
        "IAMSelfManageServiceSpecificCredentials",
        "Allows users to manage their own service-specific credentials."
    ),
    builtin!("/", "IAMUserChangePassword", "Allows users to change their own passwords."),
    builtin!("/", "IAMUserSSHKeys", "Allows users to manage their own SSH keys."),
    builtin!("/job-function/", "NetworkAdministrator", "Allows building and running networks."),
    builtin!("/", "PowerUserAccess", "Allows everything but to administer identities, accounts and organizations."),
    builtin!("/", "ReadOnlyAccess", "Allows reading everything, stored data included, and changing nothing."),
    builtin!("/", "SecretsManagerReadWrite", "Allows reading and writing secrets."),
    builtin!(
        "/",
        "SecurityAudit",
        "Allows an auditor to read how security is set up, without the data that it protects."
    ),
    builtin!("/job-function/", "SupportUser", "Allows finding out what is wrong, and asking for help."),
    builtin!("/job-function/", "SystemAdministrator", "Allows running servers, their storage and their supervision."),
    builtin!(
        "/job-function/",
        "ViewOnlyAccess",
        "Allows seeing which resources there are and how they are set up, without the data in them."
    ),
];

/// Adds the policies of the set that are missing; returns how many were. Those that are there stay as they are, since
/// an import may have replaced them.
///
/// # Errors
/// `ServiceFailure` when the store fails.
pub async fn put_builtin_policies(tx: &mut Tx, now: Timestamp, random: &dyn Random) -> Result<usize> {
    let mut added = 0;
    for builtin in BUILTIN_POLICIES {
        let name = PolicyName::parse(builtin.name)?;
        if tx.find::<Policy>(AccountId::NONE, &name).await?.is_some() {
            continue;
        }
        let policy = Policy {
            account: AccountId::NONE,
            id: new_id(random),
            name,
            path: Path::parse(builtin.path).map_err(IamError::internal)?,
            created: now,
            updated: now,
            description: Some(builtin.description.into()),
            tags: Tags::new(),
            default_version: 1,
            latest_version: 1,
        };
        tx.create_policy(&policy, builtin.document.trim_end().into()).await?;
        added += 1;
    }
    Ok(added)
}

/// Whether a policy of that name comes with Bailiwick.
fn is_built_in(name: &PolicyName) -> bool {
    BUILTIN_POLICIES.iter().any(|builtin| builtin.name.eq_ignore_ascii_case(name.as_str()))
}

fn new_id(random: &dyn Random) -> UniqueId {
    let mut bytes = [0; 17];
    random.fill(&mut bytes);
    UniqueId::new(IdKind::Policy, bytes)
}

#[cfg(test)]
mod tests;
