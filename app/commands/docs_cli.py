"""`stepfour docs ...`, `stepfour procedures ...` and `stepfour approve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app.commands.sources_cli import AsJson, InLanguage, asked, counted, language_of, printed, watched
from app.errors import BadInput

app = typer.Typer(
    help="Documents: list, show, history, diff; add and remove files.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
procedures = typer.Typer(help="Procedures: list, diff, approve.", no_args_is_help=True, rich_markup_mode=None)

Document = Annotated[str, typer.Argument(help="A document by its id, or by the end of its path.")]
By = Annotated[str, typer.Option(help="Who approves it: a name or address of STEPFOUR_APPROVERS.")]
FromSource = Annotated[str | None, typer.Option(help="Of this source, where the id is in several.")]
SHOWN = 10
"""Characters of a version that people read and type."""


@app.command(name="list")
def list_documents(
    source: Annotated[str | None, typer.Option(help="Of this source.")] = None,
    lang: Annotated[str | None, typer.Option(help="In this language.")] = None,
    as_json: AsJson = False,
) -> None:
    """List the documents that are served."""
    result = asked("docs", source=source, lang=lang)
    if as_json:
        printed(result)
        return
    for each in result["documents"]:
        marks = [each["lang"], each["updated_at"][:10]]
        marks += [each["audience"]] if each["audience"] != "public" else []
        marks += ["missing"] if each["missing"] else []
        print(f"{each['id']}  {each['title']}  ({', '.join(marks)})")
        if each["reason"]:
            print(f"   an earlier version is served: {each['reason']}")
    if not result["documents"]:
        print("No document yet. Take some in: stepfour sync FOLDER, or stepfour docs add FILE")


@app.command()
def show(
    document: Document,
    version: Annotated[str | None, typer.Option(help="A version from its history.")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a document's text as it is read, now or in a version of before."""
    result = asked("doc_show", document=document, version=version)
    printed(result) if as_json else print(result["text"])


@app.command()
def history(document: Document, as_json: AsJson = False) -> None:
    """Show what became of a document, newest first."""
    result = asked("doc_history", document=document)
    if as_json:
        printed(result)
        return
    for change in result["changes"]:
        when = change["at"][:16].replace("T", " ")
        print(f"{when} UTC  {change['kind']:<8} {_versions(change)}".rstrip())


def _versions(change: dict[str, Any]) -> str:
    before, after = (str(change[side] or "")[:SHOWN] for side in ("before", "after"))
    if change["kind"] == "moved":
        return f"{change['moved_from']} -> {change['document']}"
    return f"{before} -> {after}" if before and after else before or after


@app.command()
def diff(
    document: Document,
    versions: Annotated[list[str] | None, typer.Argument(help="Two versions; else the newest two.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what changed between two versions of a document."""
    result = asked("doc_diff", document=document, versions=versions)
    printed(result) if as_json else print(result["diff"] or "No line is different.")


@app.command()
def add(
    files: Annotated[list[Path], typer.Argument(help="Files: Markdown, HTML, PDF, DOCX or text.")],
    source: Annotated[str | None, typer.Option(help="The source of uploaded files that they go to.")] = None,
    as_json: AsJson = False,
) -> None:
    """Copy files in and take them in; one of the same name is replaced."""
    if absent := [str(file) for file in files if not file.is_file()]:
        raise BadInput(f"{absent[0]}: no such file")
    paths = [str(file.resolve()) for file in files]
    result = watched("uploads", "doc_add", files=paths, source=source)
    printed(result) if as_json else print(result["text"])
    raise typer.Exit(1 if result["stopped"] or result["failed"] else 0)


@app.command()
def remove(
    documents: Annotated[list[str], typer.Argument(help="Uploaded documents, by id or name.")],
    as_json: AsJson = False,
) -> None:
    """Take uploaded files away."""
    result = watched("uploads", "doc_remove", documents=documents)
    printed(result) if as_json else print(result["text"])


# --- procedures ---------------------------------------------------------------------------------


@procedures.command(name="list")
def list_procedures(as_json: AsJson = False) -> None:
    """Show which procedures are followed, and what waits."""
    result = asked("procedures")
    if as_json:
        printed(result)
        return
    for each in result["procedures"]:
        approved = f"approved: {each['approved_by']}, {(each['approved_at'] or '')[:10]}"
        state = f"followed ({approved})" if each["followed"] else "new, not followed yet"
        print(f"{each['id']}  {each['title']}  ({each['source']}:{each['path']})")
        print(f"   {counted(len(each['steps']), 'step')}, then {each['action'] or 'no action'}; {state}")
        if each["waiting"]:
            print(f"   a change waits for approval: stepfour procedures diff {each['id']}")
    if not result["procedures"]:
        print("No procedure yet. Pages that name steps become procedures where their source may have some:")
        print("stepfour sources add folder path/to/pages --procedures")


@procedures.command(name="diff")
def diff_procedure(
    procedure: Annotated[str, typer.Argument(help="Id of a procedure whose change waits.")],
    source: FromSource = None,
    lang: InLanguage = None,
    as_json: AsJson = False,
) -> None:
    """Show what an approval would change for machines."""
    lang = language_of(lang)
    result = asked("procedure_diff", procedure=procedure, source=source, lang=lang)
    if as_json:
        printed(result)
        return
    from app.texts import say

    version = result["waiting"][:SHOWN]
    head = "version" if result["followed"] else "new_version"
    told = say(lang, f"documents.procedure.lines.{head}", document=result["document"], version=version)
    print(f"{result['procedure']}  ({told})")
    print("\n".join(result["changes"]) or say(lang, "documents.procedure.lines.same"))
    command = f"stepfour procedures approve {result['procedure']} --version {version} --by"
    print(f"\n{say(lang, 'documents.procedure.lines.approve', command=command)}")


@procedures.command()
def approve(
    procedure: Annotated[str, typer.Argument(help="Id of a procedure whose change waits.")],
    by: By,
    source: FromSource = None,
    version: Annotated[
        str | None, typer.Option(help="The version that `diff` showed: refused if the page changed since.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Approve a change: it is followed from then on.

    Who may is set in STEPFOUR_APPROVERS. Whoever has a shell on this machine owns the data folder and could
    write any name: --by is held against the list to prevent mistakes and for the record. It proves nothing.
    On the agents' page (/assist/procedures) the name comes from the sign-in.
    """
    result = asked("approve", procedure=procedure, by=by, source=source, version=version)
    if as_json:
        printed(result)
        return
    print(f"{result['procedure']}: followed from now on, as its page says ({', '.join(result['steps'])}).")
