//! One file per engine: each translates the same policies, and decides the same requests from strings.

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
    /// Returns whether the request is allowed. All conversions of its strings happen here.
    fn allows(&mut self, request: &Request) -> bool;
}

/// Returns every engine with the policies of a deployment, without those that are too slow at this size.
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
