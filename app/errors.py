"""What stops the path on purpose.

StepfourError             `str(error)` may be shown to an agent or an operator, never raw to a customer
├─ ConfigError            cannot start as configured: names the setting and the fix
├─ NotAuthentic           the request is not from whom it claims
├─ NotFound               no such thing for this principal
├─ BadInput               what was sent cannot be used: says what is wrong and what would do
│  └─ OwnRequest          whoever asked for an action does not approve it, too
├─ Unavailable            no answer from outside; nothing happened; may be tried again
├─ ModelFailed            the language model gave nothing of use (app/endpoint.py); the built-in pair does
├─ PrerequisiteNotMet     an action refused before any effect
└─ OutcomeUnknown         sent, and we do not know if it happened: reconciled, never repeated blindly

An expected "no" is a value (`Finding(met=False)`, `Decline`), not an exception.
"""


class StepfourError(Exception):
    """Stepfour stopped on purpose."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or self.__doc__ or type(self).__name__)


class ConfigError(StepfourError):
    """The configuration does not allow a start. Run `stepfour doctor`."""


class NotAuthentic(StepfourError):
    """The request carries no valid proof of who sent it. Sign in again."""


class NotFound(StepfourError):
    """There is no such thing here for you."""


class BadInput(StepfourError):
    """What was sent cannot be used."""

    def __init__(self, message: str | None = None, *, code: str = "bad_input") -> None:
        super().__init__(message)
        self.code = code
        """What surfaces word it by, in the language of whoever reads it."""


class OwnRequest(BadInput):
    """Whoever asked for it does not approve it, too. Let another agent look at it."""

    def __init__(self) -> None:
        super().__init__(code="own_request")


class Unavailable(StepfourError):
    """The other side did not answer; nothing happened. Try again later."""


class PrerequisiteNotMet(StepfourError):
    """A prerequisite of the action does not hold; nothing was changed."""


class OutcomeUnknown(StepfourError):
    """The change was sent and its outcome is unknown; it is reconciled, never repeated blindly."""
