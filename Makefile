.DEFAULT_GOAL := help
.PHONY: help setup demo test queries windows msi test-windows

help:
	@echo "make demo     a server with 100 simulated hosts and a mail catcher, on this machine"
	@echo "make test     formatting, lints, all tests, the console in a real browser"
	@echo "make setup    installs what demo and test need; both do that themselves"
	@echo "make windows  poolwatch-agent.exe"
	@echo "make msi      its installer, with poolwatch-agent.exe"
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

queries:
	@tools/setup.sh demo
	@tools/queries.sh

windows:
	@tools/windows/build.sh

msi:
	@tools/windows/msi.sh

test-windows:
	@tools/windows/test.sh
