"""What holds of the code as a whole: the arrows, who may change the world, what no setting can do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from app.settings import Settings, env_example

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "knowledge", "ingest", "evals")

# The composition roots: the command line, the service, and what only they put together.
# fmt: off
ROOTS = frozenset({
    "main", "cli", "commands", "demo", "demo_surfaces", "demo_switch", "serve", "schedule", "erasing",
    "anchor", "trail", "audit_words", "exporting", "erased", "retention", "backups", "copying",
})
EDGE = frozenset({
    "settings", "identity", "site_keys", "writer", "channels", "adapters", "probes", "reader", "texts",
    "judge", "endpoint", "completion", "logs", "migrations", "attachments", "help_page", "health_page",
    "plots", "phrases", "procedures_page", "connectors",
})
CORE = frozenset({
    "models", "ports", "errors", "ids", "policy", "ledger", "action", "proposing", "actions", "verify",
    "look", "record", "shown", "saying", "sending", "endings", "afterwards", "conversation", "service",
    "reply", "handoff", "announcing", "quoting", "seeing", "events", "people", "matter", "moves", "proofs",
    "dossiers", "hours", "modes", "delivery", "triage", "summary", "links", "usage", "overview", "known",
    "shelf", "why", "picture", "walk", "facts", "twice", "echo", "citing", "doubts", "asking", "passages",
    "quotable", "signing", "audit", "masking", "spending", "switches", "output", "described",
})
OUTSIDE = (
    "fastapi", "starlette", "uvicorn", "httpx", "openai", "sqlalchemy", "chromadb", "langchain", "typer",
)
VALUES = frozenset({
    "__future__", "datetime", "typing", "pydantic", "collections.abc", "knowledge.model",
})
# fmt: on


@cache
def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    return ast.parse(modules()[module].read_text(encoding="utf-8"))


def imports(module: str, *, types: bool = True) -> set[str]:
    """Every module that one imports, also inside functions; `types`: and those for annotations alone."""
    return {name for node in _nodes(tree(module), types) for name in _named(node)}


def _nodes(node: ast.AST, types: bool) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if not types and isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from _nodes(child, types)


def _named(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        assert node.level == 0, "imports say where they lead"
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def of(package: str) -> list[str]:
    return [name for name in modules() if name.split(".")[0] == package]


def within(module: str) -> list[str]:
    """It, and where it is a package all of it."""
    return leads_to(set(modules()), module)


def leads_to(names: set[str], *prefixes: str) -> list[str]:
    return sorted(n for n in names if any(n == p or n.startswith(f"{p}.") for p in prefixes))


def root(module: str) -> bool:
    parts = module.split(".")
    return parts[0] == "app" and len(parts) > 1 and parts[1] in ROOTS


def measures(module: str) -> bool:
    """The commands that `stepfour eval` runs: they put real parts together as the roots do."""
    return module.startswith(("evals.bench", "evals.crash")) or module.endswith(
        ("_command", ".command", ".commands")
    )


# --- the arrows ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("package", "never"),
    [
        ("knowledge", ("app", "ingest", "evals", "tests")),
        ("ingest", ("app", "evals", "tests")),
        ("app", ("evals", "ingest", "tests")),
        ("evals", ("tests",)),
    ],
)
def test_the_arrows_go_one_way(package: str, never: tuple[str, ...]) -> None:
    wrong = {name: leads_to(imports(name), *never) for name in of(package) if not root(name)}
    assert not {name: found for name, found in wrong.items() if found}


def test_nothing_imports_a_composition_root() -> None:
    roots = tuple(f"app.{name}" for name in ROOTS)
    free = [name for package in PACKAGES for name in of(package) if not root(name) and not measures(name)]
    wrong = {name: leads_to(imports(name), *roots) for name in free}
    assert not {name: found for name, found in wrong.items() if found}


@pytest.mark.parametrize("name", sorted(CORE))
def test_the_core_knows_no_channel_no_adapter_and_no_framework(name: str) -> None:
    names = {each for module in within(f"app.{name}") for each in imports(module, types=False)}
    assert not leads_to(names, "app.channels", "app.adapters", "app.reader", "app.settings", *OUTSIDE)


def test_every_module_of_the_service_is_core_or_edge_or_root() -> None:
    """So that a new one has to say where it belongs."""
    there = {name.split(".")[1] for name in of("app") if "." in name}
    assert there - EDGE - ROOTS - CORE == set()


@pytest.mark.parametrize("name", ["app.policy", "app.twice", "app.facts"])
def test_the_policy_imports_values_only(name: str) -> None:
    allowed = {"__future__", "collections.abc", "app.walk", "typing", "knowledge.model"}
    allowed |= {"app.facts", "app.twice"}
    allowed |= set(within("app.models"))
    assert {each for each in imports(name) if each in modules() or each in allowed} <= allowed
    froms = [node.module for node in ast.walk(tree(name)) if isinstance(node, ast.ImportFrom)]
    assert set(froms) <= allowed
    does = (ast.Import, ast.AsyncFunctionDef, ast.Await)
    assert not any(isinstance(node, does) for node in ast.walk(tree(name)))


def test_the_words_import_no_io() -> None:
    for name in (*within("app.models"), "app.ledger", "app.walk", "knowledge.model"):
        froms = {n.module for n in ast.walk(tree(name)) if isinstance(n, ast.ImportFrom)}
        assert froms <= VALUES | set(within("app.models"))


def test_channels_enter_by_the_service_only() -> None:
    for name in of("app"):
        if name.startswith("app.channels"):
            assert not leads_to(
                imports(name),
                "app.policy",
                "app.actions",
                "app.proposing",
                "app.look",
                "app.passages",
                "app.record",
                "app.verify",
            )
    assert not leads_to(
        imports("evals.run"), "app.policy", "app.record", "app.look", "app.passages", "app.verify"
    )


# --- what only one place may do -----------------------------------------------------------------


def calls(module: str, method: str) -> list[int]:
    return [
        node.lineno
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
    ]


def test_nothing_but_the_actions_changes_the_world() -> None:
    callers = {name for package in PACKAGES for name in of(package) if calls(name, "change")}
    # The second is the adapter itself, which dies before or after.
    assert callers == {"app.actions", "evals.crash.points"}


def test_only_the_one_path_performs() -> None:
    """`perform` looks again by itself; that nobody else calls it keeps one lock and one end."""
    callers = {name for name in of("app") if calls(name, "perform")}
    assert callers == {"app.conversation"}


def test_only_a_channel_or_an_evaluation_makes_a_principal() -> None:
    makers = {
        name
        for package in PACKAGES
        for name in of(package)
        for node in ast.walk(tree(name))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Principal"
    }
    assert {name for name in makers if not root(name) and not measures(name)} <= {
        "app.identity",
        "evals.memory",
        "evals.security.stage",
        "evals.simulate.bots",
    }


def test_only_the_edge_of_the_service_and_of_the_channel_catches_everything() -> None:
    """And the edges of the command line, of delivery, and of what others told us, one thing at a time.

    Cleaning up and raising on is not catching.
    """
    broad = {name for name in of("app") if _catches_everything(name)}
    assert broad == {
        "app.service",
        "app.channels.edge",
        "app.cli",
        "app.delivery",
        "app.channels.slack.work",
        "app.channels.chatwoot.channel",
    }


def _catches_everything(module: str) -> bool:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.ExceptHandler) and ast.unparse(node.body[-1]) != "raise":
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {ast.unparse(kind) if kind is not None else "everything" for kind in kinds}
            if names & {"everything", "Exception", "BaseException"}:
                return True
    return False


# --- time ---------------------------------------------------------------------------------------


def test_durations_are_of_the_monotonic_clock() -> None:
    """The time of day may jump: it is asked for by name where a stamp is meant, and nowhere subtracted."""
    asked = {name for package in PACKAGES[:3] for name in of(package) if calls(name, "time")}
    # A signature's stamp, the clock held against another's, a date in a header, the loop's monotonic time.
    named = {"app.adapters.platform", "app.commands.doctor", "app.completion", "app.saying", "app.endpoint"}
    assert {name for name in asked if not name.startswith("app.reader.train")} == named


# --- settings -----------------------------------------------------------------------------------


def test_no_setting_lets_a_probe_reach_a_private_address() -> None:
    """Tests inject a policy of their own; an installation has no way to."""
    assert not leads_to(imports("app.settings"), "app.probes")
    told = {name: f"{name} {field.description}".lower() for name, field in Settings.model_fields.items()}
    for name, text in told.items():
        for word in ("private", "loopback", "allow", "policy", "insecure", "unsafe", "verify", "ssrf"):
            assert word not in text, f"{name} sounds as if it could"
    net = ast.get_source_segment(modules()["app.main"].read_text(), _function("app.main", "public_net"))
    assert net is not None
    assert "policy" not in net, "the real net takes the policy that Net has by default"
    assert "loopback" not in net, "and so does what it says of the company's own platform"


def _function(module: str, name: str) -> ast.AST:
    return next(
        node
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
    )


def test_the_example_of_the_settings_is_the_settings_printed() -> None:
    assert (ROOT / ".env.example").read_text(encoding="utf-8") == env_example()


def test_every_setting_says_what_it_is_for() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_by_default_nothing_runs_by_itself() -> None:
    fresh = Settings(_env_file=None)
    assert fresh.mode("web") == fresh.mode("web", "enable_https") == "suggest"
    mixed = Settings(_env_file=None, modes={"web": "auto", "enable_https": "suggest", "slack": "shadow"})
    assert mixed.mode("web") == "auto"
    assert mixed.mode("web", "enable_https") == "suggest"
    assert mixed.mode("slack", "enable_https") == "shadow"
    assert mixed.mode("web", "resume_sending") == "suggest"
