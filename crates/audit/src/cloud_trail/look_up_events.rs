//! LookupEvents: the management events of the caller's account.
//!
//! AWS finds events of the last 90 days; here all events are found that retention has kept.

use bailiwick_api::cloudtrail::{Event, LookupAttribute, LookupEventsRequest, LookupEventsResponse, Resource};
use bailiwick_api::{Operation, op};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Check, Cx, Handle, Paging, Planned, counted_as};
use bailiwick_storage::Tx;
use jiff::{SignedDuration, Timestamp};
use prost_types::Timestamp as Time;

use super::{CloudTrail, time};
use crate::query::{EventLine, resource_type, without_details};
use crate::{Attribute, Found, PositionError, Query};

/// The maximum number of events on a page, and the number without `MaxResults`.
const MAX_RESULTS: i32 = 50;
/// What is added to an end without a fraction, so that it includes its second: CloudTrail shows times in seconds.
const REST_OF_SECOND: SignedDuration = SignedDuration::from_micros(999_999);

/// Returns events, newest first. The management account finds its own events, and those of callers who are not known.
///
/// # Errors
/// `InvalidLookupAttributesException`, `InvalidTimeRangeException`, `InvalidMaxResultsException`,
/// `InvalidNextTokenException`, `InvalidEventCategoryException`.
impl Handle<op::LookupEvents> for CloudTrail {
    type Plan = LookupEventsRequest;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: LookupEventsRequest) -> Result<Planned<LookupEventsRequest>> {
        Ok(Planned::new(req).check(Check::without_resource("cloudtrail:LookupEvents", cx.account())))
    }

    async fn handle(&self, cx: &Cx, _: &mut Tx, plan: LookupEventsRequest) -> Result<LookupEventsResponse> {
        let paging = Paging::new(cx, <op::LookupEvents as Operation>::NAME);
        let query = query(cx, &paging, &plan)?;
        match plan.event_category.as_deref() {
            None => {}
            // No trail enables Insights.
            Some("insight") => return Ok(LookupEventsResponse::default()),
            Some(_) => return Err(refused(ErrorCode::InvalidEventCategory, "EventCategory must be insight.")),
        }
        let page = self.look_up.page(&counted_as(cx.caller()), &query).await?;
        let next_token = page.next.map(|next| paging.marker(&next.to_string())).transpose()?;
        Ok(LookupEventsResponse { events: page.events.into_iter().map(event).collect(), next_token })
    }
}

fn query(cx: &Cx, paging: &Paging<'_>, req: &LookupEventsRequest) -> Result<Query> {
    let limit = req.max_results.unwrap_or(MAX_RESULTS);
    if !(1..=MAX_RESULTS).contains(&limit) {
        let message = format!("MaxResults must be from 1 to {MAX_RESULTS}.");
        return Err(refused(ErrorCode::InvalidMaxResults, message));
    }
    let mut query = Query::of(cx).filter(Attribute::EventCategory, Some("Management".to_owned()));
    query.limit = usize::try_from(limit).map_err(IamError::internal)?;
    query.filters.extend(filter(&req.lookup_attributes)?);
    query.from = req.start_time.as_ref().map(moment).transpose()?;
    query.to = req.end_time.as_ref().map(end).transpose()?;
    if let (Some(from), Some(to)) = (query.from, query.to)
        && from > to
    {
        return Err(refused(ErrorCode::InvalidTimeRange, "StartTime must not be after EndTime."));
    }
    let invalid = |_| {
        let message = "NextToken is not a token that LookupEvents returned for the same other parameters.";
        refused(ErrorCode::InvalidNextToken, message)
    };
    let after = paging.after(req.next_token.as_deref()).map_err(invalid)?;
    query.after = after
        .map(|after| after.parse())
        .transpose()
        .map_err(|PositionError| IamError::internal("a token without a position"))?;
    Ok(query)
}

fn filter(attributes: &[LookupAttribute]) -> Result<Option<(Attribute, String)>> {
    let invalid = |message: &str| refused(ErrorCode::InvalidLookupAttributes, message);
    let [attribute] = attributes else {
        return match attributes {
            [] => Ok(None),
            _ => Err(invalid("LookupAttributes must have one item.")),
        };
    };
    let value = attribute.attribute_value.clone().unwrap_or_default();
    let key = match attribute.attribute_key.as_deref().unwrap_or_default() {
        "AccessKeyId" => Attribute::AccessKeyId,
        "EventId" => Attribute::EventId,
        "EventName" => Attribute::EventName,
        "EventSource" => Attribute::EventSource,
        "ReadOnly" if !matches!(&*value, "true" | "false") => {
            return Err(invalid("The value of the attribute ReadOnly must be true or false."));
        }
        "ReadOnly" => Attribute::ReadOnly,
        "ResourceName" => Attribute::ResourceName,
        "ResourceType" => Attribute::ResourceType,
        "Username" => Attribute::Username,
        _ => return Err(invalid("The attribute is not one by which events can be looked up.")),
    };
    Ok(Some((key, value)))
}

fn refused(code: ErrorCode, message: impl Into<String>) -> IamError {
    IamError::new(code, message)
}

/// # Errors
/// `InvalidTimeRangeException` for a time before the year 1 or after 9999.
fn moment(time: &Time) -> Result<Timestamp> {
    Timestamp::new(time.seconds, time.nanos)
        .map_err(|_| refused(ErrorCode::InvalidTimeRange, "The time is outside of the range of possible values."))
}

fn end(time: &Time) -> Result<Timestamp> {
    let end = moment(time)?;
    Ok(if time.nanos == 0 { end.checked_add(REST_OF_SECOND).unwrap_or(end) } else { end })
}

/// An event as CloudTrail shows it, with its whole record.
pub(super) fn event(found: Found) -> Event {
    let Found { line, position } = found;
    let mut event = Event { event_time: Timestamp::from_microsecond(position.time).ok().map(time), ..Event::default() };
    if let Some(record) = EventLine::parse(line.as_bytes()) {
        let first = |attribute| {
            let mut first = None;
            record.values(attribute, &mut |value| first = first.take().or(Some(value.to_owned())));
            first
        };
        event.event_id = first(Attribute::EventId);
        event.event_name = first(Attribute::EventName);
        event.read_only = first(Attribute::ReadOnly);
        event.access_key_id = first(Attribute::AccessKeyId);
        event.event_source = first(Attribute::EventSource);
        event.username = first(Attribute::Username);
        event.resources = resources(&record);
    }
    event.cloud_trail_event = Some(without_details(line));
    event
}

/// The resources, each by its ARN and by its name.
fn resources(record: &EventLine<'_>) -> Vec<Resource> {
    let (mut resources, mut kind) = (Vec::new(), None);
    record.values(Attribute::ResourceName, &mut |name| {
        // What is on record of an operation without a resource.
        if name == "*" {
            return;
        }
        if name.starts_with("arn:") {
            kind = resource_type(name);
        }
        resources.push(Resource { resource_type: kind.map(str::to_owned), resource_name: Some(name.to_owned()) });
    });
    resources
}
