use std::os::unix::fs::PermissionsExt as _;

use super::*;

const DAY: i64 = 86_400;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn document(text: &str) -> PolicyDocument {
    PolicyDocument::new(text.into())
}

fn files(trail: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder(trail)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_document_is_written_once_a_day_and_found_by_its_digest() {
    let trail = tempfile::tempdir().unwrap();
    let mut documents = Documents::in_folder(trail.path());
    documents.write(&[], at(0)).unwrap();
    assert!(!folder(trail.path()).exists(), "nothing is created without need");
    let (a, b) = (document("{\"a\": \"\u{2028}\\n\"}"), document("b"));
    for _ in 0..3 {
        documents.write(&[a.clone(), b.clone()], at(5)).unwrap();
    }
    // After a restart as well.
    documents = Documents::in_folder(trail.path());
    documents.write(&[b.clone(), a.clone()], at(6)).unwrap();
    let path = folder(trail.path()).join("policies-1970-01-01.jsonl");
    assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 2);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(folder(trail.path())).unwrap().permissions().mode() & 0o777, 0o700);
    let found = |document: &PolicyDocument, seconds| find(trail.path(), document.sha256(), at(seconds)).unwrap();
    assert_eq!(found(&a, 7).as_deref(), Some(&*a.text));
    assert_eq!(found(&b, -1).as_deref(), Some("b"), "a record from before midnight");
    assert_eq!(found(&b, DAY), None, "another day");
    assert_eq!(found(&document("c"), 7), None);
}

#[test]
fn files_are_removed_after_a_week() {
    let trail = tempfile::tempdir().unwrap();
    let mut documents = Documents::in_folder(trail.path());
    for day in 0..=8 {
        documents.write(&[document("a")], at(day * DAY)).unwrap();
    }
    fs::write(folder(trail.path()).join("notes.txt"), "").unwrap();
    documents.write(&[document("a")], at(9 * DAY)).unwrap();
    let expected: Vec<_> = (3..=10).map(|day| format!("policies-1970-01-{day:02}.jsonl")).collect();
    assert_eq!(files(trail.path())[1..], expected);
}

#[test]
fn the_file_of_a_day_is_bounded() {
    let trail = tempfile::tempdir().unwrap();
    let mut documents = Documents { max_bytes: 300, ..Documents::in_folder(trail.path()) };
    for number in 0..100 {
        documents.write(&[document(&number.to_string())], at(0)).unwrap();
    }
    let path = folder(trail.path()).join("policies-1970-01-01.jsonl");
    assert!((200..=300).contains(&fs::metadata(path).unwrap().len()));
    assert!(find(trail.path(), document("0").sha256(), at(0)).unwrap().is_some());
    assert!(find(trail.path(), document("99").sha256(), at(0)).unwrap().is_none());
}

#[test]
fn a_torn_or_changed_line_is_not_a_document() {
    let trail = tempfile::tempdir().unwrap();
    let path = folder(trail.path()).join("policies-1970-01-01.jsonl");
    let (a, b) = (document("a"), document("b"));
    Documents::in_folder(trail.path()).write(std::slice::from_ref(&a), at(0)).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 4]).unwrap();
    assert_eq!(find(trail.path(), a.sha256(), at(0)).unwrap(), None);
    Documents::in_folder(trail.path()).write(&[a.clone(), b.clone()], at(0)).unwrap();
    assert_eq!(find(trail.path(), a.sha256(), at(0)).unwrap().as_deref(), Some("a"));
    assert_eq!(find(trail.path(), b.sha256(), at(0)).unwrap().as_deref(), Some("b"));
    let forged = fs::read_to_string(&path).unwrap().replace("\"b\"}", "\"forged\"}");
    fs::write(&path, forged).unwrap();
    assert_eq!(find(trail.path(), b.sha256(), at(0)).unwrap(), None);
}
