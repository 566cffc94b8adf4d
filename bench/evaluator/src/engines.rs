//! One file per engine: each translates the same policies, and is asked the same requests from their strings.

use crate::world::{Request, World};

pub mod casbin;
pub mod cedar;
pub mod iam_rs;
pub mod ours;
pub mod regorus;
pub mod scan;

/// An engine with a principal's policies loaded.
pub trait Engine {
    fn name(&self) -> &'static str;
    /// Whether the request is allowed. Everything that has to be made of its strings is made here.
    fn allows(&mut self, request: &Request) -> bool;
}

/// Every engine, over the policies of a world; those that would take too long at this size are left out.
pub fn all(world: &World) -> anyhow::Result<Vec<Box<dyn Engine>>> {
    let size = world.statements.len();
    let mut engines: Vec<Box<dyn Engine>> =
        vec![Box::new(ours::Ours::new(world)?), Box::new(scan::Scan::new(world)), Box::new(cedar::Cedar::new(world)?)];
    if size <= 1_000 {
        engines.push(Box::new(iam_rs::IamRs::new(world)?));
        engines.push(Box::new(casbin::Casbin::new(world)?));
        engines.push(Box::new(regorus::Regorus::new(world)?));
    }
    Ok(engines)
}
