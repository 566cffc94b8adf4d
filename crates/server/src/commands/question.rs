//! The question of `authorize` and `explain`: principal, action, resource and context. Access reviews have the same context.

mod signed;

use std::path::PathBuf;

use bailiwick_api::authz::{self as pb, caller::Who};
use bailiwick_policy_lang::value::is_context_value;
use bailiwick_policy_lang::{Catalogue, Family};
use clap::Args;

use super::remote::{Connection, Remote};
use crate::failure::Failure;
use crate::input;

/// The question.
#[derive(Args)]
pub(super) struct Question {
    /// Action, such as `s3:GetObject`
    #[arg(value_name = "ACTION", required = true, index = 1)]
    action: Option<String>,
    /// ARN of the resource; leave it out for actions without a resource
    #[arg(value_name = "RESOURCE", default_value = "*", hide_default_value = true, index = 2)]
    resource: String,
    /// Key of the request's context; repeat it for several values
    ///
    /// The type follows the last comma: string, numeric, boolean, ip, binary or date, or one of these with `List`. A
    /// value that ends like one is followed by its own: `--context 'x:note=seen,ip,string'`.
    #[arg(long = "context", value_name = "KEY=VALUE[,TYPE]")]
    context: Vec<String>,
    /// File with the policy of the resource; `-` is standard input
    #[arg(long, value_name = "FILE")]
    resource_policy: Option<PathBuf>,
    /// Account of the resource, if its ARN has none
    #[arg(long, value_name = "DIGITS")]
    resource_account: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    pub(super) json: bool,
    #[command(flatten)]
    who: Asked,
    #[command(flatten)]
    pub(super) remote: Remote,
}

/// The principal of the question; by default, the caller of the command.
#[derive(Args)]
#[group(multiple = false)]
#[command(next_help_heading = "Principal [default: the caller of the command]")]
struct Asked {
    /// ARN of a user or root user, without proof: needs `bailiwick:AuthorizeAs`
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,
    /// Owner of this profile's credentials, which may be a role session
    #[arg(long, value_name = "PROFILE")]
    caller_profile: Option<String>,
    /// File with an HTTP request as received, whose signer is the principal; `-` is standard input
    #[arg(long, value_name = "FILE")]
    signed_request: Option<PathBuf>,
    /// Service principal, such as `photos.example.com`, without proof: needs `bailiwick:AuthorizeAs`
    #[arg(long, value_name = "NAME")]
    service_principal: Option<String>,
    /// Anonymous: a request without a signature
    #[arg(long)]
    anonymous: bool,
}

/// The largest accepted policy or request head in bytes.
pub(super) const MAX_FILE: u64 = 1024 * 1024;

impl Question {
    /// The action; empty if the command allows it to be left out, and it is.
    pub(super) fn action(&self) -> &str {
        self.action.as_deref().unwrap_or_default()
    }

    /// Builds the request to the server, signed by the profile's credentials or those of the command.
    pub(super) async fn request(&self, connection: &Connection) -> Result<pb::AuthorizeRequest, Failure> {
        let asked = &self.who;
        let service = self.action().split(':').next().unwrap_or_default().to_ascii_lowercase();
        let who = if let Some(arn) = &asked.principal {
            Who::PrincipalArn(expect_user_or_root(arn)?)
        } else if let Some(name) = &asked.service_principal {
            Who::ServicePrincipal(name.clone())
        } else if asked.anonymous {
            Who::Anonymous(pb::Anonymous {})
        } else if let Some(file) = &asked.signed_request {
            let http_request = signed::read(&input::read_bytes(file, MAX_FILE)?)
                .map_err(|why| Failure::with_code(format!("{}: {why}", input::name(file)), 2))?;
            Who::SignedRequest(pb::SignedRequest { http_request: Some(http_request), service, ..Default::default() })
        } else if let Some(profile) = &asked.caller_profile {
            let keys = self.remote.of_profile(connection, profile).await?;
            Who::SignedRequest(signed::by(&keys, &service, connection.settings())?)
        } else {
            Who::SignedRequest(signed::by(connection.keys(), &service, connection.settings())?)
        };
        let policy = self.resource_policy.as_ref().map(|file| input::read(file, MAX_FILE)).transpose()?;
        Ok(pb::AuthorizeRequest {
            caller: Some(pb::Caller { who: Some(who) }),
            action: self.action().to_owned(),
            resource: self.resource.clone(),
            context: context_entries(&self.context)?,
            resource_policy: policy,
            resource_account: self.resource_account.clone(),
            min_revision: None,
            encode_denial: false,
        })
    }
}

/// Returns the ARN if it may be of a user or a root user, which alone are decided without proof.
fn expect_user_or_root(arn: &str) -> Result<String, Failure> {
    let refused = |why: &str| Err(Failure::with_code(format!("--principal `{arn}` {why}"), 2));
    let resource = arn.strip_prefix("arn:").and_then(|rest| rest.splitn(5, ':').nth(4));
    match resource {
        None => refused("is not an ARN: expected arn:aws:iam::ACCOUNT:user/NAME or arn:aws:iam::ACCOUNT:root"),
        Some(resource) if resource == "root" || resource.starts_with("user/") => Ok(arn.to_owned()),
        Some(_) => refused("is not a user: for a role or session use --caller-profile or --signed-request"),
    }
}

/// The server's error in terms of the command's options.
pub(super) fn in_options(error: &impl std::fmt::Display) -> Failure {
    let members = [("`principal_arn`", "--principal"), ("`resource_account`", "--resource-account")];
    let text = error.to_string();
    Failure::new(members.iter().fold(text, |text, (member, option)| text.replace(member, option)))
}

/// The types of context keys, by their names in the command and in the API.
const TYPES: [(&str, pb::ContextType); 12] = [
    ("string", pb::ContextType::String),
    ("stringList", pb::ContextType::StringList),
    ("numeric", pb::ContextType::Numeric),
    ("numericList", pb::ContextType::NumericList),
    ("boolean", pb::ContextType::Boolean),
    ("booleanList", pb::ContextType::BooleanList),
    ("ip", pb::ContextType::Ip),
    ("ipList", pb::ContextType::IpList),
    ("binary", pb::ContextType::Binary),
    ("binaryList", pb::ContextType::BinaryList),
    ("date", pb::ContextType::Date),
    ("dateList", pb::ContextType::DateList),
];

/// Parses `key=value,type` arguments; several values of one key become a list.
pub(super) fn context_entries(texts: &[String]) -> Result<Vec<pb::ContextEntry>, Failure> {
    let mut entries: Vec<pb::ContextEntry> = Vec::new();
    for text in texts {
        let pair = text.split_once('=').filter(|(key, _)| !key.is_empty());
        let (key, rest) = pair.ok_or_else(|| {
            Failure::with_code(format!("`--context {text}`: expected KEY=VALUE, such as aws:SourceIp=10.0.0.1,ip"), 2)
        })?;
        let typed = rest.rsplit_once(',').and_then(|(value, name)| {
            let known = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name.trim()))?;
            Some((value, known.1))
        });
        let (value, kind) = typed.unwrap_or((rest, pb::ContextType::Unspecified));
        if kind == pb::ContextType::Unspecified {
            check_value(text, key, value)?;
        }
        match entries.iter_mut().find(|entry| entry.key.eq_ignore_ascii_case(key)) {
            None => entries.push(pb::ContextEntry {
                key: key.to_owned(),
                r#type: kind.into(),
                values: vec![value.to_owned()],
            }),
            Some(entry) => {
                entry.values.push(value.to_owned());
                let (old, list) =
                    (entry.r#type(), list_of(if kind == pb::ContextType::Unspecified { entry.r#type() } else { kind }));
                if old != pb::ContextType::Unspecified && list_of(old) != list {
                    return Err(Failure::with_code(
                        format!("`--context {text}`: the key has another type in an earlier argument"),
                        2,
                    ));
                }
                entry.r#type = list.into();
            }
        }
    }
    Ok(entries)
}

/// Refuses a value without a type that does not have the form of a built-in key, such as `aws:SourceIp=hello`. As a
/// string it would match no condition on that key.
fn check_value(text: &str, key: &str, value: &str) -> Result<(), Failure> {
    let Some(known) = Catalogue::builtin().key(key) else { return Ok(()) };
    if is_context_value(known.family, value) {
        return Ok(());
    }
    let expected = match known.family {
        Family::Ip => "an IP address",
        Family::Numeric => "a number",
        Family::Date => "a date",
        Family::Bool | Family::Null => "true or false",
        Family::Binary => "base64",
        Family::String | Family::Arn => "text",
    };
    let name = &known.name;
    let why =
        format!("`--context {text}`: `{value}` is not {expected}, which {name} has; add `,string` to send it as text");
    Err(Failure::with_code(why, 2))
}

/// The type of several values of a type.
fn list_of(kind: pb::ContextType) -> pb::ContextType {
    let at = TYPES.iter().position(|(_, known)| *known == kind);
    // In the table, each list follows its type.
    at.map_or(kind, |at| TYPES[at | 1].1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_keys() {
        let shown = |texts: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            match context_entries(&texts) {
                Ok(entries) => entries
                    .iter()
                    .map(|entry| format!("{} {:?} {}", entry.key, entry.r#type(), entry.values.join("|")))
                    .collect(),
                Err(error) => vec![error.to_string()],
            }
        };
        let check = |texts: &[&str], expected: &[&str]| assert_eq!(shown(texts), expected, "{texts:?}");
        check(&[], &[]);
        check(&["aws:SourceIp=10.0.0.1,ip"], &["aws:SourceIp Ip 10.0.0.1"]);
        check(&["s3:prefix=home"], &["s3:prefix Unspecified home"]);
        check(&["s3:prefix="], &["s3:prefix Unspecified "]);
        check(&["s3:prefix=a,b"], &["s3:prefix Unspecified a,b"]);
        check(&["x:y=a=b,STRINGLIST"], &["x:y StringList a=b"]);
        check(&["x:y=seen,ip,string"], &["x:y String seen,ip"]);
        check(&["aws:TagKeys=a", "AWS:tagkeys=b"], &["aws:TagKeys Unspecified a|b"]);
        check(&["x:n=1,numeric", "x:n=2"], &["x:n NumericList 1|2"]);
        check(&["x:n=1", "x:n=2,numericList"], &["x:n NumericList 1|2"]);
        check(
            &["x:n=1,ip", "x:n=2,numeric"],
            &["`--context x:n=2,numeric`: the key has another type in an earlier argument"],
        );
        check(&["aws:SourceIp=10.0.0.1"], &["aws:SourceIp Unspecified 10.0.0.1"]);
        check(&["aws:SourceIp=hello,string"], &["aws:SourceIp String hello"]);
        check(
            &["AWS:sourceip=hello"],
            &[
                "`--context AWS:sourceip=hello`: `hello` is not an IP address, which aws:SourceIp has; add `,string` to send it as text",
            ],
        );
        check(
            &["aws:SecureTransport=yes"],
            &[
                "`--context aws:SecureTransport=yes`: `yes` is not true or false, which aws:SecureTransport has; add `,string` to send it as text",
            ],
        );
        check(
            &["aws:MultiFactorAuthAge=old"],
            &[
                "`--context aws:MultiFactorAuthAge=old`: `old` is not a number, which aws:MultiFactorAuthAge has; add `,string` to send it as text",
            ],
        );
        check(&["nothing"], &["`--context nothing`: expected KEY=VALUE, such as aws:SourceIp=10.0.0.1,ip"]);
        check(&["=x"], &["`--context =x`: expected KEY=VALUE, such as aws:SourceIp=10.0.0.1,ip"]);
    }
}
