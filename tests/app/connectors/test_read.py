"""What is wrong with a connector file is named with file and line, and with what to write instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.connectors.model import Request
from app.connectors.read import SHIPPED, load, shipped
from app.errors import ConfigError

MORE = SHIPPED.parent / "more"
GOOD = """\
connector: shop
address: https://api.shop.example/v1
credential: env:SHOP_KEY
standing:
  get: /accounts/{account}/people/{user}
  owner: {field: role, equals: [owner, admin]}
person:
  get: /people?email={email}
  find: people
  account: account
  user: id
reads:
  account: {get: "/accounts/{account}"}
  order: {get: "/accounts/{account}/orders/{order}"}
subjects:
  order: []
  site: [sites]
actions:
  cancel_order:
    describe: Cancel an order
    inputs: [order]
    request: POST /accounts/{account}/orders/{order}/cancel
    body: {reason: "asked by {account}", quiet: true}
    only_before:
      - account_field: {path: order.state, equals: open}
    read_back: {field: order.state, equals: cancelled}
    undo:
      request: POST /accounts/{account}/orders/{order}/reopen
    approval: customer
"""


def written(folder: Path, text: str) -> Path:
    (folder / "shop.yaml").write_text(text, encoding="utf-8")
    return folder


def test_a_file_becomes_actions_reads_and_writes(tmp_path: Path) -> None:
    found = load(written(tmp_path, GOOD))
    action = found.actions["cancel_order"]
    assert (action.effect, action.undo, action.approval) == ("cancel_order", "undo_cancel_order", "customer")
    assert action.inputs == ("order",)
    assert action.repeatable
    write = found.writes["cancel_order"]
    assert isinstance(write, Request)
    assert (write.method, write.path) == ("POST", "/accounts/{account}/orders/{order}/cancel")
    assert write.key_header == "Idempotency-Key"
    assert list(found.references()) == ["env:SHOP_KEY"]
    assert found.subjects == {"order": (), "site": ("sites",)}


def test_an_action_may_have_a_credential_a_header_and_a_time_of_its_own(tmp_path: Path) -> None:
    own = "    credential: env:CANCEL_KEY\n    idempotency: X-Once\n    timeout: 3\n    approval: customer"
    found = load(written(tmp_path, GOOD.replace("    approval: customer", own)))
    write, undo = found.writes["cancel_order"], found.writes["undo_cancel_order"]
    assert isinstance(write, Request)
    assert isinstance(undo, Request)
    assert (write.api.credential, write.key_header, write.timeout) == ("env:CANCEL_KEY", "X-Once", 3)
    assert undo.api.credential == "env:SHOP_KEY"


def test_a_read_back_may_be_a_get_of_its_own(tmp_path: Path) -> None:
    own = '{get: "/accounts/{account}/orders/{order}/log", field: last.kind, equals: cancelled}'
    text = GOOD.replace("{field: order.state, equals: cancelled}", own)
    text = text.replace("    approval: customer", "    credential: env:CANCEL_KEY\n    approval: customer")
    found = load(written(tmp_path, text))
    back = found.actions["cancel_order"].read_back
    assert back is not None
    assert back.param("path") == "cancel_order_read_back.last.kind"
    call = found.reads["cancel_order_read_back"].call
    assert isinstance(call, Request)
    assert call.api.credential == "env:CANCEL_KEY", "it goes out as its action does"


def test_a_platform_that_takes_no_key_is_never_sent_to_twice(tmp_path: Path) -> None:
    found = load(written(tmp_path, GOOD.replace("connector: shop", "connector: shop\nidempotency: none")))
    assert not found.actions["cancel_order"].repeatable


WRONG = [
    # what is replaced, by what, at which line, and words of the error
    ("connector: shop", "connector: Shop", 1, "`Shop` cannot be an id"),
    ("connector: shop", "connector: shop\nverify: false", 2, "`verify` is not known here"),
    ("connector: shop", "connector: shop\nconnector: shop", 2, "`connector` is given twice"),
    ("https://api.shop.example/v1", "http://api.shop.example", 2, "is no https address. Write `https://"),
    ("https://api.shop.example/v1", "https://me:secret@api.shop.example", 2, "no name and password"),
    ("https://api.shop.example/v1", "https://{account}.shop.example", 2, "has no places"),
    ("https://api.shop.example/v1", "env:not a name", 2, "is no https address"),
    ("credential: env:SHOP_KEY", "credential: sk_live_123", 3, "is no reference to a secret. Put the secret"),
    ("credential: env:SHOP_KEY", "credential: env:SHOP_KEY\nheader: 'X Key'", 4, "is no name of a header"),
    ("credential: env:SHOP_KEY", "credential: env:SHOP_KEY\nheaders: {x-y: '{order}'}", 4, "`{order}`"),
    ("people/{user}", "people/me", 5, "not of one person in one account"),
    (
        "  owner: {field: role, equals: [owner, admin]}",
        "  member: {field: a, equals: b}",
        4,
        "who is an owner",
    ),
    ("equals: [owner, admin]", "equals: []", 6, "does not say what it equals"),
    ("/people?email={email}", "/people?email=a", 8, "does not say whose address"),
    ("  find: people", "  look: people", 9, "`look` is not known here"),
    ('account: {get: "/accounts/{account}"}', 'account: {post: "/accounts"}', 13, "`post` is not known"),
    ('account: {get: "/accounts/{account}"}', "account: {take: a}", 13, "Write exactly one of: get, python"),
    ('"/accounts/{account}"', '"accounts/{account}"', 13, "is no path. Write e.g. `/v1/"),
    ('"/accounts/{account}"', '"//evil.example/{account}"', 13, "is no path"),
    ('"/accounts/{account}"', '"/accounts/../{account}"', 13, "is no path"),
    ('"/accounts/{account}"', '"/accounts/{acount}"', 13, "place `{acount}`. Did you mean `account`?"),
    ('"/accounts/{account}"', '"/accounts/{account"', 13, "Write places as `{name}`"),
    ("  site: [sites]", "  user: [sites]", 17, "`user` is no kind of subject"),
    ("  site: [sites]", "  site: {of: sites}", 17, "nothing says what an account has of `site`"),
    ("    describe: Cancel an order\n", "", 19, "`describe` is missing"),
    ("inputs: [order]", "inputs: [ordre]", 21, "no kind of subject `ordre`. Did you mean `order`?"),
    ("inputs: [order]", "inputs: [order, site]", 21, "no check looks at the input `site`"),
    ("    inputs: [order]\n", "", 21, "nothing fills the place `{order}`. Add it: `inputs: [order]`"),
    (
        "request: POST /accounts",
        "request: GET /accounts",
        22,
        "no request that changes something. Write `METHOD",
    ),
    (
        "request: POST /accounts/{account}/orders/{order}/cancel",
        "request: cancel",
        22,
        "Write `METHOD /path`",
    ),
    ("asked by {account}", "asked by {email}", 23, "nothing fills the place `{email}`"),
    ("quiet: true", "when: 2026-01-01", 23, "nothing that JSON has. Put it into quotes"),
    ("    body: {", "    bodies: {", 23, "`bodies` is not known here. Did you mean `body`?"),
    (
        "      - account_field: {path: order.state, equals: open}",
        "      - acount_field: {}",
        25,
        "no check `acount_field`. Did you mean `account_field`?",
    ),
    (
        "    only_before:\n      - account_field: {path: order.state, equals: open}\n",
        "",
        19,
        "nothing is done unchecked",
    ),
    (
        "    read_back: {field: order.state, equals: cancelled}\n",
        "",
        19,
        "nothing says when `cancel_order` is done",
    ),
    ("    only_before:", "    prerequisites:", 25, "changes `order.state`. Move it to `only_before:`"),
    ("equals: cancelled", "equals: [a]", 26, "neither a text nor a number"),
    (
        "{field: order.state, equals: cancelled}",
        "{path: order.state, equals: cancelled}",
        26,
        "`path` is not known",
    ),
    (
        "      request: POST /accounts/{account}/orders/{order}/reopen",
        "      name: x",
        27,
        "Write exactly one of",
    ),
    (
        "approval: customer",
        "approval: boss",
        29,
        "`boss` is nobody who approves. Write one of: none, customer",
    ),
    ("approval: customer", "timeout: 100000", 29, "is no time to wait. Write seconds, at most 120"),
    ("approval: customer", "idempotency: 'a b'", 29, "is no name of a header"),
    ("approval: customer", "secret: env:X", 29, "`secret` is for `webhook`"),
    ("approval: customer", "webhook: https://a.example", 19, "it has `request` and `webhook`"),
    ("approval: customer", "answer: {field: ok}", 29, "does not say what it equals"),
    ("approval: customer", "\tapproval: none", 29, "cannot be read"),
    ("approval: customer", "approval: *all", 1, "uses a YAML alias"),
]


@pytest.mark.parametrize(("before", "after", "line", "words"), WRONG)
def test_what_is_wrong_is_named(before: str, after: str, line: int, words: str, tmp_path: Path) -> None:
    assert GOOD.count(before) >= 1
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, GOOD.replace(before, after, 1)))
    said = str(raised.value)
    assert said.startswith(f"{tmp_path / 'shop.yaml'}:{line}: "), said
    assert words in said


def test_a_secret_that_was_written_down_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, GOOD.replace("env:SHOP_KEY", "sk_live_123")))
    assert "sk_live_123" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("connector: two\nreads: {order: {get: /x}}\naddress: https://a.example\n", "read `order`"),
        ("connector: shop\n", "connector `shop`"),
        ("connector: two\nsubjects: {site: []}\n", "kind of subject `site`"),
    ],
)
def test_two_files_do_not_say_the_same(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(text)
    with pytest.raises(ConfigError, match="declared twice") as raised:
        load(written(tmp_path, GOOD))
    assert words in str(raised.value)
    assert "two.yaml" in str(raised.value)


def test_a_folder_without_a_connector_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="STEPFOUR_CONNECTORS"):
        load(tmp_path / "nowhere")
    (tmp_path / "openapi.yaml").write_text("openapi: 3.1.0\npaths: {}\n")
    with pytest.raises(ConfigError, match="begins with `connector: NAME`"):
        load(tmp_path)


# --- never by accident --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/v3/whitelabel/links/7/validate",
        "/v3/whitelabel/links/{link}/validate",
        "/v3/whitelabel/links/{link}/validate?now=1",
        "/v3/whitelabel/domains/{link}/validate",
        "/v3/whitelabel/links/7/%76alidate",
    ],
)
def test_no_file_can_have_sendgrid_validate_a_link(path: str, tmp_path: Path) -> None:
    text = GOOD.replace("/v1", "").replace("  order: []", "  order: []\n  link: []")
    text = text.replace("/accounts/{account}/orders/{order}/cancel", path)
    text = text.replace("inputs: [order]", "inputs: [order, link]")
    with pytest.raises(ConfigError, match="is never called"):
        load(written(tmp_path, text))
    undo = GOOD.replace("/v1", "").replace("  order: []", "  order: []\n  link: []")
    undo = undo.replace("/accounts/{account}/orders/{order}/reopen", path.replace("{link}", "{order}"))
    with pytest.raises(ConfigError, match="is never called"):
        load(written(tmp_path, undo))


def test_nor_where_the_address_holds_half_of_the_path(tmp_path: Path) -> None:
    text = GOOD.replace("https://api.shop.example/v1", "https://api.sendgrid.com/v3/whitelabel")
    text = text.replace("/accounts/{account}/orders/{order}/cancel", "/links/{order}/validate")
    with pytest.raises(ConfigError, match="is never called"):
        load(written(tmp_path, text))


# --- what is shipped ----------------------------------------------------------------------------


def test_everything_shipped_loads(tmp_path: Path) -> None:
    assert set(shipped().actions) == {
        "enable_https",
        "resume_sending",
        "assign_dedicated_ip",
        "move_domain",
    }
    for name in ("sendgrid.yaml", "webhook.yaml"):
        text = (MORE / name).read_text(encoding="utf-8")
        text += '\nreads:\n  parcels: {python: "a:b"}\n' if name == "webhook.yaml" else ""
        (tmp_path / name).write_text(text)
    found = load(tmp_path)
    assert set(found.actions) == {"sendgrid_https", "send_parcel_again"}
    methods = {read.call.method for read in found.reads.values() if isinstance(read.call, Request)}
    assert methods == {"GET"}
    assert not any(isinstance(write, Request) for write in found.writes.values())
