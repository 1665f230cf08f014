"""The company's platform over HTTP, as connector files declare it: reads what is asked at that moment, writes
once per key.

Every call is made with the credential that it names and with no other.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
from functools import cache
from importlib import import_module
from ipaddress import ip_address
from types import TracebackType
from typing import Self, cast

import httpx
from pydantic import SecretStr

from app.connectors.answers import at, called, path_of, says, shaped
from app.connectors.fill import Meant, Prepared, Written, posted, prepared, signed_body, written
from app.connectors.model import Answer, Connectors, Python, Request, Ticket, Webhook
from app.connectors.references import References
from app.errors import BadInput, ConfigError, OutcomeUnknown, Unavailable
from app.identity import account_user
from app.models.people import Principal, Standing
from app.models.steps import Finding
from app.ports import NO_SUBJECTS, Call
from app.signing import signature

# A read is part of a turn, so it gives up early; a write may take its time, since a lost answer costs more.
READ_TIMES = httpx.Timeout(5.0, connect=2.0)
CONNECT_S = 3.0
SHORTEST_SECRET = 32
"""Characters of the secret that a webhook is signed with."""


@cache
def _authorities() -> ssl.SSLContext:
    """Loaded once: it costs more than a call does, and every write has a client of its own."""
    return httpx.create_ssl_context(trust_env=False)


class Platform:
    """`Accounts` of the company's connectors. Close it, or use it in `async with`.

    `loopback` lets a closed world (tests, the demo) be on this machine, without TLS; no setting does.
    `transport` takes the calls instead of the network.
    Raises `ConfigError` for an address, a secret or a function that cannot be used.
    """

    def __init__(
        self,
        connectors: Connectors,
        reference: References,
        *,
        loopback: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._connectors, self._loopback, self._transport = connectors, loopback, transport
        self._values = {name: SecretStr(reference(name)) for name in connectors.references()}
        self._clients: dict[tuple[str, str | None], httpx.AsyncClient] = {}
        for call in self._calls():
            self._usable(call)

    def _calls(self) -> list[Request | Python | Webhook | Ticket]:
        reads = [read.call for read in self._connectors.reads.values()]
        people = [each.call for each in (self._connectors.standing, self._connectors.person) if each]
        return [*reads, *people, *self._connectors.writes.values()]

    def _usable(self, call: Request | Python | Webhook | Ticket) -> None:
        match call:
            case Request():
                self._address(call.api.address)
            case Webhook():
                self._address(call.address)
                if len(self._secret(call.secret)) < SHORTEST_SECRET:
                    raise ConfigError(
                        f"{call.secret} is shorter than {SHORTEST_SECRET} characters. "
                        "Make one: openssl rand -hex 32"
                    )
            case Ticket(webhook=Webhook() as webhook):
                self._usable(webhook)
            case Python():
                _function(call.entry)

    def _secret(self, reference: str) -> str:
        return self._values[reference].get_secret_value()

    def _address(self, named: str) -> str:
        """Where to: https, or this very machine in a closed world."""
        address = self._secret(named) if named in self._values else named
        what = named.removeprefix("env:")
        try:
            url = httpx.URL(address)
        except (httpx.InvalidURL, ValueError) as error:
            raise ConfigError(f"{what}: {address!r} is no address ({error}). Write https://...") from error
        here = self._loopback and url.scheme == "http" and _is_here(url.host)
        if not url.host or (url.scheme != "https" and not here):
            raise ConfigError(f"{what}: {address!r} is no https address. Write https://...")
        if url.userinfo or url.query or url.fragment:
            raise ConfigError(f"{what} holds more than an address. Leave out names, passwords and `?...`.")
        return address

    async def aclose(self) -> None:
        for client in self._clients.values():
            await client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # --- reads ---

    async def standing(self, principal: Principal) -> Standing:
        """Owner, member or stranger of the account, as the account system says now."""
        if principal.kind != "customer" or not principal.account:
            return "anonymous"
        role = self._connectors.standing
        if role is None:
            return "unknown"
        values = {"account": principal.account, "user": principal.id}
        try:
            person = await self._read(role.call, values)
        except BadInput:
            return "stranger"
        except Unavailable:
            return "unknown"
        if role.find is not None:
            rows = at(person, path_of(role.find))
            people = rows if isinstance(rows, list) else []
            person = next((row for row in people if str(at(row, path_of(role.by))) == principal.id), None)
        if not isinstance(person, Mapping):
            return "stranger"
        if says(person, role.owner):
            return "owner"
        return "member" if role.member is None or says(person, role.member) else "stranger"

    async def field(self, account: str, path: str, subjects: Mapping[str, str] = NO_SUBJECTS) -> object:
        """Value at a dotted path: `plan`, `settings.click_tracking`, `domains.acme.com.workspace`."""
        first, *rest = path.split(".")
        read = self._connectors.reads.get(first)
        if read is None:
            read, rest = self._connectors.reads.get("account"), [first, *rest]
        if read is None:
            raise Unavailable(f"No connector reads {first!r}; declare it under `reads:`.")
        try:
            answer = await self._read(read.call, {**subjects, "account": account})
        except BadInput:  # what cannot be an id is the id of nothing
            return None
        return at(shaped(answer, read), rest)

    async def subjects(self, account: str, kind: str) -> tuple[str, ...]:
        """Of the first list that has any."""
        for path in self._connectors.subjects.get(kind, ()):
            if names := called(await self.field(account, path)):
                return names
        return ()

    async def person_by_email(self, email: str) -> Principal | None:
        """Whose address it is, where it is exactly one user's: an address of several proves none of them."""
        lookup = self._connectors.person
        if lookup is None:
            return None
        try:
            answer = await self._read(lookup.call, {"email": email})
        except BadInput:
            return None
        found = at(answer, path_of(lookup.find))
        if not isinstance(found, Sequence) or len(found) != 1 or not isinstance(found[0], Mapping):
            return None
        return account_user(at(found[0], path_of(lookup.account)), at(found[0], path_of(lookup.user)))

    async def _read(self, call: Request | Python, values: Mapping[str, str]) -> object:
        """What is there now; None where the platform has nothing there."""
        if isinstance(call, Python):
            try:
                async with asyncio.timeout(call.timeout):
                    return await self._python(call, values.get("account", ""), values, key="")
            except TimeoutError as error:
                raise Unavailable(f"{call.entry} does not answer; try again later.") from error
        wanted = prepared(call, values, address=self._address(call.api.address))
        try:
            async with asyncio.timeout(call.timeout):
                response = await self._get(call, wanted)
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unavailable(
                f"The account system does not answer ({type(error).__name__}); try again later."
            ) from error
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        if response.is_success:
            return _json(response)
        if response.status_code in (401, 403):
            named = (call.api.credential or "a credential").removeprefix("env:")
            raise Unavailable(f"The account system refuses our credential; set {named} anew.")
        raise Unavailable(f"The account system answered {response.status_code}; try again later.")

    async def _get(self, call: Request, wanted: Prepared) -> httpx.Response:
        key = (call.api.address, call.api.credential)
        if key not in self._clients:
            self._clients[key] = self._client(wanted, READ_TIMES, keep=10)
        client = self._clients[key]
        try:
            return await client.get(wanted.url, headers=dict(wanted.headers))
        except (httpx.ReadError, httpx.RemoteProtocolError):
            # An idle connection that the other side had closed; a read may be repeated.
            return await client.get(wanted.url, headers=dict(wanted.headers))

    def _client(self, wanted: Prepared, times: httpx.Timeout, *, keep: int) -> httpx.AsyncClient:
        """With the one credential that is named; redirects are not followed, or it would go anywhere."""
        credential = self._values[wanted.credential] if wanted.credential and not wanted.signed else None
        return httpx.AsyncClient(
            auth=_Credential(wanted.header, wanted.scheme, credential) if credential else None,
            timeout=times,
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=keep),
            follow_redirects=False,
            trust_env=False,
            verify=_authorities(),
            transport=self._transport,
        )

    # --- writes ---

    def to_send(self, meant: Meant) -> Prepared | Written | Python:
        """Exactly what a write sends, without its secret. Raises `BadInput` where it cannot be sent."""
        write = self._connectors.writes.get(meant.effect)
        match write:
            case None:
                known = ", ".join(sorted(self._connectors.writes))
                raise BadInput(f"The account system has no write {meant.effect!r}; it has {known}.")
            case Request():
                address = self._address(write.api.address)
                return prepared(write, meant.values, address=address, key=meant.key)
            case Webhook():
                address = self._address(write.address)
                return posted(write, signed_body(write, meant), address=address, key=meant.key)
            case Ticket():
                ticket = written(write, meant)
                if write.webhook is None:
                    return ticket
                body = signed_body(write.webhook, meant, more={"type": "ticket", **ticket._asdict()})
                return posted(
                    write.webhook, body, address=self._address(write.webhook.address), key=meant.key
                )
            case Python():
                return write

    async def change(
        self,
        account: str,
        effect: str,
        inputs: Mapping[str, str],
        key: str,
        evidence: Sequence[Finding] = (),
    ) -> str | None:
        """Performs one declared write, once per key; see `Accounts.change`."""
        meant = Meant(effect, account, inputs, key, evidence)
        wanted = self.to_send(meant)
        if isinstance(wanted, Written):
            return str(wanted)
        write = self._connectors.writes[effect]
        if isinstance(write, Ticket):
            write = cast(Webhook, write.webhook)
        if isinstance(wanted, Python):
            try:
                async with asyncio.timeout(wanted.timeout):
                    await self._python(wanted, account, inputs, key=key)
            except TimeoutError as error:
                raise OutcomeUnknown(_lost(effect, key, "TimeoutError")) from error
            return None
        assert isinstance(write, Request | Webhook)
        response = await self._write(wanted, meant, seconds=write.timeout)
        self._judge(meant, response, write.answer, wanted.credential)
        return None

    async def _write(self, wanted: Prepared, meant: Meant, *, seconds: float) -> httpx.Response:
        headers = dict(wanted.headers)
        if wanted.signed and wanted.credential is not None and wanted.body is not None:
            stamp = int(time.time())
            headers["stepfour-signature"] = signature(self._secret(wanted.credential), stamp, wanted.body)
        times = httpx.Timeout(seconds, connect=min(CONNECT_S, seconds))
        # A connection of its own: one from a pool may have been closed by the other side, which looks the
        # same as an answer that was lost.
        async with self._client(wanted, times, keep=0) as client:
            try:
                async with asyncio.timeout(seconds):
                    return await client.request(
                        wanted.method, wanted.url, content=wanted.body, headers=headers
                    )
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
                raise Unavailable(
                    f"The account system cannot be reached for {meant.effect}; nothing was sent. "
                    "Try again later."
                ) from error
            except (httpx.HTTPError, TimeoutError) as error:
                raise OutcomeUnknown(_lost(meant.effect, meant.key, type(error).__name__)) from error

    def _judge(
        self, meant: Meant, response: httpx.Response, answer: Answer | None, credential: str | None
    ) -> None:
        status, effect = response.status_code, meant.effect
        if response.is_success:
            if answer is not None and not says(_json_or_none(response), answer):
                wanted = " or ".join(str(each) for each in answer.equals)
                reason = self._reason(response, credential)
                raise BadInput(
                    f"The answer to {effect} does not say {answer.field} = {wanted}, "
                    f"which the connector file asks for: {reason}"
                )
            return
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raise Unavailable(f"The account system put {effect} off: too many requests. Try again later.")
        if response.is_client_error and status != httpx.codes.REQUEST_TIMEOUT:
            reason = self._reason(response, credential)
            raise BadInput(f"The account system refused {effect} ({status}): {reason}")
        # A gateway may say 5xx after the platform has done it.
        raise OutcomeUnknown(
            f"The account system answered {status} to {effect} with key {meant.key}; look at the account "
            "before doing anything again."
        )

    def _reason(self, response: httpx.Response, credential: str | None) -> str:
        """The platform's own words, short; it may repeat what it was sent, and a secret stays one."""
        body = _json_or_none(response)
        text = (
            response.text
            if body is None
            else str(body.get("detail", body) if isinstance(body, dict) else body)
        )
        if credential is not None:
            text = text.replace(self._secret(credential), "(credential)")
        return text[:300]

    async def _python(self, call: Python, account: str, inputs: Mapping[str, str], *, key: str) -> object:
        credential = self._secret(call.credential) if call.credential else ""
        return await _function(call.entry)(account, inputs, key=key, credential=credential)


class _Credential(httpx.Auth):
    """Put on when a request leaves, so that no client and no request built before shows it."""

    def __init__(self, header: str, scheme: str, value: SecretStr) -> None:
        self._header, self._scheme, self._value = header, scheme, value

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers[self._header] = f"{self._scheme} {self._value.get_secret_value()}".strip()
        yield request


def _function(entry: str) -> Call:
    module, _, name = entry.partition(":")
    try:
        found: Callable[..., Awaitable[object]] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"`python: {entry}` cannot be loaded ({error}). Install it, or correct it."
        ) from error
    return cast(Call, found)


def _lost(effect: str, key: str, why: str) -> str:
    return (
        f"{effect} was sent with key {key} and its answer was lost ({why}); "
        "look at the account before doing anything again."
    )


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _json(response: httpx.Response) -> object:
    try:
        body: object = response.json()
    except ValueError as error:
        raise Unavailable("The account system sent no JSON; look at its address.") from error
    return body


def _json_or_none(response: httpx.Response) -> object:
    try:
        body: object = json.loads(response.content)
    except ValueError:
        return None
    return body
