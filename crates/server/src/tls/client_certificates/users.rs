//! The file that maps names in client certificates to users.

use std::collections::HashMap;

use bailiwick_model::{IdKind, UniqueId};

/// The most lines of the file.
const MAX_LINES: usize = 100_000;
/// The longest name, in bytes, as SPIFFE limits it.
const MAX_NAME: usize = 2_048;

/// Users by the URI of their certificates.
#[derive(Debug, Default)]
pub(crate) struct MappedUsers(HashMap<String, UniqueId>);

impl MappedUsers {
    /// Parses lines of a URI and the unique id of a user, separated by spaces. Empty lines and those that begin with `#`
    /// mean nothing.
    ///
    /// # Errors
    /// The number of the line that cannot be read, and the reason.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut users = HashMap::new();
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            if number > MAX_LINES {
                return Err(format!("more than {MAX_LINES} lines"));
            }
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: String| Err(format!("line {number}: {why}"));
            let mut words = line.split_ascii_whitespace();
            let (Some(name), Some(id), None) = (words.next(), words.next(), words.next()) else {
                return wrong(
                    "expected a URI and the unique id of a user, such as `spiffe://example.com/ci AIDA...`".into(),
                );
            };
            if !is_name(name) {
                return wrong(format!("`{name}` is not a URI such as `spiffe://example.com/ci`, without wildcards"));
            }
            let user = UniqueId::parse(id).ok().filter(|id| id.kind() == IdKind::User);
            let Some(user) = user else {
                return wrong(format!(
                    "`{id}` is not the unique id of a user, which begins with AIDA and which `aws iam get-user` shows as UserId; names and ARNs are not accepted, because they can pass to another user"
                ));
            };
            if users.insert(name.to_owned(), user).is_some() {
                return wrong(format!("`{name}` is there twice"));
            }
        }
        Ok(MappedUsers(users))
    }

    /// The user that a name is mapped to. Names are compared byte by byte.
    pub(super) fn get(&self, name: &str) -> Option<&UniqueId> {
        self.0.get(name)
    }

    /// The number of names.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Whether a text can be the URI in a certificate.
fn is_name(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    is_scheme && !rest.is_empty() && text.len() <= MAX_NAME && rest.bytes().all(|b| b.is_ascii_graphic() && b != b'*')
}
