"""HTTP in, HTTP out: the only importer of the web server."""
