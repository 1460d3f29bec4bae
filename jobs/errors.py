"""placeholder"""


class InvalidSpec(Exception):
    errors: dict[str, list[str]]


class IdempotencyConflict(Exception):
    pass
