"""``genomark board token``: who may submit to a leaderboard over HTTP."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Say who may submit over HTTP.", no_args_is_help=True)

Place = Annotated[
    str,
    typer.Argument(metavar="PLACE", help="Of the store: a folder, or a postgresql:// URL."),
]
Name = Annotated[str, typer.Option(help="Of the person or group; results are shown under it.")]


@app.command()
def add(
    place: Place,
    name: Name,
    limit: Annotated[int, typer.Option(min=1, help="Submissions within 24 hours.")] = 20,
) -> None:
    """Make a token and print it, this once; the store keeps nothing but its SHA-256.

    \b
    Example:
      genomark board token add ./store --name "Lab A" > lab-a.token
    """
    from genomark.cli.terminal import status
    from genomark.leaderboard.submissions.tokens import add_token
    from genomark.results.store import Store

    with Store.open(place) as store:
        typer.echo(add_token(store, name, limit))
    status(f"'{name}' may submit {limit:,} times within 24 hours; the token is not shown again")


@app.command("list")
def list_(
    place: Place,
    as_json: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """List who may submit, and who no longer may."""
    import msgspec

    from genomark.cli.terminal import console
    from genomark.leaderboard.submissions.tokens import listed_tokens
    from genomark.results.store import Store

    with Store.open(place, create=False) as store:
        found = listed_tokens(store)
    if as_json:
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return
    for each in found:
        stands = f"revoked {each.revoked}" if each.revoked else f"{each.daily:,} a day"
        console().print(f"{each.name}: {stands}; made {each.made}", markup=False, soft_wrap=True)


@app.command()
def revoke(place: Place, name: Name) -> None:
    """Let a token no longer count; what was submitted with it stays.

    \b
    Example:
      genomark board token revoke ./store --name "Lab A"
    """
    from genomark.cli.terminal import status
    from genomark.leaderboard.submissions.tokens import revoke_token
    from genomark.results.store import Store

    with Store.open(place, create=False) as store:
        revoke_token(store, name)
    status(f"'{name}' may no longer submit")
