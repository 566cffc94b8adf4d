//! Every case of `tests/vectors/policy` comes out as it says.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::Path;

use bailiwick_evaluator::fuzz;
use bailiwick_evaluator::jsonl::evaluate_line;
use serde_json::Value;

#[test]
fn every_vector_decides_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/policy");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort();
    assert!(!files.is_empty());
    let (mut cases, mut wrong) = (0, Vec::new());
    let mut ids = std::collections::HashSet::new();
    for file in files {
        let topic = file.file_stem().unwrap().to_string_lossy().into_owned();
        for (number, line) in std::fs::read_to_string(&file).unwrap().lines().enumerate() {
            cases += 1;
            let place = format!("{topic}:{}", number + 1);
            let case: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{place}: {error}"));
            assert!(ids.insert(case["id"].to_string()), "{place}: the id is there twice");
            let answer = evaluate_line(line, true);
            fuzz::case(line.as_bytes());
            let outcome = answer.decision.map_or("error", |decision| decision.outcome.as_str());
            if case["expected"] != outcome {
                wrong.push(format!(
                    "{place} {}: expected {}, is {outcome}\n{}",
                    case["id"], case["expected"], answer.line
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {cases} wrong\n{}", wrong.len(), wrong.join("\n"));
}
