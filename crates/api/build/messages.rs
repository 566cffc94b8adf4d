//! `Debug`, `Redact` and `Validate` of every message.

use std::collections::{BTreeSet, HashMap};
use std::error::Error;
use std::fmt::{Result as Written, Write};

use heck::ToUpperCamelCase;
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};

use crate::names;
use crate::rules::{Rules, is_secret};

pub(crate) fn generate(pool: &DescriptorPool) -> Result<String, Box<dyn Error>> {
    let mut asked = BTreeSet::new();
    for service in pool.services() {
        for method in service.methods() {
            reach(&method.input(), &mut asked);
        }
    }
    let mut secrets = HashMap::new();
    let mut out = String::new();
    for message in pool.all_messages() {
        if !message.package_name().starts_with("bailiwick.") || message.is_map_entry() {
            continue;
        }
        debug(&mut out, &message)?;
        redact(&mut out, &message, &mut secrets)?;
        if asked.contains(message.full_name()) {
            validate(&mut out, &message)?;
        }
    }
    Ok(out)
}

fn reach(message: &MessageDescriptor, into: &mut BTreeSet<String>) {
    if message.package_name().starts_with("bailiwick.") && into.insert(message.full_name().to_owned()) {
        message.fields().filter_map(|f| own_message(&f).or(own_map_value(&f))).for_each(|m| reach(&m, into));
    }
}

/// Returns the message type of a field, if it is one of ours.
fn own_message(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(m) if m.package_name().starts_with("bailiwick.") && !m.is_map_entry() => Some(m),
        _ => None,
    }
}

/// Returns the message type of a map's values, if it is one of ours.
fn own_map_value(field: &FieldDescriptor) -> Option<MessageDescriptor> {
    match field.kind() {
        Kind::Message(entry) if entry.is_map_entry() => own_message(&entry.map_entry_value_field()),
        _ => None,
    }
}

/// A field in the Rust struct.
enum Shape {
    Many,
    Optional,
    Plain,
    OneofMember,
}

fn shape(field: &FieldDescriptor) -> Shape {
    if field.containing_oneof().is_some_and(|o| !o.is_synthetic()) {
        Shape::OneofMember
    } else if field.is_list() || field.is_map() {
        Shape::Many
    } else if field.supports_presence() {
        Shape::Optional
    } else {
        Shape::Plain
    }
}

fn oneofs(message: &MessageDescriptor) -> impl Iterator<Item = prost_reflect::OneofDescriptor> {
    message.oneofs().filter(|o| !o.is_synthetic()).collect::<Vec<_>>().into_iter()
}

/// `Debug` shows the set fields, and replaces secrets.
fn debug(out: &mut String, message: &MessageDescriptor) -> Written {
    let name = message.name().to_upper_camel_case();
    writeln!(out, "impl ::core::fmt::Debug for {} {{", names::message(message))?;
    writeln!(out, "    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{")?;
    writeln!(out, "        let mut shown = f.debug_struct({name:?});")?;
    for field in message.fields() {
        let member = names::field(field.name());
        let label = field.name();
        let hidden = is_secret(&field);
        match shape(&field) {
            Shape::OneofMember => {}
            Shape::Optional if hidden => writeln!(
                out,
                "        if self.{member}.is_some() {{ shown.field({label:?}, &crate::redact::Hidden); }}"
            )?,
            Shape::Optional => {
                writeln!(out, "        if let Some(value) = &self.{member} {{ shown.field({label:?}, value); }}")?
            }
            Shape::Many if hidden => writeln!(
                out,
                "        if !self.{member}.is_empty() {{ shown.field({label:?}, &crate::redact::Hidden); }}"
            )?,
            Shape::Many => {
                writeln!(out, "        if !self.{member}.is_empty() {{ shown.field({label:?}, &self.{member}); }}")?
            }
            Shape::Plain if hidden => writeln!(out, "        shown.field({label:?}, &crate::redact::Hidden);")?,
            Shape::Plain if matches!(field.kind(), Kind::Enum(_)) => {
                writeln!(out, "        shown.field({label:?}, &self.{member}());")?
            }
            Shape::Plain => writeln!(out, "        shown.field({label:?}, &self.{member});")?,
        }
    }
    for oneof in oneofs(message) {
        let member = names::field(oneof.name());
        writeln!(out, "        if let Some(value) = &self.{member} {{ shown.field({:?}, value); }}", oneof.name())?;
    }
    writeln!(out, "        shown.finish()\n    }}\n}}")?;
    for oneof in oneofs(message) {
        let path = names::oneof(&oneof);
        writeln!(out, "impl ::core::fmt::Debug for {path} {{")?;
        writeln!(out, "    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {{")?;
        writeln!(out, "        match self {{")?;
        for field in oneof.fields() {
            let variant = names::variant(&field);
            if is_secret(&field) {
                writeln!(
                    out,
                    "            Self::{variant}(_) => f.debug_tuple({variant:?}).field(&crate::redact::Hidden).finish(),"
                )?;
            } else {
                writeln!(
                    out,
                    "            Self::{variant}(value) => f.debug_tuple({variant:?}).field(value).finish(),"
                )?;
            }
        }
        writeln!(out, "        }}\n    }}\n}}")?;
    }
    Ok(())
}

/// Returns whether a message contains a secret at any depth.
fn has_secrets(message: &MessageDescriptor, known: &mut HashMap<String, bool>) -> bool {
    if let Some(answer) = known.get(message.full_name()) {
        return *answer;
    }
    known.insert(message.full_name().to_owned(), false);
    let answer = message.fields().any(|f| is_secret(&f) || holds_secrets(&f, known));
    known.insert(message.full_name().to_owned(), answer);
    answer
}

/// Returns whether the messages of a field contain a secret at any depth.
fn holds_secrets(field: &FieldDescriptor, known: &mut HashMap<String, bool>) -> bool {
    own_message(field).or(own_map_value(field)).is_some_and(|m| has_secrets(&m, known))
}

fn redact(out: &mut String, message: &MessageDescriptor, known: &mut HashMap<String, bool>) -> Written {
    writeln!(out, "impl crate::Redact for {} {{", names::message(message))?;
    if !has_secrets(message, known) {
        return writeln!(out, "    fn redact(&mut self) {{}}\n}}");
    }
    writeln!(out, "    fn redact(&mut self) {{")?;
    for field in message.fields() {
        let member = names::field(field.name());
        let inside = holds_secrets(&field, known);
        match shape(&field) {
            _ if !is_secret(&field) && !inside => {}
            Shape::OneofMember => {}
            Shape::Optional => {
                writeln!(out, "        if let Some(value) = &mut self.{member} {{ crate::Redact::redact(value); }}")?
            }
            Shape::Many if field.is_map() => {
                writeln!(out, "        for value in self.{member}.values_mut() {{ crate::Redact::redact(value); }}")?
            }
            Shape::Many => {
                writeln!(out, "        for value in &mut self.{member} {{ crate::Redact::redact(value); }}")?
            }
            Shape::Plain => writeln!(out, "        crate::Redact::redact(&mut self.{member});")?,
        }
    }
    for oneof in oneofs(message) {
        writeln!(out, "        match &mut self.{} {{", names::field(oneof.name()))?;
        for field in oneof.fields() {
            if is_secret(&field) || holds_secrets(&field, known) {
                let (path, variant) = (names::oneof(&oneof), names::variant(&field));
                writeln!(out, "            Some({path}::{variant}(value)) => crate::Redact::redact(value),")?;
            }
        }
        writeln!(out, "            _ => {{}}\n        }}")?;
    }
    writeln!(out, "    }}\n}}")
}

fn validate(out: &mut String, message: &MessageDescriptor) -> Written {
    let named =
        matches!(message.package_name(), "bailiwick.cloudtrail.v1" | "bailiwick.iamtoolbox.v1" | "bailiwick.sts.v1");
    writeln!(out, "impl crate::Validate for {} {{", names::message(message))?;
    writeln!(out, "    const NAMES_VALUES: bool = {named};")?;
    let mut body = String::new();
    for field in names::checked(message) {
        check(&mut body, &field)?;
    }
    let (at, into) = if body.is_empty() { ("_", "_") } else { ("at", "out") };
    writeln!(out, "    fn check(&self, {at}: &crate::validate::At<'_>, {into}: &mut crate::Violations) {{")?;
    writeln!(out, "{body}    }}\n}}")
}

fn check(out: &mut String, field: &FieldDescriptor) -> Written {
    let rules = Rules::of(field);
    let member = names::field(field.name());
    let name = names::member(field);
    let at = format!("&at.member({name:?})");
    if let Shape::OneofMember = shape(field) {
        let Some(oneof) = field.containing_oneof() else { return Ok(()) };
        let pattern = format!("Some({}::{}(value))", names::oneof(&oneof), names::variant(field));
        let holder = format!("self.{}", names::field(oneof.name()));
        if own_message(field).is_some() {
            return writeln!(out, "        if let {pattern} = &{holder} {{ value.check({at}, out); }}");
        }
        if is_time(field) {
            return writeln!(
                out,
                "        if let {pattern} = &{holder} {{ crate::validate::time(value, {at}, out); }}"
            );
        }
        if rules.for_text() {
            let rules = text_rules(&rules, is_unnamed(field));
            writeln!(out, "        if let {pattern} = &{holder} {{ {rules}.check(Some(value), {at}, out); }}")?;
        }
        return Ok(());
    }
    let rules = Rules { required: rules.required && !names::may_be_empty(field), ..rules };
    if (field.is_list() || field.is_map()) && (rules.required || rules.min_items.is_some() || rules.max_items.is_some())
    {
        let (min, max) = (rules.min_items, rules.max_items);
        writeln!(
            out,
            "        crate::validate::items(self.{member}.len(), {}, {min:?}, {max:?}, {at}, out);",
            rules.required
        )?;
    }
    if field.is_map() {
        return check_map(out, field, &rules, &member, &at);
    }
    if field.is_list() {
        if own_message(field).is_some() {
            writeln!(out, "        for (index, item) in self.{member}.iter().enumerate() {{")?;
            writeln!(out, "            if out.is_full() {{ break; }}")?;
            writeln!(out, "            item.check(&at.item({name:?}, index), out);\n        }}")?;
        } else if is_time(field) {
            writeln!(out, "        for (index, item) in self.{member}.iter().enumerate() {{")?;
            writeln!(out, "            if out.is_full() {{ break; }}")?;
            writeln!(out, "            crate::validate::time(item, &at.item({name:?}, index), out);\n        }}")?;
        } else if rules.for_text() {
            let rules = text_rules(&rules, is_unnamed(field));
            writeln!(out, "        {rules}.check_items(&self.{member}, {at}, out);")?;
        }
        return Ok(());
    }
    let optional = matches!(shape(field), Shape::Optional);
    match field.kind() {
        Kind::String if rules.required || rules.for_text() => {
            let value = if optional {
                format!("self.{member}.as_deref()")
            } else {
                format!("crate::validate::filled(&self.{member})")
            };
            writeln!(out, "        {}.check({value}, {at}, out);", text_rules(&rules, is_unnamed(field)))
        }
        Kind::Int32 if rules.required || rules.min_value.is_some() || rules.max_value.is_some() => writeln!(
            out,
            "        crate::validate::number(self.{member}, {}, {:?}, {:?}, {at}, out);",
            rules.required, rules.min_value, rules.max_value
        ),
        Kind::Message(_) if is_time(field) => {
            if rules.required {
                writeln!(out, "        crate::validate::present(self.{member}.is_some(), {at}, out);")?;
            }
            writeln!(out, "        if let Some(value) = &self.{member} {{ crate::validate::time(value, {at}, out); }}")
        }
        Kind::Message(_) if own_message(field).is_some() => {
            if rules.required {
                writeln!(out, "        crate::validate::present(self.{member}.is_some(), {at}, out);")?;
            }
            writeln!(out, "        if let Some(value) = &self.{member} {{ value.check({at}, out); }}")
        }
        _ if rules.required && optional => {
            writeln!(out, "        crate::validate::present(self.{member}.is_some(), {at}, out);")
        }
        _ => Ok(()),
    }
}

/// Keys and values of a map. Errors do not contain the key, which is the caller's text.
fn check_map(out: &mut String, field: &FieldDescriptor, rules: &Rules, member: &str, at: &str) -> Written {
    if let Some(keys) = rules.keys.as_deref().filter(|keys| keys.for_text()) {
        let keys = text_rules(keys, is_unnamed(field));
        writeln!(out, "        {keys}.check_entries(self.{member}.keys(), \"Map keys\", {at}, out);")?;
    }
    if let Some(values) = rules.values.as_deref().filter(|values| values.for_text()) {
        let values = text_rules(values, is_unnamed(field));
        writeln!(out, "        {values}.check_entries(self.{member}.values(), \"Map value\", {at}, out);")?;
    }
    if own_map_value(field).is_some() {
        writeln!(out, "        for value in self.{member}.values() {{")?;
        writeln!(out, "            if out.is_full() {{ break; }}\n            value.check({at}, out);\n        }}")?;
    }
    Ok(())
}

/// Whether the values are points in time.
fn is_time(field: &FieldDescriptor) -> bool {
    matches!(field.kind(), Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp")
}

/// Returns whether errors must not repeat the value: a secret, or a member that is easily confused with one.
fn is_unnamed(field: &FieldDescriptor) -> bool {
    is_secret(field) || field.name() == "access_key_id"
}

fn text_rules(rules: &Rules, secret: bool) -> String {
    let pattern = match &rules.pattern {
        Some(pattern) => {
            format!("Some({{ static PATTERN: crate::Pattern = crate::Pattern::new({pattern:?}); &PATTERN }})")
        }
        None => "None".into(),
    };
    format!(
        "crate::validate::Text {{ required: {}, min: {:?}, max: {:?}, pattern: {pattern}, allowed: &{:?}, secret: {secret} }}",
        rules.required, rules.min_length, rules.max_length, rules.allowed_values
    )
}
