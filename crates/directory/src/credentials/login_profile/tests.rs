use bailiwick_api::op;
use bailiwick_model::{AccountId, ErrorCode, UserName};
use bailiwick_operation::PasswordOwner;
use bailiwick_seal::SecretString;
use bailiwick_storage::{LoginProfile, User};
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, World};

const USER: &str = "arn:aws:iam::111122223333:user/Bob";
const FIRST: &str = "correct-Horse-1";
const SECOND: &str = "battery-Staple-2";
const NONE: &str = "NoSuchEntity: Login Profile for User Bob cannot be found.";
const REUSED: &str = "PasswordPolicyViolation: Password does not conform to the account password policy.";
const WRONG: &str = "AccessDenied: The old password was incorrect.";

fn bob(more: Value) -> Value {
    let mut request = json!({"UserName": "Bob"});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

/// A world in which Bob has the first password.
async fn world() -> World {
    let w = World::new().await;
    w.user("Bob").await;
    w.ok::<op::CreateLoginProfile>(bob(json!({"Password": FIRST}))).await;
    w
}

async fn profile(w: &World) -> Value {
    w.ok::<op::GetLoginProfile>(bob(json!({}))).await["LoginProfile"].clone()
}

async fn change(w: &World, old: &str, new: &str) -> Result<(), String> {
    let bob = w.as_user("Bob").await;
    let request = json!({"OldPassword": old, "NewPassword": new});
    bob.call::<op::ChangePassword>(request).await.map(drop).map_err(|error| error.to_string())
}

/// The stored profile, and which of these passwords it has, the newest first.
async fn stored(w: &World, passwords: &[&str]) -> (LoginProfile, Vec<bool>) {
    let mut tx = w.begin().await;
    let user = tx.get::<User>(AccountId::parse(ACCOUNT).unwrap(), &UserName::parse("Bob").unwrap()).await.unwrap();
    let profile = tx.find_login_profile(user.account, &user.id).await.unwrap().unwrap();
    let owner = PasswordOwner { account: user.account, user: Some(&user.id) };
    let hashes = owner.open(&w.deployment.sealer, &profile.sealed_hashes).unwrap();
    let matches = passwords
        .iter()
        .enumerate()
        .map(|(at, text)| hashes.get(at).is_some_and(|hash| hash.matches(&SecretString::from((*text).to_owned()))))
        .collect();
    (profile, matches)
}

#[tokio::test]
async fn a_profile_is_created_shown_changed_and_deleted() {
    let w = World::new().await;
    w.user("Bob").await;
    w.fails::<op::GetLoginProfile>(bob(json!({})), NONE).await;
    w.fails::<op::UpdateLoginProfile>(bob(json!({"Password": FIRST})), NONE).await;
    w.fails::<op::DeleteLoginProfile>(bob(json!({})), NONE).await;
    let request = bob(json!({"Password": FIRST, "PasswordResetRequired": true, "MaxSigninSessionDuration": 3600}));
    let created = w.ok::<op::CreateLoginProfile>(request.clone()).await["LoginProfile"].clone();
    let expected = json!({
        "UserName": "Bob",
        "CreateDate": "2026-03-01T12:00:00Z",
        "PasswordResetRequired": true,
        "MaxSigninSessionDuration": 3600,
    });
    assert_eq!((&created, &profile(&w).await), (&expected, &expected));
    let exists = "EntityAlreadyExists: Login Profile for user Bob already exists.";
    w.fails::<op::CreateLoginProfile>(request, exists).await;

    w.clock.advance(10);
    // What is left out stays.
    w.ok::<op::UpdateLoginProfile>(bob(json!({}))).await;
    assert_eq!(profile(&w).await, expected);
    w.ok::<op::UpdateLoginProfile>(bob(json!({"Password": SECOND, "PasswordResetRequired": false}))).await;
    let shown = profile(&w).await;
    assert_eq!((&shown["PasswordResetRequired"], &shown["CreateDate"]), (&json!(false), &expected["CreateDate"]));
    let (record, matches) = stored(&w, &[SECOND, FIRST]).await;
    assert_eq!(matches, [true, true]);
    assert_eq!(record.changed.duration_since(record.created).as_secs(), 10);
    w.ok::<op::UpdateLoginProfile>(bob(json!({"ResetMaxSigninSessionDuration": true}))).await;
    assert_eq!(profile(&w).await.get("MaxSigninSessionDuration"), None);
    let both = bob(json!({"ResetMaxSigninSessionDuration": true, "MaxSigninSessionDuration": 3600}));
    assert_eq!(w.call::<op::UpdateLoginProfile>(both).await.unwrap_err().code(), ErrorCode::InvalidInput);

    let conflict = "DeleteConflict: Cannot delete entity, must delete login profile first.";
    w.fails::<op::DeleteUser>(bob(json!({})), conflict).await;
    w.ok::<op::DeleteLoginProfile>(bob(json!({}))).await;
    w.fails::<op::GetLoginProfile>(bob(json!({})), NONE).await;
    w.ok::<op::DeleteUser>(bob(json!({}))).await;
    w.fails::<op::GetLoginProfile>(bob(json!({})), "NoSuchEntity: The user with name Bob cannot be found.").await;
}

#[tokio::test]
async fn a_new_name_keeps_the_password() {
    let w = world().await;
    w.ok::<op::UpdateUser>(json!({"UserName": "Bob", "NewUserName": "Robert"})).await;
    let shown = w.ok::<op::GetLoginProfile>(json!({"UserName": "Robert"})).await;
    assert_eq!(shown["LoginProfile"]["UserName"], "Robert");
    let robert = w.as_user("Robert").await;
    robert.ok::<op::ChangePassword>(json!({"OldPassword": FIRST, "NewPassword": SECOND})).await;
}

#[tokio::test]
async fn users_change_their_own_password_with_the_old_one() {
    let w = world().await;
    w.ok::<op::UpdateLoginProfile>(bob(json!({"PasswordResetRequired": true}))).await;
    assert_eq!(change(&w, "wrong-Horse-1", SECOND).await, Err(WRONG.into()));
    // A password that must be reset cannot be kept.
    assert_eq!(change(&w, FIRST, FIRST).await, Err(REUSED.into()));
    assert_eq!(change(&w, FIRST, "short").await.unwrap_err().split(':').next(), Some("PasswordPolicyViolation"));
    assert_eq!(profile(&w).await["PasswordResetRequired"], true);
    assert_eq!(change(&w, FIRST, SECOND).await, Ok(()));
    assert_eq!(profile(&w).await["PasswordResetRequired"], false);
    assert_eq!(change(&w, FIRST, "third-Password-3").await, Err(WRONG.into()));
    // Without reuse prevention a former password is as good as another.
    assert_eq!(change(&w, SECOND, FIRST).await, Ok(()));
    assert_eq!(stored(&w, &[FIRST, SECOND, FIRST]).await.1, [true, true, true]);
}

#[tokio::test]
async fn former_passwords_are_refused_as_far_as_the_policy_says() {
    let w = world().await;
    for number in 2..=4 {
        w.ok::<op::UpdateLoginProfile>(bob(json!({"Password": format!("Password-{number}")}))).await;
    }
    // Now the passwords are 4, 3, 2 and the first one.
    for (prevention, password, refused) in [
        (1, "Password-4", true),
        (2, "Password-3", true),
        (2, "Password-2", false),
        // The passwords are now 2, 4, 3, 2 and the first one.
        (5, FIRST, true),
        (4, FIRST, false),
    ] {
        w.ok::<op::UpdateAccountPasswordPolicy>(json!({"PasswordReusePrevention": prevention})).await;
        let update = bob(json!({"Password": password}));
        match refused {
            true => w.fails::<op::UpdateLoginProfile>(update, REUSED).await,
            false => drop(w.ok::<op::UpdateLoginProfile>(update).await),
        }
    }
}

#[tokio::test]
async fn no_more_hashes_are_stored_than_a_policy_compares() {
    let w = world().await;
    for number in 0..25 {
        w.ok::<op::UpdateLoginProfile>(bob(json!({"Password": format!("Password-{number}")}))).await;
    }
    let (record, matches) = stored(&w, &["Password-24", "Password-23"]).await;
    assert_eq!(matches, [true, true]);
    let owner = PasswordOwner { account: record.account, user: Some(&record.user) };
    assert_eq!(owner.open(&w.deployment.sealer, &record.sealed_hashes).unwrap().len(), 24);
    w.ok::<op::UpdateAccountPasswordPolicy>(json!({"PasswordReusePrevention": 24})).await;
    w.fails::<op::UpdateLoginProfile>(bob(json!({"Password": "Password-1"})), REUSED).await;
    w.ok::<op::UpdateLoginProfile>(bob(json!({"Password": "Password-0"}))).await;
}

#[tokio::test]
async fn the_policy_of_the_account_holds_for_administrators_too() {
    let w = world().await;
    w.user("Eva").await;
    w.ok::<op::UpdateAccountPasswordPolicy>(json!({"MinimumPasswordLength": 20})).await;
    let short = "PasswordPolicyViolation: Password should have a minimum length of 20";
    let eva = json!({"UserName": "Eva", "Password": FIRST});
    w.fails::<op::CreateLoginProfile>(eva, short).await;
    w.fails::<op::UpdateLoginProfile>(bob(json!({"Password": SECOND})), short).await;
    assert_eq!(change(&w, FIRST, SECOND).await, Err(short.into()));
}

#[tokio::test]
async fn wrong_old_passwords_are_limited() {
    let w = world().await;
    for _ in 0..6 {
        assert_eq!(change(&w, "wrong-Horse-1", SECOND).await, Err(WRONG.into()));
    }
    // The right password is refused as well: otherwise the limit would not limit guessing.
    for new in [SECOND, "short"] {
        let limited = change(&w, FIRST, new).await.unwrap_err();
        assert!(
            limited.starts_with("EntityTemporarilyUnmodifiable: too many wrong passwords: try again in 31"),
            "{limited}"
        );
    }
    w.clock.advance(30);
    assert_eq!(change(&w, FIRST, SECOND).await, Ok(()));
    // A correct password restores nothing.
    assert_eq!(change(&w, "wrong-Horse-1", FIRST).await, Err(WRONG.into()));
    assert!(change(&w, SECOND, FIRST).await.unwrap_err().contains("in 61 seconds"));
    w.ok::<op::UpdateLoginProfile>(bob(json!({"Password": FIRST}))).await;
    assert_eq!(change(&w, FIRST, SECOND).await, Ok(()));
    for _ in 0..6 {
        assert_eq!(change(&w, "wrong-Horse-1", FIRST).await, Err(WRONG.into()));
    }
    // What changes no password ends no wait.
    w.ok::<op::UpdateLoginProfile>(bob(json!({"PasswordResetRequired": false}))).await;
    assert!(change(&w, SECOND, FIRST).await.is_err());
    w.ok::<op::DeleteLoginProfile>(bob(json!({}))).await;
    w.ok::<op::CreateLoginProfile>(bob(json!({"Password": FIRST}))).await;
    assert_eq!(change(&w, FIRST, SECOND).await, Ok(()));
}

#[tokio::test]
async fn only_users_have_passwords() {
    let w = world().await;
    w.role("Runner").await;
    let session = w.as_session("Runner").await;
    let users_only = "InvalidUserType: Only IAM Users can change their own password";
    let unclear = "ValidationError: Must specify userName when calling with non-User credentials";
    for caller in [&w, &session] {
        caller.fails::<op::ChangePassword>(json!({"OldPassword": "a", "NewPassword": "b"}), users_only).await;
        caller.fails::<op::GetLoginProfile>(json!({}), unclear).await;
        caller.fails::<op::DeleteLoginProfile>(json!({}), unclear).await;
        caller.fails::<op::CreateLoginProfile>(json!({"Password": FIRST}), unclear).await;
    }
    w.user("Eva").await;
    let eva = w.as_user("Eva").await;
    let none = NONE.replace("Bob", "Eva");
    eva.fails::<op::ChangePassword>(json!({"OldPassword": FIRST, "NewPassword": SECOND}), &none).await;
    eva.ok::<op::CreateLoginProfile>(json!({"Password": FIRST})).await;
    assert_eq!(eva.ok::<op::GetLoginProfile>(json!({})).await["LoginProfile"]["UserName"], "Eva");
    eva.ok::<op::DeleteLoginProfile>(json!({})).await;
    let missing = "ValidationError: 1 validation error detected: Value at 'password' failed to satisfy constraint: Member must not be null";
    w.fails::<op::CreateLoginProfile>(json!({"UserName": "Eva"}), missing).await;
}

#[tokio::test]
async fn each_operation_needs_its_action_on_the_user() {
    let w = world().await;
    let check = |action: &str| [format!("iam:{action} {USER}")];
    macro_rules! needs {
        ($world:expr, $op:ident, $request:expr) => {
            $world.needs::<op::$op>($request, &check(stringify!($op)).each_ref().map(String::as_str)).await;
        };
    }
    needs!(w, CreateLoginProfile, bob(json!({"Password": FIRST})));
    needs!(w, GetLoginProfile, bob(json!({})));
    needs!(w, UpdateLoginProfile, bob(json!({"Password": FIRST})));
    needs!(w, DeleteLoginProfile, bob(json!({})));
    let passwords = json!({"OldPassword": FIRST, "NewPassword": SECOND});
    let user = w.as_user("Bob").await;
    needs!(user, ChangePassword, passwords.clone());
    for allow in [true, false] {
        w.ok::<op::UpdateAccountPasswordPolicy>(json!({"AllowUsersToChangePassword": allow})).await;
        assert_eq!(user.granted::<op::ChangePassword>(passwords.clone()).await, [allow]);
        assert_eq!(w.granted::<op::ChangePassword>(passwords.clone()).await, [false]);
        assert_eq!(user.granted::<op::UpdateLoginProfile>(bob(json!({"Password": SECOND}))).await, [false]);
    }
}

#[tokio::test]
async fn concurrent_changes_conflict() {
    let set = |password: &str| bob(json!({"Password": password}));
    let w = world().await;
    assert!(w.collide::<op::UpdateLoginProfile, op::UpdateLoginProfile>(set(SECOND), set("third-Password-3")).await);
    let w = world().await;
    assert!(w.collide::<op::DeleteLoginProfile, op::UpdateLoginProfile>(bob(json!({})), set(SECOND)).await);
    // A policy that is changed while a password is set applies to that password.
    let w = world().await;
    let policy = json!({"MinimumPasswordLength": 20});
    assert!(w.collide::<op::UpdateAccountPasswordPolicy, op::UpdateLoginProfile>(policy, set(SECOND)).await);
    for first in [true, false] {
        let w = World::new().await;
        w.user("Bob").await;
        let collided = match first {
            true => w.collide::<op::CreateLoginProfile, op::DeleteUser>(set(FIRST), bob(json!({}))).await,
            false => w.collide::<op::DeleteUser, op::CreateLoginProfile>(bob(json!({})), set(FIRST)).await,
        };
        assert!(collided);
    }
}
