"""Models: what can be asked, and how a spec string becomes one."""

from genomark.models.capabilities import (
    GeneEmbedder,
    ItemPredictor,
    Model,
    Predictor,
    Trainable,
    TrainingSplit,
)
from genomark.models.python_function import as_model
from genomark.models.registry import (
    BASELINES,
    FORMS,
    GENE_BASELINES,
    load_model,
    model_entry_points,
)

__all__ = [
    "BASELINES",
    "FORMS",
    "GENE_BASELINES",
    "GeneEmbedder",
    "ItemPredictor",
    "Model",
    "Predictor",
    "Trainable",
    "TrainingSplit",
    "as_model",
    "load_model",
    "model_entry_points",
]
