//! A request message from JSON, strictly: every member once, by its JSON name, and nothing else.
//!
//! The types of the members bound the depth. Errors name places and members, never values, which may be secrets.

use std::collections::{HashMap, HashSet};
use std::fmt;

use bailiwick_model::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::malformed;

/// The name that clients may add to an object, which says its type; Smithy has servers ignore it.
const TYPE: &str = "__type";
/// The maximum number of items of a list, or entries of a map: as many as AWS Query has parameters. The models have
/// lower limits.
const MAX_ITEMS: usize = 2_000;
/// The maximum length of an unknown name that an error quotes.
const MAX_NAME: usize = 64;
/// The seconds of the first and last moments that a timestamp can have: the years 1 and 9999.
const TIMES: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Reads a message of this type.
pub(super) fn object(kind: MessageDescriptor, body: &[u8]) -> Result<DynamicMessage> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let slot = Slot { wanted: Wanted::Message(kind), place: &Place::Root };
    let value = slot.deserialize(&mut json).and_then(|value| json.end().map(|()| value));
    match value.map_err(|error| malformed(format!("the body: {error}")))? {
        Value::Message(message) => Ok(message),
        _ => Err(malformed("the body: it must be a JSON object")),
    }
}

/// Where a value is: `LookupAttributes[1].AttributeKey`.
enum Place<'a> {
    Root,
    Member(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Root => f.write_str("the whole"),
            Place::Member(Place::Root, name) => f.write_str(name),
            Place::Member(within, name) => write!(f, "{within}.{name}"),
            Place::Item(within, index) => write!(f, "{within}[{index}]"),
        }
    }
}

/// The type of a value.
enum Wanted {
    Message(MessageDescriptor),
    List(Kind),
    Map(Kind),
    One(Kind),
}

impl Wanted {
    fn of(field: &FieldDescriptor) -> Self {
        match field.kind() {
            Kind::Message(entry) if entry.is_map_entry() => Wanted::Map(entry.map_entry_value_field().kind()),
            kind if field.is_list() => Wanted::List(kind),
            kind => Wanted::item(kind),
        }
    }

    fn item(kind: Kind) -> Self {
        match kind {
            Kind::Message(message) if !is_time(&message) => Wanted::Message(message),
            kind => Wanted::One(kind),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Wanted::Message(_) | Wanted::Map(_) => "an object",
            Wanted::List(_) => "a list",
            Wanted::One(Kind::Bool) => "true or false",
            Wanted::One(Kind::Int32) => "a whole number of 32 bits",
            Wanted::One(Kind::Bytes) => "a string in Base64",
            Wanted::One(Kind::Message(_)) => "a number of seconds since 1970, in the years 1 to 9999",
            Wanted::One(_) => "a string",
        }
    }
}

fn is_time(message: &MessageDescriptor) -> bool {
    message.full_name() == "google.protobuf.Timestamp"
}

/// A place for a value of a type.
struct Slot<'a> {
    wanted: Wanted,
    place: &'a Place<'a>,
}

impl Slot<'_> {
    fn wrong<E: Error>(&self) -> E {
        E::custom(format_args!("{} must be {}", self.place, self.wanted.name()))
    }

    fn time<E: Error>(&self, seconds: i64, nanos: i32) -> Result<Value, E> {
        let Wanted::One(Kind::Message(kind)) = &self.wanted else { return Err(self.wrong()) };
        if !TIMES.contains(&seconds) {
            return Err(self.wrong());
        }
        let mut time = DynamicMessage::new(kind.clone());
        time.set_field_by_name("seconds", Value::I64(seconds));
        time.set_field_by_name("nanos", Value::I32(nanos));
        Ok(Value::Message(time))
    }
}

impl<'de> DeserializeSeed<'de> for Slot<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Slot<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wanted.name())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        match self.wanted {
            Wanted::One(Kind::Bool) => Ok(Value::Bool(value)),
            _ => Err(self.wrong()),
        }
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        match (&self.wanted, i32::try_from(value)) {
            (Wanted::One(Kind::Int32), Ok(value)) => Ok(Value::I32(value)),
            _ => self.time(value, 0),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        match i64::try_from(value) {
            Ok(value) => self.visit_i64(value),
            Err(_) => Err(self.wrong()),
        }
    }

    /// A time may have a fraction, of which clients send milliseconds.
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // The conversion saturates, and what is out of range is refused.
        let whole = value.floor();
        let micros = ((value - whole) * 1e6).round();
        let (seconds, micros) = if micros >= 1e6 { (whole + 1.0, 0.0) } else { (whole, micros) };
        if !seconds.is_finite() {
            return Err(self.wrong());
        }
        self.time(seconds as i64, micros as i32 * 1_000)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        match self.wanted {
            Wanted::One(Kind::String) => Ok(Value::String(value.to_owned())),
            Wanted::One(Kind::Bytes) => {
                let bytes = STANDARD.decode(value).map_err(|_| self.wrong::<E>())?;
                Ok(Value::Bytes(bytes.into()))
            }
            _ => Err(self.wrong()),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Err(self.wrong())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let Wanted::List(kind) = &self.wanted else { return Err(self.wrong()) };
        let mut list = Vec::new();
        loop {
            let place = Place::Item(self.place, list.len() + 1);
            let Some(item) = items.next_element_seed(Slot { wanted: Wanted::item(kind.clone()), place: &place })?
            else {
                return Ok(Value::List(list));
            };
            if list.len() == MAX_ITEMS {
                return Err(too_many(self.place));
            }
            list.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        match &self.wanted {
            Wanted::Message(kind) => message(kind, self.place, members),
            Wanted::Map(kind) => map(kind, self.place, members),
            _ => Err(self.wrong()),
        }
    }
}

fn message<'de, A: MapAccess<'de>>(
    kind: &MessageDescriptor,
    place: &Place<'_>,
    mut members: A,
) -> Result<Value, A::Error> {
    let mut message = DynamicMessage::new(kind.clone());
    let mut seen = HashSet::new();
    while let Some(name) = members.next_key::<String>()? {
        let field = kind.get_field_by_json_name(&name);
        if field.is_none() && name != TYPE {
            return Err(A::Error::custom(format_args!("{place} has the unknown member{}", quoted(&name))));
        }
        if !seen.insert(field.as_ref().map(FieldDescriptor::number)) {
            return Err(A::Error::custom(format_args!("{place} has the member `{name}` twice")));
        }
        let place = Place::Member(place, &name);
        let Some(field) = field else {
            members.next_value_seed(Slot { wanted: Wanted::One(Kind::String), place: &place })?;
            continue;
        };
        // A member that is null is absent.
        let slot = Slot { wanted: Wanted::of(&field), place: &place };
        if let Some(value) = members.next_value_seed(OrNull(slot))? {
            message.set_field(&field, value);
        }
    }
    Ok(Value::Message(message))
}

fn map<'de, A: MapAccess<'de>>(kind: &Kind, place: &Place<'_>, mut entries: A) -> Result<Value, A::Error> {
    let mut map = HashMap::new();
    while let Some(key) = entries.next_key::<String>()? {
        let at = Place::Member(place, "*");
        let value = entries.next_value_seed(Slot { wanted: Wanted::item(kind.clone()), place: &at })?;
        if map.insert(MapKey::String(key), value).is_some() {
            return Err(A::Error::custom(format_args!("{place} has a key twice")));
        }
        if map.len() > MAX_ITEMS {
            return Err(too_many(place));
        }
    }
    Ok(Value::Map(map))
}

fn too_many<E: Error>(place: &Place<'_>) -> E {
    E::custom(format_args!("{place} has more than {MAX_ITEMS} items"))
}

/// Quotes what looks like a name: something else may be a value in the wrong place.
fn quoted(name: &str) -> String {
    let is_name = name.len() <= MAX_NAME && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if is_name { format!(" `{name}`") } else { String::new() }
}

/// A value, or null.
struct OrNull<'a>(Slot<'a>);

impl<'de> DeserializeSeed<'de> for OrNull<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for OrNull<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        self.0.deserialize(deserializer).map(Some)
    }
}
