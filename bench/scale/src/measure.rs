//! The measurements: each goes through all worlds alternately; a ratio is of the largest world to the smallest.

use std::hint::black_box;
use std::time::Instant;

use anyhow::{Context as _, Result};
use bailiwick_model::{PolicyName, Tags};
use bailiwick_storage::{Identity, Tx, User};

use crate::report::Row;
use crate::requests::{Access, Asked, Random};
use crate::world::{self, World};

/// Decisions that are timed together. Their requests are made before and are in the cache, as after a read of a socket.
const BATCH: usize = 128;
/// Batches of one world before the next world is measured. A quarter more at the start do not count, since the caches
/// then contain another world.
const TURN: u32 = 100;
const SEED: u64 = 0x2545_f491_4f6c_dd1d;

pub fn decisions(worlds: &[World], rounds: u32, rows: &mut Vec<Row>) -> Result<()> {
    for (access, name, bound) in [(Access::Uniform, "uniform", 3.0), (Access::Zipf, "Zipf", 1.5)] {
        eprintln!("decisions, {name} …");
        let account = world::account()?;
        let mut random = Random(SEED);
        let mut times = vec![Vec::new(); worlds.len()];
        for _ in 0..rounds.div_ceil(TURN) {
            for (world, times) in worlds.iter().zip(&mut times) {
                let snapshot = world.snapshots.current()?;
                for batch in 0..TURN + TURN / 4 {
                    let asked: Vec<Asked> = (0..BATCH).map(|_| Asked::draw(&mut random, access, world)).collect();
                    let begun = Instant::now();
                    let allowed = asked.iter().filter(|asked| asked.decide(&snapshot, account)).count();
                    let elapsed = begun.elapsed();
                    black_box(allowed);
                    if batch == 0 {
                        asked.iter().try_for_each(|asked| asked.check(&snapshot, account))?;
                    }
                    if batch >= TURN / 4 {
                        times.push(elapsed.as_nanos() as f64 / BATCH as f64);
                    }
                }
            }
        }
        let medians: Vec<f64> = times.into_iter().map(median).collect();
        rows.push(ratio(format!("decision, {name} access"), worlds, &medians, "ns").at_most(bound));
    }
    Ok(())
}

pub fn memory(worlds: &[World], rows: &mut Vec<Row>) {
    let each = |bytes: i64, world: &World| bytes as f64 / world.principals as f64;
    let figures: Vec<f64> = worlds.iter().map(|world| each(world.bytes, world)).collect();
    let own: Vec<f64> = worlds.iter().map(|world| each(world.own_policies, world)).collect();
    let most = figures.iter().copied().fold(0.0, f64::max);
    let detail = format!("{}; own policies beside it: {}", by_size(worlds, &figures, "B"), by_size(worlds, &own, "B"));
    rows.push(Row::new("memory of a principal, at most", most, "B", detail).at_most(400.0));
}

pub fn start(worlds: &[World], rows: &mut Vec<Row>) {
    let seconds: Vec<f64> = worlds.iter().map(|world| world.start.as_secs_f64()).collect();
    let last = seconds.last().copied().unwrap_or_default();
    rows.push(Row::new("start-up of the largest", last, "s", by_size(worlds, &seconds, "s")).at_most(15.0));
}

/// The time from the end of a commit until a snapshot contains it.
pub async fn publication(worlds: &[World], rounds: u32, rows: &mut Vec<Row>) -> Result<()> {
    for (kind, name) in [(Change::Tags, "changed tags"), (Change::Policy, "an inline policy")] {
        eprintln!("publication of {name} …");
        let mut random = Random(SEED);
        let mut times = vec![Vec::new(); worlds.len()];
        for round in 0..rounds {
            for (world, times) in worlds.iter().zip(&mut times) {
                let mut tx = world.begin().await?;
                let number = random.principal(Access::Uniform, world.principals / 10) * 10;
                change(&mut tx, kind, number, round).await?;
                let revision = tx.commit().await?;
                let begun = Instant::now();
                world.snapshots.at_least(revision).await?;
                times.push(begun.elapsed().as_nanos() as f64 / 1_000.0);
            }
        }
        let medians: Vec<f64> = times.into_iter().map(median).collect();
        rows.push(ratio(format!("publication of {name}"), worlds, &medians, "µs").at_most(1.5));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Change {
    Tags,
    Policy,
}

/// Changes a user in a way that no earlier round has.
async fn change(tx: &mut Tx, kind: Change, number: u64, round: u32) -> Result<()> {
    let id = world::principal_id(number);
    let old = tx.find_by_id::<User>(world::account()?, &id).await?.context("a user of the bench")?;
    match kind {
        Change::Tags => {
            let tags = Tags::parse([("round", round.to_string())])?;
            tx.update(&old, &User { tags, ..old.clone() }).await?;
        }
        Change::Policy => {
            let mut policy = world::inline(number)?;
            policy.name = PolicyName::parse("changing")?;
            policy.document = policy.document.replace("home/", &format!("home-{round}/"));
            tx.put_inline_policy(&Identity::from(&old), &policy).await?;
        }
    }
    Ok(())
}

/// The figure of the largest world divided by that of the smallest, with all figures.
fn ratio(name: String, worlds: &[World], figures: &[f64], unit: &str) -> Row {
    let (first, last) = (figures.first().copied().unwrap_or(1.0), figures.last().copied().unwrap_or(1.0));
    Row::new(name, last / first, "x", by_size(worlds, figures, unit))
}

fn by_size(worlds: &[World], figures: &[f64], unit: &str) -> String {
    let each = worlds.iter().zip(figures).map(|(world, figure)| format!("{}: {figure:.2} {unit}", world.principals));
    each.collect::<Vec<_>>().join(", ")
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
