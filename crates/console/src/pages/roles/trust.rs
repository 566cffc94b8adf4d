//! The trust policy of a new role: who may assume it, as a form for each kind of principal.

use bailiwick_api::authz::ListServicesRequest;
use bailiwick_api::iam::{ListOpenIdConnectProvidersRequest, ListSamlProvidersRequest};
use bailiwick_api::op;
use bailiwick_model::IamError;
use serde_json::Value;

use crate::pages::document;
use crate::person::Person;
use crate::request::Called;
use crate::view::Field;

/// The kinds: the member `trust` of the address, and the label.
pub(super) const KINDS: [(&str, &str); 6] = [
    ("account", "This account"),
    ("other", "Another account"),
    ("service", "A service"),
    ("oidc", "OIDC provider"),
    ("saml", "SAML provider"),
    ("custom", "Own document"),
];

/// The kind that the address asks for.
pub(super) fn kind(person: &Person<'_>) -> &'static str {
    let asked = person.query().raw("trust");
    KINDS.iter().find(|(kind, _)| *kind == asked).map_or("account", |(kind, _)| kind)
}

/// The fields that say who may assume the role.
pub(super) async fn fields(person: &Person<'_>, kind: &str) -> Vec<Field> {
    let mfa = Field::tick("mfa", "Only with a second factor");
    match kind {
        "other" => vec![
            Field::line("account", "Account id", 12).required().hint("Twelve digits."),
            Field::line("external_id", "External id", 1224)
                .hint("For a third party, which then must send it. Empty: none."),
            mfa,
        ],
        "service" => {
            let mut offered = vec![(String::new(), "Another, named below".to_owned())];
            offered.extend(service_principals(person).await.into_iter().map(|name| (name.clone(), name)));
            vec![
                Field::one("service", "Registered service", offered),
                Field::line("service_name", "Name of another service", 256)
                    .hint("A service principal, such as photos.example.com or ec2.amazonaws.com."),
            ]
        }
        "oidc" => vec![
            Field::one("provider", "Provider", oidc_providers(person).await),
            Field::line("audience", "Audience", 255)
                .required()
                .hint("A client id that the provider issues tokens for."),
            Field::line("subject", "Subject", 1024)
                .hint("The user or workload at the provider, with * and ? as wildcards. Empty: all of them."),
        ],
        "saml" => vec![
            Field::one("provider", "Provider", saml_providers(person).await),
            Field::line("audience", "Recipient", 1024)
                .with("https://signin.aws.amazon.com/saml")
                .required()
                .hint("The recipient of the assertion: the address to which the provider sends it."),
        ],
        "custom" => vec![Field::document("document", "Trust policy").required()],
        _ => vec![mfa.hint("Users and roles of this account also need sts:AssumeRole on the role.")],
    }
}

/// The trust policy that was filled in.
///
/// # Errors
/// `ValidationError` for a field that is missing or cannot be right.
pub(super) fn policy(person: &Person<'_>, kind: &str) -> Called<String> {
    let form = person.form();
    let refused = |message: &str| Err(person.failure(IamError::validation(message)));
    let partition = person.session.arn.split(':').nth(1).unwrap_or("aws");
    let mfa = form.is_set("mfa").then_some(("Bool", "aws:MultiFactorAuthPresent".to_owned(), "true".to_owned()));
    let mut conditions = Vec::new();
    let (principal, action) = match kind {
        "other" => {
            let account = form.typed("account");
            if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
                return refused("the account id has twelve digits");
            }
            if let Some(id) = form.text("external_id") {
                if id.len() < 2 || !id.chars().all(|c| c.is_ascii_alphanumeric() || "+=,.@:/_-".contains(c)) {
                    return refused("an external id has two or more letters, digits and +=,.@:/_-");
                }
                conditions.push(("StringEquals", "sts:ExternalId".to_owned(), id));
            }
            conditions.extend(mfa);
            (("AWS", format!("arn:{partition}:iam::{account}:root")), "sts:AssumeRole")
        }
        "service" => {
            let Some(service) = form.text("service_name").or(form.text("service")) else {
                return refused("choose a service, or name one");
            };
            if !service.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c)) {
                return refused("the name of a service is a domain name, such as photos.example.com");
            }
            (("Service", service), "sts:AssumeRole")
        }
        "oidc" | "saml" => {
            let (Some(provider), Some(audience)) = (form.text("provider"), form.text("audience")) else {
                return refused("a provider of this account and an audience are needed");
            };
            // A value with `*` would be literal in `StringEquals`, and a variable of a policy would be replaced.
            if audience.contains("${") {
                return refused("an audience has no variables");
            }
            if kind == "saml" {
                conditions.push(("StringEquals", "SAML:aud".to_owned(), audience));
                (("Federated", provider), "sts:AssumeRoleWithSAML")
            } else {
                let Some((_, issuer)) = provider.split_once(":oidc-provider/") else {
                    return refused("the provider is not the ARN of an OIDC provider");
                };
                conditions.push(("StringEquals", format!("{issuer}:aud"), audience));
                if let Some(subject) = form.text("subject") {
                    conditions.push(("StringLike", format!("{issuer}:sub"), subject));
                }
                (("Federated", provider), "sts:AssumeRoleWithWebIdentity")
            }
        }
        "custom" => return Ok(form.raw("document").replace("\r\n", "\n")),
        _ => {
            conditions.extend(mfa);
            (("AWS", format!("arn:{partition}:iam::{}:root", person.account())), "sts:AssumeRole")
        }
    };
    Ok(write(principal, action, &conditions))
}

/// The document with one statement. Conditions are operators, keys and values.
fn write(principal: (&str, String), action: &str, conditions: &[(&str, String, String)]) -> String {
    let quoted = |text: &str| Value::from(text).to_string();
    let conditions: Vec<String> = conditions
        .iter()
        .map(|(operator, key, value)| format!("{}:{{{}:{}}}", quoted(operator), quoted(key), quoted(value)))
        .collect();
    let condition = match conditions.as_slice() {
        [] => String::new(),
        some => format!(",\"Condition\":{{{}}}", some.join(",")),
    };
    document::indent(&format!(
        "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Principal\":{{{}:{}}},\"Action\":{}{condition}}}]}}",
        quoted(principal.0),
        quoted(&principal.1),
        quoted(action),
    ))
}

/// The service principals of registered services; none if the person may not list them.
async fn service_principals(person: &Person<'_>) -> Vec<String> {
    let asked = ListServicesRequest { max_items: Some(1000), ..Default::default() };
    let listed = person.call::<op::ListServices>(asked).await.map(|listed| listed.services).unwrap_or_default();
    listed.into_iter().flat_map(|service| service.service_principals).collect()
}

/// The OIDC providers by ARN; none if the person may not list them.
async fn oidc_providers(person: &Person<'_>) -> Vec<(String, String)> {
    let listed = person.call::<op::ListOpenIDConnectProviders>(ListOpenIdConnectProvidersRequest {}).await;
    let listed = listed.map(|listed| listed.open_id_connect_provider_list).unwrap_or_default();
    listed.into_iter().filter_map(|provider| provider.arn.map(|arn| (arn.clone(), arn))).collect()
}

/// The SAML providers by ARN; none if the person may not list them.
async fn saml_providers(person: &Person<'_>) -> Vec<(String, String)> {
    let listed = person.call::<op::ListSAMLProviders>(ListSamlProvidersRequest {}).await;
    let listed = listed.map(|listed| listed.saml_provider_list).unwrap_or_default();
    listed.into_iter().filter_map(|provider| provider.arn.map(|arn| (arn.clone(), arn))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_valid_whatever_was_typed() {
        let conditions = [("Bool", "aws:MultiFactorAuthPresent".to_owned(), "\"},{\"Effect\"".to_owned())];
        let text = write(("AWS", "arn:\"\\\n".to_owned()), "sts:AssumeRole", &conditions);
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(parsed["Statement"].as_array().unwrap().len(), 1);
        let statement = &parsed["Statement"][0];
        assert_eq!(statement["Principal"]["AWS"], "arn:\"\\\n");
        assert_eq!(statement["Condition"]["Bool"]["aws:MultiFactorAuthPresent"], "\"},{\"Effect\"");
        assert!(!write(("Service", "a.example.com".to_owned()), "sts:AssumeRole", &[]).contains("Condition"));
    }
}
