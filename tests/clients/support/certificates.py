"""Self-signed certificates, and authorities that issue client certificates."""

import datetime
import ipaddress

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


def make_certificate(folder, name="cert", address="127.0.0.1", authority=True, days=1):
    """A self-signed certificate for an address, valid for a number of days, and its key."""
    folder.mkdir(exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "bailiwick test")])
    now = datetime.datetime.now(datetime.timezone.utc)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=5))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.pem", folder / f"{name}.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    paths[1].chmod(0o600)
    return paths


class Authority:
    """A certificate with its key, which may issue others: `pem` is the certificate, `chain` also has those of its issuers."""

    def __init__(self, common_name, names=(), issuer=None, before=None, after=None, usage=None):
        now = datetime.datetime.now(datetime.timezone.utc)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.name)
            .issuer_name(issuer.name if issuer else self.name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(before or now - datetime.timedelta(days=1))
            .not_valid_after(after or max(now, before or now) + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        )
        if names:
            names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(name) for name in names])
            builder = builder.add_extension(names, critical=False)
        if issuer:
            builder = builder.add_extension(x509.ExtendedKeyUsage([usage or ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        self.certificate = builder.sign((issuer or self)._key, hashes.SHA256())
        self.pem = self.certificate.public_bytes(serialization.Encoding.PEM)
        is_below = issuer and issuer.certificate.issuer != issuer.certificate.subject
        self.chain = self.pem + (issuer.chain if is_below else b"")
        self.key = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def issue(self, names, common_name="client", **settings):
        """A client certificate with these URIs."""
        return Authority(common_name, names, issuer=self, **settings)

    def revoked(self, *certificates, next_update=datetime.timedelta(days=1)):
        """A list of revoked certificates in PEM form, which is out of date after `next_update`."""
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.name)
        builder = builder.last_update(now - datetime.timedelta(days=2)).next_update(now + next_update)
        builder = builder.add_extension(x509.CRLNumber(1), critical=False)
        for each in certificates:
            entry = x509.RevokedCertificateBuilder().serial_number(each.certificate.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(now - datetime.timedelta(days=1)).build())
        return builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
