"""The PostgreSQL that comes with the checkout, for development and tests: start, prepare, stop.

``places`` says where it is and needs nothing installed; ``server`` needs the ``embedded`` extra.
"""
