"""Numbers for a Prometheus server, on a listener apart from the pages."""
