"""Stand-ins for the other systems, on loopback, for development and tests: ``yvax simulator``.

Written from docs/protocols; it shares no code with the clients (an import contract sees to it), so that a
mistake on one side is not made on the other as well. It runs in a process of its own, keeps its state in
memory, and behaves badly when asked to (``faults``).
"""
