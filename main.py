"""The server: `python main.py` runs it, `uvicorn main:app` too."""

import sys

if __name__ == "__main__":
    try:
        from roomful.cli import serve_command

        serve_command()
    except KeyboardInterrupt:
        # while the program was still loaded
        sys.exit(130)
else:
    from roomful.assembly import SetupError
    from roomful.logs import configure_logs
    from roomful.settings import SettingsError, load_server_settings
    from roomful.web.app import create_app

    try:
        server = load_server_settings()
        configure_logs(server.log_format)
        app = create_app(server)
    except (SettingsError, SetupError) as fault:
        sys.exit(str(fault))
