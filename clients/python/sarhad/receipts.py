"""Whether what the service answered is a receipt for what was sent. Nothing counts as delivered before."""

from sarhad import records, transparency
from sarhad.keys import PublicKey, b64url
from sarhad.models import Receipt
from sarhad.transparency import ReceiptMismatch


def check(signed: str, receipt: Receipt, service_key: PublicKey) -> transparency.Receipt:
    """The promise in `receipt`: signed by the service, for this very record, and the answer names no other.

    Raises BadReceipt or ReceiptMismatch.
    """
    promised = transparency.open_receipt(receipt.receipt, service_key)
    record = records.read(signed)
    if b64url(promised.digest) != record.digest:
        raise ReceiptMismatch("The receipt is for another record.")
    if promised.leaf != transparency.committed_leaf(promised.salt, promised.digest):
        raise ReceiptMismatch("The leaf that the receipt names does not commit to the record.")
    named = (record.payload["jti"], record.payload["ver"])
    if (promised.sub, promised.ver) != named:
        raise ReceiptMismatch("The receipt names another record.")
    if (receipt.id, receipt.version, receipt.digest) != (*named, record.digest):
        raise ReceiptMismatch("The answer names another record.")
    return promised
