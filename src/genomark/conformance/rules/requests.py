"""Section 2.1: what a request may hold."""

from __future__ import annotations

from genomark.conformance.answers import predictions_of
from genomark.conformance.exchanges import Reply
from genomark.conformance.probe import Probe, random_sequences, refusal
from genomark.conformance.rule import Outcome, RuleBook, failed, not_applicable, passed
from genomark.conformance.same import unlike
from genomark.protocol import EDITS, EXTENSIONS

rules = RuleBook()

#: Letters of ids that published Evaluators really send.
_REAL_IDS = ("chr1:100-200", ">F9|A>T", "TERT+GBM 1", "a.b-c_d~e#f@g%h^i&j*(k)")


@rules.must("2.1", "unknown-keys", "unknown keys are ignored, of the request and of a task")
async def _unknown_keys(probe: Probe) -> Outcome:
    probe.base()
    # The first two are sent by published Evaluators.
    reply = await probe.answered(
        tasks=[{**probe.task, "note": "unknown"}],
        sequence_coordinates={name: ["chr1", 0] for name in probe.sequences},
        request="predict",
        unknown_key={"of": ["any", "shape"]},
    )
    return passed(reply)


@rules.must("2.1", "any-id", "ids with the signs of real ones come back as they were sent")
async def _any_id(probe: Probe) -> Outcome:
    probe.base()
    sequences = dict(zip(_REAL_IDS, probe.sequences.values(), strict=False))
    reply = await probe.answered(sequences=sequences)
    found = predictions_of(reply).keys()
    missing, strange = sorted(sequences.keys() - found), sorted(map(str, found - sequences.keys()))
    # One of them alone has other reasons, and a rule of its own.
    if missing and strange:
        return failed(f"sent {missing}, got {strange}", reply)
    return passed(reply)


@rules.should("2.1", "no-sequences", "no sequences are answered with no predictions")
async def _no_sequences(probe: Probe) -> Outcome:
    probe.base()
    reply = await probe.answered(sequences={})
    if predictions_of(reply):
        return failed("there are predictions of no sequence", reply)
    return passed(reply)


@rules.should("2.1", "no-tasks", "no tasks are answered with no tasks")
async def _no_tasks(probe: Probe) -> Outcome:
    probe.base()
    reply = await probe.answered(tasks=[])
    if reply.object.get("prediction_tasks") != []:
        return failed("prediction_tasks is no empty array", reply)
    return passed(reply)


@rules.must("2.1", "flanks", "upstream_seq and downstream_seq are added to every sequence")
async def _flanks(probe: Probe) -> Outcome:
    probe.base()
    upstream, downstream = random_sequences(2, 40, seed=1).values()
    reply = await probe.predict(upstream_seq=upstream, downstream_seq=downstream)
    joined = {name: f"{upstream}{each}{downstream}" for name, each in probe.sequences.items()}
    whole = await probe.predict(sequences=joined)
    if refusal(whole):
        return not_applicable("it refuses sequences of that length", whole)
    if refused := refusal(reply):
        return failed(refused, reply)
    if fault := await unlike(probe, reply, whole):
        return failed(f"other values than for the joined sequence: {fault}", reply)
    return passed(reply)


@rules.must("2.1", "lower-case", "lower-case sequences are accepted")
async def _lower_case(probe: Probe) -> Outcome:
    probe.base()
    reply = await lower_case(probe)
    fault = refusal(reply)
    return failed(fault, reply) if fault else passed(reply)


async def lower_case(probe: Probe) -> Reply:
    """Put the plain request in lower case."""
    return await probe.predict(
        sequences={name: each.lower() for name, each in probe.sequences.items()}
    )


@rules.must("2.1", "edits", "edits, if /formats lists them, are answered as whole copies")
async def _edits(probe: Probe) -> Outcome:
    plain = probe.base()
    listed = (await probe.get("/formats")).object.get(EXTENSIONS)
    if not isinstance(listed, list) or EDITS not in listed:
        return not_applicable("/formats does not list edits")
    reference = next(iter(probe.sequences.values()))[::2]
    middle = len(reference) // 2
    # What is plainly asked, told as two changes of something shorter.
    edits = {
        name: {
            "of": "reference",
            "changes": [[0, middle, each[:middle]], [middle, len(reference), each[middle:]]],
        }
        for name, each in probe.sequences.items()
    }
    reply = await probe.answered(sequences={}, references={"reference": reference}, edits=edits)
    if fault := await unlike(probe, reply, plain):
        return failed(f"other values than for whole copies: {fault}", reply)
    return passed(reply)
