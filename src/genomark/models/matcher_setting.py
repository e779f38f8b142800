"""Which Matcher models with many tracks are given, as people write it and as workers are told."""

from __future__ import annotations

import msgspec

from genomark.errors import UsageError

#: In place of a Matcher's URL: the one of this process.
BUILTIN = "builtin"
#: In place of a Matcher's URL: terms are those of the model, or refused.
NO_MATCHER = "none"


class MatcherSetting(msgspec.Struct, frozen=True):
    """Which Matcher models with many tracks are given.

    Attributes
    ----------
    name : str
        ``builtin``, ``none`` or the URL of a Matcher; empty for the built-in one where a model has
        none of its own.
    version : str
        Of the Matcher behind the URL, which no other may answer in place of; empty if any may.
    """

    name: str = ""
    version: str = ""

    @classmethod
    def of(cls, name: str | None) -> MatcherSetting:
        """Read what was written.

        Raises
        ------
        UsageError
            If it is neither a URL nor one of the two words.
        """
        if name is None or name in (BUILTIN, NO_MATCHER):
            return cls(name or "")
        if not name.startswith(("http://", "https://")):
            raise UsageError(
                f"Matcher '{name}': expected http://HOST:PORT, {BUILTIN}, or {NO_MATCHER} for "
                "terms that are those of the model"
            )
        return cls(name.rstrip("/"))

    @property
    def url(self) -> str | None:
        """Of the Matcher, if it is one behind a URL."""
        return None if self.name in ("", BUILTIN, NO_MATCHER) else self.name

    def settled(self) -> MatcherSetting:
        """Have the Matcher behind a URL tell its version; whoever is given this takes no other.

        Raises
        ------
        MatcherError
            If it cannot be asked.
        """
        if self.url is None or self.version:
            return self
        # Most runs have no use for an HTTP client, which takes a sixth of a second to load.
        from genomark.models.matcher_client import MatcherClient

        return MatcherSetting(self.name, MatcherClient(self.url).ask_version())
