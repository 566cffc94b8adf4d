//! Properties of an account, and the version of its session tokens.

use std::collections::HashMap;

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::{AccountProperties, GlobalTokenVersion, Tx};

use crate::Directory;
use crate::request::required;

/// The properties that there are, each with its value until another is set. All of them are `true` or `false`.
const PROPERTIES: &[(&str, &str)] = &[("RoleManager/Enabled", "false")];

/// Sets properties of one namespace.
///
/// # Errors
/// `InvalidInput` for keys of several namespaces, an unknown key, or a value that the key cannot have.
impl Handle<op::PutAccountProperties> for Directory {
    type Plan = HashMap<String, String>;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::PutAccountPropertiesRequest) -> Result<Planned<Self::Plan>> {
        let check = Check::without_resource("iam:PutAccountProperties", cx.account());
        Ok(Planned::new(req.properties).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, properties: Self::Plan) -> Result<pb::PutAccountPropertiesResponse> {
        let mut keys: Vec<&String> = properties.keys().collect();
        keys.sort();
        let mut namespaces = Vec::new();
        for key in &keys {
            namespaces.push(namespace(key)?);
        }
        namespaces.dedup();
        if let [one, other, ..] = namespaces[..] {
            return Err(invalid(format!(
                "all properties must belong to the same namespace, not to `{one}` and `{other}`"
            )));
        }
        for key in keys {
            check_value(key, &properties[key])?;
        }
        let mut stored = tx.account_setting::<AccountProperties>(cx.account()).await?.unwrap_or_default();
        stored.0.extend(properties);
        tx.put_account_setting(cx.account(), &stored).await?;
        Ok(pb::PutAccountPropertiesResponse {})
    }
}

/// Shows all properties of the account, also those that were never set.
impl Handle<op::GetAccountProperties> for Directory {
    type Plan = ();

    async fn plan(&self, cx: &Cx, _: &mut Tx, _: pb::GetAccountPropertiesRequest) -> Result<Planned<()>> {
        Ok(Planned::new(()).check(Check::without_resource("iam:GetAccountProperties", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (): ()) -> Result<pb::GetAccountPropertiesResponse> {
        let stored = tx.account_setting::<AccountProperties>(cx.account()).await?.unwrap_or_default();
        let defaults = PROPERTIES.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Ok(pb::GetAccountPropertiesResponse { properties: defaults.chain(stored.0).collect() })
    }
}

/// Sets the version of the tokens that the global endpoint of STS issues. GetAccountSummary shows it. The tokens of
/// Bailiwick are the same in every region, whatever the version.
impl Handle<op::SetSecurityTokenServicePreferences> for Directory {
    type Plan = u32;

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        req: pb::SetSecurityTokenServicePreferencesRequest,
    ) -> Result<Planned<u32>> {
        // Validation has refused other values.
        let version = match required(&req.global_endpoint_token_version, "globalEndpointTokenVersion")? {
            "v2Token" => 2,
            _ => 1,
        };
        Ok(Planned::new(version).check(Check::without_resource("iam:SetSecurityTokenServicePreferences", cx.account())))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        version: u32,
    ) -> Result<pb::SetSecurityTokenServicePreferencesResponse> {
        tx.put_account_setting(cx.account(), &GlobalTokenVersion(version)).await?;
        Ok(pb::SetSecurityTokenServicePreferencesResponse {})
    }
}

/// The part of a key before its only slash.
fn namespace(key: &str) -> Result<&str> {
    match key.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => Ok(namespace),
        _ => Err(invalid(format!("the property key `{key}` is not of the form Namespace/PropertyName"))),
    }
}

fn check_value(key: &str, value: &str) -> Result<()> {
    if !PROPERTIES.iter().any(|(known, _)| *known == key) {
        let known: Vec<&str> = PROPERTIES.iter().map(|(known, _)| *known).collect();
        return Err(invalid(format!("there is no property `{key}`: expected {}", known.join(", "))));
    }
    match value {
        "true" | "false" => Ok(()),
        _ => Err(invalid(format!("the property `{key}` can't be `{value}`: expected true or false"))),
    }
}

fn invalid(message: String) -> IamError {
    IamError::new(ErrorCode::InvalidInput, message).field("properties", "invalid")
}

#[cfg(test)]
mod tests;
