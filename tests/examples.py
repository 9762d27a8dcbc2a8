"""One example of every event of a log, as docs/log.md shows them."""

from roomful.codec import GENESIS, encode
from roomful.core import events, inputs
from roomful.core.events import Entry, Prompt
from roomful.core.inputs import Input, Reply
from roomful.core.study import ExperimentalSettings, LLMSettings, SimulationSettings

SESSION = "6f1c2a7e-0d3b-4c58-9a61-2b7f4e5d8c90"
STARTED = 1_772_461_800_000_000  # 2026-03-02T14:30:00Z in microseconds
OURS, HERS = "5b1f0f0e-2f51-4f0e-8a39-57a9c8a1f2d4", "0b0e8a51-5d0c-4c3e-9b5f-6f0a9b1f6a57"

MODEL = LLMSettings().model
EXPERIMENTAL = ExperimentalSettings(prompt_template="You live in a small street and chat with your neighbours.")
SIMULATION = SimulationSettings(
    num_agents=2,
    agent_names=("Alice", "Bob"),
    messages_per_minute=4,
    user_response_probability=0.7,
    context_window_size=10,
    session_duration_minutes=15,
    seed=7,
    llm=LLMSettings(provider="gemini"),
)

BACKGROUND = Prompt(
    agent_name="Alice",
    system="You live in a small street and chat with your neighbours.\n\nYour name in this group chat is Alice. …",
    text="Nobody has written anything yet.\nWrite Alice's next message to the group. It begins something new. "
    "It asks something. It has about 5 words. It has no emoji.",
    due_in=6.2,
    seed=7,
    number=1,
    words=5,
    speech="ask",
)
ANSWER = Prompt(
    agent_name="Bob",
    system="You live in a small street and chat with your neighbours.\n\nYour name in this group chat is Bob. …",
    text='{"id": "m2", "from": "You", "text": "Hello everyone!"}\nWrite Bob\'s answer to the message m2.',
    answering="Hello everyone!",
    due_in=7.4,
    seed=7,
    number=2,
)
REPLY = Reply(
    text="Alice: has anyone seen my cat?",
    model=MODEL,
    latency=0.81204,
    input_tokens=164,
    output_tokens=9,
    finish_reason="STOP",
    attempts=("busy: 429 too many requests (0.2 s)",),
)
COMPLAINT = inputs.Complain(error_type="frame", error_message="The frame is not a JSON object.", count=3)

HAPPENED: list[tuple[float, events.Event, Input | None]] = [
    (
        0.0,
        events.SessionStarted(
            session_id=SESSION,
            experimental_config=EXPERIMENTAL,
            simulation_config=SIMULATION,
            seed=4_829_301_117_402_133,
            participant_name="You",
            model=MODEL,
            versions={"roomful": "0.1.0", "python": "3.12.1"},
        ),
        inputs.Start(
            session_id=SESSION,
            seed=4_829_301_117_402_133,
            experimental=EXPERIMENTAL,
            simulation=SIMULATION,
            participant_name="You",
            model=MODEL,
            versions={"roomful": "0.1.0", "python": "3.12.1"},
        ),
    ),
    (0.0, events.TurnScheduled(number=1, plan_at=3.8, due=10.0, gap=10.0), None),
    (0.004, events.ParticipantConnected(protocol=2), inputs.Connect(protocol=2)),
    (
        3.8,
        events.TurnPlanned(
            turn_id="b1",
            agent_name="Alice",
            kind="background",
            read_at=3.8,
            typing_at=6.1,
            due=10.0,
            words=5,
            speech="ask",
            emoji=False,
        ),
        inputs.Rang(alarm="clock"),
    ),
    (
        3.8,
        events.CallRequested(
            call_id="c1",
            turn_id="b1",
            prompt=BACKGROUND,
            model=MODEL,
            parameters={"temperature": 1.0, "top_p": None, "max_output_tokens": 1024, "thinking_budget": 0},
        ),
        None,
    ),
    (
        4.61204,
        events.CallAnswered(
            call_id="c1", prompt=BACKGROUND, reply=REPLY, text="has anyone seen my cat?", repairs=("name",)
        ),
        inputs.Answered(call_id="c1", reply=REPLY),
    ),
    (6.1, events.TypingStarted(sender="Alice", turn_id="b1"), inputs.Rang(alarm="typing:b1")),
    (
        10.0,
        events.MessagePosted(message_id=HERS, sender="Alice", content="has anyone seen my cat?", turn_id="b1"),
        inputs.Rang(alarm="post:b1"),
    ),
    (
        20.123456,
        events.MessagePosted(
            message_id=OURS,
            sender=events.USER,
            content="Hello everyone!",
            client_id="9a3c1d52-6c1e-4b52-a0d4-1f0c6a7b8e90",
            receipts={"delivered": 20.4, "read": 26.9},
        ),
        inputs.Say(content="Hello everyone!", client_id="9a3c1d52-6c1e-4b52-a0d4-1f0c6a7b8e90"),
    ),
    (
        20.2,
        events.DistressNoticed(message_id="c2a8f1d0-77e4-4a39-b5c6-1d0e9f8a7b6c", action="alert"),
        None,
    ),
    (20.4, events.ReceiptGiven(message_id=OURS, status="delivered"), inputs.Rang(alarm=f"delivered:{OURS}")),
    (
        22.5,
        events.TurnMerged(turn_id="a1", message_id="c2a8f1d0-77e4-4a39-b5c6-1d0e9f8a7b6c"),
        None,
    ),
    (
        25.0,
        events.CallFailed(
            call_id="c2",
            prompt=ANSWER,
            error="timeout",
            message="The model gave no answer within 20 seconds.",
            latency=20.0,
        ),
        inputs.Failed(
            call_id="c2", error="timeout", message="The model gave no answer within 20 seconds.", latency=20.0
        ),
    ),
    (25.0, events.TurnDropped(turn_id="a1", agent_name="Bob", kind="answer", reason="timeout"), None),
    (
        27.3,
        events.TurnFilled(turn_id="b3", agent_name="Alice", text="what a day", reason="server_error"),
        None,
    ),
    (
        30.2,
        events.ReactionSet(message_id=HERS, sender=events.USER, emoji="👍"),
        inputs.React(message_id=HERS, emoji="👍"),
    ),
    (
        41.0,
        events.MessageReported(message_id=HERS, reason="rude"),
        inputs.Report(message_id=HERS, reason="rude"),
    ),
    (43.5, events.MemberBlocked(member="Bob", blocked=True), inputs.Block(member="Bob")),
    (
        44.0,
        events.ActivityRecorded(kind="visibility", details={"visible": False}),
        inputs.Observe(kind="visibility", details={"visible": False}),
    ),
    (
        46.1,
        events.ErrorRecorded(error_type="frame", error_message="The frame is not a JSON object.", count=3),
        COMPLAINT,
    ),
    (50.0, events.ParticipantDisconnected(sent=4, absent_at=110.0), inputs.Disconnect(sent=4)),
    (60.0, events.SessionSuspended(), inputs.Suspend()),
    (75.0, events.SessionResumed(gap=15.0, absent_at=135.0), inputs.Resume(gap=15.0)),
    (
        900.0,
        events.SessionEnded(
            reason="duration_expired",
            tally={"scheduled": 58, "posted": 56, "unfinished": 0},
            llm_degraded_seconds=5.3,
            targets={"incivility": events.Measured(value=0.1875, n=48, met=False, excluded=False)},
        ),
        inputs.Rang(alarm="end"),
    ),
]


def entries() -> list[Entry]:
    """The examples as one numbered log."""
    numbered: list[Entry] = []
    shown = 0
    for number, (at, event, cause) in enumerate(HAPPENED, 1):
        visible = isinstance(event, events.SHOWN)
        shown += visible
        numbered.append(Entry(number, at, event, shown if visible else None, cause))
    return numbered


def lines() -> list[str]:
    """The examples as the lines of one log, in one chain."""
    link, written = GENESIS, []
    for entry in entries():
        encoded = encode(entry, SESSION, STARTED, link, f"{entry.seq:032x}")
        link = encoded.hash
        written.append(encoded.text)
    return written


def blocks() -> list[str]:
    """The lines as a page shows them: the data of each on a line of its own."""
    return [line.replace(',"data":', ',\n "data":', 1) for line in lines()]
