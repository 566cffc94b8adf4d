//! Managed policies with their versions.

use bailiwick_api::iam as pb;
use bailiwick_model::limits::VERSIONS_PER_POLICY;

use super::super::documents::{self, Place};
use super::super::identity::path;
use super::super::step::{Call, Step};
use super::{Object, Phase, Planner, Verdict};

/// The documents of a policy, oldest first.
struct Versions {
    documents: Vec<Version>,
    /// The place of the default version.
    default: usize,
}

struct Version {
    id: String,
    document: String,
}

impl Versions {
    fn read(policy: &pb::ManagedPolicyDetail) -> Result<Versions, String> {
        let mut versions = policy.policy_version_list.clone();
        let number = |version: &pb::PolicyVersion| {
            let id = version.version_id.as_deref().unwrap_or_default();
            id.strip_prefix('v').and_then(|number| number.parse::<u32>().ok())
        };
        if let Some(bad) = versions.iter().find(|version| number(version).is_none()) {
            let id = bad.version_id.as_deref().unwrap_or_default();
            return Err(format!("`{id}` is not the id of a version, such as `v1`"));
        }
        versions.sort_by_key(number);
        let given = policy.default_version_id.as_deref();
        let is_default = |version: &pb::PolicyVersion| match given {
            Some(id) => version.version_id.as_deref() == Some(id),
            None => version.is_default_version == Some(true),
        };
        let default = versions.iter().position(is_default);
        let default = default.ok_or("it has no default version in `PolicyVersionList`")?;
        let missing = |id: &str| format!("version {id} has no `Document`");
        let mut documents = Vec::new();
        for version in versions {
            let id = version.version_id.unwrap_or_default();
            let document = version.document.ok_or_else(|| missing(&id))?;
            documents.push(Version { id, document });
        }
        Ok(Versions { documents, default })
    }

    fn default(&self) -> &str {
        &self.documents[self.default].document
    }
}

impl Planner<'_> {
    /// Compares a managed policy of the file.
    pub(super) fn policy(&self, policy: &pb::ManagedPolicyDetail) -> Object {
        let arn = policy.arn.clone().unwrap_or_default();
        if arn.contains(":iam::aws:") {
            return self.shared(&self.rewrite.reference(&arn), policy);
        }
        let name = policy.policy_name.clone().unwrap_or_default();
        let mut object = Object::new(Phase::Policies, format!("policy/{name}"), Verdict::Equal);
        let wanted = match Versions::read(policy) {
            Ok(versions) => versions,
            Err(why) => {
                object.block(vec![why]);
                return object;
            }
        };
        for version in &wanted.documents {
            if let Some(why) = documents::refused(&version.document, Place::Managed, &self.target.partition) {
                object.block(vec![format!("the document of {}: {why}", version.id)]);
            }
        }
        if !object.will_exist() {
            return object;
        }
        match self.state.policies.get(&name.to_lowercase()) {
            None => {
                object.verdict = Verdict::Create;
                object.steps = self.create(policy, &wanted);
            }
            Some(old) => self.update(&mut object, policy, &wanted, old),
        }
        object
    }

    /// An AWS managed policy: the deployment has it or not, and an import does not change it.
    fn shared(&self, arn: &str, policy: &pb::ManagedPolicyDetail) -> Object {
        let mut object = Object::new(Phase::Policies, arn, Verdict::Equal);
        match (self.state.shared_documents.get(arn), Versions::read(policy)) {
            (None, _) => object.block(vec![format!("{}", super::missing_hint(arn))]),
            (Some(document), Ok(versions)) if !documents::same(document, versions.default(), Place::Managed) => {
                object.verdict = Verdict::Keep("this deployment has another document for it".into());
            }
            _ => {}
        }
        object
    }

    fn create(&self, policy: &pb::ManagedPolicyDetail, wanted: &Versions) -> Vec<Step> {
        let arn = self.rewrite.reference(policy.arn.as_deref().unwrap_or_default());
        let delete = Call::DeletePolicy(pb::DeletePolicyRequest { policy_arn: Some(arn.clone()) });
        let create = Call::CreatePolicy(pb::CreatePolicyRequest {
            policy_name: policy.policy_name.clone(),
            path: Some(path(policy.path.as_deref())),
            policy_document: wanted.documents.first().map(|version| version.document.clone()),
            description: policy.description.clone().filter(|text| !text.is_empty()),
            tags: Vec::new(),
        });
        let mut steps = vec![Step::new("create it", create, [delete])];
        let first = Some("v1");
        for (at, version) in wanted.documents.iter().enumerate().skip(1) {
            steps.push(add_version(&arn, &version.document, at == wanted.default, first));
        }
        steps
    }

    /// Makes the versions of an existing policy those of the file. In between, the default version is the old one or the
    /// new one.
    fn update(
        &self,
        object: &mut Object,
        policy: &pb::ManagedPolicyDetail,
        wanted: &Versions,
        old: &pb::ManagedPolicyDetail,
    ) {
        let (old_name, name) =
            (old.policy_name.clone().unwrap_or_default(), policy.policy_name.clone().unwrap_or_default());
        let (old_path, new_path) = (path(old.path.as_deref()), path(policy.path.as_deref()));
        if (&old_name, &old_path) != (&name, &new_path) {
            object.block(vec![format!("the account has it as {old_path}{old_name}, the file as {new_path}{name}")]);
            return;
        }
        let current = match Versions::read(old) {
            Ok(current) => current,
            Err(why) => {
                object.block(vec![format!("the server's answer: {why}")]);
                return;
            }
        };
        // The versions of the file that the account has, and those of the account that the file has.
        let mut kept: Vec<Option<usize>> = vec![None; wanted.documents.len()];
        let mut used = vec![false; current.documents.len()];
        for (new, version) in wanted.documents.iter().enumerate() {
            let same = |at: &usize| {
                !used[*at] && documents::same(&current.documents[*at].document, &version.document, Place::Managed)
            };
            // The default version stays the default if it can.
            let preferred = (new == wanted.default).then_some(current.default).filter(same);
            if let Some(at) = preferred.or_else(|| (0..used.len()).find(same)) {
                (kept[new], used[at]) = (Some(at), true);
            }
        }
        let is_default = kept[wanted.default] == Some(current.default);
        if is_default && kept.iter().all(Option::is_some) && used.iter().all(|used| *used) {
            return;
        }
        if self.keep_existing {
            object.verdict = Verdict::Keep("the account has it with other versions".into());
            return;
        }
        object.verdict = Verdict::Change;
        object.steps = change_versions(old.arn.as_deref().unwrap_or_default(), wanted, &current, &mut kept, &used);
    }
}

fn change_versions(
    arn: &str,
    wanted: &Versions,
    current: &Versions,
    kept: &mut [Option<usize>],
    used: &[bool],
) -> Vec<Step> {
    let old_default = &current.documents[current.default];
    let delete = |at: usize| {
        let Version { id, document } = &current.documents[at];
        let again = version_request(arn, document, false);
        let (policy_arn, version_id) = (Some(arn.to_owned()), Some(id.clone()));
        let call = Call::DeletePolicyVersion(pb::DeletePolicyVersionRequest { policy_arn, version_id });
        Step::new(format!("delete version {id}"), call, [again])
    };
    let mut steps = Vec::new();
    let unused = (0..used.len()).filter(|at| !used[*at]);
    match kept[wanted.default] {
        Some(at) if at != current.default => {
            let id = &current.documents[at].id;
            let undo = set_default(arn, &old_default.id);
            steps.push(Step::new(format!("make {id} the default version"), set_default(arn, id), [undo]));
            steps.extend(unused.map(delete));
        }
        Some(_) => steps.extend(unused.map(delete)),
        None => {
            steps.extend(unused.clone().filter(|at| *at != current.default).map(delete));
            // Makes room for the new default version beside the old one.
            let remaining = used.iter().filter(|used| **used).count() + usize::from(!used[current.default]);
            let spare = kept.iter_mut().find(|at| at.is_some_and(|at| at != current.default));
            if let Some(spare) = spare.filter(|_| remaining >= VERSIONS_PER_POLICY) {
                steps.extend(spare.take().map(delete));
            }
            steps.push(add_version(arn, wanted.default(), true, Some(&old_default.id)));
            steps.extend(unused.filter(|at| *at == current.default).map(delete));
        }
    }
    for (at, version) in wanted.documents.iter().enumerate() {
        if kept[at].is_none() && at != wanted.default {
            steps.push(add_version(arn, &version.document, false, None));
        }
    }
    steps
}

fn version_request(arn: &str, document: &str, is_default: bool) -> Call {
    Call::CreatePolicyVersion(pb::CreatePolicyVersionRequest {
        policy_arn: Some(arn.to_owned()),
        policy_document: Some(document.to_owned()),
        set_as_default: Some(is_default),
    })
}

fn set_default(arn: &str, id: &str) -> Call {
    let (policy_arn, version_id) = (Some(arn.to_owned()), Some(id.to_owned()));
    Call::SetDefaultPolicyVersion(pb::SetDefaultPolicyVersionRequest { policy_arn, version_id })
}

fn add_version(arn: &str, document: &str, is_default: bool, before: Option<&str>) -> Step {
    let undo = before.filter(|_| is_default).map(|id| set_default(arn, id));
    let what = if is_default { "add a version and make it the default" } else { "add a version" };
    Step::new(what, version_request(arn, document, is_default), undo)
}
