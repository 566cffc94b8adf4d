//! Access keys of users and of root.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccessKeyId, AccessKeyKind, Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Checked, Cx, Principal, SecretOwner};
use bailiwick_seal::SecretString;
use bailiwick_storage::{AccessKey, KeyOwner, Tx, User};

use crate::address::check_stored;
use crate::pages::Pages;
use crate::request::required;
use crate::user_or_root::UserOrRoot;
use crate::{Directory, view};

/// What stands for service and region of a key that was never used.
const NEVER: &str = "N/A";

/// Creates an access key for a user, or for the caller. The answer alone shows the secret.
///
/// # Errors
/// `NoSuchEntity`; `LimitExceeded` for a third one.
impl Checked<op::CreateAccessKey> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::CreateAccessKeyRequest) -> Result<Vec<Check>> {
        Ok(vec![UserOrRoot::check(cx, tx, &req.user_name, "iam:CreateAccessKey").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::CreateAccessKeyRequest,
    ) -> Result<pb::CreateAccessKeyResponse> {
        let owner = UserOrRoot::get(cx, tx, &req.user_name).await?;
        let id = cx.new_access_key_id(AccessKeyKind::LongTerm, cx.account());
        let secret = SecretString::access_key(cx.random());
        let key_owner = owner.key_owner();
        let sealed = sealed_to(cx, &key_owner, &id).seal(&cx.deployment().sealer, &secret)?;
        let key = AccessKey {
            account: cx.account(),
            id,
            owner: key_owner,
            active: true,
            created: cx.date(),
            sealed_secret: sealed.into(),
        };
        tx.create_access_key(&key).await?;
        let access_key = pb::AccessKey {
            user_name: owner.name(),
            access_key_id: Some(key.id.to_string()),
            status: Some(status(key.active).into()),
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
impl Checked<op::ListAccessKeys> for Directory {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::ListAccessKeysRequest) -> Result<Vec<Check>> {
        Ok(vec![UserOrRoot::check(cx, tx, &req.user_name, "iam:ListAccessKeys").await?])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::ListAccessKeysRequest) -> Result<pb::ListAccessKeysResponse> {
        let pages = Pages::open(cx, "ListAccessKeys", &req.marker, req.max_items)?;
        let owner = UserOrRoot::get(cx, tx, &req.user_name).await?;
        let found = tx.list_access_keys(cx.account(), &owner.key_owner(), pages.after(), pages.limit()).await?;
        let page = pages.answer(found)?;
        let shown = |key: &AccessKey| pb::AccessKeyMetadata {
            user_name: owner.name(),
            access_key_id: Some(key.id.to_string()),
            status: Some(status(key.active).into()),
            create_date: view::date(key.created),
        };
        Ok(pb::ListAccessKeysResponse {
            access_key_metadata: page.items.iter().map(shown).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Makes an access key usable, or unusable.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` for a status that can't be given; `UnmodifiableEntity` for the last administrator's.
impl Checked<op::UpdateAccessKey> for Directory {
    fn retires<'r>(&self, req: &'r pb::UpdateAccessKeyRequest) -> Option<&'r str> {
        req.access_key_id.as_deref().filter(|_| req.status.as_deref() == Some(status(false)))
    }

    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::UpdateAccessKeyRequest) -> Result<Vec<Check>> {
        Ok(vec![UserOrRoot::check(cx, tx, &req.user_name, "iam:UpdateAccessKey").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::UpdateAccessKeyRequest,
    ) -> Result<pb::UpdateAccessKeyResponse> {
        let active = match required(&req.status, "status")? {
            "Active" => true,
            "Inactive" => false,
            other => {
                let message = format!("the status `{other}` can't be given to an access key");
                return Err(IamError::new(ErrorCode::InvalidInput, message));
            }
        };
        let key = get(cx, tx, &req.user_name, &req.access_key_id).await?;
        tx.update_access_key(&AccessKey { active, ..key }).await?;
        Ok(pb::UpdateAccessKeyResponse {})
    }
}

/// Deletes an access key.
///
/// # Errors
/// `NoSuchEntity`; `UnmodifiableEntity` for the last administrator's.
impl Checked<op::DeleteAccessKey> for Directory {
    fn retires<'r>(&self, req: &'r pb::DeleteAccessKeyRequest) -> Option<&'r str> {
        req.access_key_id.as_deref()
    }

    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::DeleteAccessKeyRequest) -> Result<Vec<Check>> {
        Ok(vec![UserOrRoot::check(cx, tx, &req.user_name, "iam:DeleteAccessKey").await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::DeleteAccessKeyRequest,
    ) -> Result<pb::DeleteAccessKeyResponse> {
        let key = get(cx, tx, &req.user_name, &req.access_key_id).await?;
        tx.delete_access_key(key.account, &key.id).await?;
        Ok(pb::DeleteAccessKeyResponse {})
    }
}

/// Says when an access key of the account was last used, for what, and whose it is.
///
/// # Errors
/// `NoSuchEntity`.
impl Checked<op::GetAccessKeyLastUsed> for Directory {
    /// The resource is the key's owner. A key that isn't there has none: only who may ask about all is told so, and
    /// a denial names none.
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::GetAccessKeyLastUsedRequest) -> Result<Vec<Check>> {
        const ACTION: &str = "iam:GetAccessKeyLastUsed";
        let id = AccessKeyId::parse(required(&req.access_key_id, "accessKeyId")?)?;
        let without_owner = Check::without_resource(ACTION, None);
        let Some(key) = tx.find_access_key(cx.account(), &id).await? else { return Ok(vec![without_owner]) };
        Ok(vec![match key.owner {
            KeyOwner::Root => {
                let root: Arn = Principal::Root { account: key.account }.arn(cx.partition());
                Check::new(ACTION, &root).displayed_as("*")
            }
            KeyOwner::User(user) => match tx.find_by_id::<User>(key.account, &user).await? {
                Some(user) => check_stored(cx, &user, ACTION).displayed_as("*"),
                None => without_owner,
            },
        }])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::GetAccessKeyLastUsedRequest,
    ) -> Result<pb::GetAccessKeyLastUsedResponse> {
        let id = AccessKeyId::parse(required(&req.access_key_id, "accessKeyId")?)?;
        let key = tx.get_access_key(cx.account(), &id).await?;
        let user_name = match key.owner {
            KeyOwner::Root => None,
            KeyOwner::User(user) => tx.find_by_id::<User>(key.account, &user).await?.map(|user| user.name.to_string()),
        };
        let used = match tx.access_key_last_used(key.account, &key.id).await? {
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
        Ok(pb::GetAccessKeyLastUsedResponse { user_name, access_key_last_used: Some(used) })
    }
}

/// The key of that id, if it belongs to whom the request is about.
async fn get(cx: &Cx, tx: &mut Tx, user: &Option<String>, id: &Option<String>) -> Result<AccessKey> {
    let owner = UserOrRoot::get(cx, tx, user).await?.key_owner();
    let id = AccessKeyId::parse(required(id, "accessKeyId")?)?;
    let found = tx.find_access_key(cx.account(), &id).await?;
    found.filter(|key| key.owner == owner).ok_or_else(|| {
        let message = format!("The Access Key with id {id} cannot be found.");
        IamError::new(ErrorCode::NoSuchEntity, message)
    })
}

fn sealed_to<'a>(cx: &Cx, owner: &'a KeyOwner, key: &'a AccessKeyId) -> SecretOwner<'a> {
    let user = match owner {
        KeyOwner::Root => None,
        KeyOwner::User(user) => Some(user),
    };
    SecretOwner { account: cx.account(), user, key }
}

fn status(active: bool) -> &'static str {
    if active { "Active" } else { "Inactive" }
}

#[cfg(test)]
mod tests;
