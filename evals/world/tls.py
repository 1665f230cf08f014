"""The world's certificates and what listens behind them: proxies in every state of health."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from evals.world.spec import Edge, Visit

PLATFORM_NAMES = ("*.heron.example", "heron.example")


class Signed(NamedTuple):
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


class Authority(NamedTuple):
    root: Signed
    intermediate: Signed


def sign(name: str, by: Signed | None, days: int, dns_names: tuple[str, ...] = ()) -> Signed:
    """A certificate for `dns_names`, or without any an authority's; `by` None signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer_key = by.key if by else key
    now = dt.datetime.now(dt.UTC)
    own_id, issuer_id = (x509.SubjectKeyIdentifier.from_public_key(k.public_key()) for k in (key, issuer_key))
    authority = not dns_names
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + dt.timedelta(days=min(-1, days - 90)))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage(authority), critical=True)
        .add_extension(own_id, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_id), critical=False
        )
    )
    if dns_names:
        names = x509.SubjectAlternativeName([x509.DNSName(n) for n in dns_names])
        server = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        builder = builder.add_extension(names, critical=False).add_extension(server, critical=False)
    return Signed(builder.sign(issuer_key, hashes.SHA256()), key)


def usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def open_authority(folder: Path) -> Authority:
    """The throw-away authority of a state folder: made once, so that clients' trust outlives a restart."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "authority.pem"
    if not file.exists():
        root = sign("Heron World Root", None, 3650)
        intermediate = sign("Heron World Issuing", root, 3650)
        (folder / "ca.pem").write_bytes(root.pem())
        fresh = file.with_suffix(".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(root.pem() + root.key_pem() + intermediate.pem() + intermediate.key_pem())
        fresh.replace(file)
    data = file.read_bytes()
    certificates = x509.load_pem_x509_certificates(data)
    marker = b"-----BEGIN PRIVATE KEY-----"
    keys = [serialization.load_pem_private_key(marker + part, None) for part in data.split(marker)[1:]]
    signed = [
        Signed(c, k)
        for c, k in zip(certificates, keys, strict=True)
        if isinstance(k, ec.EllipticCurvePrivateKey)
    ]
    return Authority(*signed)


def certificate_pem(authority: Authority, edge: Edge) -> bytes:
    """Key and chain, as a server file, of the certificate that this edge presents."""
    issuer: Signed | None = authority.intermediate
    names: tuple[str, ...] = (edge.host,)
    days = edge.days
    match edge.kind:
        case "other_name":
            names = ("shop.other-customer.example",)
        case "expired":
            days = -2
        case "self_signed":
            issuer = None
        case "platform_certificate":
            names = PLATFORM_NAMES
    leaf = sign(names[0], issuer, days, names)
    bare = edge.kind in ("self_signed", "missing_intermediate")
    return leaf.key_pem() + leaf.pem() + (b"" if bare else authority.intermediate.pem())


class Listening(NamedTuple):
    """Where edges listen and what they need to answer."""

    tls_port: int
    http_port: int
    folder: Path
    authority: Authority
    visit: Callable[[Visit], None]
    branded_hosts: Callable[[], set[str]]


async def serve_edge(edge: Edge, address: str, world: Listening) -> list[asyncio.Server]:
    """Opens the two ports of one edge at its own address; a closed one opens none."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(10):
                head = await reader.readuntil(b"\r\n\r\n")
            method, target, host = parse_head(head)
            world.visit(Visit(edge=edge.host, path=target))
            writer.write(respond(edge, method, target, host, world.branded_hosts()))
            await writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, OSError, ValueError):
            pass  # a prober that hangs up or talks nonsense is no concern of a web server
        finally:
            writer.close()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Promises a long handshake record and sends it one byte a second."""
        world.visit(Visit(edge=edge.host))
        try:
            for byte in b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb" + bytes(0x3FFF):
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(1)
        except OSError:
            pass
        finally:
            writer.close()

    if edge.kind == "closed":
        return []
    http = await asyncio.start_server(answer, address, world.http_port)
    if edge.kind == "handshake_drip":
        return [http, await asyncio.start_server(drip, address, world.tls_port)]
    context = tls_context(edge, world)
    return [http, await asyncio.start_server(answer, address, world.tls_port, ssl=context)]


def tls_context(edge: Edge, world: Listening) -> ssl.SSLContext:
    file = world.folder / "edge.pem"
    file.touch(mode=0o600)
    file.write_bytes(certificate_pem(world.authority, edge))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    file.unlink()

    def note(_: ssl.SSLObject | ssl.SSLSocket, name: str | None, __: ssl.SSLContext) -> None:
        world.visit(Visit(edge=edge.host, sni=name))

    context.sni_callback = note
    return context


def parse_head(head: bytes) -> tuple[str, str, str]:
    """Method, target and Host of a request; ValueError for anything else."""
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    hosts = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("host:")]
    return method, target, hosts[0].rsplit(":", 1)[0].lower() if hosts else ""


def respond(edge: Edge, method: str, target: str, host: str, branded_hosts: set[str]) -> bytes:
    """What comes back through this edge: its own answer, or the tracking server's."""
    if edge.kind == "redirect_loop":
        return http_answer("301 Moved Permanently", "", method, f"Location: https://{host}{target}\r\n")
    if edge.kind == "origin_down":
        return http_answer("502 Bad Gateway", "<h1>Origin is not reachable</h1>", method)
    return track(target, host in branded_hosts and edge.kind != "host_not_forwarded", method)


def track(target: str, known_host: bool, method: str) -> bytes:
    """The tracking server: without a token there is no link to follow, and no click is recorded."""
    server = "Server: heron-track\r\n"
    if not known_host:
        page = "Wrong link"
    elif target.partition("?")[0] == "/ls/click":
        page = "Unknown link"
    else:
        page = "Nothing here"
    return http_answer("404 Not Found", f"<h1>{page}</h1>", method, server)


def http_answer(status: str, page: str, method: str, headers: str = "") -> bytes:
    body = page.encode()
    head = (
        f"HTTP/1.1 {status}\r\n{headers}Content-Type: text/html; charset=utf-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode("latin-1") + (b"" if method == "HEAD" else body)
