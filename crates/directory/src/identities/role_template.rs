//! Role templates, and roles made from them.
//!
//! A template gives no rights: a caller who acquires a role needs the permissions to create it by hand, with the same tags,
//! policies and boundary, besides `iam:AcquireRole`.

mod facts;
mod fill;

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::{Identity, InlinePolicy, Policy, Role, Tx};

use super::role::new_role;
use crate::address::{PolicyArn, Target, arn_of};
use crate::policies::boundary;
use crate::request::required;
use crate::{Directory, document, trust, view};
use facts::Template;
use fill::{FilledRole, fill, find, policy_arn};

/// The service that manages the templates.
const MANAGED_BY: &str = "bailiwick";

/// When the templates were written.
const WRITTEN: i64 = 1_764_374_400;

/// Creates a role from a template: what CreateRole, TagRole, PutRolePolicy and AttachRolePolicy would do, in one commit.
///
/// The caller needs the permission for each of these on the new role.
///
/// # Errors
/// `NoSuchEntity`, `InvalidInput` (parameters), `NameConflict`, `LimitExceeded`, `MalformedPolicyDocument` (a principal that
/// does not exist).
impl Handle<op::AcquireRole> for Directory {
    /// The role; errors of template and parameters are for authorized callers.
    type Plan = Result<FilledRole>;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::AcquireRoleRequest) -> Result<Planned<Self::Plan>> {
        let template = find(cx, required(&req.template_arn, "templateArn")?, req.template_minor_version);
        let filled = template.and_then(|template| fill(cx, template, &req.replacement_values));
        let Ok(role) = &filled else {
            let any = Arn::iam(cx.partition(), cx.account(), format_args!("role/*"));
            return Ok(Planned::new(filled).check(Check::new("iam:AcquireRole", &any)));
        };
        let checks = checks(cx, role);
        Ok(Planned::new(filled).checks(checks))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, filled: Self::Plan) -> Result<pb::AcquireRoleResponse> {
        let filled = filled?;
        if tx.find::<Role>(cx.account(), &filled.name).await?.is_some() {
            let message = format!("The role name {} conflicts with an existing role in the account.", filled.name);
            return Err(IamError::new(ErrorCode::NameConflict, message));
        }
        let trust_policy = trust::bind(cx, tx, &filled.trust_policy, cx.account()).await?;
        let role = Role {
            tags: filled.tags,
            boundary: boundary::find(cx, tx, &filled.boundary).await?,
            description: Some(filled.description),
            max_session_seconds: filled.max_session_seconds,
            ..new_role(cx, filled.name, filled.path, trust_policy)
        };
        tx.create(&role).await?;
        let identity = Identity::from(&role);
        for (name, document) in filled.inline_policies {
            let size = document::inline(cx, &document)?;
            tx.put_inline_policy(&identity, &InlinePolicy { name, document, size }).await?;
        }
        for arn in &filled.managed_policies {
            let policy = Target::<Policy>::at(cx, tx, PolicyArn::parse(cx, arn)?).await?.get_attachable("Policy")?;
            tx.attach_policy(&identity, &policy).await?;
        }
        let shown = view::role(cx, tx, &role).await?;
        Ok(pb::AcquireRoleResponse { role: Some(pb::Role { role_last_used: None, ..shown }) })
    }
}

/// The permissions for each part of a new role.
fn checks(cx: &Cx, role: &FilledRole) -> Vec<Check> {
    let arn = arn_of::<Role>(cx.partition(), cx.account(), &role.path, &role.name);
    let boundary = role.boundary.as_deref();
    let mut checks = vec![
        Check::new("iam:AcquireRole", &arn),
        Check::new("iam:CreateRole", &arn).boundary(boundary).request_tags(&role.tags),
    ];
    if !role.tags.is_empty() {
        checks.push(Check::new("iam:TagRole", &arn).request_tags(&role.tags));
    }
    if !role.inline_policies.is_empty() {
        checks.push(Check::new("iam:PutRolePolicy", &arn).boundary(boundary));
    }
    checks.extend(
        role.managed_policies
            .iter()
            .map(|policy| Check::new("iam:AttachRolePolicy", &arn).policy_arn(policy).boundary(boundary)),
    );
    checks
}

/// Shows a version of a template, with its placeholders.
///
/// # Errors
/// `NoSuchEntity`.
impl Handle<op::GetRoleTemplateVersion> for Directory {
    /// The version; a missing one is an error for authorized callers.
    type Plan = Result<pb::RoleTemplateVersion>;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::GetRoleTemplateVersionRequest) -> Result<Planned<Self::Plan>> {
        let arn = required(&req.template_arn, "templateArn")?;
        let version = find(cx, arn, req.minor_version).and_then(|template| {
            let newest = find(cx, arn, None)?.minor_version;
            Ok(shown(cx, template, arn, newest))
        });
        Ok(Planned::new(version).check(Check::without_resource("iam:GetRoleTemplateVersion", cx.account())))
    }

    async fn handle(&self, _: &Cx, _: &mut Tx, version: Self::Plan) -> Result<pb::GetRoleTemplateVersionResponse> {
        Ok(pb::GetRoleTemplateVersionResponse { role_template_version: Some(version?) })
    }
}

fn shown(cx: &Cx, template: &Template, arn: &str, newest: i32) -> pb::RoleTemplateVersion {
    let text = |text: &str| Some(text.to_owned());
    let parameters = template.parameters.iter().map(|parameter| {
        let (kind, sub_type) = parameter.kind.types();
        pb::ParameterDefinition {
            name: text(parameter.name),
            r#type: text(kind),
            sub_type: text(sub_type),
            description: text(parameter.description),
            is_required: Some(parameter.default.is_none()),
            default_value: parameter.default.and_then(text),
            immutable: Some(true),
        }
    });
    let inline = template.inline_policies.iter();
    let tags = template.tags.iter();
    let written = view::date(jiff::Timestamp::from_second(WRITTEN).unwrap_or_default());
    pb::RoleTemplateVersion {
        template_arn: text(arn),
        template_name: text(template.name),
        template_version_id: text(template.version_id),
        description: text(template.description),
        major_version: Some(template.major_version),
        default_minor_version: Some(newest),
        managed_by_type: text("Service"),
        managed_by_value: text(MANAGED_BY),
        enabled: Some(true),
        minor_version: Some(template.minor_version),
        role_name_pattern: text(template.role_name),
        role_path_pattern: text(template.role_path),
        role_description_pattern: text(template.role_description),
        assume_role_policy_document_template: text(template.trust_policy),
        inline_policy_templates: inline
            .map(|(name, document)| pb::InlinePolicy { policy_name: text(name), policy_document: text(document) })
            .collect(),
        managed_policy_arns: template.managed_policies.iter().map(|policy| policy_arn(cx, policy)).collect(),
        permission_boundary_arn: template.boundary.map(|policy| policy_arn(cx, policy)),
        parameters_definition: parameters.collect(),
        role_tags_template: tags.map(|(key, value)| pb::TagTemplate { key: text(key), value: text(value) }).collect(),
        max_session_duration: i32::try_from(template.max_session_seconds).ok(),
        version_enabled: Some(true),
        create_timestamp: written,
        update_timestamp: written,
    }
}

#[cfg(test)]
mod tests;
