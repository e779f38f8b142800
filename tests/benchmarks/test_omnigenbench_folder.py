"""Folders of OmniGenBench and of users as tasks: nothing of them is run, and little is guessed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from genomark.benchmarks.sequences.omnigenbench import omnigenbench_folder, write_declared
from genomark.benchmarks.sequences.sequence_task import SequenceTask, load_declared
from genomark.benchmarks.sequences.user_folder import folder_tasks
from genomark.errors import UnknownNameError, UsageError

METADATA = '__version__ = "1.0.0"\nbench_list = [\n    "RNA-SSP",\n    # "RNA-X",\n]\n'
CONFIG = """
import os
from omnigenbench import AutoBenchConfig, ClassificationMetric, OmniDatasetForTokenClassification

raise SystemExit("this file was run")

label2id = {"(": 0, ")": 1, ".": 2}
here = os.path.dirname(os.path.abspath(__file__))
config_dict = {
    "task_name": "RNA-SSP",
    "task_type": "token_classification",
    "label2id": label2id,  # a comment
    "num_labels": None,
    "epochs": 50,
    "patience": 5,
    "learning_rate": 2e-5,
    "weight_decay": 0,
    "batch_size": 4,
    "max_length": 1024,
    "seeds": [8946],
    "use_str": False,
    "compute_metrics": [ClassificationMetric(ignore_y=-100, average="macro").f1_score,
                        ClassificationMetric(ignore_y=-100).matthews_corrcoef],
    "train_file": f"{os.path.dirname(__file__)}/train.json",
    "test_file": os.path.join(here, "test.json"),
    "valid_file": f"{os.path.dirname(__file__)}/valid.json"
    if os.path.exists(f"{os.path.dirname(__file__)}/valid.json") else None,
    "dataset_cls": OmniDatasetForTokenClassification,
}
bench_config = AutoBenchConfig(config_dict)
"""
ROWS = [{"seq": f"G{base}GAAAC{base}C", "label": "(((...)))"} for base in "ACGU"]


def write_rows(file: Path, rows: list[dict[str, object]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def benchmark(root: Path, config: str = CONFIG, task: str = "RNA-SSP", **files: list) -> Path:
    """Write a benchmark folder with one task; `files` are rows by the name of the part."""
    (root / "metadata.py").write_text(METADATA.replace("RNA-SSP", task))
    folder = root.joinpath(*task.split("."))
    folder.mkdir(parents=True)
    (folder / "config.py").write_text(config)
    for name, rows in (files or {"train": ROWS, "test": ROWS[:1]}).items():
        write_rows(folder / f"{name}.json", rows)
    return root


def only(root: Path) -> SequenceTask:
    (task,) = omnigenbench_folder(root)
    return task


def classification(**changes: str) -> str:
    """Write a configuration; a change is the source of a value."""
    settings = {"task_type": '"sequence_classification"', "label2id": '{"0": 0, "1": 1}'} | changes
    inside = "\n".join(f'    "{key}": {value},' for key, value in settings.items())
    return f"config_dict = {{\n{inside}\n}}\nbench_config = AutoConfig(config_dict)\n"


CLASSES = [{"sequence": f"ACGT{a}{b}", "label": int(a in "AC")} for a in "ACGT" for b in "AC"]


# ------------------------------------------------------------------------- benchmark folders


def test_a_task_is_read_without_running_it(tmp_path: Path):
    task = only(benchmark(tmp_path))
    declared = task.declared
    assert task.id == f"sequences:{tmp_path}#RNA-SSP"
    assert (declared.kind, declared.labels) == ("token-classes", ("(", ")", "."))
    assert declared.metrics == ("f1_macro", "mcc")
    assert declared.select_by == "f1_macro"
    assert (declared.files.train, declared.files.valid) == ("train.json", None)
    training = declared.training
    assert training is not None
    assert (training.epochs, training.patience, training.batch_size) == (50, 5, 4)
    assert (training.learning_rate, training.max_length, training.seeds) == (2e-5, 1024, (8946,))
    assert task.test().targets[0].tolist() == [0, 0, 0, 2, 2, 2, 1, 1, 1]
    split = task.split()
    assert split is not None
    assert len(split.train) + len(split.valid) == 4


def test_a_validation_file_that_is_there_is_used(tmp_path: Path):
    task = only(benchmark(tmp_path, train=ROWS[1:3], valid=ROWS[3:], test=ROWS[:1]))
    split = task.split()
    assert split is not None
    assert split.valid.sequences == ("GUGAAACUC",)
    assert split.notes == ()


def test_dotted_names_are_folders_in_folders(tmp_path: Path):
    task = only(benchmark(tmp_path, task="RNA-SSP.deep.er"))
    assert task.folder == tmp_path / "RNA-SSP" / "deep" / "er"
    assert len(task.test()) == 1
    assert "config.py calls the task RNA-SSP." in task.declared.caveats


def test_a_folder_may_have_dots_in_its_name(tmp_path: Path):
    benchmark(tmp_path, task="plain")
    (tmp_path / "plain").rename(tmp_path / "te.rice")
    (tmp_path / "metadata.py").write_text('bench_list = ["te.rice"]')
    assert only(tmp_path).folder == tmp_path / "te.rice"


def test_one_task_of_a_folder_is_read_alone(tmp_path: Path):
    benchmark(tmp_path)
    (tmp_path / "metadata.py").write_text('bench_list = ["RNA-SSP", "absent"]')
    assert [task.id for task in folder_tasks(tmp_path, "RNA-SSP")] == [
        f"sequences:{tmp_path}#RNA-SSP"
    ]
    with pytest.raises(UsageError, match=r"absent/config\.py: cannot be read"):
        folder_tasks(tmp_path)
    with pytest.raises(UnknownNameError, match="Did you mean 'RNA-SSP'"):
        folder_tasks(tmp_path, "RNA-SP")


@pytest.mark.parametrize(
    ("task_type", "label2id", "labels", "kind"),
    [
        ('"sequence_classification"', '{"no": 0, "yes": 1}', ("no", "yes"), "binary"),
        ('"sequence_classification"', '{"c": 2, "a": 0, "b": 1}', ("a", "b", "c"), "multi-class"),
        ('"classification"', '{"x": -100, "b": 1, "a": 0}', ("a", "b"), "binary"),
        ('"sequence_classification"', "None", (), "multi-class"),
        ('"multi_label_sequence_classification"', "None", (), "multi-label"),
        ('"sequence_regression"', "None", (), "regression"),
        ('"token_regression"', "None", (), "token-regression"),
    ],
)
def test_the_kind_follows_from_the_type_and_the_labels(
    task_type: str, label2id: str, labels: tuple[str, ...], kind: str, tmp_path: Path
):
    config = classification(task_type=task_type, label2id=label2id)
    declared = only(benchmark(tmp_path, config)).declared
    assert (declared.kind, declared.labels) == (kind, labels)


def test_settings_may_be_keywords_names_or_added_later(tmp_path: Path):
    config = """
label2id: dict = {"0": 0, "1": 1}
lr = -1
shared = dict_of_settings = {"epochs": 3}
more = {"task_type": "sequence_classification"}
f[0](1)["x"] = 2
settings = {**more, "seeds": 45, "loss_fn": torch.nn.X(lr)}
settings["label2id"] = label2id
settings.update({"max_length": 512, "structure_in": True})
bench = AutoConfig(settings, epochs=7, learning_rate=1e-4)
"""
    declared = only(benchmark(tmp_path, config)).declared
    training = declared.training
    assert declared.labels == ("0", "1")
    assert training is not None
    assert (training.epochs, training.max_length, training.learning_rate) == (7, 512, 1e-4)
    assert training.seeds == (45,)
    assert "predicted structure" in declared.caveats[0]


def test_without_a_configuration_the_names_of_the_file_are_the_settings(tmp_path: Path):
    config = 'task_type = "sequence_classification"\nlabel2id = {"0": 0, "1": 1}\nepochs = 2\n'
    declared = only(benchmark(tmp_path, config)).declared
    assert declared.kind == "binary"
    assert declared.training is not None
    assert declared.training.epochs == 2


@pytest.mark.parametrize(
    ("kind", "metric", "called"),
    [
        ("sequence_classification", "ClassificationMetric().roc_auc_score", "auroc"),
        ("multi_label_sequence_classification", "M(average='macro').f1_score", "f1_macro"),
        ("multi_label_sequence_classification", "M().roc_auc_score", "mean_auroc"),
        ("sequence_regression", "RegressionMetric().mean_squared_error", "mse"),
        ("sequence_regression", "RegressionMetric().r2_score", "r2"),
        ("token_regression", "RegressionMetric().root_mean_squared_error", "rmse"),
        ("token_regression", "RegressionMetric().mcrmse", "mcrmse"),
    ],
)
def test_metrics_are_known_by_name(kind: str, metric: str, called: str, tmp_path: Path):
    metric = metric.replace("M(", "ClassificationMetric(")
    labels = {"label2id": "None"} if kind != "sequence_classification" else {}
    config = classification(task_type=f'"{kind}"', compute_metrics=metric, **labels)
    declared = only(benchmark(tmp_path, config)).declared
    assert declared.metrics == (called,)
    assert declared.caveats == ()


def test_metrics_nobody_knows_are_left_out_and_told(tmp_path: Path):
    config = "def mine(a, b): ...\nmetric = ClassificationMetric(average='micro')\n"
    config += classification(
        compute_metrics="[mine, metric.hamming_loss, metric.f1_score, lambda a, b: 0]"
    )
    declared = only(benchmark(tmp_path, config)).declared
    assert declared.metrics == ("f1_macro",)
    assert declared.caveats == (
        "The metric `mine` of config.py is not known here: left out.",
        "The metric `hamming_loss` of config.py is not known here: left out.",
        "config.py asks F1 averaged as micro; here it is macro.",
        "The metric `lambda a, b: 0` of config.py is not known here: left out.",
    )


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (
            classification(label2id="load()"),
            r"config\.py, line 3: label2id is `load\(\)`; expected",
        ),
        (classification(label2id='{"a": f(0)}'), r"line 3: label2id is `f\(0\)`"),
        (classification(epochs="10 * 5"), r"line 4: epochs is `10 \* 5`; expected a literal"),
        (classification(epochs='"many"'), r"epochs is 'many'; expected int"),
        (classification(test_file="sys.argv[1]"), r"line 4: test_file is `sys\.argv\[1\]`"),
        (classification(task_type='"translation"'), "task_type 'translation' is none of"),
        (classification(label2id='{"a": 0, "b": 2}'), r"from 0 without gaps; found \[0, 2\]"),
        (classification(label2id='{"a": "b"}'), "label2id must give each label a whole number"),
        ("config = AutoConfig(load())\n", r"config\.py, line 1: AutoConfig is not given a literal"),
        (
            "x = {}\nfor k in y:\n    x[k] = 1\nc = AutoConfig(x)\n",
            "line 4: AutoConfig is not given",
        ),
        ("if x:\n    task_type = 'a'\n", "line 1: task_type is `if x:`"),
        ("x = {}\nx.pop('a')\nc = AutoConfig(x)\n", "line 3: AutoConfig is not given a literal"),
        ("x = {}\nx.update(a=1)\nc = AutoConfig(x)\n", "line 3: AutoConfig is not given a literal"),
        ("c = AutoConfig({**y})\n", "line 1: AutoConfig is not given a literal"),
        ("c = AutoConfig({f(): 1})\n", "line 1: AutoConfig is not given a literal"),
        (classification(test_file="dirname('a', 'b')"), "test_file is `dirname"),
        (classification(test_file="f'{x}.json'"), "line 4: test_file is"),
        (classification(test_file="'a' if x else 'b'"), "line 4: test_file is"),
        ("epochs = a" + ".b" * 2000 + "\n", r"config\.py: not Python"),
        ("def f(:\n", r"config\.py, line 1: not Python"),
        ("\0", r"config\.py.*: not Python"),
        ("epochs = " + "-" * 100_000 + "1\n", r"config\.py.*: not Python"),
        ("#" * 1_000_001, "larger than any configuration"),
    ],
)
def test_what_is_no_literal_is_refused_with_its_line(config: str, said: str, tmp_path: Path):
    benchmark(tmp_path, config)
    with pytest.raises(UsageError, match=said) as caught:
        omnigenbench_folder(tmp_path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ("bench_list = os.listdir()", r"metadata\.py, line 1: bench_list is `os\.listdir\(\)`"),
        ("bench_list = [1]", "expected a bench_list of names of tasks"),
        ("", "expected a bench_list of names of tasks"),
        ('bench_list = ["../x"]', "is not a name of a task"),
    ],
)
def test_a_list_of_tasks_that_cannot_be_read_is_refused(metadata: str, said: str, tmp_path: Path):
    benchmark(tmp_path)
    (tmp_path / "metadata.py").write_text(metadata)
    with pytest.raises(UsageError, match=said):
        omnigenbench_folder(tmp_path)


def test_a_folder_without_metadata_is_told_what_to_do(tmp_path: Path):
    with pytest.raises(UsageError, match=r"has no metadata\.py.*sequences:FOLDER"):
        omnigenbench_folder(tmp_path)


def test_a_missing_test_file_is_named_when_it_is_asked(tmp_path: Path):
    task = only(benchmark(tmp_path, train=ROWS))
    with pytest.raises(UsageError, match=r"RNA-SSP/test\.json: there is no such file"):
        task.test()


def test_a_missing_train_file_leaves_nothing_to_fit_on(tmp_path: Path):
    task = only(benchmark(tmp_path, test=ROWS))
    assert task.split() is None
    assert task.no_split == f"{tmp_path / 'RNA-SSP'} has no train file"
    assert task.train() is None


def test_a_label_that_the_configuration_does_not_number_is_named_with_its_row(tmp_path: Path):
    rows = [*ROWS, {"seq": "ACG", "label": "(x)"}]
    task = only(benchmark(tmp_path, test=rows))
    with pytest.raises(UsageError, match=r"test\.json, row 5: .*'x' is none of"):
        task.test()


# ------------------------------------------------------------- labels that a class would make


MUTATED = [{"seq": "ACGTACGT", "mut": "ACGTTCGT"}, {"seq": "GGGG", "mut": "GCGG"}]
OWN_CLASS = """
class Dataset(OmniDatasetForTokenClassification):
    def prepare_input(self, instance):
        target_cols = ["reactivity", "deg"]
        return [instance[col] for col in target_cols]
"""


def test_labels_that_tell_mut_from_seq_are_known(tmp_path: Path):
    config = OWN_CLASS + classification(task_type='"token_classification"', dataset_cls="Dataset")
    task = only(benchmark(tmp_path, config, test=MUTATED))
    assert task.test().sequences == ("ACGTTCGT", "GCGG")
    assert [target.tolist() for target in task.test().targets] == [
        [0, 0, 0, 0, 1, 0, 0, 0],
        [0, 1, 0, 0],
    ]
    assert "line 2, which is not run" in task.declared.caveats[0]
    letters = config.replace('{"0": 0, "1": 1}', '{"A": 0, "T": 1, "G": 2, "C": 3}')
    (tmp_path / "RNA-SSP" / "config.py").write_text(letters)
    assert only(tmp_path).test().targets[0].tolist() == [-1, -1, -1, -1, 0, -1, -1, -1]


def test_columns_that_a_class_lists_are_the_labels(tmp_path: Path):
    rows = [
        {"sequence": "ACGU", "seq_scored": 2, "reactivity": [0.5, 1], "deg": [2.0, None]},
        {"sequence": "GCGU", "seq_scored": 2, "reactivity": [1.5, 1], "deg": [2.5, 3]},
    ]
    config = OWN_CLASS + classification(
        task_type='"token_regression"', label2id="None", dataset_cls="Dataset"
    )
    test = only(benchmark(tmp_path, config, test=rows)).test()
    assert test.labels == ("reactivity", "deg")
    expected = [[0.5, 2], [1, np.nan], [np.nan, np.nan], [np.nan, np.nan]]
    np.testing.assert_array_equal(test.targets[0], np.float32(expected))


def test_a_class_beside_a_usual_column_is_told(tmp_path: Path):
    config = OWN_CLASS + classification(dataset_cls="Dataset")
    declared = only(benchmark(tmp_path, config, test=CLASSES)).declared
    assert declared.columns is None
    assert "Labels are those of column label" in declared.caveats[0]


def test_labels_that_only_a_class_knows_are_refused(tmp_path: Path):
    config = OWN_CLASS + classification(dataset_cls="Dataset")
    benchmark(tmp_path, config, test=[{"sequence": "ACGT", "score": 1}])
    with pytest.raises(UsageError, match=r"config\.py, line 2: labels are made by a class.*score"):
        omnigenbench_folder(tmp_path)


# ------------------------------------------------------------------------------ users' folders


def test_a_declaration_that_is_written_beside_the_data_is_the_same_task(tmp_path: Path):
    task = only(benchmark(tmp_path))
    folder = tmp_path / "RNA-SSP"
    write_declared(task, folder / "task.toml")
    (again,) = folder_tasks(folder)
    assert again.id == f"sequences:{folder}#RNA-SSP"
    assert again.digest == task.digest
    assert again.split().digest == task.split().digest
    with pytest.raises(UsageError, match="is there already"):
        write_declared(task, folder / "task.toml")


def test_a_declaration_may_be_written_elsewhere_and_edited(tmp_path: Path):
    task = only(benchmark(tmp_path))
    file = tmp_path / "mine" / "task.toml"
    write_declared(task, file)
    file.write_text(file.read_text().replace('"f1_macro"', '"accuracy"'))
    (again,) = folder_tasks(tmp_path / "mine")
    assert again.declared.metrics == ("accuracy", "mcc")
    assert again.test().digest == task.test().digest


def test_a_declaration_of_a_suite_may_be_written_and_keeps_its_dataset(tmp_path: Path):
    write_declared(load_declared("rgb/te.rice"), tmp_path / "task.toml")
    (again,) = folder_tasks(tmp_path)
    assert again.folder is None
    assert again.declared.dataset == "rgb"


def test_files_alone_are_a_task_whose_kind_is_that_of_the_train_file(tmp_path: Path):
    write_rows(tmp_path / "train.jsonl", CLASSES)
    write_rows(tmp_path / "dev.json", CLASSES[1:])
    write_rows(tmp_path / "test.json", CLASSES[:1])
    (task,) = folder_tasks(tmp_path)
    assert task.id == f"sequences:{tmp_path}#{tmp_path.name}"
    assert (task.declared.kind, task.declared.labels) == ("binary", ("1",))
    assert (task.declared.files.valid, len(task.test())) == ("dev.json", 1)
    assert folder_tasks(tmp_path, tmp_path.name)[0].id == task.id


def test_a_test_file_alone_is_a_task_without_training(tmp_path: Path):
    write_rows(tmp_path / "test.json", CLASSES)
    (task,) = folder_tasks(tmp_path)
    assert len(task.test()) == 8
    assert task.no_split == f"{tmp_path} has no train file"


def test_folders_below_a_folder_are_tasks_by_their_path(tmp_path: Path):
    for name in ("b", "a/x", "a/y"):
        (tmp_path / name).mkdir(parents=True)
        write_rows(tmp_path / name / "test.json", CLASSES)
    (tmp_path / "empty").mkdir()
    names = [task.id.partition("#")[2] for task in folder_tasks(tmp_path)]
    assert names == ["a/x", "a/y", "b"]
    (task,) = folder_tasks(tmp_path, "a/y")
    assert task.folder == tmp_path / "a" / "y"
    with pytest.raises(UnknownNameError, match=f"No task in {tmp_path} named 'c'"):
        folder_tasks(tmp_path, "c")


def test_folders_without_a_task_and_files_that_may_be_two_are_refused(tmp_path: Path):
    with pytest.raises(UsageError, match=r"holds a task\.toml or a test file"):
        folder_tasks(tmp_path)
    with pytest.raises(UsageError, match="there is no such folder"):
        folder_tasks(tmp_path / "nowhere")
    write_rows(tmp_path / "test.json", CLASSES)
    write_rows(tmp_path / "valid.json", CLASSES)
    write_rows(tmp_path / "dev.json", CLASSES)
    with pytest.raises(UsageError, match=r"dev\.json and valid\.json may each be the valid file"):
        folder_tasks(tmp_path)
