"""``genomark run``: the main job."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genomark.cli.matcher_option import Matcher
from genomark.cli.prediction_cache_options import PredictionCache, PredictionCacheGb
from genomark.cli.store_option import StoreOption

if TYPE_CHECKING:
    from genomark.results import Results
    from genomark.runs import Profile

#: Heading of the options that concern tasks on genes.
GENES = "Tasks on genes"
#: The same of tasks on labelled sequences.
SEQUENCES = "Tasks on sequences"
#: The same of the suite guanine.
GUANINE = "Tasks of GUANinE"
#: What models saw in training.
LEAKAGE = "Training data"
#: Models of strangers.
ISOLATION = "Code that one does not trust"


class Missing(StrEnum):
    """What becomes of a gene without a vector."""

    DROP = "drop"
    ZERO = "zero"
    NOISE = "noise"


class Pairs(StrEnum):
    """How two vectors become one."""

    AVERAGE = "average"
    CONCAT = "concat"


class Format(StrEnum):
    """Reports in the form of others."""

    GENE_BENCHMARK = "gene-benchmark"


class Protocol(StrEnum):
    """How a checkpoint is put to work."""

    PROBE = "probe"
    ZERO_SHOT = "zero-shot"
    LORA = "lora"
    FULL = "full"


class Split(StrEnum):
    """What is asked."""

    DEV = "dev"
    TEST = "test"


class Train(StrEnum):
    """What models are fitted on."""

    WHOLE = "train"
    TENTH = "10per"
    HUNDREDTH = "1per"
    THOUSANDTH = "0.1per"
    CURVE = "curve"
    NONE = "none"


class Impute(StrEnum):
    """What becomes of predictions that are no numbers."""

    NONE = "none"
    MEAN = "mean"


class Engine(StrEnum):
    """Where shards are computed."""

    LOCAL = "local"
    DASK = "dask"


def run(
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            "-m",
            metavar="SPEC",
            help="A name (kmer:k=5), http://HOST:PORT, file:PATH, py:FILE.py:OBJECT, "
            "embedding:PATH. Repeat for more. None: the built-in baselines.",
        ),
    ] = None,
    benchmarks: Annotated[
        list[str] | None,
        typer.Option(
            "--benchmark",
            "-b",
            metavar="NAME|suite:NAME|tasks:DIR|points:FILE",
            help="Repeat for more. None: the suite quickstart.",
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder that keeps results, and from which a run goes on.")
    ] = Path("genomark-results"),
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write one JSON document.")
    ] = None,
    game_files: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Also write what a GAME Evaluator writes."),
    ] = None,
    store: StoreOption = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Ask only so many items, evenly spaced.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the bootstrap and of random controls.")] = 0,
    engine: Annotated[
        Engine | None,
        typer.Option(
            help="Where requests are computed: processes of this machine, or workers of Dask. Left "
            "out: dask with --scheduler, and local without.",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS|FILE",
            help="Of a Dask scheduler (tcp://HOST:8786), or the file that it writes that to. Left "
            "out with --engine dask: a cluster of this machine.",
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes. Left out: one per processor.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Compute everything again.")] = False,
    prediction_cache: PredictionCache = None,
    prediction_cache_gb: PredictionCacheGb = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 if anything was skipped.")
    ] = False,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Let file: models leave items out.")
    ] = False,
    protocol: Annotated[
        Protocol | None,
        typer.Option(
            help="What becomes of hf: models: a probe on frozen vectors, no training at all, "
            "low-rank or full fine-tuning. Left out: a probe.",
            rich_help_panel=SEQUENCES,
        ),
    ] = None,
    fits: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="How often what depends on a seed is fitted: seeds 0, 1, 2, ... Left out: 3.",
            rich_help_panel=SEQUENCES,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Folder with a folder for each task, as the hub has them.",
            rich_help_panel=GUANINE,
        ),
    ] = None,
    genome: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="hg38 as 2bit or FASTA: sequences are then cut out of it.",
            rich_help_panel=GUANINE,
        ),
    ] = None,
    context: Annotated[
        int | None,
        typer.Option(min=1, help="Bases of a window. Left out: 512.", rich_help_panel=GUANINE),
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option(
            help="dev, or test, whose labels are hidden: for a submission. Left out: dev.",
            rich_help_panel=GUANINE,
        ),
    ] = None,
    train: Annotated[
        Train | None,
        typer.Option(
            help="What models are fitted on: all of the train split, a tenth, a hundredth, a "
            "thousandth, each of these in turn, or nothing. Left out: all.",
            rich_help_panel=GUANINE,
        ),
    ] = None,
    impute: Annotated[
        Impute | None,
        typer.Option(
            help="Predictions that are no finite number are refused, or replaced by the mean and "
            "counted. Left out: none.",
            rich_help_panel=GUANINE,
        ),
    ] = None,
    jitter: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Also tell the mean over so many runs with noise on the predictions.",
            rich_help_panel=GUANINE,
        ),
    ] = None,
    matcher: Matcher = None,
    trained_on: Annotated[
        str | None,
        typer.Option(
            metavar="SET|FILE",
            help="What the model was trained on: enformer, borzoi-folds, FASTA, a table, or "
            "BED[:LABEL+LABEL] with --assembly. Left out: what the model declares.",
            rich_help_panel=LEAKAGE,
        ),
    ] = None,
    assembly: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of a BED file, such as hg38.", rich_help_panel=LEAKAGE),
    ] = None,
    leakage: Annotated[
        bool,
        typer.Option(
            "--leakage/--no-leakage",
            help="Tell what models saw of the items in training, where that is known.",
            rich_help_panel=LEAKAGE,
        ),
    ] = True,
    isolate: Annotated[
        bool,
        typer.Option(
            "--isolate",
            help="Run the code of py: models, and of models of other packages, in a sandbox: no "
            "network, no files but its own, limits of memory, time, processes and disk.",
            rich_help_panel=ISOLATION,
        ),
    ] = False,
    isolate_memory_gb: Annotated[
        float | None,
        typer.Option(
            metavar="GB", help="That such a model may use. Left out: 8.", rich_help_panel=ISOLATION
        ),
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Also tell where the time went, and what would help.")
    ] = False,
    format: Annotated[
        Format | None,
        typer.Option(help="Also write a report as this system does.", rich_help_panel=GENES),
    ] = None,
    report: Annotated[
        Path, typer.Option(metavar="FILE", help="Of --format.", rich_help_panel=GENES)
    ] = Path("task_report.csv"),
    probe: Annotated[
        str,
        typer.Option(
            metavar="HEAD[:KEY=VALUE,...]",
            help="linear (C=, alpha=, scale=, weights=, folds=, repeats=, permuted=), knn, forest, "
            "mlp, or sklearn as gene-benchmark has it.",
            rich_help_panel=GENES,
        ),
    ] = "linear",
    missing: Annotated[
        Missing, typer.Option(help="Genes without a vector.", rich_help_panel=GENES)
    ] = Missing.DROP,
    pairs: Annotated[
        Pairs, typer.Option(help="The two vectors of a pair.", rich_help_panel=GENES)
    ] = Pairs.AVERAGE,
    exclude_symbols: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Leave these genes out.", rich_help_panel=GENES),
    ] = None,
    include_symbols: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ask these genes alone.", rich_help_panel=GENES),
    ] = None,
    common_genes: Annotated[
        bool,
        typer.Option(
            "--common-genes",
            help="Ask only what all models have vectors for.",
            rich_help_panel=GENES,
        ),
    ] = False,
    sub_sample: Annotated[
        float, typer.Option(help="Share of the rows to ask.", rich_help_panel=GENES)
    ] = 1.0,
    multi_label_th: Annotated[
        float,
        typer.Option(help="Leave labels out that are no more frequent.", rich_help_panel=GENES),
    ] = 0.0,
    cat_label_th: Annotated[
        float,
        typer.Option(help="Leave classes out that are no more frequent.", rich_help_panel=GENES),
    ] = 0.0,
    min_positives: Annotated[
        int,
        typer.Option(
            min=1, help="Leave labels and classes out with fewer genes.", rich_help_panel=GENES
        ),
    ] = 10,
) -> None:
    """Put models before benchmarks and print a ranked table.

    Goes on where an earlier run in the same folder stopped, and computes nothing twice.

    \b
    Examples:
      genomark run
      genomark run -m gc -m cpg -b kircher2019 --json r.json
      genomark run -m py:./my_model.py:predict -b suite:quickstart
      genomark run -m http://127.0.0.1:8000 -b simulated-enhancers --profile
      genomark run -m gc -b points:my_library.parquet
      genomark run -m file:predictions.csv -b lentimpra-k562 --allow-missing
      genomark run -m embedding:my_genes.csv -m control:random -b suite:genes
      genomark run -m minilm -b tasks:./my_tasks --probe linear:C=nested
      genomark run -m onehot -m cnn -b pgb/poly_a.arabidopsis_thaliana
      genomark run -m hf:./my_checkpoint -b suite:pgb --protocol lora --fits 1
      genomark run -m gc -m kmer5-svr -b suite:guanine --data ./guanine --train 1per
      genomark run -m file:predictions.csv -b lentimpra-k562 --trained-on train.fasta
      genomark run -m enformer:NAME -b kircher2019 --matcher http://127.0.0.1:8100
      genomark run -m gc -m kmer -b kircher2019 --scheduler tcp://head-node:8786
      genomark run -m py:./stranger/model.py:predict -b simulated-enhancers --isolate
    """
    given = dict(locals())
    began, cpu = time.perf_counter(), time.process_time()
    import genomark
    from genomark.cli.profile import print_profile

    asked = asked_of(given)
    profiles: list[Profile] = []
    # Until here processors were busy with imports alone.
    before = cpu + time.perf_counter() - began, time.process_time()
    with going_on_later():
        results = genomark.run(
            models or (),
            benchmarks or (),
            out=out,
            engine=engine and engine.value,
            scheduler=scheduler,
            workers=workers,
            fresh=fresh,
            leakage=leakage,
            prediction_cache=prediction_cache,
            prediction_cache_gb=prediction_cache_gb,
            profile=profiles.append,
            **asked,
        )
    show(
        *(results, out, json),
        strict=strict,
        more=lambda: print_profile(profiles[0].after(*before)) if profile else None,
    )


def asked_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a command was asked, in the words of `genomark.run`: all that numbers depend on."""
    from genomark.benchmarks import GeneOptions
    from genomark.genes import read_symbol_list
    from genomark.probes import parse_probe

    def symbols(name: str) -> tuple[str, ...] | None:
        return tuple(read_symbol_list(given[name])) if given[name] else None

    options = GeneOptions(
        probe=parse_probe(given["probe"]),
        missing=given["missing"].value,
        pairs=given["pairs"].value,
        exclude=symbols("exclude_symbols"),
        include=symbols("include_symbols"),
        sub_sample=given["sub_sample"],
        label_threshold=given["multi_label_th"],
        class_threshold=given["cat_label_th"],
        min_positives=given["min_positives"],
    )
    guanine = {
        name: value.value if isinstance(value := given[name], StrEnum) else value
        for name in ("data", "genome", "context", "split", "train", "impute", "jitter")
        if given[name] is not None
    }
    as_they_are = (
        *("seed", "limit", "allow_missing", "fits", "matcher", "common_genes"),
        *("game_files", "store", "trained_on", "assembly", "isolate", "isolate_memory_gb"),
    )
    return {
        **{name: given[name] for name in as_they_are},
        "protocol": given["protocol"].value if given["protocol"] else None,
        "guanine": guanine,
        "gene_options": options,
        "gene_benchmark_report": given["report"] if given["format"] else None,
    }


@contextmanager
def going_on_later() -> Iterator[None]:
    """Say, where somebody interrupts, how to go on."""
    from genomark.cli.terminal import status

    try:
        yield
    except KeyboardInterrupt:
        status("interrupted. What was finished is kept: the same command goes on from there")
        raise typer.Exit(130) from None


def show(
    results: Results,
    out: Path,
    json: Path | None,
    *,
    strict: bool,
    more: Callable[[], object] = lambda: None,
) -> None:
    """Print results, write them down, and exit with 1 where not all went well."""
    from genomark.atomic import write_whole
    from genomark.cli.terminal import print_results, status

    if json is not None:
        write_whole(json, results.to_json())
    print_results(results)
    more()
    status(f"Results are in {out}{f', and in {json}' if json else ''}")
    if results.failed or (strict and results.skipped):
        raise typer.Exit(1)
