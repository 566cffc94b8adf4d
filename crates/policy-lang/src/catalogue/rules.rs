//! The rules by which single services differ from the rest in how their requests are decided.

/// How requests for the actions of a service are decided, where that is not the same for every service.
///
/// [`SERVICE_RULES`] has the services that differ. All others have [`ServiceRules::GENERAL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceRules {
    /// The prefix of the service's actions, in lower case.
    pub prefix: &'static str,
    /// Whether the policy of the resource must allow the request. Identity policies alone never suffice then, also within
    /// one account.
    pub resource_policy_must_allow: bool,
    /// The actions on a role that the trust policy of the role must allow, without prefix. A name that ends in `*` stands
    /// for every action that begins with the rest.
    pub trust_policy_actions: &'static [&'static str],
    /// The names, other than the prefix, for which clients sign requests for these actions.
    pub signing_names: &'static [&'static str],
}

/// The services whose rules differ from [`ServiceRules::GENERAL`], by prefix.
///
/// - CloudWatch and IoT data: AWS's clients sign for another name than the prefix of the actions.
/// - KMS: a key has a policy, and only what that policy allows, or leaves to the account's identity policies, is allowed.
/// - STS: the role's trust policy decides which principals assume the role, and with which tags and source identity.
pub const SERVICE_RULES: &[ServiceRules] = &[
    ServiceRules { prefix: "cloudwatch", signing_names: &["monitoring"], ..ServiceRules::GENERAL },
    ServiceRules { prefix: "iot", signing_names: &["iotdata"], ..ServiceRules::GENERAL },
    ServiceRules { prefix: "kms", resource_policy_must_allow: true, ..ServiceRules::GENERAL },
    ServiceRules {
        prefix: "sts",
        trust_policy_actions: &["AssumeRole*", "TagSession", "SetSourceIdentity"],
        ..ServiceRules::GENERAL
    },
];

impl ServiceRules {
    /// The rules of every service without an entry in [`SERVICE_RULES`].
    pub const GENERAL: Self =
        Self { prefix: "", resource_policy_must_allow: false, trust_policy_actions: &[], signing_names: &[] };

    /// Returns the rules of the service with this prefix, in any case.
    #[must_use]
    pub fn of(prefix: &str) -> &'static Self {
        SERVICE_RULES.iter().find(|rules| rules.prefix.eq_ignore_ascii_case(prefix)).unwrap_or(&Self::GENERAL)
    }

    /// Returns the rules of the service of an action, such as `kms:Decrypt`, in any case.
    #[must_use]
    pub fn of_action(action: &str) -> &'static Self {
        action.split_once(':').map_or(&Self::GENERAL, |(prefix, _)| Self::of(prefix))
    }

    /// Returns whether the trust policy of the role must allow an action, such as `sts:AssumeRole`, in any case.
    ///
    /// ```
    /// use bailiwick_policy_lang::catalogue::ServiceRules;
    ///
    /// assert!(ServiceRules::is_decided_by_trust_policy("sts:AssumeRoleWithSAML"));
    /// assert!(!ServiceRules::is_decided_by_trust_policy("sts:GetCallerIdentity"));
    /// ```
    #[must_use]
    pub fn is_decided_by_trust_policy(action: &str) -> bool {
        let Some((prefix, name)) = action.split_once(':') else { return false };
        Self::of(prefix).trust_policy_actions.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => name.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start)),
            None => known.eq_ignore_ascii_case(name),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_found_in_any_case() {
        for (action, must_allow, by_trust) in [
            ("kms:Decrypt", true, false),
            ("KMS:decrypt", true, false),
            ("kmsx:Decrypt", false, false),
            ("km:Decrypt", false, false),
            ("kms", false, false),
            ("sts:AssumeRole", false, true),
            ("STS:ASSUMEROLEWITHSAML", false, true),
            ("sts:TagSession", false, true),
            ("sts:setsourceidentity", false, true),
            ("sts:SetSourceIdentityX", false, false),
            ("sts:AssumeRol", false, false),
            ("sts:AssumeRoot", false, false),
            ("iam:AssumeRole", false, false),
            ("sts:", false, false),
            ("sts:Ää", false, false),
            ("s3:GetObject", false, false),
        ] {
            assert_eq!(ServiceRules::of_action(action).resource_policy_must_allow, must_allow, "{action}");
            assert_eq!(ServiceRules::is_decided_by_trust_policy(action), by_trust, "{action}");
        }
        assert_eq!(ServiceRules::of("CloudWatch").signing_names, ["monitoring"]);
        assert_eq!(ServiceRules::of("s3"), &ServiceRules::GENERAL);
    }
}
