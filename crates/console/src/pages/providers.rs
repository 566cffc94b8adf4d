//! Identity providers: those of OpenID Connect and of SAML, by which people and programs of elsewhere assume roles.

use bailiwick_api::iam::{
    AddClientIdToOpenIdConnectProviderRequest, CreateOpenIdConnectProviderRequest, CreateSamlProviderRequest,
    DeleteOpenIdConnectProviderRequest, DeleteSamlProviderRequest, GetOpenIdConnectProviderRequest,
    GetSamlProviderRequest, ListOpenIdConnectProvidersRequest, ListSamlProvidersRequest,
    OpenIdConnectProviderListEntry, RemoveClientIdFromOpenIdConnectProviderRequest, SamlProviderListEntry,
    UpdateSamlProviderRequest,
};
use bailiwick_api::op;
use http::StatusCode;

use crate::pages::{history, missing, rows};
use crate::person::{Page, Person};
use crate::request::{CallError, Called};
use crate::view::{Cell, DetailPage, Field, Problem, Section, name_of, url};

/// Answers `/console/providers/…`.
pub(crate) async fn answer(person: &Person<'_>, rest: &str) -> Page {
    let arn = person.query().typed("arn");
    let error = if person.is_post() {
        match change(person, rest, &arn).await {
            Ok(page) => return page,
            Err(error) => Some(error),
        }
    } else {
        None
    };
    match rest {
        "" => list(person, error).await,
        "oidc" => oidc(person, arn, error).await,
        "saml" => saml(person, arn, error).await,
        _ => missing(person),
    }
}

async fn list(person: &Person<'_>, error: Option<CallError>) -> Page {
    let listed = person.call::<op::ListOpenIDConnectProviders>(ListOpenIdConnectProvidersRequest {}).await;
    let row = |entry: OpenIdConnectProviderListEntry| {
        let arn = entry.arn.unwrap_or_default();
        let issuer = arn.split_once("oidc-provider/").map_or(arn.as_str(), |(_, issuer)| issuer).to_owned();
        vec![Cell::link("providers/oidc", "arn", &arn, issuer), Cell::Code(arn)]
    };
    let table = person.table("OpenID Connect", &["Issuer", "ARN"], "No provider.");
    let oidc = rows(table, listed.map(|found| found.open_id_connect_provider_list.into_iter().map(row).collect()));
    let listed = person.call::<op::ListSAMLProviders>(ListSamlProvidersRequest {}).await;
    let row = |entry: SamlProviderListEntry| {
        let arn = entry.arn.unwrap_or_default();
        let (name, until) = (name_of(&arn).to_owned(), person.moment(entry.valid_until.as_ref()));
        vec![Cell::link("providers/saml", "arn", &arn, name), Cell::Time(until)]
    };
    let table = person.table("SAML", &["Provider", "Valid until"], "No provider.");
    let saml = rows(table, listed.map(|listed| listed.saml_provider_list.into_iter().map(row).collect()));
    let oidc_fields = vec![
        Field::line("url", "URL of the issuer", 255).required().hint("As in the tokens' claim iss, with https://."),
        Field::line("client", "Client id", 255).required().hint("As in the tokens' claim aud."),
    ];
    let saml_fields = vec![
        Field::line("name", "Name", 128).required(),
        Field::document("metadata", "Metadata").required().hint("The XML document that the provider publishes."),
    ];
    let page = DetailPage {
        chrome: person.chrome("Identity providers"),
        back: ("/console", "Home"),
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(Vec::new()),
        changes: Vec::new(),
        sections: vec![
            Section::new("OpenID Connect", oidc).with(person.change("Add an issuer", "create-oidc", oidc_fields)),
            Section::new("SAML", saml).with(person.change("Add a SAML provider", "create-saml", saml_fields)),
        ],
        documents: Vec::new(),
        destroying: Vec::new(),
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

async fn oidc(person: &Person<'_>, arn: String, error: Option<CallError>) -> Page {
    let asked = GetOpenIdConnectProviderRequest { open_id_connect_provider_arn: Some(arn.clone()) };
    let found = person.call::<op::GetOpenIDConnectProvider>(asked).await?;
    let row = |client: String| {
        let remove = Cell::button("Remove", &client, &[("do", "remove-client"), ("client", &client)]);
        vec![Cell::Code(client), remove]
    };
    let clients = person.table("Client ids", &["Client id", "Change"], "No client id: no token is accepted.");
    let clients = clients.rows(Ok(found.client_id_list.into_iter().map(row).collect()));
    let add = person.change("Add a client id", "add-client", vec![Field::line("client", "Client id", 255).required()]);
    let prints =
        person.table("Thumbprints", &["Thumbprint"], "No thumbprint: the public certificate authorities count.");
    let prints = prints.rows(Ok(found.thumbprint_list.into_iter().map(|print| vec![Cell::Code(print)]).collect()));
    let delete = person.change("Delete the provider", "delete", Vec::new());
    let name = arn.split_once("oidc-provider/").map_or(arn.as_str(), |(_, issuer)| issuer).to_owned();
    let page = DetailPage {
        chrome: person.chrome(name.clone()),
        back: ("/console/providers", "Identity providers"),
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(vec![
            ("ARN", Cell::Code(arn.clone())),
            ("Issuer", Cell::Code(found.url.unwrap_or_default())),
            ("Created", Cell::Time(person.moment(found.create_date.as_ref()))),
        ]),
        changes: Vec::new(),
        sections: vec![
            Section::new("Client ids", clients).with(add),
            Section::new("Thumbprints", prints),
            Section::new("History", history(person, &arn).await),
        ],
        documents: Vec::new(),
        destroying: vec![delete.about("Its tokens are refused, and its sessions end.").destroys(&name)],
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

async fn saml(person: &Person<'_>, arn: String, error: Option<CallError>) -> Page {
    let asked = GetSamlProviderRequest { saml_provider_arn: Some(arn.clone()) };
    let found = person.call::<op::GetSAMLProvider>(asked).await?;
    let name = name_of(&arn).to_owned();
    let metadata = vec![Field::document("metadata", "Metadata").required()];
    let delete = person.change("Delete the provider", "delete", Vec::new());
    let page = DetailPage {
        chrome: person.chrome(name.clone()),
        back: ("/console/providers", "Identity providers"),
        problem: error.as_ref().map(Problem::new),
        facts: person.facts(vec![
            ("ARN", Cell::Code(arn.clone())),
            ("Created", Cell::Time(person.moment(found.create_date.as_ref()))),
            ("Valid until", Cell::Time(person.moment(found.valid_until.as_ref()))),
            ("Encrypted assertions", Cell::text(found.assertion_encryption_mode)),
        ]),
        changes: vec![person.change("Replace the metadata", "replace", metadata)],
        sections: vec![Section::new("History", history(person, &arn).await)],
        documents: vec![("Metadata", found.saml_metadata_document.unwrap_or_default())],
        destroying: vec![delete.about("Its assertions are refused, and its sessions end.").destroys(&name)],
    };
    person.page_with(error.as_ref().map_or(StatusCode::OK, CallError::status), &page)
}

async fn change(person: &Person<'_>, kind: &str, arn: &str) -> Called<Page> {
    let form = person.form();
    let (provider, client_id) = (Some(arn.to_owned()), form.text("client"));
    match (kind, person.asked()) {
        ("", "create-oidc") => {
            let client_id_list = client_id.into_iter().collect();
            let asked =
                CreateOpenIdConnectProviderRequest { url: form.text("url"), client_id_list, ..Default::default() };
            person.call::<op::CreateOpenIDConnectProvider>(asked).await?;
            return Ok(person.done("/console/providers", "The issuer was added. Roles must still trust it."));
        }
        ("", "create-saml") => {
            let (name, document) = (form.text("name"), form.text("metadata"));
            let asked = CreateSamlProviderRequest { name, saml_metadata_document: document, ..Default::default() };
            person.call::<op::CreateSAMLProvider>(asked).await?;
            return Ok(person.done("/console/providers", "The provider was added. Roles must still trust it."));
        }
        ("oidc", "add-client") => {
            let asked = AddClientIdToOpenIdConnectProviderRequest { open_id_connect_provider_arn: provider, client_id };
            person.call::<op::AddClientIDToOpenIDConnectProvider>(asked).await?;
        }
        ("oidc", "remove-client") => {
            let asked =
                RemoveClientIdFromOpenIdConnectProviderRequest { open_id_connect_provider_arn: provider, client_id };
            person.call::<op::RemoveClientIDFromOpenIDConnectProvider>(asked).await?;
        }
        ("saml", "replace") => {
            let document = form.text("metadata");
            let asked = UpdateSamlProviderRequest {
                saml_provider_arn: provider,
                saml_metadata_document: document,
                ..Default::default()
            };
            person.call::<op::UpdateSAMLProvider>(asked).await?;
        }
        ("oidc", "delete") => {
            person.check_typed(arn.split_once("oidc-provider/").map_or(arn, |(_, issuer)| issuer))?;
            let asked = DeleteOpenIdConnectProviderRequest { open_id_connect_provider_arn: provider };
            person.call::<op::DeleteOpenIDConnectProvider>(asked).await?;
            return Ok(person.done("/console/providers", "The provider was deleted."));
        }
        ("saml", "delete") => {
            person.check_typed(name_of(arn))?;
            person.call::<op::DeleteSAMLProvider>(DeleteSamlProviderRequest { saml_provider_arn: provider }).await?;
            return Ok(person.done("/console/providers", "The provider was deleted."));
        }
        _ => return Err(person.unknown_change()),
    }
    Ok(person.done(url(&format!("providers/{kind}"), &[("arn", arn)]), "The provider was changed."))
}
