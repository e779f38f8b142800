"""The large supervised tasks of GUANinE, whose test labels are hidden."""
