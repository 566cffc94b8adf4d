//! cedar-policy: its policy set and entities are created before the measurement. ARNs are matched as text of the
//! context, with Cedar's own `like`.

use std::fmt::Write;
use std::str::FromStr;

use anyhow::Result;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, EntityId, EntityTypeName, EntityUid, PolicySet, Request as CedarRequest,
    RestrictedExpression,
};

use super::Engine;
use crate::world::{Request, World};

pub struct Cedar {
    authorizer: Authorizer,
    policies: PolicySet,
    entities: Entities,
    user: EntityTypeName,
    action: EntityTypeName,
    thing: EntityTypeName,
}

impl Cedar {
    pub fn new(world: &World) -> Result<Self> {
        let mut text = String::new();
        for statement in &world.statements {
            let effect = if statement.deny { "forbid" } else { "permit" };
            // Whole names are matched by the scope, prefixes by `like`.
            let whole = statement.actions.iter().filter(|action| !action.ends_with('*'));
            let whole: Vec<String> = whole.map(|action| format!("Action::{action:?}")).collect();
            let prefixes: Vec<&String> = statement.actions.iter().filter(|action| action.ends_with('*')).collect();
            let mut when = format!("context.resource like {:?}", statement.resource);
            if let Some(team) = &statement.team {
                write!(when, " && context.team == {team:?}")?;
            }
            let scope =
                if prefixes.is_empty() { format!("action in [{}]", whole.join(", ")) } else { "action".to_owned() };
            if !prefixes.is_empty() {
                let mut any: Vec<String> =
                    prefixes.iter().map(|prefix| format!("context.action like {prefix:?}")).collect();
                any.extend(whole.iter().map(|action| format!("action == {action}")));
                write!(when, " && ({})", any.join(" || "))?;
            }
            writeln!(text, "{effect}(principal, {scope}, resource) when {{ {when} }};")?;
        }
        Ok(Self {
            authorizer: Authorizer::new(),
            policies: PolicySet::from_str(&text)?,
            entities: Entities::empty(),
            user: EntityTypeName::from_str("User")?,
            action: EntityTypeName::from_str("Action")?,
            thing: EntityTypeName::from_str("Thing")?,
        })
    }

    fn decide(&self, request: &Request) -> Result<Decision> {
        let id = |kind: &EntityTypeName, id: &str| EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id));
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let context = Context::from_pairs([
            ("resource".to_owned(), text(&request.resource)),
            ("action".to_owned(), text(&request.action)),
            ("team".to_owned(), text(&request.team)),
            ("sourceIp".to_owned(), text(&request.source_ip)),
            ("time".to_owned(), text(&request.time)),
        ])?;
        let request = CedarRequest::new(
            id(&self.user, &request.principal),
            id(&self.action, &request.action),
            id(&self.thing, &request.resource),
            context,
            None,
        )?;
        Ok(self.authorizer.is_authorized(&request, &self.policies, &self.entities).decision())
    }
}

impl Engine for Cedar {
    fn name(&self) -> &'static str {
        "cedar-policy"
    }

    fn allows(&mut self, request: &Request) -> bool {
        self.decide(request).is_ok_and(|decision| decision == Decision::Allow)
    }
}
