//! Events as lines: of a table, or of JSON.

use std::fmt::Write as _;

use bailiwick_api::audit as pb;

use crate::escapes;
use crate::output;

/// The columns and their least widths, in characters.
const COLUMNS: [(&str, usize); 4] = [("TIME", 20), ("USER", 16), ("EVENT", 24), ("RESOURCE", 40)];

/// The title of the table.
pub(super) fn title() -> String {
    let names = COLUMNS.iter().map(|(name, width)| format!("{name:<width$}  ")).collect::<String>();
    output::styled(output::ASIDE, &format!("{names}ERROR")) + "\n"
}

/// An event as a line: a row of the table, or the JSON of its record.
pub(super) fn line(event: &pb::Event, is_json: bool) -> String {
    if is_json {
        return format!("{}\n", event.record);
    }
    let time = event.event_time.as_ref().and_then(|time| jiff::Timestamp::from_second(time.seconds).ok());
    let user = [&event.username, &event.principal_arn].into_iter().find(|text| !text.is_empty());
    let cells = [
        time.map(|time| time.to_string()).unwrap_or_default(),
        user.map_or("-", String::as_str).to_owned(),
        event.event_name.clone(),
        event.resource_arns.first().map_or("-", String::as_str).to_owned(),
    ];
    let mut line = String::new();
    for (cell, (_, width)) in cells.iter().zip(COLUMNS) {
        // Writing to a text does not fail.
        let _ = write!(line, "{:<width$}  ", escapes::one_line(cell));
    }
    match event.error_code.as_str() {
        "" => format!("{}\n", line.trim_end()),
        code => format!("{line}{}\n", output::styled(output::BAD, &escapes::one_line(code))),
    }
}
