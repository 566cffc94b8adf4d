//! Names of request members in the proto's spelling, for gRPC clients.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// Returns the path of a member within a request as in `BadRequest`: `tags[1].key` for `tags.1.member.key` or
/// `Tags.1.Key`. Indexes count from 1.
///
/// If the request has no such member, the one whose name has it as suffix is taken: the parser of policy documents does
/// not know that a request calls its document `assume_role_policy_document`. None if there is no such member.
pub(crate) fn field_path(request: &MessageDescriptor, member: &str) -> Option<String> {
    let (mut path, mut within) = (String::new(), Some(request.clone()));
    for part in member.split('.') {
        if part.bytes().all(|b| b.is_ascii_digit()) && !path.is_empty() {
            path.push_str(&format!("[{part}]"));
        } else if part != "member" || path.is_empty() {
            let field = find(within.as_ref()?, part)?;
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(field.name());
            within = match field.kind() {
                Kind::Message(message) => Some(message),
                _ => None,
            };
        }
    }
    Some(path)
}

fn find(message: &MessageDescriptor, name: &str) -> Option<FieldDescriptor> {
    let is_named = |field: &FieldDescriptor| field.name() == name || field.json_name().eq_ignore_ascii_case(name);
    if let Some(field) = message.fields().find(is_named) {
        return Some(field);
    }
    let ends = |field: &FieldDescriptor| field.json_name().to_ascii_lowercase().ends_with(&name.to_ascii_lowercase());
    let mut ending = message.fields().filter(ends);
    ending.next().filter(|_| ending.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::OPERATIONS;

    /// Every member of every request is found by AWS's spelling and gets the proto's name.
    #[test]
    fn members_are_named_as_the_proto_names_them() {
        fn walk(root: &MessageDescriptor, at: &MessageDescriptor, aws: &str, ours: &str, depth: usize) -> usize {
            let mut seen = 0;
            for field in at.fields() {
                let mut letters = field.json_name().chars();
                let first = letters.next().unwrap().to_ascii_lowercase();
                let (mut aws, mut ours) =
                    (format!("{aws}{first}{}", letters.as_str()), format!("{ours}{}", field.name()));
                if field.is_list() {
                    (aws, ours) = (aws + ".2.member", ours + "[2]");
                }
                assert_eq!(field_path(root, &aws), Some(ours.clone()), "{} {aws}", root.full_name());
                seen += 1;
                if let Kind::Message(inner) = field.kind()
                    && inner.full_name().starts_with("bailiwick.")
                    && !inner.is_map_entry()
                    && depth < 4
                {
                    seen += walk(root, &inner, &format!("{aws}."), &format!("{ours}."), depth + 1);
                }
            }
            seen
        }
        let requests = OPERATIONS.iter().map(|operation| operation.request_descriptor().unwrap());
        let seen: usize = requests.map(|request| walk(&request, &request, "", "", 0)).sum();
        assert!(seen > 700, "{seen}");
    }

    #[test]
    fn a_member_may_be_known_by_the_end_of_its_name() {
        let of = |operation: &str| crate::find_operation(operation).unwrap().request_descriptor().unwrap();
        let check = |operation: &str, member: &str, expected: Option<&str>| {
            assert_eq!(field_path(&of(operation), member).as_deref(), expected, "{operation} {member}");
        };
        check("CreateRole", "PolicyDocument", Some("assume_role_policy_document"));
        check("CreatePolicy", "PolicyDocument", Some("policy_document"));
        check("Authorize", "caller.principalArn", Some("caller.principal_arn"));
        check("CreateRole", "Nothing", None);
        check("CreateRole", "RoleName.x", None);
        check("CreateRole", "", None);
        check("CreateRole", "1", None);
    }
}
