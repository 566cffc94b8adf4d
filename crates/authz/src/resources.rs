//! Policies and tags of other services' resources, kept by ARN in the account that owns the resource.

use bailiwick_api::{authz as pb, op};
use bailiwick_model::{AccountId, IamError, Result, Tags, limits};
use bailiwick_operation::{Check, Checked, Cx, bind_principals, malformed, show_principals};
use bailiwick_policy_lang::{Catalogue, PolicyKind, SaveRules, non_whitespace_len, parse_strict};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{Resource, ResourcePolicy, Tx};

use crate::Authz;
use crate::authenticate::date;
use crate::decide::snapshot;

/// Keeps a resource's policy, and binds who it names.
///
/// # Errors
/// `ValidationError` for an ARN that is none of the account's, or none that its service has; `MalformedPolicyDocument`, also for a principal that
/// does not exist; `LimitExceeded` when the policy is too large or the account has too many.
impl Checked<op::PutResourcePolicy> for Authz {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::PutResourcePolicyRequest) -> Result<Vec<Check>> {
        Ok(vec![check(cx, tx, "bailiwick:PutResourcePolicy", &req.resource_arn).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::PutResourcePolicyRequest,
    ) -> Result<pb::PutResourcePolicyResponse> {
        let text = req.policy.unwrap_or_default();
        let rules = SaveRules { partition: Some(cx.partition().as_str()), ..SaveRules::default() };
        let document = parse_strict(&text, PolicyKind::Resource, &rules).map_err(malformed)?;
        if non_whitespace_len(&text) > limits::RESOURCE_POLICY_SIZE {
            return Err(IamError::quota("ResourcePolicySize", limits::RESOURCE_POLICY_SIZE));
        }
        let bound = bind_principals(cx.partition(), tx, &text, &document, PolicyKind::Resource, cx.account()).await?;
        let policy = ResourcePolicy { text, bound, updated: cx.date() };
        let resource = kept(cx, tx, &req.resource_arn).await?;
        fits(&*snapshot(cx)?, &resource.arn)?;
        tx.put_resource(&Resource { policy: Some(policy), ..resource }).await?;
        Ok(pb::PutResourcePolicyResponse {})
    }
}

/// Shows a resource's policy.
///
/// # Errors
/// `NoSuchEntity` if it has none.
impl Checked<op::GetResourcePolicy> for Authz {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::GetResourcePolicyRequest) -> Result<Vec<Check>> {
        Ok(vec![check(cx, tx, "bailiwick:GetResourcePolicy", &req.resource_arn).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::GetResourcePolicyRequest,
    ) -> Result<pb::GetResourcePolicyResponse> {
        let resource = kept(cx, tx, &req.resource_arn).await?;
        let policy = resource.policy.ok_or_else(|| no_policy(&resource.arn))?;
        let ResourcePolicy { text, bound, updated } = &policy;
        let shown = show_principals(cx.partition(), tx, text, bound, PolicyKind::Resource, resource.account).await?;
        Ok(pb::GetResourcePolicyResponse {
            resource_arn: resource.arn,
            policy: shown,
            update_date: Some(date(*updated)),
        })
    }
}

/// Lists the account's resources that have a policy, by ARN.
impl Checked<op::ListResourcePolicies> for Authz {
    async fn checks(&self, cx: &Cx, _: &mut Tx, _: &pb::ListResourcePoliciesRequest) -> Result<Vec<Check>> {
        Ok(vec![Check::without_resource("bailiwick:ListResourcePolicies", cx.account())])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::ListResourcePoliciesRequest,
    ) -> Result<pb::ListResourcePoliciesResponse> {
        let paging = cx.paging("ListResourcePolicies");
        let after = paging.after(req.marker.as_deref())?;
        let prefix = req.arn_prefix.unwrap_or_default();
        let limit = paging.limit(req.max_items);
        let page = tx.list_resource_policies(cx.account(), &prefix, after.as_deref(), limit).await?;
        let marker = page.next.map(|next| paging.marker(&next)).transpose()?;
        let policies = page.items.into_iter().map(|resource| pb::ResourcePolicySummary {
            resource_arn: resource.arn,
            update_date: resource.policy.map(|policy| date(policy.updated)),
        });
        Ok(pb::ListResourcePoliciesResponse { policies: policies.collect(), is_truncated: marker.is_some(), marker })
    }
}

/// Forgets a resource's policy; its tags stay.
///
/// # Errors
/// `NoSuchEntity` if it has none.
impl Checked<op::DeleteResourcePolicy> for Authz {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::DeleteResourcePolicyRequest) -> Result<Vec<Check>> {
        Ok(vec![check(cx, tx, "bailiwick:DeleteResourcePolicy", &req.resource_arn).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::DeleteResourcePolicyRequest,
    ) -> Result<pb::DeleteResourcePolicyResponse> {
        let resource = kept(cx, tx, &req.resource_arn).await?;
        if resource.policy.is_none() {
            return Err(no_policy(&resource.arn));
        }
        tx.put_resource(&Resource { policy: None, ..resource }).await?;
        Ok(pb::DeleteResourcePolicyResponse {})
    }
}

/// Adds tags; a key that is there gets the new value.
///
/// # Errors
/// `InvalidInput` for tags that are none, `ValidationError` as for PutResourcePolicy, `LimitExceeded`.
impl Checked<op::TagResource> for Authz {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::TagResourceRequest) -> Result<Vec<Check>> {
        let tags = tags(&req.tags)?;
        Ok(vec![check(cx, tx, "bailiwick:TagResource", &req.resource_arn).await?.request_tags(&tags)])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::TagResourceRequest) -> Result<pb::TagResourceResponse> {
        let mut resource = kept(cx, tx, &req.resource_arn).await?;
        fits(&*snapshot(cx)?, &resource.arn)?;
        resource.tags.merge(tags(&req.tags)?)?;
        tx.put_resource(&resource).await?;
        Ok(pb::TagResourceResponse {})
    }
}

/// Takes tags away; a key that isn't there is no error.
impl Checked<op::UntagResource> for Authz {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::UntagResourceRequest) -> Result<Vec<Check>> {
        Ok(vec![check(cx, tx, "bailiwick:UntagResource", &req.resource_arn).await?.tag_keys(&req.tag_keys)])
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, req: pb::UntagResourceRequest) -> Result<pb::UntagResourceResponse> {
        let mut resource = kept(cx, tx, &req.resource_arn).await?;
        resource.tags.remove(&req.tag_keys);
        tx.put_resource(&resource).await?;
        Ok(pb::UntagResourceResponse {})
    }
}

/// Lists the tags of a resource by key.
impl Checked<op::ListTagsForResource> for Authz {
    async fn checks(&self, cx: &Cx, tx: &mut Tx, req: &pb::ListTagsForResourceRequest) -> Result<Vec<Check>> {
        Ok(vec![check(cx, tx, "bailiwick:ListTagsForResource", &req.resource_arn).await?])
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        req: pb::ListTagsForResourceRequest,
    ) -> Result<pb::ListTagsForResourceResponse> {
        let resource = kept(cx, tx, &req.resource_arn).await?;
        let tags = resource.tags.iter();
        let tags = tags.map(|tag| pb::ResourceTag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) });
        Ok(pb::ListTagsForResourceResponse { tags: tags.collect() })
    }
}

/// The action on the resource itself, with the tags that it has.
async fn check(cx: &Cx, tx: &mut Tx, action: &'static str, arn: &Option<String>) -> Result<Check> {
    let resource = kept(cx, tx, arn).await?;
    let mut check = Check::without_resource(action, resource.account);
    for tag in &resource.tags {
        check = check.key(format!("aws:ResourceTag/{}", tag.key), tag.value.clone());
    }
    check.resource = resource.arn;
    Ok(check)
}

/// What is kept of a resource: perhaps nothing.
async fn kept(cx: &Cx, tx: &mut Tx, arn: &Option<String>) -> Result<Resource> {
    let (arn, account) = (resource_arn(cx, arn.as_deref().unwrap_or_default())?, cx.account());
    let found = tx.find_resource(account, arn).await?;
    Ok(found.unwrap_or_else(|| Resource { account, arn: arn.to_owned(), policy: None, tags: Tags::new() }))
}

/// Refuses an ARN that a registered service does not have. Of services that nobody registered, all are taken, as of
/// those whose registration names no resources.
fn fits(snapshot: &Snapshot, arn: &str) -> Result<()> {
    let service = arn.split(':').nth(2).unwrap_or_default();
    let known = snapshot.catalogue().service(service).map(|service| service.resources().collect::<Vec<_>>());
    let known = known.unwrap_or_default();
    if known.is_empty() || known.iter().any(|resource| resource.fits(arn)) {
        return Ok(());
    }
    let formats: Vec<String> =
        known.iter().flat_map(|resource| &resource.arns).map(|format| format!("`{format}`")).collect();
    let why = format!("must be an ARN that the service `{service}` has: {}", formats.join(" or "));
    Err(IamError::validation(format!("`resourceArn` {why}")).field("resourceArn", why))
}

fn no_policy(arn: &str) -> IamError {
    IamError::no_such("policy of the resource", arn)
}

fn tags(tags: &[pb::ResourceTag]) -> Result<Tags> {
    let text = |member: &Option<String>| member.clone().unwrap_or_default();
    Tags::parse(tags.iter().map(|tag| (text(&tag.key), text(&tag.value))))
}

/// The ARN of a resource of the caller's account, of a service other than Bailiwick's own.
fn resource_arn<'a>(cx: &Cx, arn: &'a str) -> Result<&'a str> {
    let refuse =
        |why: String| Err(IamError::validation(format!("`resourceArn` {why}")).field("resourceArn", why.clone()));
    if arn.len() > limits::RESOURCE_ARN_SIZE {
        return refuse(format!("must have at most {} bytes", limits::RESOURCE_ARN_SIZE));
    }
    if arn.chars().any(|c| c.is_control() || matches!(c, '*' | '?')) {
        return refuse("must be the ARN of one resource, without wildcards".into());
    }
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let &["arn", partition, service, _, account, name] = parts.as_slice() else {
        return refuse("must be an ARN, such as `arn:aws:photos:eu-central-1:111122223333:album/1`".into());
    };
    if partition != cx.partition().as_str() || service.is_empty() || name.is_empty() {
        return refuse(format!("must be an ARN of the partition `{}`", cx.partition().as_str()));
    }
    if Catalogue::builtin().service(service).is_some() {
        return refuse(format!("names a resource of `{service}`, whose policies and tags are kept with it"));
    }
    if !account.is_empty() && AccountId::parse(account) != Ok(cx.account()) {
        return refuse(format!("must be of the caller's account {}", cx.account()));
    }
    Ok(arn)
}
