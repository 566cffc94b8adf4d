//! Policies and tags of other services' resources, stored by ARN in the account that owns the resource.

use bailiwick_api::{authz as pb, op};
use bailiwick_model::{AccountId, IamError, Result, Tags, limits};
use bailiwick_operation::{Check, Cx, Handle, PageRequest, Planned, bind_principals, malformed, show_principals};
use bailiwick_policy_lang::{Catalogue, PolicyKind, SaveRules, non_whitespace_len, parse_strict};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{Resource, ResourcePolicy, Tx};

use crate::{Authz, date, snapshot};

/// Looks up a resource and names the check of an action on it, with the tags that it has.
async fn look_up(cx: &Cx, tx: &mut Tx, action: &'static str, arn: &Option<String>) -> Result<(Resource, Check)> {
    let resource = find_resource(cx, tx, arn).await?;
    let mut check = Check::without_resource(action, resource.account);
    for tag in &resource.tags {
        check = check.key(format!("aws:ResourceTag/{}", tag.key), tag.value.clone());
    }
    check.resource.clone_from(&resource.arn);
    Ok((resource, check))
}

/// The plan of an operation that needs nothing but the resource.
async fn plan(cx: &Cx, tx: &mut Tx, action: &'static str, arn: &Option<String>) -> Result<Planned<Resource>> {
    let (resource, check) = look_up(cx, tx, action, arn).await?;
    Ok(Planned::new(resource).check(check))
}

/// Stores a resource's policy, and binds the principals that it names to their unique ids.
///
/// # Errors
/// `ValidationError` for an ARN that is not of the caller's account, or not one that its service has;
/// `MalformedPolicyDocument`, also for a principal that does not exist; `LimitExceeded` if the policy is too large or
/// the account has too many.
impl Handle<op::PutResourcePolicy> for Authz {
    /// The resource and its new policy.
    type Plan = (Resource, String);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::PutResourcePolicyRequest) -> Result<Planned<Self::Plan>> {
        let planned = plan(cx, tx, "bailiwick:PutResourcePolicy", &req.resource_arn).await?;
        Ok(planned.with(req.policy.unwrap_or_default()))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (resource, text): Self::Plan,
    ) -> Result<pb::PutResourcePolicyResponse> {
        let rules = SaveRules { partition: Some(cx.partition().as_str()), ..SaveRules::default() };
        let document = parse_strict(&text, PolicyKind::Resource, &rules).map_err(malformed)?;
        if non_whitespace_len(&text) > limits::RESOURCE_POLICY_SIZE {
            return Err(IamError::quota("ResourcePolicySize", limits::RESOURCE_POLICY_SIZE));
        }
        let bound = bind_principals(cx.partition(), tx, &text, &document, PolicyKind::Resource, cx.account()).await?;
        let policy = ResourcePolicy { text, bound, updated: cx.date() };
        check_arn_format(&*snapshot(cx)?, &resource.arn)?;
        tx.put_resource(&Resource { policy: Some(policy), ..resource }).await?;
        Ok(pb::PutResourcePolicyResponse {})
    }
}

/// Shows a resource's policy.
///
/// # Errors
/// `NoSuchEntity` if it has none.
impl Handle<op::GetResourcePolicy> for Authz {
    type Plan = Resource;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::GetResourcePolicyRequest) -> Result<Planned<Resource>> {
        plan(cx, tx, "bailiwick:GetResourcePolicy", &req.resource_arn).await
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, resource: Resource) -> Result<pb::GetResourcePolicyResponse> {
        let policy = resource.policy.ok_or_else(|| no_policy(&resource.arn))?;
        let ResourcePolicy { text, bound, updated } = &policy;
        let view = show_principals(cx.partition(), tx, text, bound, PolicyKind::Resource, resource.account).await?;
        Ok(pb::GetResourcePolicyResponse {
            resource_arn: resource.arn,
            policy: view,
            update_date: Some(date(*updated)),
        })
    }
}

/// Lists the account's resources that have a policy, by ARN.
impl Handle<op::ListResourcePolicies> for Authz {
    /// What the ARNs begin with, and the page.
    type Plan = (String, PageRequest);

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListResourcePoliciesRequest) -> Result<Planned<Self::Plan>> {
        let page = PageRequest::new(req.marker, req.max_items);
        let check = Check::without_resource("bailiwick:ListResourcePolicies", cx.account());
        Ok(Planned::new((req.arn_prefix.unwrap_or_default(), page)).check(check))
    }

    async fn handle(
        &self,
        cx: &Cx,
        tx: &mut Tx,
        (prefix, page): Self::Plan,
    ) -> Result<pb::ListResourcePoliciesResponse> {
        let pages = page.open(cx, "ListResourcePolicies")?;
        let found = tx.list_resource_policies(cx.account(), &prefix, pages.after(), pages.limit()).await?;
        let page = pages.answer(found)?;
        let policies = page.items.into_iter().map(|resource| pb::ResourcePolicySummary {
            resource_arn: resource.arn,
            update_date: resource.policy.map(|policy| date(policy.updated)),
        });
        let policies = policies.collect();
        Ok(pb::ListResourcePoliciesResponse { policies, is_truncated: page.marker.is_some(), marker: page.marker })
    }
}

/// Deletes a resource's policy; its tags stay.
///
/// # Errors
/// `NoSuchEntity` if it has none.
impl Handle<op::DeleteResourcePolicy> for Authz {
    type Plan = Resource;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::DeleteResourcePolicyRequest) -> Result<Planned<Resource>> {
        plan(cx, tx, "bailiwick:DeleteResourcePolicy", &req.resource_arn).await
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, resource: Resource) -> Result<pb::DeleteResourcePolicyResponse> {
        if resource.policy.is_none() {
            return Err(no_policy(&resource.arn));
        }
        tx.put_resource(&Resource { policy: None, ..resource }).await?;
        Ok(pb::DeleteResourcePolicyResponse {})
    }
}

/// Adds tags. An existing key gets the new value.
///
/// # Errors
/// `InvalidInput` for invalid tags, `ValidationError` as for PutResourcePolicy, `LimitExceeded`.
impl Handle<op::TagResource> for Authz {
    type Plan = (Resource, Tags);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::TagResourceRequest) -> Result<Planned<Self::Plan>> {
        let tags = tags(&req.tags)?;
        let (resource, check) = look_up(cx, tx, "bailiwick:TagResource", &req.resource_arn).await?;
        let check = check.request_tags(&tags);
        Ok(Planned::new((resource, tags)).check(check))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, (mut resource, tags): Self::Plan) -> Result<pb::TagResourceResponse> {
        check_arn_format(&*snapshot(cx)?, &resource.arn)?;
        resource.tags.merge(tags)?;
        tx.put_resource(&resource).await?;
        Ok(pb::TagResourceResponse {})
    }
}

/// Removes tags. Missing keys are ignored.
impl Handle<op::UntagResource> for Authz {
    type Plan = (Resource, Vec<String>);

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::UntagResourceRequest) -> Result<Planned<Self::Plan>> {
        let (resource, check) = look_up(cx, tx, "bailiwick:UntagResource", &req.resource_arn).await?;
        let check = check.tag_keys(&req.tag_keys);
        Ok(Planned::new((resource, req.tag_keys)).check(check))
    }

    async fn handle(&self, _: &Cx, tx: &mut Tx, (mut resource, keys): Self::Plan) -> Result<pb::UntagResourceResponse> {
        resource.tags.remove(&keys);
        tx.put_resource(&resource).await?;
        Ok(pb::UntagResourceResponse {})
    }
}

/// Lists the tags of a resource by key.
impl Handle<op::ListTagsForResource> for Authz {
    type Plan = Resource;

    async fn plan(&self, cx: &Cx, tx: &mut Tx, req: pb::ListTagsForResourceRequest) -> Result<Planned<Resource>> {
        plan(cx, tx, "bailiwick:ListTagsForResource", &req.resource_arn).await
    }

    async fn handle(&self, _: &Cx, _: &mut Tx, resource: Resource) -> Result<pb::ListTagsForResourceResponse> {
        let tags = resource.tags.iter();
        let tags = tags.map(|tag| pb::ResourceTag { key: Some(tag.key.clone()), value: Some(tag.value.clone()) });
        Ok(pb::ListTagsForResourceResponse { tags: tags.collect() })
    }
}

/// Returns what is stored of a resource. If nothing is, it has neither policy nor tags.
async fn find_resource(cx: &Cx, tx: &mut Tx, arn: &Option<String>) -> Result<Resource> {
    let (arn, account) = (resource_arn(cx, arn.as_deref().unwrap_or_default())?, cx.account());
    let found = tx.find_resource(account, arn).await?;
    Ok(found.unwrap_or_else(|| Resource { account, arn: arn.to_owned(), policy: None, tags: Tags::new() }))
}

/// Refuses an ARN that a registered service does not have. Accepts every ARN of a service that is not registered, or
/// whose registration names no resources.
fn check_arn_format(snapshot: &Snapshot, arn: &str) -> Result<()> {
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

/// Parses the ARN of a resource of the caller's account and of a service that is not Bailiwick's own.
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
        return refuse(format!("names a resource of `{service}`, whose policies and tags belong to it"));
    }
    if !account.is_empty() && AccountId::parse(account) != Ok(cx.account()) {
        return refuse(format!("must be of the caller's account {}", cx.account()));
    }
    Ok(arn)
}
