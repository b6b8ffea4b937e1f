"""Letters to residents: whom a run is for, what becomes of each letter, and that the counts agree.

A run asks for everybody on a frozen list (``recipients``), says of each whether a letter is printed, held or
dropped (``planning``), and writes that down together with the tickets when its file is made (``book``).
Printing itself is ``documents`` and ``outputs.letters``. Afterwards staff say what was sent and what was
spoiled (``settling``); extracted = printed + held + dropped, and printed = sent + spoiled.
"""
