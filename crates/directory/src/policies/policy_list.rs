//! The list of managed policies: the account's own and those that the deployment manages, as one list by name.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::{AccountId, PolicyName, Result};
use bailiwick_operation::{Check, Cx, Handle, PathPage, Planned};
use bailiwick_storage::{FoldedName as _, Page, Policy, Tx, Usage};

use crate::{Directory, view};

/// Policies read from the store at a time, of which a filter may drop most.
const CHUNK: usize = 256;

/// A page of the managed policies that a request asks for.
pub struct PolicyFilter {
    owners: Vec<AccountId>,
    only_attached: bool,
    usage: Option<Usage>,
    path: PathPage,
}

/// Lists managed policies by name.
impl Handle<op::ListPolicies> for Directory {
    type Plan = PolicyFilter;

    async fn plan(&self, cx: &Cx, _: &mut Tx, req: pb::ListPoliciesRequest) -> Result<Planned<PolicyFilter>> {
        let filter = PolicyFilter {
            owners: match req.scope.as_deref() {
                Some("Local") => vec![cx.account()],
                Some("AWS") => vec![AccountId::NONE],
                _ => vec![cx.account(), AccountId::NONE],
            },
            only_attached: req.only_attached == Some(true),
            usage: req.policy_usage_filter.map(|usage| match usage.as_str() {
                "PermissionsBoundary" => Usage::Boundary,
                _ => Usage::Attached,
            }),
            path: PathPage::new(req.path_prefix, req.marker, req.max_items),
        };
        Ok(Planned::new(filter).check(Check::without_resource("iam:ListPolicies", cx.account())))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, filter: PolicyFilter) -> Result<pb::ListPoliciesResponse> {
        let pages = filter.path.page.open(cx, "ListPolicies")?;
        let mut sources = Vec::with_capacity(filter.owners.len());
        for (rank, owner) in filter.owners.iter().enumerate() {
            sources.push(Source::open(tx, *owner, rank, &filter.path.prefix, pages.after()).await?);
        }
        let (mut policies, mut next, mut more) = (Vec::new(), None, false);
        while let Some((position, policy)) = smallest(tx, &mut sources).await? {
            let shown = view::policy_summary(cx, tx, &policy).await?;
            if !filter.includes(&shown) {
                continue;
            }
            if policies.len() == pages.limit() {
                more = true;
                break;
            }
            policies.push(shown);
            next = Some(position);
        }
        let page = pages.answer(Page { items: policies, next: next.filter(|_| more) })?;
        Ok(pb::ListPoliciesResponse { policies: page.items, is_truncated: page.is_truncated, marker: page.marker })
    }
}

impl PolicyFilter {
    /// Whether a policy is listed. Every policy counts as a permissions policy, unless only attached ones are wanted; a
    /// policy counts as a boundary while it is one.
    fn includes(&self, policy: &pb::Policy) -> bool {
        let attached = policy.attachment_count.unwrap_or(0) > 0;
        let boundary = policy.permissions_boundary_usage_count.unwrap_or(0) > 0;
        match self.usage {
            Some(Usage::Boundary) => boundary,
            Some(Usage::Attached) => attached || !self.only_attached,
            None => attached || boundary || !self.only_attached,
        }
    }
}

/// The policies of one owner from a position on. A position is a name in lower case, then the rank of the owner, so
/// that two owners may have policies of one name.
struct Source<'a> {
    owner: AccountId,
    rank: usize,
    prefix: &'a str,
    after: Option<String>,
    ready: std::collections::VecDeque<Policy>,
    exhausted: bool,
}

impl<'a> Source<'a> {
    async fn open(
        tx: &mut Tx,
        owner: AccountId,
        rank: usize,
        prefix: &'a str,
        after: Option<&str>,
    ) -> Result<Source<'a>> {
        let mut source =
            Source { owner, rank, prefix, after: None, ready: std::collections::VecDeque::new(), exhausted: false };
        // Every marker that this server sealed has this shape; any other begins at the start.
        if let Some((name, last_rank)) = after.and_then(|after| after.rsplit_once('/')) {
            source.after = Some(name.to_owned());
            let not_seen = last_rank.parse::<usize>().is_ok_and(|last| last < rank);
            if not_seen && let Ok(name) = PolicyName::parse(name) {
                let found = tx.find::<Policy>(owner, &name).await?;
                source.ready.extend(found.filter(|policy| policy.path.as_str().starts_with(prefix)));
            }
        }
        Ok(source)
    }

    async fn fill(&mut self, tx: &Tx) -> Result<()> {
        while self.ready.is_empty() && !self.exhausted {
            let page = tx.list::<Policy>(self.owner, self.prefix, self.after.as_deref(), CHUNK).await?;
            self.exhausted = page.next.is_none();
            self.after = page.next;
            self.ready.extend(page.items);
        }
        Ok(())
    }

    fn position(&self) -> Option<String> {
        self.ready.front().map(|policy| format!("{}/{}", policy.name.folded(), self.rank))
    }
}

/// Takes the next policy of all sources.
async fn smallest(tx: &Tx, sources: &mut [Source<'_>]) -> Result<Option<(String, Policy)>> {
    for source in sources.iter_mut() {
        source.fill(tx).await?;
    }
    let first = sources.iter_mut().filter(|source| !source.ready.is_empty()).min_by_key(|source| {
        // By name, then by owner; `/` would sort before letters of a longer name, so the two are compared apart.
        (source.ready.front().map(|policy| policy.name.folded()), source.rank)
    });
    let Some(source) = first else { return Ok(None) };
    let position = source.position();
    Ok(position.zip(source.ready.pop_front()))
}

#[cfg(test)]
mod tests;
