"""Folder exchange: files that another system puts into a folder, read once, acknowledged, or kept aside.

docs/protocols/folder.md is what both sides go by. From the bottom up: ``faults`` (codes), ``lines`` and
``columns`` (bytes to checked values), ``layouts`` (TOML), ``reading`` and ``writing`` (one file),
``store`` (what was taken in, on SQLite), ``receiving`` (the way of a file through the folders), ``adapter``
(what the implementations share).
"""
