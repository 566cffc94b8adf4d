//! Centralized root access: which features the organization has enabled.
//!
//! The deployment is the organization: its first account is the management account, all others are members, all features
//! of organizations are on, and IAM has trusted access. So the features are settings of the management account, and the
//! other accounts may neither change nor read them.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::{OrganizationFeatures, Tx};

use super::organization_id;
use crate::Directory;

/// The names of the features, in the order of responses, and how each is read and set.
const FEATURES: [Feature; 2] = [ROOT_CREDENTIALS, ROOT_SESSIONS];

const ROOT_CREDENTIALS: Feature = Feature {
    name: "RootCredentialsManagement",
    get: |features| features.root_credentials_management,
    set: |features, enabled| features.root_credentials_management = enabled,
};

const ROOT_SESSIONS: Feature = Feature {
    name: "RootSessions",
    get: |features| features.root_sessions,
    set: |features, enabled| features.root_sessions = enabled,
};

struct Feature {
    name: &'static str,
    get: fn(&OrganizationFeatures) -> bool,
    set: fn(&mut OrganizationFeatures, bool),
}

macro_rules! switches {
    ($($(#[$doc:meta])* $op:ident $request:ident $response:ident => $feature:ident $enabled:literal else $code:ident;)*) => {$(
        $(#[$doc])*
        impl Handle<op::$op> for Directory {
            type Plan = ();

            async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::$request) -> Result<Planned<()>> {
                plan(cx, concat!("iam:", stringify!($op)))
            }

            async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::$response> {
                let mut features = features(cx, tx, ErrorCode::$code).await?;
                ($feature.set)(&mut features, $enabled);
                tx.put_account_setting(cx.account(), &features).await?;
                Ok(pb::$response { organization_id: Some(organization_id(cx)), enabled_features: enabled(&features) })
            }
        }
    )*};
}

switches! {
    /// Lets the management account manage the root credentials of member accounts.
    ///
    /// # Errors
    /// `CallerIsNotManagementAccountException`.
    EnableOrganizationsRootCredentialsManagement
        EnableOrganizationsRootCredentialsManagementRequest EnableOrganizationsRootCredentialsManagementResponse
        => ROOT_CREDENTIALS true else CallerIsNotManagementAccount;
    /// Ends the management of root credentials.
    ///
    /// # Errors
    /// `AccountNotManagementOrDelegatedAdministratorException`.
    DisableOrganizationsRootCredentialsManagement
        DisableOrganizationsRootCredentialsManagementRequest DisableOrganizationsRootCredentialsManagementResponse
        => ROOT_CREDENTIALS false else AccountNotManagementOrDelegatedAdministrator;
    /// Lets the management account perform tasks as root of member accounts.
    ///
    /// # Errors
    /// `CallerIsNotManagementAccountException`.
    EnableOrganizationsRootSessions EnableOrganizationsRootSessionsRequest EnableOrganizationsRootSessionsResponse
        => ROOT_SESSIONS true else CallerIsNotManagementAccount;
    /// Ends root sessions in member accounts.
    ///
    /// # Errors
    /// `AccountNotManagementOrDelegatedAdministratorException`.
    DisableOrganizationsRootSessions DisableOrganizationsRootSessionsRequest DisableOrganizationsRootSessionsResponse
        => ROOT_SESSIONS false else AccountNotManagementOrDelegatedAdministrator;
}

/// Lists the features that are enabled.
///
/// # Errors
/// `AccountNotManagementOrDelegatedAdministratorException`.
impl Handle<op::ListOrganizationsFeatures> for Directory {
    type Plan = ();

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::ListOrganizationsFeaturesRequest) -> Result<Planned<()>> {
        plan(cx, "iam:ListOrganizationsFeatures")
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::ListOrganizationsFeaturesResponse> {
        let features = features(cx, tx, ErrorCode::AccountNotManagementOrDelegatedAdministrator).await?;
        Ok(pb::ListOrganizationsFeaturesResponse {
            organization_id: Some(organization_id(cx)),
            enabled_features: enabled(&features),
        })
    }
}

fn plan(cx: &Cx, action: &'static str) -> Result<Planned<()>> {
    Ok(Planned::new(()).check(Check::without_resource(action, cx.account())))
}

/// The features of the organization. `refused` is the error for a caller of a member account.
async fn features(cx: &Cx, tx: &mut Tx, refused: ErrorCode) -> Result<OrganizationFeatures> {
    if cx.account() != cx.deployment().management_account {
        let message = format!("account {} is not the management account of the organization", cx.account());
        return Err(IamError::new(refused, message));
    }
    Ok(tx.account_setting(cx.account()).await?.unwrap_or_default())
}

fn enabled(features: &OrganizationFeatures) -> Vec<String> {
    FEATURES.iter().filter(|feature| (feature.get)(features)).map(|feature| feature.name.to_owned()).collect()
}

#[cfg(test)]
mod tests;
