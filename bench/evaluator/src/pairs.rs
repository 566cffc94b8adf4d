//! Random cases decided by the evaluator and by its slow reference.

use std::time::Instant;

use anyhow::{Result, bail};
use bailiwick_evaluator::jsonl::evaluate_line;
use serde_json::{Value, json};

#[path = "../../../crates/evaluator/tests/oracle/compare.rs"]
mod compare;
#[path = "../../../crates/evaluator/tests/oracle/generate.rs"]
mod generate;
#[path = "../../../crates/evaluator/tests/oracle/law.rs"]
mod law;
#[path = "../../../crates/evaluator/tests/oracle/random.rs"]
mod random;

/// Runs this many pairs from a seed; stops at the first difference.
pub fn run(pairs: u64, seed: u64) -> Result<Value> {
    let start = Instant::now();
    eprintln!("pairs: seed {seed}");
    for number in 0..pairs {
        let mut random = random::Random::new(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        let case = generate::case(&mut random);
        let answer = evaluate_line(&case.to_string(), false);
        let Some(decision) = answer.decision else { bail!("seed {seed}: {}\n{case}", answer.line) };
        let (fast, slow) = (decision.outcome.as_str(), law::decide(&case));
        if fast != slow {
            bail!("seed {seed}, pair {number}: the evaluator says {fast}, the law {slow}\n{case}");
        }
    }
    Ok(json!([{"pairs": pairs, "seed": seed, "seconds": start.elapsed().as_secs(), "different": 0}]))
}
