"""What each system answers, from its protocol document."""

from yvaxportal.adapters.simulator.systems import atena, chukan, resident_register, tax, vrs, welfare

ROUTES = {
    "resident_register": resident_register.ROUTES,
    "atena": (*atena.ROUTES, *chukan.ROUTES),
    "vrs": vrs.ROUTES,
    "tax": tax.ROUTES,
    "welfare": welfare.ROUTES,
}

#: Those that are asked by files as well: their operations, and their files.
ORDERED = {"atena": atena.ROUTES, "chukan": chukan.ROUTES, "vrs": vrs.ROUTES}
FORMS = {"atena": atena.FORMS, "chukan": chukan.FORMS, "vrs": vrs.FORMS}
