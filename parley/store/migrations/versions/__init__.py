"""One module a revision, named by its number; never changed once released."""
