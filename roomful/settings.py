"""The study's two files and the environment, checked whole: every fault is told at once, none by a traceback."""

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from io import StringIO
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal, cast

from dotenv.parser import parse_stream

from roomful.core.enrolment import EnrolmentRules
from roomful.core.events import USER
from roomful.core.pages import Page
from roomful.core.study import ExperimentalSettings, SimulationSettings, Treatment
from roomful.enrolment_settings import ENROLMENT, EnrolmentSettings, check_blocks, rules_of
from roomful.experiment import EXPERIMENTAL_RULES
from roomful.factors import DESIGN_KEYS
from roomful.freezing import parts_of
from roomful.manner import MANNER_RULES, mannered
from roomful.models import LLM, LLM_RULES
from roomful.pages import check_debrief, check_stances, check_strata, check_time, load_pages
from roomful.rules import (
    NAME,
    SWITCH,
    TEXT,
    Fault,
    JSONObject,
    Missing,
    Rule,
    SettingsError,
    Wrong,
    integer,
    legible,
    mapping,
    matching,
    nearest,
    number,
    object_of,
    one_of,
    or_null,
    parse_json,
    read_items,
    read_text,
    shown,
    wrong,
)
from roomful.spoken import SPOKEN_RULES
from roomful.treatments import Design, Simulated, read_design

__all__ = [
    "ASK",
    "DESIGN_KEYS",
    "EXPERIMENTAL_RULES",
    "LLM_RULES",
    "SERVER_VARIABLES",
    "SIMULATION_RULES",
    "Fault",
    "ServerSettings",
    "SettingsError",
    "StudySettings",
    "load_server_settings",
    "load_settings",
    "put_into_environment",
]

ASK = "ask"
"""The `participant_name` that lets the participant choose."""

PICTURES = "pictures"
"""The folder of a study's pictures, beside its two files."""

# --- the study's files


def _same(name: str) -> str:
    """Return what two names have in common that a reader could not tell apart, or would say alike."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


_NAMES_EXPECTED = "an array of names, each of its own"


def _read_names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise wrong(value, _NAMES_EXPECTED)
    names, faults = read_items(value, NAME)
    taken: dict[str, int] = {}
    for index, name in enumerate(value):
        if not isinstance(name, str):
            continue
        first = taken.setdefault(_same(name), index)
        if first != index:
            found = f"{shown(name)}, which agent_names[{first}] is already"
            faults.append(Fault("", f"[{index}]", found, "a name of its own, also without regard to capitals"))
        elif _same(name) == USER:
            faults.append(Fault("", f"[{index}]", shown(name), f'another name: the log calls the participant "{USER}"'))
    if faults:
        raise Wrong(*faults)
    return tuple(names)


PICTURE_MOST = 1024 * 1024
"""Bytes of a picture: participants load it over their phones."""

_PICTURE = matching(
    "the name of a .png, .jpg, .webp or .gif file", r"[^./\\\x00-\x1f][^/\\\x00-\x1f]*\.(png|jpe?g|webp|gif)"
)
_LINK = matching("an address that begins with https:// or http://", r"https?://[^\s/?#]+[^\s]*")

_RATE_MOST = 10_000
"""Messages a minute: beyond it one room would busy the server alone."""

_MINUTES_MOST = 1_000_000
"""Almost two years: the calendar must hold a session's end, and what is longer is a slip of the pen."""

SIMULATION_RULES: Mapping[str, Rule[object]] = {
    "num_agents": integer(1),
    "agent_names": Rule(_NAMES_EXPECTED, _read_names),
    "messages_per_minute": number(_RATE_MOST),
    "user_response_probability": number(1),
    "context_window_size": integer(0),
    "session_duration_minutes": number(_MINUTES_MOST, positive=True),
    "reconnect_grace_seconds": number(_MINUTES_MOST * 60),
    "participant_name": NAME,
    "group_name": NAME,
    "group_picture": or_null(_PICTURE),
    "member_pictures": mapping(None, _PICTURE),
    "language": or_null(one_of("en", "de", "es", "ar")),
    **SPOKEN_RULES,
    "record_activity": SWITCH,
    "end_text": or_null(TEXT),
    "end_url": or_null(_LINK),
    "seed": integer(),
    **MANNER_RULES,
    "llm": LLM,
}


def _check_simulation(found: Mapping[str, object], good: Mapping[str, object]) -> Iterator[Fault]:
    names = found.get("agent_names")
    if not isinstance(names, list):
        return
    if good.get("num_agents") not in (None, len(names)):
        expected = f"{len(names)}, the number of agent_names"
        yield Fault("", "num_agents", shown(good["num_agents"]), expected)
    yield from _strangers(good.get("member_pictures"), names)
    participant = good.get("participant_name")
    if not isinstance(participant, str) or participant == ASK:
        return
    for index, name in enumerate(names):
        if isinstance(name, str) and _same(name) == _same(participant):
            found_name = f"{shown(name)}, which is the participant_name"
            yield Fault("", f"agent_names[{index}]", found_name, "a name of its own")


def _strangers(pictures: object, names: list[object]) -> Iterator[Fault]:
    known = [name for name in names if isinstance(name, str)]
    for name in pictures if isinstance(pictures, Mapping) else ():
        if name not in known:
            near = nearest(name, known)
            expected = f"{shown(near)}, the nearest of agent_names" if near else "one of agent_names"
            yield Fault("", f"member_pictures.{legible(name)}", "a name that is none of agent_names", expected)


_ROOM = object_of(SimulationSettings, SIMULATION_RULES, _check_simulation)


def _read_room(value: object) -> SimulationSettings:
    room = _ROOM.read(value)
    # what was read is an object, or the rule would have objected
    return mannered(room, cast(JSONObject, value))


_SIMULATION = Rule("an object", _read_room)


def _read_simulated(value: object) -> Simulated:
    return Simulated(cast(JSONObject, value), _SIMULATION, _SIMULATION.read(value))


_SIMULATED = Rule("an object", _read_simulated)

EXPERIMENTAL_FILE, SIMULATION_FILE = "experimental_settings.json", "simulation_settings.json"
"""The names of a study's two files."""


@dataclass(frozen=True, slots=True)
class StudySettings:
    """The two files of a study, checked; at least one treatment, with the settings that hold in it.

    `simulation` is the file's own, `experimental` is that of the first treatment.
    """

    experimental: ExperimentalSettings
    simulation: SimulationSettings
    treatments: tuple[Treatment, ...] = ()
    enrolment: EnrolmentSettings = field(default_factory=EnrolmentSettings)
    """How people come in: `study.json`, which may be missing."""
    pages: tuple[Page, ...] = ()
    """The pages around the chat, in the order in which participants come to them."""
    parts: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """What the files hold in short, part by part, by which a change of a frozen study is named."""

    def __post_init__(self) -> None:
        if not self.treatments:
            only = Treatment(name="", experimental=self.experimental, simulation=self.simulation)
            object.__setattr__(self, "treatments", (only,))

    @property
    def undebriefed(self) -> bool:
        """Whether some participants are told in no way of ours that they talked to agents: neither then nor after."""
        policies = {treatment.simulation.bot_question_policy for treatment in self.treatments}
        return policies != {"honest"} and all(page.role != "debrief" for page in self.pages)

    @property
    def sends_on(self) -> bool:
        """Whether everybody who completes is sent on, to where they may be debriefed."""
        ending = self.enrolment.outcomes.get("completed")
        sent = ending is not None and ending.url is not None
        return sent or all(treatment.simulation.end_url is not None for treatment in self.treatments)

    @property
    def rules(self) -> EnrolmentRules:
        """What the study's log is told of them."""
        return rules_of(self.enrolment, self.treatments, self.simulation.seed, self.pages)


STUDY_FILE = "study.json"
"""The name of the file that tells how people come in."""


def load_settings(folder: Path) -> StudySettings:
    """Read the study's files. Raises SettingsError with every fault of all."""
    simulated: list[Fault] = []
    simulation = _load(folder / SIMULATION_FILE, _SIMULATED, simulated)
    faults: list[Fault] = []
    rule = Rule("an object", lambda value: read_design(value, simulation))
    design = _load(folder / EXPERIMENTAL_FILE, rule, faults)
    faults += simulated
    if design and simulation:
        strangers = _check_speakers(simulation.settings, design.treatments)
        faults += (replace(fault, file=str(folder / SIMULATION_FILE)) for fault in strangers)
    if simulation is not None:
        own = list(_check_pictures(folder, simulation.settings))
        faults += (replace(fault, file=str(folder / SIMULATION_FILE)) for fault in own)
        faults += _check_pictures_of(folder, design, own) if design else ()
    enrolment = _load_if_there(folder / STUDY_FILE, ENROLMENT, faults) or EnrolmentSettings()
    if design:
        blocks = check_blocks(enrolment, design.treatments)
        faults += [replace(fault, file=str(folder / STUDY_FILE)) for fault in blocks]
    enrolment = _with_texts(folder, enrolment, faults)
    pages = load_pages(folder, faults)
    faults += _check_pages(folder, pages, enrolment, design)
    if design is None or simulation is None or faults:
        raise SettingsError(faults)
    return StudySettings(
        design.treatments[0].experimental,
        simulation.settings,
        design.treatments,
        enrolment,
        pages,
        parts_of(folder),
    )


def _with_texts(folder: Path, enrolment: EnrolmentSettings, faults: list[Fault]) -> EnrolmentSettings:
    """The settings with the text of each page that an outcome names."""
    outcomes = dict(enrolment.outcomes)
    for outcome, ending in enrolment.outcomes.items():
        if ending.page is None:
            continue
        try:
            outcomes[outcome] = replace(ending, text=read_text(folder / ending.page))
        except Wrong as error:
            told = (fault.under(f"outcomes.{outcome}.page") for fault in error.faults)
            faults += [replace(fault, file=str(folder / STUDY_FILE)) for fault in told]
    return replace(enrolment, outcomes=outcomes)


def _check_pages(
    folder: Path, pages: tuple[Page, ...], enrolment: EnrolmentSettings, design: Design | None
) -> Iterator[Fault]:
    """Faults of what the other files say that the pages do not bear out."""
    own = [
        *check_strata(pages, enrolment.assignment.strata),
        *check_debrief(pages, deception=enrolment.deception),
        *check_time(pages, limited=enrolment.before_chat_minutes is not None),
    ]
    yield from (replace(fault, file=str(folder / STUDY_FILE)) for fault in own)
    arms = [treatment.experimental.stances for treatment in design.treatments] if design and pages else []
    for fault in check_stances(pages, [stances for stances in arms if stances]):
        yield replace(fault, file=str(folder / EXPERIMENTAL_FILE))


def _load_if_there[T](path: Path, rule: Rule[T], faults: list[Fault]) -> T | None:
    # a folder of this name, or one without rights, is a fault; that there is nothing is none
    return _load(path, rule, faults) if path.exists() else None


def _check_speakers(simulation: SimulationSettings, treatments: Iterable[Treatment]) -> Iterator[Fault]:
    """Faults of models that are to speak for agents of no treatment."""
    names = list(dict.fromkeys(name for treatment in treatments for name in treatment.simulation.agent_names))
    for name in simulation.llm.agents:
        if name not in names:
            near = nearest(name, names)
            expected = f"{shown(near)}, the nearest of agent_names" if near else "one of agent_names"
            yield Fault("", f"llm.agents.{legible(name)}", "a name that is none of agent_names", expected)


def _check_pictures_of(folder: Path, design: Design, known: list[Fault]) -> Iterator[Fault]:
    """Faults of the pictures that a treatment alone has."""
    for treatment, key in zip(design.treatments, design.keys, strict=True):
        for fault in _check_pictures(folder, treatment.simulation):
            if fault not in known:
                yield replace(fault.under(f"{key}.simulation"), file=str(folder / EXPERIMENTAL_FILE))


def _check_pictures(folder: Path, simulation: SimulationSettings) -> Iterator[Fault]:
    named = {"group_picture": simulation.group_picture} if simulation.group_picture else {}
    named |= {f"member_pictures.{legible(name)}": picture for name, picture in simulation.member_pictures.items()}
    for key, picture in named.items():
        path = folder / PICTURES / picture
        if not path.is_file():
            yield Fault("", key, f"{shown(picture)}, which is no such file", f"a file at {path.absolute()}")
        elif path.stat().st_size > PICTURE_MOST:
            yield Fault("", key, f"a file of {path.stat().st_size} bytes", f"a picture of at most {PICTURE_MOST} bytes")


def _load[T](path: Path, rule: Rule[T], faults: list[Fault]) -> T | None:
    try:
        return rule.read(parse_json(read_text(path)))
    except Wrong as error:
        faults += [replace(fault, file=str(path)) for fault in error.faults]
        return None


# --- how the server is run

# any port of this machine: what a page under development is served from
_LOCALHOST = (
    "http://localhost:*",
    "http://127.0.0.1:*",
    "http://[::1]:*",
    "https://localhost:*",
    "https://127.0.0.1:*",
    "https://[::1]:*",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How the server is run, by whoever runs it: never part of the study, never in a log."""

    host: str = "127.0.0.1"
    port: int = 8000
    """0: any free one."""
    study: Path = Path("config")
    data: Path = Path("data")
    logs: Path = Path("logs")
    database_url: str | None = field(default=None, repr=False)
    """None: SQLite in the data folder."""
    allowed_origins: tuple[str, ...] = _LOCALHOST
    """Other origins whose pages may call; `:*` stands for any port, a lone `*` for any origin."""
    max_live_sessions: int = 2000
    starts_per_minute_per_address: int = 30
    max_frame_bytes: int = 16384
    max_message_chars: int = 2000
    frames_per_second: float = 10.0
    frames_burst: int = 40
    """Frames a socket may send at once after a silence."""
    max_tokens_per_day: int | None = None
    max_cost_per_day: float | None = None
    metrics: bool = False
    open_docs: bool = False
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    """Peers whose `X-Forwarded-For` is believed."""
    log_format: Literal["console", "json"] = "console"
    return_key: str | None = field(default=None, repr=False)
    """What signs the parameters that participants are sent back with."""
    gemini_api_key: str | None = field(default=None, repr=False)
    openai_api_key: str | None = field(default=None, repr=False)
    anthropic_api_key: str | None = field(default=None, repr=False)
    mistral_api_key: str | None = field(default=None, repr=False)
    google_gemini_base_url: str | None = None

    @property
    def origin_pattern(self) -> str:
        """A regular expression that all of an `Origin` header must match to be let in."""
        escaped = (re.escape(origin) for origin in self.allowed_origins if origin != "*")
        patterns = [re.sub(r":\\\*$", "(:[0-9]{1,5})?", origin) for origin in escaped]
        return ".*" if "*" in self.allowed_origins else "|".join(f"(?:{pattern})" for pattern in patterns) or r"(?!)"


_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,3})?")


def _spelled[T](rule: Rule[T]) -> Rule[T]:
    """A rule for numbers, where they are spelled in text."""

    def read(value: object) -> T:
        text = str(value)
        if not _NUMBER.fullmatch(text):
            return rule.read(text)
        return rule.read(float(text) if set(text) & set(".eE") else int(text))

    return Rule(rule.expected, read)


def _parsed[T](expected: str, parse: Callable[[str], T]) -> Rule[T]:
    """A rule for text that `parse` understands; it raises ValueError or LookupError for other text."""

    def read(value: object) -> T:
        try:
            return parse(NAME.read(value))
        except (LookupError, ValueError, Wrong):
            raise wrong(value, expected) from None

    return Rule(expected, read)


def _several[T](rule: Rule[T]) -> Rule[tuple[T, ...]]:
    def read(value: object) -> tuple[T, ...]:
        items, faults = read_items([item.strip() for item in str(value).split(",") if item.strip()], rule)
        if faults:
            raise Wrong(*faults)
        return tuple(items)

    return Rule(f"a comma-separated list, each {rule.expected}", read)


def _secret(expected: str, pattern: str) -> Rule[str]:
    def read(value: object) -> str:
        if not re.fullmatch(pattern, str(value)):
            raise Wrong(Fault("", "", "something else (not shown, it may be a secret)", expected))
        return str(value)

    return Rule(expected, read)


_SWITCH = dict.fromkeys(("true", "1", "yes", "on"), True) | dict.fromkeys(("false", "0", "no", "off"), False)
_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}|\*))?")


def _origin(text: str) -> str:
    if text == "*":
        return text
    found = _ORIGIN.fullmatch(text.lower())
    if found is None:
        raise ValueError(text)
    scheme, host, port = found.groups()
    # browsers leave out the scheme's own port
    standard = port is None or (scheme, port) in {("http", "80"), ("https", "443")}
    return f"{scheme}://{host}" if standard else f"{scheme}://{host}:{port}"


_PATH = _parsed("a folder's path", Path)
_ON_OR_OFF = _parsed("true or false", lambda text: _SWITCH[text.lower()])
_AN_ORIGIN = _parsed("an origin such as https://chat.example.org or http://localhost:*, or * for any", _origin)
_A_PROXY = _parsed("an address or network such as 127.0.0.1 or 10.0.0.0/8", lambda text: ip_network(text, strict=False))
_A_DATABASE = _secret(
    "sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE",
    r"(sqlite|postgres(ql)?)(\+[a-z0-9_]+)?://[!-~]*",
)
_A_KEY = _secret("a key: letters, digits and signs without spaces", r"[!-~]+")
_A_BASE_URL = _secret(
    "an address such as http://127.0.0.1:9000, without a user or a query",
    r"https?://(?:(?![@?#/])[!-~])+(/(?:(?![@?#])[!-~])*)?",
)


@dataclass(frozen=True, slots=True)
class Variable:
    """Where a server setting comes from: the first of `names` that is set and not empty."""

    names: tuple[str, ...]
    rule: Rule[object]


def _ours(name: str, rule: Rule[object]) -> Variable:
    return Variable((f"ROOMFUL_{name}",), rule)


SERVER_VARIABLES: Mapping[str, Variable] = {
    "host": _ours("HOST", NAME),
    "port": _ours("PORT", _spelled(integer(0, 65535))),
    "study": _ours("STUDY", _PATH),
    "data": _ours("DATA", _PATH),
    "logs": _ours("LOGS", _PATH),
    "database_url": Variable(("DATABASE_URL",), _A_DATABASE),
    "allowed_origins": _ours("ALLOWED_ORIGINS", _several(_AN_ORIGIN)),
    "max_live_sessions": _ours("MAX_LIVE_SESSIONS", _spelled(integer(1))),
    "starts_per_minute_per_address": _ours("STARTS_PER_MINUTE_PER_ADDRESS", _spelled(integer(1))),
    "max_frame_bytes": _ours("MAX_FRAME_BYTES", _spelled(integer(1024))),
    "max_message_chars": _ours("MAX_MESSAGE_CHARS", _spelled(integer(1))),
    "frames_per_second": _ours("FRAMES_PER_SECOND", _spelled(number(positive=True))),
    "frames_burst": _ours("FRAMES_BURST", _spelled(integer(1))),
    "max_tokens_per_day": _ours("MAX_TOKENS_PER_DAY", _spelled(integer(1))),
    "max_cost_per_day": _ours("MAX_COST_PER_DAY", _spelled(number(positive=True))),
    "metrics": _ours("METRICS", _ON_OR_OFF),
    "open_docs": _ours("OPEN_DOCS", _ON_OR_OFF),
    "trusted_proxies": _ours("TRUSTED_PROXIES", _several(_A_PROXY)),
    "log_format": _ours("LOG_FORMAT", one_of("console", "json")),
    "return_key": _ours("RETURN_KEY", _secret("a key of at least 16 signs without spaces", r"[!-~]{16,}")),
    "gemini_api_key": Variable(("GEMINI_API_KEY", "GOOGLE_API_KEY"), _A_KEY),
    "openai_api_key": Variable(("OPENAI_API_KEY",), _A_KEY),
    "anthropic_api_key": Variable(("ANTHROPIC_API_KEY",), _A_KEY),
    "mistral_api_key": Variable(("MISTRAL_API_KEY",), _A_KEY),
    "google_gemini_base_url": Variable(("GOOGLE_GEMINI_BASE_URL",), _A_BASE_URL),
}


def load_server_settings(
    environ: Mapping[str, str] = os.environ, env_file: Path | None = Path(".env")
) -> ServerSettings:
    """Read the environment, and `env_file` (which may be missing) for what it leaves out. Raises SettingsError."""
    faults: list[Fault] = []
    from_file = _env_file(env_file, faults) if env_file else {}
    merged = {**from_file, **environ}
    origin = {name: str(env_file) for name in from_file.keys() - environ.keys()}

    values: dict[str, object] = {}
    for key, variable in SERVER_VARIABLES.items():
        name = next((name for name in variable.names if merged.get(name, "").strip()), None)
        if name is None:
            continue
        try:
            values[key] = variable.rule.read(merged[name].strip())
        except Wrong as error:
            faults += [replace(fault.under(name), file=origin.get(name, "environment")) for fault in error.faults]
    build: Callable[..., ServerSettings] = ServerSettings
    settings = build(**values)
    more = [*_unknown(merged), *_check_frames(settings)]
    told = {fault.key for fault in faults}
    faults += [replace(fault, file=origin.get(fault.key, "environment")) for fault in more if fault.key not in told]
    if faults:
        raise SettingsError(faults)
    return settings


def put_into_environment(settings: ServerSettings) -> None:
    """Set where to listen and where things are kept for the processes started from here: a reloading server's."""
    for key in ("host", "port", "study", "data", "logs"):
        os.environ[SERVER_VARIABLES[key].names[0]] = str(getattr(settings, key))


def _env_file(path: Path, faults: list[Fault]) -> dict[str, str]:
    try:
        text = read_text(path)
    except Missing:
        return {}
    except Wrong as error:
        faults += [replace(fault, file=str(path)) for fault in error.faults]
        return {}
    bindings = list(parse_stream(StringIO(text)))
    for binding in bindings:
        if binding.error:
            found = f"something else on line {binding.original.line} (not shown, it may be a secret)"
            faults.append(Fault(str(path), "", found, "NAME=value"))
    return {binding.key: binding.value or "" for binding in bindings if binding.key}


def _unknown(names: Iterable[str]) -> Iterator[Fault]:
    known = [name for variable in SERVER_VARIABLES.values() for name in variable.names]
    for name in sorted(names):
        if name.startswith("ROOMFUL_") and name not in known:
            near = nearest(name, known, prefix="ROOMFUL_")
            expected = f"{near} (the nearest known one)" if near else "a variable of docs/settings.md"
            yield Fault("", legible(name), "an unknown variable", expected)


def _check_frames(settings: ServerSettings) -> Iterator[Fault]:
    # a character takes up to 4 bytes in UTF-8; the rest of the frame is small
    least = 4 * settings.max_message_chars + 512
    if settings.max_frame_bytes < least:
        expected = f"at least {least}, so that a message of ROOMFUL_MAX_MESSAGE_CHARS fits"
        yield Fault("", "ROOMFUL_MAX_FRAME_BYTES", str(settings.max_frame_bytes), expected)
