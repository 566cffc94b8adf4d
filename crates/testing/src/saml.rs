//! A SAML identity provider that signs and encrypts for real.
//!
//! It writes every element in canonical form, so it needs no canonicalization of its own.

#![expect(clippy::disallowed_methods, reason = "keys and signatures of a test have real randomness")]

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OAEP_SHA1_MGF1SHA1, OaepAlgorithm, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use data_encoding::BASE64;
use jiff::{SignedDuration, Timestamp};

/// The endpoint that assertions are for.
pub const ENDPOINT: &str = "https://signin.aws.amazon.com/saml";
/// The audience that they name.
pub const AUDIENCE: &str = "urn:amazon:webservices";
/// The method of signatures with RSA keys.
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

const ASSERTION_NS: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
const PROTOCOL_NS: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
const SIGNATURE_NS: &str = "http://www.w3.org/2000/09/xmldsig#";

/// An identity provider with a key.
pub struct SamlIdp {
    /// Its entity id.
    pub entity_id: String,
    /// The certificate of its key: base64 of the DER.
    pub certificate: String,
    key: SigningKey,
}

enum SigningKey {
    Rsa(Box<KeyPair>),
    Ec(Box<EcdsaKeyPair>),
}

/// What is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signed {
    /// The assertion.
    Assertion,
    /// The response.
    Response,
    /// The assertion, then the response around it.
    Both,
    /// Nothing.
    Nothing,
}

/// What an assertion says. Every text is written as it is, so that it can contain markup.
#[derive(Clone, Debug)]
pub struct AssertionText {
    /// `ID`.
    pub id: String,
    /// `Issuer`.
    pub issuer: String,
    /// `IssueInstant`.
    pub issued: String,
    /// The element `NameID`.
    pub name_id: String,
    /// `Recipient`.
    pub recipient: String,
    /// `NotOnOrAfter` of confirmation and conditions.
    pub until: String,
    /// `NotBefore` of the conditions.
    pub from: String,
    /// What the conditions contain.
    pub conditions: String,
    /// More attributes of `SubjectConfirmationData`, each with a space before it.
    pub confirmation: String,
    /// More attributes of `AuthnStatement`, each with a space before it.
    pub authentication: String,
    /// Names and values of attributes.
    pub attributes: Vec<(String, Vec<String>)>,
}

impl SamlIdp {
    /// A provider with an RSA key.
    ///
    /// # Panics
    /// If no key can be made.
    #[must_use]
    pub fn rsa(entity_id: &str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
        let certificate = certificate(der.as_ref());
        SamlIdp { entity_id: entity_id.to_owned(), certificate, key: SigningKey::Rsa(Box::new(pair)) }
    }

    /// A provider with a key on the curve P-256.
    ///
    /// # Panics
    /// If no key can be made.
    #[must_use]
    pub fn ec(entity_id: &str) -> Self {
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        let der = EcdsaKeyPair::generate_pkcs8(algorithm, &SystemRandom::new()).expect("a key");
        let pair = EcdsaKeyPair::from_pkcs8(algorithm, der.as_ref()).expect("a key");
        let certificate = certificate(der.as_ref());
        SamlIdp { entity_id: entity_id.to_owned(), certificate, key: SigningKey::Ec(Box::new(pair)) }
    }

    /// Its metadata.
    #[must_use]
    pub fn metadata(&self) -> String {
        format!(
            "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"{SIGNATURE_NS}\" \
             entityID=\"{}\"><md:IDPSSODescriptor protocolSupportEnumeration=\"{PROTOCOL_NS}\"><md:KeyDescriptor \
             use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>\
             </ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
             Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"https://idp.example.com/sso\"/>\
             </md:IDPSSODescriptor></md:EntityDescriptor>",
            self.entity_id, self.certificate
        )
    }

    /// An assertion for [`ENDPOINT`] that was issued now and is valid for five minutes.
    #[must_use]
    pub fn assertion(&self, id: &str, now: Timestamp) -> AssertionText {
        let text = |seconds| (now + SignedDuration::from_secs(seconds)).to_string();
        AssertionText {
            id: id.to_owned(),
            issuer: self.entity_id.clone(),
            issued: text(0),
            name_id: "<saml:NameID Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">\
                      alice@example.com</saml:NameID>"
                .to_owned(),
            recipient: ENDPOINT.to_owned(),
            until: text(300),
            from: text(-30),
            conditions: format!(
                "<saml:AudienceRestriction><saml:Audience>{AUDIENCE}</saml:Audience></saml:AudienceRestriction>"
            ),
            confirmation: String::new(),
            authentication: String::new(),
            attributes: Vec::new(),
        }
    }

    /// The XML of a response with an assertion.
    #[must_use]
    pub fn response(&self, assertion: &AssertionText, signed: Signed) -> String {
        let mut text = assertion.text();
        if matches!(signed, Signed::Assertion | Signed::Both) {
            text = self.sign(&text, &assertion.id);
        }
        self.around(&text, &assertion.issued, matches!(signed, Signed::Response | Signed::Both))
    }

    /// The XML of a response around a part: an assertion, or several, or an encrypted one.
    #[must_use]
    pub fn around(&self, part: &str, issued: &str, signed: bool) -> String {
        let text = format!(
            "<samlp:Response xmlns:samlp=\"{PROTOCOL_NS}\" Destination=\"{ENDPOINT}\" ID=\"_response\" \
             IssueInstant=\"{issued}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"{ASSERTION_NS}\">{}</saml:Issuer>\
             <samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:Success\"></samlp:StatusCode>\
             </samlp:Status>{part}</samlp:Response>",
            self.entity_id
        );
        if signed { self.sign(&text, "_response") } else { text }
    }

    /// Signs a canonical element with this id and puts the signature after its `Issuer`.
    #[must_use]
    pub fn sign(&self, text: &str, id: &str) -> String {
        self.sign_info(text, &self.signed_info(text, id))
    }

    /// Signs a `SignedInfo` and puts the signature after the `Issuer` of an element.
    #[must_use]
    pub fn sign_info(&self, text: &str, info: &str) -> String {
        let canonical = info.replacen("<ds:SignedInfo>", &format!("<ds:SignedInfo xmlns:ds=\"{SIGNATURE_NS}\">"), 1);
        let value = BASE64.encode(&self.key.sign(canonical.as_bytes()));
        let signature = format!(
            "<ds:Signature xmlns:ds=\"{SIGNATURE_NS}\">{info}<ds:SignatureValue>{value}</ds:SignatureValue>\
             <ds:KeyInfo><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\
             </ds:Signature>",
            self.certificate
        );
        text.replacen("</saml:Issuer>", &format!("</saml:Issuer>{signature}"), 1)
    }

    /// The `SignedInfo` for a canonical element with this id.
    #[must_use]
    pub fn signed_info(&self, text: &str, id: &str) -> String {
        let method = match &self.key {
            SigningKey::Rsa(_) => RSA_SHA256,
            SigningKey::Ec(_) => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        };
        format!(
            "<ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">\
             </ds:CanonicalizationMethod><ds:SignatureMethod Algorithm=\"{method}\"></ds:SignatureMethod><ds:Reference \
             URI=\"#{id}\"><ds:Transforms><ds:Transform \
             Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"></ds:Transform><ds:Transform \
             Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"></ds:Transform></ds:Transforms><ds:DigestMethod \
             Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:DigestValue>{}\
             </ds:DigestValue></ds:Reference></ds:SignedInfo>",
            BASE64.encode(digest(&SHA256, text.as_bytes()).as_ref())
        )
    }
}

impl SigningKey {
    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, bytes, &mut signature).expect("a signature");
                signature
            }
            Self::Ec(pair) => pair.sign(&random, bytes).expect("a signature").as_ref().to_vec(),
        }
    }
}

impl AssertionText {
    /// The assertion in canonical form.
    #[must_use]
    pub fn text(&self) -> String {
        let value = |value: &String| format!("<saml:AttributeValue>{value}</saml:AttributeValue>");
        let attribute = |(name, values): &(String, Vec<String>)| {
            let values: String = values.iter().map(value).collect();
            format!("<saml:Attribute Name=\"{name}\">{values}</saml:Attribute>")
        };
        let attributes: String = self.attributes.iter().map(attribute).collect();
        let Self {
            id, issuer, issued, name_id, recipient, until, from, conditions, confirmation, authentication, ..
        } = self;
        format!(
            "<saml:Assertion xmlns:saml=\"{ASSERTION_NS}\" ID=\"{id}\" IssueInstant=\"{issued}\" Version=\"2.0\">\
             <saml:Issuer>{issuer}</saml:Issuer><saml:Subject>{name_id}<saml:SubjectConfirmation \
             Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData{confirmation} \
             NotOnOrAfter=\"{until}\" Recipient=\"{recipient}\"></saml:SubjectConfirmationData>\
             </saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore=\"{from}\" NotOnOrAfter=\"{until}\">\
             {conditions}</saml:Conditions><saml:AuthnStatement AuthnInstant=\"{issued}\"{authentication}>\
             <saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password\
             </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>\
             {attributes}</saml:AttributeStatement></saml:Assertion>"
        )
    }

    /// Adds an attribute of AWS, such as `Role`.
    #[must_use]
    pub fn aws(mut self, name: &str, values: &[&str]) -> Self {
        let name = format!("https://aws.amazon.com/SAML/Attributes/{name}");
        self.attributes.push((name, values.iter().map(|value| (*value).to_owned()).collect()));
        self
    }
}

/// A certificate of a private key: base64 of the DER.
fn certificate(pkcs8: &[u8]) -> String {
    let key = rcgen::KeyPair::try_from(pkcs8).expect("a key");
    let certificate = rcgen::CertificateParams::new(Vec::new()).expect("names").self_signed(&key);
    BASE64.encode(certificate.expect("a certificate").der())
}

/// A key that decrypts: the private half in PEM form, and what encrypts for it.
pub struct EncryptionKey {
    /// PKCS#8 in PEM form.
    pub private: String,
    public: OaepPublicEncryptingKey,
}

impl EncryptionKey {
    /// Makes a key.
    ///
    /// # Panics
    /// If no key can be made.
    #[must_use]
    pub fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("an RSA key");
        let der: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
        let private =
            format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", BASE64.encode(der.as_ref()));
        let spki = pair.public_key().as_der().map(|der: aws_lc_rs::encoding::PublicKeyX509Der<'_>| der);
        let public = PublicEncryptingKey::from_der(spki.expect("DER").as_ref()).expect("a public key");
        EncryptionKey { private, public: OaepPublicEncryptingKey::new(public).expect("a public key") }
    }

    /// The `EncryptedAssertion` with the text of an assertion. Its key is encrypted as most providers do it.
    ///
    /// # Panics
    /// If it cannot be encrypted.
    #[must_use]
    pub fn encrypt(&self, assertion: &str) -> String {
        let method = "Algorithm=\"http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p\">";
        self.encrypt_with(assertion, &OAEP_SHA1_MGF1SHA1, method)
    }

    /// The same with another variant of RSA-OAEP. `method` is the text that follows `<xenc:EncryptionMethod `.
    ///
    /// # Panics
    /// If it cannot be encrypted.
    #[must_use]
    pub fn encrypt_with(&self, assertion: &str, oaep: &'static OaepAlgorithm, method: &str) -> String {
        let (mut key, mut nonce) = ([0; 32], [0; 12]);
        fill(&mut key).expect("randomness");
        fill(&mut nonce).expect("randomness");
        let mut text = assertion.as_bytes().to_vec();
        let cipher = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).expect("a key"));
        let aad = Aad::empty();
        cipher.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text).expect("sealed");
        let mut wrapped = vec![0; self.public.ciphertext_size()];
        self.public.encrypt(oaep, &key, &mut wrapped, None).expect("encrypted");
        let value = |bytes: &[u8]| {
            let text = BASE64.encode(bytes);
            format!("<xenc:CipherData><xenc:CipherValue>{text}</xenc:CipherValue></xenc:CipherData>")
        };
        format!(
            "<saml:EncryptedAssertion xmlns:saml=\"{ASSERTION_NS}\"><xenc:EncryptedData \
             xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" Type=\"http://www.w3.org/2001/04/xmlenc#Element\">\
             <xenc:EncryptionMethod Algorithm=\"http://www.w3.org/2009/xmlenc11#aes256-gcm\"></xenc:EncryptionMethod>\
             <ds:KeyInfo xmlns:ds=\"{SIGNATURE_NS}\"><xenc:EncryptedKey><xenc:EncryptionMethod \
             {method}</xenc:EncryptionMethod>{}\
             </xenc:EncryptedKey></ds:KeyInfo>{}</xenc:EncryptedData></saml:EncryptedAssertion>",
            value(&wrapped),
            value(&[&nonce[..], &text].concat()),
        )
    }
}

impl Default for EncryptionKey {
    fn default() -> Self {
        Self::new()
    }
}
