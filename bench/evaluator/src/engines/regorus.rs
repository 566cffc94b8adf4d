//! regorus: the statements are data, and a few lines of Rego decide.

use anyhow::Result;
use regorus::{Engine as Rego, Value};
use serde_json::json;

use super::Engine;
use crate::world::{Request, World};

const POLICY: &str = r#"
package authz
import rego.v1

default allow := false

matched contains s.effect if {
    some s in data.statements
    startswith(input.resource, s.resource)
    some action in s.actions
    names(action)
    team(s)
}

names(action) if action.name == input.action
names(action) if { action.prefix; startswith(input.action, action.name) }

team(s) if not s.team
team(s) if s.team == input.team

allow if {
    "Allow" in matched
    not "Deny" in matched
}
"#;

pub struct Regorus {
    engine: Rego,
}

impl Regorus {
    pub fn new(world: &World) -> Result<Self> {
        let mut engine = Rego::new();
        engine.add_policy("authz.rego".to_owned(), POLICY.to_owned())?;
        let statement = |s: &crate::world::Statement| {
            let action =
                |action: &String| json!({"name": action.trim_end_matches('*'), "prefix": action.ends_with('*')});
            json!({
                "effect": if s.deny { "Deny" } else { "Allow" },
                "actions": s.actions.iter().map(action).collect::<Vec<_>>(),
                "resource": s.resource.trim_end_matches('*'),
                "team": s.team,
            })
        };
        let mut data = json!({"statements": world.statements.iter().map(statement).collect::<Vec<_>>()});
        for statement in data["statements"].as_array_mut().into_iter().flatten() {
            if statement["team"].is_null() {
                statement.as_object_mut().map(|object| object.remove("team"));
            }
        }
        engine.add_data_json(&data.to_string())?;
        Ok(Self { engine })
    }
}

impl Engine for Regorus {
    fn name(&self) -> &'static str {
        "regorus"
    }

    fn allows(&mut self, request: &Request) -> bool {
        let text = |text: &str| Value::from(text.to_owned());
        let mut input = Value::new_object();
        let Ok(object) = input.as_object_mut() else { return false };
        object.insert("action".into(), text(&request.action));
        object.insert("resource".into(), text(&request.resource));
        object.insert("team".into(), text(&request.team));
        object.insert("sourceIp".into(), text(&request.source_ip));
        object.insert("time".into(), text(&request.time));
        self.engine.set_input(input);
        self.engine.eval_rule("data.authz.allow".to_owned()).is_ok_and(|value| value == Value::from(true))
    }
}
