"""What each system answers, from its protocol document."""

from yvaxportal.adapters.simulator.systems import atena, chukan, resident_register, tax, vrs, welfare

ROUTES = {
    "resident_register": resident_register.ROUTES,
    "atena": (*atena.ROUTES, *chukan.ROUTES),
    "vrs": vrs.ROUTES,
    "tax": tax.ROUTES,
    "welfare": welfare.ROUTES,
}

#: The files of those that are asked by files as well.
FORMS = {"atena": atena.FORMS}
