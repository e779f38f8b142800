"""``isolated:SPEC``: which code that is, and a model of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from genomark.errors import ModelError, UsageError, one_line
from genomark.models.capabilities import Model
from genomark.models.isolation.installation import is_installed_place
from genomark.models.isolation.isolated_model import IsolatedModel
from genomark.models.isolation.launch import check_sandbox
from genomark.models.isolation.limits import isolated_parts
from genomark.models.isolation.payload import Payload, payload_of_file, payload_of_module
from genomark.plug_ins import PlugIn
from genomark.scoring import ModelIdentity


class UnloadableModel:
    """A model that could not be loaded in its sandbox: a run tells why, and goes on with others.

    Parameters
    ----------
    error : ModelError
    """

    def __init__(self, error: ModelError) -> None:
        self._error = error

    @property
    def info(self) -> ModelIdentity:
        """Raise what was wrong."""
        raise self._error


def load_isolated(spec: str, offered: Mapping[str, PlugIn]) -> Model:
    """Load ``isolated:SPEC``.

    Parameters
    ----------
    spec : str
        Of a ``py:`` model, or of a plug-in.
    offered : mapping of str to PlugIn
        Models by name.

    Returns
    -------
    Model
        With the capabilities that the model in the sandbox has. One whose code cannot be loaded is
        a model that raises that when it is asked who it is.

    Raises
    ------
    UsageError
        If the spec is not of this form, names something that is not there, or this machine can
        make no sandbox.
    """
    limits, inner = isolated_parts(spec)
    check_sandbox()
    try:
        payload, package = _payload(inner, offered)
        model = IsolatedModel(payload, limits, package)
        model.start()
    except UsageError:
        raise
    except ModelError as error:
        return UnloadableModel(error)
    # Code that no parser takes, names of files that are no text, folders without end: a stranger's
    # files may break anything that looks at them.
    except Exception as error:  # noqa: BLE001
        kind = type(error).__name__
        return UnloadableModel(
            ModelError(
                f"'{inner}' (isolated) could not be looked at: {one_line(f'{kind}: {error}')}"
            )
        )
    return model


def _payload(inner: str, offered: Mapping[str, PlugIn]) -> tuple[Payload, str]:
    kind, _, rest = inner.partition(":")
    if kind == "py":
        where, _, name = rest.rpartition(":")
        if not where or not name:
            raise UsageError(
                f"'{inner}': expected py:package.module:object or py:./file.py:object, "
                "such as py:./my_model.py:predict"
            )
        if where.endswith(".py"):
            return payload_of_file(inner, Path(where), name), ""
        return payload_of_module(inner, where, inner, is_installed_place), ""
    plug_in = offered.get(kind)
    if plug_in is None or plug_in.is_own:
        raise UsageError(
            f"'{inner}' is not isolated: what can be is py:./file.py:object, py:module:object, and "
            "models of packages that are not genomark's own"
        )
    if plug_in.fault:
        raise UsageError(f"Model '{kind}' cannot be used: {plug_in.fault}")
    module = plug_in.value.partition(":")[0].strip()
    package = plug_in.distribution
    return payload_of_module(inner, module, inner, is_installed_place, package), package
