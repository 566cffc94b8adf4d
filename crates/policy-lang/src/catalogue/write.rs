//! Writing a catalogue's JSON.

use super::read::TYPES;
use super::{Catalogue, ConditionKey, Service};
use crate::print::Writer;

impl Catalogue {
    /// The catalogue as the text that [`Catalogue::parse`] reads, sorted by name.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = Writer::pretty();
        out.object(|out| {
            out.member("catalogue", |out| out.number(1u32));
            if self.complete {
                out.member("complete", |out| out.raw("true"));
            }
            keys(out, self.global_keys.values());
            out.member("services", |out| {
                out.object(|out| {
                    for each in self.services.values() {
                        out.member(&each.prefix, |out| service(out, each));
                    }
                });
            });
        });
        let mut text = out.finish();
        text.push('\n');
        text
    }
}

fn service(out: &mut Writer, service: &Service) {
    out.object(|out| {
        strings(out, "principals", &service.principals);
        strings(out, "actors", &service.actors);
        keys(out, service.keys.values());
        out.member("resources", |out| {
            out.object(|out| {
                for resource in service.resources.values() {
                    out.member(&resource.name, |out| {
                        out.object(|out| {
                            strings(out, "arns", &resource.arns);
                            strings(out, "keys", &resource.keys);
                        });
                    });
                }
            });
        });
        out.member("actions", |out| {
            out.object(|out| {
                for action in service.actions.values() {
                    out.member(&action.name, |out| {
                        out.object(|out| {
                            if let Some(level) = action.access {
                                out.member("access", |out| out.string(level.as_str()));
                            }
                            strings(out, "resources", &action.resources);
                            strings(out, "keys", &action.keys);
                        });
                    });
                }
            });
        });
    });
}

fn keys<'a>(out: &mut Writer, keys: impl Iterator<Item = &'a ConditionKey>) {
    out.member("keys", |out| {
        out.object(|out| {
            for key in keys {
                let name = TYPES.iter().find(|(family, _)| *family == key.family).map_or("String", |(_, name)| name);
                let array = if key.multivalued { "ArrayOf" } else { "" };
                out.member(&key.name, |out| out.string(&format!("{array}{name}")));
            }
        });
    });
}

/// A member that is left out when it is empty.
fn strings(out: &mut Writer, name: &str, values: &[Box<str>]) {
    if !values.is_empty() {
        out.member(name, |out| out.array(values, |out, value| out.string(value)));
    }
}
