//! Adds a passkey. The browser makes it by JavaScript, and the form carries its answer.

use askama::Template;
use bailiwick_api::op;
use bailiwick_api::signin::{
    BeginPasskeyRegistrationRequest, FinishPasskeyRegistrationRequest, PasskeyCreation, PasskeyDescriptor,
};
use bailiwick_model::ErrorCode;
use serde_json::{Value, json};

use crate::pages::credentials::Owner;
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Chrome, Problem};

/// Answers `/console/passkey`: for the user that the address names, or for the person.
pub(crate) async fn answer(person: &Person<'_>) -> Page {
    if let Some(page) = person.prove_first() {
        return page;
    }
    let owner = Owner::of_address(person)?;
    let error = if person.is_post() {
        match finish(person, &owner).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    let asked = BeginPasskeyRegistrationRequest { user_name: owner.user_name() };
    let (creation, error) = match person.call::<op::BeginPasskeyRegistration>(asked).await {
        Ok(answer) => (Some(options(&answer.creation.unwrap_or_default()).to_string()), error),
        Err(error) => (None, Some(error)),
    };
    // Not an error of the person: the server has no domain.
    let is_disabled = error.as_ref().is_some_and(|error| error.error.code() == ErrorCode::FeatureDisabled);
    let status = error.as_ref().filter(|_| !is_disabled).map_or(http::StatusCode::OK, CallError::status);
    let page = PasskeyPage {
        chrome: person.chrome("Add a passkey"),
        back: owner.page().to_owned(),
        creation,
        label: person.form().typed("label"),
        problem: error.as_ref().map(Problem::new),
    };
    person.page_with(status, &page)
}

async fn finish(person: &Person<'_>, owner: &Owner) -> Called<Page> {
    let form = person.form();
    let asked = FinishPasskeyRegistrationRequest {
        user_name: owner.user_name(),
        label: form.text("label"),
        client_data: form.text("client_data"),
        attestation_object: form.text("attestation_object"),
    };
    let made = person.call::<op::FinishPasskeyRegistration>(asked).await?;
    Ok(person.done(owner.page(), format!("The passkey {} is enabled.", made.serial_number)))
}

/// WebAuthn's PublicKeyCredentialCreationOptionsJSON.
fn options(creation: &PasskeyCreation) -> Value {
    let (rp, user) = (creation.rp.clone().unwrap_or_default(), creation.user.clone().unwrap_or_default());
    let selection = creation.authenticator_selection.clone().unwrap_or_default();
    let descriptor = |key: &PasskeyDescriptor| json!({ "type": key.r#type, "id": key.id });
    json!({
        "rp": { "id": rp.id, "name": rp.name },
        "user": { "id": user.id, "name": user.name, "displayName": user.display_name },
        "challenge": creation.challenge,
        "pubKeyCredParams": creation.pub_key_cred_params.iter()
            .map(|own| json!({ "type": own.r#type, "alg": own.alg })).collect::<Vec<_>>(),
        "timeout": creation.timeout,
        "excludeCredentials": creation.exclude_credentials.iter().map(descriptor).collect::<Vec<_>>(),
        "authenticatorSelection": {
            "residentKey": selection.resident_key,
            "userVerification": selection.user_verification,
        },
        "attestation": creation.attestation,
    })
}

#[derive(Template)]
#[template(path = "passkey.html")]
struct PasskeyPage {
    chrome: Chrome,
    back: String,
    /// What the browser is asked, as JSON; none if there can be no passkey.
    creation: Option<String>,
    label: String,
    problem: Option<Problem>,
}
