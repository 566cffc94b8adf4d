//! The segments of a trail, in order.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, BufReader, Read as _};
use std::path::Path;

use super::anchor::Anchor;
use super::chain::Chain;
use super::digests::Digests;
use super::end::End;
use super::report::{Fault, Report};
use super::text::{BUFFER, Counter, Text, decoder, open};
use crate::segments::segment_name;

/// The files of a segment: at least one, and both after a crash.
#[derive(Default)]
struct Files {
    plain: Option<String>,
    packed: Option<String>,
}

impl Files {
    fn name(&self) -> &str {
        self.plain.as_ref().or(self.packed.as_ref()).map_or("", String::as_str)
    }
}

/// Reads all segments of a folder.
pub(super) fn read(
    folder: &Path,
    digests: &mut Digests,
    anchor: Option<&Anchor>,
    report: &mut Report,
    progress: &mut dyn FnMut(u64, u64),
) -> io::Result<End> {
    let (found, all) = list(folder, report)?;
    let mut counter = Counter { done: 0, reported: 0, all, progress };
    let mut spans = std::mem::take(&mut digests.spans);
    for of_segment in spans.values_mut() {
        of_segment.sort_by_key(|span| span.bytes);
    }
    let mut chain = Chain::begin(found.first_key_value().map(|(first, _)| *first), digests, anchor, report);
    let mut file = String::new();
    let last = found.last_key_value().map(|(first, _)| *first);
    for (first, of_segment) in &found {
        report.segments += 1;
        let name = of_segment.name();
        chain.enter(*first, name, report);
        let signed = spans.remove(&segment_name(*first)).unwrap_or_default();
        let mut text = Text::new(name, &signed);
        let is_last = last == Some(*first);
        match &of_segment.plain {
            Some(name) => {
                let Some(file) = open(&folder.join(name), name, report)? else { continue };
                let reader = BufReader::with_capacity(BUFFER, file);
                text.read(reader, &mut chain, is_last, report, &mut counter)?;
            }
            None => {
                let path = folder.join(name);
                let most = signed.last().map_or(0, |span| span.bytes);
                // A byte more than what is signed shows that there is more.
                let Some(file) = open(&path, name, report)? else { continue };
                let unpacked = decoder(file).take(most.saturating_add(1));
                let reader = BufReader::with_capacity(BUFFER, unpacked);
                text.read_compressed(reader, &path, most, &mut chain, report, &mut counter)?;
            }
        }
        if let (Some(_), Some(packed)) = (&of_segment.plain, &of_segment.packed) {
            text.compare_copy(&folder.join(packed), packed, report)?;
        }
        text.end(report);
        name.clone_into(&mut file);
    }
    for (name, signed) in &spans {
        let removed = digests.removed.iter().any(|removed| removed.name == *name);
        if let (false, Some(span)) = (removed, signed.last()) {
            let expected = format!("{} bytes with records up to {}", span.bytes, span.records.1);
            report.fault(Fault::new(name, "the segment is missing", expected).of_digest(span.digest));
        }
    }
    Ok(End { sequence: chain.next - 1, file, at_checkpoint: chain.at_checkpoint })
}

/// The segments of a folder by the number in their names, and the length of all files.
fn list(folder: &Path, report: &mut Report) -> io::Result<(BTreeMap<u64, Files>, u64)> {
    let (mut found, mut all) = (BTreeMap::<u64, Files>::new(), 0);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        names.push((entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.len()));
    }
    names.sort();
    for (name, bytes) in names {
        if !name.starts_with("audit-") || !name.contains(".jsonl") {
            continue;
        }
        let plain = name.strip_suffix(".gz").unwrap_or(&name);
        let number = plain.strip_prefix("audit-").and_then(|rest| rest.strip_suffix(".jsonl"));
        match number.and_then(|number| number.parse().ok()) {
            Some(first) if plain == segment_name(first) => {
                all += bytes;
                let files = found.entry(first).or_default();
                let form = if plain == name { &mut files.plain } else { &mut files.packed };
                *form = Some(name);
            }
            _ => report.fault(Fault::new(
                &name,
                "the file is not a segment",
                "names such as audit-00000000000000000001.jsonl",
            )),
        }
    }
    Ok((found, all))
}
