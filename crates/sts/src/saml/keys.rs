//! The context keys that an assertion sets.

use bailiwick_federation::SamlAssertion;
use bailiwick_storage::SamlProvider;

/// The kinds of names whose short form AWS shows.
const FORMAT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:";
/// The kind of a name without one.
const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";

/// Attributes with their context keys, as AWS documents them: of eduPerson and eduOrg, of Active Directory, and of X.500.
/// One of the X.500 names, `2.4.5.42`, is a slip in AWS's documentation; the real one is accepted as well.
const ATTRIBUTES: [(&str, &str); 31] = [
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.1", "saml:edupersonaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.2", "saml:edupersonnickname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.3", "saml:edupersonorgdn"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.4", "saml:edupersonorgunitdn"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.5", "saml:edupersonprimaryaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.6", "saml:edupersonprincipalname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.7", "saml:edupersonentitlement"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.8", "saml:edupersonprimaryorgunitdn"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.9", "saml:edupersonscopedaffiliation"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "saml:edupersontargetedid"),
    ("urn:oid:1.3.6.1.4.1.5923.1.1.1.11", "saml:edupersonassurance"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.2", "saml:eduorghomepageuri"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.3", "saml:eduorgidentityauthnpolicyuri"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.4", "saml:eduorglegalname"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.5", "saml:eduorgsuperioruri"),
    ("urn:oid:1.3.6.1.4.1.5923.1.2.1.6", "saml:eduorgwhitepagesuri"),
    ("urn:oid:2.5.4.3", "saml:cn"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name", "saml:name"),
    ("http://schemas.xmlsoap.org/claims/CommonName", "saml:commonName"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname", "saml:givenName"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname", "saml:surname"),
    ("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress", "saml:mail"),
    ("http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid", "saml:primaryGroupSID"),
    ("2.5.4.3", "saml:commonName"),
    ("2.5.4.4", "saml:surname"),
    ("2.4.5.42", "saml:givenName"),
    ("2.5.4.42", "saml:givenName"),
    ("2.5.4.45", "saml:x500UniqueIdentifier"),
    ("0.9.2342.19200300.100.1.1", "saml:uid"),
    ("0.9.2342.19200300.100.1.3", "saml:mail"),
    ("0.9.2342.19200300.100.1.45", "saml:organizationStatus"),
];

/// The keys and members that identify the user.
#[derive(Debug)]
pub(super) struct SubjectKeys {
    subject: String,
    pub(super) subject_type: String,
    pub(super) name_qualifier: String,
    /// `saml:doc`: account and name of the provider.
    pub(super) document: String,
}

impl SubjectKeys {
    pub(super) fn of(assertion: &SamlAssertion, provider: &SamlProvider) -> Self {
        let account = provider.account.to_string();
        let format = assertion.subject.format.as_deref().unwrap_or(UNSPECIFIED);
        SubjectKeys {
            subject: assertion.subject.value.clone(),
            subject_type: format.strip_prefix(FORMAT).unwrap_or(format).to_owned(),
            name_qualifier: assertion.name_qualifier(&account, &provider.name),
            document: format!("{account}/{}", provider.name),
        }
    }

    /// The keys that stay through the session.
    pub(super) fn lasting(&self) -> Vec<(String, Vec<String>)> {
        [
            ("saml:sub", &self.subject),
            ("saml:sub_type", &self.subject_type),
            ("saml:namequalifier", &self.name_qualifier),
        ]
        .map(|(key, value)| (key.to_owned(), vec![value.clone()]))
        .into()
    }
}

/// The keys of attributes, which count in the decision on the call alone. Of two attributes with the same key, the first in
/// the table has it: a key is never there twice.
pub(super) fn of_attributes(assertion: &SamlAssertion) -> Vec<(&'static str, &[String])> {
    let mut found: Vec<(&str, &[String])> = Vec::new();
    for (name, key) in ATTRIBUTES {
        let values = assertion.values(name);
        if !values.is_empty() && found.iter().all(|(known, _)| *known != key) {
            found.push((key, values));
        }
    }
    found
}
