"""What a case is: a module in `cases/`.

Its docstring is the first part of the README: a title, an empty line, what was done. It has

    expect          an Expect: what is wrong, for the test
    needs           optional: "ikev1", "ml-kem", "libreswan", "libreswan-both"
    build(lab)      optional: changes the configurations and the net before anything runs
    before(lab)     optional: what happens before the taps record
    story(lab)      what happens while the taps record
"""

import dataclasses
import importlib.util
import inspect
import pathlib

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "cases"


@dataclasses.dataclass
class Expect:
    """The verdict that a capture deserves: a slug, or "healthy"."""

    sealed: str
    keyed: str | None = None
    both: str | None = None
    # Other verdicts that would not be wrong.
    sealed_acceptable: tuple = ()
    keyed_acceptable: tuple = ()
    both_acceptable: tuple = ()
    # Slugs that must be among the findings, whatever their severity.
    also: tuple = ()
    keyed_also: tuple = ()
    # What an observer of the capture sees, without keys and with them.
    sees: str = ""
    sees_keyed: str = ""


@dataclasses.dataclass
class Case:
    name: str
    title: str
    told: str
    expect: Expect
    needs: str | None
    build: object
    before: object
    story: object


def names():
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def load(name):
    path = FOLDER / f"{name}.py"
    if not path.exists():
        raise SystemExit(f"record: no case {name} in {FOLDER}")
    spec = importlib.util.spec_from_file_location(name.replace("-", "_"), path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    title, _, told = inspect.cleandoc(module.__doc__).partition("\n\n")
    return Case(
        name=name,
        title=title,
        told=told,
        expect=module.expect,
        needs=getattr(module, "needs", None),
        build=getattr(module, "build", lambda lab: None),
        before=getattr(module, "before", lambda lab: None),
        story=module.story,
    )
