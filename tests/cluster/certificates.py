"""The cluster's certificates and kubeconfigs: one authority, a certificate for each program and for the person.

`trustme` makes them; its authority carries the key usage that Python 3.13 and later demand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trustme
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Paths of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """The cluster's certificate authority and what it signs, all in one folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        self._authority = trustme.CA(organization_name="kubernaut tests")
        self.certificate = folder / "ca.crt"
        self.key = folder / "ca.key"
        self._authority.cert_pem.write_to_path(self.certificate)
        self._authority.private_key_pem.write_to_path(self.key)

    def issue(self, name: str, *, user: str, groups: str | None = None, hosts: Sequence[str] = ()) -> KeyPair:
        """Sign a certificate.

        Parameters
        ----------
        name : str
            Of the files.
        user, groups : str
            Common name and organization: user and group to Kubernetes.
        hosts : sequence of str
            Names and addresses a server answers to.
        """
        # trustme wants an identity; a client's is never looked at.
        certificate = self._authority.issue_cert(
            *(hosts or [f"{name}.invalid"]), common_name=user, organization_name=groups
        )
        pair = KeyPair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        pair.certificate.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
        certificate.private_key_pem.write_to_path(pair.key)
        pair.key.chmod(0o600)
        return pair

    def kubeconfig(self, path: Path, *, server: str, user: str, groups: str | None = None) -> Path:
        """Write a kubeconfig with a certificate of its own for a user, and give its path."""
        pair = self.issue(path.stem, user=user, groups=groups)
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {
                    "name": "kubernaut-test",
                    "cluster": {"server": server, "certificate-authority-data": _data(self.certificate)},
                }
            ],
            "users": [
                {
                    "name": user,
                    "user": {"client-certificate-data": _data(pair.certificate), "client-key-data": _data(pair.key)},
                }
            ],
            "contexts": [{"name": "kubernaut-test", "context": {"cluster": "kubernaut-test", "user": user}}],
            "current-context": "kubernaut-test",
        }
        path.write_text(yaml.safe_dump(document))
        path.chmod(0o600)
        return path


def write_signing_key(folder: Path) -> KeyPair:
    """Write the pair that signs tokens of ServiceAccounts; `certificate` is the public key."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pair = KeyPair(folder / "service-accounts.pub", folder / "service-accounts.key")
    pair.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )
    pair.certificate.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return pair


def _data(path: Path) -> str:
    from base64 import b64encode

    return b64encode(path.read_bytes()).decode()
