//! Compares the evaluator with other embeddable engines in one run.
//!
//! Same policies, same distinct requests, every decision compared. The time includes each engine's conversion of the
//! request from strings. Medians of several rounds; ratios are to the evaluator.

mod attached;
mod engines;
mod flat;
mod latency;
mod pairs;
mod world;

use std::time::Instant;

use anyhow::{Result, bail};
use clap::Parser;
use serde_json::{Value, json};

use engines::Engine;
use world::World;

#[derive(Parser)]
struct Args {
    /// Print JSON instead of tables
    #[arg(long)]
    json: bool,
    /// Milliseconds of each measurement
    #[arg(long, default_value_t = 300)]
    millis: u64,
    /// Random cases to decide by the evaluator and by its slow reference
    #[arg(long, default_value_t = 1_000_000)]
    pairs: u64,
    /// Seed of these cases
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Run only the parts whose name contains this: engines, attached, flat, latency, compile, allocations, pairs
    filter: Option<String>,
}

/// Measures for this many milliseconds per figure, and returns rows.
type Part<'a> = &'a dyn Fn(u64) -> Result<Value>;

fn main() -> Result<()> {
    let args = Args::parse();
    let wanted = |name: &str| args.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()));
    let mut out = json!({});
    let parts: [(&str, Part<'_>); 7] = [
        ("engines", &side_by_side),
        ("attached", &attached::run),
        ("flat", &flat::run),
        ("latency", &latency::run),
        ("compile", &compile),
        ("allocations", &latency::allocations),
        ("pairs", &|_| pairs::run(args.pairs, args.seed)),
    ];
    for (name, part) in parts {
        if wanted(name) {
            eprintln!("{name} …");
            out[name] = part(args.millis)?;
            if !args.json {
                print(name, &out[name]);
            }
        }
    }
    if args.json {
        println!("{}", serde_json::to_string_pretty(&out)?);
    }
    Ok(())
}

/// Rows of an array, one line each.
fn print(name: &str, value: &Value) {
    println!("\n{name}");
    for row in value.as_array().into_iter().flatten() {
        let cells = row.as_object().into_iter().flatten();
        let cells = cells.map(|(key, value)| match value {
            Value::String(text) => format!("{key} {text}"),
            value => format!("{key} {value}"),
        });
        println!("  {}", cells.collect::<Vec<_>>().join("   "));
    }
}

fn side_by_side(millis: u64) -> Result<Value> {
    let mut rows = Vec::new();
    for size in [10, 100, 1_000] {
        let world = World::new(size, 2_000);
        let mut engines = engines::all(&world)?;
        let expected: Vec<bool> = world.requests.iter().map(|request| engines[0].allows(request)).collect();
        let allowed = expected.iter().filter(|allowed| **allowed).count();
        let mut own = 0.0;
        for engine in &mut engines {
            for (request, expected) in world.requests.iter().zip(&expected) {
                if engine.allows(request) != *expected {
                    bail!("{} decides otherwise on {} {}", engine.name(), request.action, request.resource);
                }
            }
            let nanos = time(millis, engine.as_mut(), &world);
            if own == 0.0 {
                own = nanos;
            }
            rows.push(json!({
                "statements": size,
                "engine": engine.name(),
                "nanoseconds": (nanos * 10.0).round() / 10.0,
                "times": (nanos / own * 10.0).round() / 10.0,
                "allowed": format!("{}%", allowed * 100 / expected.len()),
            }));
        }
    }
    Ok(rows.into())
}

/// Returns the nanoseconds per decision: the median of rounds over the requests.
fn time(millis: u64, engine: &mut dyn Engine, world: &World) -> f64 {
    let start = Instant::now();
    let mut rounds = Vec::new();
    let (mut at, mut chunk) = (0, 1);
    while rounds.len() < 5 || start.elapsed().as_millis() < u128::from(millis) {
        let round = Instant::now();
        let mut allowed = 0;
        for _ in 0..chunk {
            allowed += usize::from(engine.allows(&world.requests[at]));
            at = (at + 1) % world.requests.len();
        }
        std::hint::black_box(allowed);
        let elapsed = round.elapsed();
        rounds.push(elapsed.as_nanos() as f64 / f64::from(chunk));
        // Rounds of about a millisecond, so that the cost of the clock is negligible.
        if elapsed.as_micros() < 500 {
            chunk *= 2;
            rounds.clear();
        }
    }
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// Compilation from text, compared with serde_json's parsing of the same text.
fn compile(millis: u64) -> Result<Value> {
    let mut rows = Vec::new();
    for size in [1, 10, 100, 1_000, 10_000] {
        let text = World::new(size, 1).document().to_string();
        let own = repeat(millis, || drop(engines::ours::compile(&text)));
        let serde = repeat(millis, || drop(serde_json::from_str::<Value>(&text)));
        engines::ours::compile(&text)?;
        rows.push(json!({
            "statements": size,
            "bytes": text.len(),
            "microseconds": (own / 100.0).round() / 10.0,
            "serde_json": (serde / 100.0).round() / 10.0,
            "times": (own / serde * 100.0).round() / 100.0,
        }));
    }
    Ok(rows.into())
}

/// Returns the median time of `run` in nanoseconds.
fn repeat(millis: u64, mut what: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 5 || start.elapsed().as_millis() < u128::from(millis) {
        let one = Instant::now();
        what();
        times.push(one.elapsed().as_nanos() as f64);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
