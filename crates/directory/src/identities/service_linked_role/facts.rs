//! Which services have a role that is linked to them: a table for services of AWS, and every registered service.

use bailiwick_model::{PolicyName, Result, RoleName};
use bailiwick_storage::Tx;

use super::super::role::LINKED;
use super::invalid;

/// The start of the name of every service-linked role.
pub(super) const PREFIX: &str = "AWSServiceRoleFor";

const AWS: &str = include_str!("../../../data/service-linked-roles.txt");

/// The role that is linked to a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LinkedRole {
    /// Its name, without a suffix.
    pub(super) name: String,
    /// The managed policy of the service, which the deployment may not have.
    pub(super) policy: Option<PolicyName>,
    /// The path of that policy.
    pub(super) policy_path: String,
    /// Whether the caller may choose a suffix, and so create several of these roles.
    suffix: bool,
}

/// Finds the role of a service, and its name with the suffix of the request.
///
/// # Errors
/// The outer result fails with the store. The inner one is `InvalidInput` for a service without such a role, or for a
/// suffix that is not allowed or too long.
pub(super) async fn find(tx: &mut Tx, service: &str, suffix: Option<&str>) -> Result<Result<(LinkedRole, RoleName)>> {
    let role = match of_aws(service) {
        Some(role) => Some(role),
        None => registered(tx, service).await?,
    };
    let Some(role) = role else {
        return Ok(Err(invalid(format!("Service name {service} does not support service-linked roles"))));
    };
    let name = match suffix {
        None => role.name.clone(),
        Some(_) if !role.suffix => return Ok(Err(invalid(format!("Custom suffix is not allowed for {service}")))),
        Some(suffix) => format!("{}_{suffix}", role.name),
    };
    let parsed = RoleName::parse(&name);
    Ok(parsed.map(|name| (role, name)).map_err(|error| invalid(format!("Service role name {name}: {error}"))))
}

fn of_aws(service: &str) -> Option<LinkedRole> {
    let service = service.strip_suffix(".amazonaws.com")?;
    rows().find(|row| row.first() == Some(&service)).map(|row| read(&row))
}

fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = AWS.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split_whitespace().collect())
}

fn read(row: &[&str]) -> LinkedRole {
    LinkedRole {
        name: row.get(1).copied().unwrap_or_default().to_owned(),
        policy: row.get(2).and_then(|name| PolicyName::parse(name).ok()).filter(|name| name.as_str() != "-"),
        policy_path: LINKED.to_owned(),
        suffix: row.get(3) == Some(&"suffix"),
    }
}

/// The role of a registered service: `AWSServiceRoleForPhotos` for the first principal of the service `photos`, and a
/// name made from the principal for the others. A suffix is allowed. The path of its policy names the principal, so that
/// no other service's policy can be meant. A service with the role name of one of AWS's services has no such role.
async fn registered(tx: &mut Tx, principal: &str) -> Result<Option<LinkedRole>> {
    let Some(service) = tx.find_service_by_principal(principal).await? else { return Ok(None) };
    let first = service.principals.first().is_some_and(|first| first == principal);
    let name = camel_case(if first { &service.prefix } else { principal });
    let role = format!("{PREFIX}{name}");
    let is_of_aws = rows().any(|row| row.get(1).is_some_and(|of_aws| of_aws.eq_ignore_ascii_case(&role)));
    Ok((!is_of_aws).then(|| LinkedRole {
        policy: PolicyName::parse(&format!("{name}ServiceRolePolicy")).ok(),
        policy_path: format!("{LINKED}{principal}/"),
        name: role,
        suffix: true,
    }))
}

/// Writes `photo-albums.example` as `PhotoAlbumsExample`.
fn camel_case(text: &str) -> String {
    let capitalized = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str()).unwrap_or_default()
    };
    text.split(|c: char| !c.is_ascii_alphanumeric()).map(capitalized).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_well_formed() {
        let mut names = BTreeSet::new();
        for row in rows() {
            let role = read(&row);
            assert!(role.name.starts_with(PREFIX) && RoleName::parse(&role.name).is_ok(), "{row:?}");
            assert!((3..=4).contains(&row.len()) && (row[2] == "-") == role.policy.is_none(), "{row:?}");
            assert!(row.get(3).is_none_or(|word| *word == "suffix"), "{row:?}");
            assert!(names.insert(role.name), "{row:?} appears twice");
        }
        let order: Vec<_> = rows().map(|row| row[0]).collect();
        assert!(order.is_sorted(), "the table is in the order of the principals");
        assert!(order.len() > 80);
    }

    #[test]
    fn names_are_in_camel_case() {
        for (text, expected) in [("photos", "Photos"), ("photo-albums.example", "PhotoAlbumsExample"), ("s3", "S3")] {
            assert_eq!(camel_case(text), expected);
        }
    }
}
