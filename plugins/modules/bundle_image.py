#!/usr/bin/python
"""Ansible module: an image in a bundle."""

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_image
short_description: Bring an image into a bundle
version_added: 0.2.0
description:
  - Keeps a folder of images (an OCI image layout). An image comes from its registry, byte for byte, so that its digest
    stays true, or from the Docker Engine of this machine when it was made here. What is there is not brought again.
options:
  path:
    description: The folder.
    type: path
    required: true
  name:
    description: What the image is called in the folder, with its tag, and with a digest when it must be that one.
    type: str
  source:
    description: What its registry calls it, for example V(mirror.example:5000/postgres:15-alpine). Not for O(made).
    type: str
  made:
    description: Name of the image in the engine of this machine, which made it.
    type: str
  insecure_registries:
    description: Registries that speak plain HTTP.
    type: list
    elements: str
    default: []
  keep:
    description: Instead of bringing an image, forget all but these, with what only they consisted of.
    type: list
    elements: str
attributes:
  check_mode:
    support: none
    description: It is meant for a machine on which nothing is at stake.
  diff_mode:
    support: none
    description: Images are not shown.
author:
  - The annotation.server authors
"""

EXAMPLES = r"""
- name: Bring an image
  annotation.server.bundle_image:
    path: /srv/bundle/images
    name: postgres:15-alpine
    source: mirror.example/postgres:15-alpine
"""

RETURN = r"""
forgotten:
  description: With O(keep), the names of the images that were forgotten.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.annotation.server.plugins.module_utils import image_names, image_registry
from ansible_collections.annotation.server.plugins.module_utils.image_layout import Layout, LayoutError
from ansible_collections.annotation.server.plugins.module_utils.nuclio_cli import Docker, last_lines
from ansible_collections.annotation.server.plugins.module_utils.resumable_download import DownloadError


def bring(layout: Layout, name: str, source: str, insecure: list[str]) -> bool:
    """Bring an image from its registry."""
    host = image_names.parse(source).place()[0]
    return layout.fetch(name, source, image_registry.Registry(host, insecure))


def take(layout: Layout, name: str, made: str, docker: Docker) -> bool:
    """Take an image from the engine of this machine."""
    layers = docker.image_layers(made)
    if not layers:
        raise LayoutError(f"Docker has no image {made} on this machine.")

    def save(path: Path) -> None:
        answer = docker("save", "--output", str(path), made, timeout=7200)
        if answer.rc != 0:
            raise LayoutError(f"docker save {made}: {last_lines(answer.text, 5)}")

    return layout.take(name, layers, save)


def main() -> None:
    """Bring, take or forget."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "name": {"type": "str"},
            "source": {"type": "str"},
            "made": {"type": "str"},
            "insecure_registries": {"type": "list", "elements": "str", "default": []},
            "keep": {"type": "list", "elements": "str"},
        },
        required_one_of=[["source", "made", "keep"]],
        mutually_exclusive=[["source", "made", "keep"]],
        required_by={"source": ["name"], "made": ["name"]},
    )
    params = module.params
    layout = Layout(Path(params["path"]))
    forgotten: list[str] = []
    try:
        if params["keep"] is not None:
            forgotten = layout.keep({image_names.parse(name).name for name in params["keep"]})
            changed = bool(forgotten)
        elif params["made"]:
            changed = take(layout, params["name"], params["made"], Docker())
        else:
            changed = bring(layout, params["name"], params["source"], params["insecure_registries"])
    except (LayoutError, DownloadError, image_registry.RegistryError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"Cannot read or write {error.filename}: {error.strerror or error}.")
    module.exit_json(changed=changed, forgotten=forgotten)


if __name__ == "__main__":
    main()
