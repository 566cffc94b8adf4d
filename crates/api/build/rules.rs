//! The options of `options.proto`, read from the descriptors.

use prost_reflect::{DynamicMessage, FieldDescriptor, MethodDescriptor, ServiceDescriptor, Value};

/// The rules of a field, from its `rules` option.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) required: bool,
    pub(crate) min_length: Option<u32>,
    pub(crate) max_length: Option<u32>,
    pub(crate) pattern: Option<String>,
    pub(crate) min_value: Option<i64>,
    pub(crate) max_value: Option<i64>,
    pub(crate) allowed_values: Vec<String>,
    pub(crate) min_items: Option<u32>,
    pub(crate) max_items: Option<u32>,
    pub(crate) keys: Option<Box<Rules>>,
    pub(crate) values: Option<Box<Rules>>,
}

impl Rules {
    pub(crate) fn of(field: &FieldDescriptor) -> Rules {
        let options = field.options();
        match extension(&options, "bailiwick.options.v1.rules") {
            Some(Value::Message(rules)) => Rules::read(&rules),
            _ => Rules::default(),
        }
    }

    fn read(rules: &DynamicMessage) -> Rules {
        let get = |name: &str| rules.has_field_by_name(name).then(|| rules.get_field_by_name(name)).flatten();
        let length = |name: &str| get(name).and_then(|v| v.as_u32());
        let inner = |name: &str| get(name).and_then(|v| v.as_message().map(|rules| Box::new(Rules::read(rules))));
        Rules {
            required: get("required").and_then(|v| v.as_bool()).unwrap_or(false),
            min_length: length("min_length"),
            max_length: length("max_length"),
            pattern: get("pattern").and_then(|v| v.as_str().map(String::from)),
            min_value: get("min_value").and_then(|v| v.as_i64()),
            max_value: get("max_value").and_then(|v| v.as_i64()),
            allowed_values: get("allowed_values")
                .and_then(|v| v.as_list().map(|l| l.iter().filter_map(|v| v.as_str().map(String::from)).collect()))
                .unwrap_or_default(),
            min_items: length("min_items"),
            max_items: length("max_items"),
            keys: inner("keys"),
            values: inner("values"),
        }
    }

    /// Returns whether a text has rules besides being required.
    pub(crate) fn for_text(&self) -> bool {
        self.min_length.is_some()
            || self.max_length.is_some()
            || self.pattern.is_some()
            || !self.allowed_values.is_empty()
    }
}

/// Returns whether a field holds a secret.
pub(crate) fn is_secret(field: &FieldDescriptor) -> bool {
    matches!(extension(&field.options(), "bailiwick.options.v1.secret"), Some(Value::Bool(true)))
}

/// The rules of an operation, from its `operation` option.
pub(crate) struct OperationRules {
    /// A variant of `options::Audit`.
    pub(crate) audit: &'static str,
    /// A variant of `options::Authentication`.
    pub(crate) authentication: &'static str,
    /// Fields of the request that name the resource; empty if that is the account.
    pub(crate) resource: Vec<String>,
}

impl OperationRules {
    /// # Errors
    /// A missing part of the option, or a field that the request does not have.
    pub(crate) fn of(method: &MethodDescriptor) -> Result<OperationRules, String> {
        let wrong = |what: &str| format!("{}: {what}", method.full_name());
        let Some(Value::Message(rules)) = extension(&method.options(), "bailiwick.options.v1.operation") else {
            return Err(wrong("no `operation` option"));
        };
        let number = |name: &str| rules.get_field_by_name(name).and_then(|v| v.as_enum_number()).unwrap_or(0);
        let audit = match number("audit") {
            1 => "Management",
            2 => "Data",
            3 => "Decision",
            4 => "None",
            _ => return Err(wrong("the option has no `audit`")),
        };
        let authentication = match number("authentication") {
            1 => "Caller",
            2 => "InRequest",
            3 => "Anonymous",
            _ => return Err(wrong("the option has no `authentication`")),
        };
        let resource = rules.get_field_by_name("resource");
        let resource = resource.as_ref().and_then(|v| v.as_list()).unwrap_or_default();
        let resource: Vec<String> = resource.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect();
        match resource.iter().find(|name| name.as_str() != "*" && method.input().get_field_by_name(name).is_none()) {
            Some(unknown) => Err(wrong(&format!("its request has no `{unknown}`, which `resource` names"))),
            None if resource.is_empty() => Err(wrong("the option has no `resource`")),
            None => {
                let resource = resource.into_iter().filter(|name| name != "*").collect();
                Ok(OperationRules { audit, authentication, resource })
            }
        }
    }
}

/// The prefix of a service's actions.
pub(crate) fn service_prefix(service: &ServiceDescriptor) -> Option<String> {
    match extension(&service.options(), "bailiwick.options.v1.service_prefix") {
        Some(Value::String(prefix)) => Some(prefix),
        _ => None,
    }
}

fn extension(options: &DynamicMessage, name: &str) -> Option<Value> {
    let (_, value) = options.extensions().find(|(e, _)| e.full_name() == name)?;
    Some(value.clone())
}
