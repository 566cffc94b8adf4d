//! casbin: one line for each action of a statement.

use anyhow::Result;
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};

use super::Engine;
use crate::world::{Request, World};

const MODEL: &str = "
[request_definition]
r = act, obj, team

[policy_definition]
p = act, obj, team, eft

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = keyMatch(r.act, p.act) && keyMatch(r.obj, p.obj) && keyMatch(r.team, p.team)
";

pub struct Casbin {
    enforcer: Enforcer,
}

impl Casbin {
    pub fn new(world: &World) -> Result<Self> {
        let mut enforcer = pollster::block_on(async {
            let model = DefaultModel::from_str(MODEL).await?;
            Enforcer::new(model, MemoryAdapter::default()).await
        })?;
        let mut lines: Vec<Vec<String>> = Vec::new();
        for statement in &world.statements {
            for action in &statement.actions {
                let team = statement.team.clone().unwrap_or_else(|| "*".to_owned());
                let effect = if statement.deny { "deny" } else { "allow" };
                let line = vec![action.clone(), statement.resource.clone(), team, effect.to_owned()];
                if !lines.contains(&line) {
                    lines.push(line);
                }
            }
        }
        pollster::block_on(enforcer.add_policies(lines))?;
        Ok(Self { enforcer })
    }
}

impl Engine for Casbin {
    fn name(&self) -> &'static str {
        "casbin"
    }

    fn allows(&mut self, request: &Request) -> bool {
        self.enforcer.enforce((&*request.action, &*request.resource, &*request.team)).unwrap_or(false)
    }
}
