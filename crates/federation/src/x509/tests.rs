use rcgen::{
    BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384,
    PKCS_ECDSA_P521_SHA512, PKCS_ED25519, PKCS_RSA_SHA256, PKCS_RSA_SHA512, SignatureAlgorithm, date_time_ymd,
};

use super::*;

const ALGORITHMS: [&SignatureAlgorithm; 6] = [
    &PKCS_RSA_SHA256,
    &PKCS_RSA_SHA512,
    &PKCS_ECDSA_P256_SHA256,
    &PKCS_ECDSA_P384_SHA384,
    &PKCS_ECDSA_P521_SHA512,
    &PKCS_ED25519,
];

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2030, 1, 2);
    let authority = !name.starts_with("leaf");
    params.is_ca = if authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
    params
}

/// A certificate that `issuer` (its parameters and key) signed, and its PEM.
fn issue(name: &str, key: &KeyPair, issuer: (&CertificateParams, &KeyPair)) -> (Certificate, String) {
    let made = params(name).signed_by(key, &Issuer::from_params(issuer.0, issuer.1)).unwrap();
    (Certificate::from_der(made.der().to_vec()).unwrap(), made.pem())
}

#[test]
fn a_certificate_and_its_key_belong_together() {
    let other = KeyPair::generate().unwrap();
    for algorithm in ALGORITHMS {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let (certificate, pem) = issue("a", &key, (&params("a"), &key));
        assert_eq!(Certificate::parse_pem(&pem).unwrap(), std::slice::from_ref(&certificate));
        let private = PrivateKey::parse_pem(&key.serialize_pem()).unwrap();
        assert_eq!(private.is_rsa(), algorithm == &PKCS_RSA_SHA256 || algorithm == &PKCS_RSA_SHA512);
        assert!(certificate.belongs_to(&private), "{algorithm:?}");
        assert!(!certificate.belongs_to(&PrivateKey::parse_pem(&other.serialize_pem()).unwrap()));
        assert_eq!((certificate.not_before(), certificate.not_after()), (1_577_836_800, 1_893_542_400));
        let refused = PrivateKey::parse_pem(&pem);
        assert_eq!(refused, Err(X509Error::NotPrivateKey), "a certificate is not a key");
    }
}

#[test]
fn a_chain_is_in_order_and_signed() {
    for algorithm in ALGORITHMS {
        let [root_key, middle_key, leaf_key] = [0; 3].map(|_| KeyPair::generate_for(algorithm).unwrap());
        let (root, _) = issue("root", &root_key, (&params("root"), &root_key));
        let (middle, _) = issue("middle", &middle_key, (&params("root"), &root_key));
        let (leaf, _) = issue("leaf", &leaf_key, (&params("middle"), &middle_key));
        // The name of an issuer without its key, and its key under another name.
        let (forged, _) = issue("leaf", &leaf_key, (&params("middle"), &leaf_key));
        let (renamed, _) = issue("leaf", &leaf_key, (&params("other"), &middle_key));
        let check = |first: &Certificate, chain: &[&Certificate], expected: Option<isize>| {
            let chain: Vec<Certificate> = chain.iter().map(|one| (*one).clone()).collect();
            assert_eq!(first.break_in(&chain), expected, "{algorithm:?}, {} certificates", chain.len());
        };
        check(&leaf, &[], None);
        check(&leaf, &[&middle], None);
        check(&leaf, &[&middle, &root], None);
        check(&leaf, &[&middle, &root, &root], None);
        check(&leaf, &[&root], Some(-1));
        check(&leaf, &[&root, &root], Some(0));
        check(&leaf, &[&root, &middle], Some(-1));
        check(&leaf, &[&middle, &leaf], Some(-1));
        check(&leaf, &[&middle, &middle, &root], Some(1));
        // A leaf in its own chain may not issue.
        check(&leaf, &[&leaf, &middle], Some(1));
        check(&leaf, &[&leaf, &middle, &root], Some(1));
        check(&forged, &[&middle], Some(-1));
        check(&forged, &[&middle, &root], Some(0));
        check(&renamed, &[&middle], Some(-1));
    }
}

#[test]
fn a_changed_certificate_is_not_issued() {
    let key = KeyPair::generate().unwrap();
    let (certificate, _) = issue("same", &key, (&params("same"), &key));
    assert!(certificate.is_issued_by(&certificate));
    let mut der = certificate.der().to_vec();
    let end = der.len() - 1;
    der[end] ^= 1;
    assert!(!Certificate::from_der(der).unwrap().is_issued_by(&certificate));
}

#[test]
fn what_is_not_a_certificate_is_refused() {
    let key = KeyPair::generate().unwrap();
    let (certificate, pem) = issue("a", &key, (&params("a"), &key));
    let check = |text: &str, expected: X509Error| assert_eq!(Certificate::parse_pem(text), Err(expected), "{text}");
    check("", X509Error::NotPem);
    check("  \n", X509Error::NotPem);
    check("certificate", X509Error::NotPem);
    check(&format!("{pem}text"), X509Error::NotPem);
    check(&format!("text\n{pem}"), X509Error::NotPem);
    check(&format!("{pem}{}", key.serialize_pem()), X509Error::NotPem);
    check(&key.serialize_pem(), X509Error::NotPem);
    check(&pem.replace("CERTIFICATE", "X509 CRL"), X509Error::NotPem);
    check(&pem.replace("-----END CERTIFICATE-----", ""), X509Error::NotPem);
    check(&pem.replacen("\n", "\n*", 1), X509Error::NotPem);
    check(&format!("{BEGIN}\n{END}"), X509Error::NotCertificate);
    check(&format!("{BEGIN}\nAAAA\n{END}"), X509Error::NotCertificate);
    check(&pem.repeat(33), X509Error::TooMany);
    assert_eq!(Certificate::parse_pem(&pem.repeat(32)).unwrap().len(), 32);
    assert_eq!(Certificate::parse_pem(&format!(" \r\n{}", pem.replace('\n', "\r\n"))).unwrap().len(), 1);
    let mut longer = certificate.der().to_vec();
    longer.push(0);
    assert_eq!(Certificate::from_der(longer), Err(X509Error::NotCertificate));
    for cut in [0, 1, 4, 100] {
        assert_eq!(Certificate::from_der(certificate.der()[..cut].to_vec()), Err(X509Error::NotCertificate));
    }
}

#[test]
fn what_is_not_a_private_key_is_refused() {
    let pem = KeyPair::generate().unwrap().serialize_pem();
    for text in ["", "text", &pem.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), &pem.replace("\nM", "\n*")] {
        assert_eq!(PrivateKey::parse_pem(text), Err(X509Error::NotPrivateKey), "{text}");
    }
}

/// The key without its PKCS#8 envelope: PKCS#1 for RSA, SEC 1 for EC.
fn unwrapped(key: &KeyPair, label: &str) -> String {
    let mut reader = SliceReader::new(key.serialized_der()).unwrap();
    let inner = reader.sequence(|inner| {
        let (_version, _algorithm) = (inner.tlv_bytes()?, inner.tlv_bytes()?);
        let key = x509_cert::der::asn1::OctetString::decode(inner)?;
        inner.read_slice(inner.remaining_len())?;
        Ok::<_, x509_cert::der::Error>(key)
    });
    let text = data_encoding::BASE64.encode(inner.unwrap().as_bytes());
    format!("-----BEGIN {label} PRIVATE KEY-----\n{text}\n-----END {label} PRIVATE KEY-----\n")
}

#[test]
fn older_forms_of_private_keys_are_read() {
    for (algorithm, label) in
        [(&PKCS_RSA_SHA256, "RSA"), (&PKCS_ECDSA_P256_SHA256, "EC"), (&PKCS_ECDSA_P384_SHA384, "EC")]
    {
        let key = KeyPair::generate_for(algorithm).unwrap();
        let expected = PrivateKey::parse_pem(&key.serialize_pem());
        assert_eq!(PrivateKey::parse_pem(&unwrapped(&key, label)), expected, "{label}");
    }
}
