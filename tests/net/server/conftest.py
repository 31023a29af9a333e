"""What the tests of the servers share: a certificate, once for each file."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trustme

from evd.net.socket import tls_context


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """What a server and a client need to speak TLS with each other."""
    folder: Path = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return tls_context(folder / "cert.pem", folder / "key.pem"), client
