//! Visits the members of a message in order and passes them to a writer.

use super::table::{Kind, Member, Shape, ShapeId, Table};
use super::wire::{Raw, Reader, WireError};

/// Writes the visited members. An item of a list has the name `member`.
pub(super) trait Render {
    fn begin(&mut self, name: &str);
    fn end(&mut self, name: &str);
    fn begin_list(&mut self, name: &str);
    fn end_list(&mut self, name: &str);
    fn empty_list(&mut self, name: &str);
    fn begin_map(&mut self, name: &str);
    fn end_map(&mut self, name: &str);
    fn text(&mut self, name: &str, value: &str);
    fn document(&mut self, name: &str, value: &str);
    fn number(&mut self, name: &str, value: i64);
    fn boolean(&mut self, name: &str, value: bool);
    fn bytes(&mut self, name: &str, value: &[u8]);
    fn time(&mut self, name: &str, seconds: i64) -> Result<(), WireError>;
    /// Begins the entry of a map, and returns the name of its value.
    fn begin_entry<'k>(&mut self, key: &'k str) -> &'k str;
    fn end_entry(&mut self);
}

/// Writes the members of a structure, and the empty lists and maps that AWS writes.
pub(super) fn structure(out: &mut impl Render, shape: ShapeId, message: &[u8]) -> Result<(), WireError> {
    let shape = Table::get().shape(shape);
    let mut walk = Walk { shape, next: 0 };
    let mut reader = Reader::new(message);
    let mut field = reader.next()?;
    while let Some((number, raw)) = field {
        let member = walk.reach(out, number)?;
        match member.kind {
            Kind::Map(shape) => {
                let mut entries = Vec::new();
                while let Some((n, raw)) = field
                    && n == number
                {
                    entries.push(entry(raw.bytes()?)?);
                    field = reader.next()?;
                }
                map(out, &member.name, shape, entries)?;
            }
            _ if member.is_list => {
                out.begin_list(&member.name);
                while let Some((n, raw)) = field
                    && n == number
                {
                    value(out, member.kind, "member", raw)?;
                    field = reader.next()?;
                }
                out.end_list(&member.name);
            }
            kind => {
                value(out, kind, &member.name, raw)?;
                field = reader.next()?;
            }
        }
    }
    walk.finish(out);
    Ok(())
}

/// Members are in the order of their numbers, as prost writes them, so one pass finds absent ones.
struct Walk<'t> {
    shape: &'t Shape,
    next: usize,
}

impl<'t> Walk<'t> {
    fn reach(&mut self, out: &mut impl Render, number: u32) -> Result<&'t Member, WireError> {
        while let Some(member) = self.shape.members.get(self.next) {
            self.next += 1;
            if member.number == number {
                return Ok(member);
            }
            absent(out, member);
            if member.always_present && member.is_map() {
                out.begin_map(&member.name);
                out.end_map(&member.name);
            }
        }
        Err(WireError("a field that is unknown or out of order"))
    }

    fn finish(self, out: &mut impl Render) {
        self.shape.members[self.next..].iter().for_each(|member| absent(out, member));
    }
}

fn absent(out: &mut impl Render, member: &Member) {
    if member.always_present && member.is_list {
        out.empty_list(&member.name);
    }
}

fn value(out: &mut impl Render, kind: Kind, name: &str, raw: Raw<'_>) -> Result<(), WireError> {
    match kind {
        Kind::Text => out.text(name, raw.text()?),
        Kind::Document => out.document(name, raw.text()?),
        Kind::Number => out.number(name, raw.number()?),
        Kind::Boolean => out.boolean(name, raw.number()? != 0),
        Kind::Bytes => out.bytes(name, raw.bytes()?),
        Kind::Time => out.time(name, seconds(raw.bytes()?)?)?,
        Kind::Structure(shape) => {
            out.begin(name);
            structure(out, shape, raw.bytes()?)?;
            out.end(name);
        }
        Kind::Map(_) => return Err(WireError("a map in a list")),
    }
    Ok(())
}

/// The seconds of a timestamp; fractions are not written.
fn seconds(message: &[u8]) -> Result<i64, WireError> {
    let mut reader = Reader::new(message);
    let mut seconds = 0;
    while let Some((number, raw)) = reader.next()? {
        if number == 1 {
            seconds = raw.number()?;
        }
    }
    Ok(seconds)
}

/// Key and value of a map's entry; either may be left out when empty.
fn entry(message: &[u8]) -> Result<(&str, Option<Raw<'_>>), WireError> {
    let mut reader = Reader::new(message);
    let (mut key, mut value) = ("", None);
    while let Some((number, raw)) = reader.next()? {
        match number {
            1 => key = raw.text()?,
            2 => value = Some(raw),
            _ => return Err(WireError("a map's entry with a third field")),
        }
    }
    Ok((key, value))
}

fn map(
    out: &mut impl Render,
    name: &str,
    shape: ShapeId,
    mut entries: Vec<(&str, Option<Raw<'_>>)>,
) -> Result<(), WireError> {
    let [_, of_values] = Table::get().shape(shape).members.as_slice() else {
        return Err(WireError("a map entry that is not a pair"));
    };
    let unset = if let Kind::Number | Kind::Boolean = of_values.kind { Raw::Varint(0) } else { Raw::Bytes(&[]) };
    entries.sort_by_key(|(key, _)| *key);
    out.begin_map(name);
    for (key, raw) in entries {
        let name = out.begin_entry(key);
        value(out, of_values.kind, name, raw.unwrap_or(unset))?;
        out.end_entry();
    }
    out.end_map(name);
    Ok(())
}
