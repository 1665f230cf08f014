"""A plain retrieve-and-answer bot, built the usual LangChain way on the same index, to compare with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from app.settings import Settings
from evals.case import LabelledCase
from evals.run import BlindRow, CaseRow
from knowledge.model import Passage, Procedure
from knowledge.store import Knowledge

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.language_models import BaseChatModel
    from langchain_core.runnables import Runnable

PASSAGES = 4
"""What a retriever of LangChain returns unless told otherwise."""
NO_ANSWER = "NO ANSWER"
SYSTEM = (
    "You work in customer support. Answer the customer's last message in the language it is written in, from "
    "the context alone, and name the passages you use by their numbers, like [1]. If the context holds no "
    f"answer, reply with exactly {NO_ANSWER}.\n\nContext:\n{{context}}"
)


async def run_baseline(
    cases: Sequence[LabelledCase],
    knowledge: Knowledge,
    articles: Mapping[str, str],
    settings: Settings,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> list[CaseRow]:
    """A row per case. It may see what the case's own world knows, and nothing of who asks or what is so."""
    import openai

    procedures = {procedure.document: procedure for procedure in knowledge.procedures()}
    model = chat_model(settings)
    rows = []
    for number, case in enumerate(cases, 1):
        documents = [*procedures, *([articles[case.id]] if case.id in articles else [])]
        question = {
            "question": case.messages[-1].text,
            "history": [
                ("human" if said.role == "customer" else "ai", said.text) for said in case.messages[:-1]
            ],
        }
        name = baseline_name(settings)
        try:
            answered = await rag_chain(knowledge, documents, case.lang, model).ainvoke(question)
        except openai.OpenAIError:
            name = f"{name} (model down)"
            answered = await rag_chain(knowledge, documents, case.lang, None).ainvoke(question)
        rows.append(_row(case, answered, knowledge, procedures, name))
        if progress:
            progress(number, len(cases))
    return rows


def baseline_name(settings: Settings) -> str:
    return f"rag {settings.llm_model}" if _has_model(settings) else "rag"


def chat_model(settings: Settings) -> BaseChatModel | None:
    """The configured model as LangChain sees it; None where there is none."""
    if not _has_model(settings):
        return None
    from langchain.chat_models import init_chat_model
    from pydantic import SecretStr

    return init_chat_model(
        settings.llm_model or "",
        model_provider="openai",
        base_url=settings.llm_base_url,
        api_key=settings.llm_api_key or SecretStr("none"),
        temperature=0,
        timeout=settings.llm_seconds,
        max_retries=0,
    )


def _has_model(settings: Settings) -> bool:
    return settings.llm_base_url is not None and settings.llm_model is not None


# --- the chain ----------------------------------------------------------------------------------


def rag_chain(
    knowledge: Knowledge, documents: Sequence[str], lang: str, model: BaseChatModel | None
) -> Runnable[dict[str, Any], dict[str, Any]]:
    """{question, history} -> these, with `context` (documents) and `answer` (a message, or the passages)."""
    from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
    from langchain_core.runnables import RunnableLambda, RunnableParallel, RunnablePassthrough

    languages = dict.fromkeys((lang.partition("-")[0], "en"))
    retrievers = {
        collection: knowledge.vector_store("public", collection).as_retriever(
            search_kwargs={"k": PASSAGES, "filter": {"document": {"$in": list(documents)}}}
        )
        for collection in languages
    }
    retrieve = itemgetter("question") | RunnableParallel(retrievers) | RunnableLambda(_merged)
    prompt = ChatPromptTemplate.from_messages(
        [("system", SYSTEM), MessagesPlaceholder("history"), ("human", "{question}")]
    )
    joined = RunnablePassthrough.assign(context=lambda told: _joined(told["context"]))
    answer = (
        RunnableLambda(lambda told: _joined(told["context"])) if model is None else joined | prompt | model
    )
    return RunnablePassthrough.assign(context=retrieve).assign(answer=answer)


def _merged(found: Mapping[str, list[Document]]) -> list[Document]:
    """One collection per language: their results take turns, as reciprocal rank fusion ranks them."""
    turns = [document for row in zip_longest(*found.values()) for document in row if document is not None]
    once = {document.metadata["passage"]: document for document in reversed(turns)}
    return list(reversed(once.values()))[:PASSAGES]


def _joined(context: Sequence[Document]) -> str:
    return "\n\n".join(f"[{n}] {document.page_content}" for n, document in enumerate(context, 1))


# --- what it did, in our words ------------------------------------------------------------------


def _row(
    case: LabelledCase,
    answered: Mapping[str, Any],
    knowledge: Knowledge,
    procedures: Mapping[str, Procedure],
    name: str,
) -> CaseRow:
    reply, tokens = _said(answered["answer"])
    passages = [knowledge.passage(document.metadata["passage"]) for document in answered["context"]]
    there = [passage for passage in passages if passage is not None]
    sent = _sent(reply, there) if reply else []
    procedure = procedures.get(sent[0].document) if sent else None
    step = _step(sent[0], procedure) if sent else None
    decision = "guide" if step else "answer" if reply else "hand_off"
    return CaseRow(
        id=case.id,
        procedure=procedure.id if procedure else None,
        claims={},
        decision=decision,
        step=step,
        because="the passages nearest to the last message",
        passages=tuple(passage.id for passage in there),
        cited=tuple(f"{passage.path}#{passage.anchor}" for passage in sent),
        reply=reply,
        effects=(),
        # It looks at nothing, so it does the same when nothing can be seen.
        blind=BlindRow(decision=decision, step=step) if case.blind else None,
        reader=name,
        tokens_in=tokens[0],
        tokens_out=tokens[1],
    )


def _said(answer: Any) -> tuple[str, tuple[int, int]]:
    """The words (none where it says it has no answer) and the tokens in and out."""
    if isinstance(answer, str):
        return answer, (0, 0)
    usage = answer.usage_metadata or {}
    text = answer.text.strip()
    reply = "" if NO_ANSWER in text else text
    return reply, (usage.get("input_tokens", 0), usage.get("output_tokens", 0))


def _sent(reply: str, passages: Sequence[Passage]) -> list[Passage]:
    """What the reply rests on: the passages it names, or all that the model was given."""
    named = [passage for n, passage in enumerate(passages, 1) if f"[{n}]" in reply]
    return named or list(passages)


def _step(passage: Passage, procedure: Procedure | None) -> str | None:
    """The step that a passage explains: what comes first in an answer is what it guides to."""
    steps = procedure.steps if procedure else ()
    return next((step.id for step in steps if step.anchor == passage.anchor), None)
