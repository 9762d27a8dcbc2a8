"""The command line: what can be asked for, with its options. What each command does is in its own module."""

import gc
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from roomful import __version__
from roomful.cli import tokens
from roomful.cli.options import AsJson, Data, Logs, Speaker, Study
from roomful.cli.options import server_settings as _settings
from roomful.cli.output import INTERRUPTED, faults_told
from roomful.garbage import collect_rarely

# what a command needs is imported when it runs: `roomful --help` and the start of the server stay quick

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.add_typer(tokens.commands, name="tokens")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"roomful {__version__}")
        raise typer.Exit


@app.callback()
def roomful(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Experiments in a simulated group chat: one human participant, several AI agents.

    Exit codes: 0 done, 1 it could not be done (the reason is on stderr), 2 the command was not understood, 130 Ctrl-C.
    Settings come from the environment and .env; options win over them.
    """
    del version


@app.command(epilog="Example: roomful serve --port 9000 --study studies/pilot")
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on.  [default: ROOMFUL_HOST or 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port; 0: any free one.  [default: ROOMFUL_PORT or 8000]")
    ] = None,
    reload: Annotated[bool, typer.Option("--reload", help="Start anew when the code or the study changes.")] = False,
    study: Study = None,
    data: Data = None,
    logs: Logs = None,
) -> None:
    """Open the room: run the server until Ctrl-C or SIGTERM.

    Sessions that are live then go on at the next start.
    """
    # what is imported stays: looking for garbage in between takes a tenth of the time until the server answers
    gc.disable()
    with faults_told():
        settings = _settings(host=host, port=port, study=study, data=data, logs=logs)
        from roomful.cli.serve import serve as run
        from roomful.cli.serve import serve_reloading

        (serve_reloading if reload else run)(settings)


@app.command(epilog="Example: roomful check --study studies/pilot --live")
def check(
    study: Study = None,
    data: Data = None,
    logs: Logs = None,
    live: Annotated[
        bool, typer.Option("--live", help="Ask the model for a word, to see that key and model work.")
    ] = False,
    prompts: Annotated[bool, typer.Option("--prompts", help="Show every agent's prompt in full.")] = False,
    as_json: AsJson = False,
) -> None:
    """Look whether everything is in order, and show the study's settings with all defaults, and its design.

    Exit code 0: a study can be run; 1: there is a fault. All faults are told at once.
    """
    with faults_told():
        from roomful.cli.check import check as run

        run(lambda: _settings(study=study, data=data, logs=logs), study, live=live, prompts=prompts, as_json=as_json)


@app.command(epilog="Example: roomful sessions --live")
def sessions(
    live: Annotated[bool, typer.Option("--live", help="Ask the running server how its sessions are doing.")] = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """List all sessions, oldest first, or those that are live.

    Exit code 0: done, even if there are none; 1: there is no database, or with --live no running server.
    """
    with faults_told():
        from roomful.cli.sessions import list_live, list_sessions

        (list_live if live else list_sessions)(_settings(data=data), as_json=as_json)


@app.command(epilog="Example: roomful end 6f1c --reason fire_alarm")
def end(
    session: Annotated[str, typer.Argument(help="The session's id, or the beginning of it.")],
    reason: Annotated[str, typer.Option(help="What the log gives as the reason.")] = "ended_by_operator",
    study: Study = None,
    data: Data = None,
    logs: Logs = None,
) -> None:
    """End a session for good: through the running server, or in the database where none runs.

    The participant is told that it is over. Exit code 0: it has ended, now or before; 1: there is no such session, or
    it could not be ended.
    """
    with faults_told():
        from roomful.cli.sessions import end_session

        end_session(_settings(study=study, data=data, logs=logs), session, reason)


@app.command(
    epilog="Examples: roomful show 6f1c --calls    roomful show logs/6f1c0c7e-8f0e-4d8a-9f49-0c9f3f6ab3d1.json"
)
def show(
    session: Annotated[str, typer.Argument(help="The session's id, the beginning of it, or the path of its log.")],
    calls: Annotated[bool, typer.Option("--calls", help="Each LLM call too: prompt, reply, time, tokens.")] = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """Show a session as a transcript, with times in minutes and seconds of the session.

    Exit code 0: shown; 1: there is no such session, or its log cannot be read.
    """
    with faults_told():
        from roomful.cli.show import show as run

        run(_settings(data=data), session, calls=calls, as_json=as_json)


@app.command(
    epilog="Examples: roomful replay 6f1c --speed 10    roomful replay --verify --all    roomful replay --verify logs/"
)
def replay(
    session: Annotated[
        str | None, typer.Argument(help="The session's id, the beginning of it, or the path of its log or of a folder.")
    ] = None,
    speed: Annotated[float, typer.Option(min=1, max=20, help="How many times as fast as it was.")] = 1,
    verify: Annotated[bool, typer.Option("--verify", help="Run it again from its log, and compare.")] = False,
    every: Annotated[bool, typer.Option("--all", help="With --verify: every session of the database.")] = False,
    data: Data = None,
) -> None:
    """Play a session as its participant saw it, or run it again from its log.

    With --verify, exit code 0: all are identical; 1: there is a difference, or it could not be read; 2: the command
    was not understood. A log that another version of the core made is checked but not run again: no difference.
    """
    with faults_told():
        from roomful.cli.replay import play, run_again

        if verify:
            run_again(_settings(data=data), session, every=every)
        else:
            play(_settings(data=data), session, speed)


@app.command(epilog="Examples: roomful verify 6f1c    roomful verify --all    roomful verify logs/")
def verify(
    session: Annotated[
        str | None, typer.Argument(help="The session's id, the beginning of it, or the path of its log or of a folder.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every session of the database, and its log file.")] = False,
    data: Data = None,
    logs: Logs = None,
) -> None:
    """Look whether a log was changed: its hash chain, its end in the database, its file.

    The files of another database (--data) are looked at where --logs names their folder.

    Exit code 0: nothing was changed; 1: something was, and is named; 2: the command was not understood.
    """
    with faults_told():
        from roomful.cli.replay import verify as run

        settings = _settings(data=data, logs=logs)
        # the folder by default belongs to the database by default
        files = logs is not None or settings.data.resolve() == _settings().data.resolve()
        run(settings, session, every=every, files=files)


@app.command(epilog='Example: echo "Hello everyone!" | roomful chat --messages 5')
def chat(
    url: Annotated[str, typer.Option(help="Address of the server.")] = "http://127.0.0.1:8000",
    token: Annotated[str, typer.Option(help="The participant's token.")] = "1234",  # noqa: S107
    name: Annotated[str | None, typer.Option(help="Your name, where the study lets participants choose.")] = None,
    session: Annotated[str | None, typer.Option(help="Come back to this session (its whole id).")] = None,
    seconds: Annotated[float | None, typer.Option("--for", min=0, help="Leave after this many seconds.")] = None,
    messages: Annotated[
        int | None, typer.Option(min=1, help="Leave after this many messages of others, once the input is said.")
    ] = None,
) -> None:
    """Take part in a session from the terminal.

    Each line is a message; /help lists commands.

    Input may come from a pipe: at its end the participant stays until the session ends, or until --for or --messages
    says to leave. A lost connection is made anew, and what was not acknowledged is sent again. Exit code 0: the
    session has ended or you have left; 1: there is no way in, or none back.
    """
    with faults_told():
        from roomful.cli.chat import Visit
        from roomful.cli.chat import chat as run

        run(Visit(url=url, token=token, name=name, session_id=session, seconds=seconds, messages=messages))


@app.command(epilog="Example: roomful backup backups/pilot-3.db")
def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes; it must not be there yet.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    data: Data = None,
) -> None:
    """Copy the study's database into one file, also while the server runs.

    The copy is looked through before it counts. Exit code 0: it is whole and on disk; 1: there is none.
    """
    with faults_told():
        from roomful.cli.backup import backup as run

        run(_settings(data=data), file, force=force)


@app.command(epilog="Examples: roomful export --out tables    roomful export --out public --anonymize")
def export(
    out: Annotated[Path, typer.Option(help="Folder for the tables; it must not be there yet, or be empty.")],
    anonymize: Annotated[
        bool,
        typer.Option("--anonymize", help="Leave out panel ids, names, links' parameters; number the sessions."),
    ] = False,
    study: Study = None,
    data: Data = None,
) -> None:
    """Write the study as tables: CSV files and a codebook, also while the server runs.

    Exit code 0: all tables are written; 1: nothing is.
    """
    with faults_told():
        from roomful.cli.export import export as run

        run(_settings(study=study, data=data), out, anonymize=anonymize)


@app.command(epilog="Example: roomful withdraw 6f1c --delete")
def withdraw(
    session: Annotated[str, typer.Argument(help="The session's id, or the beginning of it.")],
    delete: Annotated[bool, typer.Option("--delete", help="Delete what was said in it, and who it was.")] = False,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")] = False,
    study: Study = None,
    data: Data = None,
    logs: Logs = None,
) -> None:
    """Take back a participation for somebody who asks for it; a session that is live ends.

    Through the running server, or in the database where none runs. Exit code 0: it is withdrawn; 1: nothing was done.
    """
    with faults_told():
        from roomful.cli.erasing import withdraw as run

        run(_settings(study=study, data=data, logs=logs), session, delete=delete, sure=sure)


@app.command(epilog="Example: roomful erase --older-than 180d --dry-run")
def erase(
    older_than: Annotated[str, typer.Option(help="The least age of a session, in days: 180d.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would be erased, and do nothing.")] = False,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")] = False,
    as_json: AsJson = False,
    study: Study = None,
    data: Data = None,
    logs: Logs = None,
) -> None:
    """Delete what was said in old sessions, and who it was; their logs' chains stay whole.

    Through the running server, or in the database where none runs. Exit code 0: done, or nothing to do; 1: not done.
    """
    with faults_told():
        from roomful.cli.erasing import erase as run

        settings = _settings(study=study, data=data, logs=logs)
        run(settings, older_than, dry_run=dry_run, sure=sure, as_json=as_json)


@app.command(epilog='Examples: roomful freeze    roomful freeze --deviation "a typing error on the consent page"')
def freeze(
    deviation: Annotated[
        str | None, typer.Option(help="Record that the frozen study was changed, and for this reason.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the parts and the hash, and do nothing.")] = False,
    study: Study = None,
    data: Data = None,
    logs: Logs = None,
) -> None:
    """Let the study stay as it is: settings, pages, pictures, model and code.

    From then on every session carries the study's hash, a server does not start with anything else, and the demo token
    is refused. Exit code 0: it is frozen, or the deviation is on record; 1: it is not.
    """
    with faults_told():
        from roomful.cli.freeze import freeze as run

        run(_settings(study=study, data=data, logs=logs), deviation, dry_run=dry_run)


@app.command(epilog="Example: roomful preregister --out preregistration.md")
def preregister(
    out: Annotated[Path, typer.Option(help="File for the text (Markdown); it must not be there yet.")],
    study: Study = None,
) -> None:
    """Write what a preregistration needs to know of the study, from its files.

    Exit code 0: the text is written; 1: the files have a fault, or the text is there already.
    """
    with faults_told():
        from roomful.cli.preregister import preregister as run

        run(_settings(study=study), out)


@app.command(
    epilog="Examples: roomful rehearse --sessions 400    roomful rehearse --llm configured --budget 2.00 --planned 300"
)
def rehearse(
    sessions: Annotated[int, typer.Option(min=1, help="How many participations.")] = 200,
    treatment: Annotated[
        list[str] | None, typer.Option(help="Only this treatment; may be given several times.  [default: all]")
    ] = None,
    participants: Annotated[
        str, typer.Option(help="Kinds of stand-ins: talkative,silent,hostile,leaver,injector,mixed.")
    ] = "mixed",
    llm: Annotated[
        Speaker, typer.Option(help="Who speaks for the agents: a script at no cost, or the study's model.")
    ] = Speaker.SCRIPTED,
    budget: Annotated[
        float | None, typer.Option(help="With --llm configured: what it may cost, in the prices' currency.")
    ] = None,
    planned: Annotated[
        int | None, typer.Option(min=1, help="Participants to forecast for.  [default: the quotas, or --sessions]")
    ] = None,
    prices: Annotated[Path | None, typer.Option(help="A table of prices of your own (JSON).")] = None,
    latency: Annotated[float, typer.Option(min=0, max=600, help="Median seconds of a scripted agent's call.")] = 1.0,
    seed: Annotated[int | None, typer.Option(help="Another seed than the study's.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for the report; it must not be there yet.  [default: rehearsals/ and the time]"),
    ] = None,
    keep: Annotated[
        bool | None,
        typer.Option("--keep/--forget", help="Keep the sessions' logs beside it.  [default: those that cost money]"),
    ] = None,
    as_json: AsJson = False,
    study: Study = None,
) -> None:
    """Rehearse the whole study with stand-in participants, in simulated time, and write a report.

    Nothing of it is among the study's data. Exit code 0: it was rehearsed, also where the budget ended it; 1: it was
    not; 2: the command was not understood.
    """
    with faults_told():
        from roomful.cli.rehearse import Wish
        from roomful.cli.rehearse import rehearse as run

        wish = Wish(
            sessions=sessions,
            treatments=tuple(treatment or ()),
            participants=participants,
            configured=llm is Speaker.CONFIGURED,
            budget=budget,
            planned=planned,
            prices=prices,
            latency=latency,
            seed=seed,
            out=out,
            keep=keep,
            as_json=as_json,
        )
        run(_settings(study=study), wish)


@app.command(epilog='Example: roomful pause --reason "the lab is closed"')
def pause(
    reason: Annotated[str, typer.Option(help="Why, for the study's log.")] = "",
    study: Study = None,
    data: Data = None,
    logs: Logs = None,
) -> None:
    """Let nobody new in; those who are in go on, and come back.

    Through the running server, or in the database where none runs. Exit code 0: it is paused, now or before.
    """
    with faults_told():
        from roomful.cli.doors import pause as run

        run(_settings(study=study, data=data, logs=logs), reason)


@app.command(epilog="Example: roomful resume")
def resume(study: Study = None, data: Data = None, logs: Logs = None) -> None:
    """Let people in again after a pause or a stop. Exit code 0: they are let in."""
    with faults_told():
        from roomful.cli.doors import resume as run

        run(_settings(study=study, data=data, logs=logs))


@app.command(epilog="Example: roomful stop --all --reason fire_alarm")
def stop(
    every: Annotated[bool, typer.Option("--all", help="Yes, all of them.")] = False,
    reason: Annotated[str, typer.Option(help="What the logs give as the reason.")] = "ended_by_operator",
    study: Study = None,
    data: Data = None,
    logs: Logs = None,
) -> None:
    """End all sessions at once, and let nobody in until `roomful resume`.

    Participants are told that it is over. Exit code 0: all have ended; 2: without --all nothing is done.
    """
    with faults_told():
        from roomful.cli.doors import stop as run

        run(_settings(study=study, data=data, logs=logs), reason, every=every)


@app.command(epilog="Example: roomful assignments --audit")
def assignments(
    audit: Annotated[bool, typer.Option("--audit", help="Compute every allocation again from the log.")] = False,
    as_json: AsJson = False,
    data: Data = None,
) -> None:
    """List who takes part, in which treatment, and how the treatments are filled.

    With --audit, exit code 0: every allocation is what the rules and the seed give; 1: one differs, and is named.
    """
    with faults_told():
        from roomful.cli.assignments import audit as run_audit
        from roomful.cli.assignments import list_assignments

        if audit:
            run_audit(_settings(data=data))
        else:
            list_assignments(_settings(data=data), as_json=as_json)


@app.command(
    epilog="Examples: roomful realism --rehearse 60 --figure realism.svg    "
    "roomful realism logs/ --reference our_exports.jsonl"
)
def realism(
    sessions: Annotated[
        list[str] | None,
        typer.Argument(
            help="Ids or their beginnings, logs or folders of logs, files of rooms (.jsonl, .csv); none: all sessions."
        ),
    ] = None,
    rehearse: Annotated[
        int | None, typer.Option(min=1, max=100_000, help="Hold so many sessions of scripted agents and measure those.")
    ] = None,
    reference: Annotated[
        str, typer.Option(help="delidata, irc, mafia, llmafia; or sessions: a .jsonl or .csv file, logs.")
    ] = "delidata",
    preset: Annotated[
        list[str] | None,
        typer.Option(help="With --rehearse: seed, attentive (the default) or ambient; several stand side by side."),
    ] = None,
    people: Annotated[str | None, typer.Option(help="With --rehearse: how many in a room.  [default: 2-5]")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.1, max=240, help="With --rehearse: how long a session is.  [default: 7]")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.1, max=120, help="With --rehearse: messages a minute of all.  [default: 4]")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything that is drawn.")] = 1,
    json_file: Annotated[Path | None, typer.Option("--json", help="File for all numbers; -: to stdout.")] = None,
    figure: Annotated[Path | None, typer.Option(help="File for a figure (SVG); it must not be there yet.")] = None,
    data: Data = None,
) -> None:
    """Measure how much like people's chats sessions are: twelve statistics beside those of real group chat.

    Exit code 0: measured, whatever came out; 1: nothing could be measured; 2: the command was not understood.
    """
    with faults_told():
        from roomful.cli.realism import Asked
        from roomful.cli.realism import realism as run

        asked = Asked(
            sessions=sessions or [],
            rehearse=rehearse,
            presets=preset or [],
            people=people,
            minutes=minutes,
            rate=rate,
            seed=seed,
            reference=reference,
            json=json_file,
            figure=figure,
        )
        run(_settings(data=data), asked)


def main() -> None:
    """Run the command that the arguments ask for."""
    for name in ("stdout", "stderr"):
        # closed before we began: what is written there goes nowhere
        stream = getattr(sys, name) or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
        # a terminal that cannot show a sign shows a question mark
        stream.reconfigure(errors="replace")
        setattr(sys, name, stream)
    collect_rarely()
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


def serve_command() -> None:
    """`roomful serve` with the arguments of this process: what `python main.py` does."""
    sys.argv[1:1] = ["serve"]
    main()
