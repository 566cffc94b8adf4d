//! Compares a check with the catalogue of actions.

use bailiwick_model::Arn;
use bailiwick_policy_lang::catalogue::Catalogue;

use crate::Check;

impl Check {
    /// Returns how the check differs from what the catalogue documents for its action: the type of the resource, or a
    /// context key. A policy that relies on the difference would be reported as ineffective by the policy checks.
    /// Debug builds of the pipeline verify this for every check of every call.
    pub fn undocumented(&self) -> Option<String> {
        let Some((prefix, name)) = self.action.split_once(':') else {
            return Some(format!("`{}` is not an action", self.action));
        };
        let service = Catalogue::builtin().service(prefix);
        let Some((service, action)) = service.and_then(|service| Some((service, service.action(name)?))) else {
            return Some(format!("`{}` is not in the catalogue", self.action));
        };
        let known = match Arn::parse(&self.resource) {
            // An access key that does not exist has no owner.
            Err(_) => self.resource == "*" && (action.resources.is_empty() || name == "GetAccessKeyLastUsed"),
            Ok(arn) => {
                let kind = kind(&arn);
                kind == "root" || action.resources.iter().any(|known| **known == *kind)
            }
        };
        if !known {
            return Some(format!("`{}` is not documented for `{}`", self.action, self.resource));
        }
        let resources = action.resources.iter().filter_map(|kind| service.resource(kind));
        let keys: Vec<&str> =
            action.keys.iter().chain(resources.flat_map(|kind| &kind.keys)).map(|key| family(key)).collect();
        let is_known = |key: &str| keys.contains(&family(key)) || (prefix == "sts" && is_of_provider(key));
        let unknown = self.context.iter().find(|(key, _)| !is_known(key));
        unknown.map(|(key, _)| format!("`{}` is not documented with the key `{key}`", self.action))
    }
}

/// The type of a resource. Resources of services that are not built in have one type in checks of our own actions.
fn kind(arn: &Arn) -> &str {
    match arn.service() {
        "sts" if arn.resource() == "self" => "self-session",
        "cloudtrail" | "iam" | "sts" | "bailiwick" => arn.typed_resource().map_or(arn.resource(), |(kind, ..)| kind),
        _ => "resource",
    }
}

/// A key without the variable part: `aws:RequestTag` of `aws:RequestTag/Team` and of `aws:RequestTag/${TagKey}`.
fn family(key: &str) -> &str {
    key.split('/').next().unwrap_or(key)
}

/// Whether a key is a claim of an OpenID Connect provider: it begins with the provider's host, so no catalogue has it.
fn is_of_provider(key: &str) -> bool {
    key.split([':', '/']).next().is_some_and(|host| host.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(check: Check, expected: Option<&str>) {
        assert_eq!(check.undocumented().as_deref(), expected);
    }

    #[test]
    fn checks_are_compared_with_the_catalogue() {
        let user = Arn::parse("arn:aws:iam::111122223333:user/Bob").unwrap();
        let role = Arn::parse("arn:aws:iam::111122223333:role/R").unwrap();
        check(Check::new("iam:CreateUser", &user).key("aws:RequestTag/Team", "a"), None);
        check(Check::new("bird:Fly", &user), Some("`bird:Fly` is not in the catalogue"));
        check(Check::new("iam:Fly", &user), Some("`iam:Fly` is not in the catalogue"));
        check(
            Check::new("iam:CreateUser", &role),
            Some("`iam:CreateUser` is not documented for `arn:aws:iam::111122223333:role/R`"),
        );
        check(Check::without_resource("iam:CreateUser", None), Some("`iam:CreateUser` is not documented for `*`"));
        check(
            Check::new("iam:CreateUser", &user).key("sts:ExternalId", "a"),
            Some("`iam:CreateUser` is not documented with the key `sts:ExternalId`"),
        );
        let web_identity = Check::new("sts:AssumeRoleWithWebIdentity", &role);
        check(web_identity.clone().key("idp.example.com/x:sub", "a"), None);
        check(
            web_identity.key("idp:sub", "a"),
            Some("`sts:AssumeRoleWithWebIdentity` is not documented with the key `idp:sub`"),
        );
        check(
            Check::new("iam:CreateUser", &user).key("idp.example.com:sub", "a"),
            Some("`iam:CreateUser` is not documented with the key `idp.example.com:sub`"),
        );
    }
}
