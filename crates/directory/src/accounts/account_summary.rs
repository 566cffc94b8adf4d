//! The number of objects in an account, and its quotas.

use std::collections::HashMap;

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{Result, limits};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::{
    GlobalTokenVersion, Group, InstanceProfile, KeyOwner, Policy, Role, RootPassword, ServerCertificate, Tx, User,
};

use crate::{Directory, view};

/// Policy versions in an account: AWS's quota.
const POLICY_VERSIONS: i32 = 10_000;

/// Returns how many of each object the account has, and its quotas, under AWS's keys.
impl Handle<op::GetAccountSummary> for Directory {
    type Plan = ();

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::GetAccountSummaryRequest) -> Result<Planned<()>> {
        Ok(Planned::new(()).check(Check::without_resource("iam:GetAccountSummary", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::GetAccountSummaryResponse> {
        let account = cx.account();
        let root_keys = tx.list_access_keys(account, &KeyOwner::Root, None, 1).await?.items.len();
        let tokens = tx.account_setting::<GlobalTokenVersion>(account).await?.map_or(1, |version| version.0);
        let (mfa_devices, mfa_devices_in_use) = tx.mfa_device_counts(account).await?;
        // A passkey exists only while it is enabled.
        let passkeys = tx.passkey_count(account).await?;
        let root_mfa_devices = tx.mfa_device_count_of(account, &KeyOwner::Root).await?;
        let root_password = tx.account_setting::<RootPassword>(account).await?;
        let root_certificates = tx.signing_certificate_count(account, &KeyOwner::Root).await?;
        let providers = tx.oidc_provider_count(account).await? + tx.saml_provider_count(account).await?;
        let quotas = tx.quotas_of(account).await?;
        let quota = view::count;
        let size = |limit: usize| i32::try_from(limit).unwrap_or(i32::MAX);
        let summary = [
            ("Users", view::count(tx.count::<User>(account).await?)),
            ("UsersQuota", quota(quotas.users)),
            ("Groups", view::count(tx.count::<Group>(account).await?)),
            ("GroupsQuota", quota(quotas.groups)),
            ("Roles", view::count(tx.count::<Role>(account).await?)),
            ("RolesQuota", quota(quotas.roles)),
            ("Policies", view::count(tx.count::<Policy>(account).await?)),
            ("PoliciesQuota", quota(quotas.policies)),
            ("PolicyVersionsInUse", view::count(tx.policy_version_count(account).await?)),
            ("PolicyVersionsInUseQuota", POLICY_VERSIONS),
            ("VersionsPerPolicyQuota", size(limits::VERSIONS_PER_POLICY)),
            ("PolicySizeQuota", size(limits::MANAGED_POLICY_SIZE)),
            ("UserPolicySizeQuota", size(limits::USER_INLINE_SIZE)),
            ("GroupPolicySizeQuota", size(limits::GROUP_INLINE_SIZE)),
            ("RolePolicySizeQuota", size(limits::ROLE_INLINE_SIZE)),
            ("AssumeRolePolicySizeQuota", size(limits::TRUST_POLICY_SIZE)),
            ("GroupsPerUserQuota", quota(quotas.groups_per_user)),
            ("AttachedPoliciesPerUserQuota", quota(quotas.attached_per_user)),
            ("AttachedPoliciesPerGroupQuota", quota(quotas.attached_per_group)),
            ("AttachedPoliciesPerRoleQuota", quota(quotas.attached_per_role)),
            ("AccessKeysPerUserQuota", quota(limits::ACCESS_KEYS_PER_USER)),
            ("AccountAccessKeysPresent", size(root_keys)),
            ("MFADevices", view::count(mfa_devices + passkeys)),
            ("MFADevicesInUse", view::count(mfa_devices_in_use + passkeys)),
            ("AccountMFAEnabled", i32::from(root_mfa_devices > 0)),
            ("SigningCertificatesPerUserQuota", quota(limits::SIGNING_CERTIFICATES_PER_USER)),
            ("AccountSigningCertificatesPresent", i32::from(root_certificates > 0)),
            ("InstanceProfiles", view::count(tx.count::<InstanceProfile>(account).await?)),
            ("InstanceProfilesQuota", quota(quotas.instance_profiles)),
            ("Providers", view::count(providers)),
            ("ServerCertificates", view::count(tx.count::<ServerCertificate>(account).await?)),
            ("ServerCertificatesQuota", quota(quotas.server_certificates)),
            ("GlobalEndpointTokenVersion", view::count(tokens.into())),
            ("AccountPasswordPresent", i32::from(root_password.is_some())),
        ];
        let summary_map: HashMap<String, i32> = summary.map(|(key, value)| (key.to_owned(), value)).into();
        Ok(pb::GetAccountSummaryResponse { summary_map })
    }
}

#[cfg(test)]
mod tests;
