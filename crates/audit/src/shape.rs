//! The messages of all operations, arranged for walking their bytes: fields by number, as the trail writes them.

use std::collections::HashMap;
use std::sync::LazyLock;

use bailiwick_api::{OperationInfo, pool};
use prost_reflect::{ExtensionDescriptor, FieldDescriptor, Kind as Proto, MessageDescriptor};

/// A message.
#[derive(Debug, Default)]
pub(crate) struct Shape {
    /// By number, in order.
    fields: Vec<Field>,
}

impl Shape {
    pub(crate) fn field(&self, number: u32) -> Option<&Field> {
        let at = self.fields.binary_search_by_key(&number, |field| field.number).ok()?;
        self.fields.get(at)
    }
}

/// A field.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) number: u32,
    /// As the trail names it: AWS's name or ours, with a small first letter.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) is_list: bool,
    pub(crate) is_secret: bool,
}

/// The type of a field.
#[derive(Debug)]
pub(crate) enum Kind {
    Text,
    Bytes,
    Boolean,
    /// An integer; `zigzag` for the signed encoding.
    Integer {
        zigzag: bool,
    },
    /// Of 64 or 32 bits.
    Fixed,
    Enum(Vec<(i32, String)>),
    Time,
    Message(ShapeId),
    /// A map with the given shape of entries; its keys are text.
    Map(ShapeId),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct ShapeId(usize);

/// The shapes of the request and the response of an operation.
pub(crate) fn of(operation: &OperationInfo) -> Option<(&'static Shape, &'static Shape)> {
    named(operation.request).zip(named(operation.response))
}

/// The shapes of a command, or of an automatic change, which has messages but no rpc.
pub(crate) fn of_command(name: &str) -> Option<(&'static Shape, &'static Shape)> {
    let message = |kind: &str| named(&format!("{COMMANDS}.{name}{kind}"));
    message("Request").zip(message("Response"))
}

fn named(message: &str) -> Option<&'static Shape> {
    TABLE.by_name.get(message).map(|id| get(*id))
}

pub(crate) fn get(id: ShapeId) -> &'static Shape {
    &TABLE.shapes[id.0]
}

/// The package of the messages of commands.
const COMMANDS: &str = "bailiwick.admin.v1";

#[derive(Default)]
struct Table {
    shapes: Vec<Shape>,
    by_name: HashMap<String, ShapeId>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::default();
    // The extension is in the same descriptors as the messages; a test checks that every operation is found.
    if let Some(secret) = pool().get_extension_by_name("bailiwick.options.v1.secret") {
        for message in pool().all_messages().filter(|message| message.package_name().starts_with("bailiwick.")) {
            table.add(&message, &secret);
        }
    }
    table
});

impl Table {
    fn add(&mut self, message: &MessageDescriptor, secret: &ExtensionDescriptor) -> ShapeId {
        if let Some(id) = self.by_name.get(message.full_name()) {
            return *id;
        }
        let id = ShapeId(self.shapes.len());
        self.shapes.push(Shape::default());
        self.by_name.insert(message.full_name().to_owned(), id);
        let mut fields: Vec<Field> = message.fields().map(|field| self.field(&field, secret)).collect();
        fields.sort_by_key(|field| field.number);
        self.shapes[id.0] = Shape { fields };
        id
    }

    fn field(&mut self, field: &FieldDescriptor, secret: &ExtensionDescriptor) -> Field {
        let mut letters = field.json_name().chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        Field {
            number: field.number(),
            name: first.into_iter().chain(letters).collect(),
            kind: self.kind(field.kind(), secret),
            is_list: field.is_list(),
            is_secret: field.options().get_extension(secret).as_bool().unwrap_or(false),
        }
    }

    fn kind(&mut self, kind: Proto, secret: &ExtensionDescriptor) -> Kind {
        match kind {
            Proto::String => Kind::Text,
            Proto::Bytes => Kind::Bytes,
            Proto::Bool => Kind::Boolean,
            Proto::Int32 | Proto::Int64 | Proto::Uint32 | Proto::Uint64 => Kind::Integer { zigzag: false },
            Proto::Sint32 | Proto::Sint64 => Kind::Integer { zigzag: true },
            Proto::Float | Proto::Double | Proto::Fixed32 | Proto::Fixed64 | Proto::Sfixed32 | Proto::Sfixed64 => {
                Kind::Fixed
            }
            Proto::Enum(values) => {
                Kind::Enum(values.values().map(|value| (value.number(), value.name().to_owned())).collect())
            }
            Proto::Message(message) if message.full_name() == "google.protobuf.Timestamp" => Kind::Time,
            Proto::Message(message) if message.is_map_entry() => Kind::Map(self.add(&message, secret)),
            Proto::Message(message) => Kind::Message(self.add(&message, secret)),
        }
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_api::OPERATIONS;

    use super::*;

    #[test]
    fn every_operation_has_its_shapes() {
        assert!(OPERATIONS.iter().all(|operation| of(operation).is_some()));
        let (request, _) = of(bailiwick_api::find_operation("CreateLoginProfile").unwrap()).unwrap();
        let shown: Vec<_> = request.fields.iter().map(|field| (field.name.as_str(), field.is_secret)).collect();
        assert_eq!(shown[..2], [("userName", false), ("password", true)]);
        assert!(of_command("RecoverRoot").is_some() && of_command("Nothing").is_none());
    }

    /// Types that records do not contain: no AWS model and no API of ours uses them.
    #[test]
    fn no_message_has_fixed_numbers() {
        let fields = || TABLE.shapes.iter().flat_map(|shape| &shape.fields);
        assert!(!fields().any(|field| matches!(field.kind, Kind::Fixed)));
    }
}
