//! Converts parameters such as `Tags.member.1.Key=team`, in any order, to a message.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use bailiwick_model::{ErrorCode, IamError, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use super::table::{Kind, Member, QueryOperation, Shape, ShapeId, Table};
use super::wire;

/// The largest index of a list, equal to the maximum number of parameters.
const MAX_INDEX: u32 = 2_000;

pub(super) fn request(operation: &QueryOperation, pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> Result<Bytes> {
    let mut root = Node::new(operation.request);
    for (name, value) in pairs {
        if name == "Action" || name == "Version" {
            continue;
        }
        root.insert(&Parameter { name, value, operation: operation.name() }, name)?;
    }
    let mut out = Vec::new();
    root.write(None, &mut out)?;
    Ok(out.into())
}

struct Parameter<'a> {
    name: &'a str,
    value: &'a str,
    operation: &'static str,
}

/// A structure under construction, with one slot per member.
struct Node<'a> {
    shape: ShapeId,
    slots: Vec<Slot<'a>>,
}

#[derive(Default)]
enum Slot<'a> {
    #[default]
    Absent,
    Text(&'a str),
    Structure(Node<'a>),
    /// Items with their indexes, in order of arrival; order and gaps are checked at the end.
    List(Vec<(u32, Slot<'a>)>),
}

impl<'a> Node<'a> {
    fn new(shape: ShapeId) -> Self {
        let mut slots = Vec::new();
        slots.resize_with(Table::get().shape(shape).members.len(), Slot::default);
        Node { shape, slots }
    }

    fn shape(&self) -> &'static Shape {
        Table::get().shape(self.shape)
    }

    /// Adds a parameter; `rest` is the remaining part of its name.
    fn insert(&mut self, parameter: &Parameter<'a>, rest: &str) -> Result<()> {
        let (head, rest) = split(rest);
        let position = self.shape().position(head).ok_or_else(|| unknown(parameter))?;
        let member = &self.shape().members[position];
        let slot = &mut self.slots[position];
        if member.is_list || member.is_map() {
            insert_item(slot, member, parameter, rest)
        } else {
            slot.insert(member, parameter, rest)
        }
    }

    fn write(self, parent: Option<&At<'_>>, out: &mut Vec<u8>) -> Result<()> {
        for (member, slot) in self.shape().members.iter().zip(self.slots) {
            let at = At { parent, name: &member.name, item: item_word(member), index: None };
            match slot {
                Slot::List(mut items) => {
                    items.sort_by_key(|(index, _)| *index);
                    let mut keys = HashSet::new();
                    for (expected, (index, item)) in (1..).zip(items) {
                        if index != expected {
                            return Err(malformed(format!("list `{at}` has item {index} but no item {expected}")));
                        }
                        let at = At { index: Some(index), ..at };
                        if member.is_map() {
                            let key = item.key().ok_or_else(|| malformed(format!("`{at}` needs a key and a value")))?;
                            if !keys.insert(key) {
                                return Err(duplicate(&format!("{at}.key")));
                            }
                        }
                        item.write(member, &at, out)?;
                    }
                }
                slot => slot.write(member, &at, out)?,
            }
        }
        Ok(())
    }
}

/// The position of a value in the request; formatted only for an error.
#[derive(Clone, Copy)]
struct At<'a> {
    parent: Option<&'a At<'a>>,
    name: &'a str,
    item: &'static str,
    index: Option<u32>,
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.name)?;
        self.index.map_or(Ok(()), |index| write!(f, ".{}.{index}", self.item))
    }
}

impl<'a> Slot<'a> {
    fn insert(&mut self, member: &Member, parameter: &Parameter<'a>, rest: Option<&str>) -> Result<()> {
        match (member.kind, rest) {
            (Kind::Structure(shape) | Kind::Map(shape), Some(rest)) => {
                if let Slot::Absent = self {
                    *self = Slot::Structure(Node::new(shape));
                }
                match self {
                    Slot::Structure(node) => node.insert(parameter, rest),
                    _ => Err(duplicate(parameter.name)),
                }
            }
            (Kind::Structure(_) | Kind::Map(_), None) => Err(malformed("Unexpected complex element termination")),
            (_, Some(_)) => Err(malformed("Start of structure or map found where not expected")),
            (_, None) => match self {
                Slot::Absent => {
                    *self = Slot::Text(parameter.value);
                    Ok(())
                }
                _ => Err(duplicate(parameter.name)),
            },
        }
    }

    /// Returns the key of a map's entry that has both a key and a value.
    fn key(&self) -> Option<&'a str> {
        match self {
            Slot::Structure(Node { slots, .. }) => match slots.as_slice() {
                [_, Slot::Absent] => None,
                [Slot::Text(key), _] => Some(key),
                _ => None,
            },
            _ => None,
        }
    }

    fn write(self, member: &Member, at: &At<'_>, out: &mut Vec<u8>) -> Result<()> {
        match self {
            Slot::Absent | Slot::List(_) => Ok(()),
            Slot::Structure(node) => {
                let mut inner = Vec::new();
                node.write(Some(at), &mut inner)?;
                wire::put_bytes(out, member.number, &inner);
                Ok(())
            }
            Slot::Text(text) => write_text(text, member, at, out),
        }
    }
}

/// The name of list items or map entries within a parameter's name.
fn item_word(member: &Member) -> &'static str {
    if member.is_map() { "entry" } else { "member" }
}

/// Takes in a parameter that belongs to a list or map: `…member.3` or `…entry.3` and on, or the empty value that stands
/// for an empty one.
fn insert_item<'a>(slot: &mut Slot<'a>, member: &Member, parameter: &Parameter<'a>, rest: Option<&str>) -> Result<()> {
    let Some(rest) = rest else {
        return match slot {
            Slot::Absent if parameter.value.is_empty() => {
                *slot = Slot::List(Vec::new());
                Ok(())
            }
            Slot::Absent => Err(malformed("Unexpected list element termination")),
            _ => Err(duplicate(parameter.name)),
        };
    };
    let index = match split(rest) {
        (word, Some(rest)) if word == item_word(member) => rest,
        _ => return Err(unknown(parameter)),
    };
    let (index, rest) = split(index);
    let index = index_of(index)
        .ok_or_else(|| malformed(format!("`{}`: a list is numbered from 1 to at most {MAX_INDEX}", parameter.name)))?;
    if let Slot::Absent = slot {
        *slot = Slot::List(Vec::new());
    }
    let Slot::List(items) = slot else { return Err(duplicate(parameter.name)) };
    // The members of an item come one after the other from every client there is.
    let position = items.iter().rposition(|(i, _)| *i == index).unwrap_or_else(|| {
        items.push((index, Slot::Absent));
        items.len() - 1
    });
    items[position].1.insert(member, parameter, rest)
}

fn index_of(text: &str) -> Option<u32> {
    let plain = !text.starts_with('0') && text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|index| plain && (1..=MAX_INDEX).contains(index))
}

fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (name, None),
    }
}

fn write_text(text: &str, member: &Member, at: &At<'_>, out: &mut Vec<u8>) -> Result<()> {
    match member.kind {
        Kind::Text | Kind::Document => wire::put_bytes(out, member.number, text.as_bytes()),
        Kind::Number => {
            let sign = text.strip_prefix('-').unwrap_or(text);
            let digits = !sign.is_empty() && sign.bytes().all(|b| b.is_ascii_digit());
            let value: Option<i32> = text.parse().ok().filter(|_| digits);
            let value = value.ok_or_else(|| malformed(format!("the value of `{at}` is not an integer")))?;
            wire::put_number(out, member.number, i64::from(value));
        }
        Kind::Boolean => {
            let value = match text {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => return Err(malformed("boolean must follow xsd1.1 definition")),
            };
            wire::put_number(out, member.number, i64::from(value));
        }
        Kind::Bytes => {
            let value = STANDARD.decode(text).map_err(|_| malformed(format!("the value of `{at}` is not base64")))?;
            wire::put_bytes(out, member.number, &value);
        }
        // No request of either model has one; a test holds that.
        Kind::Time | Kind::Map(_) | Kind::Structure(_) => {
            return Err(malformed("Start of structure or map found where not expected"));
        }
    }
    Ok(())
}

fn malformed(message: impl Into<String>) -> IamError {
    IamError::new(ErrorCode::MalformedInput, message)
}

pub(super) fn duplicate(name: &str) -> IamError {
    IamError::new(ErrorCode::InvalidQueryParameter, format!("parameter `{}` is there twice", shown(name)))
}

fn unknown(parameter: &Parameter<'_>) -> IamError {
    let message = format!("{} does not know the parameter `{}`", parameter.operation, shown(parameter.name));
    IamError::new(ErrorCode::InvalidQueryParameter, message)
}

/// A name short enough for a message.
fn shown(name: &str) -> &str {
    name.char_indices().nth(128).map_or(name, |(at, _)| &name[..at])
}
