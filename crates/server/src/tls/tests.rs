use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::{CertificateFiles, Certificates};

/// Writes a certificate that expires at the end of that year, and its key.
fn write(folder: &Path, year: i32) -> CertificateFiles {
    let files = CertificateFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = date_time_ymd(year, 12, 31);
    fs::write(&files.certificate, params.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    fs::set_permissions(&files.key, Permissions::from_mode(0o600)).unwrap();
    files
}

fn expires(certificates: &Certificates) -> String {
    certificates.loaded.load().not_after.to_string()
}

#[test]
fn a_changed_file_is_picked_up_and_a_broken_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let certificates = Certificates::load(write(folder.path(), 2050), None).unwrap();
    assert_eq!(expires(&certificates), "2050-12-31T00:00:00Z");
    let before = Arc::clone(&certificates.loaded.load().key);
    certificates.reload_if_changed();
    assert!(Arc::ptr_eq(&before, &certificates.loaded.load().key), "nothing changed");

    // Halfway through a replacement the two files do not go together.
    let other = tempfile::tempdir().unwrap();
    let new = write(other.path(), 2060);
    fs::rename(&new.certificate, folder.path().join("cert.pem")).unwrap();
    certificates.reload_if_changed();
    assert_eq!(expires(&certificates), "2050-12-31T00:00:00Z");
    fs::rename(&new.key, folder.path().join("key.pem")).unwrap();
    certificates.reload_if_changed();
    assert_eq!(expires(&certificates), "2060-12-31T00:00:00Z");

    fs::remove_file(folder.path().join("key.pem")).unwrap();
    certificates.reload();
    assert_eq!(expires(&certificates), "2060-12-31T00:00:00Z");
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let check = |change: &dyn Fn(&CertificateFiles), words: &[&str]| {
        let files = write(folder.path(), 2050);
        change(&files);
        let error = Certificates::load(files, None).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "{error}");
        }
    };
    check(&|f| fs::remove_file(&f.certificate).unwrap(), &["cert.pem", "No such file"]);
    check(&|f| fs::write(&f.certificate, "nothing").unwrap(), &["cert.pem", "no certificate in PEM form"]);
    check(&|f| fs::copy(&f.key, &f.certificate).map(drop).unwrap(), &["cert.pem", "no certificate in PEM form"]);
    let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    check(&|f| fs::write(&f.certificate, garbage).unwrap(), &["cert.pem", "no X.509 certificate"]);
    check(&|f| fs::write(&f.key, "nothing").unwrap(), &["key.pem", "no private key in PEM form"]);
    check(&|f| fs::set_permissions(&f.key, Permissions::from_mode(0o604)).unwrap(), &["key.pem", "chmod 600"]);
    let other = KeyPair::generate().unwrap().serialize_pem();
    check(&|f| fs::write(&f.key, &other).unwrap(), &["cert.pem", "key.pem", "do not go together"]);
    fs::remove_file(folder.path().join("key.pem")).unwrap();
    fs::remove_file(folder.path().join("cert.pem")).unwrap();
    check(
        &|f| {
            fs::remove_file(&f.key).unwrap();
            fs::create_dir(&f.key).unwrap();
        },
        &["key.pem"],
    );
}
