# `make demo` and `make test` set up everything they need; the other targets are for those who change something.
.DEFAULT_GOAL := help
.PHONY: help demo demo-down bundle test lint unit molecule docs sbom audit lock

venv := .venv/bin

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

demo: ## a throw-away annotation server on this machine, provisioned and checked
	@demo/up

demo-down: ## remove the demo and everything it made
	@demo/down

bundle: ## everything for a server without internet, in one folder: make bundle i=inventories/lab [o=/srv/bundle]
	@demo/python --version >/dev/null
	@ANSIBLE_CACHE_PLUGIN=memory $(venv)/ansible-playbook -i $(or $(i),$(error which inventory? make bundle i=inventories/lab)) \
		playbooks/make_bundle.yml $(if $(o),-e annotation_server_bundle=$(abspath $(o))) $(a)

test: .venv/dev ## everything the project checks about itself (about an hour)
	@tests/run

lint: .venv/dev ## ansible-lint, yamllint, ruff, mypy, changelog, generated READMEs
	@tests/lint

unit: .venv/dev ## unit tests of plugins, stand-ins and tools
	@$(venv)/pytest tests/unit

molecule: .venv/dev ## scenarios on throw-away hosts: make molecule s=cvat, or all
	@tests/run $(if $(s),hosts molecule:$(s),hosts $(patsubst molecule/%/molecule.yml,molecule:%,$(wildcard molecule/*/molecule.yml)))

docs: .venv/dev ## write the option tables in the READMEs of the roles anew
	@for role in roles/*/; do $(venv)/aar-doc "$$role" markdown; done

sbom: .venv/dev ## what the control node and the models' image are made of, as CycloneDX, into .cache/sbom
	@mkdir -p .cache/sbom
	@$(venv)/cyclonedx-py requirements requirements.txt --output-file .cache/sbom/control-node.cdx.json
	@cat functions/sam2/nuclio/build/requirements*.txt | $(venv)/cyclonedx-py requirements - --output-file .cache/sbom/sam2.cdx.json
	@ls .cache/sbom/*

audit: .venv/dev ## ask PyPI's advisory database about every Python package; ends with an error where it cannot ask
	@PATH="$(CURDIR)/$(venv):$$PATH" $(venv)/python tests/audit.py

.venv/dev: requirements.txt requirements-dev.txt
	@demo/python --version >/dev/null
	@$(venv)/pip install -qq --disable-pip-version-check -r requirements-dev.txt
	@touch $@

lock: ## pin what requirements*.in name, and all that they need, with hashes
	@python3 -m venv .cache/lock && .cache/lock/bin/pip install -qq --disable-pip-version-check uv
	@for name in requirements requirements-dev; do UV_CUSTOM_COMPILE_COMMAND="make lock" .cache/lock/bin/uv pip compile \
		--quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --output-file $$name.txt $$name.in; done
	@rm -rf .cache/lock
