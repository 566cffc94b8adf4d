//! The password for a database: from a file, or from where the database's own programs take it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::database::Address;
use crate::failure::Failure;

/// Finds the password that an address does not have: in `file`; else for PostgreSQL in `PGPASSWORD`, or in the file that
/// `PGPASSFILE` names (`~/.pgpass` if it is not set), and for etcd in `ETCDCTL_PASSWORD`.
pub(crate) fn find(file: Option<&Path>, address: &Address) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(file) = file {
        let text = read(file)?.ok_or_else(|| failed(file, &"there is no such file"))?;
        return Ok(Some(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned())));
    }
    let address = match address {
        Address::Postgres(address) => address,
        Address::Etcd(_) => return Ok(variable("ETCDCTL_PASSWORD").map(Zeroizing::new)),
    };
    if let Some(password) = variable("PGPASSWORD") {
        return Ok(Some(Zeroizing::new(password)));
    }
    let home = || Some(PathBuf::from(variable("HOME")?).join(".pgpass"));
    let Some(file) = variable("PGPASSFILE").map(PathBuf::from).or_else(home) else { return Ok(None) };
    let Some(text) = read(&file)? else { return Ok(None) };
    let places = address.places();
    Ok(places.iter().find_map(|place| entry(&text, place)).map(Zeroizing::new))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads a file that only its owner may read; none if there is no such file.
fn read(file: &Path) -> Result<Option<Zeroizing<String>>, Failure> {
    match fs::metadata(file) {
        Ok(found) if found.is_file() && found.mode() & 0o077 != 0 => {
            Err(failed(file, &"other users can read it: remove the permissions of group and others"))
        }
        Ok(_) => fs::read_to_string(file).map(Zeroizing::new).map(Some).map_err(|error| failed(file, &error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(file, &error)),
    }
}

fn failed(file: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(format!("cannot read the password for the database in {}: {why}", file.display()))
}

/// The password of the first line of a password file that is for a place: host, port, database and user, of which `*`
/// stands for each, separated by colons; a backslash stands before a colon or a backslash of a value.
fn entry(text: &str, place: &[String; 4]) -> Option<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(fields).find_map(|fields| {
        let (password, names) = fields.split_last()?;
        let holds = names.iter().zip(place).all(|(name, of)| name == "*" || name == of);
        (names.len() == place.len() && holds).then(|| password.clone())
    })
}

fn fields(line: &str) -> Option<Vec<String>> {
    let (mut fields, mut field, mut characters) = (Vec::new(), String::new(), line.chars());
    while let Some(character) = characters.next() {
        match character {
            '\\' => field.push(characters.next()?),
            // The password may contain colons.
            ':' if fields.len() < 4 => fields.push(std::mem::take(&mut field)),
            character => field.push(character),
        }
    }
    fields.push(field);
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_files_are_those_of_libpq() {
        let text = "# comment\nother:5432:iam:me:no\nhost:5432:iam:me:first\n*:*:*:you:a\\:b:c\\\\\nhost:*:iam\n*:5432:*:me:last\n";
        for (place, expected) in [
            (["host", "5432", "iam", "me"], Some("first")),
            (["host", "1", "x", "you"], Some("a:b:c\\")),
            (["elsewhere", "5432", "x", "me"], Some("last")),
            (["elsewhere", "1", "x", "me"], None),
        ] {
            assert_eq!(entry(text, &place.map(str::to_owned)).as_deref(), expected, "{place:?}");
        }
    }
}
