use super::*;

const ID: &str = "SAMLSPABCDEFGHIJKLMNOP";

#[test]
fn recipients_and_audiences() {
    use Partition::{Aws, AwsCn, AwsUsGov};
    // Whether it is a recipient, and whether it is an audience.
    let (both, audience, none) = ((true, true), (false, true), (false, false));
    for (partition, text, expected) in [
        (Aws, "https://signin.aws.amazon.com/saml", both),
        (Aws, "https://eu-central-1.signin.aws.amazon.com/saml", both),
        (Aws, "https://ap-southeast-5.signin.aws.amazon.com/saml", both),
        (Aws, "https://signin.aws.amazon.com/saml/acs/SAMLSPABCDEFGHIJKLMNOP", both),
        (Aws, "https://us-west-2.signin.aws.amazon.com/saml/acs/SAMLSPABCDEFGHIJKLMNOP", both),
        (Aws, "https://iam.example.com/bailiwick/saml", both),
        (Aws, "https://iam.example.com/bailiwick/saml/acs/SAMLSPABCDEFGHIJKLMNOP", both),
        (Aws, "urn:amazon:webservices", audience),
        (AwsCn, "https://signin.amazonaws.cn/saml", both),
        (AwsCn, "https://cn-northwest-1.signin.amazonaws.cn/saml", both),
        (AwsCn, "urn:amazon:webservices:cn-north-1", audience),
        (AwsUsGov, "https://signin.amazonaws-us-gov.com/saml", both),
        (AwsUsGov, "https://us-gov-east-1.signin.amazonaws-us-gov.com/saml", both),
        (AwsUsGov, "urn:amazon:webservices:govcloud", audience),
        // Another partition.
        (Aws, "https://signin.amazonaws.cn/saml", none),
        (Aws, "https://cn-north-1.signin.aws.amazon.com/saml", none),
        (Aws, "https://us-gov-west-1.signin.aws.amazon.com/saml", none),
        (Aws, "urn:amazon:webservices:govcloud", none),
        (AwsCn, "https://signin.aws.amazon.com/saml", none),
        (AwsCn, "https://eu-central-1.signin.amazonaws.cn/saml", none),
        (AwsCn, "urn:amazon:webservices", none),
        (AwsUsGov, "https://us-east-1.signin.amazonaws-us-gov.com/saml", none),
        // Another provider.
        (Aws, "https://signin.aws.amazon.com/saml/acs/SAMLSPAAAAAAAAAAAAAAAA", none),
        (Aws, "https://signin.aws.amazon.com/saml/acs/", none),
        (Aws, "https://signin.aws.amazon.com/saml/acs/SAMLSPABCDEFGHIJKLMNOP/", none),
        (Aws, "https://signin.aws.amazon.com/saml/SAMLSPABCDEFGHIJKLMNOP", none),
        // Another host.
        (Aws, "https://evil.signin.aws.amazon.com/saml", none),
        (Aws, "https://evil.eu-central-1.signin.aws.amazon.com/saml", none),
        (Aws, "https://eu-central-1signin.aws.amazon.com/saml", none),
        (Aws, "https://.signin.aws.amazon.com/saml", none),
        (Aws, "https://evilsignin.aws.amazon.com/saml", none),
        (Aws, "https://signin.aws.amazon.com.evil.example/saml", none),
        (Aws, "https://signin.aws.amazon.com@evil.example/saml", none),
        (Aws, "https://evil.example/signin.aws.amazon.com/saml", none),
        (Aws, "https://evil.example#.signin.aws.amazon.com/saml", none),
        (Aws, "https://us-east-1@signin.aws.amazon.com/saml", none),
        (Aws, "https://signin.aws.amazon.com:443/saml", none),
        (Aws, "https://SIGNIN.aws.amazon.com/saml", none),
        (Aws, "http://signin.aws.amazon.com/saml", none),
        (Aws, "https://iam.example.com/saml", none),
        (Aws, "https://iam.example.com/bailiwickx/saml", none),
        (Aws, "https://iam.example.com/bailiwick.evil.example/saml", none),
        (Aws, "http://iam.example.com/bailiwick/saml", none),
        // Another path.
        (Aws, "https://signin.aws.amazon.com/saml/", none),
        (Aws, "https://signin.aws.amazon.com/saml?x", none),
        (Aws, "https://signin.aws.amazon.com/samlx", none),
        (Aws, "https://signin.aws.amazon.com//saml", none),
        (Aws, "https://signin.aws.amazon.com/x/saml", none),
        (Aws, "https://signin.aws.amazon.com", none),
        (Aws, "https://iam.example.com/bailiwick", none),
        (Aws, "", none),
        (Aws, "/saml", none),
    ] {
        let public_url = "https://iam.example.com/bailiwick";
        let endpoints = Endpoints { partition, public_url, provider_id: Some(ID) };
        assert_eq!((endpoints.is_recipient(text), endpoints.is_audience(text)), expected, "{partition}: {text}");
        let of_no_provider = Endpoints { provider_id: None, ..endpoints };
        assert_eq!(of_no_provider.is_recipient(text), expected.0 && !text.contains(ID), "{text}");
    }
}
