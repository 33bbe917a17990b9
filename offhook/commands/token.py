"""`offhook token`: tokens with which programs use the desk."""

from __future__ import annotations

from typing import Any

import click

from offhook.commands.options import filled, json_option, pass_desk
from offhook.commands.printing import print_json, say, warn
from offhook.commands.wording import ago
from offhook.desk.access import LONGEST_NAME, SCOPES, create_token, revoke_token, tokens
from offhook.desk.desk import Desk
from shared.store.access import READ, Access
from shared.times import iso


@click.group()
def token() -> None:
    """Make, list and revoke the tokens with which programs use the desk."""


@token.command()
@click.argument("name")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help=f"What the token is good for; give it twice for both (default: {READ}).",
)
@click.option("--person", "owner", metavar="NAME", callback=filled, help="The person whose calls it sees.")
@json_option
@pass_desk
def create(desk: Desk, name: str, scopes: tuple[str, ...], owner: str | None, as_json: bool) -> None:
    """Make a token called NAME and print it, once."""
    if not name.strip() or len(name) > LONGEST_NAME:
        raise click.BadParameter(f"give 1 to {LONGEST_NAME} characters.", param_hint="NAME")
    person = desk.store.people.get(owner) if owner else None
    made = create_token(desk, name.strip(), tuple(dict.fromkeys(scopes)) or (READ,), person)
    if as_json:
        print_json({**_view(desk, made.access), "token": made.secret})
        return
    warn(f"Token {made.access.id} for {made.access.name}. Keep it: it cannot be shown again.")
    say(made.secret)


@token.command("list")
@json_option
@pass_desk
def list_tokens(desk: Desk, as_json: bool) -> None:
    """List the tokens: their names, scopes and last use, never the tokens themselves."""
    found = tokens(desk)
    if as_json:
        print_json({"tokens": [{**_view(desk, it), "last_used_at": iso(it.last_used_at)} for it in found]})
        return
    for each in found:
        used = f"used {ago(iso(each.last_used_at))}" if each.last_used_at else "never used"
        of = _view(desk, each)["person"]
        say(f"{each.id:>4}  {each.name}  ({each.scopes}{f'; {of}' if of else ''})  {used}")
    if not found:
        say("There are no tokens. `offhook token create NAME` makes one.")


@token.command()
@click.argument("token_id", metavar="ID", type=int)
@pass_desk
def revoke(desk: Desk, token_id: int) -> None:
    """End a token at once."""
    revoke_token(desk, token_id)
    say(f"Token {token_id} opens nothing any more.")


def _view(desk: Desk, found: Access) -> dict[str, Any]:
    person = None if found.person_id is None else desk.store.people.find(found.person_id)
    return {
        "id": found.id,
        "name": found.name,
        "person": person.name if person else None,
        "scopes": found.scopes.split(),
        "created_at": iso(found.created_at),
    }
