//! GetDelegationRequest and ListDelegationRequests.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::Result;
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned};
use bailiwick_storage::{DelegationParameter, DelegationRequest, Tx};

use super::permission_check::check_permissions;
use super::{NamedRequest, state_name};
use crate::{Directory, view};

/// Shows a request. With a permission check, also whether the caller has the rights that it asks for, as far as
/// policies alone show it.
///
/// # Errors
/// `NoSuchEntity`, also for a request that is for another account and was made by another one.
impl Handle<op::GetDelegationRequest> for Directory {
    type Plan = (NamedRequest, bool);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetDelegationRequestRequest) -> Result<Planned<Self::Plan>> {
        let planned = NamedRequest::plan(cx, tx, &req.delegation_request_id, "iam:GetDelegationRequest").await?;
        Ok(planned.with(req.delegation_permission_check.unwrap_or(false)))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (named, is_checked): Self::Plan,
    ) -> Result<pb::GetDelegationRequestResponse> {
        let request = named.get()?;
        let result = match is_checked {
            true => Some(check_permissions(cx, tx, &request.policy).await?.to_owned()),
            false => None,
        };
        Ok(pb::GetDelegationRequestResponse {
            delegation_request: Some(shown(cx, request)),
            permission_check_status: result.is_some().then(|| "COMPLETE".to_owned()),
            permission_check_result: result,
        })
    }
}

/// Lists the requests that principals of the caller's account own, oldest first.
///
/// # Errors
/// `ValidationError` for a marker of another list.
impl Handle<op::ListDelegationRequests> for Directory {
    type Plan = pb::ListDelegationRequestsRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListDelegationRequestsRequest) -> Result<Planned<Self::Plan>> {
        let check = Check::without_resource("iam:ListDelegationRequests", cx.account())
            .key_if("iam:DelegationRequestOwner", req.owner_id.as_deref());
        Ok(Planned::new(req).check(check))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::ListDelegationRequestsRequest,
    ) -> Result<pb::ListDelegationRequestsResponse> {
        let pages = PageRequest::new(req.marker, req.max_items).open(cx, "ListDelegationRequests")?;
        let owner = req.owner_id.as_deref();
        let found = tx.list_delegation_requests(cx.account(), owner, pages.after(), pages.limit()).await?;
        let page = pages.answer(found)?;
        Ok(pb::ListDelegationRequestsResponse {
            delegation_requests: page.items.into_iter().map(|request| shown(cx, request)).collect(),
            is_truncated: page.is_truncated,
            marker: page.marker,
        })
    }
}

fn shown(cx: &Cx, request: DelegationRequest) -> pb::DelegationRequest {
    let state = state_name(request.state_at(cx.now()));
    let parameter = |parameter: DelegationParameter| pb::PolicyParameter {
        name: Some(parameter.name),
        values: parameter.values,
        r#type: Some(if parameter.is_list { "stringList" } else { "string" }.into()),
    };
    pb::DelegationRequest {
        delegation_request_id: Some(request.id),
        owner_account_id: request.owner_account.map(|account| account.to_string()),
        description: Some(request.description),
        request_message: request.request_message,
        permissions: Some(pb::DelegationPermission {
            policy_template_arn: Some(request.template_arn),
            parameters: request.parameters.into_iter().map(parameter).collect(),
        }),
        permission_policy: Some(request.policy),
        role_permission_restriction_arns: request.restriction_arns,
        owner_id: request.owner.map(|owner| owner.arn),
        approver_id: request.approver.map(|approver| approver.arn),
        state: Some(state.into()),
        expiration_time: view::date(request.expires),
        requestor_id: Some(request.requestor.to_string()),
        requestor_name: Some(request.requestor_name),
        create_date: view::date(request.created),
        session_duration: i32::try_from(request.session_seconds).ok(),
        redirect_url: request.redirect_url,
        notes: request.notes,
        rejection_reason: request.rejection_reason,
        only_send_by_owner: Some(request.only_send_by_owner),
        updated_time: view::date(request.updated),
    }
}
