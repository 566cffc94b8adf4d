//! The policies and requests of all engines.

use serde_json::{Value, json};

/// A principal's statements, and requests to decide.
pub struct World {
    /// As statements that each engine translates before anything is timed.
    pub statements: Vec<Statement>,
    pub requests: Vec<Request>,
}

/// What all engines can express: effect, a few actions, resources by prefix, one tag.
#[derive(Clone)]
pub struct Statement {
    pub deny: bool,
    /// Whole names, or names that end in `*`.
    pub actions: Vec<String>,
    /// An ARN that ends in `*`.
    pub resource: String,
    /// The required value of `aws:PrincipalTag/team`.
    pub team: Option<String>,
}

/// A request, as strings.
#[derive(Clone)]
pub struct Request {
    pub principal: String,
    pub action: String,
    pub resource: String,
    pub team: String,
    pub source_ip: String,
    pub time: String,
}

const SERVICES: &[&str] = &["photos", "albums", "queues", "tables", "secrets", "streams", "keys", "jobs"];
const VERBS: &[&str] = &["Get", "List", "Put", "Delete", "Tag"];
const NOUNS: &[&str] = &["Item", "Folder", "Policy", "Version"];

/// Pseudo-random numbers that are the same in every run.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }
}

impl World {
    /// A principal with so many statements: one in ten denies, one in four has a condition, one action in five is a
    /// prefix. Of the requests half are made from a statement, half bent away from one.
    pub fn new(statements: usize, requests: usize) -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let statements: Vec<Statement> = (0..statements).map(|n| statement(&mut random, n)).collect();
        let requests = (0..requests).map(|n| request(&mut random, &statements, n)).collect();
        Self { statements, requests }
    }

    /// The policy as an AWS document.
    pub fn document(&self) -> Value {
        let statement = |s: &Statement| {
            let mut out = json!({
                "Effect": if s.deny { "Deny" } else { "Allow" },
                "Action": s.actions,
                "Resource": s.resource,
            });
            if let Some(team) = &s.team {
                out["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/team": team}});
            }
            out
        };
        json!({"Version": "2012-10-17", "Statement": self.statements.iter().map(statement).collect::<Vec<_>>()})
    }
}

fn statement(random: &mut Random, n: usize) -> Statement {
    let service = random.pick(SERVICES);
    let action = |random: &mut Random| match random.below(5) {
        0 => format!("{service}:{}*", random.pick(VERBS)),
        _ => format!("{service}:{}{}", random.pick(VERBS), random.pick(NOUNS)),
    };
    Statement {
        deny: random.below(10) == 0,
        actions: (0..1 + random.below(4)).map(|_| action(random)).collect(),
        resource: format!("arn:aws:{service}:eu-west-1:111122223333:box/unit-{n}/*"),
        team: (random.below(4) == 0).then(|| random.pick(&["red", "blue"]).to_owned()),
    }
}

fn request(random: &mut Random, statements: &[Statement], n: usize) -> Request {
    let of = &statements[random.below(statements.len())];
    let action = of.actions[random.below(of.actions.len())].replace('*', random.pick(NOUNS));
    let service = action.split(':').next().unwrap_or_default();
    // A quarter requests another action, a quarter a resource whose name has the same prefix.
    let (action, bend) = match random.below(4) {
        0 => (format!("{service}:{}{}", random.pick(VERBS), random.pick(NOUNS)), ""),
        1 => (action.clone(), "x"),
        _ => (action.clone(), ""),
    };
    Request {
        principal: format!("arn:aws:iam::111122223333:user/dev/user-{}", n % 97),
        action,
        resource: format!("{}{bend}/item-{n}", of.resource.trim_end_matches("/*")),
        team: random.pick(&["red", "blue", "green"]).to_owned(),
        source_ip: format!("203.0.113.{}", n % 256),
        time: format!("2026-01-{:02}T10:{:02}:00Z", 1 + n % 28, n % 60),
    }
}
