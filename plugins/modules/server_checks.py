#!/usr/bin/python
"""Run the functional checks of an annotation server, on the server itself."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_checks
short_description: Try what a user would try on a finished annotation server
version_added: 0.1.0
description:
  - Looks at the host (disks, memory, clock, what comes back after a reboot, open ports, age of the backup), at CVAT
    (containers, addresses, health, every name, signing in), at share and object storage (mounts, proxy, who may read
    what), and at the models (Nuclio's project, versions and addresses, GPU); makes a task and asks for masks.
  - With O(thorough=true) it also walks from pictures to exports. Tasks from share and bucket, automatic annotation by
    every detector, a prompt to every interactor, two pictures to every tracker, saving, and exports as COCO, YOLO,
    Pascal VOC and CVAT XML, which are read back and compared.
  - Goes on after a failure and returns every result. It fails only if it cannot run at all, so that the caller decides.
  - What it makes (files in the share, objects in the bucket, tasks and exports in CVAT) it removes again, and what an
    earlier run left that was killed.
author: The annotation.server authors
options:
  host:
    description: Name under which CVAT answers, sent as the Host header.
    type: str
    default: localhost
  url:
    description: Address of CVAT as the server reaches it. Empty means plain HTTP on O(port) of 127.0.0.1.
    type: str
    default: ""
  ca_path:
    description: File with the authority's certificate for https. Empty uses the system's authorities.
    type: path
  extra_hosts:
    description: Further names and addresses under which people open CVAT.
    type: list
    elements: str
    default: []
  address:
    description: Address of this host on which CVAT's port is. Empty means 127.0.0.1.
    type: str
    default: ""
  port:
    description: CVAT's port on this server.
    type: int
    default: 8080
  user:
    description: A superuser of CVAT.
    type: str
    default: admin
  secrets_dir:
    description:
      - Folder of the secret files. C(cvat_superuser_password) and, with a bucket, C(object_storage_root_*) are read.
    type: path
    required: true
  share_dir:
    description: The shared folder on this server.
    type: path
    required: true
  bucket:
    description: The bucket that CVAT uses. Empty when there is no object storage.
    type: str
    default: ""
  object_storage_url:
    description: Address of the object storage as CVAT's containers see it.
    type: str
    default: http://minio:9000
  object_storage_endpoint:
    description: Address of the object storage as this host reaches it.
    type: str
    default: http://127.0.0.1:9000
  object_storage_dir:
    description: Folder of the object storage, whose disk is looked at.
    type: path
    default: /mnt/minio-data
  extra_buckets:
    description: Further buckets that CVAT's key is meant to open.
    type: list
    elements: str
    default: []
  public_read:
    description: Whether everybody is meant to read objects of the bucket.
    type: bool
    default: false
  gpu_summary:
    description: File with what the stage gpu found and did. The GPU is checked only when it is there.
    type: path
    default: ""
  functions:
    description: Models that CVAT must list.
    type: list
    elements: str
    default: []
  interactor:
    description: The model that is asked for masks. Empty to leave that check out.
    type: str
    default: ""
  thorough:
    description: Whether to walk from pictures to exports, too.
    type: bool
    default: false
  open_ports:
    description: Ports that containers may open to other machines.
    type: list
    elements: int
    default: [8080]
  ip_range:
    description: Part of CVAT's network from which containers without an address of their own are numbered.
    type: str
    default: 172.20.0.128/25
  functions_guard:
    description: Whether models are meant to be kept from the dashboard and from the server's ports.
    type: bool
    default: true
  nuctl:
    description: The server's nuctl, whose version is compared. Empty leaves that out.
    type: path
    default: ""
  backup_report:
    description: What the last backup wrote.
    type: path
    default: /var/lib/annotation-server/backup.json
  backup_hours:
    description: Age in hours from which the last regular backup is too old.
    type: float
    default: 36
  control_time:
    description: The control node's clock, in seconds since 1970, to compare with. 0 leaves that out.
    type: float
    default: 0
  picture:
    description: A photo on this server to ask about, instead of the drawn star.
    type: path
    default: ""
  minimum_iou:
    description: Smallest acceptable agreement of the mask with the drawn star.
    type: float
    default: 0.0
attributes:
  check_mode:
    description: Does nothing in check mode, because the checks write into the running server.
    support: none
  diff_mode:
    description: There is nothing to compare.
    support: none
"""

EXAMPLES = r"""
- name: Check the server
  annotation.server.server_checks:
    host: cvat.example.org
    secrets_dir: /etc/annotation-server/secrets
    share_dir: /mnt/share
    bucket: cvat-storage
    functions: [sam2]
    interactor: sam2
  register: result
  no_log: true
"""

RETURN = r"""
form:
  description: C(quick) or C(thorough).
  type: str
  returned: always
state:
  description: The worst state of a check - C(failed), C(warning) or C(ok).
  type: str
  returned: always
summary:
  description: How many checks ended in which state.
  type: dict
  returned: always
  sample: {ok: 27, warning: 1, failed: 0, skipped: 1}
started:
  description: When the checks began, in UTC.
  type: str
  returned: always
ended:
  description: When they ended, in UTC.
  type: str
  returned: always
ended_epoch:
  description: The same in seconds since 1970, for programs that look at its age.
  type: int
  returned: always
seconds:
  description: How long they took.
  type: float
  returned: always
checks:
  description:
    - One entry per check, in order. C(state) is C(ok), C(warning) (works, but should be looked at), C(failed) or
      C(skipped).
  type: list
  elements: dict
  returned: always
  sample:
    - {group: CVAT, name: health, title: CVAT is healthy, state: ok, detail: "6 parts work", cure: "", seconds: 0.3}
versions:
  description: Versions that were seen.
  type: dict
  returned: always
containers:
  description: Image, state and address of each service.
  type: dict
  returned: always
latencies:
  description: How long each answer of a model took, in seconds.
  type: list
  elements: dict
  returned: always
exports:
  description: What was found in each export, and how long it took.
  type: list
  elements: dict
  returned: always
figures:
  description:
    - What each model answered, to be laid over its picture. C(overlay) is a C(data:) address of the mask or empty,
      C(shapes), C(points) and C(box) are pixels, C(frame) counts in RV(pictures).
  type: list
  elements: dict
  returned: always
pictures:
  description: The pictures that models were asked about, as C(data:) addresses.
  type: list
  elements: str
  returned: always
"""

import signal
import sys
import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils.server_tools import Server
from ansible_collections.annotation.server.plugins.module_utils.verification import Verification


def main() -> None:
    """Entry point of the module."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "default": "localhost"},
            "extra_hosts": {"type": "list", "elements": "str", "default": []},
            "address": {"type": "str", "default": ""},
            "port": {"type": "int", "default": 8080},
            "url": {"type": "str", "default": ""},
            "ca_path": {"type": "path"},
            "user": {"type": "str", "default": "admin"},
            "secrets_dir": {"type": "path", "required": True, "no_log": False},
            "share_dir": {"type": "path", "required": True},
            "bucket": {"type": "str", "default": ""},
            "extra_buckets": {"type": "list", "elements": "str", "default": []},
            "public_read": {"type": "bool", "default": False},
            "object_storage_url": {"type": "str", "default": "http://minio:9000"},
            "object_storage_endpoint": {"type": "str", "default": "http://127.0.0.1:9000"},
            "object_storage_dir": {"type": "path", "default": "/mnt/minio-data"},
            "gpu_summary": {"type": "path", "default": ""},
            "functions": {"type": "list", "elements": "str", "default": []},
            "interactor": {"type": "str", "default": ""},
            "thorough": {"type": "bool", "default": False},
            "open_ports": {"type": "list", "elements": "int", "default": [8080]},
            "ip_range": {"type": "str", "default": "172.20.0.128/25"},
            "functions_guard": {"type": "bool", "default": True},
            "nuctl": {"type": "path", "default": ""},
            "backup_report": {"type": "path", "default": "/var/lib/annotation-server/backup.json"},
            "backup_hours": {"type": "float", "default": 36},
            "control_time": {"type": "float", "default": 0},
            "picture": {"type": "path", "default": ""},
            "minimum_iou": {"type": "float", "default": 0.0},
        },
        supports_check_mode=False,
    )
    for signum in (signal.SIGTERM, signal.SIGHUP):
        # So that what was made is removed also when the run is ended, or the connection is lost.
        signal.signal(signum, lambda *_: sys.exit("The checks were ended before their end."))
    started = time.time()
    server = Server(module.run_command, module.params, module.no_log_values.add)
    try:
        verification = Verification(server, module.params)
    except OSError as problem:
        module.fail_json(msg=f"The checks cannot run: {problem}. Was site.yml run on this server?")
        return  # for readers and type checkers: fail_json does not come back
    verification.run()
    module.exit_json(changed=False, **verification.answer(started))


if __name__ == "__main__":
    main()
