"""The closed set of what a probe can see: each code, its verdict, and the values its sentence may use.

To add one: a row here, a sentence per language in the reply catalogues; `found` refuses any other code.
A verdict of None means that we could not look, which is never a yes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple


class Code(NamedTuple):
    """One thing that can be seen."""

    met: bool | None
    means: str
    """For the people who write the sentences."""
    seen: tuple[str, ...] = ()
    """Values that every finding with this code carries, all short text."""
    needs_time: bool = False
    """Not met yet, but nothing is left to do."""


TABLE: Mapping[str, Code] = MappingProxyType(
    {
        # --- click tracking
        "tracking_on": Code(True, "click tracking is switched on in the account"),
        "tracking_off": Code(False, "click tracking is switched off in the account"),
        # --- the branded link's records; `target` is the platform's name that a record should point at
        "branded_link_direct": Code(True, "validated; its CNAME points at the platform", ("host", "target")),
        "branded_link_flattened": Code(
            True,
            "validated; no CNAME is visible, but its address is the platform's (flattened by the zone)",
            ("host", "target", "address"),
        ),
        "branded_link_proxied": Code(
            True,
            "validated; the host rightly points at a proxy now, the token record still at the platform",
            ("host", "token_host", "target"),
        ),
        "branded_link_none": Code(False, "the account has no branded link for this domain", ("subject",)),
        "branded_link_not_validated": Code(
            False, "the record is right, but the platform has not validated the link yet", ("host", "target")
        ),
        "branded_link_record_missing": Code(False, "the host has no record at all", ("host", "target")),
        "branded_link_name_doubled": Code(
            False,
            "the record was made under a doubled name (the DNS provider appended the zone)",
            ("host", "doubled", "target"),
        ),
        "branded_link_points_elsewhere": Code(
            False, "never validated, and the host points at something else", ("host", "seen", "target")
        ),
        "branded_link_token_missing": Code(
            False,
            "the host points at a proxy and the token record no longer at the platform",
            ("host", "token_host", "target"),
        ),
        # --- TLS
        "certificate_valid": Code(
            True, "a certificate that every mail reader trusts", ("host", "issuer", "expires")
        ),
        "certificates_valid": Code(
            True,
            "several hosts, each with a trusted certificate; `expires` is the earliest",
            ("hosts", "issuer", "expires"),
        ),
        "certificate_of_platform": Code(
            False,
            "the platform's own certificate: the record still points straight at the platform, no proxy yet",
            ("host", "name", "target"),
        ),
        "certificate_other_name": Code(False, "a certificate for other names", ("host", "name")),
        "certificate_expired": Code(False, "the certificate has expired", ("host", "issuer", "expires")),
        "certificate_not_yet_valid": Code(
            False, "the certificate's dates start in the future", ("host", "issuer", "starts")
        ),
        "certificate_self_signed": Code(False, "a certificate that signed itself", ("host", "issuer")),
        "certificate_chain_incomplete": Code(
            False, "the server leaves out the intermediate certificate", ("host", "issuer")
        ),
        "certificate_untrusted": Code(
            False, "the issuer is not one that mail readers trust", ("host", "issuer")
        ),
        "certificate_pending": Code(
            False,
            "a proxy answers, but has no certificate for the host yet: it is being issued",
            ("host", "address"),
            needs_time=True,
        ),
        "tls_handshake_failed": Code(
            False, "something answers, but no TLS connection comes about", ("host", "address")
        ),
        # --- connections, for TLS and HTTP
        "connection_refused": Code(False, "nothing listens there", ("host", "address", "port")),
        "connection_timed_out": Code(None, "no answer in time", ("host", "address", "port")),
        "network_unreachable": Code(None, "no way to that address from here", ("host", "address")),
        # --- DNS
        "dns_record_found": Code(True, "the record is there", ("name", "type", "expected")),
        "dns_record_missing": Code(False, "no record of that type", ("name", "type", "expected")),
        "dns_record_other": Code(
            False, "records of that type, none as expected", ("name", "type", "seen", "expected")
        ),
        "dns_no_address": Code(False, "the name does not resolve to any address", ("host",)),
        "dns_resolvers_disagree": Code(
            False,
            "resolvers answer differently: a change is still spreading; `seen` is the answer still different",
            ("host", "seen", "expected"),
            needs_time=True,
        ),
        "dns_unreachable": Code(None, "no resolver answered", ("host",)),
        "dns_chain_too_long": Code(
            False, "the CNAME points at itself or at too long a chain", ("host", "limit")
        ),
        "address_not_public": Code(
            False, "the name resolves to an address that is not public; not followed", ("host", "address")
        ),
        # --- HTTP
        "http_status_as_expected": Code(True, "the page answers as expected", ("url", "status")),
        "http_status_other": Code(False, "another status", ("url", "status", "expected")),
        "http_not_understood": Code(False, "something answers, but not in HTTP", ("url",)),
        # --- the account
        "account_field_as_expected": Code(True, "the account has the value", ("path", "expected")),
        "account_field_other": Code(False, "another value", ("path", "seen", "expected")),
        "account_field_missing": Code(False, "the account has no such value", ("path", "expected")),
        "account_unavailable": Code(None, "the account system did not answer"),
        "account_not_known": Code(None, "nobody is signed in, so no account to look at"),
        # --- could not look
        "subject_missing": Code(None, "the check needs a value that was not given", ("kind",)),
        "host_not_allowed": Code(None, "not a public host name; not looked up", ("host",)),
        "host_not_owned": Code(None, "the name is not this account's; not looked at", ("host",)),
        "timed_out": Code(None, "the look did not finish in the time that the turn has", ("check",)),
        "look_failed": Code(None, "the look stopped on an error of ours; it is in the log", ("check",)),
        "check_unknown": Code(None, "this installation has no such check", ("check",)),
    }
)

CODES: Mapping[str, tuple[str, ...]] = MappingProxyType({name: code.seen for name, code in TABLE.items()})
"""Code -> the placeholders its sentence may use."""
