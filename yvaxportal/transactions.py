"""One database transaction for each request; a request that collides with another is repeated."""

import pyramid_tm
from pyramid.config import Configurator


def includeme(config: Configurator) -> None:
    """Commit what a view returns with 2xx or 3xx, roll back everything else."""
    config.add_settings(
        {
            "tm.manager_hook": pyramid_tm.explicit_manager,
            "tm.commit_veto": pyramid_tm.default_commit_veto,
            # Who acts is the audit log's to say; asking here would be outside the pages for what goes wrong.
            "tm.annotate_user": "false",
            "retry.attempts": 3,
        },
    )
    config.include("pyramid_retry")
    config.include("pyramid_tm")
    config.include("pyramid_services")
