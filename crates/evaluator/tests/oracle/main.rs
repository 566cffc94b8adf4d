//! The evaluator against an independent, simple reference implementation, and against properties that need none.
//!
//! Random cases are biased to near misses: policies are made from the request and then bent in one place. The seed is
//! printed; `BAILIWICK_ORACLE_SEED` sets it and `BAILIWICK_ORACLE_CASES` asks for another number of cases.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod compare;
mod facts;
mod generate;
mod law;
mod properties;
mod random;
mod suggestions;

use bailiwick_evaluator::fuzz;
use bailiwick_evaluator::jsonl::evaluate_line;
use serde_json::Value;

use random::Random;

/// The outcome of the evaluator under test.
fn fast(case: &Value) -> Result<&'static str, String> {
    let answer = evaluate_line(&case.to_string(), false);
    answer.decision.map(|decision| decision.outcome.as_str()).ok_or(answer.line)
}

/// Runs `check` on random cases, and says how many could be decided.
fn each_case(name: &str, default: u64, mut check: impl FnMut(&mut Random, &Value)) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = number("BAILIWICK_ORACLE_SEED").unwrap_or(20_240_615);
    let cases = number("BAILIWICK_ORACLE_CASES").unwrap_or(default);
    println!("{name}: BAILIWICK_ORACLE_SEED={seed} BAILIWICK_ORACLE_CASES={cases}");
    for number in 0..cases {
        let mut random = Random::new(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let case = generate::case(&mut random);
        check(&mut random, &case);
    }
}

#[test]
fn the_evaluator_agrees_with_the_reference_implementation() {
    let mut outcomes = std::collections::BTreeMap::new();
    each_case("the_evaluator_agrees_with_the_reference_implementation", 10_000, |_, case| {
        let fast = fast(case).unwrap_or_else(|error| panic!("{error}\n{case}"));
        let slow = law::decide(case);
        assert_eq!(fast, slow, "evaluator and law differ (evaluator left)\n{case}");
        fuzz::indexed(&case.to_string());
        *outcomes.entry(fast).or_insert(0) += 1;
    });
    // Cases that all come out alike would test nothing.
    println!("{outcomes:?}");
    assert_eq!(outcomes.len(), 3);
    assert!(outcomes.values().all(|count| count * 10 > outcomes.values().sum::<u64>()), "{outcomes:?}");
}

#[test]
fn the_reference_implementation_agrees_with_the_vectors() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/policy");
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        for line in std::fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let case: Value = serde_json::from_str(line).unwrap();
            assert_eq!(case["expected"], law::decide(&case), "expected left\n{line}");
            cases += 1;
        }
    }
    assert!(cases > 2000, "{cases}");
}
