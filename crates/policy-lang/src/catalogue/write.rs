//! Writing a catalogue's JSON.

use super::read::TYPES;
use super::{Action, Catalogue, ConditionKey, ResourceType, Service};
use crate::print::Writer;

impl Catalogue {
    /// The catalogue as the text that [`Catalogue::parse`] reads, sorted by name.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = self.written(Writer::pretty());
        text.push('\n');
        text
    }

    /// The same without white space: the shortest text that says it.
    #[must_use]
    pub fn to_compact_json(&self) -> String {
        self.written(Writer::compact())
    }

    fn written(&self, mut out: Writer) -> String {
        out.object(|out| {
            out.member("catalogue", |out| out.number(1u32));
            if self.complete {
                out.member("complete", |out| out.raw("true"));
            }
            members(out, "keys", self.global_keys.values().map(|key| (&*key.name, key)), key_type);
            members(out, "services", self.services.values().map(|each| (&*each.prefix, &**each)), service);
        });
        out.finish()
    }
}

fn service(out: &mut Writer, service: &Service) {
    out.object(|out| {
        strings(out, "principals", &service.principals);
        strings(out, "signingNames", &service.signing_names);
        if let Some(actors) = &service.actors {
            out.member("actors", |out| out.array(actors, |out, arn| out.string(arn)));
        }
        members(out, "keys", service.keys().map(|key| (&*key.name, key)), key_type);
        members(out, "resources", service.resources().map(|resource| (&*resource.name, resource)), resource);
        members(out, "actions", service.actions().map(|action| (&*action.name, action)), action);
    });
}

fn resource(out: &mut Writer, resource: &ResourceType) {
    out.object(|out| {
        strings(out, "arns", &resource.arns);
        strings(out, "keys", &resource.keys);
    });
}

fn action(out: &mut Writer, action: &Action) {
    out.object(|out| {
        if let Some(level) = action.access {
            out.member("access", |out| out.string(level.as_str()));
        }
        strings(out, "resources", &action.resources);
        strings(out, "keys", &action.keys);
    });
}

fn key_type(out: &mut Writer, key: &ConditionKey) {
    let name = TYPES.iter().find(|(family, _)| *family == key.family).map_or("String", |(_, name)| name);
    let array = if key.multivalued { "ArrayOf" } else { "" };
    out.string(&format!("{array}{name}"));
}

/// A member that holds others under their names, left out when there are none.
fn members<'a, T: 'a>(
    out: &mut Writer,
    name: &str,
    items: impl Iterator<Item = (&'a str, &'a T)>,
    item: fn(&mut Writer, &T),
) {
    let mut items = items.peekable();
    if items.peek().is_some() {
        out.member(name, |out| {
            out.object(|out| {
                for (name, each) in items {
                    out.member(name, |out| item(out, each));
                }
            });
        });
    }
}

/// A member that is left out when it is empty.
fn strings(out: &mut Writer, name: &str, values: &[Box<str>]) {
    if !values.is_empty() {
        out.member(name, |out| out.array(values, |out, value| out.string(value)));
    }
}
