"""What each system answers, from its protocol document."""

from yvaxportal.adapters.simulator.systems import atena, chukan, resident_register, tax, welfare

ROUTES = {
    "resident_register": resident_register.ROUTES,
    "atena": (*atena.ROUTES, *chukan.ROUTES),
    "tax": tax.ROUTES,
    "welfare": welfare.ROUTES,
}
