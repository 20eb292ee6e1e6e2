"""A shop that takes orders and really fails: `shop.py LOG FIRST LAST PAUSE` logs to LOG, then crashes."""

import json
import logging
import pathlib
import sys
import time


class PaymentDeclined(RuntimeError):
    """The bank says no."""


def charge(order: int, card: str) -> dict[str, object]:
    try:
        return json.loads(card)
    except ValueError as error:
        raise PaymentDeclined(f"order {order}: card can't be read") from error


def main() -> None:
    path, first, last, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=path, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    log = logging.getLogger("shop")
    for order in range(first, last):
        log.info('10.0.0.%d "GET /healthz HTTP/1.1" 200 kube-probe/1.34', order % 250)
        log.info("order %d: %d items", order, order % 7 + 1)
        try:
            charge(order, '{"number": 4' if order % 3 == 0 else '{"number": 4}')
        except PaymentDeclined:
            log.exception("order %d failed", order)
        time.sleep(pause)
    stock: dict[str, int] = {}
    print(stock["apples"])


if __name__ == "__main__":
    main()
