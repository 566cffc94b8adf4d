//! A request, and what follows from its principal, keys and resource.

use std::collections::BTreeMap;

use serde_json::Value;

/// A request, with the facts that decisions need.
pub(crate) struct Facts<'a> {
    pub(crate) kind: Kind,
    pub(crate) principal: &'a str,
    /// The caller's account; empty if there is none.
    pub(crate) account: &'a str,
    pub(crate) role: String,
    pub(crate) maker: String,
    pub(crate) provider: String,
    pub(crate) action: String,
    pub(crate) resource: &'a str,
    pub(crate) resource_account: String,
    pub(crate) keys: BTreeMap<String, (bool, Vec<&'a str>)>,
    pub(crate) has_boundary: bool,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum Kind {
    Root,
    User,
    RoleSession,
    FederatedUser,
    Service,
    Provider,
    Anonymous,
}

impl<'a> Facts<'a> {
    pub(crate) fn of(case: &'a Value) -> Self {
        let request = &case["request"];
        let principal = request["principal"].as_str().unwrap();
        let action = request["action"].as_str().unwrap().to_lowercase();
        let mut keys: BTreeMap<String, (bool, Vec<&str>)> = BTreeMap::new();
        for (name, value) in request["context"].as_object().into_iter().flatten() {
            let many = value["type"].as_str().unwrap().ends_with("List");
            let values = value["values"].as_array().unwrap().iter().map(|value| value.as_str().unwrap()).collect();
            keys.insert(name.to_lowercase(), (many, values));
        }
        // What is said once; a key that may have several values says nothing of the caller.
        let one = |name: &str| match keys.get(name) {
            Some((false, values)) => values[0],
            _ => "",
        };
        let parts: Vec<&str> = principal.splitn(6, ':').collect();
        let tail = parts.get(5).copied().unwrap_or("");
        let kind = if principal == "*" {
            Kind::Anonymous
        } else if tail == "root" {
            Kind::Root
        } else if tail.starts_with("user/") {
            Kind::User
        } else if tail.starts_with("assumed-role/") {
            Kind::RoleSession
        } else if tail.starts_with("federated-user/") {
            Kind::FederatedUser
        } else if action.starts_with("sts:assumerolewith") || tail.contains("-provider/") {
            Kind::Provider
        } else {
            Kind::Service
        };
        let has_account = !matches!(kind, Kind::Service | Kind::Provider | Kind::Anonymous);
        let account = if has_account { parts[4] } else { "" };
        let resource = request["resource"].as_str().unwrap();
        let in_arn = resource.split(':').nth(4).filter(|id| id.len() == 12 && id.chars().all(|c| c.is_ascii_digit()));
        let resource_account = request["resourceAccount"].as_str().or(in_arn).unwrap_or(account).to_owned();
        let partition = parts.get(1).copied().unwrap_or("");
        // A session's ARN has its role's name; the path stands elsewhere, if it is said at all.
        let role_name = tail.split('/').nth(1).unwrap_or("");
        let stated = one("aws:principalarn");
        let its_role = |arn: &str| {
            arn.starts_with(&format!("arn:{partition}:iam::{account}:role/")) && arn.ends_with(&format!("/{role_name}"))
        };
        let role = if its_role(stated) {
            stated.to_owned()
        } else {
            format!("arn:{partition}:iam::{account}:role/{role_name}")
        };
        Self {
            kind,
            principal,
            account,
            role: if kind == Kind::RoleSession { role } else { String::new() },
            maker: match tail.strip_prefix("federated-user/") {
                Some(name) => format!("arn:{partition}:iam::{account}:user/{name}"),
                None => String::new(),
            },
            provider: one("aws:federatedprovider").to_owned(),
            action,
            resource,
            resource_account,
            has_boundary: !case["boundary"].is_null(),
            keys,
        }
    }

    pub(crate) fn key(&self, name: &str) -> Option<&(bool, Vec<&'a str>)> {
        self.keys.get(&name.to_lowercase())
    }
}
