"""`roomful tokens`: what can be asked for, with its options."""

from pathlib import Path
from typing import Annotated

import typer

from roomful.cli.options import AsJson, Data, Logs, Study, server_settings
from roomful.cli.output import faults_told

commands = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Make participants' tokens, print them as links, list and revoke them.",
)

Url = Annotated[str, typer.Option(help="The server's address as participants reach it.")]
SERVER = "http://localhost:8000"


@commands.command(epilog="Example: roomful tokens create --count 300 --balanced --out tokens.csv")
def create(
    count: Annotated[int, typer.Option(min=1, max=100_000, help="How many.")],
    out: Annotated[Path, typer.Option(help="The CSV file they are written to; it must not be there yet.")],
    treatment: Annotated[str | None, typer.Option(help="All for this treatment.")] = None,
    balanced: Annotated[bool, typer.Option("--balanced", help="Allocate treatments to them now.")] = False,
    test: Annotated[bool, typer.Option("--test", help="For trying the study out: counted nowhere.")] = False,
    url: Url = SERVER,
    study: Study = None,
    data: Data = None,
    logs: Logs = None,
) -> None:
    """Make tokens, and write them to a CSV file: the one place where they are in clear.

    Without --treatment or --balanced a treatment is assigned when the participant comes. Exit code 0: all are made and
    written; 1: none is.
    """
    with faults_told():
        from roomful.cli.token_work import Wanted
        from roomful.cli.token_work import create as run

        wanted = Wanted(count=count, treatment=treatment, balanced=balanced, test=test)
        run(server_settings(study=study, data=data, logs=logs), wanted, out, url)


@commands.command("import", epilog="Example: roomful tokens import participants.csv")
def import_(
    file: Annotated[Path, typer.Argument(help="A CSV file with a column `token`.")],
    study: Study = None,
    data: Data = None,
    logs: Logs = None,
) -> None:
    """Take tokens from a CSV file: `token`, and if you like `participant_id`, `label`, `treatment`, `test`, strata.

    Exit code 0: all are taken; 1: there is a fault, every one is named with its line, and none is taken.
    """
    with faults_told():
        from roomful.cli.token_work import import_tokens

        import_tokens(server_settings(study=study, data=data, logs=logs), file)


@commands.command("list", epilog="Example: roomful tokens list --json")
def list_(as_json: AsJson = False, data: Data = None) -> None:
    """List tokens by label, and what became of each; the tokens themselves are not kept."""
    with faults_told():
        from roomful.cli.token_work import list_tokens

        list_tokens(server_settings(data=data), as_json=as_json)


@commands.command(epilog="Examples: roomful tokens revoke 017 018    roomful tokens revoke --file lost.csv")
def revoke(
    which: Annotated[list[str] | None, typer.Argument(help="Tokens, labels, or ids of `tokens list`.")] = None,
    file: Annotated[Path | None, typer.Option(help="A CSV file whose column `token` has them.")] = None,
    study: Study = None,
    data: Data = None,
    logs: Logs = None,
) -> None:
    """Let nobody in any more with these tokens. Exit code 0: all are revoked; 1: one is not known, and none is."""
    with faults_told():
        from roomful.cli.token_work import revoke as run

        run(server_settings(study=study, data=data, logs=logs), which or [], file)


@commands.command(epilog="Example: roomful tokens links tokens.csv --url https://chat.example.org --out links.html")
def links(
    file: Annotated[Path, typer.Argument(help="A CSV file with a column `token`, as `create` writes it.")],
    out: Annotated[Path, typer.Option(help="The HTML file; it must not be there yet.")],
    url: Url = SERVER,
) -> None:
    """Write a sheet to print: each participant's link and QR code, in one file that needs nothing else."""
    with faults_told():
        from roomful.cli.sheet import write_sheet

        write_sheet(file, out, url)
