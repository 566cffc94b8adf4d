//! Users, groups and roles.

use super::super::documents::{self, Place, TRUSTS_NONE};
use super::super::identity::{Identity, Kind};
use super::super::step::{Call, Step};
use super::{Object, Phase, Planner, Verdict};
use bailiwick_api::iam as pb;

/// The paths of roles that only services change.
const LINKED: &str = "/aws-service-role/";

impl Planner<'_> {
    /// Compares a user, group or role of the file.
    pub(super) fn identity(&self, given: &Identity) -> Object {
        let phase = match given.kind {
            Kind::User => Phase::Users,
            Kind::Group => Phase::Groups,
            Kind::Role => Phase::Roles,
        };
        let mut object = Object::new(phase, format!("{}/{}", given.kind.word(), given.name), Verdict::Equal);
        let old = self.state.identity(given.kind, &given.name);
        if given.kind == Kind::Role && given.path.starts_with(LINKED) {
            if old.is_none() {
                create_linked(&mut object, given);
            }
            return object;
        }
        let wanted = Identity {
            attached: given.attached.iter().map(|arn| self.rewrite.reference(arn)).collect(),
            boundary: given.boundary.as_ref().map(|arn| self.rewrite.reference(arn)),
            ..given.clone()
        };
        let why = self.refused(&wanted);
        if !why.is_empty() {
            object.block(why);
            return object;
        }
        object.needs = self.needs(&wanted);
        match old {
            None => self.create_identity(&mut object, &wanted),
            Some(old) if old.name != wanted.name => {
                object.block(vec![format!("the account has it as `{}`", old.name)]);
            }
            Some(old) => self.change_identity(&mut object, &wanted, old),
        }
        object
    }

    /// Why the server will refuse a document.
    fn refused(&self, wanted: &Identity) -> Vec<String> {
        let partition = &self.target.partition;
        let mut why = Vec::new();
        for (name, document) in &wanted.inline {
            let refused = documents::refused(document, Place::Inline, partition);
            why.extend(refused.map(|problem| format!("inline policy `{name}`: {problem}")));
        }
        if wanted.kind == Kind::Role {
            let refused = documents::refused(&wanted.trust, Place::Trust, partition);
            why.extend(refused.map(|problem| format!("trust policy: {problem}")));
        }
        why
    }

    /// The objects that it refers to, by their names in the report.
    fn needs(&self, wanted: &Identity) -> Vec<String> {
        let mut needs: Vec<String> = wanted.attached.iter().map(|arn| self.policy_name(arn)).collect();
        needs.extend(wanted.boundary.iter().map(|arn| self.policy_name(arn)));
        needs.extend(wanted.groups.iter().map(|group| format!("group/{group}")));
        let own = format!("arn:{}:iam::{}:", self.target.partition, self.target.account);
        for principal in documents::principals(&wanted.trust) {
            let Some(resource) = principal.strip_prefix(&own) else { continue };
            if let Some((kind @ ("user" | "role"), path)) = resource.split_once('/') {
                needs.push(format!("{kind}/{}", path.rsplit('/').next().unwrap_or(path)));
            }
        }
        needs.sort();
        needs.dedup();
        needs
    }

    fn create_identity(&self, object: &mut Object, wanted: &Identity) {
        object.verdict = Verdict::Create;
        object.steps = vec![Step::new("create it", wanted.create(TRUSTS_NONE), [wanted.delete()])];
        let nothing = Identity { inline: Vec::new(), attached: Vec::new(), groups: Vec::new(), ..wanted.clone() };
        self.change_policies(object, wanted, &nothing);
        if wanted.kind == Kind::Role {
            object.last = Some(Step::new("set the trust policy", wanted.trust(&wanted.trust), []));
        }
    }

    fn change_identity(&self, object: &mut Object, wanted: &Identity, old: &Identity) {
        if old.path != wanted.path {
            let Some(call) = wanted.move_to(&wanted.path) else {
                let paths = format!("the account has it with path `{}`, the file with `{}`", old.path, wanted.path);
                object.block(vec![format!("{paths}; the path of a role cannot change")]);
                return;
            };
            let what = format!("move it from path {} to {}", old.path, wanted.path);
            object.steps.push(Step::new(what, call, wanted.move_to(&old.path)));
        }
        self.change_policies(object, wanted, old);
        self.change_tags(object, wanted, old);
        if wanted.kind == Kind::Role && !documents::same(&wanted.trust, &old.trust, Place::Trust) {
            object.last =
                Some(Step::new("set the trust policy", wanted.trust(&wanted.trust), [wanted.trust(&old.trust)]));
        }
        if object.steps.is_empty() && object.last.is_none() {
            return;
        }
        object.verdict = Verdict::Change;
        let arn = format!(
            "arn:{}:iam::{}:{}{}{}",
            self.target.partition,
            self.target.account,
            wanted.kind.word(),
            old.path,
            old.name
        );
        if self.keep_existing {
            *object = Object::new(object.phase, &object.name, Verdict::Keep("the account has another".into()));
        } else if arn == self.state.caller {
            object.block(vec!["it would change the user whose credentials this command uses".into()]);
        }
    }

    /// Changes policies, boundary and groups: what narrows comes before what widens.
    fn change_policies(&self, object: &mut Object, wanted: &Identity, old: &Identity) {
        let (mut narrows, mut removes, mut widens, mut last) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        if wanted.boundary != old.boundary
            && let Some(call) = wanted.bound_by(wanted.boundary.as_deref())
        {
            let undo = wanted.bound_by(old.boundary.as_deref());
            match &wanted.boundary {
                Some(arn) => narrows.push(Step::new(format!("set the boundary {arn}"), call, undo)),
                None => last.push(Step::new("remove the boundary", call, undo)),
            }
        }
        for (name, document) in &wanted.inline {
            let before = old.inline.iter().find(|(old, _)| old == name).map(|(_, document)| document);
            let (verb, undo) = match before {
                Some(before) if documents::same(before, document, Place::Inline) => continue,
                Some(before) => ("replace", wanted.put(name, before)),
                None => ("put", wanted.delete_inline(name)),
            };
            let list = if documents::denies(document) { &mut narrows } else { &mut widens };
            list.push(Step::new(format!("{verb} inline policy {name}"), wanted.put(name, document), [undo]));
        }
        for (name, document) in &old.inline {
            if wanted.inline.iter().all(|(new, _)| new != name) {
                let list = if documents::denies(document) { &mut last } else { &mut removes };
                let undo = wanted.put(name, document);
                list.push(Step::new(format!("delete inline policy {name}"), wanted.delete_inline(name), [undo]));
            }
        }
        for arn in &wanted.attached {
            if !old.attached.contains(arn) {
                let list = if self.policy_denies(arn) { &mut narrows } else { &mut widens };
                list.push(Step::new(format!("attach {arn}"), wanted.attach(arn), [wanted.detach(arn)]));
            }
        }
        for arn in &old.attached {
            if !wanted.attached.contains(arn) {
                let list = if self.policy_denies(arn) { &mut last } else { &mut removes };
                list.push(Step::new(format!("detach {arn}"), wanted.detach(arn), [wanted.attach(arn)]));
            }
        }
        let has = |list: &[String], name: &str| list.iter().any(|each| each.eq_ignore_ascii_case(name));
        for group in wanted.groups.iter().filter(|group| !has(&old.groups, group)) {
            widens.push(Step::new(format!("add it to group/{group}"), wanted.join(group), [wanted.leave(group)]));
        }
        for group in old.groups.iter().filter(|group| !has(&wanted.groups, group)) {
            last.push(Step::new(format!("remove it from group/{group}"), wanted.leave(group), [wanted.join(group)]));
        }
        object.steps.extend(narrows.into_iter().chain(removes).chain(widens).chain(last));
    }

    /// Whether a managed policy of the file or the account denies something. An unknown one might.
    fn policy_denies(&self, arn: &str) -> bool {
        let has_arn = |policy: &&pb::ManagedPolicyDetail| {
            policy.arn.as_ref().is_some_and(|given| given == arn || self.rewrite.reference(given) == arn)
        };
        let found = self.file.policies.iter().find(has_arn).or_else(|| self.state.policies.values().find(has_arn));
        let Some(policy) = found else { return !arn.contains(":iam::aws:") || arn.contains("Deny") };
        let mut versions = policy.policy_version_list.iter().filter_map(|version| version.document.as_deref());
        versions.any(documents::denies)
    }

    fn change_tags(&self, object: &mut Object, wanted: &Identity, old: &Identity) {
        // Keys differ by case only for users of other tools; AWS compares them without regard to it.
        let find = |tags: &[(String, String)], key: &str| tags.iter().find(|(each, _)| each == key).cloned();
        let gone: Vec<_> = old.tags.iter().filter(|(key, _)| find(&wanted.tags, key).is_none()).cloned().collect();
        let set: Vec<_> = wanted.tags.iter().filter(|tag| !old.tags.contains(tag)).cloned().collect();
        let before: Vec<_> = set.iter().filter_map(|(key, _)| find(&old.tags, key)).collect();
        let new: Vec<_> = set.iter().filter(|(key, _)| find(&old.tags, key).is_none()).cloned().collect();
        let names = |tags: &[(String, String)]| tags.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>().join(", ");
        if !gone.is_empty()
            && let Some(call) = wanted.untag(&gone)
        {
            object.steps.push(Step::new(format!("remove the tags {}", names(&gone)), call, wanted.tag(&gone)));
        }
        if !set.is_empty()
            && let Some(call) = wanted.tag(&set)
        {
            let undo =
                [(!new.is_empty()).then(|| wanted.untag(&new)), (!before.is_empty()).then(|| wanted.tag(&before))];
            let undo = undo.into_iter().flatten().flatten();
            object.steps.push(Step::new(format!("set the tags {}", names(&set)), call, undo));
        }
    }
}

/// Creates a role that is linked to a service, which determines everything else of it.
fn create_linked(object: &mut Object, given: &Identity) {
    let service = given.path[LINKED.len()..].trim_end_matches('/').to_owned();
    let custom_suffix = given.name.split_once('_').map(|(_, suffix)| suffix.to_owned());
    let call = Call::CreateServiceLinkedRole(pb::CreateServiceLinkedRoleRequest {
        aws_service_name: Some(service.clone()),
        custom_suffix,
        description: None,
    });
    let undo =
        Call::DeleteServiceLinkedRole(pb::DeleteServiceLinkedRoleRequest { role_name: Some(given.name.clone()) });
    object.verdict = Verdict::Create;
    object.steps = vec![Step::new(format!("create the role that is linked to {service}"), call, [undo])];
}
