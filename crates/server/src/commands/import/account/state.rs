//! What the target account has.

use std::collections::{HashMap, HashSet};

use bailiwick_api::sts::GetCallerIdentityRequest;
use bailiwick_api::{iam as pb, op};
use bailiwick_grpc::client::ClientError;

use super::identity::{Identity, Kind};
use super::rewrite::Place;
use crate::commands::remote::Connection;
use crate::failure::Failure;

/// Items in one answer. An answer with many documents stays below the limit of a message.
const PAGE: i32 = 100;

/// The target account as far as an import compares it. Names are keys without regard to case.
#[derive(Default)]
pub(super) struct State {
    /// The caller's ARN.
    pub(super) caller: String,
    /// Users, groups and roles by kind and lower-case name.
    pub(super) identities: HashMap<(Kind, String), Identity>,
    /// The account's own managed policies by lower-case name.
    pub(super) policies: HashMap<String, pb::ManagedPolicyDetail>,
    /// AWS managed policies of the deployment by ARN, with the id of the default version.
    pub(super) shared: HashMap<String, String>,
    /// The documents of those that the file also has.
    pub(super) shared_documents: HashMap<String, String>,
    /// Instance profiles by lower-case name.
    pub(super) profiles: HashMap<String, pb::InstanceProfile>,
}

/// Returns the caller's ARN, and their partition and account.
pub(super) async fn caller(server: &Connection) -> Result<(String, Place), Failure> {
    let answer = server.call::<op::GetCallerIdentity>(&GetCallerIdentityRequest {}).await.map_err(failed)?;
    let arn = answer.arn.unwrap_or_default();
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        [_, partition, _, _, account, _] => {
            let place = Place { partition: partition.to_owned(), account: account.to_owned() };
            Ok((arn, place))
        }
        _ => Err(Failure::new(format!("the server says that the caller is `{arn}`, which is not an ARN"))),
    }
}

/// Reads the account. `shared` has the AWS managed policies whose documents are compared.
pub(super) async fn read(server: &Connection, caller: String, shared: &HashSet<String>) -> Result<State, Failure> {
    let mut state = State { caller, ..State::default() };
    let filter = ["User", "Group", "Role", "LocalManagedPolicy"].map(str::to_owned).to_vec();
    let mut request = pb::GetAccountAuthorizationDetailsRequest { filter, max_items: Some(PAGE), marker: None };
    loop {
        let page = server.call::<op::GetAccountAuthorizationDetails>(&request).await.map_err(failed)?;
        state.add(&page);
        for policy in page.policies {
            state.policies.insert(policy.policy_name.as_deref().unwrap_or_default().to_lowercase(), policy);
        }
        request.marker = page.marker;
        if request.marker.is_none() {
            break;
        }
    }
    let mut request = pb::ListInstanceProfilesRequest { max_items: Some(PAGE), ..Default::default() };
    loop {
        let page = server.call::<op::ListInstanceProfiles>(&request).await.map_err(failed)?;
        for profile in page.instance_profiles {
            state.profiles.insert(profile.instance_profile_name.as_deref().unwrap_or_default().to_lowercase(), profile);
        }
        request.marker = page.marker;
        if request.marker.is_none() {
            break;
        }
    }
    let mut request =
        pb::ListPoliciesRequest { scope: Some("AWS".into()), max_items: Some(1000), ..Default::default() };
    loop {
        let page = server.call::<op::ListPolicies>(&request).await.map_err(failed)?;
        for policy in page.policies {
            if let Some((arn, version)) = policy.arn.zip(policy.default_version_id) {
                state.shared.insert(arn, version);
            }
        }
        request.marker = page.marker;
        if request.marker.is_none() {
            break;
        }
    }
    for arn in shared {
        let Some(version) = state.shared.get(arn) else { continue };
        let request = pb::GetPolicyVersionRequest { policy_arn: Some(arn.clone()), version_id: Some(version.clone()) };
        let answer = server.call::<op::GetPolicyVersion>(&request).await.map_err(failed)?;
        let document = answer.policy_version.and_then(|version| version.document);
        state.shared_documents.insert(arn.clone(), document.unwrap_or_default());
    }
    Ok(state)
}

impl State {
    /// Adds the identities of a page.
    pub(super) fn add(&mut self, page: &pb::GetAccountAuthorizationDetailsResponse) {
        let users = page.user_detail_list.iter().map(Identity::from);
        let groups = page.group_detail_list.iter().map(Identity::from);
        for identity in users.chain(groups).chain(page.role_detail_list.iter().map(Identity::from)) {
            self.identities.insert((identity.kind, identity.name.to_lowercase()), identity);
        }
    }

    /// Finds a user, group or role.
    pub(super) fn identity(&self, kind: Kind, name: &str) -> Option<&Identity> {
        self.identities.get(&(kind, name.to_lowercase()))
    }
}

fn failed(error: ClientError) -> Failure {
    Failure::new(format!("cannot read the account: {error}\nnothing was changed"))
}
