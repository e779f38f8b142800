"""Questions about genes: symbols, task folders, gene sets, and the public sources of tasks."""

from genomark.genes.filters import filter_task, pick_label
from genomark.genes.gene_sets import GeneSet, gene_set_task, read_gmt
from genomark.genes.symbol_list import read_symbol_list
from genomark.genes.symbol_table import SymbolTable
from genomark.genes.symbols import SymbolFinding, SymbolReport, repair_symbols
from genomark.genes.table_task import read_table_task
from genomark.genes.task import GeneTask, Kind, make_task
from genomark.genes.task_folder import list_tasks, read_task, write_task

__all__ = [
    "GeneSet",
    "GeneTask",
    "Kind",
    "SymbolFinding",
    "SymbolReport",
    "SymbolTable",
    "filter_task",
    "gene_set_task",
    "list_tasks",
    "make_task",
    "pick_label",
    "read_gmt",
    "read_symbol_list",
    "read_table_task",
    "read_task",
    "repair_symbols",
    "write_task",
]
