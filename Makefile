# Everything a contributor runs. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT  ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X github.com/custom-pod-autoscaler/autoscaler/v3/internal/version.Version=$(VERSION) \
	-X github.com/custom-pod-autoscaler/autoscaler/v3/internal/version.Commit=$(COMMIT)
MODULES := . test
REGISTRY  ?= custompodautoscaler
PLATFORMS ?= linux/amd64,linux/arm64
# The images by their names; those of a Python are the image python with that one.
IMAGES    := operator python python-3-12 python-3-13 python-3-14 alpine plain
# The programs of the test cluster; they are built just so, and what is built once is not built again.
COMPONENTS := test/cluster/components
# What a run of bench has measured: .json, and .txt for benchstat.
BENCH      ?= $(CURDIR)/bin/bench
# The Go toolchain is the one that go.mod names, whatever the machine has: its standard library has the fixes that we need.
export GOTOOLCHAIN ?= auto
# The vulnerabilities that are known: a version of the Go vulnerability database, or latest.
VULNDB     ?= v0.0.0-20261105234957-e22db6528018
HELM       := go tool -modfile=$(CURDIR)/tools/helm/go.mod helm

##@ Use

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build the programs, and the plugin of kubectl, into bin/
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...
	ln -sf custom-pod-autoscaler bin/kubectl-cpa # by its name it is the plugin of kubectl
	ln -sf custom-pod-autoscaler bin/kubectl_complete-cpa # and completes it

.PHONY: images
images: ## Build the images for all platforms, with docker buildx; IMAGES_FLAGS=--push sends them to REGISTRY
	for image in $(IMAGES); do \
		stage=$${image%%-*} && python=$$(echo $${image#python} | sed -n 's/^-\([0-9]*\)-\([0-9]*\)$$/--build-arg PYTHON=\1.\2/p') && \
		docker buildx build --platform $(PLATFORMS) --build-arg VERSION=$(VERSION) --build-arg COMMIT=$(COMMIT) $$python \
			--target $$stage --file images/Dockerfile --tag $(REGISTRY)/$$image:$(VERSION) $(IMAGES_FLAGS) .; \
	done

# A recipe that somebody ends by Ctrl-C is none that failed.
OR_INTERRUPTED := || { code=$$?; test $$code -eq 130 || exit $$code; }

.PHONY: simulate
simulate: ## Watch the example follow a load in a simulated cluster, for some seconds
	@test/setup simulate
	@echo "building custom-pod-autoscaler (the first time for about two minutes)"
	@CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/custom-pod-autoscaler
	@cd examples/k8s-metrics-cpu && ../../bin/custom-pod-autoscaler simulate --config config.yaml --simulation simulation.yaml $(OR_INTERRUPTED)

.PHONY: demo
demo: cluster-build ## Watch the autoscaler follow a load on a real control plane, for about two minutes
	@echo "building the demo and the autoscaler (the first time for about two minutes); then it takes two minutes"
	@cd test && go build -o ../bin/test-demo ./demo
	@cd test && ../bin/test-demo $(OR_INTERRUPTED)

.PHONY: cluster
cluster: cluster-build ## Start a real control plane and keep it until Ctrl-C
	@cd test && go build -o ../bin/test-cluster ./cluster/cmd/cluster
	@cd test && ../bin/test-cluster $(OR_INTERRUPTED)

##@ Develop

.PHONY: test
test: test-unit test-e2e ## Run all tests: rooms, programs and the real cluster, with the race detector

.PHONY: test-unit
test-unit: ## Run the tests of the rooms and of the programs
	test/setup test
	go test -race -timeout 20m ./...

.PHONY: test-e2e
test-e2e: cluster-build ## Run the tests on the real cluster
	test/setup test
	cd test && go test -race -count=1 -p 1 -timeout 30m ./... # one suite, and so one cluster, after the other; a cached pass would know nothing of the program's code

.PHONY: chaos
chaos: cluster-build ## Kill what runs, again and again, and look for what is lost or doubled, for about half an hour
	cd test && CHAOS_ROUNDS=60 go test -race -count=1 -timeout 90m -run '^TestChaos' ./suites/operator

# Inputs are minimized only once: the coverage of code that ranges over maps varies, and minimizing would take all the time.
.PHONY: fuzz
fuzz: ## Fuzz every parser for FUZZTIME, two minutes if it is not set
	@git grep -o '^func Fuzz[A-Za-z]*' -- '*_test.go' | while IFS=: read -r file target; do \
		target=$${target#func } && echo "fuzzing $$target" && \
		go test ./$${file%/*} -run '^$$' -fuzz "^$$target\$$" -fuzztime $(or $(FUZZTIME),2m) -fuzzminimizetime 1x || exit; \
	done

.PHONY: cluster-build
cluster-build: ## Build the real control plane, about 13 minutes on two cores the first time
	@cd test && go run ./cluster/cmd/cluster build

.PHONY: bench
bench: bench-rooms cluster-build ## Measure passes over 10, 500 and 5,000 pods on the real cluster, for about eight minutes
	mkdir -p bin
	cd test && go run ./bench -json $(BENCH).json -text $(BENCH).txt

.PHONY: bench-quick
bench-quick: cluster-build ## Measure passes over 10 and 500 pods, for about three minutes
	mkdir -p bin
	cd test && go run ./bench -pods 10,500 -passes 10 -budget 5s -json $(BENCH).json -text $(BENCH).txt

.PHONY: bench-compare
bench-compare: ## Compare two runs of bench: OLD=bin/before.txt NEW=bin/bench.txt
	go tool -modfile=tools/go.mod benchstat $(OLD) $(NEW)

.PHONY: bench-rooms
bench-rooms: ## Run the benchmarks of the rooms
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: bench-operator
bench-operator: cluster-build ## Give the operator a thousand objects, for about fifteen minutes
	cd test && go test -run '^$$' -bench AThousandObjects -benchtime 1x -timeout 60m ./suites/operator

##@ Verify

.PHONY: verify
verify: verify-format verify-vet verify-lint verify-modules verify-chart verify-vulnerabilities ## Check all that is not a test

.PHONY: verify-format
verify-format: ## Check that the code is formatted
	@files=$$(gofmt -l .); test -z "$$files" || { echo "not formatted (make update-format):"; echo "$$files"; exit 1; }

.PHONY: update-format
update-format: ## Format the code
	gofmt -w .

.PHONY: verify-vet
verify-vet: ## Run go vet
	for module in $(MODULES); do (cd $$module && go vet ./...); done
	cd $(COMPONENTS) && CGO_ENABLED=0 go vet -trimpath -buildvcs=false ./...

.PHONY: verify-lint
verify-lint: ## Run staticcheck
	for module in $(MODULES); do (cd $$module && go tool -modfile=$(CURDIR)/tools/go.mod staticcheck ./...); done

.PHONY: verify-vulnerabilities
verify-vulnerabilities: ## Check that the programs call nothing with a known vulnerability; VULNDB=latest asks for today's
	database=$$(go mod download -json golang.org/x/vulndb@$(VULNDB) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p') && \
		go tool -modfile=tools/go.mod govulncheck -db "file://$$database/data/osv" ./...

.PHONY: verify-modules
verify-modules: ## Check that go.mod and go.sum say what the code uses
	for module in $(MODULES) $(COMPONENTS) tools tools/helm; do (cd $$module && go mod tidy -diff); done

.PHONY: verify-chart
verify-chart: ## Check the operator's chart, and what is generated of it
	for values in charts/testdata/*.yaml; do $(HELM) lint --strict --quiet charts/custom-pod-autoscaler-operator --values $$values; done
	go test ./charts

.PHONY: update-manifest
update-manifest: ## Write anew what the chart and the manifest have of elsewhere
	go test ./charts -run Generated -update

.PHONY: update-version
update-version: ## Write the version that internal/version says wherever else it is said
	go test . -run OnePlaceSaysTheVersion -update
	$(MAKE) --no-print-directory update-manifest

.PHONY: update-performance
update-performance: ## Write what bench measured last into docs/performance.md
	cd test && go run ./bench -from $(BENCH).json -update-docs ../docs/performance.md

.PHONY: update-docs
update-docs: ## Write anew what is generated: references, the definition of CustomPodAutoscaler, deep copies
	go test ./api/v1 -run Generated -update
	go test ./api/v1 ./internal/config ./internal/report -run Reference -update
	$(MAKE) --no-print-directory update-manifest # the chart has the definition, too
