"""Named states of a customer's account and its surroundings; a new one is one function with a line of doc.

Every builder takes `account` (id), `domain` and `label` (of the ownership record), so that many
scenarios fit in one world, and returns a `Spec` with an owner, a member and a stranger from next door.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

from evals.world.spec import (
    TRACKING_TARGET,
    Account,
    BrandedLink,
    Change,
    Domain,
    Edge,
    EdgeKind,
    Person,
    Record,
    RecordType,
    Sending,
    Settings,
    Spec,
    TokenCname,
    User,
)

ACCOUNT = "kalahari-viagens"
DOMAIN = "kalahari.example"
LABEL = "4711"


def direct(host: str) -> Record:
    """The record as the customer first published it: straight to the platform."""
    return Record(name=host, type="CNAME", values=(TRACKING_TARGET,))


def proxied(host: str) -> Record:
    return Record(name=host, type="A", values=(f"@{host}",))


def through_cdn(host: str) -> tuple[Record, ...]:
    """Proxied by a CDN that is reached by a CNAME of its own."""
    cdn = f"{host.replace('.', '-')}.cdn.nuvem.example"
    return Record(name=host, type="CNAME", values=(cdn,), ttl=60), Record(
        name=cdn, type="A", values=(f"@{host}",)
    )


def all_ready(account: str = ACCOUNT, domain: str = DOMAIN, label: str = LABEL) -> Spec:
    """Click tracking on, both branded links validated and behind proxies with good certificates."""
    first, second, token_host = f"links.{domain}", f"go.{domain}", f"{label}.{domain}"
    neighbour, next_door = f"{account}-vizinha", f"vizinha-{domain}"
    their_link, their_token = f"links.{next_door}", f"{label}.{next_door}"
    customer = Account(
        id=account,
        name="Kalahari Viagens" if account == ACCOUNT else account.replace("-", " ").title(),
        workspaces=("principal", "campanhas"),
        users=(
            User(id="u-ana", name="Ana Duarte", email=f"ana@{domain}", role="owner"),
            User(id="u-bruno", name="Bruno Lima", email=f"bruno@{domain}", role="member"),
            User(id="u-clara", name="Clara Reis", email=f"clara@{domain}", role="admin"),
        ),
        branded_links=(
            BrandedLink(id=f"{label}-1", host=first, token_cname=TokenCname(host=token_host)),
            BrandedLink(id=f"{label}-2", host=second, token_cname=TokenCname(host=token_host)),
        ),
        domains=(
            Domain(name=domain, workspace="principal"),
            Domain(name=f"news.{domain}", workspace="principal"),
        ),
    )
    stranger = Account(
        id=neighbour,
        name="Vizinha Fotos",
        workspaces=("principal",),
        users=(User(id="u-davi", name="Davi Prado", email=f"davi@{next_door}", role="owner"),),
        branded_links=(
            BrandedLink(id=f"{label}-9", host=their_link, token_cname=TokenCname(host=their_token)),
        ),
        domains=(Domain(name=next_door, workspace="principal"),),
    )
    return Spec(
        account=account,
        hosts=(first, second),
        owner=Person(account=account, user="u-ana"),
        member=Person(account=account, user="u-bruno"),
        stranger=Person(account=neighbour, user="u-davi"),
        accounts=(customer, stranger),
        records=(
            direct(token_host),
            direct(their_token),
            proxied(first),
            proxied(their_link),
            *through_cdn(second),
        ),
        edges=(Edge(host=first), Edge(host=second), Edge(host=their_link)),
    )


def with_account(spec: Spec, **fields: object) -> Spec:
    mine, *others = spec.accounts
    return spec.model_copy(update={"accounts": (mine.model_copy(update=fields), *others)})


def with_records(spec: Spec, *records: Record) -> Spec:
    """Puts these in place of all that the spec had at their names."""
    replaced = {record.name for record in records}
    kept = tuple(record for record in spec.records if record.name not in replaced)
    return spec.model_copy(update={"records": (*kept, *records)})


def with_edges(spec: Spec, *edges: Edge) -> Spec:
    replaced = {edge.host for edge in edges}
    return spec.model_copy(
        update={"edges": (*(edge for edge in spec.edges if edge.host not in replaced), *edges)}
    )


def second_edge(kind: EdgeKind, **names: str) -> Spec:
    spec = all_ready(**names)
    return with_edges(spec, Edge(host=spec.hosts[1], kind=kind))


def second_record(kind: RecordType, *values: str, **names: str) -> Spec:
    spec = all_ready(**names)
    return with_records(spec, Record(name=spec.hosts[1], type=kind, values=values))


def second_not_ready(**names: str) -> Spec:
    """The first branded link is ready; the second one's record still points at the platform."""
    spec = all_ready(**names)
    host = spec.hosts[1]
    return with_edges(with_records(spec, direct(host)), Edge(host=host, kind="closed"))


def becomes_ready(after: float = 5.0, **names: str) -> Spec:
    """As second_not_ready, but after some seconds the second link gets its proxy and certificate."""
    spec = second_not_ready(**names)
    host = spec.hosts[1]
    ready = Change(after=after, records=(proxied(host),), edges=(Edge(host=host),))
    return spec.model_copy(update={"changes": (ready,)})


def record_direct(**names: str) -> Spec:
    """No proxy yet: the records of both branded links still point at the platform."""
    spec = all_ready(**names)
    return with_records(spec, *map(direct, spec.hosts))


def cert_other_name(**names: str) -> Spec:
    """The second proxy presents a certificate for somebody else's name."""
    return second_edge("other_name", **names)


def cert_expired(**names: str) -> Spec:
    """The second proxy's certificate expired two days ago."""
    return second_edge("expired", **names)


def cert_self_signed(**names: str) -> Spec:
    """The second proxy's certificate is signed by itself."""
    return second_edge("self_signed", **names)


def cert_missing_intermediate(**names: str) -> Spec:
    """The second proxy leaves out the intermediate certificate."""
    return second_edge("missing_intermediate", **names)


def cert_platform(**names: str) -> Spec:
    """The second proxy passes TLS through, so the platform's own certificate shows."""
    return second_edge("platform_certificate", **names)


def cname_flattened(**names: str) -> Spec:
    """The second link shows no CNAME, but its address is the platform's: flattened, not proxied."""
    return second_record("A", f"@{TRACKING_TARGET}", **names)


def resolvers_disagree(**names: str) -> Spec:
    """One resolver already sees the second link's proxy, the other still its old record."""
    spec = all_ready(**names)
    stale = direct(spec.hosts[1]).model_copy(update={"view": "second"})
    return spec.model_copy(update={"records": (*spec.records, stale)})


def dns_timeout(**names: str) -> Spec:
    """No server answers for the second link's name."""
    return second_record("TIMEOUT", **names)


def dns_servfail(**names: str) -> Spec:
    """The second link's name fails at every server."""
    return second_record("SERVFAIL", **names)


def dns_missing(**names: str) -> Spec:
    """The second link's name does not exist."""
    return second_record("NXDOMAIN", **names)


def cname_loop(**names: str) -> Spec:
    """The second link is an alias of an alias of itself."""
    spec = all_ready(**names)
    host, other = spec.hosts[1], f"loop.{spec.hosts[1]}"
    loop = (
        Record(name=host, type="CNAME", values=(other,)),
        Record(name=other, type="CNAME", values=(host,)),
    )
    return with_records(spec, *loop)


def cname_chain(length: int = 50, **names: str) -> Spec:
    """The second link is reached through a chain of 50 aliases."""
    spec = all_ready(**names)
    host = spec.hosts[1]
    chain = (host, *(f"hop{i}.{host}" for i in range(1, length + 1)))
    links = (Record(name=a, type="CNAME", values=(b,)) for a, b in pairwise(chain))
    return with_records(spec, *links, Record(name=chain[-1], type="A", values=(f"@{host}",)))


def rebinding(**names: str) -> Spec:
    """The second link's address alternates between its proxy and 127.0.0.1, with a TTL of 0."""
    spec = all_ready(**names)
    host = spec.hosts[1]
    turning = Record(name=host, type="ALTERNATING", values=(f"@{host}", "127.0.0.1"), ttl=0)
    return with_records(spec, turning)


def mixed_addresses(**names: str) -> Spec:
    """The second link has two addresses at once: its proxy and 127.0.0.1."""
    spec = all_ready(**names)
    host = spec.hosts[1]
    return with_records(spec, Record(name=host, type="A", values=(f"@{host}", "127.0.0.1")))


def tls_timeout(**names: str) -> Spec:
    """The second proxy drips its TLS handshake, one byte a second."""
    return second_edge("handshake_drip", **names)


def port_closed(**names: str) -> Spec:
    """Nothing listens at the second proxy's address."""
    return second_edge("closed", **names)


def redirect_loop(**names: str) -> Spec:
    """The second proxy has a good certificate and redirects every request to itself."""
    return second_edge("redirect_loop", **names)


def host_not_forwarded(**names: str) -> Spec:
    """The second proxy has a good certificate but does not pass the Host header on."""
    return second_edge("host_not_forwarded", **names)


def tracking_off(**names: str) -> Spec:
    """Everything is ready except that click tracking is switched off."""
    return with_account(all_ready(**names), settings=Settings(click_tracking=False))


def link_not_validated(**names: str) -> Spec:
    """The second branded link was created, but its records were never published or validated."""
    spec = all_ready(**names)
    token_host = f"{names.get('token', LABEL)}-2.{names.get('domain', DOMAIN)}"
    first, second = spec.accounts[0].branded_links
    fresh = second.model_copy(
        update={"validated": False, "validated_at": None, "token_cname": TokenCname(host=token_host)}
    )
    unpublished = (Record(name=name, type="NXDOMAIN") for name in (second.host, token_host))
    return with_records(with_account(spec, branded_links=(first, fresh)), *unpublished)


def already_on(**names: str) -> Spec:
    """Everything is ready and HTTPS is on already."""
    return with_account(all_ready(**names), settings=Settings(https_tracking=True))


def sending_paused(**names: str) -> Spec:
    """Sending is paused by the platform because of bounces."""
    return with_account(all_ready(**names), sending=Sending(paused=True, reason="bounce_rate"))


def domain_to_move(**names: str) -> Spec:
    """The sending domain news.DOMAIN is in workspace principal and may go to campanhas."""
    return all_ready(**names)


BUILDERS: tuple[Callable[..., Spec], ...] = (
    all_ready,
    second_not_ready,
    becomes_ready,
    record_direct,
    cert_other_name,
    cert_expired,
    cert_self_signed,
    cert_missing_intermediate,
    cert_platform,
    cname_flattened,
    resolvers_disagree,
    dns_timeout,
    dns_servfail,
    dns_missing,
    cname_loop,
    cname_chain,
    rebinding,
    mixed_addresses,
    tls_timeout,
    port_closed,
    redirect_loop,
    host_not_forwarded,
    tracking_off,
    link_not_validated,
    already_on,
    sending_paused,
    domain_to_move,
)
SCENARIOS: dict[str, Callable[..., Spec]] = {builder.__name__: builder for builder in BUILDERS}
