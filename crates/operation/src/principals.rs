//! The principals that a trust policy or resource policy names: bound to unique ids when the policy is saved, shown as
//! ARNs when it is read.
//!
//! A grant is to the user or role that existed when it was made. A later user or role of the same name has another id.

use std::collections::HashMap;

use bailiwick_model::{
    AccountId, Arn, ErrorCode, IamError, IdKind, Partition, Path, Result, RoleName, UniqueId, UserName,
};
use bailiwick_policy_lang::{
    Document, PolicyError, PolicyKind, PrincipalKind, PrincipalName, parse, rewrite_principals,
};
use bailiwick_storage::{AccountState, Noun, Role, TrustPolicy, Tx, User};

/// Makes `MalformedPolicyDocument` of a policy error. The message is AWS's; the field has the place and what was
/// expected there.
pub fn malformed(error: PolicyError) -> IamError {
    IamError::new(ErrorCode::MalformedPolicyDocument, error.aws_message()).field("PolicyDocument", error.to_string())
}

/// Binds the users and roles that a policy names. `document` is `text`, parsed as a policy of this kind that `owner`
/// owns. Returns the text with unique ids in place of their ARNs.
///
/// # Errors
/// `MalformedPolicyDocument` for a principal that does not exist.
pub async fn bind_principals(
    partition: Partition,
    tx: &mut Tx,
    text: &str,
    document: &Document,
    kind: PolicyKind,
    owner: AccountId,
) -> Result<String> {
    let mut ids = HashMap::new();
    for (kind, name) in document.principals() {
        let refused = || {
            let message = format!("Invalid principal in policy: \"{}\":\"{}\"", kind.name(), &**name);
            IamError::new(ErrorCode::MalformedPolicyDocument, message)
                .field("PolicyDocument", format!("{}: no such principal", name.span.start))
        };
        match resolve(partition, tx, kind, name, owner).await? {
            Found::Missing => return Err(refused()),
            Found::Unbound => {}
            Found::Bound(id) => {
                ids.insert(name.to_string(), id.to_string());
            }
        }
    }
    rewrite_principals(text, kind, |kind, name| if kind == PrincipalKind::Aws { ids.get(name).cloned() } else { None })
        .map_err(malformed)
}

/// Makes the text that shows a bound policy: ARNs of users and roles that exist, unique ids of those that were deleted.
/// `text` is the policy before it was bound.
///
/// # Errors
/// `ServiceFailure` if the store fails or the stored policy cannot be parsed.
pub async fn show_principals(
    partition: Partition,
    tx: &mut Tx,
    text: &str,
    bound: &str,
    kind: PolicyKind,
    owner: AccountId,
) -> Result<String> {
    let (given, saved) = (parse(text, kind), parse(bound, kind));
    let (given, saved) = (given.map_err(IamError::internal)?, saved.map_err(IamError::internal)?);
    let mut arns = HashMap::new();
    for ((_, given), (_, saved)) in given.principals().zip(saved.principals()) {
        if let Ok(id) = UniqueId::parse(saved) {
            let account = Arn::parse(given).ok().and_then(|arn| arn.account_id()).unwrap_or(owner);
            if let Some(arn) = entity_arn(partition, tx, account, &id).await? {
                arns.insert(id.to_string(), arn.to_string());
            }
        }
    }
    rewrite_principals(bound, kind, |_, name| arns.get(name).cloned()).map_err(IamError::internal)
}

/// Makes the text that shows the trust policy of a role, as [`show_principals`].
///
/// # Errors
/// As [`show_principals`].
pub async fn show_trust_policy(partition: Partition, tx: &mut Tx, role: &Role) -> Result<String> {
    let TrustPolicy { text, bound } = &role.trust_policy;
    show_principals(partition, tx, text, bound, PolicyKind::Trust, role.account).await
}

/// Finds the user or role with exactly this ARN, compared with case.
///
/// # Errors
/// `ServiceFailure` if the store fails.
pub async fn find_entity(partition: Partition, tx: &mut Tx, arn: &str) -> Result<Option<UniqueId>> {
    let found = match PrincipalName::parse(PrincipalKind::Aws, arn) {
        Some(PrincipalName::User { partition: named, account, path_and_name }) if named == partition.as_str() => {
            user(tx, account, path_and_name).await?
        }
        Some(PrincipalName::Role { partition: named, account, path_and_name }) if named == partition.as_str() => {
            role(tx, account, path_and_name).await?
        }
        _ => Found::Missing,
    };
    Ok(match found {
        Found::Bound(id) => Some(id),
        Found::Missing | Found::Unbound => None,
    })
}

/// The ARN of the user or role with this id, if it exists.
///
/// # Errors
/// `ServiceFailure` if the store fails.
pub async fn entity_arn(partition: Partition, tx: &mut Tx, account: AccountId, id: &UniqueId) -> Result<Option<Arn>> {
    let arn = |kind: &str, path: &Path, name: &str| Arn::iam(partition, account, format_args!("{kind}{path}{name}"));
    Ok(match id.kind() {
        IdKind::User => {
            let found = tx.find_by_id::<User>(account, id).await?;
            found.map(|user| arn("user", &user.path, user.name.as_str()))
        }
        IdKind::Role => {
            let found = tx.find_by_id::<Role>(account, id).await?;
            found.map(|role| arn("role", &role.path, role.name.as_str()))
        }
        _ => None,
    })
}

/// Whether a principal exists.
enum Found {
    /// It does not exist.
    Missing,
    /// It exists and has no unique id.
    Unbound,
    /// It exists and has this id.
    Bound(UniqueId),
}

async fn resolve(here: Partition, tx: &mut Tx, kind: PrincipalKind, name: &str, owner: AccountId) -> Result<Found> {
    let in_partition = |partition: &str| partition == here.as_str();
    Ok(match PrincipalName::parse(kind, name) {
        Some(PrincipalName::Everyone | PrincipalName::Service(_) | PrincipalName::FederatedDomain(_)) => Found::Unbound,
        Some(PrincipalName::Account { account, partition }) if partition.is_none_or(in_partition) => {
            unbound(account_exists(tx, account).await?)
        }
        Some(PrincipalName::User { partition, account, path_and_name }) if in_partition(partition) => {
            user(tx, account, path_and_name).await?
        }
        Some(PrincipalName::Role { partition, account, path_and_name }) if in_partition(partition) => {
            role(tx, account, path_and_name).await?
        }
        Some(PrincipalName::AssumedRole { partition, account, role, .. }) if in_partition(partition) => {
            unbound(role_of_that_name(tx, account, role).await?)
        }
        Some(PrincipalName::FederatedUser { partition, account, .. }) if in_partition(partition) => {
            unbound(account_exists(tx, account).await?)
        }
        Some(PrincipalName::UniqueId(id)) => match UniqueId::parse(id) {
            Ok(id) if entity_arn(here, tx, owner, &id).await?.is_some() => Found::Bound(id),
            _ => Found::Missing,
        },
        // The provider need not exist: the statement has no effect before it is created. AWS's behaviour is not confirmed.
        Some(PrincipalName::SamlProvider(arn) | PrincipalName::OidcProvider(arn)) => match Arn::parse(arn) {
            Ok(arn) if in_partition(arn.partition()) => unbound(account_exists(tx, arn.account()).await?),
            _ => Found::Missing,
        },
        _ => Found::Missing,
    })
}

fn unbound(exists: bool) -> Found {
    if exists { Found::Unbound } else { Found::Missing }
}

/// Whether the deployment has the account. A closed account does not exist.
async fn account_exists(tx: &mut Tx, account: &str) -> Result<bool> {
    let Ok(account) = AccountId::parse(account) else { return Ok(false) };
    Ok(tx.find_account(account).await?.is_some_and(|account| account.state != AccountState::Closed))
}

async fn user(tx: &mut Tx, account: &str, path_and_name: &str) -> Result<Found> {
    let (path, name) = split(path_and_name);
    let Ok(name) = UserName::parse(name) else { return Ok(Found::Missing) };
    entity::<User>(tx, account, path, &name).await
}

async fn role(tx: &mut Tx, account: &str, path_and_name: &str) -> Result<Found> {
    let (path, name) = split(path_and_name);
    let Ok(name) = RoleName::parse(name) else { return Ok(Found::Missing) };
    entity::<Role>(tx, account, path, &name).await
}

fn split(path_and_name: &str) -> (&str, &str) {
    path_and_name.split_at(path_and_name.rfind('/').map_or(0, |slash| slash + 1))
}

/// Finds the entity with exactly this path and name, compared with case.
async fn entity<N: Noun>(tx: &mut Tx, account: &str, path: &str, name: &N::Name) -> Result<Found> {
    let (Ok(account), Ok(path)) = (AccountId::parse(account), Path::parse(path)) else { return Ok(Found::Missing) };
    let found = tx.find::<N>(account, name).await?;
    let same = |found: &N| *found.path() == path && found.name().to_string() == name.to_string();
    Ok(found.filter(same).map_or(Found::Missing, |found| Found::Bound(*found.id())))
}

async fn role_of_that_name(tx: &mut Tx, account: &str, role: &str) -> Result<bool> {
    let (Ok(account), Ok(name)) = (AccountId::parse(account), RoleName::parse(role)) else { return Ok(false) };
    Ok(tx.find::<Role>(account, &name).await?.is_some_and(|found| found.name.as_str() == role))
}
