"""DPM books on a server of their own: cancelled, gone on with."""

import httpx

from tests.api.conftest import serving
from tests.api.test_dpm_books import done, refused, submit
from tests.rebalance.book_desk import book_body


def test_a_book_can_be_cancelled_and_gone_on_with(tmp_path):
    with serving(data_dir=tmp_path) as url, httpx.Client(base_url=url, timeout=60) as client:
        book = submit(client, book_body(range(2_000)))
        client.delete(book["status_url"]).raise_for_status()
        ended = done(client, book)
        assert (ended["status"], ended["error"]["code"]) == ("cancelled", "JOB_CANCELLED")
        assert ended["pending_count"] > 0
        refused(client.get(book["blocks_url"]), 409, "DPM_BOOK_NOT_COMPLETED")
        assert client.get(book["accounts_url"]).status_code == 200
        client.post(f"{book['status_url']}/resume").raise_for_status()
        ended = done(client, book, seconds=60)
        assert (ended["status"], ended["status_counts"]["READY"], ended["pending_count"]) == ("completed", 2_000, 0)
        refused(client.post(f"{book['status_url']}/resume"), 409, "JOB_NOT_RESUMABLE")
        last = client.get(f"{book['accounts_url']}/pf-1999").json()
        assert last["lineage"]["portfolio_snapshot_id"] == "pf-1999"
