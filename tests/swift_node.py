"""A whole OpenStack Swift in one process: proxy with the S3 API, account, container and object server.

The system's Python runs it, with Debian's python3-swift: `python3 swift_node.py FOLDER PORT`.
Everything is in FOLDER; a node that is killed and started again with it has what was confirmed before.
"""

from __future__ import annotations

import array
import os
import sys
from pathlib import Path

KEY, SECRET = "test:tester", "testing"
DEVICE = "disk"

PROXY = """
[DEFAULT]
swift_dir = {folder}
[pipeline:main]
pipeline = catch_errors gatekeeper listing_formats bulk s3api tempauth copy
    slo dlo versioned_writes symlink proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true
node_timeout = 20
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
dns_compliant_bucket_names = true
allow_multipart_uploads = true
check_bucket_owner = false
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = testing .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
[filter:dlo]
use = egg:swift#dlo
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
allow_object_versioning = true
[filter:symlink]
use = egg:swift#symlink
"""
SERVER = """
[DEFAULT]
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
[pipeline:main]
pipeline = {kind}
[app:{kind}]
use = egg:swift#{kind}
"""


class NoCache:
    """What Swift asks of memcached, and finds nothing there."""

    def get(self, *_: object, **__: object) -> None: ...
    def set(self, *_: object, **__: object) -> None: ...
    def delete(self, *_: object, **__: object) -> None: ...


def main(folder: Path, port: int) -> None:
    """Run the node; print the port that it has taken."""
    import eventlet

    eventlet.monkey_patch()
    import eventlet.wsgi
    from swift.common import utils

    (folder / "devices" / DEVICE).mkdir(parents=True, exist_ok=True)
    conf = folder / "swift.conf"
    conf.write_text(
        "[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = one\ndefault = yes\n"
    )
    utils.SWIFT_CONF_FILE = str(conf)
    utils.validate_configuration()
    from swift.common import storage_policy, wsgi

    storage_policy.reload_storage_policies()
    kinds = {"account": "account", "container": "container", "object": "object"}
    listeners = {kind: eventlet.listen(("127.0.0.1", 0)) for kind in kinds}
    for kind, listener in listeners.items():
        _ring(folder / f"{kind}.ring.gz", listener.getsockname()[1])
    pool = eventlet.GreenPool()
    log = open(os.devnull, "w")  # noqa: SIM115, PTH123
    for kind, listener in listeners.items():
        path = folder / f"{kind}.conf"
        path.write_text(SERVER.format(folder=folder, kind=kind))
        pool.spawn(eventlet.wsgi.server, listener, wsgi.loadapp(str(path)), log)
    path = folder / "proxy.conf"
    path.write_text(PROXY.format(folder=folder))
    app = wsgi.loadapp(str(path))
    listener = eventlet.listen(("127.0.0.1", port))
    print(listener.getsockname()[1], flush=True)
    eventlet.wsgi.server(listener, lambda env, start: app({**env, "swift.cache": NoCache()}, start), log)


def _ring(path: Path, port: int) -> None:
    from swift.common.ring import RingData

    device = {
        "id": 0,
        "region": 1,
        "zone": 1,
        "ip": "127.0.0.1",
        "port": port,
        "device": DEVICE,
        "weight": 1.0,
    }
    device |= {"replication_ip": "127.0.0.1", "replication_port": port, "meta": ""}
    RingData([array.array("H", [0, 0])], [device], 31).save(str(path))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
