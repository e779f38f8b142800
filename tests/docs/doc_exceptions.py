"""Commands of pages that are not tried just as they stand, each with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Exceptional:
    """What is otherwise.

    Attributes
    ----------
    reason : str
    add : str
        Options that are typed behind the command.
    fills : dict of str to str
        What is typed in the place of words in capitals.
    exit_code : int
        With which it ends.
    prints_otherwise : bool
        What the page shows is of another run, as the page says.
    seconds : float
        After which it is ended.
    """

    reason: str = ""
    add: str = ""
    fills: dict[str, str] = field(default_factory=dict)
    exit_code: int = 0
    prints_otherwise: bool = False
    seconds: float = 600.0


#: Files of pages that are made smaller before they are written, so that what reads them takes a
#: minute and not a quarter of an hour: by page and file, what stands for what.
SMALLER: dict[tuple[str, str], dict[str, str]] = {
    ("docs/tokenisation-study.md", "study.toml"): {
        "bases = 3_000_000": "bases = 30_000",
        "k = [3, 6]": "k = [3]",
        "size = [256, 1024, 4096]": "size = [256]",
    },
}

#: Serves the model as its container would; else looks whether the words make sense.
_CONTAINER = """
import os, pathlib, sys
program = os.path.basename(sys.argv[0])
verb, *words = sys.argv[1:]
if verb == "run":
    at = next(at for at, word in enumerate(words) if word.startswith("my-"))
    image, rest = words[at], words[at + 1:]
    assert image.split(":" if program == "podman" else ".")[0] in ("my-model", "my-benchmark")
    assert program == "podman" or "--containall" in words[:at]
    if image.startswith("my-model"):
        assert len(rest) == 2
        os.execvp("genomark", ["genomark", "serve", "model", "my-model", "127.0.0.1", rest[1]])
    assert len(rest) == 3 and rest[2] == "/predictions"
elif verb == "build" and program == "podman":
    for option in ("--file", "--tag"):
        assert option in words
    assert pathlib.Path(words[words.index("--file") + 1]).exists()
elif verb == "build":
    assert words[0].endswith(".sif")
    assert pathlib.Path(words[1].removeprefix("docker-archive:")).exists()
elif verb == "save":
    assert words[0] == "-o"
    pathlib.Path(words[1]).write_bytes(b"")
else:
    assert verb in ("image", "--version", "version", "info")
    print(900_000_000)
"""

#: Programs that are not run but asked whether they are called rightly: name, reason, Python.
STUBS: dict[str, tuple[str, str]] = {
    "pip": (
        "what comes from an index is installed; a folder is put where only the page looks",
        """
import os, re, sys, tomllib
into = os.environ["PYTHONPATH"].split(":")[0]
if sys.argv[1:3] == ["install", "-e"]:
    # What it is built with comes from an index: put there as the back end would.
    import pathlib, shutil
    told = tomllib.load(open("pyproject.toml", "rb"))["project"]
    shutil.copytree("src", into, dirs_exist_ok=True)
    stem = told["name"].replace("-", "_") + "-" + told["version"]
    info = pathlib.Path(into, stem + ".dist-info")
    info.mkdir(parents=True)
    name = "Name: " + told["name"] + "\\nVersion: " + told["version"]
    (info / "METADATA").write_text("Metadata-Version: 2.1\\n" + name + "\\n")
    lines = []
    for group, points in told["entry-points"].items():
        lines += ["[" + group + "]", *(key + " = " + value for key, value in points.items())]
    (info / "entry_points.txt").write_text("\\n".join(lines) + "\\n")
    sys.exit()
if any(word.startswith("./") for word in sys.argv[2:]):
    more = ["--quiet", "--no-index", "--target", into]
    os.execv({python!r}, [{python!r}, "-m", "pip", *sys.argv[1:], *more])
known = set(tomllib.load(open({pyproject!r}, "rb"))["project"]["optional-dependencies"])
command, *words = sys.argv[1:]
names = [word for word in words if not word.startswith("-")]
good = command == "install" and names and set(words) - set(names) <= {{"--upgrade", "--no-deps"}}
for name in names:
    found = re.fullmatch(r"([A-Za-z][\\w-]*)(?:\\[([\\w,-]+)\\])?(?:==[\\w.+]+)?", name)
    good = good and found and set((found[2] or "").split(",")) - {{""}} <= known
sys.exit(not good)
""",
    ),
    "git": (
        "the hub is not reached",
        """
import sys
good = ["clone", "https://huggingface.co/datasets/guanine/gpra_c", "guanine/gpra_c"]
sys.exit(sys.argv[1:] != good)
""",
    ),
    "podman": (
        "a base image is needed; tests of the scaffold build and run one where there is one",
        _CONTAINER,
    ),
    "nextflow": (
        "it is not in Debian; tests of the example run the commands that it would",
        """
import pathlib, sys
assert sys.argv[1:3] == ["run", "examples/nextflow/main.nf"], sys.argv
text = pathlib.Path(sys.argv[2]).read_text()
for option in sys.argv[3::2]:
    assert "params." + option.removeprefix("--") in text, option
""",
    ),
    "apptainer": ("it is not in Debian", _CONTAINER),
    "sudo": (
        "it changes the machine",
        """
import subprocess, sys
unit = "genomark-board.service"
words = sys.argv[1:]
if words[0] == "install":
    assert words == ["install", "-m", "644", unit, "/etc/systemd/system/"]
    text = open(unit).read()
    assert all(f"[{{part}}]" in text for part in ("Unit", "Service", "Install"))
else:
    actions = {{"daemon-reload", "enable", "status"}}
    assert words[0] == "systemctl" and words[1] in actions
    assert set(words[2:]) <= {{"--now", "genomark-board"}}
""",
    ),
}

#: Id of a result in the store of the page.
_ID = "$(genomark store list store --results -b simulated-enhancers | awk '/kmer:k=3/ {print $1}')"
#: Public half of the key that signed a bundle.
_KEY = (
    "$(python -c 'import json, zipfile; "
    'print(json.loads(zipfile.ZipFile("bundle.zip").read("manifest.json"))["public_key"])\')'
)

#: By page and command.
EXCEPTIONS: dict[tuple[str, str], Exceptional] = {
    ("README.md", "make test"): Exceptional(
        "this is one of them: only what it would do is asked", add="-n"
    ),
    (
        "README.md",
        "genomark run -m kmer -m onehot -m cnn -b pgb/poly_a.arabidopsis_thaliana \\\n"
        "  -b pgb/splicing.arabidopsis_thaliana_donor -b pgb/promoter_strength.leaf",
    ): Exceptional(
        "seven minutes: here on small data; and the page says that it shows fits of before",
        prints_otherwise=True,
    ),
    (
        "README.md",
        "genomark run -m hf:./checkpoint -b kircher2019 --protocol zero-shot",
    ): Exceptional("41,724 variants are hours of a processor", add="--limit 20"),
    ("README.md", "genomark run -m vienna -b suite:rna"): Exceptional(
        "minutes, and the page on structures runs all of it", add="--limit 100"
    ),
    ("README.md", "genomark run -m rna-design -b rna/eterna100"): Exceptional(
        "up to 1.7 hours of a core", add="--limit 3"
    ),
    (
        "README.md",
        "genomark design --file targets.csv --time 60 --report designs.html",
    ): Exceptional("two minutes, which say no more", add="--time 2"),
    (
        "docs/leaderboard.md",
        'genomark store withdraw store ID --reason "trained on the test set"',
    ): Exceptional("the id is another each time", fills={"ID": _ID}),
    (
        "docs/submissions.md",
        'genomark board admit ./board KEY --name "5-mer ridge" --key keys/board.key',
    ): Exceptional("the key is another each time", fills={"KEY": _KEY}),
}
