"""Numbers that may be one person: found, shown, decided; merges that were wrong, taken apart.

``scoring`` compares two people with the measure of imports, ``finding`` looks through everybody, ``listing``
reads the pages, ``deciding`` keeps what people decide, ``merges`` reads what was merged, ``consequences``
tells what followed from it, ``plan`` says what taking apart would do and ``taking_apart`` does it.
"""
