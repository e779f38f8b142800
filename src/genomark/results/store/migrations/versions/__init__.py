"""One file a revision; none is ever changed once a store may have been written with it."""
