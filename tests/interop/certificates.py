"""A throw-away certificate authority for the upstream, the token endpoint and the listeners."""

import subprocess

LEAF = "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
# OpenSSL 3 wants the authority to say so; Python's strict checks want the key identifiers.
CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"


def make(folder):
    """Writes ca.pem, cert.pem and key.pem into a new folder and returns it."""
    folder.mkdir()
    request(folder, "ca", "interop throw-away CA")
    request(folder, "cert", "localhost")
    (folder / "ca.ext").write_text(CA)
    (folder / "leaf.ext").write_text(LEAF)
    sign(folder, "ca", "ca.ext", ["-key", "ca.key"])
    sign(folder, "cert", "leaf.ext", ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"])
    (folder / "cert.key").rename(folder / "key.pem")
    return folder


def make_for_app(folder):
    """Writes app.pem and app.key: a certificate of its own, with which an app proves itself."""
    arguments = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "app.key", "-out", "app.pem", "-days", "90"]
    openssl(folder, [*arguments, "-subj", "/CN=interop app"])


def request(folder, name, subject):
    """A key and a signing request. RSA, because the oldest of these clients know nothing else."""
    openssl(folder, ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={subject}"])


def sign(folder, name, extensions, signer):
    openssl(folder, ["x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.pem", "-days", "90", "-extfile", extensions, *signer])


def openssl(folder, arguments):
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
