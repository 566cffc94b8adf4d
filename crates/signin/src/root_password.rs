//! The password of root. There is none before root sets it with an access key.

use bailiwick_api::op;
use bailiwick_api::signin as pb;
use bailiwick_directory::check_password;
use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{
    Check, Cx, Handle, PasswordOwner, PasswordPurpose, PasswordResult, PasswordWork, Planned, SessionKind,
};
use bailiwick_seal::SecretString;
use bailiwick_storage::{KeyOwner, RootPassword, Tx};

use crate::SignIn;

/// Gives root a password. The sign-in sessions of root end, and the wait after failed sign-ins.
///
/// # Errors
/// `AccessDenied` if the caller is not root itself; `PasswordPolicyViolation`.
impl Handle<op::PutRootPassword> for SignIn {
    /// Why the password is refused, if it is.
    type Plan = Option<IamError>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::PutRootPasswordRequest) -> Result<Planned<Self::Plan>> {
        let password = SecretString::from(req.password.unwrap_or_default());
        let check = check(cx, "bailiwick:PutRootPassword");
        if !is_root_itself(cx) {
            return Ok(Planned::new(Some(only_root())).check(check));
        }
        let account = tx.find_account(cx.account()).await?;
        let account = account.ok_or_else(|| IamError::internal("the account of a caller is not stored"))?;
        // The password policy of an account is for its users: root has AWS's default policy.
        if let Err(refused) = check_password(None, &account, &password) {
            return Ok(Planned::new(Some(refused)).check(check));
        }
        let work = PasswordWork {
            purpose: PasswordPurpose::Administration,
            basis: Vec::new(),
            known: None,
            new: Some((password, cx.random())),
            not_among: Vec::new(),
        };
        Ok(Planned::new(None).check(check).password(work))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, refused: Self::Plan) -> Result<pb::PutRootPasswordResponse> {
        if let Some(refused) = refused {
            return Err(refused);
        }
        let Some(PasswordResult::Done(Some(hash))) = cx.password_outcome().map(|outcome| &outcome.result) else {
            return Err(IamError::internal("a password without its hash"));
        };
        let owner = PasswordOwner { account: cx.account(), user: None };
        let sealed_hash = owner.seal(&cx.deployment().sealer, std::slice::from_ref(hash))?.into();
        let old = tx.account_setting::<RootPassword>(cx.account()).await?;
        let last_used = old.and_then(|old| old.last_used);
        tx.put_account_setting(cx.account(), &RootPassword { changed: cx.date(), sealed_hash, last_used }).await?;
        tx.end_sign_in_sessions(cx.account(), &KeyOwner::Root).await?;
        tx.delete_sign_in_failures(cx.account(), &KeyOwner::Root);
        Ok(pb::PutRootPasswordResponse {})
    }
}

/// Deletes root's password. The sign-in sessions of root end.
///
/// # Errors
/// `AccessDenied` if the caller is not root itself; `NoSuchEntity` if root has no password.
impl Handle<op::DeleteRootPassword> for SignIn {
    type Plan = ();

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::DeleteRootPasswordRequest) -> Result<Planned<()>> {
        Ok(Planned::new(()).check(check(cx, "bailiwick:DeleteRootPassword")))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::DeleteRootPasswordResponse> {
        if !is_root_itself(cx) {
            return Err(only_root());
        }
        if !tx.delete_account_setting::<RootPassword>(cx.account()).await? {
            return Err(IamError::new(ErrorCode::NoSuchEntity, "The root user has no password."));
        }
        tx.end_sign_in_sessions(cx.account(), &KeyOwner::Root).await?;
        Ok(pb::DeleteRootPasswordResponse {})
    }
}

fn check(cx: &Cx, action: &'static str) -> Check {
    Check::new(action, &Arn::iam(cx.partition(), cx.account(), format_args!("root")))
}

/// Whether the caller is root with an access key or signed in, and not a session that was lent root's permissions.
fn is_root_itself(cx: &Cx) -> bool {
    let session = cx.caller().session.as_deref();
    cx.caller().is_root() && session.is_none_or(|session| session.kind == SessionKind::SignIn)
}

fn only_root() -> IamError {
    IamError::new(ErrorCode::AccessDenied, "only the root user of the account can set or delete its password")
}
