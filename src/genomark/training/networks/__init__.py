"""Networks that are trained from scratch on one-hot bases."""
