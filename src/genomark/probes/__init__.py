"""Simple heads fitted on frozen vectors, cross-validated: what does a representation know?"""

from genomark.probes.curvature import Curvature
from genomark.probes.design import DenseDesign, Design, PairDesign, Scaling, scaling_of
from genomark.probes.folds import Folds, labels_to_leave_out, make_folds
from genomark.probes.one_thread import one_thread
from genomark.probes.options import Probe, parse_probe, settings_of
from genomark.probes.probe import Fit, cross_validate

__all__ = [
    "Curvature",
    "DenseDesign",
    "Design",
    "Fit",
    "Folds",
    "PairDesign",
    "Probe",
    "Scaling",
    "cross_validate",
    "labels_to_leave_out",
    "make_folds",
    "one_thread",
    "parse_probe",
    "scaling_of",
    "settings_of",
]
