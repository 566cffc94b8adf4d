//! ARNs of the source account that become ARNs of the target account.

use std::cell::Cell;

use clap::ValueEnum;

use super::json::Json;

/// Which values in policy documents that name the source account become those of the target account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// ARNs of every service, and the account's id where it is a principal or the value of a condition key `…Account`
    All,
    /// Only ARNs of IAM and STS, and the account's id where it is a principal
    Iam,
    /// None: documents are loaded as they are
    None,
}

/// A partition and an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// `aws`.
    pub(super) partition: String,
    /// Twelve digits.
    pub(super) account: String,
}

/// The rewriting of one import.
pub(super) struct Rewrite {
    mode: Mode,
    from: Place,
    to: Place,
    count: Cell<usize>,
}

impl Rewrite {
    /// Starts with a count of zero.
    pub(super) fn new(mode: Mode, from: Place, to: Place) -> Self {
        Rewrite { mode, from, to, count: Cell::new(0) }
    }

    /// The source account.
    pub(super) fn from(&self) -> &str {
        &self.from.account
    }

    /// The target account.
    pub(super) fn to(&self) -> &str {
        &self.to.account
    }

    /// How many values in documents were rewritten.
    pub(super) fn count(&self) -> usize {
        self.count.get()
    }

    /// The ARN in the target account of an object that another object refers to, such as an attached policy. Those of
    /// AWS managed policies change at most the partition.
    pub(super) fn reference(&self, arn: &str) -> String {
        if let Some(rest) = arn.strip_prefix(&format!("arn:{}:iam::aws:", self.from.partition)) {
            return format!("arn:{}:iam::aws:{rest}", self.to.partition);
        }
        self.moved(arn, |_| true).unwrap_or_else(|| arn.to_owned())
    }

    /// Rewrites a policy document.
    pub(super) fn document(&self, document: &mut Json) {
        if self.mode == Mode::None || self.from == self.to {
            return;
        }
        let Json::Object(members) = document else { return };
        for (name, value) in members {
            match (name.as_str(), value) {
                ("Statement", Json::Array(statements)) => statements.iter_mut().for_each(|each| self.statement(each)),
                ("Statement", value) => self.statement(value),
                _ => {}
            }
        }
    }

    fn statement(&self, statement: &mut Json) {
        let Json::Object(members) = statement else { return };
        for (name, value) in members {
            match name.as_str() {
                "Resource" | "NotResource" => self.values(value, false),
                "Principal" | "NotPrincipal" => self.values(value, true),
                "Condition" => self.condition(value),
                _ => {}
            }
        }
    }

    fn condition(&self, condition: &mut Json) {
        let Json::Object(operators) = condition else { return };
        for (_, keys) in operators {
            let Json::Object(keys) = keys else { continue };
            for (key, values) in keys {
                let is_account = self.mode == Mode::All && key.to_ascii_lowercase().ends_with("account");
                self.values(values, is_account);
            }
        }
    }

    /// Rewrites every string below a value.
    fn values(&self, value: &mut Json, with_account_id: bool) {
        match value {
            Json::String(text) => {
                let new = if with_account_id && *text == self.from.account {
                    Some(self.to.account.clone())
                } else {
                    self.moved(text, |service| self.mode == Mode::All || matches!(service, "iam" | "sts"))
                };
                if let Some(new) = new {
                    *text = new;
                    self.count.set(self.count.get() + 1);
                }
            }
            Json::Array(items) => items.iter_mut().for_each(|item| self.values(item, with_account_id)),
            Json::Object(members) => members.iter_mut().for_each(|(_, item)| self.values(item, with_account_id)),
            _ => {}
        }
    }

    /// The ARN in the target account, of an ARN of the source account.
    fn moved(&self, arn: &str, service_moves: impl Fn(&str) -> bool) -> Option<String> {
        let mut parts = arn.splitn(6, ':');
        let (prefix, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let is_ours = prefix == "arn" && account == self.from.account && service_moves(service);
        let partition = if partition == self.from.partition { &self.to.partition } else { partition };
        is_ours.then(|| format!("arn:{partition}:{service}:{region}:{}:{resource}", self.to.account))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mode: Mode, given: &str, expected: &str) {
        let place = |account: &str| Place { partition: "aws".into(), account: account.into() };
        let rewrite = Rewrite::new(mode, place("111111111111"), place("222222222222"));
        let mut document = Json::parse(given).unwrap();
        rewrite.document(&mut document);
        assert_eq!(document.to_string(), expected, "{mode:?}");
    }

    #[test]
    fn only_values_that_name_the_source_account_are_rewritten() {
        let statement = |principal: &str, resource: &str, role: &str, account: &str| {
            format!(
                concat!(
                    r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"111111111111","Principal":{{"AWS":["{}"]}},"#,
                    r#""NotResource":["{}","{}","arn:aws:s3:::b-111111111111","111111111111"],"Condition":"#,
                    r#"{{"StringEquals":{{"aws:SourceAccount":"{}","s3:prefix":"111111111111"}}}}}}]}}"#
                ),
                principal, resource, role, account
            )
        };
        let queue = |account| format!("arn:aws:sqs:eu-west-1:{account}:q:x");
        let role = |account| format!("arn:aws:iam::{account}:role/a/b");
        let (one, two) = ("111111111111", "222222222222");
        let given = statement(one, &queue(one), &role(one), one);
        check(Mode::None, &given, &given);
        check(Mode::Iam, &given, &statement(two, &queue(one), &role(two), one));
        check(Mode::All, &given, &statement(two, &queue(two), &role(two), two));
    }

    #[test]
    fn references_always_move() {
        let place = |partition: &str, account: &str| Place { partition: partition.into(), account: account.into() };
        let rewrite = Rewrite::new(Mode::None, place("aws", "111111111111"), place("aws-x", "222222222222"));
        for (given, expected) in [
            ("arn:aws:iam::111111111111:policy/p", "arn:aws-x:iam::222222222222:policy/p"),
            ("arn:aws:iam::aws:policy/p", "arn:aws-x:iam::aws:policy/p"),
            ("arn:aws:iam::333333333333:policy/p", "arn:aws:iam::333333333333:policy/p"),
        ] {
            assert_eq!(rewrite.reference(given), expected);
        }
    }
}
