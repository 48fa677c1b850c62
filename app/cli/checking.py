"""Whether an installation is as it should be."""

import typer

from app.cli.options import AsJson


def check(as_json: AsJson = False) -> None:
    """Say in sentences what is wrong with this installation; exit status 1 where something is.

    It looks at the settings of this environment, secrets, proxies, DATA_DIR, the disk, where files are kept, PostgreSQL
    (version, login, roles, schema, clock), and whether the background work is done. It shows no secrets and makes
    nothing.
    """
    import logging

    from app.checking.running import look_over
    from app.values.json_text import write_json

    # What would be logged on the way is said in the findings.
    logging.basicConfig(handlers=[logging.NullHandler()])
    is_fine = True
    for one in look_over():
        is_fine = is_fine and one.is_fine
        if as_json:
            told = {"subject": one.subject, "fine": one.is_fine, "said": one.said}
            typer.echo(write_json(told).decode())
        else:
            typer.echo(f"{'fine ' if one.is_fine else 'WRONG'}  {one.subject}: {one.said}")
    if not is_fine:
        raise typer.Exit(1)
