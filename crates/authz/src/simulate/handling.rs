//! `ResourceHandlingOption`: scenarios of EC2, and the resources that each must name.

use bailiwick_model::Result;

use super::invalid;

/// Every scenario, with the types of resource that it needs, as ARNs of EC2 name them.
const SCENARIOS: [(&str, &[&str]); 4] = [
    ("EC2-VPC-InstanceStore", &["instance", "image", "security-group", "network-interface"]),
    ("EC2-VPC-InstanceStore-Subnet", &["instance", "image", "security-group", "network-interface", "subnet"]),
    ("EC2-VPC-EBS", &["instance", "image", "security-group", "network-interface", "volume"]),
    ("EC2-VPC-EBS-Subnet", &["instance", "image", "security-group", "network-interface", "subnet", "volume"]),
];

/// Refuses an unknown scenario, and resources that lack one that the scenario needs.
pub(super) fn check(option: &str, resources: &[String]) -> Result<()> {
    let Some((_, needed)) = SCENARIOS.iter().find(|(name, _)| *name == option) else {
        return Err(invalid("ResourceHandlingOption", format!("ResourceHandlingOption `{option}` is not known")));
    };
    let has = |kind: &str| resources.iter().any(|arn| kind_of(arn) == Some(kind));
    match needed.iter().find(|kind| !has(kind)) {
        Some(kind) => Err(invalid(
            "ResourceHandlingOption",
            format!("ResourceHandlingOption {option} needs a resource of type {kind}"),
        )),
        None => Ok(()),
    }
}

fn kind_of(arn: &str) -> Option<&str> {
    let mut parts = arn.splitn(6, ':');
    let is_ec2 = parts.nth(2) == Some("ec2");
    parts.nth(2).and_then(|resource| resource.split('/').next()).filter(|_| is_ec2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_needs_its_resources() {
        let check = |option: &str, kinds: &[&str], expected: Option<&str>| {
            let arn = |kind: &&str| format!("arn:aws:ec2:us-east-1:111122223333:{kind}/x-1");
            let resources: Vec<String> = kinds.iter().map(arn).collect();
            let error = super::check(option, &resources).err();
            assert_eq!(
                error.as_ref().map(|e| e.message()).map(|m| m.rsplit(' ').next().unwrap()),
                expected,
                "{option}"
            );
        };
        let all = ["instance", "image", "security-group", "network-interface", "subnet", "volume"];
        for (option, needed) in SCENARIOS {
            check(option, &all, None);
            check(option, needed, None);
            for left_out in needed {
                let others: Vec<_> = needed.iter().copied().filter(|kind| kind != left_out).collect();
                check(option, &others, Some(left_out));
            }
        }
        check("EC2-VPC-Other", &all, Some("known"));
        let other = ["arn:aws:iam::111122223333:instance/x".to_owned()];
        assert!(super::check("EC2-VPC-EBS", &other).is_err());
    }
}
