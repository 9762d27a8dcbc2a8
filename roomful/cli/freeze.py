"""`roomful freeze`: the study stays as it is, and what is changed all the same is on record."""

from roomful.assembly import NOT_SILENTLY, looked_at, speaks_silently
from roomful.cli.enrolled import enter, state_of
from roomful.cli.output import Failure, plain, say
from roomful.core.admission import Deviate, Freeze
from roomful.core.roster import StudyState
from roomful.freezing import Fingerprint, differing
from roomful.settings import ServerSettings, load_settings
from roomful.store import StoreError

UNDEBRIEFED = (
    "Participants are never told that they talked to agents. "
    'Write pages/debrief.md, or set bot_question_policy to "honest".'
)
"""Said of a study that should not run like this."""


def freeze(server: ServerSettings, deviation: str | None, *, dry_run: bool) -> None:
    """Freeze the study as its files are now, or record how and why it differs from what was frozen."""
    study = load_settings(server.study)
    found = looked_at(server, study)
    if dry_run:
        _show(found)
        return
    if speaks_silently(study.simulation.llm, server):
        raise Failure(f"The study would be frozen with scripted agents. {NOT_SILENTLY}")
    if deviation is None and study.undebriefed and (study.pages or not study.sends_on):
        raise Failure(UNDEBRIEFED)
    if deviation is not None:
        _deviate(server, found, deviation.strip())
    elif enter(server, Freeze(hash=found.hash, parts=found.parts)):
        say(f"The study is frozen: {found.hash}")
    else:
        say(f"The study was frozen before, and is as it was: {found.hash}")


def _show(found: Fingerprint) -> None:
    for name, value in sorted(found.parts.items()):
        say(f"{plain(name)}  {plain(value)}")
    say(f"The hash would be {found.hash}. Nothing was frozen: this was --dry-run.")


def _deviate(server: ServerSettings, found: Fingerprint, reason: str) -> None:
    if not reason:
        raise Failure('A deviation has a reason: --deviation "a typing error on the consent page"', 2)
    frozen = state_of(server).frozen
    changes = tuple(differing(frozen.parts, found.parts)) if frozen else ()
    if not enter(server, Deviate(reason=reason, changes=changes, hash=found.hash, parts=found.parts)):
        say("The study is as it was frozen: there is no deviation to record.")
        return
    say(f"Deviation {state_of(server).deviations} is recorded: {found.hash}")
    for change in changes:
        say(f"- {plain(change)}")
    say("A server that runs goes on as it was until it is started again.")


def frozen_words(server: ServerSettings, found: Fingerprint) -> tuple[bool, str]:
    """Whether a study may run as far as its freeze is concerned, and how it stands in words."""
    try:
        state = state_of(server)
    except StoreError:
        state = StudyState()
    if state.frozen is None:
        return True, "the study is not frozen"
    numbered = f", with {_counted(state.deviations)}" if state.deviations else ""
    if state.frozen.hash == found.hash:
        return True, f"the study is as it was frozen{numbered}: {found.hash[:12]}…"
    return False, f"the study differs from what was frozen{numbered}: " + "; ".join(
        differing(state.frozen.parts, found.parts)
    )


def _counted(deviations: int) -> str:
    return "1 deviation" if deviations == 1 else f"{deviations} deviations"
