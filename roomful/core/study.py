"""What a study sets: the two settings files as plain values. Field names are the files' keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from roomful.core.chance import draw
from roomful.core.timing import PLAIN, SEED, Speech, Timing

type Licence = Literal["incivility", "profanity", "political_attack"]
type ChatLanguage = Literal["en", "de", "es", "ar", "fr", "it", "pt", "nl", "pl", "sv", "tr"]
type BotQuestionPolicy = Literal["deflect", "honest", "ignore"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StanceWords:
    """Words or phrases of those who think as an agent does, and of those who think the opposite: to count, no more."""

    own: tuple[str, ...] = ()
    opposite: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentCard:
    """Who an agent is, in words that stand in its own system prompt."""

    style: str = ""
    stance: str = ""
    facts: tuple[str, ...] = ()
    stance_words: StanceWords | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """What somebody thinks who gave one of these answers: `stance` is what an agent of this position is told."""

    answers: tuple[str, ...]
    """As text; `"1..3"` stands for every number from 1 to 3."""
    stance: str
    words: tuple[str, ...] = ()
    """Words or phrases by which those of this position are known: to count who speaks against their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stances:
    """How many agents agree and disagree with the participant's answer to a question; the others keep their card."""

    question: str
    positions: tuple[Position, ...]
    agree: int = 0
    disagree: int = 0
    neutral: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SeededMessage:
    """A message that is posted in an agent's name `at` seconds; at 0 or before: when the session starts."""

    sender: str
    text: str
    at: float = 0.0


type Measure = Literal[
    "share_matching", "words_per_message", "share_to_participant", "agents_on_side", "messages_on_side"
]
type Side = Literal["agree", "disagree", "neutral"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What the agents of a treatment are meant to do, as something that is counted in every session.

    All limits hold for themselves. Which of the other fields have a meaning depends on `measure`.
    """

    measure: Measure
    lexicon: tuple[str, ...] = ()
    """Words and phrases, one of which a message has."""
    pattern: str | None = None
    """A regular expression, instead of them."""
    side: Side | None = None
    """Towards the participant's answer."""
    positions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """An answer of each position to the words and phrases of those who take it."""
    at_least: float | None = None
    at_most: float | None = None
    exclude_below: float | None = None
    """A session with a smaller value is to be left out of the analysis."""
    exclude_above: float | None = None
    seeded: bool = False
    """Whether the study's own seeded messages count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExperimentalSettings:
    """What the study manipulates."""

    prompt_template: str
    agents: Mapping[str, AgentCard] = field(default_factory=dict)
    """Agent's name to card; those left out have none."""
    stances: Stances | None = None
    seeded_messages: tuple[SeededMessage, ...] = ()
    targets: Mapping[str, Target] = field(default_factory=dict)
    """By name, what is measured in every session."""
    licences: tuple[Licence, ...] = ()
    """What agents may say in this treatment that is held back in others."""


SCRIPTED = "scripted"
"""The provider whose agents speak from a script, and its model's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """A language model, and how it is asked."""

    provider: Literal["gemini", "openai", "anthropic", "mistral", "local", "scripted"] | None = None
    """None: Gemini when there is a key, else scripted agents (for the demo token only)."""
    # Google names it for what gemini-2.5-flash did, which is shut down on 2026-12-01; it has no end announced
    # (ai.google.dev/gemini-api/docs/deprecations, as of November 2026).
    model: str = "gemini-3.5-flash-lite"
    base_url: str | None = None
    """Where the provider's protocol is spoken; None: by the provider itself."""
    model_path: str | None = None
    """The GGUF file of a model that runs in the process of the server."""
    temperature: float | None = 1.0
    """Models from Gemini 3.5 Flash-Lite on ignore this and `top_p`; 1.0 is what they use."""
    top_p: float | None = None
    max_output_tokens: int = 1024
    thinking_budget: int | None = None
    """Tokens the model may think before it answers (Gemini 2.5); 0: none, None: the model's own default."""
    thinking_level: Literal["minimal", "low", "medium", "high"] | None = None
    """The same from Gemini 3 on; None: the model's own default (Flash-Lite: minimal). Not both of the two."""
    safety_settings: Mapping[str, str] = field(default_factory=dict)
    """Harm category to threshold, in Gemini's names; those left out keep the provider's default."""
    timeout_seconds: float = 20.0
    max_attempts: int = 3
    max_concurrent_calls: int = 100
    requests_per_minute: float | None = None
    input_price_per_million: float = 0.0
    output_price_per_million: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMSettings(ModelSettings):
    """Which model speaks for the agents, which others stand in for it, and what that means for a session."""

    fallbacks: tuple[ModelSettings, ...] = ()
    """Who is asked instead, in this order, when a call has failed for good."""
    agents: Mapping[str, ModelSettings] = field(default_factory=dict)
    """Agents for whom another model speaks, or the same in another way."""
    max_tokens_per_session: int | None = None
    """The session ends with `budget_exhausted` once its calls have used this many tokens."""
    max_cost_per_session: float | None = None
    """As above in money, by the two prices of the model that answered."""
    when_unavailable: Literal["wait", "end", "fallback"] = "wait"
    """What becomes of a session whose calls fail: it goes on without, it ends, or reviewed lines stand in."""
    unavailable_seconds: float = 120.0
    """How long the model may be unavailable before "end" ends the session (`llm_unavailable`)."""
    when_rejected: Literal["drop", "fallback"] | None = None
    """What becomes of a message whose replies may not be shown; None: as `when_unavailable`."""
    fallback_lines: tuple[str, ...] = ()
    """Reviewed lines that stand in for failed calls, each at most once in a session."""

    def speaking_for(self, agent: str, fallback: int = 0) -> ModelSettings:
        """Who is asked to speak for an agent; `fallback` n is the nth who is asked instead, if there are as many."""
        if 0 < fallback <= len(self.fallbacks):
            return self.fallbacks[fallback - 1]
        return self.agents.get(agent, self)


def name_of(model: ModelSettings) -> str:
    """What the model is called in a log, before it has said itself which version it is."""
    if model.provider == "local" and model.model_path:
        return model.model_path.replace("\\", "/").rpartition("/")[2]
    return SCRIPTED if model.provider == SCRIPTED else model.model


IN_DISTRESS = "distress"
"""The reason of an end over signs of distress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distress:
    """What follows on signs of suicidal thoughts or self-harm in the participant's words."""

    action: Literal["alert", "end", "off"] = "alert"
    help_text: str | None = None
    """What the participant is shown where the session ends over it; None: the text of any other end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSettings:
    """How the room feels."""

    num_agents: int
    agent_names: tuple[str, ...]
    messages_per_minute: float
    """Expected rate of all agents' messages together; answers to the participant are not counted."""
    user_response_probability: float
    context_window_size: int
    session_duration_minutes: float
    reconnect_grace_seconds: float = 60.0
    participant_name: str = "You"
    group_name: str = "Group chat"
    group_picture: str | None = None
    """A file of the study's `pictures` folder, as those of the members are; None: a drawn one."""
    member_pictures: Mapping[str, str] = field(default_factory=dict)
    """Agent's name to file; those left out get their initials."""
    language: Literal["en", "de", "es", "ar"] | None = None
    """Of the participant's page; None: the browser's."""
    chat_language: ChatLanguage | None = None
    """In which agents write, and nothing else is shown; None: in the conversation's."""
    bot_question_policy: BotQuestionPolicy = "deflect"
    """What agents make of the question whether they are bots: leave it open, admit it, or not answer at all."""
    distress: Distress = Distress()
    record_activity: bool = True
    """Whether the page reports what the participant saw and did, and the log keeps it."""
    end_text: str | None = None
    """What the participant is told when the session is over; None: the page's own words."""
    end_url: str | None = None
    """Where the participant goes from there."""
    seed: int = 0
    timing: Timing = SEED
    """When agents post and who does. A file that says nothing of it means ATTENTIVE; a log that does not, SEED."""
    speech: Speech = PLAIN
    """What their messages are like. A file that says nothing of it means VARIED where lengths are drawn."""
    llm: LLMSettings = LLMSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """One arm of the study, with the settings that a session in it runs by.

    `name` is `""` for the one arm of a study that declares none. Weights are relative to each other; `quota` is
    how many participants are wanted at most. `levels` has the level of each factor that exists in the arm.
    """

    name: str
    weight: float = 1.0
    quota: int | None = None
    levels: Mapping[str, str] = field(default_factory=dict)
    experimental: ExperimentalSettings
    simulation: SimulationSettings


def treatment_of(treatments: Sequence[Treatment], name: str) -> Treatment:
    """The treatment of this name. Raises KeyError."""
    for treatment in treatments:
        if treatment.name == name:
            return treatment
    raise KeyError(name)


def drawn_treatment(treatments: Sequence[Treatment], seed: int) -> Treatment:
    """One of the treatments, drawn by a session's seed in proportion to the weights."""
    left = draw(seed, "treatment") * sum(treatment.weight for treatment in treatments)
    for treatment in treatments:
        left -= treatment.weight
        if left < 0:
            return treatment
    # rounding may leave a rest that is as good as nothing
    return next(treatment for treatment in reversed(treatments) if treatment.weight)
