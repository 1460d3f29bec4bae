"""The root of everything that an embedded server can fail with; each message is a sentence for a person."""


class ServerError(RuntimeError):
    """An embedded server cannot be prepared or started."""
