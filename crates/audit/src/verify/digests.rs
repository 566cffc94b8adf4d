//! The digests of a trail: their form, chain and signatures, and what they say of the segments.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use super::Expected;
use super::report::{Fault, Report, Trust, range};
use crate::PublicKey;
use crate::digest::{FIRST_HASH, Removed, Signed};
use crate::files;

pub(super) use crate::digest::FILE;

/// The longest line that is read.
const MAX_LINE: u64 = 16 * 1024 * 1024;

/// What valid digests say.
#[derive(Default)]
pub(super) struct Digests {
    /// What they say of each segment, by its name: in the order of the bytes.
    pub(super) spans: BTreeMap<String, Vec<SignedSpan>>,
    /// The hash of the line of the last record of each.
    pub(super) ends: BTreeMap<u64, String>,
    /// Segments that retention removed.
    pub(super) removed: Vec<Removed>,
    /// The hash of each line that has the form of a digest, by number.
    lines: HashMap<u64, String>,
    last_number: u64,
}

/// What a digest says of a segment.
pub(super) struct SignedSpan {
    pub(super) bytes: u64,
    pub(super) sha256: String,
    /// The records that the digest covers.
    pub(super) records: (u64, u64),
    pub(super) digest: u64,
}

/// What the next line must follow.
struct Chain {
    number: u64,
    previous: String,
    first_sequence: u64,
    /// Lines since the last digest that are not digests of this trail; each may have replaced one.
    damaged: u64,
    deployment: Option<String>,
    /// Empty until the first digest, if its key is to be trusted.
    keys: Vec<PublicKey>,
}

impl Digests {
    /// The number of the last record that a digest covers; 0 for none.
    pub(super) fn covered(&self) -> u64 {
        self.ends.last_key_value().map_or(0, |(sequence, _)| *sequence)
    }

    /// The number of the last digest; 0 for none.
    pub(super) fn last_number(&self) -> u64 {
        self.last_number
    }

    /// The hash of the line of a digest.
    pub(super) fn sha256(&self, number: u64) -> Option<&str> {
        self.lines.get(&number).map(String::as_str)
    }

    /// The number of the last record that retention removed; 0 for none.
    pub(super) fn removed_until(&self) -> u64 {
        self.removed.iter().map(|removed| removed.last_sequence).max().unwrap_or(0)
    }

    /// The hash of the line of a record that is the last one of a digest or of a removed segment.
    pub(super) fn end_hash(&self, sequence: u64) -> Option<&str> {
        let removed = self.removed.iter().find(|removed| removed.last_sequence == sequence);
        removed.map(|removed| &removed.last_sha256).or_else(|| self.ends.get(&sequence)).map(String::as_str)
    }

    fn accept(&mut self, signed: Signed) {
        let digest = signed.digest;
        for span in digest.segments {
            let records = (digest.first_sequence, digest.last_sequence);
            let span_of = SignedSpan { bytes: span.bytes, sha256: span.sha256, records, digest: digest.number };
            self.spans.entry(span.name).or_default().push(span_of);
        }
        self.ends.insert(digest.last_sequence, digest.last_sha256);
        self.removed.extend(digest.removed);
    }
}

/// Reads the digests of a folder.
pub(super) fn read(folder: &Path, expected: &Expected, report: &mut Report) -> io::Result<Digests> {
    let (mut digests, anchor) = (Digests::default(), expected.anchor.as_ref());
    let (keys, trust) = match anchor {
        _ if !expected.keys.is_empty() => (expected.keys.clone(), Trust::Given),
        Some(anchor) if !anchor.keys().is_empty() => (anchor.keys().to_vec(), Trust::Store),
        _ => (Vec::new(), Trust::Digests),
    };
    report.trust = trust;
    let mut chain = Chain {
        number: 1,
        previous: FIRST_HASH.to_owned(),
        first_sequence: 1,
        damaged: 0,
        deployment: anchor.map(|anchor| anchor.deployment().to_owned()),
        keys,
    };
    let file = match files::open(&folder.join(FILE)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            report.note(format!("there is no {FILE}: nothing signed says what the records were"));
            return Ok(digests);
        }
        Err(error) if files::is_not_regular(&error) => {
            report.fault(Fault::new(FILE, "this is not a regular file, and it was not read", "a regular file"));
            return Ok(digests);
        }
        Err(error) => return Err(io::Error::new(error.kind(), format!("{FILE}: {error}"))),
    };
    let (mut reader, mut line, mut number) = (BufReader::new(file), Vec::new(), 0);
    loop {
        line.clear();
        if reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line)? == 0 {
            break;
        }
        number += 1;
        let Some(text) = line.strip_suffix(b"\n") else {
            if line.len() as u64 == MAX_LINE {
                report.fault(Fault::new(FILE, "the line is too long", "a digest").at_line(number));
            } else {
                report.note(format!("{FILE} ends within line {number}, as after a crash"));
            }
            break;
        };
        report.digests += 1;
        chain.check(text, number, &mut digests, report);
    }
    report.key_ids = chain.keys.iter().map(PublicKey::id).collect();
    Ok(digests)
}

impl Chain {
    /// Checks a line and uses what it says if it is a digest of this trail.
    fn check(&mut self, line: &[u8], at: u64, digests: &mut Digests, report: &mut Report) {
        let signed = match Signed::parse(line) {
            Ok(signed) => signed,
            Err(why) => {
                let fault = Fault::new(FILE, why, "a digest as Bailiwick writes it").at_line(at).of_digest(self.number);
                report.fault(fault);
                self.damaged += 1;
                return;
            }
        };
        let (digest, end) = (&signed.digest, signed.end());
        let fault =
            |found: String, expected: String| Fault::new(FILE, found, expected).at_line(at).of_digest(end.number);
        if !signed.is_genuine() {
            let found = "the digest was altered or invented: its signature is not valid";
            report.fault(fault(found.to_owned(), format!("a signature of the key {}", signed.digest.key_id)));
            self.damaged += 1;
            return;
        }
        if self.keys.is_empty() {
            self.keys.push(signed.key);
        }
        if !self.keys.contains(&signed.key) {
            let trusted: Vec<String> = self.keys.iter().map(PublicKey::id).collect();
            report.fault(fault(format!("the digest is signed by the key {}", digest.key_id), trusted.join(" or ")));
            self.damaged += 1;
            return;
        }
        if digest.number < self.number {
            let found = "the digest is repeated or moved".to_owned();
            return report.fault(fault(found, format!("digest {}", self.number)));
        }
        if digest.number - self.number > self.damaged {
            let (from, until) = (self.number, digest.number - 1);
            report.fault(fault(
                format!("{} missing before it", range("digest", from, until, ["is", "are"])),
                format!("digest {from}"),
            ));
        }
        let deployment = self.deployment.get_or_insert_with(|| digest.deployment.clone());
        if digest.deployment != *deployment {
            report.fault(fault(format!("it is of the deployment {}", digest.deployment), deployment.clone()));
            self.damaged += 1;
            return;
        }
        if digest.number == self.number && digest.previous_sha256 != self.previous {
            let found = format!("it follows a digest with SHA-256 {}", digest.previous_sha256);
            report.fault(fault(found, self.previous.clone()));
        } else if digest.number == self.number && digest.first_sequence != self.first_sequence {
            let found = format!("it covers records from {}", digest.first_sequence);
            report.fault(fault(found, format!("from {}", self.first_sequence)));
        }
        digests.lines.insert(end.number, end.sha256.clone());
        digests.last_number = end.number;
        self.number = end.number.saturating_add(1);
        (self.previous, self.first_sequence, self.damaged) = (end.sha256, end.sequence.saturating_add(1), 0);
        digests.accept(signed);
    }
}
