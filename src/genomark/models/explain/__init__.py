"""Why a model answers as it does: what each base does to an answer, and what a network looks at."""
