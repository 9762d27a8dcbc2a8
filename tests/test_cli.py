import asyncio
import json
import os
import re
import runpy
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from rich.console import Console
from websockets.sync.client import connect

import roomful
from roomful.cli.conversation import Conversation, NotSaid
from roomful.cli.output import plain, plain_lines
from roomful.cli.records import NoSuchSession, chosen
from roomful.cli.terminal import Editor
from roomful.store import SessionRow
from tests.commands import invoke
from tests.fake_gemini import FakeGemini
from tests.forked import Forked, run
from tests.ports import free_port

ROOT = Path(__file__).parent.parent
PATIENCE = 30.0

SIMULATION = {
    "num_agents": 2,
    "agent_names": ["Alice", "Bob"],
    "messages_per_minute": 60,
    "user_response_probability": 1,
    "context_window_size": 5,
    "session_duration_minutes": 0.5,
}


OURS = re.compile("ROOMFUL_|GEMINI_|GOOGLE_|OPENAI_|ANTHROPIC_|MISTRAL_|DATABASE_")


def make_study(folder: Path, **changes: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "experimental_settings.json").write_text('{"prompt_template": "Chat."}', "utf-8")
    (folder / "simulation_settings.json").write_text(json.dumps(SIMULATION | changes), "utf-8")


def environment(**variables: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not OURS.match(name)}
    return kept | {"PYTHONPATH": str(ROOT)} | variables


@dataclass
class Process:
    """A command that runs, and what it has said so far in a file; what is put into `typed` is its input."""

    process: subprocess.Popen[bytes] | Forked
    output: Path
    typed: Connection

    @property
    def said(self) -> str:
        return self.output.read_text("utf-8")

    def until(self, words: str) -> str:
        """Wait until it has said this; what it has said then."""
        return until(lambda: self.said if words in self.said else None, lambda: f"{words!r} in {self.said!r}")

    def say(self, line: str) -> None:
        os.write(self.typed.fileno(), f"{line}\n".encode())

    def wait(self) -> int:
        return self.process.wait(PATIENCE)


def until[T](look: Callable[[], T | None], what: Callable[[], str]) -> T:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what()}")


@contextmanager
def interruptible() -> Iterator[None]:
    """Start processes as a terminal does: a command in a shell's background ignores interrupts, and so would they."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def running(folder: Path, *command: str, anew: bool = False, **variables: str) -> Iterator[Process]:
    """What follows `python`, until the end of the context. `anew`: it imports everything itself, as users' do."""
    output = folder / f"output-{time.monotonic_ns()}.txt"
    stdin, typed = Pipe(duplex=False)
    with stdin:
        if anew:
            process = _anew(folder, command, variables, output, stdin)
        else:
            process = Forked(command, folder, environment(**variables), output, stdin=stdin)
    try:
        yield Process(process, output, typed)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        typed.close()


def _anew(
    folder: Path, command: Sequence[str], variables: Mapping[str, str], output: Path, stdin: Connection
) -> subprocess.Popen[bytes]:
    with output.open("wb") as writing, interruptible():
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env=environment(**variables),
            stdin=stdin,
            stdout=writing,
            stderr=subprocess.STDOUT,
        )


@dataclass
class Room:
    """A server in a folder of its own, and the commands beside it."""

    folder: Path
    port: int
    server: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *command: str, stdin: str = "", anew: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. `anew`: it imports everything itself, as users' do."""
        if not anew:
            return run(("-m", "roomful", *command), self.folder, environment(), PATIENCE, stdin=stdin)
        return subprocess.run(
            [sys.executable, "-m", "roomful", *command],
            cwd=self.folder,
            env=environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def invoke(self, *command: str, code: int = 0) -> str:
        """As `run`, in this process: much quicker."""
        with chdir(self.folder):
            return invoke(*command, code=code)

    def chat(self, *options: str):
        return running(self.folder, "-m", "roomful", "chat", "--url", self.url, *options)

    @contextmanager
    def serving(self) -> Iterator[Process]:
        command = (str(ROOT / "main.py"), "--port", str(self.port))
        with running(self.folder, *command) as server:
            healthy(self.port, server)
            yield server

    def log(self, session_id: str) -> list[dict[str, object]]:
        # it is written meanwhile: it may not be there yet, and its last line may not be whole
        path = self.folder / "logs" / f"{session_id}.json"
        whole, _, _ = (path.read_text("ascii") if path.exists() else "").rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]


def get(port: int, path: str) -> object:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return json.load(answer)


def healthy(port: int, server: Process) -> object:
    def look() -> object | None:
        assert server.process.poll() is None, server.said
        try:
            return get(port, "/health")
        except OSError:
            return None

    return until(look, lambda: f"the server to be up: {server.said}")


def session_of(chat: Process) -> str:
    return re.search(r"Session (\S+)", chat.until("until "))[1]


@pytest.fixture(scope="module")
def room(tmp_path_factory) -> Iterator[Room]:
    """A room whose server runs for all tests of this module."""
    room = Room(tmp_path_factory.mktemp("room"), free_port())
    make_study(room.folder / "config")
    with room.serving() as server:
        room.server = server
        yield room


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty working folder with a study, for commands that run in this process."""
    make_study(tmp_path / "config")
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(environment()):
        monkeypatch.delenv(name)
    return tmp_path


# --- the server

STARTS = [
    pytest.param((str(ROOT / "main.py"), "--port"), id="main.py"),
    pytest.param(("-m", "uvicorn", "main:app", "--port"), id="uvicorn"),
    pytest.param((str(ROOT / "main.py"), "--reload", "--port"), id="reload"),
]


@pytest.mark.parametrize("command", STARTS)
def test_every_way_to_start_serves_the_same_room(command, tmp_path):
    make_study(tmp_path / "config")
    port = free_port()

    with running(tmp_path, *command, str(port), anew=True) as server:
        health = healthy(port, server)
        about = get(port, "/")

    assert health["status"] == "ok"
    assert about["name"] == "Roomful"
    assert about["version"] == roomful.__version__


def test_the_server_says_where_it_is_and_who_speaks(room):
    said = room.server.until("Ctrl-C")

    assert f"http://localhost:{room.port}" in said
    assert "token 1234" in said
    assert "Agents  are scripted: no GEMINI_API_KEY" in said
    assert "config/: Alice, Bob; 60 messages a minute, 0.5 minutes" in said


def test_a_port_in_use_is_said_in_a_sentence(room, tmp_path):
    make_study(tmp_path / "config")

    with running(tmp_path, "-m", "roomful", "serve", "--port", str(room.port)) as second:
        code = second.wait()

    assert code == 1
    assert second.said.splitlines() == [
        f"Port {room.port} of 127.0.0.1 is in use: stop what runs there, or take another: --port {room.port + 1}"
    ]


@pytest.mark.parametrize(("command", "code"), [(("-m", "roomful", "serve"), 1), (("-m", "uvicorn", "main:app"), 3)])
def test_a_folder_in_use_is_said_without_a_traceback(command, code, room):
    with running(room.folder, *command, "--port", str(free_port())) as second:
        found = second.wait()

    assert found == code
    assert "data is in use by another Roomful server" in second.said
    assert "Traceback" not in second.said


@pytest.mark.parametrize("command", [(str(ROOT / "main.py"),), ("-m", "uvicorn", "main:app")])
def test_wrong_settings_are_told_before_anything_starts(command, tmp_path):
    make_study(tmp_path / "config", num_agents=3)

    with running(tmp_path, *command) as server:
        code = server.wait()

    assert code == 1
    assert "simulation_settings.json: num_agents: found 3, expected 2" in server.said
    assert "Traceback" not in server.said


def test_a_store_that_cannot_be_opened_is_said_in_a_sentence(tmp_path):
    make_study(tmp_path / "config")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "roomful.db").write_text("this is no database, and it is long enough to be looked at" * 20)

    with running(tmp_path, "-m", "roomful", "serve", "--port", "0") as server:
        code = server.wait()

    assert code == 1
    assert server.said.splitlines()[-1].startswith("data/roomful.db: the file is not a database")
    assert "Traceback" not in server.said


@pytest.mark.parametrize("option", ["--data", "--logs"])
def test_a_file_in_a_folder_s_place_is_said_in_a_sentence(option, tmp_path):
    make_study(tmp_path / "config")
    (tmp_path / "notes.txt").write_text("")

    with running(tmp_path, "-m", "roomful", "serve", "--port", "0", option, "notes.txt") as server:
        code = server.wait()

    assert code == 1
    assert server.said.splitlines()[-1] == "notes.txt: a file is in the place of a folder"


def test_a_command_whose_output_is_closed_does_what_it_should(tmp_path):
    make_study(tmp_path / "config")
    command = f"exec {shlex.quote(sys.executable)} -m roomful pause >&-"

    done = subprocess.run(
        ["/bin/sh", "-c", command], cwd=tmp_path, env=environment(), stderr=subprocess.PIPE, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_the_server_stops_quietly(tmp_path):
    make_study(tmp_path / "config")

    with running(tmp_path, "-m", "roomful", "serve", "--port", "0", anew=True) as server:
        server.until("Ctrl-C")
        server.process.send_signal(signal.SIGINT)
        code = server.wait()

    assert code == 130
    assert "Traceback" not in server.said


# --- a participant in a terminal


def test_a_piped_participant_talks_and_leaves(room):
    chat = room.run(
        "chat", "--url", room.url, "--messages", "1", stdin="Hello everyone!\n/reply 1 once more\n", anew=True
    )

    assert chat.returncode == 0, chat.stderr
    assert "with Alice, Bob and You (you)" in chat.stdout
    # an agent may have been quicker, so the number is not always 1
    assert re.search(r"#\d+ You: Hello everyone! ✓", chat.stdout)
    assert "↳ " in chat.stdout
    assert len(re.findall(r"#\d+ (Alice|Bob): ", chat.stdout)) >= 1
    assert chat.stdout.endswith("You have left the room.\n")
    assert "\x1b" not in chat.stdout


def test_a_session_is_shown_from_the_store_and_from_its_file(room):
    chat = room.run("chat", "--url", room.url, "--messages", "1", stdin="Is this kept?\n")
    session_id = chat.stdout.split()[1]

    stored = room.invoke("show", session_id[:8], "--calls")
    until(
        lambda: any(line["event_type"] == "session_end" for line in room.log(session_id)) or None,
        lambda: "the end in the file",
    )
    filed = room.invoke("show", f"logs/{session_id}.json", "--calls")

    assert "▸ You  Is this kept?" in stored
    assert re.search(r"call c\d+ for (Alice|Bob)", stored)
    assert "the end: participant_left" in stored
    assert filed == stored


def test_the_operator_ends_a_session_beside_the_running_server(room):
    with room.chat() as chat:
        session_id = session_of(chat)
        live = room.invoke("sessions", "--live", "--json")
        ended = room.invoke("end", session_id[:9], "--reason", "fire_alarm")
        code = chat.wait()
    again = room.invoke("end", session_id)

    assert session_id in {session["session_id"] for session in json.loads(live)}
    assert ended == f"Session {session_id} has ended: fire_alarm.\n"
    assert (code, chat.said.splitlines()[-1]) == (0, "The session has ended.")
    assert again == f"Session {session_id} has ended before: fire_alarm.\n"


def test_a_participant_comes_back_by_itself_and_what_was_typed_meanwhile_is_said(tmp_path):
    room = Room(tmp_path, free_port())
    make_study(tmp_path / "config")

    with room.serving() as server:
        chatting = room.chat()
        chat = chatting.__enter__()
        try:
            session_id = session_of(chat)
            server.process.terminate()
            server.wait()
            chat.until("trying again…")
            chat.say("Are you still there?")
            chat.until("waits until")
            with room.serving():
                chat.until("Sending 1 message that waited.")
                chat.until("You: Are you still there? ✓")
                chat.say("/leave")
                code = chat.wait()
        finally:
            chatting.__exit__(None, None, None)

    said = [entry["data"]["content"] for entry in room.log(session_id) if entry["event_type"] == "message"]
    assert code == 0
    assert "You are back in the room." in chat.said
    assert said.count("Are you still there?") == 1


def test_a_participant_whose_output_nobody_reads_any_more_goes_without_a_traceback(room):
    command = f"{shlex.quote(sys.executable)} -m roomful chat --url {room.url} | head -n 1"

    with subprocess.Popen(
        ["/bin/sh", "-c", command],
        cwd=room.folder,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as chatting:
        said, faults = chatting.communicate("Hello\nagain\n", timeout=PATIENCE)

    assert said.startswith("Session ")
    assert faults == ""


def test_who_goes_away_by_ctrl_c_is_told_the_way_back(room):
    with room.chat() as chat:
        session_id = session_of(chat)
        chat.until("lists the commands")
        chat.process.send_signal(signal.SIGINT)
        code = chat.wait()

    assert code == 130
    assert chat.said.splitlines()[-1] == "You went away without leaving: --session and the id above lead back."
    room.invoke("end", session_id)


class Interrupting:
    """An import of the command line's that Ctrl-C comes into."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "roomful.cli":
            raise KeyboardInterrupt


@pytest.mark.parametrize("path", ["roomful/__main__.py", "main.py"])
def test_ctrl_c_while_the_program_is_loaded_is_no_traceback(path, monkeypatch):
    monkeypatch.delitem(sys.modules, "roomful.cli")
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])

    with pytest.raises(SystemExit) as left:
        runpy.run_path(str(ROOT / path), run_name="__main__")

    assert left.value.code == 130


def test_a_session_is_ended_where_no_server_runs(tmp_path):
    room = Room(tmp_path, free_port())
    make_study(tmp_path / "config", session_duration_minutes=5)
    with room.serving():
        request = urllib.request.Request(f"{room.url}/session/start", b'{"token": "1234"}', method="POST")
        request.add_header("Content-Type", "application/json")
        session_id = json.load(urllib.request.urlopen(request, timeout=5))["session_id"]
        with connect(f"ws://127.0.0.1:{room.port}/ws/{session_id}", subprotocols=["roomful.v2"]) as socket:
            socket.recv(5)

    ended = room.invoke("end", session_id)

    assert ended == f"Session {session_id} has ended: ended_by_operator.\n"
    assert room.log(session_id)[-1]["data"]["reason"] == "ended_by_operator"
    assert "ended_by_operator" in room.invoke("sessions")


def test_a_participant_in_a_terminal_is_sent_to_the_pages_first(tmp_path):
    room = Room(tmp_path, free_port())
    make_study(room.folder / "config")
    (room.folder / "config" / "pages").mkdir()
    (room.folder / "config" / "pages" / "consent.md").write_text("---\nversion: 1\n---\nDo you agree?\n")
    with room.serving():
        found = room.run("chat", "--url", room.url)

    assert found.returncode == 1
    assert re.fullmatch(rf"Pages come first: fill them in at {room.url}/session/[0-9a-f-]+, then .*\n", found.stderr)


def test_scripted_agents_may_write_english_in_a_room_of_another_language(tmp_path):
    room = Room(tmp_path, free_port())
    make_study(room.folder / "config", chat_language="ar", messages_per_minute=0)
    with room.serving(), room.chat() as chat:
        session_id = session_of(chat)
        chat.until("lists the commands")
        chat.say("/leave")
        chat.wait()

    # what they say is held back in no other
    assert room.log(session_id)[0]["data"]["simulation_config"]["chat_language"] == "en"


def test_a_wrong_token_and_an_absent_server_are_said_in_a_sentence(room):
    refused = room.run("chat", "--url", room.url, "--token", "nobody")
    unknown = room.run("chat", "--url", room.url, "--session", "nonsense")
    absent = room.run("chat", "--url", f"127.0.0.1:{free_port()}")
    nobody = room.run("chat", "--url", f"127.0.0.1:{free_port()}", "--session", "6f1c2a7e-0d3b-4c58-9a61-2b7f4e5d8c90")

    assert (refused.returncode, refused.stderr) == (1, "The token was not taken: Invalid token.\n")
    assert (unknown.returncode, unknown.stderr) == (1, "The server knows no such session.\n")
    assert absent.returncode == 1
    assert absent.stderr.startswith("No server answers at http://127.0.0.1:")
    assert nobody.returncode == 1
    assert nobody.stderr.startswith("No server answers at http://127.0.0.1:")


# --- what is shown


def shown(conversation: Conversation, *frames: dict[str, object]) -> str:
    console = Console(width=80, highlight=False)
    with console.capture() as captured:
        for frame in frames:
            for part in conversation.take(frame):
                console.print(part)
    return captured.get()


def message(seq: int, content: str, sender: str = "Alice", **more: object) -> dict[str, object]:
    time = "2026-11-22T09:00:00.000000Z"
    keys = {"type": "message", "seq": seq, "message_id": f"m{seq}", "sender": sender, "content": content}
    return keys | {"timestamp": time} | more


def conversation() -> Conversation:
    numbers = iter(range(100))
    return Conversation(lambda: f"c{next(numbers)}")


def test_control_characters_never_reach_the_terminal():
    nasty = "\x1b]0;title\x07\x1b[31mred\x9b2J\u202ereversed\ud800\x00"

    seen = shown(conversation(), message(1, nasty, sender="\x1b[2JEve")) + plain(nasty) + plain_lines(f"a\n{nasty}")

    assert not set("\x1b\x07\x9b\u202e\ud800\x00") & set(seen)
    assert "␛[31mred" in seen


def test_emoji_with_joiners_and_other_scripts_are_shown_as_they_are():
    assert plain("👩‍👩‍👧 שלום مرحبا") == "👩‍👩‍👧 שלום مرحبا"


def test_a_frame_that_came_before_is_shown_once():
    room = conversation()

    seen = shown(room, message(1, "Hi"), message(2, "there"), message(1, "Hi"), message(2, "there"))

    assert (seen.count("Hi"), seen.count("there"), room.seq, room.heard) == (1, 1, 2, 2)


def test_a_message_waits_in_the_outbox_until_it_is_acknowledged():
    room = conversation()
    frame = room.say("Hello")

    waiting = dict(room.outbox)
    shown(room, message(1, "Hello", sender="You", client_id=frame["client_id"]))

    assert (waiting, room.outbox) == ({"c0": frame}, {})


def test_a_known_message_acknowledged_again_is_not_shown_again():
    room = conversation()
    shown(room, message(1, "Hello", sender="You", client_id="c0"), message(2, "Hi"))
    room.outbox["c0"] = {"content": "Hello"}

    seen = shown(room, message(1, "Hello", sender="You", client_id="c0"))

    assert (seen, room.outbox) == ("", {})


def test_a_message_refused_for_good_is_told_and_one_that_came_too_fast_is_kept():
    room = conversation()
    room.say("much too long")
    room.say("much too fast")

    seen = shown(
        room,
        {"type": "refused", "client_id": "c0", "reason": "too_long", "message": "A message has at most 5 characters."},
        {"type": "refused", "client_id": "c1", "reason": "too_frequent", "message": "Too many frames."},
    )

    assert "Not taken: “much too long”. A message has at most 5 characters." in seen
    assert list(room.outbox) == ["c1"]


def test_a_reply_names_the_message_by_its_number():
    room = conversation()
    shown(room, message(4, "Who has the ladder?"))

    frame = room.say("/reply 1 I do")

    assert (frame["content"], frame["reply_to"]) == ("I do", "m4")


@pytest.mark.parametrize("line", ["/reply", "/reply 1", "/reply 9 what?", "/reply x what?", "/dance"])
def test_a_command_that_cannot_be_done_is_not_said_in_the_room(line):
    room = conversation()
    shown(room, message(1, "Hi"))

    with pytest.raises(NotSaid):
        room.say(line)

    assert room.outbox == {}


def test_a_line_with_two_slashes_is_said_with_one():
    assert conversation().say("//shrug")["content"] == "/shrug"


def test_those_who_are_typing_are_named():
    room = conversation()
    shown(room, {"type": "typing", "sender": "Alice", "active": True})
    one = room.status
    shown(room, {"type": "typing", "sender": "Bob", "active": True})
    two = room.status
    shown(room, message(1, "Hi"))

    assert (one, two, room.status) == ("Alice is typing…", "Alice and Bob are typing…", "Bob is typing…")


def test_a_typed_line_can_be_corrected_before_it_is_sent(capsys):
    async def typed() -> list[str]:
        master, slave = os.openpty()
        with Editor(slave) as editor:
            os.write(master, b"helo\x7flo\x1b[D wrong\x17 you\rsecond\x15third\r\x04")
            lines = [line async for line in editor.lines()]
        os.close(master)
        os.close(slave)
        return lines

    assert asyncio.run(typed()) == ["hello you", "third"]


# --- the other commands


def test_the_version_is_told():
    assert invoke("--version") == f"roomful {roomful.__version__}\n"


@pytest.mark.parametrize("command", ["serve", "check", "sessions", "end", "show", "chat"])
def test_every_command_explains_itself_with_an_example(command):
    text = invoke(command, "--help")

    assert f"roomful {command}" in text.rpartition("Example")[2]
    assert "Exit code" in text or command == "serve"


def test_check_shows_the_study_with_its_defaults(folder):
    said = invoke("check")

    assert re.search(r"agent_names +Alice, Bob\n", said)
    assert re.search(r"reconnect_grace_seconds +60\n", said)
    assert "note  model        agents are scripted: no GEMINI_API_KEY" in said
    assert said.endswith("All is in order.\n")


DESIGN = {
    "prompt_template": "Chat. {tone}",
    "agents": {"Alice": {"style": "In capitals."}},
    "seeded_messages": [{"sender": "Bob", "text": "morning\x1b[31m all"}],
    "stances": {
        "question": "Q1",
        "agree": 1,
        "disagree": 1,
        "positions": [{"answers": ["yes"], "stance": "You are for it."}, {"answers": ["no"], "stance": "Against it."}],
    },
    "factors": {
        "tone": {"kind": "Be kind.", "rude": {"text": "Be rude.", "weight": 3, "simulation": {"group_name": "R"}}}
    },
}


def make_design(folder: Path) -> None:
    (folder / "config" / "experimental_settings.json").write_text(json.dumps(DESIGN))


def test_check_shows_every_treatment_with_what_its_agents_are_told(folder):
    make_design(folder)

    said = invoke("check")

    assert "tone=kind  weight 1 (25.0%)" in said
    (rude,) = re.findall(r"tone=rude  weight 3 \(75.0%\)\n(.*?)\n\n", said, re.DOTALL)
    assert re.search(r"template +Chat\. Be rude\.\n", rude)
    assert re.search(r"simulation\.group_name +R\n", rude)
    assert re.search(r"seeded +Bob at 0 s: morning␛\[31m all\n", rude)
    assert re.search(r"stances +Q1: 1 agree, 1 disagree\n", rude)
    assert re.search(r"Alice +style: In capitals\.\n", rude)
    assert "Your name in this group chat" not in said


def test_check_tells_what_follows_on_words_in_every_treatment(folder):
    ending = {"text": "Be kind.", "simulation": {"distress": {"action": "end", "help_text": "Call 0800."}}}
    rude = {"text": "Be rude.", "licences": ["incivility", "profanity"]}
    design = {"prompt_template": "Chat. {tone}", "factors": {"tone": {"kind": ending, "rude": rude}}}
    (folder / "config" / "experimental_settings.json").write_text(json.dumps(design))

    said = invoke("check")
    told_kind, told_rude = json.loads(invoke("check", "--json"))["design"]

    assert re.search(r"distress\.action +alert\n", said)
    assert re.search(r"simulation\.distress\.action +end\n +simulation\.distress\.help_text +Call 0800\.\n", said)
    assert re.search(r"licences +incivility, profanity\n", said)
    assert told_kind["simulation"] == {"distress.action": "end", "distress.help_text": "Call 0800."}
    assert (told_kind["licences"], told_rude["licences"]) == ([], ["incivility", "profanity"])


def test_check_tells_of_a_help_text_that_nobody_will_read(folder):
    make_study(folder / "config", distress={"action": "alert", "help_text": "Call 0800."})

    assert re.search(r"note +distress +A participant in distress reads distress\.help_text only where", invoke("check"))


def test_check_tells_the_licences_of_a_study_without_treatments(folder):
    design = {"prompt_template": "Chat.", "licences": ["profanity"]}
    (folder / "config" / "experimental_settings.json").write_text(json.dumps(design))

    assert re.search(r"the one treatment\n(.*\n)? +licences +profanity\n", invoke("check"))


def test_check_tells_of_braces_that_look_like_a_slip_of_the_pen(folder):
    design = DESIGN | {"prompt_template": "Chat. {tone} {tonne} {agentname} {something_else}"}
    (folder / "config" / "experimental_settings.json").write_text(json.dumps(design))

    said = invoke("check")

    assert re.search(r"note +design +\{tonne\} is literal text; if \{tone\} was meant, correct it\n", said)
    assert re.search(r"note +design +\{agentname\} is literal text; if \{agent_name\} was meant", said)
    assert "{something_else} is" not in said


def test_check_shows_whole_prompts_when_asked(folder):
    make_design(folder)

    said = invoke("check", "--prompts")

    # two treatments, two agents, two stances each may take
    assert said.count("| Your name in this group chat is") == 8
    assert "  | Chat. Be rude.\n  |\n  | How you write: In capitals.\n  | What you think: Against it.\n" in said


def test_check_shows_the_prompts_of_a_study_without_treatments(folder):
    said = invoke("check", "--prompts")

    assert said.count("| Your name in this group chat is") == 2
    assert "the one treatment" in said


def test_check_lists_the_pages(folder):
    pages = folder / "config" / "pages"
    pages.mkdir()
    (pages / "consent.md").write_text("---\nversion: 7\n---\nDo you agree?\n")
    block = "name: Q1\nkind: single\ntext: Well?\noptions:\n- 1 = no\n- 2 = yes\ncorrect: 2"
    (pages / "before.md").write_text(f"---\ntime_limit_seconds: 90\n---\n```question\n{block}\n```\n")
    (pages / "debrief.md").write_text("They were programs.\n")
    (folder / "config" / "study.json").write_text('{"before_chat_minutes": 20}')
    said = invoke("check")
    told = json.loads(invoke("check", "--json"))

    assert re.search(r"consent\.md +version 7; SHA-256 [0-9a-f]{12}…\n", said)
    assert re.search(r"^before_chat_minutes +20$", said, re.MULTILINE)
    assert re.search(r"before\.md +2 tries, then end; at most 90 seconds; .*\n +Q1 +single, 1 \| 2, correct: 2\n", said)
    assert [page["name"] for page in told["pages"]] == ["consent", "before", "debrief"]
    assert [page["time_limit_seconds"] for page in told["pages"]] == [None, 90, None]
    assert told["pages"][1]["questions"][0]["codes"] == {"1": "no", "2": "yes"}


def test_check_names_what_is_still_to_be_filled_in_on_a_page(folder):
    pages = folder / "config" / "pages"
    pages.mkdir()
    (pages / "consent.md").write_text(
        "---\nversion: 7\n---\nSee [our site](https://lab.example) and [the act][1].\nWrite to [your\nname].\n\n"
        "[1]: https://law.example\n"
    )
    (pages / "debrief.md").write_text("They were programs.\n")

    notes = [found for found in json.loads(invoke("check", "--json"))["findings"] if found["what"] == "pages"]

    assert [(note["verdict"], note["words"]) for note in notes] == [
        ("note", "pages/consent.md shows [your name] as it stands: is that still to be filled in?")
    ]


def test_check_gives_the_design_to_programs(folder):
    make_design(folder)

    told = json.loads(invoke("check", "--json"))

    kind, rude = told["design"]
    assert (told["faults"], rude["name"], rude["weight"], rude["share"]) == (0, "tone=rude", 3, 0.75)
    assert (kind["simulation"], rude["simulation"]) == ({}, {"group_name": "R"})
    assert rude["levels"] == {"tone": "rude"}
    assert [agent["name"] for agent in rude["agents"]] == ["Alice", "Bob"]
    assert [prompt["stance"] for prompt in rude["agents"][1]["prompts"]] == ["You are for it.", "Against it."]
    assert rude["agents"][1]["prompts"][0]["system"].startswith("Chat. Be rude.\n\nWhat you think: You are for it.\n\n")
    assert {finding["verdict"] for finding in told["findings"]} == {"ok", "note"}


def test_check_gives_faults_to_programs(folder):
    make_study(folder / "config", num_agents=7)

    told = json.loads(invoke("check", "--json", code=1))

    assert (told["design"], told["faults"]) == (None, 1)


def test_check_tells_the_faults_of_files_and_environment_at_once(folder, monkeypatch):
    make_study(folder / "config", num_agents=7, messages_per_minute="many")
    monkeypatch.setenv("ROOMFUL_PORT", "http")

    said = invoke("check", code=1)

    assert "num_agents: found 7" in said
    assert 'messages_per_minute: found "many"' in said
    assert "ROOMFUL_PORT: found" in said
    assert said.endswith("There are 3 faults.\n")


def test_check_tells_of_folders_that_cannot_be_written(folder):
    (folder / "logs").write_text("a file, not a folder")

    said = invoke("check", code=1)

    assert re.search(r"fault +logs +logs/ cannot be written", said)


def test_check_live_needs_a_model_to_ask(folder):
    assert "so there is no model to ask" in invoke("check", "--live", code=1)


@pytest.mark.parametrize(("plan", "code", "words"), [("ok", 0, "answered after"), ("401", 1, "(bad_key)")])
def test_check_live_says_whether_the_model_answers(plan, code, words, folder, monkeypatch):
    async def checked() -> str:
        async with FakeGemini(plan=[plan]) as gemini:
            monkeypatch.setenv("GEMINI_API_KEY", "a-key")
            monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", gemini.url)
            return await asyncio.to_thread(invoke, "check", "--live", code=code)

    assert words in asyncio.run(checked())


OLLAMA = {"provider": "openai", "model": "llama3.2", "base_url": "http://127.0.0.1:9/v1"}


def test_check_live_asks_every_model_and_says_of_each_what_is_wrong(folder):
    pytest.importorskip("pydantic_ai", reason="the extra `providers` is not installed")
    from tests.fake_models import FakeOpenAI

    async def checked() -> str:
        async with FakeOpenAI(plan=["ok", "404"]) as server:
            here = OLLAMA | {"base_url": server.address}
            agents = {"Alice": {"model": "llama9"}}
            make_study(folder / "config", llm=here | {"agents": agents, "fallbacks": [OLLAMA]})
            return await asyncio.to_thread(invoke, "check", "--live", code=1)

    said = " ".join(asyncio.run(checked()).split())

    assert "ok model llama3.2-001 answered after" in said
    assert "fault model: agents.Alice llama9: There is no model named 'llama9'" in said
    assert "fault model: fallbacks[0] llama3.2: Nothing answers at http://127.0.0.1:9/v1. Is the server" in said
    assert said.count("unknown_model") == 1


def test_check_says_what_is_wanting_for_each_model_before_anything_is_asked(folder):
    pytest.importorskip("pydantic_ai", reason="the extra `providers` is not installed")
    fallbacks = [{"provider": "anthropic", "model": "claude-haiku-4-5"}, {"provider": "local", "model_path": "no.gguf"}]
    make_study(folder / "config", llm=OLLAMA | {"fallbacks": fallbacks, "agents": {"Alice": {"provider": "gemini"}}})

    said = " ".join(invoke("check", code=1).split())

    assert 'llm.fallbacks[0].provider is "anthropic", but ANTHROPIC_API_KEY is not set' in said
    assert "llm.fallbacks[1]: " in said
    assert 'llm.agents.Alice.provider is "gemini", but GEMINI_API_KEY is not set' in said
    assert "http://127.0.0.1:9/v1, llama3.2; not asked" in said
    assert "llm.fallbacks[1].model_path" in said, "the table has what differs"


def test_check_beside_a_running_server_is_no_fault(room):
    assert "is in use by a running server, and can be read" in room.invoke("check")


NOWHERE = "There is no database at data/roomful.db: no session has been held there yet."

MISUSES = [
    (("sessions",), 1, NOWHERE),
    (("sessions", "--live"), 1, "No server is running in data/."),
    (("show", "6f1c"), 1, NOWHERE),
    (("show", "logs/6f1c.json"), 1, "logs/6f1c.json: No such file or directory"),
    (("show", "config/simulation_settings.json"), 1, "line 1 is not an entry of a session's log"),
    (("end", "6f1c"), 1, NOWHERE),
    (("end", "6f1c", "--reason", "two words"), 2, "A reason is one word"),
    (("serve", "--study", "nowhere"), 1, "found no such file"),
    (("serve", "--port", "70000"), 2, "--port"),
    (("serve", "--host", "no.such.host.invalid"), 1, "is no address of this machine"),
    (("chat", "--url", "ftp://somewhere"), 2, "is not the address of a server"),
    (("chat", "--messages", "0"), 2, "--messages"),
    (("dance",), 2, "No such command 'dance'"),
]


@pytest.mark.parametrize(("command", "code", "words"), MISUSES, ids=[" ".join(command) for command, _, _ in MISUSES])
def test_a_mistake_is_told_in_a_sentence(command, code, words, folder):
    said = invoke(*command, code=code)

    assert words in " ".join(said.split())
    assert not (folder / "data").exists()


def row(session_id: str) -> SessionRow:
    return SessionRow(session_id, created=0, epoch=1, head=1, head_hash="", ended=None, about="{}")


def test_the_beginning_of_an_id_must_fit_one_session_alone():
    rows = [row("6f1c"), row("6f1d"), row("7a00")]

    assert chosen(rows, "7A").session_id == "7a00"
    for beginning, words in (
        ("6f", "6f: 6f1c, 6f1d."),
        ("8", "no session 8"),
        ("", "Say which session"),
    ):
        with pytest.raises(NoSuchSession, match=words):
            chosen(rows, beginning)
