"""The one gate out (measures M16 to M19, M21 to M24, M26): every file that leaves passes here.

``gate`` takes requests, decisions and cancellations. ``workshop`` turns a request into an encrypted archive
with one of the ``makers``; ``making`` is the seam between the two. ``handover`` shows the password once and
hands the archive over, ``wiping`` ends what expired, ``register`` is what pages show of it all. ``media`` is
the register of storage media. ``layouts`` says, as data, how lists look.
"""
