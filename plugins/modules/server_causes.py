#!/usr/bin/python
"""Ansible module: what is wrong with an annotation server, most fundamental first."""

from __future__ import annotations

DOCUMENTATION = r"""
module: server_causes
short_description: Name what is wrong with an annotation server, and what to do
version_added: 0.1.0
description:
  - Looks at the host, Docker, CVAT's containers and their logs, the shared folder, the object storage, the models and
    the GPU, and names what is wrong, with the evidence, what follows from it, and the cure. What only follows from
    something else is not named as a cause of its own.
  - Reads only, leaves nothing behind, goes on when a part does not answer, and ends within a minute.
  - Secrets are taken out of every text that is returned.
options:
  secrets_dir:
    description: Folder of the secret files.
    type: path
    default: /etc/annotation-server/secrets
  state_dir:
    description: Folder with the results of the stages.
    type: path
    default: /var/lib/annotation-server
  cvat_dir:
    description: CVAT's source tree, with C(.env) and the override file.
    type: path
    required: true
  share_dir:
    description: The shared folder.
    type: path
    default: /mnt/share
  functions_dir:
    description: Folder of the models' sources and logs.
    type: path
    default: /opt/annotation-server/functions
  nuctl:
    description: Nuclio's program.
    type: path
    default: /opt/annotation-server/bin/nuctl
  host:
    description: Name under which people open CVAT.
    type: str
    default: localhost
  extra_hosts:
    description: Further ones.
    type: list
    elements: str
    default: []
  url:
    description: Address of CVAT as the server reaches it.
    type: str
    default: http://127.0.0.1:8080
  ca_path:
    description: File with the authority's certificate for https. Empty uses the system's authorities.
    type: path
  user:
    description: A superuser of CVAT, whose password is the secret C(cvat_superuser_password).
    type: str
    default: admin
  bucket:
    description: The bucket that CVAT uses. Empty without an object storage.
    type: str
    default: ""
  object_storage_dir:
    description: The object storage's folder.
    type: path
    default: /mnt/minio-data
  endpoint:
    description: Address of the object storage as the server reaches it.
    type: str
    default: http://127.0.0.1:9000
  endpoint_inside:
    description: Address of the object storage as CVAT's containers see it.
    type: str
    default: http://minio:9000
  network:
    description: The network of CVAT's containers.
    type: str
    default: cvat_cvat
  subnet:
    description: Its addresses.
    type: str
    default: 172.20.0.0/24
  models:
    description: Models that should be deployed.
    type: list
    elements: str
    default: []
  control_time:
    description: Seconds since 1970 by the control node's clock; 0 for no comparison.
    type: float
    default: 0
attributes:
  check_mode:
    support: full
    description: Nothing is ever changed.
  diff_mode:
    support: none
    description: There is nothing to compare.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: What is wrong?
  annotation.server.server_causes:
    cvat_dir: /opt/annotation-server/cvat/v2.80.0
    bucket: cvat-storage
    models: [sam2]
  register: found
"""

RETURN = r"""
causes:
  description: What is wrong, most fundamental first; what only threatens (C(risk)) at the end.
  type: list
  elements: dict
  returned: success
  sample:
    - key: container.stopped.nuclio
      problem: nuclio (Nuclio's dashboard, through which CVAT reaches every model) does not run.
      evidence: ["docker ps: nuclio is exited (code 137), since 2026-11-25 18:00:00 UTC"]
      effect: CVAT's page Models is empty, and AI tools answer 503.
      consequences: [CVAT cannot list its models.]
      cure: docker start nuclio; if it ends again, 'docker logs nuclio' says why. site.yml --tags cvat starts all.
      risk: false
text:
  description: The same as lines for people.
  type: list
  elements: str
  returned: success
facts:
  description: What was seen, from which the same rules find the same causes again.
  type: dict
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import cause_facts, causes, diagnosis, questions
from ansible_collections.annotation.server.plugins.module_utils.cause_rules import RULES


def main() -> None:
    """Look, judge, and say it without secrets."""
    module = AnsibleModule(
        argument_spec={
            "secrets_dir": {"type": "path", "default": "/etc/annotation-server/secrets", "no_log": False},
            "state_dir": {"type": "path", "default": "/var/lib/annotation-server"},
            "cvat_dir": {"type": "path", "required": True},
            "share_dir": {"type": "path", "default": "/mnt/share"},
            "functions_dir": {"type": "path", "default": "/opt/annotation-server/functions"},
            "nuctl": {"type": "path", "default": "/opt/annotation-server/bin/nuctl"},
            "host": {"type": "str", "default": "localhost"},
            "extra_hosts": {"type": "list", "elements": "str", "default": []},
            "url": {"type": "str", "default": "http://127.0.0.1:8080"},
            "ca_path": {"type": "path"},
            "user": {"type": "str", "default": "admin"},
            "bucket": {"type": "str", "default": ""},
            "object_storage_dir": {"type": "path", "default": "/mnt/minio-data"},
            "endpoint": {"type": "str", "default": "http://127.0.0.1:9000"},
            "endpoint_inside": {"type": "str", "default": "http://minio:9000"},
            "network": {"type": "str", "default": "cvat_cvat"},
            "subnet": {"type": "str", "default": "172.20.0.0/24"},
            "models": {"type": "list", "elements": "str", "default": []},
            "control_time": {"type": "float", "default": 0},
        },
        supports_check_mode=True,
    )
    given = dict(module.params)
    for name in ("secrets_dir", "state_dir", "functions_dir"):
        given[name] = Path(given[name])
    server = cause_facts.Server(ask=questions.ask, **given)
    facts, variables = cause_facts.gather(server)
    redact = diagnosis.redactor(server.secrets_dir, variables)
    found = causes.find(facts, RULES)
    module.exit_json(
        changed=False,
        causes=redact.everywhere([finding.as_dict() for finding in found]),
        text=redact.everywhere(causes.in_words(found)),
        facts=redact.everywhere(facts),
    )


if __name__ == "__main__":
    main()
