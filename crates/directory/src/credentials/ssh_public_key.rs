//! SSH public keys of users.

use bailiwick_api::{iam as pb, op};
use bailiwick_federation::{KeyEncoding, PublicKeyError, SshPublicKey as Key};
use bailiwick_model::{ErrorCode, IamError, IdKind, Result};
use bailiwick_operation::{Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{SshPublicKey, Tx, User};

use super::status;
use super::target::CredentialTarget;
use crate::address::Target;
use crate::request::required;
use crate::user_or_root::{UserOrCaller, UserOrRoot};
use crate::{Directory, view};

/// Adds an SSH public key to a user. Only this response shows it as it was uploaded, with a comment.
///
/// # Errors
/// `NoSuchEntity`, `UnrecognizedPublicKeyEncoding`, `InvalidPublicKey`; `DuplicateSSHPublicKey` if the user has the
/// key; `LimitExceeded` for a sixth one.
impl Handle<op::UploadSSHPublicKey> for Directory {
    type Plan = (Target<User>, String);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UploadSshPublicKeyRequest) -> Result<Planned<Self::Plan>> {
        let body = required(&req.ssh_public_key_body, "sSHPublicKeyBody")?.to_owned();
        Ok(Target::<User>::plan(cx, tx, &req.user_name, "iam:UploadSSHPublicKey").await?.with(body))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (user, body): Self::Plan) -> Result<pb::UploadSshPublicKeyResponse> {
        let user = user.get()?;
        let (key, _) = Key::parse(&body).map_err(refused)?;
        let stored = SshPublicKey {
            account: user.account,
            user: user.id,
            id: cx.new_id(IdKind::SshPublicKey),
            active: true,
            uploaded: cx.date(),
            der: key.der().to_vec().into(),
            digest: key.digest(),
        };
        tx.create_ssh_public_key(&stored).await?;
        Ok(pb::UploadSshPublicKeyResponse { ssh_public_key: Some(full(&user, &stored, &key, body)) })
    }
}

/// Shows an SSH public key in the encoding of the request.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::GetSSHPublicKey> for Directory {
    type Plan = (CredentialTarget<SshPublicKey>, KeyEncoding);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetSshPublicKeyRequest) -> Result<Planned<Self::Plan>> {
        let encoding = match required(&req.encoding, "encoding")? {
            "PEM" => KeyEncoding::Pem,
            _ => KeyEncoding::Ssh,
        };
        let planned =
            CredentialTarget::plan(cx, tx, &req.user_name, &req.ssh_public_key_id, "iam:GetSSHPublicKey").await?;
        Ok(planned.with(encoding))
    }

    async fn handle(&self, _: &Cx, _: &mut Tx, plan: Self::Plan) -> Result<pb::GetSshPublicKeyResponse> {
        let (target, encoding) = plan;
        let (user, stored) = target.get_of_user()?;
        let key = Key::from_der(&stored.der).map_err(IamError::internal)?;
        let text = key.to_text(encoding).map_err(IamError::internal)?;
        Ok(pb::GetSshPublicKeyResponse { ssh_public_key: Some(full(&user, &stored, &key, text)) })
    }
}

/// Lists the SSH public keys of a user, or of the caller, by id and without the keys themselves. Root has none.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::ListSSHPublicKeys> for Directory {
    type Plan = (UserOrCaller, PageRequest);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ListSshPublicKeysRequest) -> Result<Planned<Self::Plan>> {
        let planned = UserOrCaller::plan(cx, tx, &req.user_name, "iam:ListSSHPublicKeys").await?;
        Ok(planned.with(PageRequest::new(req.marker, req.max_items)))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (user, page): Self::Plan) -> Result<pb::ListSshPublicKeysResponse> {
        let pages = page.open(cx, "ListSSHPublicKeys")?;
        let UserOrRoot::User(user) = user.get()? else {
            return Ok(pb::ListSshPublicKeysResponse { is_truncated: Some(false), ..Default::default() });
        };
        let found = tx.list_ssh_public_keys(user.account, &user.id, pages.after(), pages.limit()).await?;
        let page = pages.answer(found)?;
        let metadata = |key: &SshPublicKey| pb::SshPublicKeyMetadata {
            user_name: Some(user.name.to_string()),
            ssh_public_key_id: Some(key.id.to_string()),
            status: status::text(key.active),
            upload_date: view::date(key.uploaded),
        };
        Ok(pb::ListSshPublicKeysResponse {
            ssh_public_keys: page.items.iter().map(metadata).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

/// Activates or deactivates an SSH public key.
///
/// # Errors
/// `NoSuchEntity`; `InvalidInput` for another status.
impl Handle<op::UpdateSSHPublicKey> for Directory {
    /// The key, and whether it will be active.
    type Plan = (CredentialTarget<SshPublicKey>, Result<bool>);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateSshPublicKeyRequest) -> Result<Planned<Self::Plan>> {
        let active = status::parse(&req.status)?;
        let action = "iam:UpdateSSHPublicKey";
        let planned = CredentialTarget::plan(cx, tx, &req.user_name, &req.ssh_public_key_id, action).await?;
        Ok(planned.with(active))
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, (key, active): Self::Plan) -> Result<pb::UpdateSshPublicKeyResponse> {
        let active = active?;
        let (_, key) = key.get()?;
        tx.update_ssh_public_key(&SshPublicKey { active, ..key });
        Ok(pb::UpdateSshPublicKeyResponse {})
    }
}

/// Deletes an SSH public key.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::DeleteSSHPublicKey> for Directory {
    type Plan = CredentialTarget<SshPublicKey>;

    async fn plan(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::DeleteSshPublicKeyRequest,
    ) -> Result<Planned<CredentialTarget<SshPublicKey>>> {
        CredentialTarget::plan(cx, tx, &req.user_name, &req.ssh_public_key_id, "iam:DeleteSSHPublicKey").await
    }

    async fn handle(
        &self,
        _: &Cx,
        tx: &mut Tx,
        key: CredentialTarget<SshPublicKey>,
    ) -> Result<pb::DeleteSshPublicKeyResponse> {
        let (_, key) = key.get()?;
        tx.delete_ssh_public_key(&key);
        Ok(pb::DeleteSshPublicKeyResponse {})
    }
}

/// A key with its text.
fn full(user: &User, stored: &SshPublicKey, key: &Key, text: String) -> pb::SshPublicKey {
    pb::SshPublicKey {
        user_name: Some(user.name.to_string()),
        ssh_public_key_id: Some(stored.id.to_string()),
        fingerprint: Some(key.fingerprint()),
        ssh_public_key_body: Some(text),
        status: status::text(stored.active),
        upload_date: view::date(stored.uploaded),
    }
}

/// The error in AWS's words, with ours about the member.
fn refused(error: PublicKeyError) -> IamError {
    let (code, message) = match error {
        PublicKeyError::UnknownEncoding => (ErrorCode::UnrecognizedPublicKeyEncoding, "Invalid public key uploaded."),
        PublicKeyError::Malformed | PublicKeyError::Size => {
            (ErrorCode::InvalidPublicKey, "Invalid body for public key")
        }
    };
    IamError::new(code, message).field("SSHPublicKeyBody", error.to_string())
}

#[cfg(test)]
mod tests;
