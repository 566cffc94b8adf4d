//! The name that a result has for several resources together.

use bailiwick_policy_lang::Catalogue;

/// The formats of the ARNs of S3, which is in no catalogue unless an administrator registers it.
const S3_OBJECT: &str = "arn:${Partition}:s3:::${BucketName}/${KeyName}";
const S3_BUCKET: &str = "arn:${Partition}:s3:::${BucketName}";

/// Returns the format of the ARNs of the resource type that all resources are of, as AWS does, with `*` as the region:
/// `arn:aws:iam::${Account}:user/${UserNameWithPath}`. `*` if the action has no such type, or is in no catalogue.
pub(super) fn of_several(catalogue: &Catalogue, action: &str, resources: &[&str]) -> String {
    let (prefix, name) = action.split_once(':').unwrap_or((action, ""));
    let partition = resources.first().and_then(|arn| arn.split(':').nth(1)).unwrap_or_default();
    let format = match catalogue.service(prefix) {
        Some(service) => service.action(name).and_then(|action| {
            let mut types = action.resources.iter().filter_map(|name| service.resource(name));
            types.find(|of| resources.iter().all(|arn| of.fits(arn)))?.arns.first().map(|format| &**format)
        }),
        None if prefix.eq_ignore_ascii_case("s3") => s3(resources),
        None => None,
    };
    let filled = |format: &str| format.replace("${Partition}", partition).replace("${Region}", "*");
    format.map_or_else(|| "*".to_owned(), filled)
}

fn s3(resources: &[&str]) -> Option<&'static str> {
    let is_object = |arn: &&str| arn.split_once(":s3:::").map(|(_, name)| name.contains('/'));
    let first = is_object(resources.first()?)?;
    let alike = resources.iter().all(|arn| is_object(arn) == Some(first));
    alike.then_some(if first { S3_OBJECT } else { S3_BUCKET })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_of_one_type_have_its_format() {
        let user = "arn:aws:iam::111122223333:user/a/b";
        let role = "arn:aws:iam::111122223333:role/r";
        let (object, bucket) = ("arn:aws:s3:::bank/a", "arn:aws:s3:::bank");
        for (action, resources, expected) in [
            ("iam:getuser", [user, user], "arn:aws:iam::${Account}:user/${UserNameWithPath}"),
            ("iam:GetUser", [user, role], "*"),
            ("iam:GetUser", [user, "*"], "*"),
            ("iam:NoAction", [user, user], "*"),
            ("iam:ListUsers", [user, user], "*"),
            ("S3:GetObject", [object, object], "arn:aws:s3:::${BucketName}/${KeyName}"),
            ("s3:ListBucket", [bucket, bucket], "arn:aws:s3:::${BucketName}"),
            ("s3:GetObject", [bucket, object], "*"),
            ("s3:GetObject", [object, user], "*"),
            ("sqs:SendMessage", [object, object], "*"),
        ] {
            assert_eq!(of_several(Catalogue::builtin(), action, &resources), expected, "{action} {resources:?}");
        }
        let china = ["arn:aws-cn:iam::111122223333:role/r"; 2];
        assert_eq!(
            of_several(Catalogue::builtin(), "iam:GetRole", &china),
            "arn:aws-cn:iam::${Account}:role/${RoleNameWithPath}"
        );
    }
}
