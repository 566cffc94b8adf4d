//! The principal of a case.

use bailiwick_model::AccountId;
use bailiwick_policy_lang::{PrincipalKind, PrincipalName};

use super::CaseRequest;
use crate::{Entity, Principal};

/// The caller of a case.
pub(super) enum Caller {
    Root { account: AccountId, arn: String },
    User { account: AccountId, arn: String, unique_id: Option<String> },
    RoleSession { account: AccountId, arn: String, role: String, unique_id: Option<String>, provider: Option<String> },
    FederatedUser { account: AccountId, arn: String, user: String },
    Service(String),
    IdentityProvider(String),
    Anonymous,
}

impl Caller {
    pub(super) fn read(request: &CaseRequest) -> Result<Self, String> {
        let text = &request.principal;
        if text == "*" {
            return Ok(Self::Anonymous);
        }
        let id = |text: &str| AccountId::parse(text).map_err(|error| error.to_string());
        // The id before a session's name.
        let unique_id = || request.context.one("aws:userid").and_then(|id| id.split(':').next()).map(ToOwned::to_owned);
        let arn = text.clone();
        if text.starts_with("arn:") {
            match PrincipalName::parse(PrincipalKind::Aws, text) {
                Some(PrincipalName::Account { account, .. }) => return Ok(Self::Root { account: id(account)?, arn }),
                Some(PrincipalName::User { account, .. }) => {
                    return Ok(Self::User { account: id(account)?, arn, unique_id: unique_id() });
                }
                Some(PrincipalName::AssumedRole { partition, account, role, .. }) => {
                    // A session's ARN carries no role path.
                    let stated = request.context.one("aws:PrincipalArn").filter(|arn| is_role(arn, account, role));
                    let role = match stated {
                        Some(arn) => arn.to_owned(),
                        None => format!("arn:{partition}:iam::{account}:role/{role}"),
                    };
                    let provider = request.context.one("aws:FederatedProvider").map(ToOwned::to_owned);
                    let account = id(account)?;
                    return Ok(Self::RoleSession { account, arn, role, unique_id: unique_id(), provider });
                }
                Some(PrincipalName::FederatedUser { partition, account, name }) => {
                    // A case does not name the user of the session, so that user has the name of the session.
                    let user = format!("arn:{partition}:iam::{account}:user/{name}");
                    return Ok(Self::FederatedUser { account: id(account)?, arn, user });
                }
                _ => {}
            }
        }
        let provider = PrincipalName::parse(PrincipalKind::Federated, text);
        let with_provider = starts_with(&request.action, "sts:assumerolewith");
        match provider {
            Some(PrincipalName::SamlProvider(_) | PrincipalName::OidcProvider(_)) => Ok(Self::IdentityProvider(arn)),
            Some(PrincipalName::FederatedDomain(_)) if with_provider => Ok(Self::IdentityProvider(arn)),
            Some(PrincipalName::FederatedDomain(_)) => Ok(Self::Service(arn)),
            _ => Err(format!(
                "`{text}` is not a principal: expected the ARN of a user, a session or an account's root, a service such as \
                 `sns.amazonaws.com`, or `*`"
            )),
        }
    }

    pub(super) fn account(&self) -> Option<AccountId> {
        match self {
            Self::Root { account, .. }
            | Self::User { account, .. }
            | Self::RoleSession { account, .. }
            | Self::FederatedUser { account, .. } => Some(*account),
            Self::Service(_) | Self::IdentityProvider(_) | Self::Anonymous => None,
        }
    }

    pub(super) fn as_principal(&self) -> Principal<'_> {
        match self {
            Self::Root { account, arn } => Principal::Root { account: (*account).into(), arn },
            Self::User { account, arn, unique_id } => {
                Principal::User { account: (*account).into(), user: Entity { arn, unique_id: unique_id.as_deref() } }
            }
            Self::RoleSession { account, arn, role, unique_id, provider } => Principal::RoleSession {
                account: (*account).into(),
                arn,
                role: Entity { arn: role, unique_id: unique_id.as_deref() },
                provider: provider.as_deref(),
                service_linked: role.contains(":role/aws-service-role/"),
            },
            Self::FederatedUser { account, arn, user } => Principal::FederatedUser {
                account: (*account).into(),
                arn,
                user: Some(Entity { arn: user, unique_id: None }),
            },
            Self::Service(name) => Principal::Service { name },
            Self::IdentityProvider(name) => Principal::IdentityProvider { name },
            Self::Anonymous => Principal::Anonymous,
        }
    }
}

/// The resource's account: as the case says, else as its ARN says, else the caller's.
pub(super) fn resource_account(request: &CaseRequest, caller: &Caller) -> Result<Option<AccountId>, String> {
    if let Some(text) = &request.resource_account {
        return AccountId::parse(text).map(Some).map_err(|error| format!("resourceAccount: {error}"));
    }
    let stated = request.resource.split(':').nth(4).and_then(|text| AccountId::parse(text).ok());
    Ok(stated.or(caller.account()))
}

/// Whether a resource is a KMS key, whose policy must allow in any case.
pub(super) fn is_kms_key(resource: &str) -> bool {
    let mut parts = resource.splitn(6, ':').skip(2);
    parts.next() == Some("kms") && parts.nth(2).is_some_and(|resource| resource.starts_with("key/"))
}

fn is_role(arn: &str, its_account: &str, name: &str) -> bool {
    match PrincipalName::parse(PrincipalKind::Aws, arn) {
        Some(PrincipalName::Role { account, path_and_name, .. }) => {
            account == its_account && path_and_name.rsplit('/').next() == Some(name)
        }
        _ => false,
    }
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}
