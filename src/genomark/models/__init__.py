"""Models: what can be asked, and how a spec string becomes one."""

from genomark.models.capabilities import (
    Answers,
    Designer,
    Embedder,
    FittedTask,
    Fitting,
    Fold,
    Folder,
    GeneEmbedder,
    ItemPredictor,
    Model,
    Predictor,
    Scorer,
    TaskTrainable,
    Trainable,
    TrainingSplit,
)
from genomark.models.python_function import as_model
from genomark.models.registry import (
    BASELINES,
    FORMS,
    GENE_BASELINES,
    SEQUENCE_BASELINES,
    load_model,
    model_entry_points,
)

__all__ = [
    "BASELINES",
    "FORMS",
    "GENE_BASELINES",
    "SEQUENCE_BASELINES",
    "Answers",
    "Designer",
    "Embedder",
    "FittedTask",
    "Fitting",
    "Fold",
    "Folder",
    "GeneEmbedder",
    "ItemPredictor",
    "Model",
    "Predictor",
    "Scorer",
    "TaskTrainable",
    "Trainable",
    "TrainingSplit",
    "as_model",
    "load_model",
    "model_entry_points",
]
