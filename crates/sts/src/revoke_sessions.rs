//! Revocation of sessions: of a role, of a user, of an access key, of a delegation request, or of a whole account.

use bailiwick_api::op;
use bailiwick_api::signin::{RevokeSessionsRequest, RevokeSessionsResponse};
use bailiwick_model::{AccessKeyId, Arn, IamError, Result, RoleName, UserName, revocation_subject};
use bailiwick_operation::{Check, Cx, Handle, Planned, Principal};
use bailiwick_storage::{Account, Role, SessionRevocation, Tx, User};

use crate::Sts;

/// Ends sessions that were issued so far, for the next decision.
///
/// # Errors
/// `ValidationError` unless the request names exactly one of role, user, access key, delegation request and account, in the
/// caller's account;
/// `NoSuchEntity`.
impl Handle<op::RevokeSessions> for Sts {
    type Plan = Revoked;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: RevokeSessionsRequest) -> Result<Planned<Revoked>> {
        const ACTION: &str = "bailiwick:RevokeSessions";
        let (account, partition) = (cx.account(), cx.partition());
        let key = req.access_key_id;
        let (revoked, check) = match (req.role_name, req.user_name, key, req.all_of_account, req.delegation_request_id)
        {
            (Some(name), None, None, None, None) => {
                let role = tx.find::<Role>(account, &RoleName::parse(&name)?).await?;
                let path = role.as_ref().map_or("/", |role| role.path.as_str());
                let shown = role.as_ref().map_or(&*name, |role| role.name.as_str());
                let check = Check::new(ACTION, &Arn::iam(partition, account, format_args!("role{path}{shown}")))
                    .displayed_as(Arn::iam(partition, account, format_args!("role/{name}")).as_str());
                let check = match &role {
                    Some(role) => check.aws_resource_tags(&role.tags),
                    None => check,
                };
                (Revoked::Role(role, name), check)
            }
            (None, Some(name), None, None, None) => {
                let user = tx.find::<User>(account, &UserName::parse(&name)?).await?;
                let path = user.as_ref().map_or("/", |user| user.path.as_str());
                let shown = user.as_ref().map_or(&*name, |user| user.name.as_str());
                let check = Check::new(ACTION, &Arn::iam(partition, account, format_args!("user{path}{shown}")))
                    .displayed_as(Arn::iam(partition, account, format_args!("user/{name}")).as_str());
                let check = match &user {
                    Some(user) => check.aws_resource_tags(&user.tags),
                    None => check,
                };
                (Revoked::User(user, name), check)
            }
            (None, None, Some(text), None, None) => {
                let key = match AccessKeyId::parse(&text) {
                    Ok(key) if key.account() == Some(account) => Some(key),
                    // The id of root's key may be chosen, so that it contains another account.
                    Ok(key) => tx.find_access_key(account, &key).await?.map(|_| key),
                    Err(_) => None,
                };
                let key = key.ok_or_else(|| {
                    IamError::validation(format!("{text} is not the id of an access key of this account"))
                        .field("accessKeyId", "the id of a temporary or long-term access key of the caller's account")
                })?;
                let arn = Arn::of(partition, "bailiwick", account, format_args!("session/{key}"));
                (Revoked::Key(key), Check::new(ACTION, &arn))
            }
            (None, None, None, Some(true), None) => {
                (Revoked::Account, Check::new(ACTION, &Principal::Root { account }.arn(partition)))
            }
            (None, None, None, None, Some(id)) => {
                let found = tx.find_delegation_request(&id).await?;
                let is_own = found.is_some_and(|request| request.owner_account == Some(account));
                let arn = Arn::iam(partition, account, format_args!("delegation-request/{id}"));
                (Revoked::Delegation { id, is_own }, Check::new(ACTION, &arn))
            }
            _ => {
                let message = "name one of `role_name`, `user_name`, `access_key_id`, `delegation_request_id`, or set \
                               `all_of_account`";
                return Err(IamError::validation(message));
            }
        };
        Ok(Planned::new(revoked).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, revoked: Revoked) -> Result<RevokeSessionsResponse> {
        let account = cx.account();
        let revocation = SessionRevocation::until(cx.now(), cx.position());
        // Accounts, roles and users have a mark besides, for servers of an older version. What is equal belongs together.
        let mark = Some(revocation.valid_after);
        let subject = match revoked {
            Revoked::Role(role, name) => {
                let role = role.ok_or_else(|| IamError::no_such("role", name))?;
                tx.update(&role, &Role { sessions_valid_after: mark, ..role.clone() }).await?;
                revocation_subject::identity(&role.id)
            }
            Revoked::User(user, name) => {
                let user = user.ok_or_else(|| IamError::no_such("user", name))?;
                tx.update(&user, &User { sessions_valid_after: mark, ..user.clone() }).await?;
                revocation_subject::identity(&user.id)
            }
            Revoked::Key(key) => key.to_string(),
            Revoked::Delegation { id, is_own: false } => return Err(IamError::no_such("delegation request", id)),
            Revoked::Delegation { id, is_own: true } => id,
            Revoked::Account => {
                let missing = || IamError::no_such("account", account);
                let old = tx.find_account(account).await?.ok_or_else(missing)?;
                tx.update_account(&old, &Account { sessions_valid_after: mark, ..old.clone() }).await?;
                revocation_subject::ACCOUNT.to_owned()
            }
        };
        tx.revoke_sessions(account, &subject, revocation).await?;
        Ok(RevokeSessionsResponse {})
    }
}

/// What the sessions to revoke have in common.
#[derive(Debug)]
pub enum Revoked {
    /// A role, and its name in the request.
    Role(Option<Role>, String),
    /// A user, and its name in the request.
    User(Option<User>, String),
    /// An access key.
    Key(AccessKeyId),
    /// A delegation request.
    Delegation {
        /// Its id.
        id: String,
        /// Whether it is for the caller's account.
        is_own: bool,
    },
    /// The account.
    Account,
}

#[cfg(test)]
mod tests;
