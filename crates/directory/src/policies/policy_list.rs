//! The list of managed policies: the account's own and those that the deployment manages, as one list by name.

use bailiwick_api::{iam as pb, op};
use bailiwick_model::limits::DROPPED_PER_PAGE;
use bailiwick_model::{AccountId, PolicyName, Result};
use bailiwick_operation::{Check, Cx, Handle, PathPage, Planned};
use bailiwick_storage::{FoldedName as _, Noun as _, Page, Policy, Tx, Usage};

use crate::{Directory, view};

/// The most policies of an owner that are read from the store at a time.
const CHUNK: usize = 256;

/// A page of the managed policies that a request asks for.
pub struct PolicyFilter {
    owners: Vec<AccountId>,
    only_attached: bool,
    usage: Option<Usage>,
    path: PathPage,
}

/// Lists managed policies by name. A page ends when it is full, or when the filter dropped `DROPPED_PER_PAGE` policies.
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
        let check = Check::without_resource("iam:ListPolicies", cx.account());
        let shown = format!("policy path {}", filter.path.prefix);
        Ok(Planned::new(filter).check(check.displayed_as(shown)))
    }

    async fn handle(&self, cx: &Cx, tx: &mut Tx, filter: PolicyFilter) -> Result<pb::ListPoliciesResponse> {
        let pages = filter.path.page.open(cx, "ListPolicies")?;
        let mut sources = Vec::with_capacity(filter.owners.len());
        for (rank, owner) in filter.owners.iter().enumerate() {
            sources.push(Source::open(tx, *owner, rank, pages.after()).await?);
        }
        let (mut policies, mut last, mut dropped, mut more) = (Vec::new(), None, 0, false);
        let chunk = pages.limit().saturating_add(1).min(CHUNK);
        while let Some((position, policy)) =
            smallest(tx, &mut sources, if dropped == 0 { chunk } else { CHUNK }).await?
        {
            let Some(shown) = filter.shown(cx, tx, &policy).await? else {
                dropped += 1;
                if dropped == DROPPED_PER_PAGE {
                    (last, more) = (Some(position), true);
                    break;
                }
                continue;
            };
            if policies.len() == pages.limit() {
                more = true;
                break;
            }
            policies.push(shown);
            last = Some(position);
        }
        let page = pages.answer(Page { items: policies, next: last.filter(|_| more) })?;
        Ok(pb::ListPoliciesResponse { policies: page.items, is_truncated: page.is_truncated, marker: page.marker })
    }
}

impl PolicyFilter {
    /// The policy as the list shows it, or none if it is not listed.
    async fn shown(&self, cx: &Cx, tx: &Tx, policy: &Policy) -> Result<Option<pb::Policy>> {
        if !policy.is_below(&self.path.prefix) {
            return Ok(None);
        }
        Ok(Some(view::policy_summary(cx, tx, policy).await?).filter(|shown| self.includes(shown)))
    }

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
struct Source {
    owner: AccountId,
    rank: usize,
    after: Option<String>,
    ready: std::collections::VecDeque<Policy>,
    exhausted: bool,
}

impl Source {
    async fn open(tx: &mut Tx, owner: AccountId, rank: usize, after: Option<&str>) -> Result<Source> {
        let mut source =
            Source { owner, rank, after: None, ready: std::collections::VecDeque::new(), exhausted: false };
        // Every marker that this server sealed has this shape; any other begins at the start.
        if let Some((name, last_rank)) = after.and_then(|after| after.rsplit_once('/')) {
            source.after = Some(name.to_owned());
            let not_seen = last_rank.parse::<usize>().is_ok_and(|last| last < rank);
            if not_seen && let Ok(name) = PolicyName::parse(name) {
                source.ready.extend(tx.find::<Policy>(owner, &name).await?);
            }
        }
        Ok(source)
    }

    async fn fill(&mut self, tx: &Tx, chunk: usize) -> Result<()> {
        if self.ready.is_empty() && !self.exhausted {
            let page = tx.list::<Policy>(self.owner, "/", self.after.as_deref(), chunk).await?;
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

/// Takes the next policy of all sources, of which at most `chunk` are read at a time.
async fn smallest(tx: &Tx, sources: &mut [Source], chunk: usize) -> Result<Option<(String, Policy)>> {
    for source in sources.iter_mut() {
        source.fill(tx, chunk).await?;
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
