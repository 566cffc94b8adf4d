//! Requests: their callers, drawn evenly or by Zipf's law, their actions and resources.

use anyhow::{Result, bail};
use bailiwick_evaluator::{Context, ContextSource, ContextValue, Entity, Principal, Request, decide};
use bailiwick_model::{AccountId, UniqueId};
use bailiwick_snapshot::Snapshot;

use crate::world::{self, World};

/// How principals are drawn.
#[derive(Clone, Copy)]
pub enum Access {
    /// All principals with equal frequency.
    Uniform,
    /// The n-th most frequent principal 1/n times as often as the most frequent one.
    Zipf,
}

/// A small generator, sufficient to draw requests.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// In `0..1`.
    fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    pub fn principal(&mut self, access: Access, principals: u64) -> u64 {
        match access {
            Access::Uniform => self.next() % principals,
            Access::Zipf => {
                // The distribution function of 1/n is a logarithm; its inverse draws.
                let rank = ((principals as f64 + 1.0).powf(self.fraction()) as u64 - 1).min(principals - 1);
                // Frequent ones lie anywhere: 7,919 is prime and divides no size of a world.
                rank * 7_919 % principals
            }
        }
    }
}

/// A request in strings, as a client sends it, and the expected decision.
pub struct Asked {
    id: UniqueId,
    arn: String,
    session: Option<String>,
    action: &'static str,
    resource: String,
    allowed: bool,
}

impl Asked {
    pub fn draw(random: &mut Random, access: Access, world: &World) -> Asked {
        let number = random.principal(access, world.principals);
        let name = world::name(number);
        let session = world::is_role(number).then(|| format!("arn:aws:sts::111122223333:assumed-role/{name}/session"));
        let kind = if session.is_some() { "role" } else { "user" };
        let policy = world::attached(number);
        let (action, resource, allowed) = match random.next() % 4 {
            0 | 1 => ("s3:GetObject", format!("arn:aws:s3:::bucket-{policy}/item-{}", random.next() % 1_000), true),
            2 => ("s3:PutObject", format!("arn:aws:s3:::home/{number}/item"), world::has_own(number)),
            _ => ("s3:DeleteObject", format!("arn:aws:s3:::bucket-{policy}/item"), false),
        };
        let arn = format!("arn:aws:iam::111122223333:{kind}/{name}");
        Asked { id: world::principal_id(number), arn, session, action, resource, allowed }
    }

    /// Finds the principal and its policies, and decides.
    pub fn decide(&self, snapshot: &Snapshot, account: AccountId) -> bool {
        let Some(effective_policies) = snapshot.effective_policies(&self.id) else { return false };
        let named = Entity { arn: &self.arn, unique_id: Some(self.id.as_str()) };
        let principal = match &self.session {
            None => Principal::User { account: account.into(), user: named },
            Some(arn) => Principal::RoleSession {
                account: account.into(),
                arn,
                role: named,
                provider: None,
                service_linked: false,
            },
        };
        let keys = [
            ("aws:PrincipalArn", ContextValue::One(&self.arn)),
            ("aws:SourceIp", ContextValue::One("203.0.113.7")),
            ("aws:CurrentTime", ContextValue::One("2026-01-01T00:00:00Z")),
        ];
        let layers: [&dyn ContextSource; 1] = [&keys];
        let request = Request {
            principal,
            action: self.action,
            resource: &self.resource,
            resource_account: account.into(),
            context: Context::new(&layers),
        };
        decide(&request, &effective_policies.policies()).is_allowed()
    }

    /// Fails unless the decision is the one that the world was built for.
    pub fn check(&self, snapshot: &Snapshot, account: AccountId) -> Result<()> {
        if self.decide(snapshot, account) != self.allowed {
            bail!("{} {} {}: {} expected", self.arn, self.action, self.resource, self.allowed);
        }
        Ok(())
    }
}
