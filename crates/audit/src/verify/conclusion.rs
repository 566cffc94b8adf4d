//! The summary of a report, and what could not be known.

use super::anchor::Anchor;
use super::digests::Digests;
use super::end::End;
use super::report::{Report, Trust, range};

/// Adds the summary, and what is not known.
pub(super) fn conclude(report: &mut Report, digests: &Digests, end: &End, anchor: Option<&Anchor>) {
    report.intact = report.fault_count == 0;
    (report.last_sequence, report.signed_sequence) = (end.sequence, digests.covered());
    if report.trust == Trust::Digests && report.digests > 0 {
        report.note(
            "no trusted public key was given: the key that the digests name was used. A party that can write this folder could have written all of it again and signed it with a key of their own; compare the key id with that of `bailiwick audit public-key`, or give the key with --public-key",
        );
    }
    let known = report.signed_sequence.max(anchor.map_or(0, Anchor::sequence));
    if end.sequence > known {
        report.note(format!(
            "{} after the last digest{}: only the chain was verified there, which anyone can compute",
            range("record", known.saturating_add(1), end.sequence, ["is", "are"]),
            if anchor.is_some() { " and the store's checkpoint" } else { "" },
        ));
    }
    match anchor {
        None => report.note(format!(
            "without the store, it is not known whether records after {} or digests after {} were removed",
            end.sequence,
            digests.last_number(),
        )),
        Some(anchor) if !anchor.is_closed() => report.note(
            "the server did not stop in order: records that were written after the store's checkpoint and are of no change may have been removed from the end",
        ),
        Some(_) => {}
    }
}
