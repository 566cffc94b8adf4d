//! `bailiwick catalogue`: the actions, resource types and condition keys of services, as one file.

mod export;
mod import;

use std::process::ExitCode;

use bailiwick_api::authz as pb;
use bailiwick_api::op;
use bailiwick_grpc::client::ClientError;
use bailiwick_policy_lang::Catalogue;
use bailiwick_policy_lang::catalogue::Service;
use clap::Subcommand;

use super::remote::Connection;
use crate::failure::Failure;

/// Export and import the services that a server has registered
///
/// A catalogue is a JSON file with the actions, resource types and condition keys of services, their service
/// principals, and the users and roles that may act as these.
#[derive(Subcommand)]
#[command(after_long_help = r#"A catalogue:
  {"catalogue": 1, "services": {"photos": {
    "principals": ["photos.example.com"],
    "actors": ["arn:aws:iam::111122223333:role/photos"],
    "keys": {"photos:Size": "Numeric", "photos:Labels": "ArrayOfString"},
    "resources": {"album": {
      "arns": ["arn:${Partition}:photos:${Region}:${Account}:album/${AlbumId}"],
      "keys": ["aws:ResourceTag/${TagKey}"]}},
    "actions": {"GetAlbum": {
      "access": "Read", "resources": ["album"], "keys": ["photos:Size"]}}}}}

  principals  names of the service principals
  actors      users and roles that may act as these; if absent, they stay as they are
  keys        condition keys with their types: String, ARN, Bool, Date,
              Numeric, IPAddress, Binary, or one of these after ArrayOf
  resources   resource types: formats of their ARNs, and keys that they bring
  actions     access level (List, Read, Write, Tagging, Permissions
              management), resource types, and keys that the action brings

Examples:
  bailiwick catalogue export > services.json
  bailiwick catalogue import services.json
  bailiwick policy validate --catalogue services.json policy.json"#)]
pub(crate) enum Command {
    Export(export::Options),
    Import(import::Options),
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Export(options) => export::run(&options),
        Command::Import(options) => import::run(&options),
    }
}

/// Returns a registered service, if it exists.
async fn registered(server: &Connection, prefix: &str) -> Result<Option<pb::RegisteredService>, ClientError> {
    let request = pb::GetServiceRequest { service_prefix: Some(prefix.to_owned()) };
    match server.call::<op::GetService>(&request).await {
        Ok(answer) => Ok(answer.service),
        Err(ClientError::Refused { code, .. }) if code == "NoSuchEntity" => Ok(None),
        Err(error) => Err(error),
    }
}

/// Returns the definition of a registered service, without its actors.
fn defined(service: &pb::RegisteredService) -> Result<Service, Failure> {
    let prefix = &service.service_prefix;
    let fail = |why: &dyn std::fmt::Display| Failure::new(format!("cannot read the definition of `{prefix}`: {why}"));
    let read = Catalogue::parse(service.definition.as_deref().unwrap_or_default());
    let mut catalogue = read.map_err(|error| fail(&error))?;
    catalogue.remove(prefix).ok_or_else(|| fail(&"the definition does not contain it"))
}
