//! Verifying a signature, and what it signs.

use aws_lc_rs::digest::digest;

use super::SamlError;
use super::algorithms::{Hash, SignatureMethod};
use super::names::{ENVELOPED, EXCLUSIVE_C14N, SIGNATURE};
use crate::x509::{Certificate, decode_base64};
use crate::xml::{Document, Element};

/// The largest number of prefixes that a canonicalization lists.
const MAX_PREFIXES: usize = 16;
/// The longest canonical text of a `SignedInfo`, in bytes. It is made before the signature is verified.
const MAX_INFO: usize = 16 * 1024;
/// The longest canonical text of what is signed, in bytes: several times that of a response.
const MAX_CONTENT: usize = 1024 * 1024;

/// Verifies a signature of the element that it is directly in. Returns that element without the signature, parsed from the
/// bytes that were hashed: nothing else of the document is signed.
///
/// The keys are those of the certificates; what the signature says about its key is ignored.
///
/// # Errors
/// [`SamlError::SignatureForm`], [`SamlError::Signature`], [`SamlError::Xml`].
pub(super) fn verify(signature: Element<'_>, certificates: &[Certificate]) -> Result<Document, SamlError> {
    let parent = signature.parent().ok_or(SamlError::Signature)?;
    let (info, value) = parts(signature)?;
    let info_bytes = info.canonical(None, &canonicalization(info)?, MAX_INFO)?;
    let value = value.text().and_then(decode_base64).ok_or(SamlError::Signature)?;
    // From here on, only what is signed is read of the signature.
    let signed = Document::parse(&info_bytes)?;
    let signed = SignedInfo::read(signed.root())?;
    let is_signed = |key: &Certificate| signed.method.verifies(key, info_bytes.as_bytes(), &value);
    if !certificates.iter().any(is_signed) {
        return Err(SamlError::Signature);
    }
    let id = parent.attribute("ID").filter(|id| !id.is_empty());
    if id.is_none_or(|id| signed.reference.strip_prefix('#') != Some(id)) {
        return Err(SamlError::SignatureForm("it does not refer to the ID of the element that it is in"));
    }
    let prefixes: Vec<&str> = signed.prefixes.iter().map(String::as_str).collect();
    let content = parent.canonical(Some(signature), &prefixes, MAX_CONTENT)?;
    if digest(signed.hash.digest(), content.as_bytes()).as_ref() != signed.digest {
        return Err(SamlError::Signature);
    }
    Ok(Document::parse(&content)?)
}

/// `SignedInfo` and `SignatureValue` of a signature, which has nothing else but a `KeyInfo`.
fn parts(signature: Element<'_>) -> Result<(Element<'_>, Element<'_>), SamlError> {
    let mut children = signature.elements();
    let (Some(info), Some(value)) = (children.next(), children.next()) else {
        return Err(SamlError::SignatureForm("it has no SignedInfo and SignatureValue"));
    };
    let has_key_info_at_most =
        children.next().is_none_or(|last| last.is(SIGNATURE, "KeyInfo")) && children.next().is_none();
    if !info.is(SIGNATURE, "SignedInfo") || !value.is(SIGNATURE, "SignatureValue") || !has_key_info_at_most {
        return Err(SamlError::SignatureForm("expected SignedInfo, SignatureValue and at most a KeyInfo"));
    }
    Ok((info, value))
}

/// What a `SignedInfo` says.
struct SignedInfo {
    method: SignatureMethod,
    reference: String,
    prefixes: Vec<String>,
    hash: Hash,
    digest: Vec<u8>,
}

impl SignedInfo {
    fn read(info: Element<'_>) -> Result<Self, SamlError> {
        let [_, method, reference] = exactly(info, ["CanonicalizationMethod", "SignatureMethod", "Reference"])?;
        let method = method.attribute("Algorithm").filter(|_| has_no_elements(method));
        let method = method.and_then(SignatureMethod::from_uri);
        let method =
            method.ok_or(SamlError::SignatureForm("expected RSA or ECDSA with SHA-256, SHA-384 or SHA-512"))?;
        let [transforms, hash, digest] = exactly(reference, ["Transforms", "DigestMethod", "DigestValue"])?;
        let [enveloped, canonicalized] = exactly(transforms, ["Transform", "Transform"])?;
        if enveloped.attribute("Algorithm") != Some(ENVELOPED) || !has_no_elements(enveloped) {
            return Err(TRANSFORMS);
        }
        let prefixes = prefixes(canonicalized)?;
        let hash = hash.attribute("Algorithm").filter(|_| has_no_elements(hash)).and_then(Hash::from_uri);
        let hash = hash.ok_or(SamlError::SignatureForm("expected a digest of SHA-256, SHA-384 or SHA-512"))?;
        Ok(SignedInfo {
            method,
            reference: reference.attribute("URI").unwrap_or_default().to_owned(),
            prefixes: prefixes.into_iter().map(str::to_owned).collect(),
            hash,
            digest: digest.text().and_then(decode_base64).ok_or(SamlError::Signature)?,
        })
    }
}

const TRANSFORMS: SamlError =
    SamlError::SignatureForm("expected the transforms enveloped-signature and exclusive canonicalization");

/// The only elements in an element of a signature: these, in this order.
fn exactly<'d, const N: usize>(element: Element<'d>, names: [&str; N]) -> Result<[Element<'d>; N], SamlError> {
    let children: Vec<_> = element.elements().take(N + 1).collect();
    let children: Result<[Element<'d>; N], _> = children.try_into();
    let in_order =
        |children: &[Element<'d>; N]| children.iter().zip(names).all(|(child, name)| child.is(SIGNATURE, name));
    children.ok().filter(in_order).ok_or(if names == ["Transform"; N] {
        TRANSFORMS
    } else {
        SamlError::SignatureForm("an element of it is missing, repeated or not known")
    })
}

fn has_no_elements(element: Element<'_>) -> bool {
    element.elements().next().is_none()
}

/// The prefixes that the canonicalization of a `SignedInfo` lists. They are part of the canonical bytes.
fn canonicalization(info: Element<'_>) -> Result<Vec<&str>, SamlError> {
    let method = info.only_child(SIGNATURE, "CanonicalizationMethod");
    prefixes(method.ok_or(SamlError::SignatureForm("it has not exactly one CanonicalizationMethod"))?)
}

/// The prefixes that an exclusive canonicalization without comments lists.
fn prefixes(method: Element<'_>) -> Result<Vec<&str>, SamlError> {
    if method.attribute("Algorithm") != Some(EXCLUSIVE_C14N) {
        return Err(SamlError::SignatureForm("expected exclusive canonicalization without comments"));
    }
    let mut parameters = method.elements();
    let Some(first) = parameters.next() else { return Ok(Vec::new()) };
    let list = first.attribute("PrefixList").filter(|_| first.is(EXCLUSIVE_C14N, "InclusiveNamespaces"));
    let (Some(list), None) = (list, parameters.next()) else {
        return Err(SamlError::SignatureForm("expected InclusiveNamespaces as the only parameter of canonicalization"));
    };
    let prefixes: Vec<&str> =
        list.split_ascii_whitespace().map(|prefix| if prefix == "#default" { "" } else { prefix }).collect();
    if prefixes.len() > MAX_PREFIXES {
        return Err(SamlError::SignatureForm("it lists too many prefixes"));
    }
    Ok(prefixes)
}
