"""Errors a user can mend: what came, what was expected, what to do, in one line."""


class UserError(Exception):
    """Base of all of them; command lines print the message and no traceback."""


class InvalidArgumentError(UserError, ValueError):
    """A value outside its range."""
