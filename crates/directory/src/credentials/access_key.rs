//! Access keys of users and of root.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccessKeyId, AccessKeyKind, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned, Principal, SecretOwner};
use bailiwick_seal::SecretString;
use bailiwick_storage::{AccessKey, KeyOwner, Tx, User};

use super::target::CredentialTarget;
use super::{lifecycle, status};
use crate::address::check_stored;
use crate::request::required;
use crate::user_or_root::UserOrCaller;
use crate::{Directory, view};

/// The service and region of a key that was never used.
const NEVER: &str = "N/A";

/// Creates an access key for a user, or for the caller. Only this response shows the secret.
///
/// # Errors
/// `NoSuchEntity`; `LimitExceeded` for a third key.
impl Handle<op::CreateAccessKey> for Directory {
    type Plan = UserOrCaller;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::CreateAccessKeyRequest) -> Result<Planned<UserOrCaller>> {
        UserOrCaller::plan(cx, tx, &req.user_name, "iam:CreateAccessKey").await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, user: UserOrCaller) -> Result<pb::CreateAccessKeyResponse> {
        let user = user.get()?;
        let id = cx.new_access_key_id(AccessKeyKind::LongTerm, cx.account());
        let secret = SecretString::access_key(cx.random());
        let owner = user.key_owner();
        let sealed = secret_owner(cx, &owner, &id).seal(&cx.deployment().sealer, &secret)?;
        let key = AccessKey {
            account: cx.account(),
            id,
            owner,
            active: true,
            created: cx.date(),
            sealed_secret: sealed.into(),
            activated: None,
            warned_of: None,
        };
        tx.create_access_key(&key).await?;
        let access_key = pb::AccessKey {
            user_name: user.name(),
            access_key_id: Some(key.id.to_string()),
            status: status::text(key.active),
            secret_access_key: Some(secret.expose().to_owned()),
            create_date: view::date(key.created),
        };
        Ok(pb::CreateAccessKeyResponse { access_key: Some(access_key) })
    }
}

/// Lists the access keys of a user, or of the caller, by id and without secrets.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::ListAccessKeys> for Directory {
    type Plan = (UserOrCaller, PageRequest);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ListAccessKeysRequest) -> Result<Planned<Self::Plan>> {
        let planned = UserOrCaller::plan(cx, tx, &req.user_name, "iam:ListAccessKeys").await?;
        Ok(planned.with(PageRequest::new(req.marker, req.max_items)))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (user, page): Self::Plan) -> Result<pb::ListAccessKeysResponse> {
        let pages = page.open(cx, "ListAccessKeys")?;
        let user = user.get()?;
        let found = tx.list_access_keys(cx.account(), &user.key_owner(), pages.after(), pages.limit()).await?;
        let page = pages.answer(found)?;
        let metadata = |key: &AccessKey| pb::AccessKeyMetadata {
            user_name: user.name(),
            access_key_id: Some(key.id.to_string()),
            status: status::text(key.active),
            create_date: view::date(key.created),
        };
        Ok(pb::ListAccessKeysResponse {
            access_key_metadata: page.items.iter().map(metadata).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Activates or deactivates an access key.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` for another status, and for the activation of a key that has expired by the credential
/// rules of the account; `UnmodifiableEntity` for the last administrator's key.
impl Handle<op::UpdateAccessKey> for Directory {
    /// The key, and whether it will be active.
    type Plan = (CredentialTarget<AccessKey>, Result<bool>);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateAccessKeyRequest) -> Result<Planned<Self::Plan>> {
        let active = status::parse(&req.status)?;
        let planned =
            CredentialTarget::<AccessKey>::plan(cx, tx, &req.user_name, &req.access_key_id, "iam:UpdateAccessKey")
                .await?;
        let retired = matches!(active, Ok(false)).then(|| planned.plan.id.clone());
        Ok(planned.with(active).retires(retired))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (key, active): Self::Plan) -> Result<pb::UpdateAccessKeyResponse> {
        let active = active?;
        let (_, mut key) = key.get()?;
        if active && !key.active {
            lifecycle::refuse_expired(cx, tx, &key).await?;
            key.activated = Some(cx.date());
        }
        tx.update_access_key(&AccessKey { active, ..key }).await?;
        Ok(pb::UpdateAccessKeyResponse {})
    }
}

/// Deletes an access key.
///
/// # Errors
/// `NoSuchEntity`; `UnmodifiableEntity` for the last administrator's key.
impl Handle<op::DeleteAccessKey> for Directory {
    type Plan = CredentialTarget<AccessKey>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteAccessKeyRequest) -> Result<Planned<Self::Plan>> {
        let planned =
            CredentialTarget::<AccessKey>::plan(cx, tx, &req.user_name, &req.access_key_id, "iam:DeleteAccessKey")
                .await?;
        let retired = planned.plan.id.clone();
        Ok(planned.retires(retired))
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        key: CredentialTarget<AccessKey>,
    ) -> Result<pb::DeleteAccessKeyResponse> {
        let (_, key) = key.get()?;
        tx.delete_access_key(key.account, &key.id).await?;
        Ok(pb::DeleteAccessKeyResponse {})
    }
}

/// Returns when an access key of the account was last used, for which service, and its owner.
///
/// # Errors
/// `AccessDenied` for a key that the account does not have, as in AWS.
impl Handle<op::GetAccessKeyLastUsed> for Directory {
    /// The key and the user that it belongs to.
    type Plan = Result<(AccessKey, Option<User>)>;

    /// The resource is the key's owner, which a denial does not display. A missing key has no resource: only callers
    /// that may ask about every key learn that it is missing.
    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetAccessKeyLastUsedRequest) -> Result<Planned<Self::Plan>> {
        const ACTION: &str = "iam:GetAccessKeyLastUsed";
        let id = AccessKeyId::parse(required(&req.access_key_id, "accessKeyId")?)?;
        let key = tx.find_access_key(cx.account(), &id).await?;
        let user = match &key {
            Some(AccessKey { account, owner: KeyOwner::User(user), .. }) => {
                tx.find_by_id::<User>(*account, user).await?
            }
            _ => None,
        };
        let check = match (&key, &user) {
            (Some(AccessKey { account, owner: KeyOwner::Root, .. }), _) => {
                Check::new(ACTION, &Principal::Root { account: *account }.arn(cx.partition()))
            }
            (Some(_), Some(user)) => check_stored(cx, user, ACTION),
            _ => Check::without_resource(ACTION, cx.account()),
        };
        let check = check.displayed_as(format!("access key {id}"));
        let key = key.ok_or_else(|| {
            let caller = cx.caller().principal.arn(cx.partition());
            let message = format!("User: {caller} is not authorized to perform {ACTION} on resource: access key {id}");
            IamError::new(ErrorCode::AccessDenied, message)
        });
        Ok(Planned::new(key.map(|key| (key, user))).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: Self::Plan) -> Result<pb::GetAccessKeyLastUsedResponse> {
        let (key, user) = plan?;
        let recent = cx.deployment().recent_uses.of_key(&key.id);
        let stored = match recent {
            Some(recent) => Some(recent),
            None => tx.access_key_last_used(key.account, &key.id).await?,
        };
        let used = match stored {
            Some(used) => pb::AccessKeyLastUsed {
                last_used_date: view::date(used.time),
                service_name: Some(used.service),
                region: Some(used.region),
            },
            None => pb::AccessKeyLastUsed {
                last_used_date: None,
                service_name: Some(NEVER.into()),
                region: Some(NEVER.into()),
            },
        };
        let user_name = user.map(|user| user.name.to_string());
        Ok(pb::GetAccessKeyLastUsedResponse { user_name, access_key_last_used: Some(used) })
    }
}

fn secret_owner<'a>(cx: &Cx, owner: &'a KeyOwner, key: &'a AccessKeyId) -> SecretOwner<'a> {
    let user = match owner {
        KeyOwner::Root => None,
        KeyOwner::User(user) => Some(user),
    };
    SecretOwner { account: cx.account(), user, key }
}

#[cfg(test)]
mod tests;
