//! Latency of single decisions: the ratio of slow ones to the median, and a check that none allocates.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Instant;

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::engines::Engine;
use crate::engines::ours::Ours;
use crate::world::World;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: delegates to the system's allocator and counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

pub fn allocations(_: u64) -> Result<Value> {
    let mut rows = Vec::new();
    for size in [1, 10, 100, 1_000, 10_000] {
        let world = World::new(size, 2_000);
        let mut engine = Ours::new(&world)?;
        let before = ALLOCATIONS.get();
        let allowed = world.requests.iter().filter(|request| engine.allows(request)).count();
        let made = ALLOCATIONS.get() - before;
        if made > 0 {
            bail!("{made} allocations in {} decisions", world.requests.len());
        }
        rows.push(
            json!({"statements": size, "decisions": world.requests.len(), "allowed": allowed, "allocations": made}),
        );
    }
    Ok(rows.into())
}

pub fn run(_: u64) -> Result<Value> {
    let mut rows = Vec::new();
    for size in [10, 100, 1_000, 10_000] {
        let world = World::new(size, 2_000);
        let mut engine = Ours::new(&world)?;
        // Each figure includes the cost of the clock, which is reported.
        let clock = percentiles((0..20_000).map(|_| Instant::now().elapsed().as_nanos() as u64).collect());
        let mut times = Vec::new();
        for round in 0..21 {
            for request in &world.requests {
                let start = Instant::now();
                let allowed = engine.allows(request);
                let nanos = start.elapsed().as_nanos() as u64;
                std::hint::black_box(allowed);
                if round > 0 {
                    times.push(nanos);
                }
            }
        }
        let (median, p99) = percentiles(times);
        rows.push(json!({
            "statements": size,
            "median": median,
            "p99": p99,
            "times": (p99 as f64 / median as f64 * 100.0).round() / 100.0,
            "clock": clock.0,
        }));
    }
    Ok(rows.into())
}

fn percentiles(mut times: Vec<u64>) -> (u64, u64) {
    times.sort_unstable();
    (times[times.len() / 2], times[times.len() * 99 / 100])
}
