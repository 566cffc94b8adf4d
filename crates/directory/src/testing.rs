//! Test environment of the handlers: `bailiwick_testing::HandlerTest` on a store that [`bootstrap`] has filled, and
//! shorthands for the nouns of this crate.

use std::ops::Deref;

use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use bailiwick_testing::{HandlerTest, root};
use serde_json::{Value, json};

use crate::{BootstrapOptions, Directory, bootstrap};

mod races;

/// The management account of every world.
pub(crate) const ACCOUNT: &str = bailiwick_testing::MAIN;

/// A bootstrapped deployment, as one caller sees it.
#[derive(Clone)]
pub(crate) struct World(HandlerTest<Directory>);

impl Deref for World {
    type Target = HandlerTest<Directory>;

    fn deref(&self) -> &HandlerTest<Directory> {
        &self.0
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_quotas(Quotas::default()).await
    }

    /// A world whose caller is root of the management account.
    pub(crate) async fn with_quotas(quotas: Quotas) -> Self {
        let world = bailiwick_testing::World::empty(quotas);
        let mut tx = world.begin().await;
        let options = BootstrapOptions {
            account: Some(world.deployment.management_account),
            root_key: None,
            now: world.deployment.clock.now(),
            random: &*world.deployment.random,
            sealer: &world.deployment.sealer,
        };
        bootstrap(&mut tx, options).await.unwrap();
        world.commit(tx).await;
        World(HandlerTest::new(world, Directory, root()))
    }

    /// The same world as a user sees it.
    pub(crate) async fn as_user(&self, name: &str) -> Self {
        World(self.0.as_user(name).await)
    }

    /// The same world as root of an account sees it.
    pub(crate) fn as_root(&self, account: &str) -> Self {
        World(self.0.as_root(account))
    }

    /// The same world as a session of a role sees it.
    pub(crate) async fn as_session(&self, name: &str) -> Self {
        World(self.0.as_session(name).await)
    }

    /// A user with nothing but a name.
    pub(crate) async fn user(&self, name: &str) -> Value {
        self.ok::<op::CreateUser>(json!({"UserName": name})).await["User"].clone()
    }

    /// A group with nothing but a name.
    pub(crate) async fn group(&self, name: &str) -> Value {
        self.ok::<op::CreateGroup>(json!({"GroupName": name})).await["Group"].clone()
    }

    /// A role that the account trusts.
    pub(crate) async fn role(&self, name: &str) -> Value {
        let trust = trusting(ACCOUNT);
        let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust});
        self.ok::<op::CreateRole>(role).await["Role"].clone()
    }

    /// A managed policy that allows something; returns its ARN.
    pub(crate) async fn policy(&self, name: &str) -> String {
        let policy = json!({"PolicyName": name, "PolicyDocument": ALLOW});
        self.ok::<op::CreatePolicy>(policy).await["Policy"]["Arn"].as_str().unwrap().to_owned()
    }
}

/// A document that allows something.
pub(crate) const ALLOW: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}"#;

/// A trust policy for one principal.
pub(crate) fn trusting(principal: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    })
    .to_string()
}

/// The texts under a key of every row.
pub(crate) fn column(rows: &Value, key: &str) -> Vec<String> {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().map(|row| row[key].as_str().unwrap_or_default().to_owned()).collect()
}
