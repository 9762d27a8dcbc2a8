"""Commands of Roomful, run in the process of the tests."""

import gc
from functools import cache

from typer import testing

from roomful.cli import app

# made of all that the commands declare, for each call, and the same each time
testing._get_command = cache(testing._get_command)


def invoke(*command: str, code: int = 0) -> str:
    """Run a command that is to end with this code; return what it says."""
    result = testing.CliRunner().invoke(app, list(command))
    # the server's start pauses it, and a test of a start that fails leaves it so
    gc.enable()
    assert result.exit_code == code, (result.output, result.exception)
    return result.output
