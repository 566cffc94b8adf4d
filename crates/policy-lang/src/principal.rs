//! The values of a `Principal` element.

/// The kinds of principals, named as documents write them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// `AWS`: accounts, users, roles and their sessions.
    Aws,
    /// `Service`: service principals.
    Service,
    /// `Federated`: identity providers.
    Federated,
    /// `CanonicalUser`: an account under its object-storage name.
    CanonicalUser,
}

impl PrincipalKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Aws, Self::Service, Self::Federated, Self::CanonicalUser];

    /// Reads a kind's name; case counts.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "AWS" => Some(Self::Aws),
            "Service" => Some(Self::Service),
            "Federated" => Some(Self::Federated),
            "CanonicalUser" => Some(Self::CanonicalUser),
            _ => None,
        }
    }

    /// As documents write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Aws => "AWS",
            Self::Service => "Service",
            Self::Federated => "Federated",
            Self::CanonicalUser => "CanonicalUser",
        }
    }
}

/// A value of a `Principal` element. Only its form is checked, not whether it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalName<'a> {
    /// `*`: everyone, anonymous callers included (of `Service`, `Federated`: everyone of that kind).
    Everyone,
    /// An account: its twelve digits, or the ARN of its root.
    Account {
        /// The account's id.
        account: &'a str,
        /// The partition, when it was an ARN.
        partition: Option<&'a str>,
    },
    /// `arn:aws:iam::…:user/path/name`.
    User {
        /// The partition.
        partition: &'a str,
        /// The account's id.
        account: &'a str,
        /// Path and name: what follows `user`, beginning with `/`.
        path_and_name: &'a str,
    },
    /// `arn:aws:iam::…:role/path/name`.
    Role {
        /// The partition.
        partition: &'a str,
        /// The account's id.
        account: &'a str,
        /// Path and name: what follows `role`, beginning with `/`.
        path_and_name: &'a str,
    },
    /// `arn:aws:sts::…:assumed-role/name/session`.
    AssumedRole {
        /// The partition.
        partition: &'a str,
        /// The account's id.
        account: &'a str,
        /// The role's name, without path.
        role: &'a str,
        /// The session's name.
        session: &'a str,
    },
    /// `arn:aws:sts::…:federated-user/name`.
    FederatedUser {
        /// The partition.
        partition: &'a str,
        /// The account's id.
        account: &'a str,
        /// The name given to GetFederationToken.
        name: &'a str,
    },
    /// A unique id (`AIDA…`, `AROA…`): a user or role that a saved document was bound to.
    UniqueId(&'a str),
    /// A service principal, such as `ec2.amazonaws.com`.
    Service(&'a str),
    /// `arn:aws:iam::…:saml-provider/name`.
    SamlProvider(&'a str),
    /// `arn:aws:iam::…:oidc-provider/host/path`.
    OidcProvider(&'a str),
    /// An identity provider under its domain, such as `accounts.google.com`.
    FederatedDomain(&'a str),
    /// A canonical user id: 64 hexadecimal digits.
    CanonicalUser(&'a str),
}

impl<'a> PrincipalName<'a> {
    /// Reads a value of the given kind; `None` when it has none of the shapes that the kind knows.
    #[must_use]
    pub fn parse(kind: PrincipalKind, value: &'a str) -> Option<Self> {
        if value == "*" && kind != PrincipalKind::CanonicalUser {
            return Some(Self::Everyone);
        }
        match kind {
            PrincipalKind::Aws => Self::parse_aws(value),
            PrincipalKind::Service => is_domain(value).then_some(Self::Service(value)),
            PrincipalKind::Federated => Self::parse_federated(value),
            PrincipalKind::CanonicalUser => {
                let hex = value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
                hex.then_some(Self::CanonicalUser(value))
            }
        }
    }

    /// Whether this is a user or role that is bound to its unique id when the document is saved.
    #[must_use]
    pub fn is_bindable(&self) -> bool {
        matches!(self, Self::User { .. } | Self::Role { .. })
    }

    fn parse_aws(value: &'a str) -> Option<Self> {
        if is_account(value) {
            return Some(Self::Account { account: value, partition: None });
        }
        let Some((partition, service, account, resource)) = global_arn(value) else {
            return is_entity_id(value).then_some(Self::UniqueId(value));
        };
        match service {
            "iam" if resource == "root" => Some(Self::Account { account, partition: Some(partition) }),
            "iam" => match resource.split_at_checked(4)? {
                ("user", rest) if is_entity_path(rest, 64) => {
                    Some(Self::User { partition, account, path_and_name: rest })
                }
                ("role", rest) if is_entity_path(rest, 64) => {
                    Some(Self::Role { partition, account, path_and_name: rest })
                }
                _ => None,
            },
            "sts" => match resource.split_once('/')? {
                ("assumed-role", rest) => {
                    let (role, session) = rest.split_once('/')?;
                    let good = is_name(role, 64) && is_name(session, 64);
                    good.then_some(Self::AssumedRole { partition, account, role, session })
                }
                ("federated-user", name) => {
                    is_name(name, 64).then_some(Self::FederatedUser { partition, account, name })
                }
                _ => None,
            },
            _ => None,
        }
    }

    fn parse_federated(value: &'a str) -> Option<Self> {
        let Some((_, service, _, resource)) = global_arn(value) else {
            return is_domain(value).then_some(Self::FederatedDomain(value));
        };
        match resource.split_once('/')? {
            ("saml-provider", name) if service == "iam" && is_name(name, 128) => Some(Self::SamlProvider(value)),
            ("oidc-provider", url) if service == "iam" && is_provider_url(url) => Some(Self::OidcProvider(value)),
            _ => None,
        }
    }
}

/// Partition, service, account and resource of an ARN without region and with an account.
fn global_arn(value: &str) -> Option<(&str, &str, &str, &str)> {
    let mut parts = value.splitn(6, ':');
    let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
    let good = arn == "arn" && is_partition(partition) && region.is_empty() && is_account(account);
    good.then_some((partition, service, account, resource))
}

fn is_partition(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_entity_id(text: &str) -> bool {
    (text.starts_with("AIDA") || text.starts_with("AROA"))
        && (16..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn is_name(text: &str, longest: usize) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@-".contains(&b);
    (1..=longest).contains(&text.len()) && text.bytes().all(plain)
}

/// `/name` or `/path/name`, as it follows `user` or `role`.
fn is_entity_path(text: &str, longest_name: usize) -> bool {
    text.starts_with('/')
        && text.len() <= 512 + longest_name
        && text.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b'*' && b != b'?')
        && text.rsplit('/').next().is_some_and(|name| is_name(name, longest_name))
}

fn is_domain(text: &str) -> bool {
    let label =
        |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    text.len() <= 255 && text.contains('.') && text.split('.').all(label)
}

fn is_provider_url(text: &str) -> bool {
    let host = text.split('/').next().unwrap_or("");
    let host = host.split(':').next().unwrap_or("");
    is_domain(host) && text.len() <= 255 && text.bytes().all(|b| (0x21..=0x7e).contains(&b) && b != b'*' && b != b'?')
}

#[cfg(test)]
mod tests;
