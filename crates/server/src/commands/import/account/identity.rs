//! Users, groups and roles alike: what the file and the server say of one, and the calls that change it.

use bailiwick_api::iam as pb;

use super::step::Call;

/// The kinds of identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    User,
    Group,
    Role,
}

impl Kind {
    /// As the resource of an ARN: `user`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::User => "user",
            Kind::Group => "group",
            Kind::Role => "role",
        }
    }
}

/// A user, group or role with everything that an import loads.
#[derive(Clone, Debug)]
pub(super) struct Identity {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) path: String,
    /// Inline policies: names and documents.
    pub(super) inline: Vec<(String, String)>,
    /// ARNs of attached policies.
    pub(super) attached: Vec<String>,
    /// The ARN of the permissions boundary.
    pub(super) boundary: Option<String>,
    /// Keys and values.
    pub(super) tags: Vec<(String, String)>,
    /// The groups of a user.
    pub(super) groups: Vec<String>,
    /// The trust policy of a role.
    pub(super) trust: String,
}

impl From<&pb::UserDetail> for Identity {
    fn from(user: &pb::UserDetail) -> Self {
        Identity {
            kind: Kind::User,
            name: user.user_name.clone().unwrap_or_default(),
            path: path(user.path.as_deref()),
            inline: inline(&user.user_policy_list),
            attached: attached(&user.attached_managed_policies),
            boundary: boundary(user.permissions_boundary.as_ref()),
            tags: pairs(&user.tags),
            groups: user.group_list.clone(),
            trust: String::new(),
        }
    }
}

impl From<&pb::GroupDetail> for Identity {
    fn from(group: &pb::GroupDetail) -> Self {
        Identity {
            kind: Kind::Group,
            name: group.group_name.clone().unwrap_or_default(),
            path: path(group.path.as_deref()),
            inline: inline(&group.group_policy_list),
            attached: attached(&group.attached_managed_policies),
            boundary: None,
            tags: Vec::new(),
            groups: Vec::new(),
            trust: String::new(),
        }
    }
}

impl From<&pb::RoleDetail> for Identity {
    fn from(role: &pb::RoleDetail) -> Self {
        Identity {
            kind: Kind::Role,
            name: role.role_name.clone().unwrap_or_default(),
            path: path(role.path.as_deref()),
            inline: inline(&role.role_policy_list),
            attached: attached(&role.attached_managed_policies),
            boundary: boundary(role.permissions_boundary.as_ref()),
            tags: pairs(&role.tags),
            groups: Vec::new(),
            trust: role.assume_role_policy_document.clone().unwrap_or_default(),
        }
    }
}

/// An absent path is `/`.
pub(super) fn path(path: Option<&str>) -> String {
    path.unwrap_or("/").to_owned()
}

fn inline(policies: &[pb::PolicyDetail]) -> Vec<(String, String)> {
    let pair = |policy: &pb::PolicyDetail| {
        (policy.policy_name.clone().unwrap_or_default(), policy.policy_document.clone().unwrap_or_default())
    };
    policies.iter().map(pair).collect()
}

fn attached(policies: &[pb::AttachedPolicy]) -> Vec<String> {
    policies.iter().filter_map(|policy| policy.policy_arn.clone()).collect()
}

fn boundary(boundary: Option<&pb::AttachedPermissionsBoundary>) -> Option<String> {
    boundary.and_then(|boundary| boundary.permissions_boundary_arn.clone())
}

/// Keys and values of tags.
pub(super) fn pairs(tags: &[pb::Tag]) -> Vec<(String, String)> {
    tags.iter().map(|tag| (tag.key.clone().unwrap_or_default(), tag.value.clone().unwrap_or_default())).collect()
}

/// The message of tags.
pub(super) fn tags(pairs: &[(String, String)]) -> Vec<pb::Tag> {
    pairs.iter().map(|(key, value)| pb::Tag { key: Some(key.clone()), value: Some(value.clone()) }).collect()
}

/// The calls on an identity.
impl Identity {
    fn name(&self) -> Option<String> {
        Some(self.name.clone())
    }

    /// Creates it with path, boundary and tags. A role gets the given trust policy.
    pub(super) fn create(&self, trust: &str) -> Call {
        let (path, permissions_boundary) = (Some(self.path.clone()), self.boundary.clone());
        let tags = tags(&self.tags);
        match self.kind {
            Kind::User => {
                Call::CreateUser(pb::CreateUserRequest { user_name: self.name(), path, permissions_boundary, tags })
            }
            Kind::Group => Call::CreateGroup(pb::CreateGroupRequest { group_name: self.name(), path }),
            Kind::Role => Call::CreateRole(pb::CreateRoleRequest {
                role_name: self.name(),
                path,
                permissions_boundary,
                tags,
                assume_role_policy_document: Some(trust.to_owned()),
                ..pb::CreateRoleRequest::default()
            }),
        }
    }

    /// Deletes it.
    pub(super) fn delete(&self) -> Call {
        match self.kind {
            Kind::User => Call::DeleteUser(pb::DeleteUserRequest { user_name: self.name() }),
            Kind::Group => Call::DeleteGroup(pb::DeleteGroupRequest { group_name: self.name() }),
            Kind::Role => Call::DeleteRole(pb::DeleteRoleRequest { role_name: self.name() }),
        }
    }

    /// Moves it to another path. A role stays where it is.
    pub(super) fn move_to(&self, path: &str) -> Option<Call> {
        let new_path = Some(path.to_owned());
        match self.kind {
            Kind::User => {
                Some(Call::UpdateUser(pb::UpdateUserRequest { user_name: self.name(), new_path, new_user_name: None }))
            }
            Kind::Group => Some(Call::UpdateGroup(pb::UpdateGroupRequest {
                group_name: self.name(),
                new_path,
                new_group_name: None,
            })),
            Kind::Role => None,
        }
    }

    /// Puts an inline policy.
    pub(super) fn put(&self, policy: &str, document: &str) -> Call {
        let (policy_name, policy_document) = (Some(policy.to_owned()), Some(document.to_owned()));
        match self.kind {
            Kind::User => {
                Call::PutUserPolicy(pb::PutUserPolicyRequest { user_name: self.name(), policy_name, policy_document })
            }
            Kind::Group => Call::PutGroupPolicy(pb::PutGroupPolicyRequest {
                group_name: self.name(),
                policy_name,
                policy_document,
            }),
            Kind::Role => {
                Call::PutRolePolicy(pb::PutRolePolicyRequest { role_name: self.name(), policy_name, policy_document })
            }
        }
    }

    /// Deletes an inline policy.
    pub(super) fn delete_inline(&self, policy: &str) -> Call {
        let policy_name = Some(policy.to_owned());
        match self.kind {
            Kind::User => Call::DeleteUserPolicy(pb::DeleteUserPolicyRequest { user_name: self.name(), policy_name }),
            Kind::Group => {
                Call::DeleteGroupPolicy(pb::DeleteGroupPolicyRequest { group_name: self.name(), policy_name })
            }
            Kind::Role => Call::DeleteRolePolicy(pb::DeleteRolePolicyRequest { role_name: self.name(), policy_name }),
        }
    }

    /// Attaches a managed policy.
    pub(super) fn attach(&self, arn: &str) -> Call {
        let policy_arn = Some(arn.to_owned());
        match self.kind {
            Kind::User => Call::AttachUserPolicy(pb::AttachUserPolicyRequest { user_name: self.name(), policy_arn }),
            Kind::Group => {
                Call::AttachGroupPolicy(pb::AttachGroupPolicyRequest { group_name: self.name(), policy_arn })
            }
            Kind::Role => Call::AttachRolePolicy(pb::AttachRolePolicyRequest { role_name: self.name(), policy_arn }),
        }
    }

    /// Detaches a managed policy.
    pub(super) fn detach(&self, arn: &str) -> Call {
        let policy_arn = Some(arn.to_owned());
        match self.kind {
            Kind::User => Call::DetachUserPolicy(pb::DetachUserPolicyRequest { user_name: self.name(), policy_arn }),
            Kind::Group => {
                Call::DetachGroupPolicy(pb::DetachGroupPolicyRequest { group_name: self.name(), policy_arn })
            }
            Kind::Role => Call::DetachRolePolicy(pb::DetachRolePolicyRequest { role_name: self.name(), policy_arn }),
        }
    }

    /// Sets or removes the boundary. A group has none.
    pub(super) fn bound_by(&self, arn: Option<&str>) -> Option<Call> {
        let permissions_boundary = arn.map(str::to_owned);
        let name = self.name();
        Some(match (self.kind, arn) {
            (Kind::Group, _) => return None,
            (Kind::User, Some(_)) => Call::PutUserPermissionsBoundary(pb::PutUserPermissionsBoundaryRequest {
                user_name: name,
                permissions_boundary,
            }),
            (Kind::User, None) => {
                Call::DeleteUserPermissionsBoundary(pb::DeleteUserPermissionsBoundaryRequest { user_name: name })
            }
            (Kind::Role, Some(_)) => Call::PutRolePermissionsBoundary(pb::PutRolePermissionsBoundaryRequest {
                role_name: name,
                permissions_boundary,
            }),
            (Kind::Role, None) => {
                Call::DeleteRolePermissionsBoundary(pb::DeleteRolePermissionsBoundaryRequest { role_name: name })
            }
        })
    }

    /// Sets tags. A group has none.
    pub(super) fn tag(&self, pairs: &[(String, String)]) -> Option<Call> {
        let tags = tags(pairs);
        match self.kind {
            Kind::User => Some(Call::TagUser(pb::TagUserRequest { user_name: self.name(), tags })),
            Kind::Role => Some(Call::TagRole(pb::TagRoleRequest { role_name: self.name(), tags })),
            Kind::Group => None,
        }
    }

    /// Removes tags. A group has none.
    pub(super) fn untag(&self, pairs: &[(String, String)]) -> Option<Call> {
        let tag_keys = pairs.iter().map(|(key, _)| key.clone()).collect();
        match self.kind {
            Kind::User => Some(Call::UntagUser(pb::UntagUserRequest { user_name: self.name(), tag_keys })),
            Kind::Role => Some(Call::UntagRole(pb::UntagRoleRequest { role_name: self.name(), tag_keys })),
            Kind::Group => None,
        }
    }

    /// Adds a user to a group.
    pub(super) fn join(&self, group: &str) -> Call {
        let group_name = Some(group.to_owned());
        Call::AddUserToGroup(pb::AddUserToGroupRequest { group_name, user_name: self.name() })
    }

    /// Removes a user from a group.
    pub(super) fn leave(&self, group: &str) -> Call {
        let group_name = Some(group.to_owned());
        Call::RemoveUserFromGroup(pb::RemoveUserFromGroupRequest { group_name, user_name: self.name() })
    }

    /// Sets the trust policy of a role.
    pub(super) fn trust(&self, document: &str) -> Call {
        let policy_document = Some(document.to_owned());
        Call::UpdateAssumeRolePolicy(pb::UpdateAssumeRolePolicyRequest { role_name: self.name(), policy_document })
    }
}
