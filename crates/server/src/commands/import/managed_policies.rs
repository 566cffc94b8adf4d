//! `bailiwick import managed-policies`: imports AWS managed policies, as an authorized client.

use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_api::{admin, op};
use bailiwick_directory::{ManagedPolicy, parse_import};
use bailiwick_model::Partition;
use clap::Args;

use super::MAX_FILE;
use crate::commands::remote::{Connection, Remote};
use crate::failure::Failure;
use crate::input;
use crate::output;
use crate::progress::Progress;

/// Characters of documents in one call; a message may have 1 MiB.
const CHUNK: usize = 600 * 1024;
/// Policies in one call.
const CHUNK_POLICIES: usize = 250;

/// Import AWS managed policies from the JSON output of the AWS CLI
///
/// The file is the output of `aws iam get-account-authorization-details --filter AWSManagedPolicy`, or an array of
/// objects with the output of get-policy and get-policy-version. Existing policies with the same document do not
/// change; those with another document get a new default version. Policies that come with Bailiwick keep their
/// documents unless `--replace-built-in` is given. Each change is printed. The caller must belong to the management
/// account and needs `bailiwick:ImportManagedPolicies`.
///
/// Exit codes: 0 imported, 1 the server refuses or cannot be reached, 2 the file cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick import managed-policies policies.json
  env -u AWS_ENDPOINT_URL_IAM \\
    aws iam get-account-authorization-details --filter AWSManagedPolicy --profile real \\
    | bailiwick import managed-policies -
  bailiwick import managed-policies --endpoint https://iam.example.com policies.json")]
pub(crate) struct Options {
    /// File to read; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    remote: Remote,
    /// Also replace the documents of policies that come with Bailiwick, such as AdministratorAccess
    #[arg(long)]
    replace_built_in: bool,
    /// Print what was done as JSON: the ARNs that were created, updated, kept and unchanged
    #[arg(long)]
    json: bool,
    /// Partition that the policies' ARNs must be in
    #[arg(long, env = "BAILIWICK_PARTITION", default_value = "aws")]
    partition: String,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let partition = Partition::parse(&options.partition).map_err(|e| Failure::with_code(e.to_string(), 2))?;
    let policies = read(options, partition)?;
    let imported = options.remote.run(async |server| send(server, &policies, options).await)?;
    if options.json {
        output::print(&format!("{:#}\n", imported.json()))?;
    } else {
        output::print(&imported.line())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(options: &Options, partition: Partition) -> Result<Vec<ManagedPolicy>, Failure> {
    let text = input::read(&options.file, MAX_FILE)?;
    let refused = |e| Failure::with_code(format!("{}: {e}\nnothing was imported", input::name(&options.file)), 2);
    parse_import(&text, partition).map_err(refused)
}

/// The outcomes by ARN.
#[derive(Default)]
struct Imported {
    created: Vec<String>,
    updated: Vec<String>,
    kept: Vec<String>,
    unchanged: Vec<String>,
}

impl Imported {
    fn add(&mut self, policy: admin::ImportedManagedPolicy) {
        use admin::ManagedPolicyOutcome::{Created, KeptBuiltIn, Unchanged, Unspecified, Updated};
        let list = match policy.outcome() {
            Created => &mut self.created,
            Updated => &mut self.updated,
            KeptBuiltIn => &mut self.kept,
            Unchanged | Unspecified => &mut self.unchanged,
        };
        list.push(policy.policy_arn);
    }

    fn json(&self) -> serde_json::Value {
        let Self { created, updated, kept, unchanged } = self;
        serde_json::json!({"created": created, "updated": updated, "keptBuiltIn": kept, "unchanged": unchanged})
    }

    fn line(&self) -> String {
        let Self { created, updated, kept, unchanged } = self;
        let kept = match kept.len() {
            0 => String::new(),
            kept => format!(", {kept} kept as they come with Bailiwick"),
        };
        let (created, updated, unchanged) = (created.len(), updated.len(), unchanged.len());
        format!("{created} created, {updated} updated, {unchanged} unchanged{kept}\n")
    }
}

async fn send(server: &Connection, policies: &[ManagedPolicy], options: &Options) -> Result<Imported, Failure> {
    let progress = Progress::new();
    let (mut imported, mut done) = (Imported::default(), 0);
    for chunk in chunks(policies) {
        let request = admin::ImportManagedPoliciesRequest {
            policies: chunk.iter().map(message).collect(),
            replace_built_in: Some(options.replace_built_in),
        };
        let answer = server.call::<op::ImportManagedPolicies>(&request).await;
        let answer =
            answer.map_err(|e| Failure::new(format!("{done} of {} policies imported, then: {e}", policies.len())))?;
        done += chunk.len();
        progress.at(done, policies.len(), "policies");
        for policy in answer.policies {
            if let Some(line) = change(&policy).filter(|_| !options.json) {
                output::print(&format!("{line}\n"))?;
            }
            imported.add(policy);
        }
    }
    progress.end();
    Ok(imported)
}

/// Returns the line for a policy that changed, or that kept its document although the file has another.
fn change(policy: &admin::ImportedManagedPolicy) -> Option<String> {
    use admin::ManagedPolicyOutcome::{Created, KeptBuiltIn, Unchanged, Unspecified, Updated};
    let arn = &policy.policy_arn;
    match policy.outcome() {
        Created => Some(format!("created {arn}")),
        Updated => Some(format!("updated {arn}")),
        KeptBuiltIn => Some(format!("kept {arn}: it comes with Bailiwick, --replace-built-in replaces its document")),
        Unchanged | Unspecified => None,
    }
}

/// Splits the policies into calls below the message limit.
fn chunks(policies: &[ManagedPolicy]) -> Vec<&[ManagedPolicy]> {
    let (mut chunks, mut begin, mut size) = (Vec::new(), 0, 0);
    for (i, policy) in policies.iter().enumerate() {
        let length = policy.document.len() + policy.description.as_deref().map_or(0, str::len) + 1024;
        if i > begin && (size + length > CHUNK || i - begin == CHUNK_POLICIES) {
            chunks.push(&policies[begin..i]);
            (begin, size) = (i, 0);
        }
        size += length;
    }
    if begin < policies.len() {
        chunks.push(&policies[begin..]);
    }
    chunks
}

fn message(policy: &ManagedPolicy) -> admin::ManagedPolicy {
    let date = |time: jiff::Timestamp| prost_types::Timestamp { seconds: time.as_second(), nanos: 0 };
    admin::ManagedPolicy {
        policy_name: Some(policy.name.to_string()),
        path: Some(policy.path.to_string()),
        policy_id: policy.id.map(|id| id.to_string()),
        description: policy.description.clone(),
        version: i32::try_from(policy.version).ok(),
        policy_document: Some(policy.document.clone()),
        create_date: Some(date(policy.created)),
        update_date: Some(date(policy.updated)),
    }
}
