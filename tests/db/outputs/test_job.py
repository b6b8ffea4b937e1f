"""Files made and wiped by a real worker, woken by the request itself."""

from datetime import timedelta

from tests.db.jobs.test_jobs import run_worker, woken
from tests.db.outputs.conftest import Desk
from tests.leaving import extraction, people
from yvaxportal.embedded.places import DatabaseUrls
from yvaxportal.jobs.app import make_app
from yvaxportal.models.codes import OutputState


def test_a_request_wakes_the_worker_and_the_term_is_kept(desk: Desk, database_urls: DatabaseUrls) -> None:
    output_id = desk.ask(
        {"extraction": extraction(desk.session, people(desk.session, 1), staff_id=desk.clerk)}
    )
    run_worker(make_app(database_urls.app), desk.shop.engine, shop=desk.shop)
    made = desk.row(output_id)
    assert made.state is OutputState.READY
    end = made.expires_at
    assert end is not None
    for moment, state in ((end - timedelta(minutes=1), OutputState.READY), (end, OutputState.WIPED)):
        woken(desk.shop.engine, "wipe_outputs", moment)
        run_worker(make_app(database_urls.app), desk.shop.engine, shop=desk.shop)
        assert desk.row(output_id).state is state
    assert not desk.archive(output_id).exists()
