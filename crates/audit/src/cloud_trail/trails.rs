//! DescribeTrails, GetTrail, ListTrails, GetEventSelectors: the settings of the one trail.

use bailiwick_api::cloudtrail::{
    DescribeTrailsRequest, DescribeTrailsResponse, EventSelector, GetEventSelectorsRequest, GetEventSelectorsResponse,
    GetTrailRequest, GetTrailResponse, ListTrailsRequest, ListTrailsResponse, Trail, TrailInfo,
};
use bailiwick_api::op;
use bailiwick_model::{Arn, ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned};
use bailiwick_storage::Tx;

use super::CloudTrail;
use super::trail_name::{self, NAME};

/// Returns the trail of the caller's account. Names and ARNs of other trails are left out, as AWS leaves them out.
///
/// # Errors
/// `InvalidTrailNameException`, `CloudTrailARNInvalidException`.
impl Handle<op::DescribeTrails> for CloudTrail {
    type Plan = DescribeTrailsRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: DescribeTrailsRequest) -> Result<Planned<DescribeTrailsRequest>> {
        Ok(Planned::new(req).check(Check::without_resource("cloudtrail:DescribeTrails", cx.account())))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, plan: DescribeTrailsRequest) -> Result<DescribeTrailsResponse> {
        let own = trail_name::own(cx);
        let arns = plan.trail_name_list.iter().map(|name| trail_name::parse(cx, name)).collect::<Result<Vec<_>>>()?;
        let is_named = arns.is_empty() || arns.iter().any(|arn| arn.as_str() == own);
        // In other regions than its own, a trail is a shadow.
        let is_shadow = cx.request().region.as_ref().is_some_and(|region| *region != cx.deployment().region);
        let is_shown = is_named && (!is_shadow || plan.include_shadow_trails != Some(false));
        Ok(DescribeTrailsResponse { trail_list: is_shown.then(|| trail(cx)).into_iter().collect() })
    }
}

/// Returns the settings of a trail.
///
/// # Errors
/// `TrailNotFoundException`, `InvalidTrailNameException`, `CloudTrailARNInvalidException`.
impl Handle<op::GetTrail> for CloudTrail {
    type Plan = Arn;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: GetTrailRequest) -> Result<Planned<Arn>> {
        planned(cx, req.name.as_deref(), "cloudtrail:GetTrail")
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, plan: Arn) -> Result<GetTrailResponse> {
        expect_own(cx, &plan)?;
        Ok(GetTrailResponse { trail: Some(trail(cx)) })
    }
}

/// Lists the trail of the caller's account.
///
/// # Errors
/// `InvalidNextTokenException`: there is no second page.
impl Handle<op::ListTrails> for CloudTrail {
    type Plan = Option<String>;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: ListTrailsRequest) -> Result<Planned<Option<String>>> {
        Ok(Planned::new(req.next_token).check(Check::without_resource("cloudtrail:ListTrails", cx.account())))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, plan: Option<String>) -> Result<ListTrailsResponse> {
        if plan.is_some() {
            let message = "The token is not valid: the list has one page.";
            return Err(IamError::new(ErrorCode::InvalidNextToken, message));
        }
        let info = TrailInfo {
            trail_arn: Some(trail_name::own(cx)),
            name: Some(NAME.to_owned()),
            home_region: Some(cx.deployment().region.to_string()),
        };
        Ok(ListTrailsResponse { trails: vec![info], next_token: None })
    }
}

/// Returns which events the trail records: all management events.
///
/// # Errors
/// `TrailNotFoundException`, `InvalidTrailNameException`, `CloudTrailARNInvalidException`.
impl Handle<op::GetEventSelectors> for CloudTrail {
    type Plan = Arn;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: GetEventSelectorsRequest) -> Result<Planned<Arn>> {
        planned(cx, req.trail_name.as_deref(), "cloudtrail:GetEventSelectors")
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, plan: Arn) -> Result<GetEventSelectorsResponse> {
        expect_own(cx, &plan)?;
        let selector = EventSelector {
            read_write_type: Some("All".to_owned()),
            include_management_events: Some(true),
            ..EventSelector::default()
        };
        Ok(GetEventSelectorsResponse {
            trail_arn: Some(trail_name::own(cx)),
            event_selectors: vec![selector],
            advanced_event_selectors: Vec::new(),
        })
    }
}

/// The plan of an operation on a trail that the request names.
pub(super) fn planned(cx: &Cx, name: Option<&str>, action: &'static str) -> Result<Planned<Arn>> {
    let arn = trail_name::parse(cx, name.unwrap_or_default())?;
    let check = Check::new(action, &arn);
    Ok(Planned::new(arn).check(check))
}

/// # Errors
/// `TrailNotFoundException` for any trail but that of the caller's account.
pub(super) fn expect_own(cx: &Cx, arn: &Arn) -> Result<()> {
    if arn.as_str() == trail_name::own(cx) { Ok(()) } else { Err(trail_name::unknown(arn, cx.account())) }
}

fn trail(cx: &Cx) -> Trail {
    Trail {
        name: Some(NAME.to_owned()),
        include_global_service_events: Some(true),
        is_multi_region_trail: Some(true),
        home_region: Some(cx.deployment().region.to_string()),
        trail_arn: Some(trail_name::own(cx)),
        log_file_validation_enabled: Some(true),
        has_custom_event_selectors: Some(false),
        has_insight_selectors: Some(false),
        is_organization_trail: Some(false),
        ..Trail::default()
    }
}
