//! Login profiles: the passwords of users.

use std::time::Duration;

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, PasswordFailures, PasswordPurpose, Planned};
use bailiwick_seal::SecretString;
use bailiwick_storage::{KeyOwner, LoginProfile, PasswordPolicy, Tx, User};

use super::password_change::PasswordChange;
use crate::accounts::password_policy::grants_own_password;
use crate::address::check_stored;
use crate::request::required;
use crate::user_or_root::{UserOrCaller, UserOrRoot, user_name_required};
use crate::{Directory, view};

const ADMIN: PasswordPurpose = PasswordPurpose::Administration;

/// The user that a request names, or the caller, with their login profile. Both may be missing.
pub struct Owner {
    user: UserOrCaller,
    profile: Option<LoginProfile>,
}

impl Owner {
    /// Looks up the user and the login profile, and names the check of an action on the user.
    ///
    /// # Errors
    /// `ValidationError` if no user is named and the caller is not one.
    async fn plan(cx: &Cx, tx: &mut Tx, name: &Option<String>, action: &'static str) -> Result<Planned<Owner>> {
        let Planned { plan: user, checks, .. } = UserOrCaller::plan(cx, tx, name, action).await?;
        if matches!(user, UserOrCaller::Caller(UserOrRoot::Root)) {
            return Err(user_name_required());
        }
        let profile = match user.user() {
            Some(user) => tx.find_login_profile(user.account, &user.id).await?,
            None => None,
        };
        Ok(Planned::new(Owner { user, profile }).checks(checks))
    }

    /// The user, and the login profile if they have one.
    ///
    /// # Errors
    /// `NoSuchEntity` if the user is missing.
    fn user(self) -> Result<(User, Option<LoginProfile>)> {
        match self.user.get()? {
            UserOrRoot::User(user) => Ok((*user, self.profile)),
            UserOrRoot::Root => Err(user_name_required()),
        }
    }

    /// The user and the login profile.
    ///
    /// # Errors
    /// `NoSuchEntity` if one of them is missing.
    fn get(self) -> Result<(User, LoginProfile)> {
        let (user, profile) = self.user()?;
        let profile = profile.ok_or_else(|| LoginProfile::missing(&user.name))?;
        Ok((user, profile))
    }
}

/// Gives a user, or the caller, a password. It ends the wait after failed sign-ins with an earlier one.
///
/// # Errors
/// `NoSuchEntity`; `EntityAlreadyExists` if the user has one; `PasswordPolicyViolation`.
impl Handle<op::CreateLoginProfile> for Directory {
    /// The user, the password, whether it must be reset, and the maximum duration of a session.
    type Plan = (Owner, Option<PasswordChange>, bool, Option<u32>);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::CreateLoginProfileRequest) -> Result<Planned<Self::Plan>> {
        required(&req.password, "password")?;
        let password = SecretString::from(req.password.unwrap_or_default());
        let Planned { plan: owner, checks, .. } = Owner::plan(cx, tx, &req.user_name, "iam:CreateLoginProfile").await?;
        let (change, work) = match (owner.user.user(), &owner.profile) {
            (Some(user), None) => {
                let (change, work) = PasswordChange::plan(cx, tx, user, None, None, password, ADMIN).await?;
                (Some(change), work)
            }
            _ => (None, None),
        };
        let (reset, duration) =
            (req.password_reset_required.unwrap_or(false), seconds(req.max_signin_session_duration));
        Ok(Planned::new((owner, change, reset, duration)).checks(checks).password(work))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (owner, change, reset_required, max_signin_session_seconds): Self::Plan,
    ) -> Result<pb::CreateLoginProfileResponse> {
        let (user, _) = owner.user()?;
        let sealed_hashes = match change {
            Some(change) => change.sealed(cx, &user)?,
            // The user has a login profile: creating another one is refused.
            None => bytes::Bytes::new(),
        };
        let profile = LoginProfile {
            account: user.account,
            user: user.id,
            created: cx.date(),
            changed: cx.date(),
            reset_required,
            max_signin_session_seconds,
            sealed_hashes,
            warned_of: None,
        };
        tx.create_login_profile(&user, &profile).await?;
        // Those of an earlier password, which is gone.
        tx.delete_sign_in_failures(user.account, &KeyOwner::User(user.id));
        Ok(pb::CreateLoginProfileResponse { login_profile: Some(shown(&user, &profile)) })
    }
}

/// Shows since when a user, or the caller, has a password.
///
/// # Errors
/// `NoSuchEntity` if the user or the password is missing.
impl Handle<op::GetLoginProfile> for Directory {
    type Plan = Owner;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetLoginProfileRequest) -> Result<Planned<Owner>> {
        Owner::plan(cx, tx, &req.user_name, "iam:GetLoginProfile").await
    }

    async fn handle(&self, _: &Cx, _: &mut Tx, owner: Owner) -> Result<pb::GetLoginProfileResponse> {
        let (user, profile) = owner.get()?;
        Ok(pb::GetLoginProfileResponse { login_profile: Some(shown(&user, &profile)) })
    }
}

/// What UpdateLoginProfile changes; what is left out stays.
pub struct Changes {
    password: Option<PasswordChange>,
    reset_required: Option<bool>,
    max_signin_session_seconds: Option<u32>,
    clear_max_signin_session: bool,
}

/// Changes a user's password, whether it must be reset, and the maximum duration of a session. A new password ends the
/// sign-in sessions of the user, and the wait after failed sign-ins.
///
/// # Errors
/// `NoSuchEntity` if the user or the password is missing; `PasswordPolicyViolation`; `InvalidInput` for a duration that is
/// set and cleared; `EntityTemporarilyUnmodifiable` if the password was changed at the same time.
impl Handle<op::UpdateLoginProfile> for Directory {
    type Plan = (Owner, Changes);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UpdateLoginProfileRequest) -> Result<Planned<Self::Plan>> {
        let password = req.password.map(SecretString::from);
        required(&req.user_name, "userName")?;
        let clear_max_signin_session = req.reset_max_signin_session_duration.unwrap_or(false);
        // Before the work with passwords: a call that computes and changes nothing could try passwords.
        if clear_max_signin_session && req.max_signin_session_duration.is_some() {
            let message = "MaxSigninSessionDuration can't be specified together with ResetMaxSigninSessionDuration";
            return Err(IamError::new(ErrorCode::InvalidInput, message));
        }
        let Planned { plan: owner, checks, .. } = Owner::plan(cx, tx, &req.user_name, "iam:UpdateLoginProfile").await?;
        let (password, work) = match (owner.user.user(), &owner.profile, password) {
            (Some(user), Some(profile), Some(password)) => {
                let (change, work) = PasswordChange::plan(cx, tx, user, Some(profile), None, password, ADMIN).await?;
                (Some(change), work)
            }
            _ => (None, None),
        };
        let changes = Changes {
            password,
            reset_required: req.password_reset_required,
            max_signin_session_seconds: seconds(req.max_signin_session_duration),
            clear_max_signin_session,
        };
        Ok(Planned::new((owner, changes)).checks(checks).password(work))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (owner, changes): Self::Plan,
    ) -> Result<pb::UpdateLoginProfileResponse> {
        let (user, mut profile) = owner.get()?;
        if let Some(password) = changes.password {
            profile.sealed_hashes = password.sealed(cx, &user)?;
            profile.changed = cx.date();
            forget_sign_ins(tx, &user).await?;
            tx.delete_sign_in_failures(user.account, &KeyOwner::User(user.id));
        }
        profile.reset_required = changes.reset_required.unwrap_or(profile.reset_required);
        if changes.clear_max_signin_session {
            profile.max_signin_session_seconds = None;
        }
        profile.max_signin_session_seconds = changes.max_signin_session_seconds.or(profile.max_signin_session_seconds);
        tx.update_login_profile(&user, &profile).await?;
        Ok(pb::UpdateLoginProfileResponse {})
    }
}

/// Takes the password of a user, or of the caller, away. Their sign-in sessions end.
///
/// # Errors
/// `NoSuchEntity` if the user or the password is missing.
impl Handle<op::DeleteLoginProfile> for Directory {
    type Plan = Owner;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteLoginProfileRequest) -> Result<Planned<Owner>> {
        Owner::plan(cx, tx, &req.user_name, "iam:DeleteLoginProfile").await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, owner: Owner) -> Result<pb::DeleteLoginProfileResponse> {
        let (user, _) = owner.get()?;
        tx.delete_login_profile(&user).await?;
        forget_sign_ins(tx, &user).await?;
        Ok(pb::DeleteLoginProfileResponse {})
    }
}

/// The change of the caller's own password.
pub struct OwnChange {
    profile: LoginProfile,
    change: PasswordChange,
    /// The wrong passwords so far, also of attempts to sign in.
    failures: PasswordFailures,
}

/// Changes the caller's own password. The account's password policy may grant it to every user. An expired password can be
/// changed, also if the policy has a hard expiry: that one concerns people who sign in with the password. The sign-in
/// sessions of the user end, also the one of the call.
///
/// Wrong old passwords and failed attempts to sign in are one count.
///
/// # Errors
/// `InvalidUserType` if the caller is not a user; `NoSuchEntity` if they have no password; `AccessDenied` for a wrong old
/// password; `PasswordPolicyViolation`; `EntityTemporarilyUnmodifiable` after too many wrong passwords, or if the password
/// was changed at the same time.
impl Handle<op::ChangePassword> for Directory {
    /// The caller, if they are a user, and the change, if they have a password.
    type Plan = Option<(User, Option<OwnChange>)>;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ChangePasswordRequest) -> Result<Planned<Self::Plan>> {
        const ACTION: &str = "iam:ChangePassword";
        let (old, new) = (req.old_password, req.new_password);
        let (old, new) = (SecretString::from(old.unwrap_or_default()), SecretString::from(new.unwrap_or_default()));
        let Some((id, name)) = cx.caller().user() else {
            // Other callers have no user as the resource.
            let root = Arn::iam(cx.partition(), cx.account(), format_args!("root"));
            return Ok(Planned::new(None).check(Check::new(ACTION, &root)));
        };
        let user = tx.find_by_id::<User>(cx.account(), id).await?;
        let user = user.ok_or_else(|| IamError::no_such("user", name))?;
        let policy = tx.account_setting::<PasswordPolicy>(cx.account()).await?;
        let check = check_stored(cx, &user, ACTION).own_password(grants_own_password(cx, policy.as_ref()));
        let (change, work) = match tx.find_login_profile(user.account, &user.id).await? {
            None => (None, None),
            Some(profile) => {
                let purpose = PasswordPurpose::OwnPassword;
                let (change, work) =
                    PasswordChange::plan(cx, tx, &user, Some(&profile), Some(old), new, purpose).await?;
                let failures = PasswordFailures::read(tx, user.account, KeyOwner::User(user.id)).await?;
                let work = work.filter(|_| failures.wait(cx.now()).is_none());
                (Some(OwnChange { profile, change, failures }), work)
            }
        };
        Ok(Planned::new(Some((user, change))).check(check).password(work))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, plan: Self::Plan) -> Result<pb::ChangePasswordResponse> {
        let Some((user, change)) = plan else {
            let message = "Only IAM Users can change their own password";
            return Err(IamError::new(ErrorCode::InvalidUserType, message));
        };
        let Some(OwnChange { mut profile, change, failures }) = change else {
            return Err(LoginProfile::missing(&user.name));
        };
        if let Some(wait) = failures.wait(cx.now()) {
            return Err(too_many_failures(wait));
        }
        if change.is_wrong(cx) {
            failures.failed(tx, cx.now());
        }
        profile.sealed_hashes = change.sealed(cx, &user)?;
        profile.changed = cx.date();
        profile.reset_required = false;
        tx.update_login_profile(&user, &profile).await?;
        forget_sign_ins(tx, &user).await?;
        Ok(pb::ChangePasswordResponse {})
    }
}

fn too_many_failures(wait: Duration) -> IamError {
    let message = format!(
        "too many wrong passwords: try again in {} seconds, or have an administrator call UpdateLoginProfile",
        wait.as_secs()
    );
    IamError::new(ErrorCode::EntityTemporarilyUnmodifiable, message).retry_after(wait)
}

/// Ends the sign-in sessions of a user whose password changed or is gone.
pub(super) async fn forget_sign_ins(tx: &mut Tx, user: &User) -> Result<()> {
    tx.end_sign_in_sessions(user.account, &KeyOwner::User(user.id)).await
}

fn seconds(member: Option<i32>) -> Option<u32> {
    member.and_then(|seconds| u32::try_from(seconds).ok())
}

fn shown(user: &User, profile: &LoginProfile) -> pb::LoginProfile {
    pb::LoginProfile {
        user_name: Some(user.name.to_string()),
        create_date: view::date(profile.created),
        password_reset_required: Some(profile.reset_required),
        max_signin_session_duration: profile.max_signin_session_seconds.and_then(|seconds| i32::try_from(seconds).ok()),
    }
}

#[cfg(test)]
mod tests;
