//! The descriptors as tables: members by wire name, by number, and in order.

use std::collections::HashMap;
use std::sync::LazyLock;

use bailiwick_api::{OPERATIONS, OperationInfo};
use prost_reflect::{ExtensionDescriptor, FieldDescriptor, MessageDescriptor, Value};

/// One of AWS's services that speak Query.
#[derive(Debug)]
pub(super) struct Service {
    /// The prefix of its actions, which is also the package of its messages.
    pub(super) prefix: &'static str,
    pub(super) version: &'static str,
    pub(super) namespace: &'static str,
}

pub(super) static SERVICES: [Service; 2] = [
    Service { prefix: "iam", version: "2010-05-08", namespace: "https://iam.amazonaws.com/doc/2010-05-08/" },
    Service { prefix: "sts", version: "2011-06-15", namespace: "https://sts.amazonaws.com/doc/2011-06-15/" },
];

/// An operation in the Query protocol.
#[derive(Debug)]
pub struct QueryOperation {
    info: &'static OperationInfo,
    pub(super) service: &'static Service,
    pub(super) request: ShapeId,
    pub(super) response: ShapeId,
    /// Whether the response has a result element; operations without output have none.
    pub(super) has_result: bool,
}

impl QueryOperation {
    /// Its name, as in `Action`.
    pub fn name(&self) -> &'static str {
        self.info.name
    }

    /// Its path in gRPC, which identifies it in all other crates.
    pub fn path(&self) -> &'static str {
        self.info.path
    }

    /// The prefix of its service: `iam` or `sts`.
    pub fn service(&self) -> &'static str {
        self.service.prefix
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShapeId(usize);

/// A message.
#[derive(Clone, Debug, Default)]
pub(super) struct Shape {
    /// In the order of their numbers, as in encoded messages.
    pub(super) members: Vec<Member>,
    by_name: HashMap<String, usize>,
}

impl Shape {
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }
}

/// A field.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Its name in AWS's spelling.
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) kind: Kind,
    pub(super) is_list: bool,
    pub(super) always_present: bool,
}

impl Member {
    pub(super) fn is_map(&self) -> bool {
        matches!(self.kind, Kind::Map(_))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Text that responses contain percent-encoded.
    Document,
    Number,
    Boolean,
    Bytes,
    Time,
    Structure(ShapeId),
    /// A map, by the shape of its entries: `key` and `value`.
    Map(ShapeId),
}

/// All operations that speak Query, and their messages.
#[derive(Debug, Default)]
pub(super) struct Table {
    shapes: Vec<Shape>,
    by_message: HashMap<String, ShapeId>,
    operations: HashMap<&'static str, QueryOperation>,
    names_by_path: HashMap<&'static str, &'static str>,
}

impl Table {
    pub(super) fn get() -> &'static Table {
        static TABLE: LazyLock<Table> = LazyLock::new(|| Table::read().unwrap_or_default());
        &TABLE
    }

    pub(super) fn operation(&self, name: &str) -> Option<&QueryOperation> {
        self.operations.get(name)
    }

    pub(super) fn operation_by_path(&self, path: &str) -> Option<&QueryOperation> {
        self.operation(self.names_by_path.get(path)?)
    }

    pub(super) fn shape(&self, id: ShapeId) -> &Shape {
        &self.shapes[id.0]
    }

    /// None when this codec does not support a descriptor. The descriptors are built in, and a test checks them.
    pub(super) fn read() -> Option<Table> {
        let rules = bailiwick_api::pool().get_extension_by_name("bailiwick.options.v1.rules")?;
        let empty_result = bailiwick_api::pool().get_extension_by_name("bailiwick.options.v1.empty_result")?;
        let shown_when_empty = bailiwick_api::pool().get_extension_by_name("bailiwick.options.v1.shown_when_empty")?;
        let mut table = Table::default();
        for info in OPERATIONS {
            let Some(service) = SERVICES.iter().find(|s| s.prefix == info.module) else { continue };
            let request = table.add(&info.request_descriptor()?, &rules)?;
            let mut response = table.add(&info.response_descriptor()?, &rules)?;
            for path in info.method()?.options().get_extension(&shown_when_empty).as_list()? {
                response = table.shown_when_empty(response, path.as_str()?)?;
            }
            table.names_by_path.insert(info.path, info.name);
            let stated = info.method()?.options().get_extension(&empty_result).as_bool()?;
            let has_result = stated || !table.shape(response).members.is_empty();
            table.operations.insert(info.name, QueryOperation { info, service, request, response, has_result });
        }
        Some(table)
    }

    fn add(&mut self, message: &MessageDescriptor, rules: &ExtensionDescriptor) -> Option<ShapeId> {
        if let Some(id) = self.by_message.get(message.full_name()) {
            return Some(*id);
        }
        let id = ShapeId(self.shapes.len());
        self.shapes.push(Shape::default());
        self.by_message.insert(message.full_name().to_owned(), id);
        let mut shape = Shape::default();
        let mut fields: Vec<FieldDescriptor> = message.fields().collect();
        fields.sort_by_key(FieldDescriptor::number);
        for field in fields {
            let options = field.options();
            let rules_message = options.get_extension(rules);
            let rule = |name: &str| match &*rules_message {
                Value::Message(m) => m.get_field_by_name(name).and_then(|v| v.as_bool()).unwrap_or(false),
                _ => false,
            };
            let kind = self.kind(&field, rule("policy_document"), rules)?;
            let name = field.json_name().to_owned();
            shape.by_name.insert(name.clone(), shape.members.len());
            shape.members.push(Member {
                name,
                number: field.number(),
                kind,
                is_list: field.is_list(),
                always_present: rule("always_present"),
            });
        }
        self.shapes[id.0] = shape;
        Some(id)
    }

    /// Copies the shape with the list at `path` always written; other operations share the original.
    fn shown_when_empty(&mut self, id: ShapeId, path: &str) -> Option<ShapeId> {
        let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let mut shape = self.shape(id).clone();
        let member = shape.position(name)?;
        let member = &mut shape.members[member];
        match (rest, member.kind) {
            (None, _) if member.is_list => member.always_present = true,
            (Some(rest), Kind::Structure(inner)) => member.kind = Kind::Structure(self.shown_when_empty(inner, rest)?),
            _ => return None,
        }
        self.shapes.push(shape);
        Some(ShapeId(self.shapes.len() - 1))
    }

    fn kind(&mut self, field: &FieldDescriptor, document: bool, rules: &ExtensionDescriptor) -> Option<Kind> {
        use prost_reflect::Kind as Proto;
        Some(match field.kind() {
            Proto::String if document => Kind::Document,
            Proto::String => Kind::Text,
            // Repeated values would be packed on the wire, which neither model needs.
            Proto::Int32 if !field.is_list() => Kind::Number,
            Proto::Bool if !field.is_list() => Kind::Boolean,
            Proto::Bytes => Kind::Bytes,
            Proto::Message(m) if m.full_name() == "google.protobuf.Timestamp" => Kind::Time,
            Proto::Message(m) if m.is_map_entry() && m.map_entry_key_field().kind() == Proto::String => {
                Kind::Map(self.add(&m, rules)?)
            }
            Proto::Message(m) if m.is_map_entry() => return None,
            Proto::Message(m) => Kind::Structure(self.add(&m, rules)?),
            _ => return None,
        })
    }
}
