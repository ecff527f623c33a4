"""A certificate authority of the tests' own."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Authority:
    """Certifies names and addresses, in files of a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory, self._key = directory, ec.generate_private_key(ec.SECP256R1())
        self.file = directory / "authority.pem"
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test authority")])
        self.file.write_bytes(self._issue(self._name, self._key, authority=True).public_bytes(Encoding.PEM))

    def _issue(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *names: x509.GeneralName, authority: bool = False
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder(self._name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if names:
            made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return made.sign(self._key, SHA256())

    def certificate(self, *names: str) -> Path:
        """Of a server of these names and addresses, with its key, in one file."""
        key, file = ec.generate_private_key(ec.SECP256R1()), self._directory / f"{'-'.join(names)}.pem"
        said = [x509.IPAddress(ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names]
        certificate = self._issue(x509.Name([]), key, *said)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(secret + certificate.public_bytes(Encoding.PEM))
        return file

    def certifies(self, *names: str) -> ssl.SSLContext:
        """What a server of these names and addresses shows."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate(*names))
        return context
