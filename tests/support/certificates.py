"""TLS certificates for test servers, and an authority that signs them."""

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A test certificate authority, whose certificate is the file `path`."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._key = folder, ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Test authority")
        made = _certificate(self._name, self._name, self._key.public_key(), is_authority=True)
        self.path = folder / "authority.pem"
        self._signed = made.sign(self._key, hashes.SHA256())
        self.path.write_bytes(self._signed.public_bytes(serialization.Encoding.PEM))

    def context(self, *hosts: str, expired: bool = False, self_signed: bool = False) -> ssl.SSLContext:
        """Return a server TLS context with a certificate for these hosts."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer, signs = (_name(hosts[0]), key) if self_signed else (self._name, self._key)
        made = _certificate(_name(hosts[0]), issuer, key.public_key(), hosts=hosts, expired=expired)
        signed = made.sign(signs, hashes.SHA256())
        file = self._folder / f"{hosts[0]}-{expired}-{self_signed}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + signed.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    *,
    hosts: tuple[str, ...] = (),
    is_authority: bool = False,
    expired: bool = False,
) -> x509.CertificateBuilder:
    now = datetime.now(UTC) - (timedelta(days=9) if expired else timedelta(0))
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
    )
    if hosts:
        made = made.add_extension(x509.SubjectAlternativeName([_general(host) for host in hosts]), False)
    return made


def _general(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
