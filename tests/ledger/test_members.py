"""The log as members meet it: a running service promises, merges and proves a report."""

import httpx
import pytest
from sarhad import transparency
from sarhad.keys import b64url_decode

from tests.awaiting import once_merged
from tests.exchange import Exchange, heroin


def test_a_report_is_merged_within_its_promise_and_proven_offline(exchange: Exchange) -> None:
    client = exchange.client("KZ-CUS")
    receipt = client.submit(exchange.sign(heroin()))
    log_key = transparency.LogKey(client.service()["logs"]["records"], client.service_key.key)
    promised = transparency.open_receipt(receipt.receipt, client.service_key)
    document = once_merged(lambda: client.proof(receipt.id), promised.mmd)
    seen, checkpoint = transparency.verify_receipt_bundle(
        b64url_decode(receipt.digest),
        receipt.receipt,
        transparency.parse_inclusion(document),
        str(document["checkpoint"]),
        service_key=client.service_key,
        log_key=log_key,
    )
    assert (seen.sub, seen.ver) == (receipt.id, receipt.version)
    assert transparency.open_checkpoint(client.checkpoint(), log_key).size >= checkpoint.size


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "proof?leaf=" + "A" * 43, "consistency?from=0&to=0"])
def test_the_log_is_for_members_only(path: str, exchange: Exchange) -> None:
    answer = httpx.get(f"{exchange.settings.origin}/v1/log/records/{path}")
    assert answer.status_code == 401
