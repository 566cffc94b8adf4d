use super::PrincipalName::*;
use super::*;

fn check(kind: PrincipalKind, value: &str, expected: Option<PrincipalName<'_>>) {
    assert_eq!(PrincipalName::parse(kind, value), expected, "{value}");
}

#[test]
fn aws_principals() {
    let aws = |value: &str, expected| check(PrincipalKind::Aws, value, expected);
    let (partition, account) = ("aws", "111122223333");
    aws("*", Some(Everyone));
    aws("111122223333", Some(Account { account, partition: None }));
    aws("arn:aws:iam::111122223333:root", Some(Account { account, partition: Some("aws") }));
    aws("arn:aws:iam::111122223333:user/Eva", Some(User { partition, account, path_and_name: "/Eva" }));
    aws("arn:aws:iam::111122223333:user/a/b/Eva", Some(User { partition, account, path_and_name: "/a/b/Eva" }));
    aws("arn:aws:iam::111122223333:role/App", Some(Role { partition, account, path_and_name: "/App" }));
    aws(
        "arn:aws:sts::111122223333:assumed-role/App/build-7",
        Some(AssumedRole { partition, account, role: "App", session: "build-7" }),
    );
    aws("arn:aws:sts::111122223333:federated-user/eva", Some(FederatedUser { partition, account, name: "eva" }));
    aws("AROAEXAMPLEEXAMPLE01", Some(UniqueId("AROAEXAMPLEEXAMPLE01")));
    aws("AIDAEXAMPLEEXAMPLE01", Some(UniqueId("AIDAEXAMPLEEXAMPLE01")));
    aws("arn:aws-cn:iam::111122223333:root", Some(Account { account, partition: Some("aws-cn") }));
    for wrong in [
        "",
        "1111222233334",
        "11112222333a",
        "root",
        "Eva",
        "arn:aws:iam::111122223333:user/*",
        "arn:aws:iam::111122223333:user/Ev?",
        "arn:aws:iam::111122223333:user",
        "arn:aws:iam::111122223333:user/",
        "arn:aws:iam::111122223333:users/Eva",
        "arn:aws:iam::111122223333:group/Team",
        "arn:aws:iam::111122223333:äser/Eva",
        "arn:aws:iam:eu-west-1:111122223333:user/Eva",
        "arn:aws:iam::*:root",
        "arn:aws:iam:::root",
        "arn:aws:s3:::bucket",
        "arn:aws:sts::111122223333:assumed-role/App",
        "arn:aws:sts::111122223333:assumed-role/App/*",
        "arn:aws:sts::111122223333:assumed-role/App/a/b",
        "AGPAEXAMPLEEXAMPLE01",
        "AROA",
        "arn:AWS:iam::111122223333:root",
        "ec2.amazonaws.com",
    ] {
        aws(wrong, None);
    }
}

#[test]
fn services_providers_and_canonical_users() {
    check(PrincipalKind::Service, "ec2.amazonaws.com", Some(Service("ec2.amazonaws.com")));
    check(PrincipalKind::Service, "photos.example.internal", Some(Service("photos.example.internal")));
    check(PrincipalKind::Service, "*", Some(Everyone));
    check(PrincipalKind::Service, "ec2", None);
    check(PrincipalKind::Service, "*.amazonaws.com", None);
    check(PrincipalKind::Service, "ec2..com", None);
    let federated = |value: &str, expected| check(PrincipalKind::Federated, value, expected);
    let saml = "arn:aws:iam::111122223333:saml-provider/Corp";
    let oidc = "arn:aws:iam::111122223333:oidc-provider/login.example.com/realms/x";
    federated(saml, Some(SamlProvider(saml)));
    federated(oidc, Some(OidcProvider(oidc)));
    federated("accounts.google.com", Some(FederatedDomain("accounts.google.com")));
    federated("*", Some(Everyone));
    federated("arn:aws:iam::111122223333:user/Eva", None);
    federated("arn:aws:iam::111122223333:oidc-provider/*", None);
    federated("google", None);
    let canonical = "0123456789abcdef".repeat(4);
    check(PrincipalKind::CanonicalUser, &canonical, Some(CanonicalUser(&canonical)));
    check(PrincipalKind::CanonicalUser, "*", None);
    check(PrincipalKind::CanonicalUser, &canonical[1..], None);
}
