//! A plain scan over parsed statements, written to be fast: no index, no allocation, cheap tests first. It reads a
//! request from strings as the others do, and supports wildcards anywhere and conditions on any key.

use super::Engine;
use crate::world::{Request, World};

pub struct Scan {
    statements: Vec<Statement>,
}

struct Statement {
    deny: bool,
    not_action: bool,
    actions: Vec<Pattern>,
    not_resource: bool,
    resources: Vec<Pattern>,
    conditions: Vec<Condition>,
}

struct Condition {
    operator: Operator,
    /// In lower case.
    key: String,
    values: Vec<Pattern>,
}

/// Some of the operators; the others would be more arms of the same `match`.
#[derive(Clone, Copy)]
enum Operator {
    StringEquals,
    StringNotEquals,
    StringLike,
    Bool,
}

enum Pattern {
    Everything,
    Exact(String),
    Prefix(String),
    Wild(Vec<u8>),
}

impl Pattern {
    fn new(text: &str) -> Self {
        match text.find(['*', '?']) {
            None => Self::Exact(text.to_owned()),
            Some(0) if text.len() == 1 => Self::Everything,
            Some(at) if at + 1 == text.len() && text.ends_with('*') => Self::Prefix(text[..at].to_owned()),
            Some(_) => Self::Wild(text.as_bytes().to_vec()),
        }
    }

    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Exact(own) => own == text,
            Self::Prefix(own) => text.starts_with(own),
            Self::Wild(own) => wild(own, text.as_bytes(), |a, b| a == b),
        }
    }

    fn matches_action(&self, action: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Exact(own) => own.eq_ignore_ascii_case(action),
            Self::Prefix(own) => action.get(..own.len()).is_some_and(|head| head.eq_ignore_ascii_case(own)),
            Self::Wild(own) => wild(own, action.as_bytes(), |a, b| a.eq_ignore_ascii_case(&b)),
        }
    }
}

/// Two pointers, going back to the last star.
fn wild(pattern: &[u8], text: &[u8], same: impl Fn(u8, u8) -> bool) -> bool {
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || same(*byte, text[t]) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

impl Operator {
    fn holds(self, values: &[Pattern], actual: Option<&str>) -> bool {
        let Some(actual) = actual else { return matches!(self, Self::StringNotEquals) };
        match self {
            Self::StringEquals | Self::StringLike => values.iter().any(|value| value.matches(actual)),
            Self::StringNotEquals => !values.iter().any(|value| value.matches(actual)),
            Self::Bool => values.iter().any(|value| value.matches_action(actual)),
        }
    }

    fn parse(name: &str) -> Self {
        match name {
            "StringLike" => Self::StringLike,
            "StringNotEquals" => Self::StringNotEquals,
            "Bool" => Self::Bool,
            _ => Self::StringEquals,
        }
    }
}

impl Scan {
    pub fn new(world: &World) -> Self {
        let statement = |s: &crate::world::Statement| Statement {
            deny: s.deny,
            not_action: false,
            actions: s.actions.iter().map(|action| Pattern::new(action)).collect(),
            not_resource: false,
            resources: vec![Pattern::new(&s.resource)],
            conditions: s
                .team
                .iter()
                .map(|team| Condition {
                    operator: Operator::parse("StringEquals"),
                    key: "aws:principaltag/team".to_owned(),
                    values: vec![Pattern::Exact(team.clone())],
                })
                .collect(),
        };
        Self { statements: world.statements.iter().map(statement).collect() }
    }

    /// Allowed or not, and the statement that decided.
    fn decide(&self, request: &Request) -> Option<(bool, usize)> {
        if request.action.eq_ignore_ascii_case("sts:GetCallerIdentity") {
            return Some((true, usize::MAX));
        }
        // The caller's account is the resource's, or the identity side alone does not suffice.
        let account = request.principal.strip_prefix("arn:aws:iam::")?.get(..12)?;
        let own = account.bytes().all(|byte| byte.is_ascii_digit()) && account == "111122223333";
        let keys = [
            ("aws:PrincipalArn", &*request.principal),
            ("aws:PrincipalTag/team", &*request.team),
            ("aws:SourceIp", &*request.source_ip),
            ("aws:CurrentTime", &*request.time),
        ];
        let value = |key: &str| keys.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| *value);
        let mut allowed = None;
        for (at, statement) in self.statements.iter().enumerate() {
            let resource = statement.resources.iter().any(|resource| resource.matches(&request.resource));
            if resource == statement.not_resource {
                continue;
            }
            let action = statement.actions.iter().any(|action| action.matches_action(&request.action));
            if action == statement.not_action {
                continue;
            }
            if statement.conditions.iter().all(|c| c.operator.holds(&c.values, value(&c.key))) {
                if statement.deny {
                    return Some((false, at));
                }
                allowed = allowed.or(Some(at));
            }
        }
        allowed.filter(|_| own).map(|at| (true, at))
    }
}

impl Engine for Scan {
    fn name(&self) -> &'static str {
        "plain scan"
    }

    fn allows(&mut self, request: &Request) -> bool {
        self.decide(request).is_some_and(|(allowed, at)| std::hint::black_box(at) < usize::MAX && allowed)
    }
}
