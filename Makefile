# The same verbs as `cargo xtask`, for people who type make.
.PHONY: help perf test lint

help:
	@echo "make perf   the whole performance job on the bundled service"
	@echo "make test   every test; sets up what they need"
	@echo "make lint   formatting, clippy, docs, workflows"

perf:
	cargo xtask perf

test:
	cargo xtask test

lint:
	cargo xtask lint
