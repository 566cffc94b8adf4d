//! The operations of `audit.v1`.

use std::time::Duration;

use async_trait::async_trait;
use bailiwick_api::{audit as pb, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned, WaitFor, counted_as};
use bailiwick_storage::{Page, Tx};
use jiff::Timestamp;

use crate::query::{EventLine, without_details};
use crate::{Attribute, Found, LookUp, Query};

/// The action of all look-ups, as CloudTrail has it.
const ACTION: &str = "cloudtrail:LookupEvents";

/// Finds events of the caller's account.
///
/// # Errors
/// `InvalidInput` for an impossible time, `ValidationError` for a marker of another request.
impl Handle<op::SearchEvents> for LookUp {
    type Plan = (Query, PageRequest);

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::SearchEventsRequest) -> Result<Planned<Self::Plan>> {
        let (from, to) = window(req.start_time, req.end_time)?;
        let query = Query { from, to, ..query(cx, req.filter) };
        let plan = (query, PageRequest::new(req.marker, req.max_items));
        Ok(Planned::new(plan).check(Check::without_resource(ACTION, cx.account())))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, (query, page): Self::Plan) -> Result<pb::SearchEventsResponse> {
        let pages = page.open(cx, "SearchEvents")?;
        let after = pages.after().map(str::parse).transpose();
        let after = after.map_err(|_| IamError::internal("a marker without a position"))?;
        let found = self.page(&counted_as(cx.caller()), &Query { after, limit: pages.limit(), ..query }).await?;
        let unreadable_segments = found.unreadable;
        let page = pages.answer(Page { items: found.events, next: found.next.map(|next| next.to_string()) })?;
        let events = page.items.into_iter().map(event).collect();
        Ok(pb::SearchEventsResponse {
            events,
            is_truncated: page.marker.is_some(),
            marker: page.marker,
            unreadable_segments,
        })
    }
}

/// Returns the events after a position.
///
/// # Errors
/// `ValidationError` for a marker of another request.
impl Handle<op::TailEvents> for LookUp {
    type Plan = (Query, PageRequest);

    const WAITS: bool = true;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::TailEventsRequest) -> Result<Planned<Self::Plan>> {
        let query = query(cx, req.filter);
        let page = PageRequest::new(req.marker, req.max_items);
        // An invalid marker is reported after authorization.
        let after = page.open(cx, TAIL).ok().and_then(|pages| pages.after()?.parse().ok());
        let most = Duration::from_secs(req.wait_seconds.and_then(|seconds| seconds.try_into().ok()).unwrap_or(0));
        let wait = after.filter(|_| !most.is_zero()).map(|after| EventAfter {
            look_up: self.clone(),
            principal: counted_as(cx.caller()),
            query: query.clone(),
            after,
            most,
        });
        let planned = Planned::new((query, page)).check(Check::without_resource(ACTION, cx.account()));
        Ok(match wait {
            Some(wait) => planned.wait_for(wait),
            None => planned,
        })
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, (query, page): Self::Plan) -> Result<pb::TailEventsResponse> {
        let pages = page.open(cx, TAIL)?;
        let Some(after) = pages.after() else {
            let next = Some(self.last_sequence().to_string());
            let marker = pages.answer(Page::<()> { items: Vec::new(), next })?.marker.unwrap_or_default();
            return Ok(pb::TailEventsResponse { marker, ..pb::TailEventsResponse::default() });
        };
        let after = after.parse().map_err(|_| IamError::internal("a marker without a position"))?;
        let tail = self.tail(&counted_as(cx.caller()), &Query { limit: pages.limit(), ..query }, after).await?;
        let page = pages.answer(Page { items: tail.events, next: Some(tail.last.to_string()) })?;
        let events = page.items.into_iter().map(event).collect();
        Ok(pb::TailEventsResponse {
            events,
            marker: page.marker.unwrap_or_default(),
            is_truncated: tail.has_more,
            unreadable_segments: tail.unreadable,
        })
    }
}

const TAIL: &str = "TailEvents";

/// An event after a position, to wait for.
struct EventAfter {
    look_up: LookUp,
    principal: String,
    query: Query,
    after: u64,
    most: Duration,
}

#[async_trait]
impl WaitFor for EventAfter {
    async fn wait(&self) -> Result<()> {
        self.look_up.wait(&self.principal, &self.query, self.after, self.most).await
    }
}

fn query(cx: &Cx, filter: Option<pb::EventFilter>) -> Query {
    let filter = filter.unwrap_or_default();
    Query::of(cx)
        .filter(Attribute::EventId, filter.event_id)
        .filter(Attribute::EventName, filter.event_name)
        .filter(Attribute::EventSource, filter.event_source)
        .filter(Attribute::Username, filter.username)
        .filter(Attribute::AccessKeyId, filter.access_key_id)
        .filter(Attribute::ResourceName, filter.resource_name)
        .filter(Attribute::ResourceType, filter.resource_type)
        .filter(Attribute::ReadOnly, filter.read_only.map(|read_only| read_only.to_string()))
        .filter(Attribute::ErrorCode, filter.error_code)
        .filter(Attribute::PrincipalArn, filter.principal_arn)
        .filter(Attribute::SourceIpAddress, filter.source_ip_address)
        .filter(Attribute::EventCategory, filter.event_category)
}

/// The window of a request.
///
/// # Errors
/// `InvalidInput` for times in the wrong order.
pub(crate) fn window(
    start: Option<prost_types::Timestamp>,
    end: Option<prost_types::Timestamp>,
) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
    let (from, to) = (time(start)?, time(end)?);
    if let (Some(from), Some(to)) = (from, to)
        && to < from
    {
        return Err(IamError::new(ErrorCode::InvalidInput, "endTime is before startTime"));
    }
    Ok((from, to))
}

fn time(time: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>> {
    let time = time.map(|time| Timestamp::new(time.seconds, time.nanos));
    time.transpose().map_err(|_| IamError::internal("a time is out of range although it was validated"))
}

fn event(found: Found) -> pb::Event {
    let line = EventLine::parse(found.line.as_bytes()).unwrap_or_default();
    let of = |attribute| line.first(attribute);
    let microseconds = found.position.time;
    let shown = pb::Event {
        event_id: of(Attribute::EventId),
        event_time: Some(prost_types::Timestamp {
            seconds: microseconds.div_euclid(1_000_000),
            // Below a billion.
            nanos: microseconds.rem_euclid(1_000_000) as i32 * 1_000,
        }),
        event_name: of(Attribute::EventName),
        event_source: of(Attribute::EventSource),
        username: of(Attribute::Username),
        access_key_id: of(Attribute::AccessKeyId),
        principal_arn: of(Attribute::PrincipalArn),
        source_ip_address: of(Attribute::SourceIpAddress),
        error_code: of(Attribute::ErrorCode),
        read_only: of(Attribute::ReadOnly) == "true",
        event_category: of(Attribute::EventCategory),
        resource_arns: line.resource_arns().map(str::to_owned).collect(),
        record: String::new(),
    };
    pb::Event { record: without_details(found.line), ..shown }
}
