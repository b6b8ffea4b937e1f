"""Following the resident register: its changes, exactly once in effect, and the first load of everybody.

``run`` drives it, ``snapshot`` and ``changes`` say what happens, ``people`` writes, ``judging`` refuses,
``merging`` joins two numbers that are one person.
"""
