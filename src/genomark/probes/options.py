"""Which probe: the head, and what it depends on, from a spec such as ``logistic:C=nested``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from genomark.errors import UnknownNameError, UsageError
from genomark.probes.design import Scale

#: Heads of scikit-learn take its parameters by their names.
HEADS = ("linear", "knn", "forest", "mlp", "sklearn")

Inverse = float | Literal["nested"]
_WORDS = {"yes": True, "no": False}


class Probe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How answers are got out of frozen vectors.

    Attributes
    ----------
    head : str
        ``linear``: logistic regression for classes and ridge regression for values, solved
        exactly. ``knn``, ``forest``, ``mlp``: scikit-learn's. ``sklearn``: its logistic and linear
        regression as gene-benchmark uses them.
    C : float or "nested"
        Inverse strength of L2 for classes; ``nested`` chooses it for each label and fold by the
        log loss of inner folds.
    alpha : float or "nested"
        Strength of L2 for values; 0 is ordinary least squares.
    scale : str
        ``standard``: every dimension to the same standard deviation over the genes of the
        embedding, and the mean squared length of a vector to 1, so that the strength of L2 depends
        neither on the scale of the numbers nor on how many there are. ``variance``: every
        dimension to standard deviation 1, as heads of scikit-learn expect, for which it is the
        default. ``none``: as they are.
    weights : str
        ``balanced``: classes weigh in inverse proportion to their frequency.
    folds, repeats : int
        Folds of the cross-validation, and how often it is done anew.
    permuted : bool
        A control: answers are shuffled among the genes beforehand.
    settings : dict
        Of a head of scikit-learn.
    """

    head: Literal["linear", "knn", "forest", "mlp", "sklearn"] = "linear"
    C: Inverse = 1.0
    alpha: Inverse = "nested"
    scale: Scale = "standard"
    weights: Literal["none", "balanced"] = "none"
    folds: int = 5
    repeats: int = 1
    permuted: bool = False
    settings: dict[str, Any] = {}

    def __str__(self) -> str:
        """Write as a spec; only what differs from the default."""
        default = Probe()
        parts = [
            f"{name}={_text(getattr(self, name))}"
            for name in self.__struct_fields__
            if name not in ("head", "settings") and getattr(self, name) != getattr(default, name)
        ]
        parts += [f"{name}={_text(value)}" for name, value in sorted(self.settings.items())]
        return self.head + (f":{','.join(parts)}" if parts else "")


def parse_probe(spec: str) -> Probe:
    """Read a spec: ``HEAD`` or ``HEAD:key=value,...``.

    Raises
    ------
    UsageError
        If a head, a setting or a value is unknown; the message says what there is.
    """
    head, _, rest = spec.partition(":")
    if head not in HEADS:
        raise UnknownNameError("probe", head, HEADS)
    found: dict[str, Any] = {"head": head}
    if head != "linear":
        found["scale"] = "none" if head == "sklearn" else "variance"
    own: dict[str, Any] = {}
    known = [name for name in Probe.__struct_fields__ if name not in ("head", "settings")]
    if head != "linear":
        # Heads of scikit-learn have strengths and weights of their own, by its names.
        known = [name for name in known if name not in ("C", "alpha", "weights")]
    for part in filter(None, rest.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            raise UsageError(f"--probe {spec}: expected key=value, found '{part}'")
        if key in known:
            found[key] = _WORDS.get(value, value) if key == "permuted" else value
        elif head == "linear":
            raise UsageError(
                f"--probe {spec}: unknown setting '{key}'. It takes: {', '.join(known)}."
            )
        else:
            own[key] = _guessed(value)
    try:
        probe = msgspec.convert({**found, "settings": own}, Probe, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"--probe {spec}: {error}") from error
    _check(probe, spec)
    return probe


def _check(probe: Probe, spec: str) -> None:
    if probe.C != "nested" and not 0 < probe.C < float("inf"):
        raise UsageError(f"--probe {spec}: C must be above 0, or 'nested'")
    if probe.alpha != "nested" and not 0 <= probe.alpha < float("inf"):
        raise UsageError(f"--probe {spec}: alpha must be 0 or more, or 'nested'")
    if not 2 <= probe.folds <= 100 or not 1 <= probe.repeats <= 100:
        raise UsageError(f"--probe {spec}: folds are 2 to 100, repeats 1 to 100")
    if probe.C == "nested" and probe.folds < 3:
        raise UsageError(f"--probe {spec}: a nested choice needs at least 3 folds")


def _guessed(value: str) -> Any:
    """Take numbers and truth values for what they look like; the head checks the rest."""
    try:
        return msgspec.json.decode(value.lower() if value in ("True", "False") else value)
    except msgspec.DecodeError:
        return value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def settings_of(probe: Probe) -> Mapping[str, Any]:
    """All that the numbers depend on, for a Result."""
    return msgspec.to_builtins(probe)  # type: ignore[no-any-return]
