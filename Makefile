# Thin on purpose: what a target does is in tests/run and tests/bed. `make help` lists the targets.
.DEFAULT_GOAL := help
.PHONY: help demo bench faults venv tables lock check molecule test clean new-module new-role new-playbook

PY := .venv/bin/python
# Nothing here needs an activated environment; tools that call one another find themselves in it.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# Ansible would compile itself anew in each command, which is as long as all else that it does before the first task.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z -]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## the tour: ship, ship under load, catch a broken version, roll back; on three hosts
	@tests/bed/prepare
	@tests/run/venv
	@$(PY) examples/demo.py

bench: ## cost of a deploy and a rollback as ratios of a ping, on ten hosts; B=canary and the like for others
	@tests/bed/prepare
	@tests/run/venv
	@$(PY) tests/bench/$(or $(B),deploy).py

faults: ## faults at every point of a deploy, on three hosts under load; FAULT=n[,m] for some of them
	@tests/bed/prepare
	@tests/run/venv
	@$(PY) tests/faults --only "$(FAULT)"

venv: ## make or renew .venv from requirements/dev.txt
	@tests/run/venv

check: venv ## all checks without containers; STAGE=name runs one of them
	@$(PY) -m tests.run check $(STAGE)

molecule: venv ## one Molecule scenario in containers: S=name, C=command (default: test)
	@test -n "$(S)" || { echo "say which: make molecule S=one of: $$(ls molecule | grep -v '^_' | tr '\n' ' ')" >&2; exit 2; }
	@tests/bed/prepare
	@tests/bed/build-images.sh
	@tests/bed/molecule "$(S)" $(or $(C),test)

test: ## all that CI runs: prepare the machine, check, scenarios, integration; STAGE=name runs one
	@tests/bed/prepare --with browser
	@tests/run/venv
	@$(PY) -m tests.run test $(STAGE)

tables: venv ## write the tables of variables in docs/ and in the roles' READMEs anew
	@$(PY) -m tests.run.tables

new-module new-role new-playbook: venv ## write the files that one begins with: NAME=x
	@test -n "$(NAME)" || { echo "say its name: make $@ NAME=disk_info" >&2; exit 2; }
	@$(PY) -m tests.run.skeleton $(@:new-%=%) "$(NAME)"

lock: venv ## renew requirements/*.txt after a change in their .in; UPGRADE=1 takes the newest versions
	@tests/run/lock $(if $(UPGRADE),--upgrade)

clean: ## remove what was made here; containers of the test bed stay
	rm -rf .venv .cache .ansible .mypy_cache .ruff_cache .pytest_cache .hypothesis
