//! AWS IAM's sentences for invalid characters, which replace the generic one with the pattern.
//!
//! The patterns are those of the service model. The sentences were observed in AWS's answers for names of users,
//! groups, roles, policies and server certificates, for paths and path prefixes, ids of access keys, documents and
//! private keys. Other members with one of these patterns get the same sentence. Versions, tags, descriptions,
//! account aliases and ids of service-specific credentials get the generic sentence on AWS, and here.

use crate::Pattern;

const PATH: &str = "It must begin and end with / and contain only alphanumeric characters and/or / characters.";
const PREFIX: &str = "It must begin with the / character and contain only alphanumeric characters and/or / characters.";

/// Returns the sentence for a member, if there is one.
pub(super) fn of(member: &str, pattern: &Pattern) -> Option<&'static str> {
    if member == "serviceSpecificCredentialId" {
        return None;
    }
    Some(match pattern.source() {
        r"[\w+=,.@-]+" | r"[\w+=,.@-]*" => "It must contain only alphanumeric characters and/or the following: +=,.@_-",
        r"[\w._-]+" => "It must contain only alphanumeric characters and/or the following: ._-",
        r"[\w]+" => "It must contain only alphanumeric characters.",
        r"(\u002F)|(\u002F[\u0021-\u007E]+\u002F)" | r"((/[A-Za-z0-9\.,\+@=_-]+)*)/" | r"\u002F[\u0021-\u007F]*" => {
            if member == "pathPrefix" {
                PREFIX
            } else {
                PATH
            }
        }
        r"[\u0009\u000A\u000D\u0020-\u00FF]+" | r"[\u0020-\u00FF]+" => {
            "It must contain only printable ASCII characters."
        }
        _ => return None,
    })
}
