"""Real servers as processes of their own, on loopback: for the programs that measure, crash and fuzz them."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.forked import Forked
from tests.ports import free_port

ROOT = Path(__file__).resolve().parent.parent

UVICORN = ("-m", "uvicorn", "main:app", "--port", "PORT", "--no-access-log", "--log-level", "warning")
MAIN = ("main.py",)
"""What follows `python` to start a server; `PORT` stands for its port."""


@contextmanager
def process(command: Sequence[str], environ: dict[str, str], output: Path) -> Iterator[psutil.Process]:
    """Run a command, its output added to a file; at the end it is asked to stop, and killed after 30 s."""
    with output.open("ab") as out:
        child = subprocess.Popen(command, cwd=ROOT, env=os.environ | environ, stdout=out, stderr=out)
    try:
        yield psutil.Process(child.pid)
    finally:
        stop(child)


def end_in_order() -> None:
    """Let a program that is told to end (SIGTERM) stop what it has started, as on an interrupt."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


def stop(child: subprocess.Popen[bytes] | Forked, seconds: float = 30) -> None:
    """Ask a process to stop, and kill it when it has not after so many seconds."""
    if child.poll() is None:
        child.send_signal(signal.SIGTERM)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def wait_for(url: str, seconds: float = 30) -> float:
    """Ask until it answers; return the seconds it took. SystemExit when it does not."""
    began = time.monotonic()
    while True:
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                answer.read()
                return time.monotonic() - began
        except OSError:
            if time.monotonic() - began > seconds:
                raise SystemExit(f"{url} did not answer within {seconds} s") from None
            time.sleep(0.005)


@contextmanager
def fake_gemini(folder: Path, latency_median_ms: float) -> Iterator[str]:
    """Run the small Gemini of `tests.fake_gemini`; yield its address."""
    port = free_port()
    command = [sys.executable, "-m", "tests.fake_gemini", "--port", str(port)]
    with process([*command, "--latency-median-ms", str(latency_median_ms)], {}, folder / "gemini.log"):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"


def study(folder: Path, minutes: float, *, provider: str, rate: float, **changes: object) -> Path:
    """Write the settings of a street of five; return their folder. `changes` are keys of the simulation."""
    config = folder / "config"
    config.mkdir(parents=True, exist_ok=True)
    template = "You live in a small street and chat with your neighbours. Be short and casual, one thought a message."
    (config / "experimental_settings.json").write_text(json.dumps({"prompt_template": template}))
    simulation = {
        "num_agents": 5,
        "agent_names": ["Alice", "Bob", "Cleo", "Dan", "Eve"],
        "messages_per_minute": rate,
        "user_response_probability": 0,
        "context_window_size": 20,
        "session_duration_minutes": minutes,
        "llm": {"provider": provider, "max_concurrent_calls": 5000},
    }
    (config / "simulation_settings.json").write_text(json.dumps(simulation | changes))
    return config


def server_environ(folder: Path, config: Path, gemini: str, port: int) -> dict[str, str]:
    """What a server is told that keeps everything in a folder and calls the small Gemini."""
    return {
        "ROOMFUL_STUDY": str(config),
        "ROOMFUL_DATA": str(folder / "data"),
        "ROOMFUL_LOGS": str(folder / "logs"),
        "ROOMFUL_PORT": str(port),
        "ROOMFUL_MAX_LIVE_SESSIONS": "10000",
        "ROOMFUL_STARTS_PER_MINUTE_PER_ADDRESS": "1000000",
        "GEMINI_API_KEY": "bench",
        "GOOGLE_GEMINI_BASE_URL": gemini,
        "PYTHONDONTWRITEBYTECODE": "",
    }
