//! The file: what `aws iam get-account-authorization-details` prints, as messages of the API.

use bailiwick_api::iam as pb;
use percent_encoding::percent_decode_str;
use prost::Message;
use prost_reflect::{DynamicMessage, ReflectMessage as _};

use super::json::Json;
use super::rewrite::{Place, Rewrite};
use crate::escapes;

/// Members that are not loaded, since the target account sets them.
const NOT_LOADED: [&str; 4] = ["CreateDate", "UpdateDate", "RoleLastUsed", "LastUsedDate"];
/// Members with policy documents.
const DOCUMENTS: [&str; 3] = ["PolicyDocument", "AssumeRolePolicyDocument", "Document"];
/// The lists of the file.
const LISTS: [&str; 4] = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];
/// What an error says was expected.
const EXPECTED: &str = "expected what `aws iam get-account-authorization-details --output json` prints";

/// The objects of a file, with the documents and ARNs of the target account.
#[derive(Default)]
pub(super) struct Details {
    /// Users.
    pub(super) users: Vec<pb::UserDetail>,
    /// Groups.
    pub(super) groups: Vec<pb::GroupDetail>,
    /// Roles.
    pub(super) roles: Vec<pb::RoleDetail>,
    /// Managed policies, also AWS's.
    pub(super) policies: Vec<pb::ManagedPolicyDetail>,
    /// Objects that cannot be read, with the reason.
    pub(super) unread: Vec<(String, String)>,
}

/// Parses the text of a file, and checks that it has the lists and nothing else.
///
/// # Errors
/// What is wrong, where, and what was expected.
pub(super) fn parse(text: &str) -> Result<Json, String> {
    let file = Json::parse(text).map_err(|error| format!("{error}; {EXPECTED}"))?;
    let Json::Object(members) = &file else { return Err(format!("found {}; {EXPECTED}", file.kind())) };
    for (name, value) in members {
        match (name.as_str(), value) {
            (list, Json::Array(_)) if LISTS.contains(&list) => {}
            (list, other) if LISTS.contains(&list) => {
                return Err(format!("`{list}` is {}, expected an array", other.kind()));
            }
            ("IsTruncated", Json::Bool(false)) | ("Marker", Json::Null) => {}
            ("IsTruncated" | "Marker" | "NextToken", _) => {
                return Err("it is one page of several: run the AWS CLI without --no-paginate and --max-items".into());
            }
            _ => return Err(format!("`{}` is not expected; {EXPECTED}", escapes::one_line(name))),
        }
    }
    if members.iter().any(|(name, _)| LISTS.contains(&name.as_str())) {
        return Ok(file);
    }
    Err(format!("it has none of {}; {EXPECTED}", LISTS.map(|list| format!("`{list}`")).join(", ")))
}

/// Returns the account that the objects of the file belong to, if there are any beside AWS's.
///
/// # Errors
/// When they belong to several.
pub(super) fn source(file: &Json) -> Result<Option<Place>, String> {
    let mut found: Option<Place> = None;
    for item in LISTS.iter().filter_map(|list| file.get(list)).filter_map(Json::items).flatten() {
        let Some(arn) = item.get("Arn").and_then(Json::as_str) else { continue };
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let ["arn", partition, "iam", "", account, _] = parts[..] else { continue };
        if account == "aws" {
            continue;
        }
        let place = Place { partition: partition.into(), account: account.into() };
        match &found {
            Some(other) if *other != place => {
                let (one, other) = (escapes::one_line(&other.account), escapes::one_line(&place.account));
                return Err(format!("it has objects of the accounts {one} and {other}; expected those of one account"));
            }
            _ => found = Some(place),
        }
    }
    Ok(found)
}

/// Reads the objects.
pub(super) fn read(file: Json, rewrite: &Rewrite) -> Details {
    let mut details = Details::default();
    let Json::Object(members) = file else { return details };
    for (list, value) in members {
        let Json::Array(items) = value else { continue };
        for (number, item) in items.into_iter().enumerate() {
            let name = ["UserName", "GroupName", "RoleName", "PolicyName"]
                .iter()
                .find_map(|member| item.get(member).and_then(Json::as_str))
                .map_or_else(|| format!("{list}[{number}]"), |name| format!("{list}[{number}] {name}"));
            let unread = &mut details.unread;
            let mut fail = |why: String| unread.push((name.clone(), why));
            match list.as_str() {
                "UserDetailList" => message(item, rewrite).map_or_else(&mut fail, |user| details.users.push(user)),
                "GroupDetailList" => message(item, rewrite).map_or_else(&mut fail, |group| details.groups.push(group)),
                "RoleDetailList" => message(item, rewrite).map_or_else(&mut fail, |role| details.roles.push(role)),
                _ => message(item, rewrite).map_or_else(&mut fail, |policy| details.policies.push(policy)),
            }
        }
    }
    details
}

/// Reads one object as a message of the API.
fn message<M: Message + Default + Described>(mut item: Json, rewrite: &Rewrite) -> Result<M, String> {
    if !matches!(item, Json::Object(_)) {
        return Err(format!("it is {}, expected an object", item.kind()));
    }
    prepare(&mut item, rewrite)?;
    let wrong = |error: &dyn std::fmt::Display| error.to_string();
    let descriptor = bailiwick_api::pool().get_message_by_name(M::NAME).ok_or("no descriptor")?;
    let text = item.to_string();
    let mut reader = serde_json::Deserializer::from_str(&text);
    let read = DynamicMessage::deserialize(descriptor, &mut reader);
    // The place in the prepared text is not one of the file.
    let read = read.map_err(|error| error.to_string().split(" at line ").next().unwrap_or_default().to_owned())?;
    debug_assert_eq!(read.descriptor().full_name(), M::NAME);
    M::decode(read.encode_to_vec().as_slice()).map_err(|error| wrong(&error))
}

/// Removes members that are not loaded, and makes one text of each document.
fn prepare(item: &mut Json, rewrite: &Rewrite) -> Result<(), String> {
    match item {
        Json::Array(items) => items.iter_mut().try_for_each(|item| prepare(item, rewrite)),
        Json::Object(members) => {
            members.retain(|(name, value)| !NOT_LOADED.contains(&name.as_str()) && *value != Json::Null);
            for (name, value) in members {
                if DOCUMENTS.contains(&name.as_str()) {
                    let text = document(value, rewrite).map_err(|why| format!("`{name}`: {why}"))?;
                    *value = Json::String(text);
                } else {
                    prepare(value, rewrite)?;
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The text of a document that is an object or a string, percent-encoded or plain.
fn document(value: &Json, rewrite: &Rewrite) -> Result<String, String> {
    let mut document = match value {
        Json::Object(_) => value.clone(),
        Json::String(text) if text.trim_start().starts_with('{') => Json::parse(text)?,
        Json::String(text) => {
            let decoded = percent_decode_str(text).decode_utf8();
            Json::parse(&decoded.map_err(|_| "it is not UTF-8 when percent-decoded")?)?
        }
        other => return Err(format!("it is {}, expected an object or a percent-encoded string", other.kind())),
    };
    rewrite.document(&mut document);
    Ok(document.to_string())
}

/// A message with its name in the descriptors.
trait Described {
    const NAME: &'static str;
}

impl Described for pb::UserDetail {
    const NAME: &'static str = "bailiwick.iam.v1.UserDetail";
}
impl Described for pb::GroupDetail {
    const NAME: &'static str = "bailiwick.iam.v1.GroupDetail";
}
impl Described for pb::RoleDetail {
    const NAME: &'static str = "bailiwick.iam.v1.RoleDetail";
}
impl Described for pb::ManagedPolicyDetail {
    const NAME: &'static str = "bailiwick.iam.v1.ManagedPolicyDetail";
}

#[cfg(test)]
mod tests;
