//! What an import would do: every object of the file, compared with the account, and the calls that make it equal.

mod identities;
mod policies;
mod profiles;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use super::file::Details;
use super::rewrite::{Place, Rewrite};
use super::state::State;
use super::step::Step;

/// An object of the file.
#[derive(Debug)]
pub(super) struct Object {
    /// `user/alice`, or the ARN of an AWS managed policy.
    pub(super) name: String,
    /// When it is made.
    pub(super) phase: Phase,
    /// The outcome of the comparison.
    pub(super) verdict: Verdict,
    /// What makes it equal, in order.
    pub(super) steps: Vec<Step>,
    /// A last step, after the steps of all objects of its phase, since it may name these.
    pub(super) last: Option<Step>,
    /// Objects that must exist before.
    needs: Vec<String>,
}

/// The order in which objects are made: each may refer to those of the phases before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Phase {
    Policies,
    Groups,
    Users,
    Roles,
    InstanceProfiles,
}

impl Phase {
    /// In order.
    pub(super) const ALL: [Phase; 5] =
        [Phase::Policies, Phase::Groups, Phase::Users, Phase::Roles, Phase::InstanceProfiles];
}

/// The outcome of comparing an object with the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The account does not have it.
    Create,
    /// The account has another.
    Change,
    /// The account has it.
    Equal,
    /// The account has another, which stays, for this reason.
    Keep(String),
    /// It cannot be loaded, for these reasons.
    Blocked(Vec<String>),
}

impl Object {
    fn new(phase: Phase, name: impl Into<String>, verdict: Verdict) -> Self {
        Object { name: name.into(), phase, verdict, steps: Vec::new(), last: None, needs: Vec::new() }
    }

    fn block(&mut self, why: Vec<String>) {
        match &mut self.verdict {
            Verdict::Blocked(reasons) => reasons.extend(why),
            verdict => *verdict = Verdict::Blocked(why),
        }
        self.steps.clear();
        self.last = None;
    }

    /// Whether the account will have it.
    fn will_exist(&self) -> bool {
        !matches!(self.verdict, Verdict::Blocked(_))
    }
}

/// What the comparison is made of.
pub(super) struct Planner<'a> {
    /// The file.
    pub(super) file: &'a Details,
    /// The account.
    pub(super) state: &'a State,
    /// How references are rewritten.
    pub(super) rewrite: &'a Rewrite,
    /// The target account.
    pub(super) target: &'a Place,
    /// Whether existing objects stay as they are.
    pub(super) keep_existing: bool,
}

impl Planner<'_> {
    /// Compares every object of the file with the account. Objects that only the account has are not touched.
    pub(super) fn plan(&self) -> Vec<Object> {
        let mut objects = Vec::new();
        for (name, why) in &self.file.unread {
            objects.push(Object::new(Phase::Policies, name, Verdict::Blocked(vec![why.clone()])));
        }
        objects.extend(self.file.policies.iter().map(|policy| self.policy(policy)));
        objects.extend(self.file.groups.iter().map(|group| self.identity(&group.into())));
        objects.extend(self.file.users.iter().map(|user| self.identity(&user.into())));
        objects.extend(self.file.roles.iter().map(|role| self.identity(&role.into())));
        objects.extend(self.profiles());
        let mut seen = HashSet::new();
        for object in &mut objects {
            if !seen.insert(object.name.to_lowercase()) {
                object.block(vec!["the file has it twice".into()]);
            }
            block_invalid(object);
        }
        self.block_dependents(&mut objects);
        objects
    }

    /// Blocks what needs an object that neither the account nor the file has, until nothing changes.
    fn block_dependents(&self, objects: &mut [Object]) {
        loop {
            let lower = |object: &Object| object.name.to_lowercase();
            let loaded: HashSet<String> = objects.iter().filter(|object| object.will_exist()).map(lower).collect();
            let named: HashSet<String> = objects.iter().map(lower).collect();
            let mut changed = false;
            for object in objects.iter_mut().filter(|object| object.will_exist()) {
                let missing = object.needs.iter().filter(|name| !loaded.contains(&name.to_lowercase()));
                let missing: Vec<&String> = missing.filter(|name| !self.exists(name)).collect();
                let why: Vec<String> = missing
                    .into_iter()
                    .map(|name| match named.contains(&name.to_lowercase()) {
                        true => format!("it needs {name}, which cannot be loaded"),
                        false => format!("it needs {name}, {}", missing_hint(name)),
                    })
                    .collect();
                if !why.is_empty() {
                    object.block(why);
                    changed = true;
                }
            }
            if !changed {
                return;
            }
        }
    }

    /// Whether the account has an object, by its name in the report.
    fn exists(&self, name: &str) -> bool {
        let (kind, bare) = name.split_once('/').unwrap_or_default();
        let is = |kind| self.state.identity(kind, bare).is_some();
        match kind {
            "user" => is(super::identity::Kind::User),
            "group" => is(super::identity::Kind::Group),
            "role" => is(super::identity::Kind::Role),
            "policy" => self.state.policies.contains_key(&bare.to_lowercase()),
            _ => self.state.shared.contains_key(name),
        }
    }

    /// The name in the report of the managed policy with an ARN of the file.
    fn policy_name(&self, arn: &str) -> String {
        let own = format!("arn:{}:iam::{}:policy/", self.target.partition, self.target.account);
        let arn = self.rewrite.reference(arn);
        match arn.strip_prefix(&own) {
            Some(path) => format!("policy/{}", path.rsplit('/').next().unwrap_or(path)),
            None => arn,
        }
    }
}

/// What to do about a missing object.
fn missing_hint(name: &str) -> &'static str {
    if name.starts_with("arn:") && name.contains(":iam::aws:policy/") {
        "an AWS managed policy that this deployment does not have: load it with `bailiwick import managed-policies`"
    } else {
        "which neither the file nor the account has"
    }
}

/// Blocks an object if the server will refuse a request by itself.
fn block_invalid(object: &mut Object) {
    let mut why: Vec<(String, &str)> = Vec::new();
    for step in object.steps.iter().chain(&object.last) {
        if let Some(violations) = step.call.violations()
            && why.iter().all(|(each, _)| *each != violations)
        {
            why.push((violations, step.call.name()));
        }
    }
    if !why.is_empty() {
        object.block(why.into_iter().map(|(violations, call)| format!("{call}: {violations}")).collect());
    }
}
