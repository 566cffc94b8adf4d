//! The options that name events.

use bailiwick_api::audit as pb;
use clap::{Args, ValueEnum};

/// Events must have each value that is given. Values are compared exactly, with case.
#[derive(Args)]
#[command(next_help_heading = "Filters; values are compared exactly, with case")]
pub(super) struct Filter {
    /// Operation, such as CreateUser
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
    /// User name, `root`, or name of a session
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// ARN of a resource, or its name without type and path
    #[arg(long, value_name = "ARN_OR_NAME")]
    resource: Option<String>,
    /// Type of a resource, such as AWS::IAM::User
    #[arg(long, value_name = "TYPE")]
    resource_type: Option<String>,
    /// Code of the error, such as AccessDenied
    #[arg(long, value_name = "CODE")]
    error: Option<String>,
    /// Access key of the caller
    #[arg(long, value_name = "ID")]
    access_key: Option<String>,
    /// ARN of the caller, or of the role or user that the caller's session is of
    #[arg(long, value_name = "ARN")]
    principal: Option<String>,
    /// Address of the client
    #[arg(long, value_name = "ADDRESS")]
    source_ip: Option<String>,
    /// Service, such as iam.amazonaws.com
    #[arg(long, value_name = "SOURCE")]
    event_source: Option<String>,
    /// Id of the event
    #[arg(long, value_name = "ID")]
    event_id: Option<String>,
    /// Category of the event
    #[arg(long, value_name = "CATEGORY")]
    category: Option<Category>,
    /// Only operations that read
    #[arg(long, conflicts_with = "changes")]
    reads: bool,
    /// Only operations that can change something
    #[arg(long)]
    changes: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Category {
    Management,
    Data,
    Decision,
}

impl Filter {
    pub(super) fn message(&self) -> pb::EventFilter {
        let category = self.category.map(|category| match category {
            Category::Management => "Management",
            Category::Data => "Data",
            Category::Decision => "Decision",
        });
        pb::EventFilter {
            event_id: self.event_id.clone(),
            event_name: self.event.clone(),
            event_source: self.event_source.clone(),
            username: self.user.clone(),
            access_key_id: self.access_key.clone(),
            resource_name: self.resource.clone(),
            resource_type: self.resource_type.clone(),
            read_only: (self.reads || self.changes).then_some(self.reads),
            error_code: self.error.clone(),
            principal_arn: self.principal.clone(),
            source_ip_address: self.source_ip.clone(),
            event_category: category.map(str::to_owned),
        }
    }
}
