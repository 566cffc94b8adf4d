//! The last access key that can administer the deployment cannot be made unusable by accident.

use bailiwick_api::{iam, op};
use bailiwick_model::Result;
use bailiwick_storage::keys::Kind;
use bailiwick_testing::{ALLOW_ALL, Client, Key, code};

use super::TestEnv;

/// What there is beside root and its key.
enum Beside {
    Nothing,
    /// A user with an access key, who holds this inline policy.
    User(&'static str),
    /// The same, in a group that holds it.
    Member(&'static str),
    /// A user who may do everything, with this permissions boundary.
    Bounded(&'static str),
    /// A user who may do everything, with a key that is inactive.
    Inactive,
    /// A user who may do everything, without a key.
    Keyless,
    /// A second access key of root, and whether it is active.
    Root(bool),
    /// A user of another account, who may do everything there.
    Stranger,
    /// A role that may do everything, and a user who may assume it.
    Role,
}

const IAM: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"*"}}"#;
const READ: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:Get*","iam:List*"],"Resource":"*"}}"#;
const OWN_KEYS: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:user/${aws:username}"}}"#;
const NO_KEYS: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"iam:CreateAccessKey","Resource":"*"}]}"#;
const OTHER_POLICIES: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{"ArnNotLike":{"iam:PolicyARN":"arn:aws:iam::aws:policy/Adm*"}}}}"#;
const FROM_HERE: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}}}"#;
const FROM_ELSEWHERE: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}}"#;
const WITH_MFA: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}}}"#;

fn id(key: &Client) -> String {
    key.key().id.to_string()
}

impl TestEnv {
    async fn delete(&self, by: &Client, user: Option<&str>, key: &Client) -> Result<()> {
        let req = iam::DeleteAccessKeyRequest { user_name: user.map(str::to_owned), access_key_id: Some(id(key)) };
        self.call::<op::DeleteAccessKey>(by, req).await.map(drop)
    }

    async fn set(&self, by: &Client, user: Option<&str>, key: &Client, status: &str) -> Result<()> {
        self.call::<op::UpdateAccessKey>(by, update(user, key, status)).await.map(drop)
    }

    async fn put_policy(&self, user: &str, document: &str) {
        let req = iam::PutUserPolicyRequest {
            user_name: Some(user.into()),
            policy_name: Some("all".into()),
            policy_document: Some(document.into()),
        };
        self.call::<op::PutUserPolicy>(&self.root, req).await.unwrap();
    }

    async fn make(&self, beside: &Beside) {
        let root = &self.root;
        match beside {
            Beside::Nothing => {}
            Beside::User(document) => {
                self.user(root, "Alice").await;
                self.put_policy("Alice", document).await;
            }
            Beside::Member(document) => {
                self.user(root, "Alice").await;
                self.put_policy("Alice", READ).await;
                let (group_name, user_name) = (Some("team".to_owned()), Some("Alice".to_owned()));
                let req = iam::CreateGroupRequest { group_name: group_name.clone(), ..Default::default() };
                self.call::<op::CreateGroup>(root, req).await.unwrap();
                let (policy_name, policy_document) = (Some("all".to_owned()), Some((*document).to_owned()));
                let req = iam::PutGroupPolicyRequest { group_name: group_name.clone(), policy_name, policy_document };
                self.call::<op::PutGroupPolicy>(root, req).await.unwrap();
                let req = iam::AddUserToGroupRequest { group_name, user_name };
                self.call::<op::AddUserToGroup>(root, req).await.unwrap();
            }
            Beside::Bounded(document) => {
                self.user(root, "Alice").await;
                let req = iam::CreatePolicyRequest {
                    policy_name: Some("bounds".into()),
                    policy_document: Some((*document).into()),
                    ..Default::default()
                };
                let policy = self.call::<op::CreatePolicy>(root, req).await.unwrap().policy.unwrap();
                let req = iam::PutUserPermissionsBoundaryRequest {
                    user_name: Some("Alice".into()),
                    permissions_boundary: policy.arn,
                };
                self.call::<op::PutUserPermissionsBoundary>(root, req).await.unwrap();
            }
            Beside::Inactive => {
                let alice = self.user(root, "Alice").await;
                self.set(root, Some("Alice"), &alice, "Inactive").await.unwrap();
            }
            Beside::Keyless => {
                let alice = self.user(root, "Alice").await;
                self.delete(root, Some("Alice"), &alice).await.unwrap();
            }
            Beside::Root(active) => {
                let made = self.call::<op::CreateAccessKey>(root, Default::default()).await.unwrap();
                let key = Client::Key(Key::new(&made.access_key.unwrap().access_key_id.unwrap(), "", None));
                self.set(root, None, &key, if *active { "Active" } else { "Inactive" }).await.unwrap();
            }
            Beside::Stranger => {
                let administrator = self.user(root, "Alice").await;
                self.member(&administrator).await;
                self.put_policy("Alice", READ).await;
            }
            Beside::Role => {
                let administrator = self.user(root, "Alice").await;
                self.role(&administrator, "admins").await;
                self.put_policy("Alice", READ).await;
            }
        }
    }
}

fn update(user: Option<&str>, key: &Client, status: &str) -> iam::UpdateAccessKeyRequest {
    iam::UpdateAccessKeyRequest {
        user_name: user.map(str::to_owned),
        access_key_id: Some(id(key)),
        status: Some(status.to_owned()),
    }
}

#[tokio::test]
async fn roots_last_key_can_be_removed_only_if_an_administrator_is_left() {
    const REFUSED: &str = "UnmodifiableEntity";
    for (beside, expected, name) in [
        (Beside::Nothing, REFUSED, "nothing"),
        (Beside::User(ALLOW_ALL), "OK", "a user who may do everything"),
        (Beside::User(IAM), "OK", "a user who may do everything in IAM"),
        (Beside::User(READ), REFUSED, "a user who may read"),
        (Beside::User(OWN_KEYS), REFUSED, "a user who may change themselves"),
        (Beside::User(NO_KEYS), REFUSED, "a user who is denied making keys"),
        (Beside::User(OTHER_POLICIES), REFUSED, "a user who may not attach AdministratorAccess"),
        (Beside::User(FROM_HERE), "OK", "a user from this address"),
        (Beside::User(FROM_ELSEWHERE), REFUSED, "a user from another address"),
        (Beside::User(WITH_MFA), REFUSED, "a user who must have used MFA"),
        (Beside::Member(ALLOW_ALL), "OK", "a user in a group"),
        (Beside::Bounded(READ), REFUSED, "a user whose boundary is narrow"),
        (Beside::Bounded(ALLOW_ALL), "OK", "a user whose boundary is wide"),
        (Beside::Inactive, REFUSED, "an inactive key"),
        (Beside::Keyless, REFUSED, "a user without a key"),
        (Beside::Root(true), "OK", "another key of root"),
        (Beside::Root(false), REFUSED, "an inactive key of root"),
        (Beside::Stranger, REFUSED, "a user of another account"),
        (Beside::Role, REFUSED, "a role"),
    ] {
        let env = TestEnv::new().await;
        env.make(&beside).await;
        let deactivated = env.set(&env.root, None, &env.root, "Inactive").await;
        assert_eq!(code(&deactivated), expected, "deactivated beside {name}: {deactivated:?}");
        if let Err(error) = deactivated {
            assert!(error.message().contains(&id(&env.root)) && error.message().contains(ALLOW), "{error}");
            // It was refused and not done.
            let deleted = env.delete(&env.root, None, &env.root).await;
            assert_eq!(code(&deleted), expected, "deleted beside {name}: {deleted:?}");
            env.call::<op::ListUsers>(&env.root, Default::default()).await.unwrap();
        }
        let env = TestEnv::new().await;
        env.make(&beside).await;
        assert_eq!(code(&env.delete(&env.root, None, &env.root).await), expected, "deleted beside {name}");
    }
}

const ALLOW: &str = "x-bailiwick-allow-lockout";

#[tokio::test]
async fn a_header_of_the_call_allows_a_lockout() {
    for (value, expected) in
        [("true", "OK"), ("True", "OK"), ("false", "UnmodifiableEntity"), ("", "UnmodifiableEntity")]
    {
        let env = TestEnv::new().await;
        let req = update(None, &env.root, "Inactive");
        let answer = env.call_with::<op::UpdateAccessKey>(&env.root, req, Some((ALLOW, value))).await;
        assert_eq!(code(&answer), expected, "{value}");
    }
}

#[tokio::test]
async fn the_last_administrator_is_protected_as_root_is() {
    let env = TestEnv::new().await;
    let alice = env.user(&env.root, "Alice").await;
    let bob = env.user(&env.root, "Bob").await;
    env.put_policy("Bob", READ).await;
    env.delete(&env.root, None, &env.root).await.unwrap();

    // Bob is not an administrator, so any change of Bob's key is allowed.
    env.set(&alice, Some("Bob"), &bob, "Inactive").await.unwrap();
    env.set(&alice, Some("Bob"), &bob, "Active").await.unwrap();
    for user in [None, Some("Alice")] {
        assert_eq!(code(&env.delete(&alice, user, &alice).await), "UnmodifiableEntity");
        assert_eq!(code(&env.set(&alice, user, &alice, "Inactive").await), "UnmodifiableEntity");
    }
    // A key that is there already may be made what it is.
    env.set(&alice, None, &alice, "Active").await.unwrap();
    // With a second key of theirs, or another administrator, it may go.
    let req = iam::CreateAccessKeyRequest { user_name: Some("Alice".into()) };
    let made = env.call::<op::CreateAccessKey>(&alice, req).await.unwrap().access_key.unwrap();
    let second = Client::Key(Key::new(&made.access_key_id.unwrap(), made.secret_access_key.unwrap(), None));
    env.delete(&second, None, &alice).await.unwrap();
    env.user(&second, "Carol").await;
    env.delete(&second, None, &second).await.unwrap();
}

#[tokio::test]
async fn a_caller_without_permission_learns_nothing_about_administrators() {
    let env = TestEnv::new().await;
    let alice = env.user(&env.root, "Alice").await;
    let bob = env.user(&env.root, "Bob").await;
    env.put_policy("Bob", READ).await;
    env.delete(&env.root, None, &env.root).await.unwrap();
    assert_eq!(code(&env.delete(&bob, Some("Alice"), &alice).await), "AccessDenied");
    let unknown = Client::Key(Key::new("AKIAUNKNOWNKEYISHERE", "", None));
    assert_eq!(code(&env.delete(&alice, Some("Alice"), &unknown).await), "NoSuchEntity");
    // The key is another user's than the one that is named.
    assert_eq!(code(&env.delete(&alice, Some("Bob"), &alice).await), "NoSuchEntity");
}

/// Each deletion alone leaves one administrator; both together would leave none.
#[tokio::test]
async fn two_administrators_cannot_remove_each_others_keys_at_once() {
    let env = TestEnv::new().await;
    let alice = env.user(&env.root, "Alice").await;
    env.store.hold(Kind::AccessKey, 2);
    let both = async {
        tokio::join!(
            env.set(&env.root, None, &env.root, "Inactive"),
            env.set(&alice, Some("Alice"), &alice, "Inactive")
        )
    };
    let (root_gone, alice_gone) = env.meanwhile(both, async { env.store.release(2) }).await;
    let mut codes = [code(&root_gone), code(&alice_gone)];
    codes.sort_unstable();
    assert_eq!(codes, ["OK", "UnmodifiableEntity"], "{root_gone:?}, {alice_gone:?}");
}
