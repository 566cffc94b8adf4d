//! From what a request names to what is stored, and to the ARN that is decided on.
//!
//! Users, groups and roles are named by name, managed policies by ARN. A decision is made on the stored thing's own
//! ARN, in the case it was made with; a thing that isn't there has the ARN that it would have, with the path `/`.

use std::future::Future;

use bailiwick_model::{
    AccountId, Arn, ErrorCode, GroupName, IamError, NameError, Partition, Path, Result, RoleName, Tags, UserName,
};
use bailiwick_operation::{Check, Cx};
use bailiwick_storage::{FoldedName as _, Group, IdentityNoun, Policy, PolicyRef, Role, Tx, User};

use crate::request::required;

static NO_TAGS: Tags = Tags::new();

/// Something that a request names by one text.
pub(crate) trait Addressed: Sized + Send + Sync {
    /// The member that names it, as AWS's messages spell it.
    const MEMBER: &'static str;

    /// The check of an action on it, with its ARN and its tags, whether it is there or not.
    fn check(
        cx: &Cx,
        tx: &mut Tx,
        address: &Option<String>,
        action: &'static str,
    ) -> impl Future<Output = Result<Check>> + Send;

    /// The stored thing; `NoSuchEntity` if there is none.
    fn get(cx: &Cx, tx: &mut Tx, address: &Option<String>) -> impl Future<Output = Result<Self>> + Send;
}

/// A user, group or role.
pub(crate) trait IdentityRecord: IdentityNoun {
    /// Its type in an ARN: `user`.
    const TYPE: &'static str;
    /// The member that names it.
    const NAMED_BY: &'static str;

    /// Its name, from text.
    fn parse_name(text: &str) -> Result<Self::Name, NameError>;

    /// Its tags; none where the kind has none.
    fn tags(&self) -> &Tags {
        &NO_TAGS
    }

    /// # Errors
    /// `UnmodifiableEntity` when only the service that it is linked to may change it.
    fn modifiable(&self) -> Result<()> {
        Ok(())
    }

    /// Its ARN.
    fn arn(&self, partition: Partition) -> Arn {
        arn_of::<Self>(partition, self.account(), self.path(), self.name())
    }
}

impl IdentityRecord for User {
    const TYPE: &'static str = "user";
    const NAMED_BY: &'static str = "userName";

    fn parse_name(text: &str) -> Result<UserName, NameError> {
        UserName::parse(text)
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
}

impl IdentityRecord for Group {
    const TYPE: &'static str = "group";
    const NAMED_BY: &'static str = "groupName";

    fn parse_name(text: &str) -> Result<GroupName, NameError> {
        GroupName::parse(text)
    }
}

impl IdentityRecord for Role {
    const TYPE: &'static str = "role";
    const NAMED_BY: &'static str = "roleName";

    fn parse_name(text: &str) -> Result<RoleName, NameError> {
        RoleName::parse(text)
    }
    fn tags(&self) -> &Tags {
        &self.tags
    }
    fn modifiable(&self) -> Result<()> {
        match self.linked_service {
            None => Ok(()),
            Some(_) => Err(IamError::new(
                ErrorCode::UnmodifiableEntity,
                format!(
                    "Cannot perform the operation on the protected role '{}' - this role is only modifiable by AWS",
                    self.name
                ),
            )),
        }
    }
}

/// The ARN of a user, group or role of that name.
pub(crate) fn arn_of<S: IdentityRecord>(partition: Partition, account: AccountId, path: &Path, name: &S::Name) -> Arn {
    Arn::iam(partition, account, format_args!("{}{path}{name}", S::TYPE))
}

impl<S: IdentityRecord> Addressed for S {
    const MEMBER: &'static str = S::NAMED_BY;

    async fn check(cx: &Cx, tx: &mut Tx, address: &Option<String>, action: &'static str) -> Result<Check> {
        let name = S::parse_name(required(address, S::NAMED_BY)?)?;
        let absent = arn_of::<S>(cx.partition(), cx.account(), &Path::root(), &name);
        Ok(match tx.find::<S>(cx.account(), &name).await? {
            Some(stored) => check_stored(cx, &stored, action).displayed_as(absent.as_str()),
            None => Check::new(action, &absent),
        })
    }

    async fn get(cx: &Cx, tx: &mut Tx, address: &Option<String>) -> Result<S> {
        let name = S::parse_name(required(address, S::NAMED_BY)?)?;
        tx.get(cx.account(), &name).await
    }
}

/// The name that a user or group is to have.
///
/// # Errors
/// `EntityAlreadyExists` for its own name in another case, as AWS has it: the name is taken, by itself.
pub(crate) fn new_name<S: IdentityRecord>(old: &S, label: &str, text: &str) -> Result<S::Name> {
    let name = S::parse_name(text)?;
    if name.folded() == old.name().folded() && name.to_string() != old.name().to_string() {
        return Err(IamError::already_exists(label, name));
    }
    Ok(name)
}

/// The check of an action on a stored user, group or role.
pub(crate) fn check_stored<S: IdentityRecord>(cx: &Cx, stored: &S, action: &'static str) -> Check {
    Check::new(action, &stored.arn(cx.partition())).resource_tags(stored.tags())
}

/// As [`Addressed::check`], with the boundary that the entity has.
pub(crate) async fn check_bounded<S: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    address: &Option<String>,
    action: &'static str,
) -> Result<Check> {
    let check = S::check(cx, tx, address, action).await?;
    let name = S::parse_name(required(address, S::NAMED_BY)?)?;
    let boundary = match tx.find::<S>(cx.account(), &name).await?.and_then(|stored| stored.boundary()) {
        Some(boundary) => policy_arn(cx, tx, boundary).await?,
        None => None,
    };
    Ok(check.boundary(boundary.as_ref().map(Arn::as_str)))
}

/// The ARN of a managed policy, if it is there.
pub(crate) async fn policy_arn(cx: &Cx, tx: &mut Tx, policy: PolicyRef) -> Result<Option<Arn>> {
    Ok(tx.find_policy(policy).await?.map(|policy| arn_of_policy(cx.partition(), &policy)))
}

/// The ARN of a managed policy.
pub(crate) fn arn_of_policy(partition: Partition, policy: &Policy) -> Arn {
    Arn::iam(partition, policy.account, format_args!("policy{}{}", policy.path, policy.name))
}

/// What the ARN of a managed policy says.
pub(crate) struct PolicyArn {
    /// The ARN itself.
    pub(crate) arn: Arn,
    /// The account that owns the policy; none for those that the deployment manages.
    pub(crate) account: AccountId,
    name: bailiwick_model::PolicyName,
}

impl PolicyArn {
    /// # Errors
    /// `ValidationError` when it is no ARN at all, `InvalidInput` when it isn't one of a policy here.
    pub(crate) fn parse(cx: &Cx, text: &str) -> Result<Self> {
        Self::parse_or(cx, text, || "Invalid ARN:  Could not be parsed!".into())
    }

    /// As [`PolicyArn::parse`], where a policy is attached or detached: AWS has another message there for what is no ARN.
    pub(crate) fn parse_attached(cx: &Cx, text: &str) -> Result<Self> {
        Self::parse_or(cx, text, || format!("ARN {text} is not valid."))
    }

    fn parse_or(cx: &Cx, text: &str, no_arn: impl FnOnce() -> String) -> Result<Self> {
        let arn =
            Arn::parse(text).map_err(|error| IamError::validation(no_arn()).field("PolicyArn", error.to_string()))?;
        let invalid = || IamError::new(ErrorCode::InvalidInput, format!("ARN {text} is not valid."));
        let account = if arn.account() == "aws" { Some(AccountId::NONE) } else { arn.account_id() };
        let (Some(account), Some(("policy", path, name))) = (account, arn.typed_resource()) else {
            return Err(invalid());
        };
        if arn.partition() != cx.partition().as_str() || arn.service() != "iam" || !arn.region().is_empty() {
            return Err(invalid());
        }
        Path::parse(path).map_err(|_| invalid())?;
        let name = bailiwick_model::PolicyName::parse(name).map_err(|_| invalid())?;
        Ok(PolicyArn { arn, account, name })
    }

    /// The policy, if the caller's account owns it or the deployment manages it, under exactly this ARN.
    pub(crate) async fn find(&self, cx: &Cx, tx: &mut Tx) -> Result<Option<Policy>> {
        if self.account != cx.account() && self.account != AccountId::NONE {
            return Ok(None);
        }
        let found = tx.find::<Policy>(self.account, &self.name).await?;
        // ARNs are compared with case, also where names are not.
        Ok(found.filter(|policy| arn_of_policy(cx.partition(), policy) == self.arn))
    }

    /// The policy to be attached, or to be a boundary; `called` is what AWS's message calls it.
    ///
    /// # Errors
    /// `NoSuchEntity` if there is none.
    pub(crate) async fn attachable(&self, cx: &Cx, tx: &mut Tx, called: &str) -> Result<Policy> {
        self.find(cx, tx).await?.ok_or_else(|| {
            let message = format!("{called} {} does not exist or is not attachable.", self.arn);
            IamError::no_policy(ErrorCode::NoSuchEntity, &self.arn, message)
        })
    }
}

/// `NoSuchEntity` for a policy, in AWS's words.
pub(crate) fn no_such_policy(arn: &Arn) -> IamError {
    IamError::no_policy(ErrorCode::NoSuchEntity, arn, format_args!("Policy {arn} was not found."))
}

impl Addressed for Policy {
    const MEMBER: &'static str = "policyArn";

    /// The policy's own account owns it. The deployment's policies belong to everybody who reads, so that those who
    /// only read are decided as in their own account, and to nobody who writes.
    async fn check(cx: &Cx, tx: &mut Tx, address: &Option<String>, action: &'static str) -> Result<Check> {
        let arn = PolicyArn::parse(cx, required(address, Self::MEMBER)?)?;
        let stored = arn.find(cx, tx).await?;
        let check = Check::new(action, &arn.arn);
        let reads = action.starts_with("iam:Get") || action.starts_with("iam:List");
        let check = if arn.account == AccountId::NONE && reads { check.owned_by(cx.account()) } else { check };
        // Of the two keys for tags of a resource, AWS documents only this one for policies.
        let tags = stored.iter().flat_map(|policy| &policy.tags);
        Ok(tags.fold(check, |check, tag| check.key(format!("aws:ResourceTag/{}", tag.key), tag.value.clone())))
    }

    async fn get(cx: &Cx, tx: &mut Tx, address: &Option<String>) -> Result<Policy> {
        let arn = PolicyArn::parse(cx, required(address, Self::MEMBER)?)?;
        arn.find(cx, tx).await?.ok_or_else(|| no_such_policy(&arn.arn))
    }
}

/// The policy that a request changes.
///
/// # Errors
/// `NoSuchEntity`; `AccessDenied` for those that the deployment manages, which nobody changes by this way.
pub(crate) async fn own_policy(cx: &Cx, tx: &mut Tx, address: &Option<String>) -> Result<Policy> {
    let policy = Policy::get(cx, tx, address).await?;
    if policy.account == cx.account() {
        Ok(policy)
    } else {
        Err(IamError::new(ErrorCode::AccessDenied, "policies that AWS manages can't be changed"))
    }
}
