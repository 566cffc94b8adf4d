//! Ten thousand random edits of a trail, each of which must be found where it is; in four parts, which run in parallel.

use std::io::Write as _;

use super::*;
use crate::compressed::{Compressed, compress};
use crate::digest::key::SigningKey;
use crate::digest::{FIRST_HASH, Signed};
use crate::hash;

const EDITS: u64 = 2_500;

/// Numbers from a seed (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end as u64) as usize
    }
}

/// Where an edit must be found: one of these files, at a record in this range if there is one, and in this digest.
struct Place {
    files: Vec<String>,
    records: (u64, u64),
    digest: Option<u64>,
}

/// The text of a file, decompressed if necessary.
fn text(files: &Files, name: &str) -> Option<Vec<u8>> {
    let content = &files[name];
    if !name.ends_with(".gz") {
        return Some(content.clone());
    }
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    let mut read = Compressed::open(file).ok()?;
    read.read(0..read.len()).ok()
}

/// The text of all files, by names without the suffix of compression.
fn texts(files: &Files) -> BTreeMap<&str, Option<Vec<u8>>> {
    files.keys().map(|name| (name.trim_end_matches(".gz"), text(files, name))).collect()
}

/// Gives a file another text.
fn put(files: &mut Files, name: &str, text: Vec<u8>) {
    let mut packed = Vec::new();
    if name.ends_with(".gz") {
        compress(text.as_slice(), &mut packed).unwrap();
    }
    files.insert(name.to_owned(), if name.ends_with(".gz") { packed } else { text });
}

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

/// Changes some lines; what an attacker does without a thought for hashes.
fn change_lines(numbers: &mut Numbers, lines: &mut Vec<Vec<u8>>) -> usize {
    let at = numbers.below(lines.len());
    match numbers.below(5) {
        0 => drop(lines.remove(at)),
        1 => {
            let to = numbers.below(lines.len() + 1);
            let copy = lines[at].clone();
            lines.insert(to, copy);
            // A copy before the line itself is a copy after it.
            return if to == at { to + 1 } else { to };
        }
        2 => {
            let other = numbers.below(lines.len());
            lines.swap(at, other);
            return at.min(other);
        }
        3 => {
            // Another user's change, or an invented one.
            let text = String::from_utf8(lines[at].clone()).unwrap();
            let changed = text.replacen("192.0.2.1", "192.0.2.2", 1).replacen("\"number\":1", "\"number\":2", 1);
            lines[at] = changed.into_bytes();
        }
        _ => {
            let end = (at + 1 + numbers.below(3)).min(lines.len());
            lines.drain(at..end);
        }
    }
    at
}

/// Computes numbers and hashes of all records again, as an attacker without the key can.
fn chain_again(segments: Vec<Vec<Vec<u8>>>) -> Files {
    let (mut sequence, mut previous, mut files) = (0, FIRST_HASH.to_owned(), Files::new());
    for lines in segments {
        let (first, mut text) = (sequence + 1, Vec::new());
        for line in lines {
            sequence += 1;
            let line = String::from_utf8(line).unwrap();
            let (record, _) = line.rsplit_once(",\"sequence\":").unwrap();
            let line = format!("{record},\"sequence\":{sequence},\"previousSha256\":\"{previous}\"}}");
            previous = hash::of(line.as_bytes());
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        if !text.is_empty() {
            files.insert(format!("audit-{first:020}.jsonl"), text);
        }
    }
    files
}

/// Signs what digests state of changed files with another key, as if it had always been like that.
fn sign_again(files: &mut Files, key: &SigningKey) {
    let (mut previous, mut signed) = (FIRST_HASH.to_owned(), Vec::new());
    for line in lines(&files[FILE]) {
        let mut digest = Signed::parse(line.strip_suffix(b"\n").unwrap()).unwrap().digest;
        digest.previous_sha256 = previous;
        for span in &mut digest.segments {
            if let Some(text) = files.get(&span.name) {
                span.bytes = span.bytes.min(text.len() as u64);
                span.sha256 = hash::of(&text[..span.bytes as usize]);
            }
        }
        let line = digest.sign(key).unwrap();
        previous = hash::of(line.as_bytes());
        signed.extend_from_slice(line.as_bytes());
        signed.push(b'\n');
    }
    files.insert(FILE.to_owned(), signed);
}

/// The number of the digest that covers a record.
fn covering(files: &Files, record: u64) -> u64 {
    let digests = lines(&files[FILE]).into_iter().map(|line| Signed::parse(line.strip_suffix(b"\n").unwrap()).unwrap());
    digests.map(|signed| signed.digest).find(|digest| digest.last_sequence >= record).unwrap().number
}

/// The number of the first record of a segment, by its name.
fn first_of(name: &str) -> u64 {
    name["audit-".len()..].split('.').next().unwrap().parse().unwrap()
}

fn segment_names(files: &Files) -> Vec<String> {
    files.keys().filter(|name| *name != FILE).cloned().collect()
}

/// One edit: its kind, and where it must be found.
fn edit(numbers: &mut Numbers, files: &mut Files, key: &SigningKey) -> (&'static str, Place) {
    let segments = segment_names(files);
    let name = segments[numbers.below(segments.len())].clone();
    let first = first_of(&name);
    let all = |file: &str| Place { files: vec![file.to_owned()], records: (0, u64::MAX), digest: None };
    match numbers.below(12) {
        0..3 => {
            let before = text(files, &name);
            let content = files.get_mut(&name).unwrap();
            let at = numbers.below(content.len());
            content[at] ^= 1 << numbers.below(8);
            if name.ends_with(".gz") {
                if text(files, &name) == before {
                    // A note in a header, such as the operating system, means nothing.
                    files.clear();
                }
                return ("a flipped bit of a compressed segment", all(&name));
            }
            let text = &files[&name];
            let line = text[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
            // The line itself, or the one whose hash of it is wrong; at the end of a segment, that is in the next one.
            let next = segments.iter().skip_while(|other| **other != name).nth(1).cloned();
            let files = [Some(name), next].into_iter().flatten().collect();
            ("a flipped bit", Place { files, records: (first + line, first + line + 1), digest: None })
        }
        3 | 4 => {
            let mut of_segment = lines(&text(files, &name).unwrap());
            let at = change_lines(numbers, &mut of_segment) as u64;
            put(files, &name, of_segment.concat());
            let next = segments.iter().skip_while(|other| **other != name).nth(1).cloned();
            let files = [Some(name), next].into_iter().flatten().collect();
            ("changed lines", Place { files, records: (first + at, first + at + 3), digest: None })
        }
        5 => {
            let text = files.get_mut(&name).unwrap();
            text.truncate(numbers.below(text.len()));
            ("a truncated segment", all(&name))
        }
        6 => {
            files.remove(&name);
            ("a removed segment", all(&name))
        }
        7 | 8 => {
            let mut of_all: Vec<_> = segments.iter().map(|name| lines(&text(files, name).unwrap())).collect();
            let which = numbers.below(of_all.len());
            let lines_before = of_all[which].len();
            let at = change_lines(numbers, &mut of_all[which]);
            let record = first_of(&segments[which]) + at as u64;
            // A record that was added after a segment is found in the next one, or by the store.
            let digest = (at < lines_before).then(|| covering(files, record));
            let again = chain_again(of_all);
            files.retain(|name, _| name == FILE);
            files.extend(again);
            if numbers.below(3) == 0 {
                sign_again(files, key);
                return ("a trail signed with another key", all(FILE));
            }
            // What follows changes as well.
            ("a chain computed again", Place { files: segments, records: (0, u64::MAX), digest })
        }
        9 => {
            let text = files.get_mut(FILE).unwrap();
            let at = numbers.below(text.len());
            match numbers.below(3) {
                0 => text.truncate(at),
                1 => drop(files.remove(FILE)),
                _ => text[at] ^= 1 << numbers.below(8),
            }
            ("damaged digests", all(FILE))
        }
        10 => {
            let mut digests = lines(&files[FILE]);
            change_lines(numbers, &mut digests);
            files.insert(FILE.to_owned(), digests.concat());
            ("changed digests", all(FILE))
        }
        _ => {
            let copy = files[&name].clone();
            let ending = name.split_once('.').unwrap().1;
            let invented = format!("audit-{:020}.{ending}", first + 1 + numbers.below(40) as u64);
            files.insert(invented.clone(), copy);
            ("an invented segment", all(&invented))
        }
    }
}

#[tokio::test]
async fn edits_are_found_where_they_are_1() {
    check_edits(1).await;
}

#[tokio::test]
async fn edits_are_found_where_they_are_2() {
    check_edits(2).await;
}

#[tokio::test]
async fn edits_are_found_where_they_are_3() {
    check_edits(3).await;
}

#[tokio::test]
async fn edits_are_found_where_they_are_4() {
    check_edits(4).await;
}

async fn check_edits(seed: u64) {
    let mut trail = Trail::new().await;
    if seed.is_multiple_of(2) {
        trail.compress();
    }
    let folder = trail.env.folder.path();
    let (mut numbers, mut kinds, key) = (Numbers(seed), BTreeMap::<_, u64>::new(), SigningKey::generate().unwrap());
    let mut done = 0;
    while done < EDITS {
        let mut edited = trail.files.clone();
        let (kind, place) = edit(&mut numbers, &mut edited, &key);
        if edited.is_empty() || texts(&edited) == texts(&trail.files) {
            continue;
        }
        done += 1;
        *kinds.entry(kind).or_default() += 1;
        for (name, text) in &edited {
            if trail.files.get(name) != Some(text) {
                fs::write(folder.join(name), text).unwrap();
            }
        }
        for name in trail.files.keys().filter(|name| !edited.contains_key(*name)) {
            fs::remove_file(folder.join(name)).unwrap();
        }
        let report = check(folder, &trail.expected);
        let is_there = report.faults.iter().any(|fault| {
            let is_in_range = fault.sequence.is_none_or(|found| (place.records.0..=place.records.1).contains(&found));
            let is_digest = place.digest.is_none_or(|digest| fault.digest == Some(digest));
            let is_file =
                place.files.iter().any(|file| file.trim_end_matches(".gz") == fault.file.trim_end_matches(".gz"));
            is_file && is_in_range && is_digest
        });
        assert!(is_there, "edit {done}, {kind} in {:?} at {:?}: {:#?}", place.files, place.records, faults(&report));
        for name in edited.keys().filter(|name| !trail.files.contains_key(*name)) {
            fs::remove_file(folder.join(name)).unwrap();
        }
        for (name, text) in &trail.files {
            if edited.get(name) != Some(text) {
                fs::write(folder.join(name), text).unwrap();
            }
        }
    }
    assert!(kinds.len() >= 8 && kinds.values().all(|count| *count > 100), "{kinds:?}");
    assert!(check(folder, &trail.expected).intact, "the trail is as before");
}
