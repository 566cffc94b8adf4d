//! "Did you mean …?": the known name that a misspelt one comes closest to.
//!
//! Every message that says a name is unknown asks this module, whether it is about an element, an operator, an action,
//! a service prefix or a condition key.

/// Longer names are not compared, since no known name is longer.
const LONGEST: usize = 128;

/// The known name that is nearest to `name`, if it is near enough to be what was meant.
///
/// Case does not count. A character that is missing, added or replaced is one slip, and so are two that changed places.
/// One slip is taken for each three characters, three at most. Of equally near names the first is returned.
///
/// ```
/// # use bailiwick_policy_lang::nearest;
/// assert_eq!(nearest("CreatUser", ["CreateRole", "CreateUser"]), Some("CreateUser"));
/// assert_eq!(nearest("allow", ["Allow", "Deny"]), Some("Allow"));
/// assert_eq!(nearest("Permit", ["Allow", "Deny"]), None);
/// ```
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = name.chars().count();
    let slips = (length / 3).clamp(1, 3);
    if !(2..=LONGEST).contains(&length) {
        return None;
    }
    let name = name.to_ascii_lowercase();
    let near = known.into_iter().filter(|known| known.chars().count().abs_diff(length) <= slips);
    let near = near.map(|known| (strsim::osa_distance(&known.to_ascii_lowercase(), &name), known));
    near.filter(|(distance, _)| *distance <= slips).min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

/// The number of names that one validation compares with misspelled ones. Beyond it there are no suggestions, since a
/// document with many unknown names would take seconds.
pub(crate) const MOST_NAMES: u64 = 200_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings_are_recognized() {
        let elements = ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal"];
        let check = |name: &str, expected: Option<&str>| assert_eq!(nearest(name, elements), expected, "{name}");
        check("Actions", Some("Action"));
        check("action", Some("Action"));
        check("Resources", Some("Resource"));
        check("Efect", Some("Effect"));
        check("Conditon", Some("Condition"));
        check("Pirncipal", Some("Principal"));
        check("NotActions", Some("NotAction"));
        check("Comment", None);
        check("", None);
        check("S", None);
        check("é", None);
        check("Sib", Some("Sid"));
        check(&"Action".repeat(1000), None);
    }

    #[test]
    fn the_nearest_of_several_wins() {
        assert_eq!(nearest("GetUsr", ["GetUsers", "GetUser", "PutUser"]), Some("GetUser"));
        assert_eq!(nearest("ab", ["ac", "ad"]), Some("ac"));
        assert_eq!(nearest("abcdef", ["uvwxyz"]), None);
    }
}
