//! When the accounts of the organization last accessed services.
//!
//! The deployment is the organization: see `accounts::organization_features`. Its root contains every account, there are
//! no organizational units, and its only service control policy is `p-FullAWSAccess`, which allows everything.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{AccessSubject, ServiceUse, ServiceUser, Tx};

use super::names::service_name;
use super::services::known_services;
use super::uses::Uses;
use super::{create_job, job, no_such_job};
use crate::accounts::{organization_id, organization_root};
use crate::request::required;
use crate::{Directory, view};

/// The id of the service control policy that every organization has.
const FULL_ACCESS: &str = "p-FullAWSAccess";

/// Starts a report about the organization's root, or about one of its accounts.
///
/// # Errors
/// `AccessDenied` for callers of other accounts than the management account; `InvalidInput` for a path or policy that
/// the organization does not have.
impl Handle<op::GenerateOrganizationsAccessReport> for Directory {
    type Plan = pb::GenerateOrganizationsAccessReportRequest;

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        req: pb::GenerateOrganizationsAccessReportRequest,
    ) -> Result<Planned<Self::Plan>> {
        let path = required(&req.entity_path, "entityPath")?;
        let arn = Arn::iam(cx.partition(), cx.account(), format_args!("access-report/{path}"));
        let check = Check::new("iam:GenerateOrganizationsAccessReport", &arn)
            .key_if("iam:OrganizationsPolicyId", req.organizations_policy_id.as_deref());
        Ok(Planned::new(req).check(check))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::GenerateOrganizationsAccessReportRequest,
    ) -> Result<pb::GenerateOrganizationsAccessReportResponse> {
        require_management_account(cx)?;
        let path = required(&req.entity_path, "entityPath")?;
        let unknown = || {
            let message = format!("The entity path {path} is not one of this organization.");
            IamError::new(ErrorCode::InvalidInput, message)
        };
        let parts: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
        let (id, root) = (organization_id(cx), organization_root(cx));
        let member = match parts.as_slice() {
            [organization, of] if *organization == id && *of == root => None,
            [organization, of, account] if *organization == id && *of == root => {
                let account = AccountId::parse(account).map_err(|_| unknown())?;
                Some(tx.find_account(account).await?.ok_or_else(unknown)?.id)
            }
            _ => return Err(unknown()),
        };
        if let Some(policy) = req.organizations_policy_id.as_deref().filter(|policy| *policy != FULL_ACCESS) {
            let message = format!("The service control policy {policy} does not exist.");
            return Err(IamError::new(ErrorCode::InvalidInput, message));
        }
        let job_id = create_job(cx, tx, AccessSubject::Organization { member }).await?;
        Ok(pb::GenerateOrganizationsAccessReportResponse { job_id: Some(job_id) })
    }
}

/// Returns a page of a report about the organization.
///
/// # Errors
/// `AccessDenied` for callers of other accounts than the management account; `NoSuchEntity` for an unknown job.
impl Handle<op::GetOrganizationsAccessReport> for Directory {
    type Plan = pb::GetOrganizationsAccessReportRequest;

    async fn plan(
        &self,
        cx: &Cx,
        _: &mut Tx,
        req: pb::GetOrganizationsAccessReportRequest,
    ) -> Result<Planned<Self::Plan>> {
        Ok(Planned::new(req).check(Check::without_resource("iam:GetOrganizationsAccessReport", cx.account())))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::GetOrganizationsAccessReportRequest,
    ) -> Result<pb::GetOrganizationsAccessReportResponse> {
        let pages = PageRequest::new(req.marker, req.max_items).open(cx, "GetOrganizationsAccessReport")?;
        require_management_account(cx)?;
        let job = job(cx, tx, &req.job_id).await?;
        let AccessSubject::Organization { member } = job.subject else { return Err(no_such_job(&job.id)) };
        let mut uses = Vec::new();
        for account in accounts(cx, tx, member).await? {
            uses.push((account, Uses::of(cx, tx, &ServiceUser { account, id: None }).await?));
        }
        let services = known_services(tx).await?;
        let mut details: Vec<_> = services.into_iter().map(|service| accessed(cx, &uses, service)).collect();
        let accessible = details.len() as u64;
        let unused = details.iter().filter(|detail| detail.last_authenticated_time.is_none()).count() as u64;
        let time = |detail: &pb::AccessDetail| detail.last_authenticated_time.map(|time| time.seconds);
        // Services are in the order of their namespaces; sorting keeps that order among equal times.
        match req.sort_key.as_deref() {
            Some("SERVICE_NAMESPACE_DESCENDING") => details.reverse(),
            Some("LAST_AUTHENTICATED_TIME_ASCENDING") => details.sort_by_key(time),
            Some("LAST_AUTHENTICATED_TIME_DESCENDING") => details.sort_by_key(|detail| std::cmp::Reverse(time(detail))),
            _ => {}
        }
        let numbered: Vec<_> = details.into_iter().enumerate().collect();
        let page = pages.cut(numbered, |(index, _)| format!("{index:08}"))?;
        Ok(pb::GetOrganizationsAccessReportResponse {
            job_status: Some("COMPLETED".into()),
            job_creation_date: view::date(job.created),
            job_completion_date: view::date(job.created),
            number_of_services_accessible: Some(view::count(accessible)),
            number_of_services_not_accessed: Some(view::count(unused)),
            access_details: page.items.into_iter().map(|(_, detail)| detail).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
            error_details: None,
        })
    }
}

fn require_management_account(cx: &Cx) -> Result<()> {
    if cx.account() == cx.deployment().management_account {
        return Ok(());
    }
    let message = "only the management account of the organization may report on its accounts";
    Err(IamError::new(ErrorCode::AccessDenied, message))
}

/// The accounts of a report. That of the root leaves out the management account, which no service control policy limits.
async fn accounts(cx: &Cx, tx: &Tx, member: Option<AccountId>) -> Result<Vec<AccountId>> {
    if let Some(account) = member {
        return Ok(vec![account]);
    }
    let all = tx.list_accounts(None, usize::MAX).await?.items;
    Ok(all.into_iter().map(|account| account.id).filter(|id| *id != cx.deployment().management_account).collect())
}

/// The last access to a service.
fn accessed(cx: &Cx, uses: &[(AccountId, Uses)], service: String) -> pb::AccessDetail {
    let used = || uses.iter().filter_map(|(account, uses)| Some((account, uses.of_service(&service)?)));
    let last: Option<(&AccountId, &ServiceUse)> =
        used().max_by_key(|(account, used)| (used.time, std::cmp::Reverse(account.number())));
    pb::AccessDetail {
        service_name: Some(service_name(&service).to_owned()),
        region: last.map(|(_, used)| used.region.clone()),
        entity_path: last.map(|(account, _)| format!("{}/{}/{account}/", organization_id(cx), organization_root(cx))),
        last_authenticated_time: last.and_then(|(_, used)| view::date(used.time)),
        total_authenticated_entities: Some(view::count(used().count() as u64)),
        service_namespace: Some(service),
    }
}
