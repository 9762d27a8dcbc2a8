"""The server: `python main.py` runs it, `uvicorn main:app` too."""

import sys

from roomful.assembly import SetupError
from roomful.settings import SettingsError
from roomful.web.app import create_app

try:
    app = create_app()
except (SettingsError, SetupError) as fault:
    sys.exit(str(fault))

if __name__ == "__main__":
    from roomful.cli import serve_command

    serve_command()
