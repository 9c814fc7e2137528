# Everything a newcomer needs is here; `make help` lists it.
GO ?= go
SERVICES := deploy/test/with-services

.DEFAULT_GOAL := help
.PHONY: help build demo test test-openstack chaos chaos-openstack verify generate prove bench bench-openstack clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

build: ## build bin/duoyun
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/duoyun ./cmd/duoyun

demo: build ## run the main job on embedded defaults and simulated clouds (ONCE=1: verify the end and exit)
	bin/duoyun demo $(if $(ONCE),--once) $(if $(LANG_EN),--lang en)

test: ## all tests: SQLite and PostgreSQL, memory and Redis, with -race
	$(SERVICES) deploy/test/run

test-openstack: build ## the conformance suite and the Suqian order on a real OpenStack
	deploy/test/openstack

chaos: ## the randomised proof: killed servers, raging clouds; ORDERS=10000 SEED=1 ENGINE=sqlite|postgres|both
	$(SERVICES) deploy/test/chaos

chaos-openstack: ## the same on a real OpenStack, through a fault proxy; ORDERS=200 SEED=1
	deploy/test/openstack chaos

verify: ## generated code, formatting, vet, static analysis, import rules
	deploy/test/verify

generate: ## regenerate the API's server from openapi/openapi.yaml
	$(GO) generate ./openapi/...

prove: ## explore the purchase protocol with up to FAULTS faults a run (default 3: some minutes)
	GOGC=400 DUOYUN_PROOF_FAULTS=$(or $(FAULTS),3) $(GO) test ./broker/proof -count=1 -timeout 3h -v

bench: build ## measure the main paths; results belong in docs/benchmarks.md
	PG_FSYNC=on $(SERVICES) deploy/test/bench

bench-openstack: build ## measure 50 servers on a real OpenStack against a bare loop
	PG_FSYNC=on $(SERVICES) deploy/test/openstack bench

clean: ## remove what was built
	rm -rf bin
