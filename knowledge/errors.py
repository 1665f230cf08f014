"""What stops work on the knowledge base on purpose; every message ends with what to do."""


class KnowledgeError(Exception):
    """What was asked of the knowledge base cannot be done."""


class PageError(KnowledgeError):
    """A page that cannot be taken in: names the file, the line and what to change."""

    def __init__(self, path: str, line: int, what: str, fix: str) -> None:
        super().__init__(f"{path}:{line}: {what}. {fix}")
        self.path = path
        self.line = line
        self.what = what
        self.fix = fix


class KnowledgeInUse(KnowledgeError):
    """Another process has the data folder open."""


class SchemaTooNew(KnowledgeError):
    """The data folder was written by a newer Stepfour."""


class SourceUnreadable(KnowledgeError):
    """A source cannot be listed, so nothing may be concluded from what it does not show."""


class SyncEnded(KnowledgeError):
    """Somebody ended a sync; the next one goes on."""


class NoRoom(KnowledgeError):
    """The disk is full: nothing was written, and what was there stays readable."""


class EndpointDown(KnowledgeError):
    """A model elsewhere gave nothing that can be used."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"the endpoint {url} cannot be used: {why}. Start it, or correct its settings.")
