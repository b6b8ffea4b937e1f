"""A Pyramid application of one view on waitress: how fast this server answers at all.

python -m bench.bare PORT
"""

import sys

import waitress
from pyramid.config import Configurator
from pyramid.request import Request
from pyramid.response import Response

from bench.city import THREADS


def answer(_request: Request) -> Response:
    """Return a short page."""
    return Response("ok")


def main() -> None:
    """Serve until told to stop."""
    with Configurator() as config:
        config.add_route("any", "/*path")
        config.add_view(answer, route_name="any")
        application = config.make_wsgi_app()
    waitress.serve(application, host="127.0.0.1", port=int(sys.argv[1]), threads=THREADS, ident=None)


if __name__ == "__main__":
    main()
