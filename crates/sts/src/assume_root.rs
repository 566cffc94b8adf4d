//! Sessions of root of a member account, each limited to one task.

use bailiwick_api::op;
use bailiwick_api::sts::{AssumeRootRequest, AssumeRootResponse};
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Partition, Result};
use bailiwick_operation::{Check, Cx, Handle, Planned, Principal, SessionKind};
use bailiwick_storage::{AccountState, OrganizationFeatures, Tx};

use crate::Sts;
use crate::issue::{SessionParts, expiry, issue_session};

/// The longest and the default duration.
const MAX_SECONDS: i64 = 900;

/// A task, by the name of AWS's managed policy.
struct Task {
    name: &'static str,
    /// The actions that it allows on the root user alone. On users of the account it allows none of them.
    on_root: &'static [&'static str],
    /// The actions that it allows on every resource.
    on_all: &'static [&'static str],
}

const TASKS: [Task; 5] = [
    Task {
        name: "IAMAuditRootUserCredentials",
        on_root: &[
            "iam:GetAccessKeyLastUsed",
            "iam:GetLoginProfile",
            "iam:GetUser",
            "iam:ListAccessKeys",
            "iam:ListMFADevices",
            "iam:ListSigningCertificates",
        ],
        on_all: &["iam:GetAccountSummary"],
    },
    Task {
        name: "IAMCreateRootUserPassword",
        on_root: &["iam:CreateLoginProfile", "iam:GetLoginProfile"],
        on_all: &[],
    },
    Task {
        name: "IAMDeleteRootUserCredentials",
        on_root: &[
            "iam:DeactivateMFADevice",
            "iam:DeleteAccessKey",
            "iam:DeleteLoginProfile",
            "iam:DeleteSigningCertificate",
            "iam:GetAccessKeyLastUsed",
            "iam:GetLoginProfile",
            "iam:GetUser",
            "iam:ListAccessKeys",
            "iam:ListMFADevices",
            "iam:ListSigningCertificates",
        ],
        on_all: &[],
    },
    Task {
        name: "S3UnlockBucketPolicy",
        on_root: &[],
        on_all: &["s3:DeleteBucketPolicy", "s3:GetBucketPolicy", "s3:ListAllMyBuckets", "s3:PutBucketPolicy"],
    },
    Task {
        name: "SQSUnlockQueuePolicy",
        on_root: &[],
        on_all: &["sqs:GetQueueAttributes", "sqs:GetQueueUrl", "sqs:ListQueues", "sqs:SetQueueAttributes"],
    },
];

/// Issues credentials for root of a member account, for one task and at most 15 minutes.
///
/// Needs `sts:AssumeRoot` on the root user's ARN in the policies of the caller, a user or role of the management account,
/// and that the organization has enabled root sessions.
///
/// # Errors
/// `ValidationError` for a target or task that is none; `AccessDenied`.
impl Handle<op::AssumeRoot> for Sts {
    type Plan = NewRootSession;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: AssumeRootRequest) -> Result<Planned<NewRootSession>> {
        let target = read_target(cx.partition(), req.target_principal.as_deref().unwrap_or(""))?;
        let task = req.task_policy_arn.as_ref().and_then(|policy| policy.arn.as_deref()).unwrap_or("");
        let arn = Principal::Root { account: target }.arn(cx.partition());
        let policy = read_task(cx.partition(), task)?.policy(&arn);
        let seconds = req.duration_seconds.map_or(MAX_SECONDS, i64::from);
        // The caller's policies decide alone: the member account has no policy that could take part.
        let check = Check::new("sts:AssumeRoot", &arn).owned_by(cx.account()).key("sts:TaskPolicyArn", task);
        Ok(Planned::new(NewRootSession { target, policy, seconds, minimum_size: req.minimum_session_token_size })
            .check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, new: NewRootSession) -> Result<AssumeRootResponse> {
        let caller = cx.caller();
        let management = cx.deployment().management_account;
        if caller.is_root() {
            return Err(denied("AssumeRoot may not be called by root accounts."));
        }
        if caller.account() != management {
            return Err(denied("AssumeRoot may be called from the management account of the organization only."));
        }
        let features: OrganizationFeatures = tx.account_setting(management).await?.unwrap_or_default();
        if !features.root_sessions {
            return Err(denied("root sessions are not enabled: see EnableOrganizationsRootSessions"));
        }
        let target = tx.find_account(new.target).await?;
        let is_member = target.is_some_and(|target| target.state == AccountState::Active) && new.target != management;
        if !is_member {
            let message = format!("{} is not an active member account of the organization", new.target);
            return Err(denied(&message));
        }
        let source_identity = caller.session.as_ref().and_then(|session| session.source_identity.clone());
        let parts = SessionParts {
            policies: vec![new.policy],
            source_identity: source_identity.clone(),
            parent_key: caller.access_key_id().cloned(),
            issued_through: caller.lineage(),
            minimum_token_size: new.minimum_size,
            ..SessionParts::default()
        };
        let principal = Principal::Root { account: new.target };
        let issued = issue_session(cx, SessionKind::AssumeRoot, principal, expiry(cx, new.seconds), parts)?;
        Ok(AssumeRootResponse {
            credentials: Some(issued.credentials),
            source_identity,
            session_token_utilization: None,
            session_token_size: issued.token_size,
        })
    }
}

/// The session that a request asks for.
#[derive(Debug)]
pub struct NewRootSession {
    target: AccountId,
    /// The task policy.
    policy: String,
    seconds: i64,
    minimum_size: Option<i32>,
}

/// Parses the target: an account id, or the ARN of a root user.
fn read_target(partition: Partition, text: &str) -> Result<AccountId> {
    let of_arn = || {
        let arn = Arn::parse(text).ok()?;
        let account = arn.account_id()?;
        (Principal::Root { account }.arn(partition).as_str() == text).then_some(account)
    };
    AccountId::parse(text).ok().or_else(of_arn).ok_or_else(|| {
        let expected = "an account id, or the ARN of the root user of an account";
        IamError::validation(format!("{text} is invalid")).field("TargetPrincipal", expected)
    })
}

/// Finds the task with this policy.
fn read_task(partition: Partition, arn: &str) -> Result<&'static Task> {
    let name = arn.strip_prefix(&format!("arn:{}:iam::aws:policy/root-task/", partition.as_str()));
    TASKS.iter().find(|task| Some(task.name) == name).ok_or_else(|| {
        let names = TASKS.each_ref().map(|task| task.name).join(", ");
        let expected = format!("the ARN of a managed policy of the path /root-task/: {names}");
        IamError::validation(format!("{arn} is not the policy of a root task")).field("TaskPolicyArn", expected)
    })
}

impl Task {
    /// The policy of a session for this task, of this root user.
    fn policy(&self, root: &Arn) -> String {
        let statement = |actions: &[&str], resource: &str| {
            let actions = actions.join("\",\"");
            format!(r#"{{"Effect":"Allow","Action":["{actions}"],"Resource":"{resource}"}}"#)
        };
        let statements = [(self.on_root, root.as_str()), (self.on_all, "*")];
        let statements = statements.into_iter().filter(|(actions, _)| !actions.is_empty());
        let statements: Vec<_> = statements.map(|(actions, resource)| statement(actions, resource)).collect();
        format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.join(","))
    }
}

fn denied(message: &str) -> IamError {
    IamError::new(ErrorCode::AccessDenied, message)
}

#[cfg(test)]
mod tests;
