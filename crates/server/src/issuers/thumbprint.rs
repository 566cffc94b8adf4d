//! The thumbprints that a provider is registered with.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use bailiwick_federation::Certificate;
use rustls::pki_types::CertificateDer;

/// Whether one of the thumbprints is that of the server's certificate or of one that issued it, in the chain that the
/// server presents. The chain was verified before. A certificate that is only put beside it does not count.
pub(super) fn matches(thumbprints: &[String], chain: &[CertificateDer<'_>]) -> bool {
    let is_registered = |certificate: &CertificateDer<'_>| {
        let found = data_encoding::HEXLOWER.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref());
        thumbprints.iter().any(|thumbprint| thumbprint.eq_ignore_ascii_case(&found))
    };
    let Some(position) = chain.iter().position(is_registered) else { return false };
    let read = |certificate: &CertificateDer<'_>| Certificate::from_der(certificate.to_vec()).ok();
    let linked: Option<Vec<Certificate>> = chain[..=position].iter().map(read).collect();
    match linked.as_deref() {
        Some([first, rest @ ..]) => first.break_in(rest).is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

    use super::*;

    #[test]
    fn only_certificates_in_the_chain_count() {
        let authority = |name: &str| {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
        };
        let (own, other) = (authority("own"), authority("other"));
        let params = CertificateParams::new(vec!["idp.example.com".to_owned()]).unwrap();
        let leaf = params.signed_by(&KeyPair::generate().unwrap(), &own).unwrap();
        let (leaf, own, other) = (leaf.der().clone(), own.der().clone(), other.der().clone());
        let print = |certificate: &CertificateDer<'_>| {
            vec![data_encoding::HEXUPPER.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate).as_ref())]
        };
        let chain = [leaf.clone(), own.clone()];
        assert!(matches(&print(&leaf), &chain));
        assert!(matches(&print(&own), &chain));
        assert!(!matches(&print(&other), &chain));
        assert!(!matches(&["f".repeat(40)], &chain));
        assert!(!matches(&print(&leaf), &[]));
        // Any server can put a public certificate beside its own.
        let beside = [leaf.clone(), other.clone()];
        assert!(!matches(&print(&other), &beside));
        assert!(!matches(&print(&own), &[leaf, other, own]));
    }
}
