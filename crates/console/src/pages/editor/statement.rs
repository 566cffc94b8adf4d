//! The form that adds a statement to a document.

use serde_json::Value;

use crate::form::Form;
use crate::pages::known;
use crate::person::Person;
use crate::view::Field;

/// The condition operators that are offered.
const OPERATORS: [&str; 14] = [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "ArnEquals",
    "ArnLike",
    "Bool",
    "IpAddress",
    "NotIpAddress",
    "NumericLessThan",
    "NumericGreaterThan",
    "DateLessThan",
    "DateGreaterThan",
    "Null",
];

/// The fields, with what was typed unless `is_added`: then they are for another statement.
pub(super) async fn fields(person: &Person<'_>, is_added: bool) -> Vec<Field> {
    let pair = |text: String| (text.clone(), text);
    let services = known::prefixes(person).await;
    let asked = person.form().typed("s_service");
    let service = services.iter().find(|own| **own == asked).or(services.first()).cloned().unwrap_or_default();
    let actions = actions(person, &service).await;
    let mut operators = vec![(String::new(), "No condition".to_owned())];
    operators.extend(OPERATORS.map(|own| pair(own.to_owned())));
    let mut fields = vec![
        Field::one("s_effect", "Effect", vec![pair("Allow".to_owned()), pair("Deny".to_owned())]).with("Allow"),
        Field::one("s_service", "Service", services.into_iter().map(pair).collect()).with(service),
        Field::any("s_action", "Actions", actions.into_iter().map(pair).collect(), "This service has no actions."),
        Field::lines("s_actions", "More actions")
            .hint("One in each line, such as s3:GetObject, with * and ? as wildcards."),
        Field::lines("s_resources", "Resources").with("*").hint("One ARN in each line, or * for all."),
        Field::one("s_operator", "Condition", operators).with(""),
        Field::line("s_key", "Condition key", 256).hint("Such as aws:SourceIp or aws:PrincipalTag/team."),
        Field::lines("s_values", "Values of the condition").hint("One in each line."),
    ];
    if person.is_post() && person.form().has("s_effect") && !is_added {
        let typed = person.form();
        fields.iter_mut().filter(|field| field.name != "s_service").for_each(|field| field.repeat(typed));
    }
    fields
}

/// The statement that was filled in.
///
/// # Errors
/// A message for a field that is missing. A condition that is filled in by half is refused: without it, the statement
/// would allow more.
pub(super) fn write(form: &Form) -> Result<String, &'static str> {
    let lines = |name: &str| {
        let lines = form.raw(name).lines().map(str::trim).filter(|line| !line.is_empty());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let effect = match form.raw("s_effect") {
        effect @ ("Allow" | "Deny") => effect,
        _ => return Err("choose an effect"),
    };
    let (actions, resources) = ([form.all("s_action"), lines("s_actions")].concat(), lines("s_resources"));
    if actions.is_empty() || resources.is_empty() {
        return Err("a statement has at least one action and one resource");
    }
    let (operator, key, values) = (form.typed("s_operator"), form.typed("s_key"), lines("s_values"));
    let condition = match (operator.is_empty(), key.is_empty(), values.is_empty()) {
        (true, true, true) => String::new(),
        (false, false, false) => {
            format!(",\"Condition\":{{{}:{{{}:{}}}}}", quoted(&operator), quoted(&key), one_or_many(&values))
        }
        _ => return Err("a condition has an operator, a key and values"),
    };
    let (actions, resources) = (one_or_many(&actions), one_or_many(&resources));
    Ok(format!("{{\"Effect\":{},\"Action\":{actions},\"Resource\":{resources}{condition}}}", quoted(effect)))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn one_or_many(texts: &[String]) -> String {
    match texts {
        [one] => quoted(one),
        many => Value::from(many).to_string(),
    }
}

/// The actions of a service, with its prefix.
async fn actions(person: &Person<'_>, prefix: &str) -> Vec<String> {
    let Some(service) = known::service(person, prefix).await else { return Vec::new() };
    service.actions().map(|action| format!("{}:{}", service.prefix, action.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(query: &str) -> Result<Value, &'static str> {
        write(&Form::parse(query.as_bytes()).unwrap()).map(|text| serde_json::from_str(&text).unwrap())
    }

    #[test]
    fn statements_have_what_was_chosen() {
        let query = "s_effect=Deny&s_action=iam:GetUser&s_actions=s3:Get*%0D%0A%0D%0As3:%22Put&s_resources=*&s_operator=IpAddress\
                     &s_key=aws:SourceIp&s_values=10.0.0.0/8";
        let expected = serde_json::json!({
            "Effect": "Deny",
            "Action": ["iam:GetUser", "s3:Get*", "s3:\"Put"],
            "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        });
        assert_eq!(written(query).unwrap(), expected);
    }

    #[test]
    fn half_a_statement_is_refused() {
        let whole = "s_effect=Allow&s_action=a:b&s_resources=*";
        assert!(written(whole).is_ok());
        for query in
            ["s_effect=Allow&s_action=a:b", "s_effect=Allow&s_resources=*", "s_effect=X&s_action=a:b&s_resources=*"]
        {
            assert!(written(query).is_err(), "{query}");
        }
        for half in [
            "&s_operator=Bool",
            "&s_key=aws:SourceIp",
            "&s_values=1",
            "&s_operator=Bool&s_key=k",
            "&s_key=k&s_values=1",
        ] {
            assert!(written(&format!("{whole}{half}")).is_err(), "{half}");
        }
    }
}
